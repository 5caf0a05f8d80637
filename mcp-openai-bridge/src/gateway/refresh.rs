//! Keeping the offer up to date: built when it is first asked for, and again when a server lists something else.
//!
//! The surprising thing: whoever lists is never told less than he could be. A list waits for servers that were not heard
//! of yet, each for its deadline; afterwards what is known is given at once.

use std::sync::{Arc, MutexGuard, PoisonError, Weak};

use super::catalog::catalog;
use super::offer::Offer;
use super::{Gateway, Inner};
use crate::servers::Listing;

impl Gateway {
    /// Returns what is offered now.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing; whoever asks next goes on.
    pub async fn offer(&self) -> Arc<Offer> {
        self.inner.offer().await
    }

    /// Returns what was offered last, for a call, which must not cost a list; only the first one does.
    pub(super) async fn known_offer(&self) -> Arc<Offer> {
        let known = self.inner.current().as_ref().map(Arc::clone);
        match known {
            Some(known) => known,
            None => self.offer().await,
        }
    }

    /// Returns whether servers were listed at least once.
    pub(super) fn has_offer(&self) -> bool {
        self.inner.current().is_some()
    }

    /// Hears of changes until the gateway is gone.
    pub(super) fn listen(&self) {
        let (mut changes, beside) = (self.inner.callees.servers.changes(), Arc::clone(&self.inner.beside));
        let gateway: Weak<Inner> = Arc::downgrade(&self.inner);
        let listener = tokio::spawn(async move {
            loop {
                let is_over = tokio::select! {
                    change = changes.next() => change.is_none(),
                    () = beside.changed() => false,
                };
                let Some(gateway) = gateway.upgrade().filter(|_| !is_over) else { return };
                // Before anybody has listed there is nobody to be told.
                if gateway.current().is_some() {
                    gateway.offer().await;
                }
            }
        });
        *self.inner.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(listener.abort_handle());
    }
}

impl Inner {
    fn current(&self) -> MutexGuard<'_, Option<Arc<Offer>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn offer(&self) -> Arc<Offer> {
        let listing = self.callees.servers.list().await;
        if let Some(current) = self.still(&listing) {
            return current;
        }
        let _turn = self.rebuilding.lock().await;
        if let Some(current) = self.still(&listing) {
            return current;
        }
        let more = self.beside.read(&self.callees.servers, &listing).await;
        let mut offer = Offer::new(&self.config, &listing, &more);
        let faults = self.server.replace_working(catalog(&offer, &self.callees));
        offer.left_out.extend(faults.iter().map(ToString::to_string));
        let offer = Arc::new(offer);
        *self.current() = Some(Arc::clone(&offer));
        offer
    }

    /// Returns the present offer, if it is still what there is.
    fn still(&self, listing: &Listing) -> Option<Arc<Offer>> {
        if self.beside.is_stale() {
            return None;
        }
        self.current().as_ref().filter(|offer| offer.is_of(listing)).map(Arc::clone)
    }
}
