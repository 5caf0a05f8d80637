//! The legacy sessions of a server: how many there are, how fast they come, how long they are kept (HL-10, HL-15).
//!
//! Pure: the ids and the time are given. The surprising thing: a session is not confirmed by
//! `notifications/initialized` alone but by any message after `initialize`, because many clients race that
//! notification (V-19).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::limits::Limits;

/// The id of a session: 128 random bits in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionId(Arc<str>);

/// The sessions by their ids.
#[derive(Debug)]
pub(super) struct Table<T> {
    entries: HashMap<SessionId, Entry<T>>,
    max_sessions: usize,
    idle: Duration,
    init: Duration,
    pace: Pace,
}

/// Why no session can be opened now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There are too many sessions, and something is going on in each of them.
    Full,
    /// Sessions are opened too fast.
    TooFast,
}

#[derive(Debug)]
struct Entry<T> {
    session: T,
    last_used: Instant,
    is_confirmed: bool,
}

/// A bucket that holds the openings of one second and fills up evenly.
#[derive(Debug)]
struct Pace {
    per_second: usize,
    left: f64,
    counted: Option<Instant>,
}

impl SessionId {
    pub(super) fn new([first, second]: [u64; 2]) -> Self {
        Self(format!("{first:016x}{second:016x}").into())
    }
}

