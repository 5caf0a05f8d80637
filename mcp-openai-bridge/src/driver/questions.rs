//! The questions of servers that somebody is thinking about.
//!
//! The surprising thing: a call whose server asks the user is not late. It waits for a human, who may take his time, and
//! so the clock of the call stands still.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Which servers have a question open.
///
/// A [`Host`](super::Host) has one, for [`Host::questions`](super::Host::questions).
#[derive(Debug, Default)]
pub struct Questions {
    /// The number of open questions of each server that has any.
    open: Mutex<HashMap<String, usize>>,
    changed: Notify,
}

impl Questions {
    /// Makes it without questions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a question of a server; it is open until what is returned is dropped.
    pub fn open(&self, server: &str) -> OpenQuestion<'_> {
        *self.lock().entry(server.to_owned()).or_default() += 1;
        OpenQuestion { questions: self, server: server.to_owned() }
    }

    /// Returns whether a server has a question open.
    pub fn is_open(&self, server: &str) -> bool {
        self.lock().contains_key(server)
    }

    /// Waits until a server has no question open.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn answered(&self, server: &str) {
        loop {
            let changed = self.changed.notified();
            if !self.is_open(server) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut open = self.questions.lock();
        if let Some(count) = open.get_mut(&self.server) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.server);
            }
        }
        drop(open);
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
        assert_eq!(questions.answered("a").now_or_never(), Some(()));
    }
}
