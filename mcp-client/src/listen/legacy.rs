//! A subscription in the legacy era: what the server tells anyway, and the resources that it is told to watch (P-42).
//!
//! The surprising thing: the server counts nothing. That two subscriptions watch one resource is known only here, and it
//! is given up with the last of them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use mcp_types::{Method, RawJson, SubscribeRequestParams, SubscriptionFilter, methods};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::queue::Queue;
use super::{Granted, filter, granted};
use crate::ask::random;
use crate::client::Client;
use crate::error::Error;
use crate::inbox::Watcher;
use crate::restart::backoff;

/// How many subscriptions watch a resource.
pub(crate) type Watched = tokio::sync::Mutex<HashMap<String, usize>>;

/// Begins to hear of changes.
pub(super) async fn listen(
    client: Client,
    requested: SubscriptionFilter,
    queue: Arc<Queue>,
) -> Result<(Granted, JoinHandle<()>), Error> {
    let mut told = filter::of_legacy(&requested, client.capabilities().as_ref());
    let wanted = told.resource_subscriptions.take().unwrap_or_default();
    let mut watching = Watching { client: client.clone(), uris: Vec::new() };
    for uri in wanted {
        match watching.begin(uri).await {
            // What the server does not let us watch it has not acknowledged.
            Ok(()) | Err(Error::Rpc(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if !watching.uris.is_empty() {
        told.resource_subscriptions = Some(watching.uris.clone());
    }
    let told = granted(told);
    client.inner.inbox.watch(Watcher::new(Arc::clone(&told), &queue));
    Ok((told, tokio::spawn(keep(client, watching, queue))))
}

/// Keeps the connection, which nothing else does while nobody asks.
async fn keep(client: Client, _watching: Watching, queue: Arc<Queue>) {
    loop {
        client.inner.connection().link.lost().await;
        if !client.inner.can_come_back() {
            return queue.end(Some(Error::Closed));
        }
        let mut attempt = 0;
        while let Err(error) = client.inner.alive().await {
            if attempt >= client.inner.limits.reconnects {
                return queue.end(Some(error));
            }
            sleep(backoff(attempt, random(), &client.inner.limits)).await;
            attempt += 1;
        }
    }
}

/// The resources that the server watches for one subscription.
struct Watching {
    client: Client,
    uris: Vec<String>,
}

impl Watching {
    async fn begin(&mut self, uri: String) -> Result<(), Error> {
        let mut watched = self.client.inner.watched.lock().await;
        if !watched.contains_key(&uri) {
            tell::<methods::ResourcesSubscribe>(&self.client, &uri).await?;
        }
        let count = watched.entry(uri.clone()).or_default();
        *count = count.saturating_add(1);
        drop(watched);
        self.uris.push(uri);
        Ok(())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let uris = std::mem::take(&mut self.uris);
        // Without a runtime there is no connection either.
        let (Ok(runtime), false) = (tokio::runtime::Handle::try_current(), uris.is_empty()) else { return };
        let client = self.client.clone();
        runtime.spawn(async move {
            for uri in uris {
                let mut watched = client.inner.watched.lock().await;
                let count = watched.get(&uri).map_or(0, |count| count.saturating_sub(1));
                if count > 0 {
                    watched.insert(uri, count);
                    continue;
                }
                watched.remove(&uri);
                // A server that watches on does no harm: what nobody granted is not told.
                let _ = tell::<methods::ResourcesUnsubscribe>(&client, &uri).await;
            }
        });
    }
}

async fn tell<M: Method>(client: &Client, uri: &str) -> Result<(), Error> {
    let params = RawJson::encode(&SubscribeRequestParams::new(uri)).map_err(|error| Error::params(M::NAME, error))?;
    client.call_raw(M::NAME, params).await.map(drop)
}

impl Watcher {
    fn new(granted: Granted, queue: &Arc<Queue>) -> Self {
        let covers = move |change: &crate::handler::Change| {
            filter::covers(&granted.lock().unwrap_or_else(PoisonError::into_inner), change)
        };
        Self { queue: Arc::downgrade(queue), covers: Box::new(covers) }
    }
}
