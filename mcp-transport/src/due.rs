//! The two deadlines of a request: one since anything was heard of it, one for all of it (V-21).
//!
//! The surprising thing: a patience may be longer than the clock can say; such a deadline never passes.

use std::time::Instant;

use crate::client::Patience;
use crate::error::Deadline;

/// When a request stops being waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    patience: Patience,
    total_at: Option<Instant>,
    at: Option<Instant>,
}

impl Due {
    /// Starts both deadlines.
    pub(crate) fn new(patience: Patience, now: Instant) -> Self {
        let mut due = Self { patience, total_at: now.checked_add(patience.total), at: None };
        due.heard(now);
        due
    }

    /// Starts the deadline again that a sign of life puts off.
    pub(crate) fn heard(&mut self, now: Instant) {
        let idle_at = now.checked_add(self.patience.idle);
        self.at = match (idle_at, self.total_at) {
            (Some(idle), Some(total)) => Some(idle.min(total)),
            (idle, total) => idle.or(total),
        };
    }

    /// Returns whether the time for all of it is over, however much is heard.
    #[cfg(feature = "mux")]
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.total_at.is_some_and(|at| at <= now)
    }

    /// Returns the deadline for all of it.
    #[cfg(feature = "mux")]
    pub(crate) fn total(&self) -> Deadline {
        Deadline::Total(self.patience.total)
    }

    /// Returns when the earlier of the deadlines passes.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Returns which deadline that is.
    pub(crate) fn deadline(&self) -> Deadline {
        match self.at {
            Some(at) if self.total_at == Some(at) => Deadline::Total(self.patience.total),
            _ => Deadline::Idle(self.patience.idle),
        }
    }
}
