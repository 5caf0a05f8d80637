//! When a child process that ended is started again (S-7, F61).
//!
//! Pure. The surprising thing: only an answer shows that a child is well. One that starts and ends before it answers has
//! not come back.

use std::time::{Duration, Instant};

use mcp_transport::Limits;

/// Counts how often a child ended since it answered last.
#[derive(Debug)]
pub(crate) struct Restarts {
    ends: usize,
    /// When it may be started again.
    due: Option<Instant>,
    limits: Limits,
}

/// Whether a child may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// After this time.
    After(Duration),
    /// It ended too often; nothing is tried for this time.
    NotFor(Duration),
}

impl Restarts {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { ends: 0, due: None, limits: limits.clone() }
    }

    /// The child ended, or could not be started.
    pub(crate) fn ended(&mut self, random: u32, now: Instant) {
        let before = self.ends;
        self.ends = before.saturating_add(1);
        let wait = if self.is_open() { self.limits.reconnect_max } else { backoff(before, random, &self.limits) };
        self.due = now.checked_add(wait);
    }

    /// The child answered.
    pub(crate) fn answered(&mut self) {
        self.ends = 0;
        self.due = None;
    }

    /// Returns whether the child may be started.
    pub(crate) fn poll(&self, now: Instant) -> Start {
        let wait = self.due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now));
        if self.is_open() && !wait.is_zero() { Start::NotFor(wait) } else { Start::After(wait) }
    }

    fn is_open(&self) -> bool {
        self.ends >= ENDS_IN_A_ROW
    }
}

/// How often a child may end without an answer in between.
const ENDS_IN_A_ROW: usize = 5;

/// Returns how long to wait before an attempt; `random` spreads the attempts of many clients over half of it.
pub(crate) fn backoff(attempt: usize, random: u32, limits: &Limits) -> Duration {
    let factor = u32::try_from(attempt).ok().and_then(|attempt| 1_u32.checked_shl(attempt)).unwrap_or(u32::MAX);
    let half = limits.reconnect_min.saturating_mul(factor).min(limits.reconnect_max) / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_makes_the_wait_longer_and_after_the_fifth_nothing_is_tried_for_a_while() {
        let start = Instant::now();
        let mut restarts = Restarts::new(&Limits::default());
        assert_eq!(restarts.poll(start), Start::After(Duration::ZERO));
        let waits = [500, 1_000, 2_000, 4_000].map(|expected| {
            restarts.ended(u32::MAX, start);
            (restarts.poll(start), Start::After(Duration::from_millis(expected)))
        });
        for (found, expected) in waits {
            assert_eq!(found, expected);
        }
        restarts.ended(u32::MAX, start);
        assert_eq!(restarts.poll(start), Start::NotFor(Duration::from_secs(30)));
        let later = start + Duration::from_secs(30);
        assert_eq!(restarts.poll(later), Start::After(Duration::ZERO), "one attempt");
        restarts.ended(u32::MAX, later);
        assert_eq!(restarts.poll(later), Start::NotFor(Duration::from_secs(30)));
    }

    #[test]
    fn an_answer_makes_good_for_all_ends() {
        let start = Instant::now();
        let mut restarts = Restarts::new(&Limits::default());
        for _ in 0..9 {
            restarts.ended(0, start);
        }
        restarts.answered();
        assert_eq!(restarts.poll(start), Start::After(Duration::ZERO));
        restarts.ended(0, start);
        assert_eq!(restarts.poll(start), Start::After(Duration::from_millis(250)));
    }

    #[test]
    fn a_child_that_ended_long_ago_is_started_at_once() {
        let start = Instant::now();
        let mut restarts = Restarts::new(&Limits::default());
        restarts.ended(u32::MAX, start);
        assert_eq!(restarts.poll(start + Duration::from_secs(1)), Start::After(Duration::ZERO));
    }
}
