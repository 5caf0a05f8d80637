//! An event stream of a session that a client can come back to: from the calls into the log, from the log to a connection
//! (HL-4 to HL-9).
//!
//! The surprising thing: a connection only reads. What fills the stream is a task of the session, so that a client that
//! goes away takes nothing with it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::Frames;
use super::session::HttpSession;
use super::stop::{Stage, Stop};
use super::stream::{Asked, Pending, Reply};
use super::streams::{Read, Seat};
use crate::outbox::{Item, Outbox};
use crate::replay::StreamId;
use crate::sse::{encode_comment, encode_event};

/// One connection's view of a stream.
pub(super) struct LoggedEvents {
    session: Arc<HttpSession>,
    seat: Seat,
    buffer: BytesMut,
    quiet: Pin<Box<Sleep>>,
    keep_alive: Duration,
    /// Set for the standalone stream: what ends it when the server stops.
    stopping: Option<BoxFuture<'static, ()>>,
    is_over: bool,
}

/// What fills the stream of an answer, until the answer is in it.
pub(super) struct Filling {
    pub(super) session: Arc<HttpSession>,
    pub(super) stream: StreamId,
    pub(super) reply: Pending,
    /// Who is told when the server stops before there is an answer.
    pub(super) asked: Asked,
    pub(super) outbox: Outbox,
    pub(super) stopping: BoxFuture<'static, ()>,
}

impl LoggedEvents {
    pub(super) fn new(session: Arc<HttpSession>, seat: Seat, stop: &Stop, keep_alive: Duration) -> Self {
        let stopping = session.streams.is_standalone(&seat).then(|| stop.reached(Stage::Draining));
        let quiet = Box::pin(sleep_until(Instant::now() + keep_alive));
        Self { session, seat, buffer: BytesMut::new(), quiet, keep_alive, stopping, is_over: false }
    }

    /// Begins with the place to come back to, for clients that know what an event without data is (HL-9).
    pub(super) fn primed(mut self) -> Self {
        if self.session.closes_streams() {
            self.put(None, b"");
        }
        self
    }

    /// Gathers everything that is ready, up to a size that is worth a write.
    fn fill(&mut self, cx: &mut Context<'_>) {
        while self.buffer.len() < HIGH_WATER && !self.is_over {
            let has_more = self.stopping.is_some() && self.session.poll_push(self.seat.stream(), cx);
            match self.session.streams.poll_read(&mut self.seat, cx) {
                Poll::Ready(Read::Event(_, message)) => self.put(None, &message),
                Poll::Ready(Read::Close(retry)) => {
                    self.put(retry, b"");
                    self.is_over = true;
                }
                Poll::Ready(Read::End) => self.is_over = true,
                Poll::Pending if has_more => {}
                Poll::Pending => return,
            }
        }
    }

    /// Writes an event with the id of the place that the reader is at.
    fn put(&mut self, retry: Option<Duration>, data: &[u8]) {
        let place = self.seat.place().to_string();
        encode_event(&mut self.buffer, Some(&place), retry, None, data);
    }
}

impl Frames for LoggedEvents {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.fill(cx);
        if self.buffer.is_empty() {
            if self.is_over || self.stopping.as_mut().is_some_and(|stopping| stopping.poll_unpin(cx).is_ready()) {
                return Poll::Ready(None);
            }
            ready!(self.quiet.as_mut().poll(cx));
            encode_comment(&mut self.buffer, "keep-alive");
        }
        self.quiet.as_mut().reset(Instant::now() + self.keep_alive);
        Poll::Ready(Some(self.buffer.split().freeze()))
    }
}

impl Drop for LoggedEvents {
    fn drop(&mut self) {
        self.session.streams.leave(&self.seat);
    }
}

impl Filling {
    /// Fills the stream as far as that needs no waiting, and in a task of its own after that.
    pub(super) fn start(mut self) {
        if (&mut self).now_or_never().is_none() {
            tokio::spawn(self);
        }
    }

    /// Puts the answer behind what the handler has sent before it (H-14: nothing follows it).
    fn finish(&mut self, reply: Option<Reply>) {
        let (streams, now) = (&self.session.streams, now());
        while let Some(item) = self.outbox.try_item() {
            if let Item::Message(message) = item {
                streams.append(self.stream, message, now);
            }
        }
        if let Some(reply) = reply {
            streams.append(self.stream, reply.message.into_bytes(), now);
        }
        streams.finish(self.stream, now);
    }
}

impl Future for Filling {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.stopping.poll_unpin(cx).is_ready() {
            let stopped = this.asked.stopped();
            this.finish(Some(stopped));
            return Poll::Ready(());
        }
        loop {
            ready!(this.session.streams.poll_room(this.stream, cx));
            match this.outbox.poll_item(cx) {
                Poll::Ready(Some(Item::Message(message))) => this.session.streams.append(this.stream, message, now()),
                Poll::Ready(Some(Item::CloseStream(retry))) => {
                    if this.session.closes_streams() {
                        this.session.streams.close(this.stream, retry);
                    }
                }
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        let reply = ready!(this.reply.poll_unpin(cx));
        this.finish(reply);
        Poll::Ready(())
    }
}

/// Reads the clock of the runtime, which tests can stop.
pub(super) fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Bytes of events that are gathered for one write.
const HIGH_WATER: usize = 64 * 1024;
