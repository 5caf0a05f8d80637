//! The event streams of a session: its log, and who waits for it on either side (HL-6 to HL-9).
//!
//! What is sent goes into the log and from there to whichever connection reads the stream, so that one that comes back
//! reads on as if nothing had happened. The surprising thing: nobody here knows a connection; readers come and leave.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::limits::Limits;
use crate::replay::{EventId, Next, Reader, Refusal, ReplayBudget, SessionLog, StreamId};

/// The streams of one session.
#[derive(Debug)]
pub(super) struct Streams {
    /// How many messages and bytes may wait for the reader of a stream before its writer waits.
    messages: usize,
    bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    log: SessionLog,
    /// The streams that have a reader or are not finished.
    doors: BTreeMap<StreamId, Box<Door>>,
    /// The stream that carries what belongs to no request.
    standalone: Option<StreamId>,
    has_ended: bool,
}

/// Where the writer and the reader of one stream meet.
#[derive(Debug)]
struct Door {
    /// The last event that was added.
    last: EventId,
    /// Where the connection of the reader is to be closed, and when the client should come back.
    closing: Option<(EventId, Option<Duration>)>,
    /// The number of the latest seat.
    seats: u64,
    /// Whether somebody sits on it.
    has_reader: bool,
    is_finished: bool,
    /// Messages and bytes that wait for the reader.
    waiting: usize,
    held: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// One connection's place at a stream; only the latest one of a stream gets anything (HL-7).
#[derive(Debug)]
pub(super) struct Seat {
    reader: Reader,
    number: u64,
}

/// What a reader comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A message and the id of its event.
    Event(EventId, Bytes),
    /// The connection is to be closed now; the client is told to come back after this time.
    Close(Option<Duration>),
    /// Nothing more comes on this connection.
    End,
}

/// Why the standalone stream cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// Somebody reads it already.
    Open,
    /// The session is over.
    Ended,
}

impl Streams {
    pub(super) fn new(limits: &Limits, budget: ReplayBudget, salt: u64) -> Self {
        let log = SessionLog::new(limits, budget, salt);
        let state = State { log, doors: BTreeMap::new(), standalone: None, has_ended: false };
        Self { messages: limits.outbox_messages, bytes: limits.outbox_bytes, state: Mutex::new(state) }
    }

    /// Opens the stream of an answer.
    pub(super) fn open(&self) -> Seat {
        self.lock().open()
    }

    /// Opens the standalone stream; there is one at a time (HL-6).
    pub(super) fn open_standalone(&self, now: Instant) -> Result<Seat, Unopened> {
        let mut state = self.lock();
        if state.has_ended {
            return Err(Unopened::Ended);
        }
        if let Some(before) = state.standalone {
            if state.doors.get(&before).is_some_and(|door| door.has_reader) {
                return Err(Unopened::Open);
            }
            state.finish(before, now);
        }
        let seat = state.open();
        state.standalone = Some(seat.stream());
        Ok(seat)
    }

    /// Reads a stream on behind the event that a client saw last.
    pub(super) fn resume(&self, last_event_id: &str, now: Instant) -> Result<Seat, Refusal> {
        let mut state = self.lock();
        let reader = state.log.resume(last_event_id, now)?;
        // A stream that is not finished has a door.
        let door = state.doors.entry(reader.stream()).or_insert_with(|| Box::new(Door::new(reader.place(), true)));
        let number = door.sit_down();
        let wakers = [door.reader.take(), door.writer.take()];
        drop(state);
        // The reader before learns that it is replaced.
        wake(wakers);
        Ok(Seat { reader, number })
    }

    pub(super) fn is_standalone(&self, seat: &Seat) -> bool {
        self.lock().standalone == Some(seat.stream())
    }

    /// Returns whether somebody reads any of them.
    pub(super) fn has_readers(&self) -> bool {
        self.lock().doors.values().any(|door| door.has_reader)
    }

