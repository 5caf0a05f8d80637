//! How long a request is waited for whose server may ask something in the meantime, as those of legacy sessions may.
//!
//! The surprising thing: the transport gets no deadline then. It cannot know that a human is thinking about a question of
//! the server, and a form that takes two minutes must not make the call late that waits for it (V-21).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mcp_transport::{Deadline, Patience};
use tokio::time::{Instant, sleep};

use crate::reverse::Answering;

/// The deadlines of a request. They stand still while a question of the server is being answered.
pub(crate) struct Waiting<'a> {
    patience: Patience,
    answering: &'a Answering,
    started: Instant,
    /// The last sign of life.
    heard: Mutex<Instant>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(patience: Patience, answering: &'a Answering) -> Self {
        let started = Instant::now();
        Self { patience, answering, started, heard: Mutex::new(started) }
    }

    /// Takes note of a sign of life.
    pub(crate) fn heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits until a deadline has passed, and returns it.
    pub(crate) async fn over(&self) -> Deadline {
        // The time that somebody thought about questions.
        let mut thought = Duration::ZERO;
        loop {
            let last = self.last_sign();
            let silent = last.duration_since(self.started).saturating_add(self.patience.idle);
            let total = self.patience.total.saturating_add(thought);
            sleep(silent.min(total).saturating_sub(self.started.elapsed()).min(FOREVER)).await;
            if self.answering.is_open() {
                let asked = Instant::now();
                self.answering.answered().await;
                thought = thought.saturating_add(asked.elapsed());
            } else if total < silent {
                return Deadline::Total(self.patience.total);
            } else if self.last_sign() == last && silent <= self.started.elapsed() {
                return Deadline::Idle(self.patience.idle);
            }
        }
    }

    fn last_sign(&self) -> Instant {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        self.answering.last_answer().map_or(heard, |answered| heard.max(answered))
    }
}

/// What a transport is given in the place of a deadline.
pub(crate) fn without_end() -> Patience {
    Patience { idle: FOREVER, total: FOREVER }
}

/// Longer than any program runs, and short enough for every clock.
const FOREVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);
