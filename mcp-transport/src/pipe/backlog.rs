//! What arrived and was not taken yet, bounded by letting go of what matters least (F81, F83).
//!
//! Whoever fills a backlog waits a moment when it is half full, and a reader that uses the moment loses nothing. But the
//! other readers wait meanwhile, so it is short, and a backlog whose reader let it pass sheds until it has been emptied:
//! first the oldest progress, of which the newest tells all; then the oldest log messages; then repetitions. Requests
//! stay.

use std::collections::VecDeque;

use mcp_types::Notification;

use crate::client::Incoming;
use crate::limits::Limits;

/// A bounded queue.
#[derive(Debug)]
pub(super) struct Backlog {
    max_messages: usize,
    max_bytes: usize,
    waiting: VecDeque<Incoming>,
    /// The sum of the sizes of `waiting`.
    held: usize,
    pace: Pace,
}

/// How fast the messages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// There is no need to know.
    Unknown,
    /// Half of the room is used, and the reader is given the time to make some.
    Awaited,
    /// The reader let that time pass; the backlog has not been empty since.
    Slow,
}

/// How much a message matters; the least goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Progress,
    Log,
    Change,
    Request,
}

impl Backlog {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            max_messages: limits.outbox_messages,
            max_bytes: limits.outbox_bytes,
            waiting: VecDeque::new(),
            held: 0,
            pace: Pace::Unknown,
        }
    }

    /// Adds a message. When the reader is slow and there is no room, that is at the cost of others or of itself.
    pub(super) fn push(&mut self, message: Incoming) {
        while self.pace == Pace::Slow && !self.fits(&message) && !self.waiting.is_empty() {
            if self.waiting.contains(&message) || !self.shed(weight(&message)) {
                return;
            }
        }
        self.held += size(&message);
        self.waiting.push_back(message);
        let is_half_full = self.waiting.len() >= self.max_messages / 2 || self.held >= self.max_bytes / 2;
        if is_half_full && self.pace == Pace::Unknown {
            self.pace = Pace::Awaited;
        }
    }

    pub(super) fn pop(&mut self) -> Option<Incoming> {
        let message = self.waiting.pop_front();
        if self.waiting.is_empty() {
            self.pace = Pace::Unknown;
        }
        self.held -= message.as_ref().map_or(0, size);
        message
    }

    /// Returns whether nothing more should come before its reader had time to take some.
    pub(super) fn is_awaited(&self) -> bool {
        self.pace == Pace::Awaited
    }

    /// Says that the time for the reader is over.
    pub(super) fn stop_waiting(&mut self) {
        if self.is_awaited() {
            self.pace = Pace::Slow;
        }
    }

    /// Says that there is no reader to be given time.
    pub(super) fn leave(&mut self) {
        self.pace = Pace::Slow;
    }

    /// Returns whether there is room; a message above the limit fits alone.
    pub(super) fn fits(&self, message: &Incoming) -> bool {
        self.waiting.len() < self.max_messages && self.held.saturating_add(size(message)) <= self.max_bytes
    }

    /// Returns whether a request is to be taken rather than refused.
    pub(super) fn has_room_for(&self, request: &Incoming) -> bool {
        self.waiting.is_empty() || self.fits(request)
    }

    /// Lets go of the oldest of the least weighty messages; returns false when all matter more than `weight`.
    fn shed(&mut self, limit: Weight) -> bool {
        let least = self.waiting.iter().enumerate().min_by_key(|(_, message)| weight(message));
        let Some((at, message)) = least else { return false };
        let least = weight(message);
        if least > limit || least == Weight::Request {
            return false;
        }
        if let Some(message) = self.waiting.remove(at) {
            self.held -= size(&message);
        }
        true
    }
}

fn weight(message: &Incoming) -> Weight {
    match message {
        Incoming::Request(_) => Weight::Request,
        Incoming::Notification(Notification { method, .. }) => match &**method {
            "notifications/progress" => Weight::Progress,
            "notifications/message" => Weight::Log,
            _ => Weight::Change,
        },
    }
}

