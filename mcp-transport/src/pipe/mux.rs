//! Many exchanges over one byte stream: the client's end of a pipe.
//!
//! One task reads; who sends while nobody else waits also writes, as far as the stream takes it, and the task does the
//! rest: what several say at a time is one write. The surprising thing: every write is polled with the task's waker,
//! whoever does it, so a write that has to wait continues there.

mod driver;
mod state;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt as _};
use mcp_types::{Params, RawJson, RequestId, Revision, RpcError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;

use crate::client::{Event, Exchange, Hearing, Incoming, Outgoing, Transport};
use crate::error::{Deadline, Error};
use crate::limits::Limits;

use driver::Driver;
use state::{Phase, State};

/// A client's transport over a reader and a writer that carry one message per line.
///
/// Dropping it ends the connection at once; [`close`](Transport::close) sends first what is waiting.
///
/// Lines that are not messages are skipped and counted ([`noise`](Self::noise)). `ping` is always answered; other
/// requests of a legacy server go to [`inbound`](Transport::inbound), and while nobody takes that they are refused.
///
/// What an exchange was told and did not take is bounded by [`Limits::outbox_messages`] and [`Limits::outbox_bytes`].
/// When it is half full, reading pauses and the exchange has [`Limits::reader_turn`] to take all of it; if it does not,
/// it loses what does not fit, the oldest progress first, then the oldest log messages, then other notifications, until
/// it has caught up. A response is never lost. The same goes for [`inbound`](Transport::inbound).
pub struct Mux {
    shared: Arc<Shared>,
    limits: Limits,
    task: AbortHandle,
}

/// What arrived between the messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Noise {
    /// How many lines were not messages.
    pub lines: u64,
    /// The start of the first of them.
    pub first: Option<String>,
}

/// The state, between the task, the transport, the exchanges and the inbound stream.
pub(super) struct Shared {
    state: Mutex<State>,
}

impl Mux {
    /// Starts to read.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with time and, where the stream needs it, I/O enabled.
    pub fn new<R, W>(reader: R, writer: W, limits: &Limits) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let shared = Arc::new(Shared { state: Mutex::new(State::new(writer, limits)) });
        let driver = Driver::new(Arc::clone(&shared), reader, limits);
        let task = tokio::spawn(driver.run()).abort_handle();
        Self { shared, limits: limits.clone(), task }
    }

    /// Starts to read from a stream that goes both ways.
    ///
    /// # Panics
    ///
    /// Panics where [`new`](Self::new) does.
    pub fn over<S>(stream: S, limits: &Limits) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (reader, writer) = tokio::io::split(stream);
        Self::new(reader, writer, limits)
    }

    /// Returns what arrived between the messages.
    pub fn noise(&self) -> Noise {
        self.shared.lock().noise().clone()
    }

    /// Sends what is waiting, ends the writing side and waits for the server to end its own, for at most `grace`.
    pub(crate) async fn finish(&self, grace: Duration) {
        {
            let mut state = self.shared.lock();
            state.start_closing();
            state.write();
        }
        let ended = poll_fn(|cx| self.shared.lock().poll_ended(cx));
        let _ = tokio::time::timeout(grace, ended).await;
        self.end();
    }

    /// Ends the connection at once.
    pub(crate) fn end(&self) {
        self.task.abort();
        self.shared.lock().end();
    }

    /// Waits until the output has room, for at most `patience`.
    async fn room(&self, patience: Duration) -> Result<(), Error> {
        if self.shared.lock().has_room()? {
            return Ok(());
        }
        // Boxed, because it is rare and larger than all the rest.
        Box::pin(async {
            let room = poll_fn(|cx| self.shared.lock().poll_room(cx));
            match tokio::time::timeout(patience, room).await {
                Ok(result) => result,
                Err(_) => Err(Error::TimedOut(Deadline::Idle(patience))),
            }
        })
        .await
    }

    /// Sends a request, and returns what will arrive for it.
    pub(crate) async fn ask(&self, request: Outgoing) -> Result<Mail, Error> {
        let Outgoing { method, params, patience, hearing, .. } = request;
        let hearing = match hearing {
            Some(hearing) => hearing,
            None => Params::from_raw(params.clone())
                .map(|params| Hearing::from(&params))
                .map_err(|error| Error::config(format!("the parameters of `{method}` cannot be sent: {error}")))?,
        };
        self.room(patience.idle.min(patience.total)).await?;
        let id = self.shared.lock().open(&method, &params, hearing, patience, now())?;
        Ok(Mail { shared: Arc::clone(&self.shared), id, over: false })
    }

    async fn say(&self, write: impl FnOnce(&mut State) + Send) -> Result<(), Error> {
        self.room(self.limits.request_timeout).await?;
        let mut state = self.shared.lock();
        write(&mut state);
        state.write();
        Ok(())
    }
}

impl Transport for Mux {
    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Exchange, Error>> {
        Box::pin(async {
            let mail = self.ask(request).await?;
            Ok(Exchange::new(mail.id().clone(), mail))
        })
    }

    fn notify(&self, method: &'static str, params: Option<RawJson>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.say(move |state| state.peer().notify(method, params.as_ref())))
    }

    fn answer(&self, id: RequestId, outcome: Result<RawJson, RpcError>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.say(move |state| {
            // The server may have withdrawn it, and then nobody waits for the answer.
            let _ = state.peer().respond(&id, &outcome);
        }))
    }

    fn inbound(&self) -> Option<BoxStream<'static, Incoming>> {
        self.shared.lock().take_inbound().then(|| Inbound { shared: Arc::clone(&self.shared) }.boxed())
    }

    fn settle(&self, revision: Revision) {
        self.shared.lock().settle(revision);
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.finish(self.limits.drain))
    }
}

impl Drop for Mux {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Mux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mux").field("closed", &(self.shared.lock().phase() != Phase::Open)).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of others runs under the lock but wakers and the stream's `poll_write`; should one of them panic, the
        // state is still a state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events of one exchange.
pub(crate) struct Mail {
    shared: Arc<Shared>,
    id: RequestId,
    /// Whether the last event was handed out.
    over: bool,
}

impl Mail {
    /// Returns the id that the request was sent under.
    pub(crate) fn id(&self) -> &RequestId {
        &self.id
    }
}

impl Stream for Mail {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let event = ready!(self.shared.lock().poll_mail(&self.id, cx));
        self.over = !matches!(event, Ok(Event::Notification(_)));
        Poll::Ready(Some(event))
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        if !self.over {
            self.shared.lock().give_up(&self.id);
        }
    }
}

/// What belongs to no exchange.
struct Inbound {
    shared: Arc<Shared>,
}

impl Stream for Inbound {
    type Item = Incoming;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        self.shared.lock().poll_inbound(cx)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.shared.lock().leave_inbound();
    }
}

/// Reads the clock of the runtime, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
