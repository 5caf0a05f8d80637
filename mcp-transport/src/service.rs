//! What a server is to a transport: something that answers one request.
//!
//! The exchange is the unit (house 2.4). A driver reads a message, [`era::classify`](crate::era::classify) decides what
//! it is, and what is left for the [`Service`] is a request of a known caller with a notifier beside it. Dropping the
//! future that [`Service::call`] returned is the cancellation, on every transport.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
#[cfg(feature = "pipe")]
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use mcp_types::{
    ClientCapabilities, Features, Implementation, LoggingLevel, Notification, RawJson, Request, Revision, RpcError,
};

use crate::era::Served;
use crate::era::legacy::Session;
use crate::error::Error;
use crate::outbox::Notifier;

/// What a request is answered with: an encoded result, or the error to report.
pub type Answer = Result<RawJson, RpcError>;

/// Answers requests, one at a time and any number at once.
///
/// Implementors owe: an answer for every method of the registry, *method not found* for what they do not offer, and
/// a future that stops its work when it is dropped. They need not check the envelope, the version or the era: a
/// [`Call`] exists only for a request that passed. Callers owe: to poll the future until it is ready or to drop it,
/// to read what the [`Notifier`] sends while they poll, and to send nothing for a dropped one. A panic in the future
/// is the caller's to catch; it is answered with *internal error*.
///
/// A wrong use is to move the work into a spawned task and answer from a channel: dropping the future would then no
/// longer cancel it.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request; nothing is sent for it afterwards.
    fn call(&self, call: Call) -> impl Future<Output = Answer> + Send;

    /// Takes note of a notification of a legacy session; cancellation and progress never come here.
    fn notify(&self, notification: Notification, caller: &Caller) {
        let _ = (notification, caller);
    }

    /// Returns the revisions that are served; drivers refuse every other.
    fn served(&self) -> Served {
        Served::default()
    }

    /// Returns what a legacy session is told outside every call, as encoded notifications: changes of lists and
    /// resources, the end of an elicitation.
    ///
    /// A driver asks once for each session, when it is initialized, and reads on whenever there is a way to the client:
    /// always on a pipe, while the standalone stream is open on HTTP (HL-6). The stream must bound what waits in it, and
    /// not hold the session, or neither would ever end.
    fn pushes(&self, session: &Arc<Session>) -> Option<BoxStream<'static, Bytes>> {
        let _ = session;
        None
    }

    /// Takes note that the way in which serves it is about to end; calls that wait for something to happen, such as
    /// subscriptions, are to be answered now (P-35).
    fn shutdown(&self) {}

    /// Serves one client over a byte stream until it is gone.
    ///
    /// Every service does it by this one line. A library that has one service writes the line once more: what serves a
    /// pipe is then compiled with the library, and not again in each program that uses it.
    #[cfg(feature = "pipe")]
    fn serve_pipe(self: Arc<Self>, pipe: crate::pipe::AnyPipe) -> BoxFuture<'static, ()>
    where
        Self: Sized,
    {
        pipe.serve(self)
    }

    /// Returns how the parameters of a tool are mirrored into HTTP headers, when some are (H-39).
    fn param_headers(&self, tool: &str) -> Option<Arc<crate::header::ParamHeaders>> {
        let _ = tool;
        None
    }
}

/// A way in for clients: standard streams, a byte stream, an HTTP listener.
pub trait Serve {
    /// Serves `service` until the peer is gone or the way in is shut down.
    ///
    /// # Errors
    ///
    /// Fails when the way in cannot be opened or breaks as a whole. A peer that misbehaves is no error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops serving at once; calls in flight are dropped.
    fn serve<S: Service>(self, service: Arc<S>) -> impl Future<Output = Result<(), Error>> + Send;
}

/// One request of a known caller.
#[derive(Debug)]
#[non_exhaustive]
pub struct Call {
    /// The request; its method exists in the caller's revision.
    pub request: Request,
    /// Who asks and what they can do.
    pub caller: Caller,
    /// Where notifications that belong to this request go.
    pub notifier: Notifier,
}

