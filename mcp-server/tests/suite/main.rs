//! The server held against the numbered requirements of the specification, revision by revision.

mod handshake;
mod hostile;
mod kit;
mod lists;
mod prompts;
mod resources;
mod running;
mod subscriptions;
mod tools;
