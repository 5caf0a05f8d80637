//! Our own requests that are not answered, and when each stops being waited for.
//!
//! The surprising thing: each request stands once in the order of deadlines, under the earlier of its two.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use mcp_types::{ProgressToken, RequestId};

use super::Kind;
use crate::client::{Hearing, Patience};
use crate::due::Due;
use crate::error::Deadline;
use crate::own_ids::OwnIds;

/// The requests, by id.
#[derive(Debug)]
pub(super) struct Pending {
    /// The id of the next request. Ids are never used again, so none can be mistaken for an earlier one.
    next_id: i64,
    asked: OwnIds<i64, Asked>,
    deadlines: BTreeSet<(Instant, i64)>,
    tokens: HashMap<ProgressToken, i64>,
    /// How many requests asked for log messages.
    listeners: usize,
}

/// One request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) kind: Kind,
    hearing: Hearing,
    due: Due,
}

impl Asked {
    pub(super) fn new(method: &str, hearing: Hearing, patience: Patience, now: Instant) -> Self {
        Self { kind: Kind::of(method), hearing, due: Due::new(patience, now) }
    }

    /// Returns the deadline that passes first.
    pub(super) fn deadline(&self) -> Deadline {
        self.due.deadline()
    }
}

impl Pending {
    pub(super) fn insert(&mut self, asked: Asked) -> RequestId {
        let id = self.next_id;
        self.next_id += 1;
        if let Some(due) = asked.due.at() {
            self.deadlines.insert((due, id));
        }
        if let Some(token) = &asked.hearing.token {
            // Tokens are unique over the open requests (P-50); should they not be, the first one keeps its progress.
            self.tokens.entry(token.clone()).or_insert(id);
        }
        self.listeners += usize::from(asked.hearing.logs);
        self.asked.insert(id, asked);
        RequestId::Number(id)
    }

    pub(super) fn remove(&mut self, id: &RequestId) -> Option<Asked> {
        let RequestId::Number(id) = id else { return None };
        let asked = self.asked.remove(id)?;
        if let Some(due) = asked.due.at() {
            self.deadlines.remove(&(due, *id));
        }
        if let Some(token) = asked.hearing.token.as_ref().filter(|token| self.tokens.get(token) == Some(id)) {
            self.tokens.remove(token);
        }
        self.listeners -= usize::from(asked.hearing.logs);
        Some(asked)
    }

    pub(super) fn contains(&self, id: &RequestId) -> bool {
        self.asked(id).is_some()
    }

    pub(super) fn is_subscription(&self, id: &RequestId) -> bool {
        self.asked(id).is_some_and(|asked| asked.kind == Kind::Subscription)
    }

    pub(super) fn by_token(&self, token: &ProgressToken) -> Option<RequestId> {
        self.tokens.get(token).copied().map(RequestId::Number)
    }

    /// Returns the request that asked for log messages, when there is only one: they do not say whose they are (S-4).
    pub(super) fn only_listener(&self) -> Option<RequestId> {
        if self.listeners != 1 {
            return None;
        }
        let (id, _) = self.asked.iter().find(|(_, asked)| asked.hearing.logs)?;
        Some(RequestId::Number(*id))
    }

    /// Starts the idle deadline of a request again (V-21).
    pub(super) fn touch(&mut self, id: &RequestId, now: Instant) {
        let RequestId::Number(id) = id else { return };
        let Some(asked) = self.asked.get_mut(id) else { return };
        if let Some(due) = asked.due.at() {
            self.deadlines.remove(&(due, *id));
        }
        asked.due.heard(now);
        if let Some(due) = asked.due.at() {
            self.deadlines.insert((due, *id));
        }
    }

    /// Removes a request whose deadline is not after `now`.
    pub(super) fn expire(&mut self, now: Instant) -> Option<(RequestId, Asked)> {
        let (due, id) = *self.deadlines.first()?;
        if due > now {
            return None;
        }
        let id = RequestId::Number(id);
        let asked = self.remove(&id)?;
        Some((id, asked))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(due, _)| *due)
    }

    fn asked(&self, id: &RequestId) -> Option<&Asked> {
        match id {
            RequestId::Number(id) => self.asked.get(id),
            RequestId::Text(_) => None,
        }
    }
}

impl Default for Pending {
    fn default() -> Self {
        Self { next_id: 1, asked: OwnIds::default(), deadlines: BTreeSet::new(), tokens: HashMap::new(), listeners: 0 }
    }
}
