//! One exchange on its way out: JSON when the answer is there first, an event stream when a notification is (H-13 to
//! H-16, HL-4).
//!
//! A modern exchange spawns nothing: whoever polls the response runs the handler, and dropping the response drops it.
//! One of a session hands its stream over to the session's log. The surprising thing: an answer can be missing, because
//! the client of a session may cancel; its stream then ends without one.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::{BoxFuture, JoinAll};
use mcp_types::{RequestId, RpcError};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::Frames;
use super::load::Permit;
use super::logged::{Filling, LoggedEvents, now};
use super::rules::{Form, LEGACY_STATUS};
use super::session::HttpSession;
use super::stop::{Stage, Stop};
use super::written::Written;
use crate::outbox::{Batch, Item, Outbox};
use crate::service::Answer;
use crate::sse::{encode_comment, encode_event};

/// An encoded answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) message: Written,
}

/// Where an answer comes from; there is none when the request was cancelled.
pub(super) enum Pending {
    /// All answers of a batch.
    Batch(JoinAll<Self>),
    /// A handler, which runs in whoever polls this.
    Handler(BoxFuture<'static, Reply>),
    /// It is known already.
    Known(Option<Reply>),
    /// A task of a session.
    Task(oneshot::Receiver<Reply>),
}

/// Who is to be told when the server stops before there is an answer.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// The requests of a batch, which belongs to a session.
    Batch(Vec<RequestId>),
    /// One request, which is then answered with this status.
    One(RequestId, u16),
}

/// One request that is being worked on.
pub(super) struct Exchange<'a> {
    reply: Pending,
    asked: Asked,
    outbox: Outbox,
    stop: &'a Stop,
    keep_alive: Duration,
    /// The place of a modern request; the work of a session has its own, because it outlives the exchange.
    permit: Option<Permit>,
    /// The session whose log keeps the stream, when it belongs to one.
    session: Option<Arc<HttpSession>>,
}

/// How an exchange is answered.
pub(super) enum Outcome {
    /// By this and nothing else.
    Whole(Option<Reply>),
    /// By the events of one that is answered already.
    Told(Bytes),
    /// By an event stream.
    Events(EventStream),
    /// By an event stream that the client can come back to.
    Logged(LoggedEvents),
}

/// The events of one modern response body.
pub(super) struct EventStream {
    events: Events,
    source: Source,
    stopping: BoxFuture<'static, ()>,
    quiet: Pin<Box<Sleep>>,
    keep_alive: Duration,
    /// Held until the body was written or given up.
    _permit: Option<Permit>,
}

/// Events that are encoded and not written.
#[derive(Default)]
struct Events(BytesMut);

/// What an event stream waits for.
enum Source {
    /// Notifications, the answer that ends the stream, and who is told when the server stops.
    Reply { reply: Pending, asked: Asked, outbox: Outbox },
    /// Nothing more. The outbox is gone, so that who still writes to it is told so, and nothing follows the answer.
    Ended,
}

impl Reply {
    pub(super) fn new(id: RequestId, answer: Answer, status: u16) -> Self {
        Self { status, message: Written::answer(id, answer) }
    }

    /// Puts the answers to a batch together; cancelled requests have none.
    pub(super) fn batch(replies: impl Iterator<Item = Self>) -> Option<Self> {
        let mut message = BytesMut::new();
        for reply in replies {
            message.put_u8(if message.is_empty() { b'[' } else { b',' });
            message.extend_from_slice(&reply.message.into_bytes());
        }
        if message.is_empty() {
            return None;
        }
        message.put_u8(b']');
        Some(Self { status: LEGACY_STATUS, message: Written::Whole(message.freeze()) })
    }
}

