//! Strict mode: only where it changes nothing.
