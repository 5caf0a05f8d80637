//! The notifications of one exchange, on their way from a handler to the wire.
//!
//! A bounded queue without a runtime: whoever sends waits while it is full, so a slow reader slows the handler down
//! and nothing is lost (house 2.6, F83). Closing it from the reading end ends every wait. The surprising thing: requests
//! to the client travel here too, because they belong to the exchange that raised them (HL-17).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mcp_types::{RawJson, rpc};

use crate::limits::Limits;

/// Makes the two ends of a queue that holds as many messages and bytes as `limits` allow.
pub fn outbox(limits: &Limits) -> (Notifier, Outbox) {
    let shared = Arc::new(Shared {
        messages: limits.outbox_messages,
        bytes: limits.outbox_bytes,
        queue: Mutex::new(Queue { notifiers: 1, ..Queue::default() }),
    });
    (Notifier { shared: Arc::clone(&shared) }, Outbox { shared })
}

/// The end that a handler writes to; clones write to the same queue.
pub struct Notifier {
    shared: Arc<Shared>,
}

/// The end that a driver reads from; dropping it closes the queue.
pub struct Outbox {
    shared: Arc<Shared>,
}

/// What comes out of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// An encoded message.
    Message(Bytes),
    /// The handler wants its stream closed now, and its client to come back after this time (HL-9).
    CloseStream(Option<Duration>),
}

/// Nobody reads the queue any more: the peer went away or the answer is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

struct Shared {
    messages: usize,
    bytes: usize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Item>,
    /// The sum of the lengths of `waiting`.
    held: usize,
    closed: bool,
    /// Whether the reader can put notifications on the wire but no requests.
    takes_no_requests: bool,
    /// How many [`Notifier`]s there are.
    notifiers: usize,
    reader: Option<Waker>,
    writers: Vec<Waker>,
}

impl Notifier {
    /// Queues a notification; waits while the queue is full.
    ///
    /// # Errors
    ///
    /// Fails when nobody reads any more; a handler may ignore that, it is about to be dropped.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has queued the notification wholly or not at all.
    pub async fn send(&self, method: &str, params: &RawJson) -> Result<(), Closed> {
        let mut message = BytesMut::new();
        rpc::notification(&mut message, method, Some(params));
        let mut message = Some(message.freeze());
        poll_fn(|cx| self.poll_send(cx, &mut message)).await
    }

    /// Closes the stream that this exchange is answered on, while the handler goes on: what it sends afterwards and its
    /// result are kept, and a client that comes back for them gets them (HL-9). `retry` says when it should.
    ///
    /// Nothing happens where a client could not come back: on pipes, in the modern era, before 2025-11-25, and when the
    /// client takes no event stream.
    pub fn close_stream(&self, retry: Option<Duration>) {
        let queue = self.shared.lock();
        if !queue.closed {
            self.put(queue, Item::CloseStream(retry));
        }
    }

    /// Queues an encoded request to the client; waits while the queue is full. Takes `message` when it is queued.
    pub(crate) fn poll_request(&self, cx: &Context<'_>, message: &mut Option<Bytes>) -> Poll<Result<(), Closed>> {
        if self.shared.lock().takes_no_requests {
            return Poll::Ready(Err(Closed));
        }
        self.poll_send(cx, message)
    }

    /// Queues an encoded message even if the queue is full, for what cannot wait; nothing happens when nobody reads.
    pub(crate) fn send_now(&self, message: Bytes) {
        let mut queue = self.shared.lock();
        if !queue.closed {
            queue.held += message.len();
            self.put(queue, Item::Message(message));
        }
    }

    /// Returns whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }

    fn poll_send(&self, cx: &Context<'_>, message: &mut Option<Bytes>) -> Poll<Result<(), Closed>> {
        let mut queue = self.shared.lock();
        if queue.closed {
            return Poll::Ready(Err(Closed));
        }
        let length = message.as_ref().map_or(0, Bytes::len);
        let full = queue.waiting.len() >= self.shared.messages || queue.held + length > self.shared.bytes;
        // A message above the limit passes alone, or it would wait for ever.
        if full && !queue.waiting.is_empty() {
            if !queue.writers.iter().any(|writer| writer.will_wake(cx.waker())) {
                queue.writers.push(cx.waker().clone());
            }
            return Poll::Pending;
        }
        if let Some(message) = message.take() {
            queue.held += message.len();
            self.put(queue, Item::Message(message));
        }
        Poll::Ready(Ok(()))
    }

