//! Keeping the offer up to date: built when it is first asked for, and again when a server lists something else.
//!
//! The surprising thing: whoever lists is never told less than he could be. A list waits for servers that were not heard
//! of yet, each for its deadline; afterwards what is known is given at once.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::join_all;
use mcp_client::{Client, Error as ClientError, Misuse};
use tokio::time::timeout;

use super::catalog::catalog;
use super::offer::{More, Offer};
use super::{Gateway, Inner};
use crate::servers::{Listing, Servers, Status};

/// What servers have besides tools, as it was last read.
#[derive(Default)]
pub(super) struct Kept(HashMap<String, Arc<More>>);

/// Whether what servers have besides tools is read again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Something changed, and nothing says what.
    All,
    /// Only of servers that were not heard of yet.
    Missing,
}

impl Gateway {
    /// Returns what is offered now.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing; whoever asks next goes on.
    pub async fn offer(&self) -> Arc<Offer> {
        self.inner.offer(Again::Missing).await
    }

    /// Returns whether servers were listed at least once.
    pub(super) fn has_offer(&self) -> bool {
        self.inner.current().is_some()
    }

    /// Hears of changes until the gateway is gone.
    pub(super) fn listen(&self) {
        let mut changes = self.inner.callees.servers.changes();
        let gateway: Weak<Inner> = Arc::downgrade(&self.inner);
        let listener = tokio::spawn(async move {
            while let Some(()) = changes.next().await {
                let Some(gateway) = gateway.upgrade() else { return };
                // Before anybody has listed there is nobody to be told.
                if gateway.current().is_some() {
                    gateway.offer(Again::All).await;
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

    async fn offer(&self, again: Again) -> Arc<Offer> {
        let listing = self.callees.servers.list().await;
        if again == Again::Missing
            && let Some(current) = self.still(&listing)
        {
            return current;
        }
        let mut kept = self.rebuilding.lock().await;
        if again == Again::Missing
            && let Some(current) = self.still(&listing)
        {
            return current;
        }
        kept.read(&self.callees.servers, &listing, again).await;
        let offer = Arc::new(Offer::new(&self.config, &listing, &kept.0));
        // What is left out is a tool of a server with a schema that is none; the server's own list shows it.
        let _ = self.server.replace_working(catalog(&offer, &self.callees));
        *self.current() = Some(Arc::clone(&offer));
        offer
    }

    fn still(&self, listing: &Listing) -> Option<Arc<Offer>> {
        self.current().as_ref().filter(|offer| offer.is_of(listing)).map(Arc::clone)
    }
}

impl Kept {
    /// Reads prompts and resources, side by side; a server that does not answer keeps those that it had.
    async fn read(&mut self, servers: &Servers, listing: &Listing, again: Again) {
        let asked = listing.outcomes.iter().filter(|outcome| {
            outcome.status == Status::Ok && (again == Again::All || !self.0.contains_key(&outcome.label))
        });
        let reads = asked.map(|outcome| async move {
            let more = timeout(DEADLINE, async { read(&servers.client(&outcome.label).await.ok()?).await }).await;
            Some((outcome.label.clone(), Arc::new(more.ok()??)))
        });
        self.0.extend(join_all(reads).await.into_iter().flatten());
    }
}

async fn read(client: &Client) -> Option<More> {
    let (prompts, resources, templates) =
        futures::join!(client.list_prompts(), client.list_resources(), client.list_resource_templates());
    Some(More {
        prompts: offered(prompts).ok()?,
        resources: offered(resources).ok()?,
        templates: offered(templates).ok()?,
    })
}

/// A server that does not offer something has none of it.
fn offered<T>(listed: Result<Vec<T>, ClientError>) -> Result<Vec<T>, ClientError> {
    match listed {
        Err(ClientError::Misuse(Misuse::NotOffered { .. })) => Ok(Vec::new()),
        listed => listed,
    }
}

/// How long a server may take to say what it has besides tools.
const DEADLINE: Duration = Duration::from_secs(5);
