//! What a transport is to a client: something that opens exchanges.
//!
//! One request, the notifications that belong to it, one response (house 2.4). Dropping an [`Exchange`] cancels the
//! request in whatever way the transport has: a notification on a pipe, a closed response body on modern HTTP.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt};
use mcp_types::{Notification, Params, ProgressToken, RawJson, Request, RequestId, Revision, RpcError};

use crate::error::Error;
use crate::limits::Limits;

/// Opens exchanges with one server.
///
/// It is `dyn`-safe because a client holds whichever one its target needs. Implementors owe: an id that no request in
/// flight has (T-3), the deadlines of the request, an [`Exchange`] that ends with the response or an error and cancels
/// when it is dropped before. Callers owe: [`settle`](Self::settle) once the revision is known, and to read
/// [`inbound`](Self::inbound) of a legacy server, or its requests stay unanswered.
pub trait Transport: Send + Sync + 'static {
    /// Sends a request.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready withdraws the request.
    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Exchange, Error>>;

    /// Sends a notification; `params` may be absent.
    fn notify(&self, method: &'static str, params: Option<RawJson>) -> BoxFuture<'_, Result<(), Error>>;

    /// Answers a request of a legacy server.
    fn answer(&self, id: RequestId, outcome: Result<RawJson, RpcError>) -> BoxFuture<'_, Result<(), Error>>;

    /// Returns what the server sends outside every exchange; `Some` only the first time.
    fn inbound(&self) -> Option<BoxStream<'static, Incoming>>;

    /// Tells the transport which revision was agreed on; HTTP headers depend on it (HL-11).
    fn settle(&self, revision: Revision);

    /// Ends the connection: a session is deleted, a child process is waited for and then ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest of the ending to the drop of the transport, which does not wait.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What a server sends outside every exchange.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A request of a legacy server.
    Request(Request),
    /// A notification that belongs to no exchange.
    Notification(Notification),
}

/// A request to send, with what HTTP mirrors into headers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outgoing {
    /// The method.
    pub method: Cow<'static, str>,
    /// The parameters, an object; with the `_meta` that the era wants.
    pub params: RawJson,
    /// The revision the request is written in; `None` before one is agreed on.
    pub revision: Option<Revision>,
    /// What `Mcp-Name` says: the tool, the prompt, the resource or the task (H-7).
    /// `mcp-client` sets it for transports of HTTP only.
    pub name: Option<String>,
    /// `Mcp-Param-*` headers, already encoded (H-33).
    pub param_headers: Vec<(String, String)>,
    /// When to stop waiting.
    pub patience: Patience,
    /// Which notifications belong to the request, when the caller has looked at `params` already; otherwise a transport
    /// that has to know looks by itself.
    pub hearing: Option<Hearing>,
}

impl Outgoing {
    /// Makes a request with default patience and without headers.
    pub fn new(method: impl Into<Cow<'static, str>>, params: RawJson) -> Self {
        Self {
            method: method.into(),
            params,
            revision: None,
            name: None,
            param_headers: Vec::new(),
            patience: Patience::from(&Limits::default()),
            hearing: None,
        }
    }
}

/// By what a stream that carries many exchanges knows that a notification belongs to one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// The token that its progress comes under (P-50).
    pub token: Option<ProgressToken>,
    /// Whether it asks for log messages, which do not say whose they are (S-4).
    pub logs: bool,
}

impl From<&Params> for Hearing {
    fn from(params: &Params) -> Self {
        Self { token: params.meta().progress_token(), logs: params.meta().log_level().is_some() }
    }
}

/// How long to wait for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long to wait for the answer, or for the next notification of the exchange (V-21).
    pub idle: Duration,
    /// How long to wait in all, however much progress is reported.
    pub total: Duration,
}

impl From<&Limits> for Patience {
    fn from(limits: &Limits) -> Self {
        Self { idle: limits.request_timeout, total: limits.request_total }
    }
}

/// One request, the notifications that belong to it, and its response.
///
/// Dropping it before the response cancels the request.
pub struct Exchange {
    id: RequestId,
    events: Events,
}

/// Where the events of an exchange come from.
enum Events {
    /// There is only one, and it is here until it was taken.
    Answered(Option<Result<RawJson, RpcError>>),
    /// They are waited for.
    Awaited(BoxStream<'static, Result<Event, Error>>),
}

/// What happens in an exchange.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The server tells something about the request.
    Notification(Notification),
    /// The server answers; nothing follows.
    Response(Result<RawJson, RpcError>),
}

impl Exchange {
    /// Makes an exchange from its events. Dropping the stream must cancel the request.
    pub fn new(id: RequestId, events: impl Stream<Item = Result<Event, Error>> + Send + 'static) -> Self {
        Self { id, events: Events::Awaited(events.boxed()) }
    }

    /// Makes an exchange that is over: its response is there, and nothing came before it.
    pub fn answered(id: RequestId, outcome: Result<RawJson, RpcError>) -> Self {
        Self { id, events: Events::Answered(Some(outcome)) }
    }

    /// Returns the id that the request was sent under.
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// Returns the next event.
    ///
    /// # Errors
    ///
    /// Fails when the connection breaks or a deadline passes before the response; nothing follows an error.
    ///
    /// # Cancel safety
    ///
    /// No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Event, Error> {
        match &mut self.events {
            Events::Answered(outcome) => outcome.take().map(Event::Response).ok_or(Error::Closed),
            Events::Awaited(events) => events.next().await.unwrap_or(Err(Error::Closed)),
        }
    }

    /// Waits for the response and hands every notification before it to `observe`.
    ///
    /// # Errors
    ///
    /// Fails as [`next`](Self::next) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is made for every request"
    )]
    pub fn finish(
        mut self,
        mut observe: impl FnMut(Notification),
    ) -> impl Future<Output = Result<Result<RawJson, RpcError>, Error>> {
        async move {
            loop {
                match self.next().await? {
                    Event::Notification(notification) => observe(notification),
                    Event::Response(outcome) => return Ok(outcome),
                }
            }
        }
    }
}

impl Stream for Exchange {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.events {
            Events::Answered(outcome) => Poll::Ready(outcome.take().map(|outcome| Ok(Event::Response(outcome)))),
            Events::Awaited(events) => events.poll_next_unpin(cx),
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("id", &self.id).finish_non_exhaustive()
    }
}
