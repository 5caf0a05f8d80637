//! Byte streams that carry one message per line: standard streams, sockets, in-memory pipes (specification:
//! *Transports*, stdio; S-1 to S-12).
//!
//! [`Pipe`] and [`stdio`] are ways in for a server, `Mux` (feature `mux`) is a transport for a client. All protocol is in the
//! [`Peer`](crate::peer::Peer); here are only the loops that read, write and wait for it.

#[cfg(feature = "mux")]
mod backlog;
mod lines;
#[cfg(feature = "mux")]
mod mux;
mod server;
mod stdio;
mod writer;

#[cfg(feature = "process")]
pub(crate) use mux::Mail;
#[cfg(feature = "mux")]
pub use mux::{Mux, Noise};
#[cfg(feature = "mux")]
pub(crate) use server::call;
pub use server::{AnyPipe, Pipe};
pub use stdio::{Stdio, stdio};

/// Returns whether a text that cannot be read as a message was more likely to be an answer than a question.
///
/// It decides about ids only: the two directions number their requests independently (P-2), so an error under the id
/// of an answer could be taken for the answer to another request.
fn looks_like_response(text: &[u8]) -> bool {
    let has = |name: &[u8]| text.windows(name.len()).any(|window| window == name);
    !has(br#""method""#) && (has(br#""result""#) || has(br#""error""#))
}