impl Call {
    /// Puts a call together.
    pub fn new(request: Request, caller: Caller, notifier: Notifier) -> Self {
        Self { request, caller, notifier }
    }
}

/// Who sends a request: what a modern request says of itself, or the session that a legacy one belongs to.
#[derive(Clone, Debug)]
pub struct Caller {
    identity: Identity,
}

#[derive(Clone, Debug)]
enum Identity {
    Modern(Arc<ModernCaller>),
    Legacy(Arc<Session>),
}

/// What a modern request says of its sender in `_meta`.
#[derive(Clone, Debug)]
pub(crate) struct ModernCaller {
    pub(crate) revision: Revision,
    pub(crate) capabilities: Declared,
    pub(crate) client_info: Option<RawJson>,
    pub(crate) log_level: Option<LoggingLevel>,
}

/// Capabilities as they were declared. Most requests need none of them, and those that do ask often: they are read once,
/// when they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    text: RawJson,
    /// Boxed, because it is much larger than what every request has, and seldom there.
    read: OnceLock<Box<ClientCapabilities>>,
}

impl From<RawJson> for Declared {
    fn from(text: RawJson) -> Self {
        Self { text, read: OnceLock::new() }
    }
}

impl Declared {
    fn read(&self) -> &ClientCapabilities {
        // The classifier has checked that it is an object; where a member is of a wrong type, nothing is declared.
        self.read.get_or_init(|| self.text.decode().unwrap_or_default())
    }
}

impl Caller {
    pub(crate) fn modern(caller: ModernCaller) -> Self {
        Self { identity: Identity::Modern(Arc::new(caller)) }
    }

    /// Makes the caller of a request that belongs to a legacy session.
    pub fn legacy(session: Arc<Session>) -> Self {
        Self { identity: Identity::Legacy(session) }
    }

    /// Returns the revision that the answer is written in.
    pub fn revision(&self) -> Revision {
        match &self.identity {
            Identity::Modern(caller) => caller.revision,
            Identity::Legacy(session) => session.revision(),
        }
    }

    /// Returns what may be written in an answer.
    pub fn features(&self) -> Features {
        self.revision().features()
    }

    /// Returns what the client can do for the server.
    pub fn capabilities(&self) -> ClientCapabilities {
        match &self.identity {
            Identity::Modern(caller) => caller.capabilities.read().clone(),
            Identity::Legacy(session) => session.capabilities(),
        }
    }

    /// Returns who the client says it is; for display and logs only (T-28).
    pub fn client_info(&self) -> Option<Implementation> {
        match &self.identity {
            Identity::Modern(caller) => caller.client_info.as_ref()?.decode().ok(),
            Identity::Legacy(session) => session.client_info(),
        }
    }

    /// Returns the least severe log message that the caller wants; `None` when it wants none (P-90, P-91).
    pub fn log_level(&self) -> Option<LoggingLevel> {
        match &self.identity {
            Identity::Modern(caller) => caller.log_level,
            Identity::Legacy(session) => session.log_level(),
        }
    }

    /// Returns the legacy session; `None` for a modern request, which has no memory.
    pub fn session(&self) -> Option<&Arc<Session>> {
        match &self.identity {
            Identity::Modern(_) => None,
            Identity::Legacy(session) => Some(session),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capabilities_of_a_request_are_read_once() {
        let declared = Declared::from(RawJson::parse(r#"{"roots":{},"sampling":{"tools":{}}}"#).unwrap());
        let first = declared.read();
        assert!(first.roots.is_some() && first.elicitation.is_none());
        assert!(std::ptr::eq(first, declared.read()), "the second time nothing is decoded");
    }

    #[test]
    fn capabilities_that_nobody_can_read_declare_nothing() {
        let declared = Declared::from(RawJson::parse(r#"{"roots":7}"#).unwrap());
        assert_eq!(*declared.read(), ClientCapabilities::default());
    }
}
