//! One request and what comes back for it (H-13, H-16, H-17, HL-4, V-21).
//!
//! The surprising thing: a modern request is cancelled by letting go of its connection, so a dropped exchange never
//! gives its connection back; a legacy one is cancelled by a notification, which outlives whoever dropped it.

use std::borrow::Cow;
use std::future::{poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use hyper::body::Incoming as Body;
use mcp_types::{Message, RawJson, RequestId, RpcError, rpc};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::alarm::Alarm;
use super::connection::{BoxedRequest, Connection};
use super::events::{Events, Opened};
use super::rules::{self, Agreement, Content};
use super::shared::Shared;
use crate::client::{Event, Exchange, Incoming, Outgoing, Patience};
use crate::era::legacy;
use crate::error::{Deadline, Error};
use crate::header::MCP_SESSION_ID;
use crate::peer::cancelled;
use crate::replay::{Comeback, Cursor, GaveUp, Loss};

/// Sends a request, waits for the head of the response, and for all of it when it is one message.
pub(super) fn open(shared: &Arc<Shared>, request: Outgoing) -> BoxFuture<'_, Result<Exchange, Error>> {
    match Asked::new(shared, request) {
        Ok(asked) => Box::pin(asked.answer(shared)),
        Err(error) => Box::pin(ready(Err(error))),
    }
}

/// A request that is put together: all that is still needed of it, so that what waits for its answer is small.
struct Asked {
    request: BoxedRequest,
    id: RequestId,
    method: Cow<'static, str>,
    patience: Patience,
    is_legacy: bool,
    has_session: bool,
    /// By what a legacy request is withdrawn; nothing for a modern one and for `initialize`, which must not be cancelled
    /// (V-17).
    withdrawn_by: Option<Box<Agreement>>,
}

impl Asked {
    fn new(shared: &Shared, mut request: Outgoing) -> Result<Self, Error> {
        let id = shared.next_id();
        let mut message = BytesMut::new();
        rpc::request(&mut message, &id, &request.method, Some(&request.params));
        let agreement = shared.agreement().clone();
        let headers = agreement.of_request(&mut request)?;
        let is_legacy = agreement.is_legacy(request.revision);
        let is_withdrawn = is_legacy && agreement.revision.is_some() && !legacy::opens(&request.method);
        Ok(Self {
            has_session: rules::has_session(&headers),
            request: shared.post(headers, message.freeze()),
            id,
            method: request.method,
            patience: request.patience,
            is_legacy,
            withdrawn_by: is_withdrawn.then(|| Box::new(agreement)),
        })
    }

    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is made for every request"
    )]
    fn answer(mut self, shared: &Arc<Shared>) -> impl Future<Output = Result<Exchange, Error>> + Send {
        async move {
            let mut wait = Wait::new(shared, self.patience);
            let mut withdrawal = Withdrawal::new(shared, &self.id, self.withdrawn_by.take());
            let outcome = {
                let (id, method, has_session) = (&self.id, &self.method, self.has_session);
                let received = pin!(async {
                    let (connection, response) = shared.send(self.request).await?;
                    receive(shared, id, method, has_session, connection, response).await
                });
                wait.on(received).await
            };
            if !matches!(&outcome, Err(Error::TimedOut(_)) | Ok(Received::Events(_))) {
                withdrawal.cancel();
            }
            match outcome? {
                Received::Answer(outcome) => {
                    wait.rest();
                    Ok(Exchange::answered(self.id, outcome))
                }
                Received::Events(events) => {
                    wait.restart();
                    let state = Streaming {
                        shared: Arc::clone(shared),
                        id: self.id.clone(),
                        events,
                        wait,
                        withdrawal,
                        is_legacy: self.is_legacy,
                        cursor: Cursor::of_answer(&shared.limits),
                    };
                    Ok(Exchange::new(self.id, state.into_stream()))
                }
            }
        }
    }
}

/// What the head of a response brings.
enum Received {
    Answer(Result<RawJson, RpcError>),
    Events(Box<Events>),
}

