//! The bytes that all sessions of a server may keep for replay together (HL-15).
//!
//! The surprising thing: a session that needs room forgets its own oldest events, never another's, so that no lock is
//! shared and a busy session cannot make a quiet one forget.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::Limits;

/// The bytes that the logs of a server may hold together; clones share them.
#[derive(Clone, Debug)]
pub struct ReplayBudget {
    held: Arc<AtomicUsize>,
    most: usize,
}

impl ReplayBudget {
    /// Makes a budget of [`Limits::replay_total_bytes`].
    pub fn new(limits: &Limits) -> Self {
        Self { held: Arc::default(), most: limits.replay_total_bytes }
    }

    /// Returns how many bytes are held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Returns whether more is held than may be; whoever finds it so forgets something.
    pub(super) fn is_exceeded(&self) -> bool {
        self.held() > self.most
    }

    pub(super) fn take(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}
