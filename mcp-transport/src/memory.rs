//! A server and its client in one process.
//!
//! What belongs to no session needs no pipe: a modern request is a call of the server where the client asks, and so
//! nothing is written, read or woken for one that is answered at once ([`Direct`]). A session needs both directions, and
//! has them over a pipe in memory. The bytes of that are those of a real one, so that a test over [`pair`] proves what a
//! pipe would (P-T2).
//!
//! The surprising thing: nobody has to stop the server; it ends when its client is gone.

#[cfg(feature = "mux")]
mod direct;
#[cfg(feature = "mux")]
mod exchange;

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::io::DuplexStream;

#[cfg(feature = "mux")]
use crate::era::Served;
use crate::limits::Limits;
use crate::pipe::Pipe;
#[cfg(feature = "mux")]
use crate::pipe::call::Starter;
use crate::service::{Serve as _, Service};

#[cfg(feature = "mux")]
pub use direct::Direct;

/// Makes a pipe in memory; what is written to one end is read from the other.
pub fn pair() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(PIPE_BYTES)
}

/// The way to a server in this process.
pub struct InProcess {
    service: Arc<dyn Resident>,
    limits: Limits,
}

impl InProcess {
    /// Takes the service that is to be reached, and the limits that it works within.
    pub fn serve<S: Service>(service: Arc<S>, limits: Limits) -> Self {
        Self { service, limits }
    }

    /// Starts to talk to the server.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[cfg(feature = "mux")]
    pub fn connect(self, limits: &Limits) -> Direct {
        Direct::new(self, limits)
    }

    /// Serves a pipe in memory and returns the client's end, to talk to the server in another way.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn into_stream(self) -> DuplexStream {
        let (client, server) = pair();
        tokio::spawn(self.service.serve_pipe(server, self.limits));
        client
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A service without its type, so that the way to it is compiled once.
trait Resident: Send + Sync {
    /// Serves one client over a pipe.
    fn serve_pipe(self: Arc<Self>, stream: DuplexStream, limits: Limits) -> BoxFuture<'static, ()>;

    /// Makes what starts calls.
    #[cfg(feature = "mux")]
    fn starter(self: Arc<Self>, limits: &Limits) -> Starter;

    #[cfg(feature = "mux")]
    fn served(&self) -> Served;
}

impl<S: Service> Resident for S {
    fn serve_pipe(self: Arc<Self>, stream: DuplexStream, limits: Limits) -> BoxFuture<'static, ()> {
        let (reader, writer) = tokio::io::split(stream);
        Box::pin(async move {
            // Serving a pipe does not fail; it ends.
            let _ = Pipe::new(reader, writer).limits(limits).serve(self).await;
        })
    }

    #[cfg(feature = "mux")]
    fn starter(self: Arc<Self>, limits: &Limits) -> Starter {
        Starter::new(self, limits)
    }

    #[cfg(feature = "mux")]
    fn served(&self) -> Served {
        Service::served(self)
    }
}

/// As much as a pipe of the operating system holds.
const PIPE_BYTES: usize = 64 * 1024;