#[expect(clippy::manual_async_fn, reason = "an async fn keeps its arguments twice, and this is made for every request")]
fn receive(
    shared: &Shared,
    id: &RequestId,
    method: &str,
    has_session: bool,
    connection: Connection,
    response: Response<Body>,
) -> impl Future<Output = Result<Received, Error>> + Send {
    async move {
        let status = response.status();
        if !status.is_success() {
            let failure = Box::pin(shared.read_failure(connection, response)).await?;
            let error = rules::read_failure(Some(id), has_session, failure)?;
            return Ok(Received::Answer(Err(error)));
        }
        if legacy::opens(method) {
            let session = response.headers().get(MCP_SESSION_ID).map(HeaderValue::as_bytes);
            shared.agreement().session = rules::read_session_id(session)?;
        }
        if response.headers().contains_key(CONTENT_ENCODING) {
            return Err(Error::malformed("an HTTP response", "it is compressed, which was not asked for"));
        }
        let content_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        match Content::read(status.as_u16(), content_type) {
            Content::Json => {
                let text = shared.read_result(connection, response.into_body()).await?;
                Ok(Received::Answer(shared.outcome(rules::read_answer(id, text)?)))
            }
            Content::Events => Ok(Received::Events(Box::new(Events::new(connection, response, &shared.limits)))),
            Content::Nothing => {
                let why = format!("status {status} without a body is no answer to `{method}`");
                Err(Error::malformed("an HTTP response", why))
            }
            Content::Foreign => {
                let media = content_type.map(String::from_utf8_lossy).unwrap_or_default();
                let why = format!(
                    "status {status} with content type `{}`; it must be application/json or text/event-stream: is {} an MCP endpoint?",
                    media.chars().take(80).collect::<String>(),
                    shared.target,
                );
                Err(Error::malformed("an HTTP response", why))
            }
        }
    }
}

/// An exchange whose response is an event stream.
struct Streaming {
    shared: Arc<Shared>,
    id: RequestId,
    events: Box<Events>,
    wait: Wait,
    withdrawal: Withdrawal,
    is_legacy: bool,
    /// What came on all the connections of the stream.
    cursor: Cursor,
}

