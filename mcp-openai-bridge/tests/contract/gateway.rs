//! The gateway: its file, its endpoints, its keys.
