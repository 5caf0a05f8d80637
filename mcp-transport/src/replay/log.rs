//! What a session has sent on its streams, kept for a client that comes back (HL-8, HL-15, F40 to F42).
//!
//! The surprising thing: an event that is not kept still had its number, so a client that has not seen it meets an
//! explicit gap, never silence.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::budget::ReplayBudget;
use super::id::{EventId, Refusal, StreamId};
use crate::limits::Limits;

/// The streams of one session and their latest events.
///
/// A stream is opened for each answer that may be resumed and for the standalone stream, grows by
/// [`append`](Self::append), and is kept for [`Limits::replay_age`] after [`finish`](Self::finish). Each connection
/// reads it through a [`Reader`]; the newest reader of a stream is the only one that gets anything (HL-7).
///
/// Callers owe: to [`leave`](Self::leave) with the reader when its connection is gone, and to append no faster than an
/// attached reader reads, because what it has not read is kept above every limit: replay degrades before a live stream
/// does (F44).
///
/// # Examples
///
/// ```
/// use std::time::Instant;
///
/// use mcp_transport::Limits;
/// use mcp_transport::replay::{Next, ReplayBudget, SessionLog};
///
/// let (limits, now) = (Limits::default(), Instant::now());
/// let mut log = SessionLog::new(&limits, ReplayBudget::new(&limits), 0x5eed);
/// let mut reader = log.open();
/// log.append(reader.stream(), "{}".into(), now)?;
/// let Next::Event(id, _) = log.read(&mut reader)? else { panic!("an event waits") };
/// // The connection is lost; the client names the last event that it saw.
/// let mut reader = log.resume(&id.to_string(), now)?;
/// assert_eq!(log.read(&mut reader)?, Next::Wait);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SessionLog {
    /// Boxed, because a map has room for ten more from the first one on, and most sessions have one stream or none.
    streams: BTreeMap<StreamId, Box<Stream>>,
    /// The finished streams, in the order in which they finished.
    finished: VecDeque<StreamId>,
    next_stream: u64,
    budget: ReplayBudget,
    bounds: Bounds,
    salt: u64,
}

#[derive(Debug)]
struct Bounds {
    /// Events of one stream.
    events: usize,
    /// Bytes of one stream.
    bytes: usize,
    age: Duration,
    /// Finished streams; as many as may be working at once.
    finished: usize,
}

#[derive(Debug, Default)]
struct Stream {
    events: VecDeque<Kept>,
    /// The number of the last event, kept or not; 0 before the first.
    last: u64,
    /// The sum of the lengths of `events`.
    held: usize,
    /// The reader that may read: each new one gets the next number.
    lease: u64,
    /// Up to which event the attached reader has read; none without one.
    attached: Option<u64>,
    finished: Option<Instant>,
}

#[derive(Debug)]
struct Kept {
    message: Bytes,
    number: u64,
    at: Instant,
}

/// One connection's way through a stream.
#[derive(Debug)]
pub struct Reader {
    place: EventId,
    lease: u64,
}

/// What a reader comes to next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// A message, and the id of its event.
    Event(EventId, Bytes),
    /// The stream is finished and everything was read.
    End,
    /// A later connection reads the stream; this one is to be closed.
    Replaced,
    /// Nothing yet.
    Wait,
}

/// The stream is finished or unknown: nothing can be added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished;

impl SessionLog {
    /// Makes the log of one session, bounded by the `replay_` limits and by a budget that sessions share.
    ///
    /// `salt` is a random number of the session; it goes into the event ids.
    pub fn new(limits: &Limits, budget: ReplayBudget, salt: u64) -> Self {
        Self {
            streams: BTreeMap::new(),
            finished: VecDeque::new(),
            next_stream: 0,
            budget,
            bounds: Bounds {
                events: limits.replay_events,
                bytes: limits.replay_bytes,
                age: limits.replay_age,
                finished: limits.in_flight,
            },
            salt,
        }
    }

    /// Opens a stream and returns its first reader.
    pub fn open(&mut self) -> Reader {
        let stream = StreamId::new(self.next_stream);
        self.next_stream += 1;
        self.streams.insert(stream, Box::new(Stream { attached: Some(0), ..Stream::default() }));
        Reader { place: EventId::new(self.salt, stream, 0), lease: 0 }
    }

    /// Adds a message to a stream and returns the id of its event; older events may be forgotten for it.
    ///
    /// # Errors
    ///
    /// Fails when the stream is finished or was forgotten.
    pub fn append(&mut self, stream: StreamId, message: Bytes, now: Instant) -> Result<EventId, Finished> {
        let entry = self.streams.get_mut(&stream).filter(|entry| entry.finished.is_none()).ok_or(Finished)?;
        entry.last += 1;
        let number = entry.last;
        self.budget.take(message.len());
        entry.held += message.len();
        entry.events.push_back(Kept { message, number, at: now });
        entry.forget_older(now, self.bounds.age, &self.budget);
        self.trim(stream);
        Ok(EventId::new(self.salt, stream, number))
    }

    /// Ends a stream: nothing is added to it any more, and it is forgotten [`Limits::replay_age`] later.
    pub fn finish(&mut self, stream: StreamId, now: Instant) {
        let Some(entry) = self.streams.get_mut(&stream).filter(|entry| entry.finished.is_none()) else { return };
        entry.finished = Some(now);
        self.finished.push_back(stream);
        self.expire(now);
    }

