//! The notifications of one exchange, on their way from a handler to the wire.
//!
//! A bounded queue without a runtime: whoever sends waits while it is full, so a slow reader slows the handler down
//! and nothing is lost (house 2.6, F83). Closing it from the reading end ends every wait. Messages are written one behind
//! the other into one buffer, and a driver takes all of it at once, so that a notification costs no allocation of its
//! own. The surprising thing: requests to the client travel here too, because they belong to the exchange that raised
//! them (HL-17).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use mcp_types::{ProgressToken, RawJson, rpc};

use crate::limits::Limits;

/// Makes the two ends of a queue that holds as many messages and bytes as `limits` allow.
pub fn outbox(limits: &Limits) -> (Notifier, Outbox) {
    let shared = Arc::new(Shared {
        messages: limits.outbox_messages,
        bytes: limits.outbox_bytes,
        notifiers: AtomicUsize::new(1),
        is_awaited: AtomicBool::new(false),
        queue: Mutex::default(),
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item<T> {
    /// An encoded message.
    Message(T),
    /// The handler wants its stream closed now, and its client to come back after this time (HL-9).
    CloseStream(Option<Duration>),
}

/// What waited in the queue, taken out as one piece.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The messages, one behind the other.
    text: BytesMut,
    /// What there is, in order, and how long each message is.
    items: VecDeque<Item<usize>>,
}

/// Nobody reads the queue any more: the peer went away or the answer is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

struct Shared {
    messages: usize,
    bytes: usize,
    /// How many [`Notifier`]s there are.
    notifiers: AtomicUsize,
    /// Whether the reader has waited for something, so that it must learn when the last writer is gone.
    is_awaited: AtomicBool,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Batch,
    /// The sum of the lengths in `waiting`.
    held: usize,
    /// The progress that was told last.
    told: Option<f64>,
    closed: bool,
    /// Whether the reader can put notifications on the wire but no requests.
    takes_no_requests: bool,
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
        let length = method.len() + params.as_bytes().len() + ENVELOPE_BYTES;
        poll_fn(|cx| self.poll_put(cx, length, |text| rpc::notification(text, method, Some(params)))).await
    }

    /// Queues a progress notification as [`send`](Self::send) does, if it is more than what was told before: what arrives
    /// grows, whoever tells it (P-51). Progress that is no finite number is not told, and such a total is left out.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn progress(
        &self,
        token: &ProgressToken,
        progress: f64,
        total: Option<f64>,
        message: Option<&str>,
    ) -> Result<(), Closed> {
        if !progress.is_finite() {
            return Ok(());
        }
        let total = total.filter(|total| total.is_finite());
        let length = message.map_or(0, str::len) + PROGRESS_BYTES;
        poll_fn(|cx| {
            let mut queue = self.shared.lock();
            if queue.told.is_some_and(|told| progress <= told) {
                return Poll::Ready(Ok(()));
            }
            let write = |text: &mut BytesMut| rpc::progress(text, token, progress, total, message);
            ready!(self.shared.poll_put(&mut queue, cx, length, write))?;
            queue.told = Some(progress);
            wake_reader(queue);
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Closes the stream that this exchange is answered on, while the handler goes on: what it sends afterwards and its
    /// result are kept, and a client that comes back for them gets them (HL-9). `retry` says when it should.
    ///
    /// Nothing happens where a client could not come back: on pipes, in the modern era, before 2025-11-25, and when the
    /// client takes no event stream.
    pub fn close_stream(&self, retry: Option<Duration>) {
        let mut queue = self.shared.lock();
        if !queue.closed {
            queue.waiting.items.push_back(Item::CloseStream(retry));
            wake_reader(queue);
        }
    }

    /// Queues an encoded request to the client; waits while the queue is full. Takes `message` when it is queued.
    pub(crate) fn poll_request(&self, cx: &Context<'_>, message: &mut Option<Bytes>) -> Poll<Result<(), Closed>> {
        if self.shared.lock().takes_no_requests {
            return Poll::Ready(Err(Closed));
        }
        let encoded = message.as_deref().unwrap_or_default();
        ready!(self.poll_put(cx, encoded.len(), |text| text.extend_from_slice(encoded)))?;
        *message = None;
        Poll::Ready(Ok(()))
    }

    /// Queues an encoded message even if the queue is full, for what cannot wait; nothing happens when nobody reads.
    pub(crate) fn send_now(&self, message: &[u8]) {
        let mut queue = self.shared.lock();
        if !queue.closed {
            let length = queue.write(message.len(), |text| text.extend_from_slice(message));
            queue.add(length);
            wake_reader(queue);
        }
    }

    /// Returns whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }

    /// Queues the message that `write` appends; `length` is about how long it is.
    fn poll_put(&self, cx: &Context<'_>, length: usize, write: impl FnOnce(&mut BytesMut)) -> Poll<Result<(), Closed>> {
        let mut queue = self.shared.lock();
        ready!(self.shared.poll_put(&mut queue, cx, length, write))?;
        wake_reader(queue);
        Poll::Ready(Ok(()))
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
    pub(crate) fn poll_item(&mut self, cx: &Context<'_>) -> Poll<Option<Item<Bytes>>> {
        self.poll_taken(cx, Queue::take_item)
    }

    /// Returns what is already there.
    pub(crate) fn try_item(&mut self) -> Option<Item<Bytes>> {
        self.taken(Queue::take_item)
    }

    /// Returns what waits, about `most` bytes of it; `None` once every [`Notifier`] is gone and the queue is empty.
    #[cfg(any(feature = "http-server", feature = "pipe"))]
    pub(crate) fn poll_batch(&mut self, cx: &Context<'_>, most: usize) -> Poll<Option<Batch>> {
        self.poll_taken(cx, |queue| queue.take_batch(most))
    }

    /// Returns what is already there, about `most` bytes of it.
    #[cfg(any(feature = "http-server", feature = "pipe"))]
    pub(crate) fn try_batch(&mut self, most: usize) -> Option<Batch> {
        self.taken(|queue| queue.take_batch(most))
    }

    /// Refuses requests from now on: this reader cannot put them on the wire.
    #[cfg(feature = "http-server")]
    pub(crate) fn refuse_requests(&mut self) {
        self.shared.lock().takes_no_requests = true;
    }

    /// Returns all that is there, and the two ends again if nobody else can write to the queue any more; else it is closed.
    #[cfg(feature = "pipe")]
    pub(crate) fn finish(mut self) -> (Option<Batch>, Option<(Notifier, Self)>) {
        let Some(shared) = Arc::get_mut(&mut self.shared) else {
            return (self.taken(|queue| queue.take_batch(usize::MAX)), None);
        };
        let queue = shared.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        let said = queue.take_batch(usize::MAX);
        *queue = Queue { waiting: std::mem::take(&mut queue.waiting), ..Queue::default() };
        *shared.notifiers.get_mut() = 1;
        *shared.is_awaited.get_mut() = false;
        (said, Some((Notifier { shared: Arc::clone(&self.shared) }, self)))
    }

    fn poll_taken<T>(&self, cx: &Context<'_>, take: impl FnOnce(&mut Queue) -> Option<T>) -> Poll<Option<T>> {
        let mut queue = self.shared.lock();
        if let Some(taken) = take(&mut queue) {
            wake_writers(queue);
            return Poll::Ready(Some(taken));
        }
        // In this order, and in the other one where a writer goes, so that one of the two sees the other.
        self.shared.is_awaited.store(true, Ordering::SeqCst);
        if self.shared.notifiers.load(Ordering::SeqCst) == 0 {
            return Poll::Ready(None);
        }
        if !queue.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            queue.reader = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn taken<T>(&self, take: impl FnOnce(&mut Queue) -> Option<T>) -> Option<T> {
        let mut queue = self.shared.lock();
        let taken = take(&mut queue)?;
        wake_writers(queue);
        Some(taken)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        queue.waiting = Batch::default();
        queue.held = 0;
        wake_writers(queue);
    }
}

impl Clone for Notifier {
    fn clone(&self) -> Self {
        self.shared.notifiers.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        let was_last = self.shared.notifiers.fetch_sub(1, Ordering::SeqCst) == 1;
        if was_last && self.shared.is_awaited.load(Ordering::SeqCst) {
            // The reader must learn that the last writer is gone.
            wake_reader(self.shared.lock());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // What a panic can leave behind is half a message, which the next look cuts off, so poisoning means nothing.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the message that `write` appends, when there is room; `length` is about how long it is.
    fn poll_put(
        &self,
        queue: &mut Queue,
        cx: &Context<'_>,
        length: usize,
        write: impl FnOnce(&mut BytesMut),
    ) -> Poll<Result<(), Closed>> {
        ready!(self.poll_room(queue, cx, length))?;
        // How long it is with its escapes is known when it is written. What has no room then is cut off again.
        let length = queue.write(length, write);
        ready!(self.poll_room(queue, cx, length))?;
        queue.add(length);
        Poll::Ready(Ok(()))
    }

    /// Is ready when there is room for a message of so many bytes.
    fn poll_room(&self, queue: &mut Queue, cx: &Context<'_>, length: usize) -> Poll<Result<(), Closed>> {
        if queue.closed {
            return Poll::Ready(Err(Closed));
        }
        let count = queue.waiting.items.len();
        // A message above the limit passes alone, or it would wait for ever.
        if count > 0 && (count >= self.messages || queue.held.saturating_add(length) > self.bytes) {
            if !queue.writers.iter().any(|writer| writer.will_wake(cx.waker())) {
                queue.writers.push(cx.waker().clone());
            }
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Queue {
    /// Writes a message behind the others, about `length` bytes long, and returns how long it is; what is not added is
    /// not there for anybody.
    fn write(&mut self, length: usize, write: impl FnOnce(&mut BytesMut)) -> usize {
        let text = self.text();
        let before = text.len();
        text.reserve(length);
        write(text);
        text.len() - before
    }

    /// Adds the message that was just written.
    fn add(&mut self, length: usize) {
        self.held += length;
        self.waiting.items.push_back(Item::Message(length));
    }

    /// Returns the text of what waits, without what was written and not added.
    fn text(&mut self) -> &mut BytesMut {
        self.waiting.text.truncate(self.held);
        &mut self.waiting.text
    }

    fn take_item(&mut self) -> Option<Item<Bytes>> {
        self.text();
        let Batch { text, items } = &mut self.waiting;
        let length = match items.pop_front()? {
            Item::Message(length) => length,
            Item::CloseStream(retry) => return Some(Item::CloseStream(retry)),
        };
        self.held -= length;
        if self.held == 0 {
            return Some(Item::Message(std::mem::take(text).freeze()));
        }
        // A copy, because one that is kept must not keep the others.
        let message = Bytes::copy_from_slice(text.get(..length).unwrap_or_default());
        text.advance(length);
        Some(Item::Message(message))
    }

    #[cfg(any(feature = "http-server", feature = "pipe"))]
    fn take_batch(&mut self, most: usize) -> Option<Batch> {
        self.text();
        let Batch { text, items } = &mut self.waiting;
        if items.is_empty() {
            return None;
        }
        if self.held <= most {
            self.held = 0;
            return Some(std::mem::take(&mut self.waiting));
        }
        let (mut count, mut length) = (0, 0);
        while length < most.max(1)
            && let Some(item) = items.get(count)
        {
            count += 1;
            if let Item::Message(more) = item {
                length += more;
            }
        }
        self.held -= length;
        Some(Batch { text: text.split_to(length), items: items.drain(..count).collect() })
    }
}

impl Batch {
    /// Returns how many bytes the messages have in all.
    #[cfg(feature = "http-server")]
    pub(crate) fn length(&self) -> usize {
        self.text.len()
    }

    /// Returns what was taken, in order.
    #[cfg(any(feature = "http-server", feature = "pipe"))]
    pub(crate) fn items(&self) -> impl Iterator<Item = Item<&[u8]>> {
        let mut rest = &self.text[..];
        self.items.iter().map(move |item| match *item {
            Item::Message(length) => {
                let (message, after) = rest.split_at(length);
                rest = after;
                Item::Message(message)
            }
            Item::CloseStream(retry) => Item::CloseStream(retry),
        })
    }

    /// Returns the messages, in order.
    #[cfg(any(feature = "http-server", feature = "pipe"))]
    pub(crate) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.items().filter_map(|item| match item {
            Item::Message(message) => Some(message),
            Item::CloseStream(_) => None,
        })
    }
}

/// Lets go of the lock, then wakes the reader, because a waker is code of others.
fn wake_reader(mut queue: MutexGuard<'_, Queue>) {
    let reader = queue.reader.take();
    drop(queue);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// Lets go of the lock, then wakes those who wait for room.
fn wake_writers(mut queue: MutexGuard<'_, Queue>) {
    let writers = std::mem::take(&mut queue.writers);
    drop(queue);
    writers.into_iter().for_each(Waker::wake);
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier").field("closed", &self.is_closed()).finish()
    }
}

/// As many bytes as the envelope has around method and parameters.
const ENVELOPE_BYTES: usize = 40;
/// As many bytes as a progress notification usually has besides its message.
const PROGRESS_BYTES: usize = 160;

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
        notifier.send_now(b"even if it is full");
        assert!(matches!(outbox.try_item(), Some(Item::Message(_))));
        assert_eq!(outbox.try_item(), Some(Item::CloseStream(None)));
        notifier.close_stream(Some(Duration::from_secs(1)));
        assert_eq!(next(&mut outbox).unwrap(), "even if it is full");
        drop(notifier);
        assert_eq!(next(&mut outbox), None);
    }

    #[test]
    #[cfg(feature = "pipe")]
    fn a_queue_gives_out_all_that_is_in_it_and_is_used_again_only_when_nobody_can_write_to_it() {
        let (notifier, outbox) = outbox(&Limits::default());
        let clone = notifier.clone();
        drop(notifier);
        block_on(clone.send("a", &RawJson::empty_object())).unwrap();
        drop(clone);
        let mut outbox = outbox;
        assert!(next(&mut outbox).is_some());
        assert_eq!(next(&mut outbox), None);
        let said = |batch: Option<Batch>| batch.map_or(0, |batch| batch.messages().count());
        let (batch, ends) = outbox.finish();
        let (notifier, outbox) = ends.expect("nobody else has it");
        assert_eq!(said(batch), 0, "all was read");
        assert_eq!(notifier.send("b", &RawJson::empty_object()).now_or_never(), Some(Ok(())));
        drop(notifier);
        let (batch, ends) = outbox.finish();
        let (notifier, outbox) = ends.expect("nobody else has it");
        assert_eq!(said(batch), 1);
        assert_eq!(notifier.send("b", &RawJson::empty_object()).now_or_never(), Some(Ok(())));
        let (batch, ends) = outbox.finish();
        assert_eq!(said(batch), 1);
        assert!(ends.is_none(), "somebody can write to it");
        assert_eq!(notifier.send("c", &RawJson::empty_object()).now_or_never(), Some(Err(Closed)));
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
    #[test]
    #[cfg(any(feature = "http-server", feature = "pipe"))]
    fn a_batch_has_what_waited_in_order_and_no_more_than_was_asked_for() {
        fn check(most: usize, expected: &[&str]) {
            let (notifier, mut outbox) = outbox(&Limits::default());
            for message in ["1", "22", "333"] {
                notifier.send_now(message.as_bytes());
            }
            let mut batches = Vec::new();
            while let Some(batch) = outbox.try_batch(most) {
                let texts: Vec<_> = batch.messages().map(|text| String::from_utf8(text.to_vec()).unwrap()).collect();
                batches.push(texts.join(" "));
            }
            assert_eq!(batches, expected, "{most}");
        }
        check(usize::MAX, &["1 22 333"]);
        check(6, &["1 22 333"]);
        check(3, &["1 22", "333"]);
        check(2, &["1 22", "333"]);
        check(1, &["1", "22", "333"]);
    }

    #[test]
    #[cfg(any(feature = "http-server", feature = "pipe"))]
    fn a_batch_makes_room_for_those_who_wait() {
        let (notifier, mut outbox) = outbox(&Limits::default().outbox_messages(1));
        let params = RawJson::empty_object();
        block_on(notifier.send("a", &params)).unwrap();
        let mut second = Box::pin(notifier.send("b", &params));
        assert_eq!((&mut second).now_or_never(), None);
        assert_eq!(outbox.try_batch(usize::MAX).unwrap().messages().count(), 1);
        assert_eq!(second.now_or_never(), Some(Ok(())));
    }

    #[test]
    fn progress_that_comes_too_late_is_not_told_p_51() {
        let (notifier, mut outbox) = outbox(&Limits::default().outbox_messages(1));
        let token = ProgressToken::from(7);
        let tell = |step: f64| Box::pin(notifier.progress(&token, step, None, None));
        assert_eq!(tell(1.0).now_or_never(), Some(Ok(())));
        assert_eq!(tell(1.0).now_or_never(), Some(Ok(())), "it is not more, so it waits for nothing");
        let (mut second, mut third) = (tell(2.0), tell(3.0));
        assert_eq!(((&mut second).now_or_never(), (&mut third).now_or_never()), (None, None));
        assert!(outbox.try_next().unwrap().ends_with(br#"{"progressToken":7,"progress":1}}"#));
        assert_eq!(third.now_or_never(), Some(Ok(())));
        assert!(outbox.try_next().unwrap().ends_with(br#"{"progressToken":7,"progress":3}}"#));
        assert_eq!(second.now_or_never(), Some(Ok(())));
        assert_eq!(outbox.try_next(), None);
    }

    #[test]
    fn progress_that_is_no_number_is_not_told_and_hides_nothing_that_comes_later_p_51() {
        let (notifier, mut outbox) = outbox(&Limits::default());
        let token = ProgressToken::from(7);
        for step in [f64::INFINITY, f64::NAN, f64::NEG_INFINITY] {
            block_on(notifier.progress(&token, step, None, None)).unwrap();
        }
        assert_eq!(outbox.try_next(), None);
        block_on(notifier.progress(&token, 1.0, Some(f64::INFINITY), None)).unwrap();
        assert!(outbox.try_next().unwrap().ends_with(br#"{"progressToken":7,"progress":1}}"#));
    }

    #[test]
    fn of_progress_every_byte_counts_that_is_written() {
        fn check(token: &ProgressToken, message: Option<&str>) {
            let (notifier, mut outbox) = outbox(&Limits::default().outbox_bytes(1000));
            let tell = |step: f64| Box::pin(notifier.progress(token, step, None, message));
            assert_eq!(tell(1.0).now_or_never(), Some(Ok(())));
            let mut second = tell(2.0);
            assert_eq!((&mut second).now_or_never(), None);
            let first = outbox.try_next().unwrap();
            assert!(first.len() > 600 && first.ends_with(b"}}"));
            assert_eq!(outbox.try_next(), None, "what had no room is not there");
            assert_eq!(second.now_or_never(), Some(Ok(())));
            assert_eq!(outbox.try_next().unwrap().len(), first.len());
        }
        check(&ProgressToken::from("t".repeat(600)), None);
        check(&ProgressToken::from(7), Some(&"\u{1}".repeat(150)));
    }

    #[test]
    fn what_is_half_written_is_never_read() {
        let (notifier, mut outbox) = outbox(&Limits::default());
        let broken = |notifier: &Notifier| {
            notifier.shared.lock().write(0, |text| text.extend_from_slice(b"half"));
        };
        notifier.send_now(b"whole");
        broken(&notifier);
        assert_eq!(outbox.try_next().unwrap(), "whole");
        #[cfg(any(feature = "http-server", feature = "pipe"))]
        {
            notifier.send_now(b"whole");
            broken(&notifier);
            let batch = outbox.try_batch(usize::MAX).unwrap();
            assert_eq!(&batch.text[..], b"whole");
        }
    }
}