    /// Is ready when a stream takes another message: at once when nobody reads it, because the log has its own bounds.
    pub(super) fn poll_room(&self, stream: StreamId, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        let Some(door) = state.doors.get_mut(&stream) else { return Poll::Ready(()) };
        let is_full = door.waiting >= self.messages || (door.waiting > 0 && door.held >= self.bytes);
        if !(door.has_reader && is_full) {
            return Poll::Ready(());
        }
        door.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Adds a message to a stream.
    pub(super) fn append(&self, stream: StreamId, message: Bytes, now: Instant) {
        let mut state = self.lock();
        let length = message.len();
        // A stream that is over has nobody who could miss it.
        let Ok(id) = state.log.append(stream, message, now) else { return };
        let Some(door) = state.doors.get_mut(&stream) else { return };
        door.last = id;
        if door.has_reader {
            door.waiting += 1;
            door.held += length;
        }
        let reader = door.reader.take();
        drop(state);
        wake([reader]);
    }

    /// Closes the connection of a stream behind what was added so far; the stream goes on (HL-9).
    pub(super) fn close(&self, stream: StreamId, retry: Option<Duration>) {
        let mut state = self.lock();
        let Some(door) = state.doors.get_mut(&stream).filter(|door| door.has_reader) else { return };
        door.closing = Some((door.last, retry));
        let reader = door.reader.take();
        drop(state);
        wake([reader]);
    }

    /// Ends a stream behind what was added so far; it is kept for a while.
    pub(super) fn finish(&self, stream: StreamId, now: Instant) {
        let mut state = self.lock();
        let reader = state.finish(stream, now);
        drop(state);
        wake([reader]);
    }

    /// Returns what a reader comes to next.
    pub(super) fn poll_read(&self, seat: &mut Seat, cx: &Context<'_>) -> Poll<Read> {
        let mut state = self.lock();
        let State { log, doors, has_ended, .. } = &mut *state;
        let number = seat.number;
        let Some(door) = doors.get_mut(&seat.stream()).filter(|door| !*has_ended && door.seats == number) else {
            return Poll::Ready(Read::End);
        };
        if let Some((_, retry)) = door.closing.take_if(|(place, _)| *place == seat.place()) {
            return Poll::Ready(Read::Close(retry));
        }
        let read = match log.read(&mut seat.reader) {
            Ok(Next::Event(id, message)) => Read::Event(id, message),
            Ok(Next::Wait) => {
                (door.waiting, door.held) = (0, 0);
                door.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            _ => Read::End,
        };
        if let Read::Event(_, message) = &read {
            door.waiting = door.waiting.saturating_sub(1);
            door.held = door.held.saturating_sub(message.len());
        }
        let writer = door.writer.take();
        drop(state);
        wake([writer]);
        Poll::Ready(read)
    }

    /// Notes that the connection of a reader is gone; its stream stays.
    pub(super) fn leave(&self, seat: &Seat) {
        let mut state = self.lock();
        let stream = seat.stream();
        state.log.leave(&seat.reader);
        let Some(door) = state.doors.get_mut(&stream).filter(|door| door.seats == seat.number) else { return };
        door.stand_up();
        let writer = door.writer.take();
        if door.is_finished {
            state.doors.remove(&stream);
        }
        drop(state);
        wake([writer]);
    }

    /// Forgets what is too old.
    pub(super) fn expire(&self, now: Instant) {
        self.lock().log.expire(now);
    }

    /// Ends every stream at once, with the session.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        let doors = std::mem::take(&mut state.doors);
        drop(state);
        doors.into_values().for_each(|door| wake([door.reader, door.writer]));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements that hold the lock, so poisoning means nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(&mut self) -> Seat {
        let reader = self.log.open();
        let mut door = Door::new(reader.place(), false);
        let number = door.sit_down();
        if !self.has_ended {
            self.doors.insert(reader.stream(), Box::new(door));
        }
        Seat { reader, number }
    }

    fn finish(&mut self, stream: StreamId, now: Instant) -> Option<Waker> {
        self.log.finish(stream, now);
        let door = self.doors.get_mut(&stream)?;
        door.is_finished = true;
        let reader = door.reader.take();
        if !door.has_reader {
            self.doors.remove(&stream);
        }
        reader
    }
}

impl Door {
    fn new(last: EventId, is_finished: bool) -> Self {
        Self {
            last,
            closing: None,
            seats: 0,
            has_reader: false,
            is_finished,
            waiting: 0,
            held: 0,
            reader: None,
            writer: None,
        }
    }

    /// Lets a new reader in, in the place of the one before.
    fn sit_down(&mut self) -> u64 {
        self.stand_up();
        self.has_reader = true;
        self.seats += 1;
        self.seats
    }

    fn stand_up(&mut self) {
        self.has_reader = false;
        self.closing = None;
        (self.waiting, self.held) = (0, 0);
    }
}

impl Seat {
    pub(super) fn stream(&self) -> StreamId {
        self.reader.stream()
    }

    /// Returns the id of the last event that was read.
    pub(super) fn place(&self) -> EventId {
        self.reader.place()
    }
}

/// Wakes outside of the lock, because a waker is code of others.
fn wake<const N: usize>(wakers: [Option<Waker>; N]) {
    wakers.into_iter().flatten().for_each(Waker::wake);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(limits: &Limits) -> Streams {
        Streams::new(limits, ReplayBudget::new(limits), 0x5eed)
    }

    fn read(streams: &Streams, seat: &mut Seat) -> Option<String> {
        match streams.poll_read(seat, &Context::from_waker(Waker::noop())) {
            Poll::Ready(Read::Event(_, message)) => Some(String::from_utf8(message.to_vec()).unwrap()),
            Poll::Ready(Read::Close(retry)) => Some(format!("close {retry:?}")),
            Poll::Ready(Read::End) => Some("end".to_owned()),
            Poll::Pending => None,
        }
    }

    fn all(streams: &Streams, seat: &mut Seat) -> Vec<String> {
        std::iter::from_fn(|| read(streams, seat).filter(|read| read != "end")).collect()
    }

    fn has_room(streams: &Streams, seat: &Seat) -> bool {
        streams.poll_room(seat.stream(), &Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_connection_is_closed_where_it_was_asked_for_and_the_next_one_gets_the_rest_hl_9() {
        let (streams, now) = (streams(&Limits::default()), Instant::now());
        let mut first = streams.open();
        let stream = first.stream();
        streams.append(stream, "1".into(), now);
        streams.close(stream, None);
        streams.append(stream, "2".into(), now);
        streams.finish(stream, now);
        assert_eq!(read(&streams, &mut first).unwrap(), "1");
        assert_eq!(read(&streams, &mut first).unwrap(), "close None");
        let place = first.place().to_string();
        streams.leave(&first);
        let mut second = streams.resume(&place, now).unwrap();
        assert_eq!(all(&streams, &mut second), ["2"]);
        assert_eq!(read(&streams, &mut second).unwrap(), "end");
    }

    #[test]
    fn closing_a_stream_that_nobody_reads_closes_no_later_connection() {
        let (streams, now) = (streams(&Limits::default()), Instant::now());
        let first = streams.open();
        streams.leave(&first);
        streams.close(first.stream(), None);
        let mut second = streams.resume(&first.place().to_string(), now).unwrap();
        streams.append(first.stream(), "1".into(), now);
        assert_eq!(all(&streams, &mut second), ["1"]);
        // And that the first one leaves once more takes nothing from the second one.
        streams.leave(&first);
        assert!(streams.has_readers());
    }

    #[test]
    fn a_writer_waits_for_a_slow_reader_and_not_for_an_absent_one_f_83() {
        let (streams, now) = (streams(&Limits::default().outbox_messages(2)), Instant::now());
        let mut seat = streams.open();
        for message in ["1", "2"] {
            assert!(has_room(&streams, &seat));
            streams.append(seat.stream(), message.into(), now);
        }
        assert!(!has_room(&streams, &seat));
        assert!(read(&streams, &mut seat).is_some());
        assert!(has_room(&streams, &seat));
        streams.append(seat.stream(), "3".into(), now);
        assert!(!has_room(&streams, &seat));
        streams.leave(&seat);
        assert!(has_room(&streams, &seat));
    }

    #[test]
    fn a_second_standalone_stream_is_refused_until_the_first_is_left_hl_6() {
        let (streams, now) = (streams(&Limits::default()), Instant::now());
        let first = streams.open_standalone(now).unwrap();
        assert_eq!(streams.open_standalone(now).unwrap_err(), Unopened::Open);
        streams.leave(&first);
        assert!(!streams.has_readers());
        let second = streams.open_standalone(now).unwrap();
        assert!(streams.is_standalone(&second) && !streams.is_standalone(&first));
        streams.end();
        assert_eq!(streams.open_standalone(now).unwrap_err(), Unopened::Ended);
    }

    #[test]
    fn the_end_of_the_session_ends_every_reader() {
        let (streams, now) = (streams(&Limits::default()), Instant::now());
        let mut seat = streams.open();
        streams.append(seat.stream(), "1".into(), now);
        streams.end();
        assert_eq!(read(&streams, &mut seat).unwrap(), "end");
    }
}
