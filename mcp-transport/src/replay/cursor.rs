//! What a client has seen of a stream, and when it comes back to one that was cut (HL-8, HL-9, F40, F41).
//!
//! The surprising thing: an event that is repeated on the same connection is new. Only what an earlier connection has
//! brought is a replay, because a server that never heard of resuming may give all its events one id.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;

use crate::limits::Limits;
use crate::sse::SseEvent;

/// The client's end of a stream that may come in several connections.
///
/// Give each event of a connection to [`take`](Self::take). When the connection ends before the stream does, ask
/// [`lost`](Self::lost), wait, ask again with [`last_event_id`](Self::last_event_id) as `Last-Event-ID` and a fresh
/// [`SseDecoder`](crate::sse::SseDecoder) (a cut event counts for nothing), and say [`connected`](Self::connected).
#[derive(Debug)]
pub struct Cursor {
    last_event_id: Option<String>,
    retry: Option<Duration>,
    /// Digests of the ids seen, oldest first, each with the number of the connection that brought it.
    seen: VecDeque<(u64, u64)>,
    connection: u64,
    /// Attempts since the last one that brought something.
    failures: u32,
    needs_id: bool,
    bounds: Bounds,
}

#[derive(Debug)]
struct Bounds {
    seen: usize,
    attempts: usize,
    shortest: Duration,
    longest: Duration,
    retry: Duration,
}

/// How a connection was lost, or was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// It broke, ended, or could not be opened.
    Cut,
    /// The server refused it with this HTTP status.
    Status(u16),
}

/// What to do about a lost connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comeback {
    /// Wait this long, then connect again.
    After(Duration),
    /// Leave it; the messages that did not come are lost.
    Never(GaveUp),
}

/// Why a stream is not asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GaveUp {
    /// As many attempts as [`Limits::reconnects`] brought nothing.
    Attempts(usize),
    /// The server does not have the stream, or not from there on, and said so with this HTTP status.
    Refused(u16),
    /// No event had an id, so there is nothing to resume by.
    Unresumable,
}

impl Cursor {
    /// Makes the cursor of an answer, which can be resumed once an event with an id came.
    pub fn of_answer(limits: &Limits) -> Self {
        Self::new(limits, true)
    }

    /// Makes the cursor of the standalone stream, which can be opened anew at any time.
    pub fn standalone(limits: &Limits) -> Self {
        Self::new(limits, false)
    }

    fn new(limits: &Limits, needs_id: bool) -> Self {
        Self {
            last_event_id: None,
            retry: None,
            seen: VecDeque::new(),
            connection: 0,
            failures: 0,
            needs_id,
            bounds: Bounds {
                seen: limits.replay_events,
                attempts: limits.reconnects,
                shortest: limits.reconnect_min,
                longest: limits.reconnect_max,
                retry: limits.retry_max,
            },
        }
    }

    /// Takes an event of the present connection; returns its data when it is a message that did not come before.
    pub fn take(&mut self, event: SseEvent) -> Option<Bytes> {
        let is_replayed = event.id.as_deref().is_some_and(|id| self.remember(id));
        if let Some(retry) = event.retry {
            self.retry = Some(retry.min(self.bounds.retry));
        }
        if is_replayed && !event.is_priming() {
            return None;
        }
        // A priming event is a sign of life too: a server may send nothing else while a call goes on.
        self.failures = 0;
        let is_message = event.name.as_deref().is_none_or(|name| name == "message");
        (is_message && !event.is_priming()).then_some(event.data)
    }

    /// Returns what to send as `Last-Event-ID`.
    pub fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// Notes that the stream was opened again: what comes now may be a replay.
    pub fn connected(&mut self) {
        self.connection += 1;
    }

    /// Says what to do about a lost connection; `random` is any number, by which the waits of many clients differ.
    ///
    /// A first wait that the server asked for by `retry` is exactly that long; further ones are not shorter. Without
    /// `retry` a wait is anything up to a bound that doubles with each failure.
    pub fn lost(&mut self, loss: Loss, random: u32) -> Comeback {
        if let Loss::Status(status) = loss
            && !is_passing(status)
        {
            return Comeback::Never(GaveUp::Refused(status));
        }
        if self.needs_id && self.last_event_id.is_none() {
            return Comeback::Never(GaveUp::Unresumable);
        }
        let failures = self.failures;
        if usize::try_from(failures).is_ok_and(|failures| failures >= self.bounds.attempts) {
            return Comeback::Never(GaveUp::Attempts(self.bounds.attempts));
        }
        self.failures = failures.saturating_add(1);
        Comeback::After(match self.retry {
            Some(retry) if failures == 0 => retry,
            Some(retry) => self.backoff(failures, random).max(retry),
            None => self.backoff(failures, random),
        })
    }

    fn backoff(&self, failures: u32, random: u32) -> Duration {
        let doubled = self.bounds.shortest.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
        part(doubled.min(self.bounds.longest), random)
    }

    /// Remembers an id; returns whether an earlier connection brought it.
    fn remember(&mut self, id: &str) -> bool {
        if id.is_empty() {
            // The server withdraws what it gave: there is nothing to resume by any more.
            self.last_event_id = None;
            return false;
        }
        let digest = digest(id);
        let is_earlier = |&(seen, connection): &(u64, u64)| seen == digest && connection < self.connection;
        if self.seen.iter().any(is_earlier) {
            // The cursor does not go back: what follows on this connection follows the replay.
            return true;
        }
        self.last_event_id = Some(id.to_owned());
        if self.seen.len() >= self.bounds.seen {
            self.seen.pop_front();
        }
        self.seen.push_back((digest, self.connection));
        false
    }
}

/// Whether a refusal may pass: the server is busy or broken, or the request came too slowly.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429) || status >= 500
}

/// Returns the part of a time that a random number is of all of them.
fn part(whole: Duration, random: u32) -> Duration {
    // 32 bits of the fraction are enough, and no step can overflow.
    let nanos = whole.as_nanos().min(u128::from(u64::MAX)) * u128::from(random) / u128::from(u32::MAX);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn digest(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempts(attempts) => {
                write!(f, "the stream was lost, and {attempts} attempts to bring it back brought nothing")
            }
            Self::Refused(status) => {
                write!(f, "the stream was lost, and the server refuses to resume it with status {status}")
            }
            Self::Unresumable => f.write_str("the stream was lost, and the server gave no event id to resume it by"),
        }
    }
}

impl Error for GaveUp {}
