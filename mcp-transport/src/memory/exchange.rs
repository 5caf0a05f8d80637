//! What a call says, as the events of its exchange: the notifications in their order, then the answer.
//!
//! Dropping them drops the call. The surprising thing: the clock is only read here for a call that had to wait, and its
//! timer is made when the caller does.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{Stream, StreamExt as _};
use mcp_types::{Message, Notification};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Sleep, sleep_until};

use super::direct::{checked, now};
use crate::client::Event;
use crate::due::Due;
use crate::error::Error;
use crate::outbox::Batch;
use crate::pipe::call::{Output, Saying};
use crate::service::Answer;

/// The events of one exchange.
pub(super) struct Events {
    /// What was told and not taken.
    told: VecDeque<Notification>,
    /// The call, until it is over.
    work: Option<Work>,
    /// What ends the exchange.
    last: Option<Result<Event, Error>>,
    /// Bytes of the longest message that the client reads.
    limit: usize,
}

/// A call that has to wait.
struct Work {
    saying: Saying,
    due: Due,
    timer: Option<Pin<Box<Sleep>>>,
    is_over: watch::Receiver<bool>,
    over: BoxFuture<'static, ()>,
    runtime: Handle,
    _place: OwnedSemaphorePermit,
}

impl Events {
    /// Makes the events of a call that is answered.
    pub(super) fn told(said: &Batch, answer: Answer, limit: usize) -> Self {
        let mut events = Self { told: VecDeque::new(), work: None, last: None, limit };
        events.hear(said);
        events.end(answer);
        events
    }

    /// Makes the events of a call that has to wait, until `over` holds.
    pub(super) fn awaited(
        saying: Saying,
        place: OwnedSemaphorePermit,
        due: Due,
        over: watch::Receiver<bool>,
        runtime: Handle,
        limit: usize,
    ) -> Self {
        // Without its sender it is over too.
        let mut waits = over.clone();
        let waits = async move { drop(waits.wait_for(|over| *over).await) }.boxed();
        let work = Work { saying, due, timer: None, is_over: over, over: waits, runtime, _place: place };
        Self { told: VecDeque::new(), work: Some(work), last: None, limit }
    }

    fn hear(&mut self, said: &Batch) {
        let limit = self.limit;
        for message in said.messages().filter(|message| message.len() <= limit) {
            // A copy, because one that is kept must not keep the others. Requests exist in sessions only.
            if let Ok(Message::Notification(notification)) = Message::parse(Bytes::copy_from_slice(message)) {
                self.told.push_back(notification);
            }
        }
    }

    fn end(&mut self, answer: Answer) {
        self.work = None;
        self.last = Some(checked(answer, self.limit).map(Event::Response));
    }

    fn fail(&mut self, error: Error) {
        self.work = None;
        self.last = Some(Err(error));
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(notification) = this.told.pop_front() {
                return Poll::Ready(Some(Ok(Event::Notification(notification))));
            }
            let Some(work) = &mut this.work else { return Poll::Ready(this.last.take()) };
            // Who always has something to say would never be looked at below.
            if *work.is_over.borrow() {
                this.fail(Error::Closed);
                continue;
            }
            match work.saying.poll_next_unpin(cx) {
                Poll::Ready(Some((_, Output::Notifications(said)))) => {
                    let now = now();
                    if work.due.is_over(now) {
                        let passed = work.due.total();
                        this.fail(Error::TimedOut(passed));
                        continue;
                    }
                    // Whoever looks late was silent, not the server.
                    work.due.heard(now);
                    this.hear(&said);
                }
                Poll::Ready(Some((_, Output::Answer(answer)))) => this.end(answer),
                Poll::Ready(None) => this.fail(Error::Closed),
                Poll::Pending => {
                    let error = ready!(work.poll_end(cx));
                    this.fail(error);
                }
            }
        }
    }
}

impl Work {
    /// Waits for what ends the exchange before the call is done.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if self.over.poll_unpin(cx).is_ready() {
            return Poll::Ready(Error::Closed);
        }
        let Some(at) = self.due.at() else { return Poll::Pending };
        let runtime = &self.runtime;
        let timer = self.timer.get_or_insert_with(|| {
            let _entered = runtime.enter();
            Box::pin(sleep_until(at.into()))
        });
        if timer.deadline() != at.into() {
            timer.as_mut().reset(at.into());
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Error::TimedOut(self.due.deadline()))
    }
}
