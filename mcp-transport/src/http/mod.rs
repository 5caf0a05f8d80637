//! Streamable HTTP, both eras: the server and the client (specification: transports; H-1 to H-21, HL-1 to HL-18).
//!
//! What a message, a header or a status means is decided by pure code: [`era`](crate::era), [`header`](crate::header),
//! [`sse`](crate::sse) and the two `rules` modules here. The rest moves bytes. The surprising thing: of all HTTP libraries
//! only the vocabulary of `http` is in a public signature, so what speaks HTTP can change without a new version of this
//! crate.

#[cfg(feature = "http-client")]
pub mod client;
#[cfg(feature = "http-server")]
pub mod server;
#[cfg(feature = "tls")]
mod tls;
mod whole;

#[cfg(all(feature = "http-client", feature = "sse-r1"))]
pub use client::SseClient;
#[cfg(feature = "http-client")]
pub use client::{Fetch, FetchBody, HttpClient, HttpOptions};
#[cfg(feature = "http-server")]
pub use server::{Guard, Http, RouteBody, Routes};
#[cfg(feature = "tls")]
pub use tls::Tls;

/// How many headers hyper takes when it is told no number; a test of the server knows when this is no longer so.
const HYPER_HEADERS: usize = 100;