    fn put(&self, mut queue: MutexGuard<'_, Queue>, item: Item) {
        queue.waiting.push_back(item);
        let reader = queue.reader.take();
        drop(queue);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Outbox {
    /// Returns the next message; `None` once every [`Notifier`] is gone and the queue is empty.
    pub fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match self.poll_item(cx) {
                Poll::Ready(Some(Item::Message(message))) => return Poll::Ready(Some(message)),
                Poll::Ready(Some(Item::CloseStream(_))) => {}
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Returns the next message that is already there.
    pub fn try_next(&mut self) -> Option<Bytes> {
        loop {
            if let Item::Message(message) = self.try_item()? {
                return Some(message);
            }
        }
    }

    /// Returns what comes next; `None` once every [`Notifier`] is gone and the queue is empty.
    pub(crate) fn poll_item(&mut self, cx: &Context<'_>) -> Poll<Option<Item>> {
        let mut queue = self.shared.lock();
        if let Some(item) = queue.take() {
            let writers = std::mem::take(&mut queue.writers);
            drop(queue);
            writers.into_iter().for_each(Waker::wake);
            return Poll::Ready(Some(item));
        }
        if queue.notifiers == 0 {
            return Poll::Ready(None);
        }
        queue.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Returns what is already there.
    pub(crate) fn try_item(&mut self) -> Option<Item> {
        let mut queue = self.shared.lock();
        let item = queue.take()?;
        let writers = std::mem::take(&mut queue.writers);
        drop(queue);
        writers.into_iter().for_each(Waker::wake);
        Some(item)
    }

    /// Refuses requests from now on: this reader cannot put them on the wire.
    #[cfg(feature = "http-server")]
    pub(crate) fn refuse_requests(&mut self) {
        self.shared.lock().takes_no_requests = true;
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        queue.waiting.clear();
        let writers = std::mem::take(&mut queue.writers);
        drop(queue);
        writers.into_iter().for_each(Waker::wake);
    }
}

impl Clone for Notifier {
    fn clone(&self) -> Self {
        self.shared.lock().notifiers += 1;
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.notifiers -= 1;
        // The reader must learn that the last writer is gone.
        let reader = if queue.notifiers == 0 { queue.reader.take() } else { None };
        drop(queue);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is consistent between any two statements that hold the lock, so poisoning means nothing.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn take(&mut self) -> Option<Item> {
        let item = self.waiting.pop_front()?;
        if let Item::Message(message) = &item {
            self.held -= message.len();
        }
        Some(item)
    }
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier").field("closed", &self.is_closed()).finish()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    /// Drives what need not wait.
    fn block_on<F: Future>(future: F) -> F::Output {
        future.now_or_never().expect("nothing has to be waited for")
    }

    fn next(outbox: &mut Outbox) -> Option<Bytes> {
        block_on(poll_fn(|cx| outbox.poll_next(cx)))
    }

    #[test]
    fn messages_come_out_in_the_order_they_went_in() {
        let (notifier, mut outbox) = outbox(&Limits::default());
        for token in 0..3 {
            block_on(notifier.send("notifications/progress", &RawJson::from(serde_json::json!({"n": token})))).unwrap();
        }
        drop(notifier);
        for token in 0..3 {
            assert!(next(&mut outbox).unwrap().ends_with(format!("{{\"n\":{token}}}}}").as_bytes()));
        }
        assert_eq!(next(&mut outbox), None);
    }

    #[test]
    fn a_full_queue_makes_the_sender_wait_and_loses_nothing() {
        let (notifier, mut outbox) = outbox(&Limits::default().outbox_messages(1));
        let params = RawJson::empty_object();
        block_on(notifier.send("a", &params)).unwrap();
        let mut second = Box::pin(notifier.send("b", &params));
        assert_eq!((&mut second).now_or_never(), None);
        assert!(outbox.try_next().is_some());
        assert_eq!(second.now_or_never(), Some(Ok(())));
    }

    #[test]
    fn a_message_above_the_limit_passes_alone() {
        let (notifier, mut outbox) = outbox(&Limits::default().outbox_bytes(1));
        let params = RawJson::empty_object();
        assert_eq!(notifier.send("a", &params).now_or_never(), Some(Ok(())));
        assert_eq!(notifier.send("b", &params).now_or_never(), None);
        assert!(outbox.try_next().is_some());
    }

    #[test]
    fn closing_the_stream_keeps_its_place_among_the_messages_and_is_nothing_to_who_reads_messages_only() {
        let (notifier, mut outbox) = outbox(&Limits::default().outbox_messages(1));
        let params = RawJson::empty_object();
        block_on(notifier.send("a", &params)).unwrap();
        notifier.close_stream(None);
        notifier.send_now(Bytes::from_static(b"even if it is full"));
        assert!(matches!(outbox.try_item(), Some(Item::Message(_))));
        assert_eq!(outbox.try_item(), Some(Item::CloseStream(None)));
        notifier.close_stream(Some(Duration::from_secs(1)));
        assert_eq!(next(&mut outbox).unwrap(), "even if it is full");
        drop(notifier);
        assert_eq!(next(&mut outbox), None);
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_wait() {
        let (notifier, outbox) = outbox(&Limits::default().outbox_messages(1));
        let params = RawJson::empty_object();
        block_on(notifier.send("a", &params)).unwrap();
        let mut second = Box::pin(notifier.send("b", &params));
        assert_eq!((&mut second).now_or_never(), None);
        drop(outbox);
        assert_eq!(second.now_or_never(), Some(Err(Closed)));
    }
}
