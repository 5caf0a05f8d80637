//! The changes that nobody has looked at yet (P-40).
//!
//! The surprising thing: a change that waits already is not added again, as it says no more the second time; and when
//! too many different ones wait, they become one that says "anything".

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::Error;
use crate::handler::Change;

/// The changes between whoever reads the server and whoever looks at them.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    order: VecDeque<Change>,
    waiting: HashSet<Change>,
    end: Option<End>,
    reader: Option<Waker>,
}

#[derive(Debug)]
enum End {
    Failed(Box<Error>),
    Told,
}

impl Queue {
    /// Adds a change.
    pub(crate) fn push(&self, change: Change) {
        let mut state = self.lock();
        if state.waiting.contains(&change) {
            return;
        }
        let change = if state.order.len() < MOST_WAITING { change } else { Change::Missed };
        if change == Change::Missed {
            // It says all that the others do.
            state.order.clear();
            state.waiting.clear();
        }
        state.waiting.insert(change.clone());
        state.order.push_back(change);
        state.wake();
    }

    /// Ends the changes; those that wait are still seen.
    pub(crate) fn end(&self, error: Option<Error>) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(error.map_or(End::Told, |error| End::Failed(Box::new(error))));
        }
        state.wake();
    }

    /// Returns the next change.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Option<Result<Change, Error>>> {
        let mut state = self.lock();
        if let Some(change) = state.order.pop_front() {
            state.waiting.remove(&change);
            return Poll::Ready(Some(Ok(change)));
        }
        match state.end.replace(End::Told) {
            Some(End::Failed(error)) => Poll::Ready(Some(Err(*error))),
            Some(End::Told) => Poll::Ready(None),
            None => {
                state.end = None;
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// How many different changes wait.
const MOST_WAITING: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &Queue) -> Vec<Change> {
        let mut all = Vec::new();
        while let Poll::Ready(Some(Ok(change))) = queue.poll(&Context::from_waker(Waker::noop())) {
            all.push(change);
        }
        all
    }

    #[test]
    fn a_change_that_waits_is_not_told_twice_and_one_that_was_seen_is() {
        let queue = Queue::default();
        for change in [Change::Tools, Change::Prompts, Change::Tools] {
            queue.push(change);
        }
        assert_eq!(drain(&queue), [Change::Tools, Change::Prompts]);
        queue.push(Change::Tools);
        assert_eq!(drain(&queue), [Change::Tools]);
    }

    #[test]
    fn more_changes_than_can_wait_become_one_p_40() {
        let queue = Queue::default();
        for number in 0..MOST_WAITING {
            queue.push(Change::Resource(number.to_string()));
        }
        assert_eq!(drain(&queue).len(), MOST_WAITING);
        for number in 0..=MOST_WAITING {
            queue.push(Change::Resource(number.to_string()));
        }
        assert_eq!(drain(&queue), [Change::Missed]);
    }

    #[test]
    fn an_error_is_told_once_and_after_the_changes() {
        let queue = Queue::default();
        queue.push(Change::Tools);
        queue.end(Some(Error::Closed));
        assert_eq!(drain(&queue), [Change::Tools]);
        queue.end(Some(Error::Closed));
        assert!(matches!(queue.poll(&Context::from_waker(Waker::noop())), Poll::Ready(None)), "`drain` saw the error");
    }
}