    /// Lets a client that comes back read on behind the last event that it saw; the reader before it is replaced.
    ///
    /// # Errors
    ///
    /// Refuses what is no event id of this session, and a place behind which events are forgotten.
    pub fn resume(&mut self, last_event_id: &str, now: Instant) -> Result<Reader, Refusal> {
        let place = EventId::parse(last_event_id)?;
        if !place.is_of(self.salt) {
            return Err(Refusal::Unknown);
        }
        self.expire(now);
        // The seal says that there was such a stream.
        let entry = self.streams.get_mut(&place.stream()).ok_or(Refusal::Gap)?;
        entry.behind(place.number())?;
        entry.lease += 1;
        entry.attached = Some(place.number());
        Ok(Reader { place, lease: entry.lease })
    }

    /// Returns what a reader comes to next, and moves it there.
    ///
    /// # Errors
    ///
    /// Fails when the stream was forgotten.
    pub fn read(&mut self, reader: &mut Reader) -> Result<Next, Refusal> {
        let stream = reader.stream();
        let entry = self.streams.get_mut(&stream).ok_or(Refusal::Gap)?;
        if entry.lease != reader.lease {
            return Ok(Next::Replaced);
        }
        let Some(event) = entry.behind(reader.place.number())? else {
            return Ok(if entry.finished.is_some() { Next::End } else { Next::Wait });
        };
        let (number, message) = (event.number, event.message.clone());
        reader.place = EventId::new(self.salt, stream, number);
        entry.attached = Some(number);
        // What was kept only for this reader may go now.
        self.trim(stream);
        Ok(Next::Event(reader.place, message))
    }

    /// Notes that the connection of a reader is gone; its stream stays.
    pub fn leave(&mut self, reader: &Reader) {
        let stream = reader.stream();
        let Some(entry) = self.streams.get_mut(&stream).filter(|entry| entry.lease == reader.lease) else { return };
        entry.attached = None;
        self.trim(stream);
    }

    /// Forgets what is too old; whoever sweeps sessions calls it, so that quiet ones do not hold memory.
    pub fn expire(&mut self, now: Instant) {
        let Bounds { age, finished: most, .. } = self.bounds;
        let mut surplus = self.finished.len().saturating_sub(most);
        let (streams, budget) = (&mut self.streams, &self.budget);
        self.finished.retain(|stream| {
            let Some(entry) = streams.get_mut(stream) else { return false };
            let is_old = entry.finished.is_some_and(|at| now.saturating_duration_since(at) >= age);
            if entry.attached.is_some() || !(is_old || surplus > 0) {
                return true;
            }
            surplus = surplus.saturating_sub(1);
            entry.forget_all(budget);
            streams.remove(stream);
            false
        });
        for entry in self.streams.values_mut() {
            entry.forget_older(now, age, &self.budget);
        }
    }

    /// Returns how many streams are kept, open or finished.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Forgets the oldest events until the limits are kept, or nothing is left that may be forgotten.
    fn trim(&mut self, stream: StreamId) {
        let Bounds { events, bytes, .. } = self.bounds;
        if let Some(entry) = self.streams.get_mut(&stream) {
            while (entry.events.len() > events || entry.held > bytes) && entry.forget_oldest(&self.budget) {}
        }
        while self.budget.is_exceeded() {
            let free =
                self.streams.values_mut().filter_map(|entry| entry.free().map(|event| event.at).zip(Some(entry)));
            let Some((_, entry)) = free.min_by_key(|(at, _)| *at) else { return };
            entry.forget_oldest(&self.budget);
        }
    }
}

impl Drop for SessionLog {
    fn drop(&mut self) {
        for entry in self.streams.values_mut() {
            entry.forget_all(&self.budget);
        }
    }
}

impl Stream {
    /// Returns the event behind the one of this number; none when that was the last.
    fn behind(&self, number: u64) -> Result<Option<&Kept>, Refusal> {
        let missing = self.last.checked_sub(number).ok_or(Refusal::Unknown)?;
        if missing == 0 {
            return Ok(None);
        }
        // What is kept is the end of the stream, without holes.
        let at = usize::try_from(missing).ok().and_then(|missing| self.events.len().checked_sub(missing));
        at.and_then(|at| self.events.get(at)).map(Some).ok_or(Refusal::Gap)
    }

    /// Returns the oldest event, unless a reader still has to read it.
    fn free(&self) -> Option<&Kept> {
        self.events.front().filter(|event| self.attached.is_none_or(|read| event.number <= read))
    }

    fn forget_older(&mut self, now: Instant, age: Duration, budget: &ReplayBudget) {
        while self.free().is_some_and(|event| now.saturating_duration_since(event.at) >= age) {
            self.forget_oldest(budget);
        }
    }

    /// Forgets the oldest event that may be forgotten; returns whether there was one.
    fn forget_oldest(&mut self, budget: &ReplayBudget) -> bool {
        let Some(length) = self.free().map(|event| event.message.len()) else { return false };
        self.events.pop_front();
        self.held -= length;
        budget.give_back(length);
        true
    }

    fn forget_all(&mut self, budget: &ReplayBudget) {
        budget.give_back(std::mem::take(&mut self.held));
        self.events.clear();
    }
}

impl Reader {
    /// Returns the stream that is read.
    pub fn stream(&self) -> StreamId {
        self.place.stream()
    }

    /// Returns the id of the last event that was read: the one of a priming event (HL-9).
    pub fn place(&self) -> EventId {
        self.place
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream is finished; open another one")
    }
}

impl Error for Finished {}
