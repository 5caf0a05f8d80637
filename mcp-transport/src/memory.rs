//! A server and its client in one process.
//!
//! The bytes are those of a real pipe, so that a test over it proves what a pipe would (P-T2). The surprising thing:
//! nobody has to stop the server; it ends when its client is gone.

use std::sync::Arc;

use tokio::io::DuplexStream;

use crate::limits::Limits;
#[cfg(feature = "mux")]
use crate::pipe::Mux;
use crate::pipe::Pipe;
use crate::service::{Serve, Service};

/// Makes a pipe in memory; what is written to one end is read from the other.
pub fn pair() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(PIPE_BYTES)
}

/// The client's end of a pipe to a server in this process.
#[derive(Debug)]
pub struct InProcess {
    stream: DuplexStream,
}

impl InProcess {
    /// Takes the client's end of a pipe whose other end is being served.
    pub fn new(stream: DuplexStream) -> Self {
        Self { stream }
    }

    /// Serves `service` in a task of its own and returns the way to it.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn serve<S: Service>(service: Arc<S>, limits: Limits) -> Self {
        let (client, server) = pair();
        let (reader, writer) = tokio::io::split(server);
        tokio::spawn(Pipe::new(reader, writer).limits(limits).serve(service));
        Self::new(client)
    }

    /// Starts to talk to the server.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[cfg(feature = "mux")]
    pub fn connect(self, limits: &Limits) -> Mux {
        Mux::over(self.stream, limits)
    }

    /// Returns the client's end, to talk to the server in another way.
    pub fn into_stream(self) -> DuplexStream {
        self.stream
    }
}

/// As much as a pipe of the operating system holds.
const PIPE_BYTES: usize = 64 * 1024;