impl std::borrow::Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T> Table<T> {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            entries: HashMap::new(),
            max_sessions: limits.sessions,
            idle: limits.session_idle,
            init: limits.session_init,
            pace: Pace { per_second: limits.sessions_per_second, left: 0.0, counted: None },
        }
    }

    /// Decides whether one more session may be opened, and counts it. In a full table one that is not busy can make room.
    ///
    /// # Errors
    ///
    /// Fails when there are too many busy ones or when they come too fast.
    pub(super) fn admit(&mut self, now: Instant, is_busy: impl Fn(&T) -> bool) -> Result<(), Refused> {
        if self.is_full() && self.entries.values().all(|entry| is_busy(&entry.session)) {
            return Err(Refused::Full);
        }
        if self.pace.take(now) { Ok(()) } else { Err(Refused::TooFast) }
    }

    /// Adds a session; returns the one that had to make room for it, the least recently used that is not busy.
    ///
    /// # Errors
    ///
    /// Fails when there are too many busy ones.
    pub(super) fn insert(
        &mut self,
        id: SessionId,
        session: T,
        now: Instant,
        is_busy: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, Refused> {
        let evicted = if self.is_full() { Some(self.evict(is_busy).ok_or(Refused::Full)?) } else { None };
        self.entries.insert(id, Entry { session, last_used: now, is_confirmed: false });
        Ok(evicted)
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= self.max_sessions
    }

    fn evict(&mut self, is_busy: impl Fn(&T) -> bool) -> Option<T> {
        let mut oldest: Option<(&SessionId, Instant)> = None;
        for (id, entry) in &self.entries {
            // Whether one is busy is asked last, because it takes a lock.
            if oldest.is_none_or(|(_, used)| entry.last_used < used) && !is_busy(&entry.session) {
                oldest = Some((id, entry.last_used));
            }
        }
        let id = oldest?.0.clone();
        self.entries.remove(&id).map(|entry| entry.session)
    }

    /// Returns a session and notes that it is in use.
    pub(super) fn find(&mut self, id: &str, now: Instant) -> Option<&T> {
        let entry = self.entries.get_mut(id)?;
        entry.last_used = now;
        entry.is_confirmed = true;
        Some(&entry.session)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<T> {
        self.entries.remove(id).map(|entry| entry.session)
    }

    /// Takes out the sessions that nobody has used for too long; a busy one is in use.
    pub(super) fn sweep(&mut self, now: Instant, is_busy: impl Fn(&T) -> bool) -> Vec<T> {
        let (idle, init) = (self.idle, self.init);
        self.entries
            .extract_if(|_, entry| {
                if is_busy(&entry.session) {
                    entry.last_used = now;
                }
                let patience = if entry.is_confirmed { idle } else { init };
                now.saturating_duration_since(entry.last_used) >= patience
            })
            .map(|(_, entry)| entry.session)
            .collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.values().map(|entry| &entry.session)
    }

    /// Takes out all sessions.
    pub(super) fn clear(&mut self) -> Vec<T> {
        self.entries.drain().map(|(_, entry)| entry.session).collect()
    }
}

impl Pace {
    fn take(&mut self, now: Instant) -> bool {
        let full = self.per_second as f64;
        let since = self.counted.map_or(Duration::MAX, |counted| now.saturating_duration_since(counted));
        self.left = (self.left + since.as_secs_f64() * full).min(full);
        self.counted = Some(now);
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(n: u64) -> SessionId {
        SessionId::new([n; 2])
    }

    #[test]
    fn an_id_is_32_hexadecimal_digits_hl_10() {
        assert_eq!(id(0).to_string(), "0".repeat(32));
        assert_eq!(id(0xab).to_string(), "00000000000000ab".repeat(2));
    }

    #[test]
    fn the_number_of_sessions_is_bounded_hl_15() {
        let now = Instant::now();
        let mut table = Table::new(&Limits::default().sessions(1));
        let is_busy = |_: &()| true;
        assert_eq!(table.admit(now, is_busy), Ok(()));
        assert_eq!(table.insert(id(1), (), now, is_busy), Ok(None));
        assert_eq!(table.admit(now + SECOND, is_busy), Err(Refused::Full));
        assert_eq!(
            table.insert(id(2), (), now, is_busy),
            Err(Refused::Full),
            "also when the last place went meanwhile"
        );
        assert_eq!(table.remove(&id(1).to_string()), Some(()));
        assert_eq!(table.admit(now + SECOND, is_busy), Ok(()));
    }

    #[test]
    fn in_a_full_table_the_least_recently_used_session_that_is_not_busy_makes_room_hl_15() {
        let start = Instant::now();
        let mut table = Table::new(&Limits::default().sessions(3));
        for n in 1..=3 {
            assert_eq!(table.insert(id(n), n, start + SECOND * n as u32, |_| false), Ok(None));
        }
        table.find(&id(2).to_string(), start + 4 * SECOND).unwrap();
        let is_busy = |session: &u64| *session == 1;
        assert_eq!(table.admit(start + 5 * SECOND, is_busy), Ok(()));
        assert_eq!(table.insert(id(4), 4, start + 5 * SECOND, is_busy), Ok(Some(3)), "1 is older, but busy");
        assert_eq!(table.insert(id(5), 5, start + 6 * SECOND, is_busy), Ok(Some(2)));
        assert_eq!(table.find(&id(1).to_string(), start), Some(&1));
        assert_eq!(table.iter().count(), 3);
    }

    #[test]
    fn sessions_come_at_a_bounded_pace_hl_15() {
        let now = Instant::now();
        let mut table: Table<()> = Table::new(&Limits::default().sessions_per_second(2));
        let outcomes: Vec<_> = (0..3).map(|_| table.admit(now, |()| false)).collect();
        assert_eq!(outcomes, [Ok(()), Ok(()), Err(Refused::TooFast)]);
        assert_eq!(table.admit(now + SECOND / 2, |()| false), Ok(()));
        assert_eq!(table.admit(now + SECOND / 2, |()| false), Err(Refused::TooFast));
    }

    #[test]
    fn a_session_that_nobody_uses_is_forgotten_and_a_busy_one_is_not_hl_15() {
        let start = Instant::now();
        let limits = Limits::default().session_idle(10 * SECOND).session_init(3 * SECOND);
        let mut table = Table::new(&limits);
        for n in 1..=3 {
            assert_eq!(table.insert(id(n), n, start, |_| false), Ok(None));
        }
        assert_eq!(table.find(&id(1).to_string(), start), Some(&1));
        assert_eq!(table.find(&id(2).to_string(), start), Some(&2));
        assert_eq!(table.sweep(start + 3 * SECOND, |_| false), [3], "not a word after `initialize`");
        assert_eq!(table.sweep(start + 10 * SECOND, |session| *session == 2), [1]);
        assert_eq!(table.find(&id(1).to_string(), start), None);
        assert_eq!(table.sweep(start + 19 * SECOND, |_| false), [0; 0], "it was busy at 10 s");
        assert_eq!(table.sweep(start + 20 * SECOND, |_| false), [2]);
    }
}
