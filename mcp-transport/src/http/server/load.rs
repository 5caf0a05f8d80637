//! How many requests are being worked on in the whole server (`in_flight_total`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A counter with a bound.
#[derive(Debug)]
pub(super) struct Load {
    taken: AtomicUsize,
    limit: usize,
}

/// One place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit(Arc<Load>);

impl Load {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { taken: AtomicUsize::new(0), limit })
    }

    /// Takes a place, when one is left.
    pub(super) fn take(self: &Arc<Self>) -> Option<Permit> {
        let before = self.taken.fetch_add(1, Ordering::AcqRel);
        let permit = Permit(Arc::clone(self));
        // A permit beyond the bound is given back at once, by its drop.
        (before < self.limit).then_some(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_permit_is_dropped() {
        let load = Load::new(2);
        let first = load.take().unwrap();
        let _second = load.take().unwrap();
        assert!(load.take().is_none());
        drop(first);
        assert!(load.take().is_some());
    }
}
