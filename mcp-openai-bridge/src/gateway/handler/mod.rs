//! What runs when a tool of the configuration is called.