impl Future for Pending {
    type Output = Option<Reply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Reply>> {
        match &mut *self {
            Self::Batch(replies) => replies.poll_unpin(cx).map(|replies| Reply::batch(replies.into_iter().flatten())),
            Self::Handler(reply) => reply.poll_unpin(cx).map(Some),
            Self::Known(reply) => Poll::Ready(reply.take()),
            // The sender of a cancelled request is gone.
            Self::Task(reply) => reply.poll_unpin(cx).map(Result::ok),
        }
    }
}

impl Asked {
    /// Makes the answer to what the server could not finish before it stopped.
    pub(super) fn stopped(&self) -> Reply {
        let stopped = |id: &RequestId, status| {
            Reply::new(
                id.clone(),
                Err(RpcError::internal("the server is shutting down; send the request again")),
                status,
            )
        };
        match self {
            Self::Batch(ids) => Reply::batch(ids.iter().map(|id| stopped(id, LEGACY_STATUS)))
                .unwrap_or(Reply { status: 202, message: Written::Whole(Bytes::new()) }),
            Self::One(id, status) => stopped(id, *status),
        }
    }
}

impl<'a> Exchange<'a> {
    pub(super) fn new(reply: Pending, asked: Asked, outbox: Outbox, stop: &'a Stop, keep_alive: Duration) -> Self {
        Self { reply, asked, outbox, stop, keep_alive, permit: None, session: None }
    }

    /// Keeps a place among the requests in flight until the exchange ends.
    pub(super) fn with(self, permit: Permit) -> Self {
        Self { permit: Some(permit), ..self }
    }

    /// Says to which session it belongs.
    pub(super) fn of(self, session: Arc<HttpSession>) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Waits until the form of the response is known.
    pub(super) fn run(mut self, form: Form) -> impl Future<Output = Outcome> + Send {
        let mut stopping = None;
        // A block instead of an `async fn`, which would keep the exchange twice.
        async move {
            let first = poll_fn(|cx| {
                if let Poll::Ready(first) = self.poll_first(cx, form) {
                    return Poll::Ready(first);
                }
                // Only who has to wait looks whether the server stops.
                let stopping = stopping.get_or_insert_with(|| self.stop.reached(Stage::Closing));
                ready!(stopping.poll_unpin(cx));
                Poll::Ready(First { item: None, reply: Some(Some(self.asked.stopped())) })
            });
            let first = first.await;
            self.into_outcome(first, form)
        }
    }

    fn into_outcome(mut self, first: First, form: Form) -> Outcome {
        match (first, form) {
            (First { item: None, reply: Some(reply) }, Form::Either | Form::Json) => Outcome::Whole(reply),
            (first, _) => match (self.session.take(), first) {
                (Some(session), first) => Outcome::Logged(self.into_logged(session, first)),
                (None, First { item, reply: Some(reply) }) => {
                    let mut events = Events::of(item);
                    events.end(&mut self.outbox, reply);
                    Outcome::Told(events.0.freeze())
                }
                (None, First { item, reply: None }) => Outcome::Events(self.into_events(Events::of(item))),
            },
        }
    }

    fn poll_first(&mut self, cx: &mut Context<'_>, form: Form) -> Poll<First> {
        let reply = match self.reply.poll_unpin(cx) {
            Poll::Ready(reply) => Some(reply),
            Poll::Pending => None,
        };
        let closes_streams = self.session.as_ref().is_some_and(|session| session.closes_streams());
        let item = loop {
            match self.outbox.poll_item(cx) {
                // A client that takes no event stream takes no notifications.
                Poll::Ready(Some(_)) if form == Form::Json => {}
                Poll::Ready(Some(Item::CloseStream(_))) if !closes_streams => {}
                Poll::Ready(item) => break item,
                Poll::Pending => break None,
            }
        };
        if item.is_none() && reply.is_none() {
            return Poll::Pending;
        }
        Poll::Ready(First { item, reply })
    }

