#![doc = include_str!("../README.md")]

mod client;
mod due;
pub mod era;
mod error;
pub mod header;
#[cfg(any(feature = "http-client", feature = "http-server"))]
pub mod http;
pub mod limits;
pub mod line;
#[cfg(feature = "pipe")]
pub mod memory;
mod outbox;
mod own_ids;
pub mod peer;
#[cfg(feature = "pipe")]
pub mod pipe;
#[cfg(feature = "process")]
pub mod process;
mod read_buffer;
#[cfg(feature = "http")]
pub mod replay;
mod secret;
mod service;
#[cfg(feature = "http")]
pub mod sse;
#[cfg(test)]
mod test_random;

pub use client::{Event, Exchange, Hearing, Incoming, Outgoing, Patience, Transport};
pub use error::{ChildExit, Deadline, Error, Fault, HttpFailure, Malformed};
pub use limits::Limits;
pub use outbox::{Closed, Notifier, Outbox, outbox};
pub use secret::Secret;
pub use service::{Answer, Call, Caller, Serve, Service};