impl Streaming {
    fn into_stream(self) -> stream::BoxStream<'static, Result<Event, Error>> {
        stream::unfold(Some(self), |state| async {
            let mut state = state?;
            let event = state.next().await;
            match &event {
                Ok(Event::Notification(_)) => {
                    state.wait.restart();
                    Some((event, Some(state)))
                }
                Ok(Event::Response(_)) => {
                    state.withdrawal.cancel();
                    state.wait.rest();
                    state.events.finish(&state.shared).await;
                    Some((event, None))
                }
                Err(error) => {
                    if !matches!(error, Error::TimedOut(_)) {
                        state.withdrawal.cancel();
                    }
                    Some((event, None))
                }
            }
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Event, Error> {
        loop {
            let next = self.wait.on(pin!(self.events.next(&mut self.cursor))).await;
            let message = match next {
                Ok(Some(message)) => message,
                Ok(None) => {
                    self.resume(Error::Closed).await?;
                    continue;
                }
                Err(error @ (Error::Closed | Error::Environment(_))) => {
                    self.resume(error).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match message {
                Message::Notification(notification) => return Ok(Event::Notification(notification)),
                Message::Response(response) if rules::answers(&response, &self.id) => {
                    return Ok(Event::Response(self.shared.outcome(response)));
                }
                Message::Request(request) if self.is_legacy => {
                    self.wait.restart();
                    let taken = self.shared.take_in(Incoming::Request(request)).map(Ok);
                    self.wait.on(pin!(taken)).await?;
                }
                // A late answer to something else, or a request of a server that must not send any (S-3, V-68).
                Message::Request(_) | Message::Response(_) => {}
            }
        }
    }

    /// Goes on with the stream where it was lost, when the server has given the events ids (HL-8, HL-9).
    ///
    /// # Errors
    ///
    /// Fails with `lost` when the stream cannot be resumed (H-17), and with what the server says when it refuses to.
    async fn resume(&mut self, lost: Error) -> Result<(), Error> {
        if !self.is_legacy {
            return Err(lost);
        }
        let mut loss = Loss::Cut;
        loop {
            if self.shared.is_closed() {
                return Err(lost);
            }
            let pause = match self.cursor.lost(loss, rules::random()) {
                Comeback::After(pause) => pause,
                Comeback::Never(GaveUp::Unresumable) => return Err(lost),
                Comeback::Never(gave_up) => {
                    return Err(Error::environment(format!("the answer of {} is lost", self.shared.target), gave_up));
                }
            };
            self.wait.pause(pause).await?;
            let opened = self.wait.on(pin!(Events::open(&self.shared, self.cursor.last_event_id()))).await;
            match opened {
                Ok(Opened::Events(events)) => {
                    self.cursor.connected();
                    self.events = events;
                    return Ok(());
                }
                Ok(Opened::Refused(status)) => loss = Loss::Status(status),
                Err(Error::Closed | Error::Environment(_) | Error::TimedOut(Deadline::Connect(_))) => loss = Loss::Cut,
                Err(error) => return Err(error),
            }
        }
    }
}

/// The deadlines of one exchange (V-21).
struct Wait {
    shared: Arc<Shared>,
    patience: Patience,
    idle: Instant,
    total: Instant,
    alarm: Alarm,
}

impl Wait {
    fn new(shared: &Arc<Shared>, patience: Patience) -> Self {
        let now = Instant::now();
        let (idle, total) = (now + patience.idle, now + patience.total);
        Self { shared: Arc::clone(shared), patience, idle, total, alarm: Alarm::default() }
    }

    /// Starts the wait for the next sign of life.
    fn restart(&mut self) {
        self.idle = Instant::now() + self.patience.idle;
    }

    /// Waits before another attempt. The server may have asked for it, so it does not count as silence.
    async fn pause(&mut self, pause: Duration) -> Result<(), Error> {
        let passed = Error::TimedOut(Deadline::Total(self.patience.total));
        timeout_at(self.total, sleep(pause)).await.map_err(|_| passed)?;
        self.restart();
        Ok(())
    }

    /// Ends the waiting in good order.
    fn rest(&mut self) {
        self.alarm.rest(&self.shared.alarms);
    }

    /// Waits for work, which is lent, because all that is handed on by value has room here and there.
    async fn on<T>(&mut self, mut work: Pin<&mut impl Future<Output = Result<T, Error>>>) -> Result<T, Error> {
        let (deadline, passed) = if self.total < self.idle {
            (self.total, Deadline::Total(self.patience.total))
        } else {
            (self.idle, Deadline::Idle(self.patience.idle))
        };
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => self.alarm.poll(deadline, &self.shared.alarms, cx).map(|()| Err(Error::TimedOut(passed))),
        })
        .await
    }
}

/// Tells a legacy server that nobody waits for the answer any more, when it is dropped (P-60).
struct Withdrawal {
    /// What is withdrawn, and from where; nothing when nobody is told.
    pending: Option<(Arc<Shared>, Box<Agreement>, RequestId)>,
}

impl Withdrawal {
    fn new(shared: &Arc<Shared>, id: &RequestId, by: Option<Box<Agreement>>) -> Self {
        Self { pending: by.map(|agreement| (Arc::clone(shared), agreement, id.clone())) }
    }

    /// Withdraws the withdrawal.
    fn cancel(&mut self) {
        self.pending = None;
    }
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        let Some((shared, agreement, id)) = self.pending.take() else { return };
        // Outside of a runtime there is nobody who could send it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let params = cancelled(id, "the client no longer waits for it");
            let mut message = BytesMut::new();
            rpc::notification(&mut message, "notifications/cancelled", Some(&params));
            runtime.spawn(async move {
                let _ = timeout(CANCEL, shared.post_note(agreement.of_session(), message.freeze())).await;
            });
        }
    }
}

/// How long the notification of a cancellation may take.
const CANCEL: Duration = Duration::from_secs(10);