fn size(message: &Incoming) -> usize {
    let params = match message {
        Incoming::Request(request) => &request.params,
        Incoming::Notification(notification) => &notification.params,
    };
    params.raw().map_or(0, |raw| raw.as_bytes().len())
}

#[cfg(test)]
mod tests {
    use mcp_types::Message;

    use super::*;

    fn notification(method: &str, params: &str) -> Incoming {
        let text = format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{params}}}"#);
        match Message::parse(text).unwrap() {
            Message::Notification(notification) => Incoming::Notification(notification),
            other => panic!("not a notification: {other:?}"),
        }
    }

    fn progress(value: u32) -> Incoming {
        notification("progress", &format!(r#"{{"progressToken":1,"progress":{value}}}"#))
    }

    fn log(text: &str) -> Incoming {
        notification("message", &format!(r#"{{"level":"info","data":"{text}"}}"#))
    }

    fn changed(uri: &str) -> Incoming {
        notification("resources/updated", &format!(r#"{{"uri":"{uri}"}}"#))
    }

    #[track_caller]
    fn keeps(room: usize, pushed: &[Incoming], kept: &[Incoming]) {
        let mut backlog = Backlog::new(&Limits::default().outbox_messages(room));
        backlog.leave();
        pushed.iter().cloned().for_each(|message| backlog.push(message));
        let left: Vec<_> = std::iter::from_fn(|| backlog.pop()).collect();
        assert_eq!(left, kept);
        assert_eq!(backlog.held, 0);
    }

    #[test]
    fn the_newest_progress_replaces_the_oldest() {
        keeps(2, &[changed("a"), progress(1), progress(2), progress(3)], &[changed("a"), progress(3)]);
    }

    #[test]
    fn progress_goes_before_logs_and_logs_go_before_changes() {
        keeps(2, &[log("a"), progress(1), log("b")], &[log("a"), log("b")]);
        keeps(2, &[changed("a"), log("b"), changed("c")], &[changed("a"), changed("c")]);
        keeps(1, &[changed("a"), log("b"), progress(1)], &[changed("a")]);
        keeps(2, &[log("a"), log("b"), log("c")], &[log("b"), log("c")]);
    }

    #[test]
    fn a_repetition_is_what_a_full_backlog_can_do_without() {
        keeps(2, &[changed("a"), changed("b"), changed("a")], &[changed("a"), changed("b")]);
        keeps(2, &[changed("a"), changed("b"), changed("c")], &[changed("b"), changed("c")]);
    }

    #[test]
    fn bytes_are_bounded_too_but_one_message_always_passes() {
        let mut backlog = Backlog::new(&Limits::default().outbox_bytes(100));
        backlog.leave();
        let large = log(&"x".repeat(1_000));
        backlog.push(large.clone());
        backlog.push(log("y"));
        assert_eq!(backlog.pop(), Some(log("y")));
        backlog.leave();
        backlog.push(large.clone());
        assert_eq!(backlog.pop(), Some(large));
    }

    #[test]
    fn a_reader_loses_nothing_before_it_had_its_time_and_again_once_it_has_caught_up() {
        let mut backlog = Backlog::new(&Limits::default().outbox_messages(4));
        backlog.push(progress(1));
        assert!(!backlog.is_awaited());
        // A batch brings more at once than there is room for.
        (2..=9).for_each(|value| backlog.push(progress(value)));
        assert!(backlog.is_awaited());
        let taken: Vec<_> = std::iter::from_fn(|| backlog.pop()).collect();
        assert_eq!((taken.len(), backlog.is_awaited()), (9, false));

        (1..=4).for_each(|value| backlog.push(progress(value)));
        backlog.stop_waiting();
        assert!(!backlog.is_awaited());
        backlog.push(progress(5));
        assert_eq!(backlog.pop(), Some(progress(2)), "a slow reader loses the oldest");
        while backlog.pop().is_some() {}
        (1..=4).for_each(|value| backlog.push(progress(value)));
        assert!(backlog.is_awaited(), "it is given time again");
    }
}
