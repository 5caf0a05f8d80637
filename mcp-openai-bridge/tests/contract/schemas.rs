//! Schemas: legal at every depth, and still what the server meant.
