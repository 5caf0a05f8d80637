//! What servers have besides tools: read once, and again when a server says that it changed.
//!
//! The surprising thing: it stands beside the set of servers and not in it, because only a gateway has a use for prompts
//! and resources. A loop that calls tools never asks for them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{join_all, join3};
use mcp_client::types::SubscriptionFilter;
use mcp_client::{Client, Error as ClientError, Misuse};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::offer::More;
use crate::servers::{Listing, Servers, Status};

/// What was read, and what is to be read again.
#[derive(Default)]
pub(super) struct Beside {
    kept: Mutex<HashMap<String, Arc<More>>>,
    news: Arc<News>,
    watches: Mutex<JoinSet<()>>,
}

/// What watches have heard.
#[derive(Default)]
struct News {
    /// The servers that are watched.
    watched: Mutex<BTreeSet<String>>,
    /// Those whose prompts or resources are others now.
    stale: Mutex<BTreeSet<String>>,
    heard: Notify,
}

impl Beside {
    /// Waits until something may be read again.
    pub(super) async fn changed(&self) {
        self.news.heard.notified().await;
    }

    /// Returns whether something is to be read again.
    pub(super) fn is_stale(&self) -> bool {
        !lock(&self.news.stale).is_empty()
    }

    /// Reads what is not known, side by side; a server that does not answer keeps what it had.
    pub(super) async fn read(&self, servers: &Servers, listing: &Listing) -> HashMap<String, Arc<More>> {
        let stale = std::mem::take(&mut *lock(&self.news.stale));
        let is_due = |label: &str| stale.contains(label) || !lock(&self.kept).contains_key(label);
        let due: Vec<_> = (listing.outcomes.iter())
            .filter(|outcome| outcome.status == Status::Ok && is_due(&outcome.label))
            .map(|outcome| outcome.label.as_str())
            .collect();
        let reads = due.into_iter().map(|label| async move {
            let more = timeout(DEADLINE, async {
                let client = servers.client(label).await.ok()?;
                // First the watch and then the list, so that no change falls between them.
                self.watch(label, &client);
                all_of(&client).await
            });
            Some((label.to_owned(), Arc::new(more.await.ok()??)))
        });
        let read = join_all(reads).await;
        let mut kept = lock(&self.kept);
        kept.extend(read.into_iter().flatten());
        kept.clone()
    }

    /// Asks a server to tell of changes, once for each connection.
    fn watch(&self, label: &str, client: &Client) {
        let Some(filter) = wanted(client) else { return };
        if !lock(&self.news.watched).insert(label.to_owned()) {
            return;
        }
        let (news, label, client) = (Arc::clone(&self.news), label.to_owned(), client.clone());
        let mut watches = lock(&self.watches);
        while watches.try_join_next().is_some() {}
        watches.spawn(async move {
            let listening = client.listen(filter).await;
            drop(client);
            if let Ok(mut changes) = listening {
                while let Some(Ok(_)) = changes.next().await {
                    news.hear(&label);
                }
                // The connection is gone, and what comes next may be another server.
                lock(&news.watched).remove(&label);
                news.hear(&label);
            }
        });
    }
}

impl News {
    fn hear(&self, label: &str) {
        lock(&self.stale).insert(label.to_owned());
        self.heard.notify_one();
    }
}

/// Returns of what a server tells, unless of nothing.
fn wanted(client: &Client) -> Option<SubscriptionFilter> {
    let offered = client.capabilities()?;
    let prompts = offered.prompts.and_then(|prompts| prompts.list_changed) == Some(true);
    let resources = offered.resources.and_then(|resources| resources.list_changed) == Some(true);
    let filter = SubscriptionFilter::new().prompts_list_changed(prompts).resources_list_changed(resources);
    (prompts || resources).then_some(filter)
}

async fn all_of(client: &Client) -> Option<More> {
    let (prompts, resources, templates) =
        join3(client.list_prompts(), client.list_resources(), client.list_resource_templates()).await;
    Some(More {
        prompts: offered(prompts).ok()?,
        resources: offered(resources).ok()?,
        templates: offered(templates).ok()?,
        completes: client.capabilities().is_some_and(|offered| offered.completions.is_some()),
    })
}

/// A server that does not offer something has none of it.
fn offered<T>(listed: Result<Vec<T>, ClientError>) -> Result<Vec<T>, ClientError> {
    match listed {
        Err(ClientError::Misuse(Misuse::NotOffered { .. })) => Ok(Vec::new()),
        listed => listed,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a server may take to say what it has besides tools.
const DEADLINE: Duration = Duration::from_secs(5);