    fn into_events(self, events: Events) -> EventStream {
        EventStream {
            events,
            source: Source::Reply { reply: self.reply, asked: self.asked, outbox: self.outbox },
            stopping: self.stop.reached(Stage::Closing),
            quiet: Box::pin(sleep_until(Instant::now() + self.keep_alive)),
            keep_alive: self.keep_alive,
            _permit: self.permit,
        }
    }

    fn into_logged(self, session: Arc<HttpSession>, first: First) -> LoggedEvents {
        let seat = session.streams.open();
        let stream = seat.stream();
        match first.item {
            Some(Item::Message(message)) => session.streams.append(stream, message, now()),
            Some(Item::CloseStream(retry)) => session.streams.close(stream, retry),
            None => {}
        }
        let reply = first.reply.map_or(self.reply, Pending::Known);
        let (outbox, asked) = (self.outbox, self.asked);
        let stopping = self.stop.reached(Stage::Closing);
        let events = LoggedEvents::new(Arc::clone(&session), seat, self.stop, self.keep_alive).primed();
        Filling { session, stream, reply, asked, outbox, stopping }.start();
        events
    }
}

impl Events {
    fn of(first: Option<Item<Bytes>>) -> Self {
        let mut events = Self::default();
        if let Some(Item::Message(message)) = first {
            events.push(&message);
        }
        events
    }

    fn push(&mut self, message: &[u8]) {
        encode_event(&mut self.0, None, None, None, message);
    }

    fn push_all(&mut self, batch: &Batch) {
        self.0.reserve(batch.length());
        batch.messages().for_each(|message| self.push(message));
    }

    /// Adds what the handler has sent before it answered, and the answer (H-14: nothing follows it).
    fn end(&mut self, outbox: &mut Outbox, reply: Option<Reply>) {
        if let Some(batch) = outbox.try_batch(usize::MAX) {
            self.push_all(&batch);
        }
        if let Some(reply) = reply {
            self.push(&reply.message.into_bytes());
        }
    }
}

impl EventStream {
    /// Makes the stream that has one event: the answer.
    pub(super) fn of_reply(reply: Reply) -> Bytes {
        let mut events = Events::default();
        events.push(&reply.message.into_bytes());
        events.0.freeze()
    }

    /// Gathers everything that is ready, up to a size that is worth a write.
    fn fill(&mut self, cx: &mut Context<'_>) {
        while self.events.0.len() < HIGH_WATER {
            let Source::Reply { reply, outbox, .. } = &mut self.source else { return };
            if let Some(batch) = outbox.try_batch(HIGH_WATER) {
                self.events.push_all(&batch);
                continue;
            }
            if let Poll::Ready(reply) = reply.poll_unpin(cx) {
                self.events.end(outbox, reply);
                self.source = Source::Ended;
                return;
            }
            match outbox.poll_batch(cx, HIGH_WATER) {
                Poll::Ready(Some(batch)) => self.events.push_all(&batch),
                _ => return,
            }
        }
    }

    fn stop(&mut self) {
        if let Source::Reply { asked, .. } = std::mem::replace(&mut self.source, Source::Ended) {
            self.events.push(&asked.stopped().message.into_bytes());
        }
    }
}

impl Frames for EventStream {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.fill(cx);
        if self.events.0.is_empty() {
            if matches!(self.source, Source::Ended) {
                return Poll::Ready(None);
            }
            if self.stopping.poll_unpin(cx).is_ready() {
                self.stop();
            } else {
                ready!(self.quiet.as_mut().poll(cx));
                encode_comment(&mut self.events.0, "keep-alive");
            }
        }
        self.quiet.as_mut().reset(Instant::now() + self.keep_alive);
        Poll::Ready(Some(std::mem::take(&mut self.events.0).freeze()))
    }
}

/// What of an exchange is known when the form of its response has to be.
struct First {
    item: Option<Item<Bytes>>,
    reply: Option<Option<Reply>>,
}

/// Bytes of events that are gathered for one write.
const HIGH_WATER: usize = 64 * 1024;
