//! The questions of servers that somebody is thinking about.
//!
//! The surprising thing: a call whose server asks the user is not late. It waits for a human, who may take his time, and
//! so the clock of the call stands still.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// Which servers have a question open.
///
/// A [`Host`](super::Host) has one, for [`Host::questions`](super::Host::questions).
#[derive(Debug, Default)]
pub struct Questions {
    servers: Mutex<HashMap<String, Asked>>,
    changed: Notify,
}

/// What a server has asked.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    open: usize,
    /// When the last of its questions was answered.
    answered: Option<Instant>,
}

impl Questions {
    /// Makes it without questions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a question of a server; it is open until what is returned is dropped.
    pub fn open(&self, server: &str) -> OpenQuestion<'_> {
        self.lock().entry(server.to_owned()).or_default().open += 1;
        OpenQuestion { questions: self, server: server.to_owned() }
    }

    /// Returns whether a server has a question open.
    pub fn is_open(&self, server: &str) -> bool {
        self.lock().get(server).is_some_and(|asked| asked.open > 0)
    }

    /// Returns when a question of a server was answered last.
    pub(super) fn last_answer(&self, server: &str) -> Option<Instant> {
        self.lock().get(server)?.answered
    }

    /// Waits until a server has no question open.
    pub(super) async fn answered(&self, server: &str) {
        loop {
            let changed = self.changed.notified();
            if !self.is_open(server) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question of a server that is open until this is dropped.
#[derive(Debug)]
#[must_use = "the question is open until this is dropped"]
pub struct OpenQuestion<'a> {
    questions: &'a Questions,
    server: String,
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        if let Some(asked) = self.questions.lock().get_mut(&self.server) {
            asked.open = asked.open.saturating_sub(1);
            asked.answered = Some(Instant::now());
        }
        self.questions.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_question_is_open_until_it_is_dropped() {
        let questions = Questions::new();
        let (first, second) = (questions.open("a"), questions.open("a"));
        let answered = questions.answered("a").now_or_never();
        assert_eq!((questions.is_open("a"), questions.is_open("b"), answered), (true, false, None));
        drop(first);
        assert!(questions.is_open("a"));
        drop(second);
        assert!(!questions.is_open("a"));
        assert!(questions.last_answer("a").is_some() && questions.last_answer("b").is_none());
        assert_eq!(questions.answered("a").now_or_never(), Some(()));
    }
}
