//! Telling clients that something changed (P-30 to P-41).
//!
//! The surprising thing: nothing is queued. Each subscriber has one place for each kind of change and one for each URI,
//! so a storm of changes becomes one notification and a slow reader costs no memory.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use mcp_types::SubscriptionFilter;
use tokio::sync::Notify;

#[cfg(test)]
mod filter;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod table;

/// A handle by which a program says what changed. Clones tell the same subscribers.
///
/// Give it to the server with [`ServerBuilder::changes`](crate::ServerBuilder::changes), and to handlers as
/// [`State`](crate::State).
#[derive(Clone, Default)]
pub struct Changes {
    subscribers: Arc<Mutex<Vec<Weak<Subscriber>>>>,
}

/// One subscription: what it wants and what it has not been told yet.
pub(crate) struct Subscriber {
    wanted: SubscriptionFilter,
    pending: Mutex<Pending>,
    wake: Notify,
}

/// What changed since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) tools: bool,
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    pub(crate) uris: BTreeSet<String>,
}

impl Changes {
    /// Makes a handle without subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the list of tools changed.
    pub fn tools(&self) {
        self.tell(|wanted| wanted.tools_list_changed == Some(true), |pending| pending.tools = true);
    }

    /// Says that the list of prompts changed.
    pub fn prompts(&self) {
        self.tell(|wanted| wanted.prompts_list_changed == Some(true), |pending| pending.prompts = true);
    }

    /// Says that the list of resources or of templates changed.
    pub fn resources(&self) {
        self.tell(|wanted| wanted.resources_list_changed == Some(true), |pending| pending.resources = true);
    }

    /// Says that the contents of a resource changed.
    pub fn resource(&self, uri: &str) {
        let watches =
            |wanted: &SubscriptionFilter| wanted.resource_subscriptions.iter().flatten().any(|watched| watched == uri);
        self.tell(watches, |pending| {
            pending.uris.insert(uri.to_owned());
        });
    }

    /// Adds a subscriber; `None` when there are `most` already.
    pub(crate) fn subscribe(&self, wanted: SubscriptionFilter, most: usize) -> Option<Arc<Subscriber>> {
        let subscriber = Arc::new(Subscriber { wanted, pending: Mutex::default(), wake: Notify::new() });
        let mut subscribers = self.lock();
        subscribers.retain(|known| known.strong_count() > 0);
        if subscribers.len() >= most {
            return None;
        }
        subscribers.push(Arc::downgrade(&subscriber));
        Some(subscriber)
    }

    fn tell(&self, wants: impl Fn(&SubscriptionFilter) -> bool, change: impl Fn(&mut Pending)) {
        for subscriber in self.lock().iter().filter_map(Weak::upgrade).filter(|known| wants(&known.wanted)) {
            change(&mut lock(&subscriber.pending));
            subscriber.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Subscriber>>> {
        lock(&self.subscribers)
    }
}

impl Subscriber {
    /// Waits for changes and takes them.
    pub(crate) async fn next(&self) -> Pending {
        loop {
            let pending = std::mem::take(&mut *lock(&self.pending));
            if pending != Pending::default() {
                return pending;
            }
            // A permit is kept when the change comes between the look and the wait.
            self.wake.notified().await;
        }
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("subscribers", &self.lock().len()).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is one statement, so a poisoned lock guards a consistent state.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_storm_becomes_one_change_and_only_what_is_wanted_is_told() {
        let changes = Changes::new();
        let wanted = SubscriptionFilter::new().tools_list_changed(true).resource_subscriptions(["a:b".to_owned()]);
        let subscriber = changes.subscribe(wanted, 10).unwrap();
        assert_eq!(subscriber.next().now_or_never(), None);
        for _ in 0..1_000 {
            changes.tools();
            changes.prompts();
            changes.resource("a:b");
            changes.resource("a:c");
        }
        let told = subscriber.next().now_or_never().unwrap();
        assert!(told.tools && !told.prompts && !told.resources);
        assert_eq!(told.uris.into_iter().collect::<Vec<_>>(), ["a:b"]);
        assert_eq!(subscriber.next().now_or_never(), None);
    }

    #[test]
    fn the_number_of_subscribers_is_bounded_and_those_that_left_make_room() {
        let changes = Changes::new();
        let first = changes.subscribe(SubscriptionFilter::new(), 1);
        assert!(first.is_some());
        assert!(changes.subscribe(SubscriptionFilter::new(), 1).is_none());
        drop(first);
        assert!(changes.subscribe(SubscriptionFilter::new(), 1).is_some());
    }
}
