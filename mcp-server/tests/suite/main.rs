//! The server held against the numbered requirements of the specification, revision by revision.

// The lint knows test functions, but not the functions that they share.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "sealing")]
mod asking;
mod handshake;
mod hostile;
mod kit;
mod lists;
mod prompts;
mod resources;
mod running;
mod subscriptions;
mod tasks;
mod tools;
#[cfg(not(feature = "sealing"))]
mod unsealed;
mod wire;
