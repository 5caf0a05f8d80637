//! Hearing of changes (*Subscriptions*, P-30 to P-42, H-21, XT-11): one way for both eras.
//!
//! ```text
//! modern: subscriptions/listen ─► its exchange ─► inbox (cache, handler) ─► queue ─► Subscription
//! legacy: resources/subscribe, what comes anyway ─► inbox ─► queue ─► Subscription
//! ```
//!
//! The surprising thing: a task of its own reads each subscription, so that the cache forgets what has changed even
//! while nobody looks at the changes; what nobody looks at is kept once, not as often as it was told.

pub(crate) mod filter;
mod legacy;
mod modern;
pub(crate) mod queue;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};
use mcp_types::{Features, SubscriptionFilter};
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::error::Error;
use crate::handler::Change;
pub(crate) use legacy::Watched;
use queue::Queue;

/// The changes that a server tells of, as a stream.
///
/// The stream ends when the server closes the subscription in good order. It ends with an error when the subscription
/// was lost and could not be had again; when it could, [`Change::Missed`] says so. Dropping it ends the subscription.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    requested: SubscriptionFilter,
    granted: Granted,
    queue: Arc<Queue>,
    task: JoinHandle<()>,
}

/// What the server said last that it will tell of.
type Granted = Arc<Mutex<SubscriptionFilter>>;

impl Client {
    /// Asks the server to tell of changes.
    ///
    /// The server may promise less than was asked for; [`Subscription::refused`] says what it does not tell of. A legacy
    /// server tells of changed lists in any case, and of resources after `resources/subscribe`, which is sent for them;
    /// of tasks it knows nothing. Several subscriptions may be open at once.
    ///
    /// A subscription that is lost is opened again, with longer and longer waits, at most
    /// [`Limits::reconnects`](mcp_transport::Limits::reconnects) times in a row.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// use mcp_client::types::SubscriptionFilter;
    ///
    /// let mut changes = client.listen(SubscriptionFilter::new().tools_list_changed(true)).await?;
    /// while let Some(change) = changes.next().await {
    ///     println!("{:?}", change?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails when the server does not know subscriptions or refuses this one, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what was begun.
    pub async fn listen(&self, filter: SubscriptionFilter) -> Result<Subscription, Error> {
        let connection = self.inner.alive().await?;
        let queue = Arc::new(Queue::default());
        let requested = filter.clone();
        let (granted, task) = if connection.agreement.revision.features().has(Features::SESSION) {
            legacy::listen(self.clone(), filter, Arc::clone(&queue)).await?
        } else {
            modern::listen(self.clone(), filter, Arc::clone(&queue)).await?
        };
        Ok(Subscription { requested, granted, queue, task })
    }
}

impl Subscription {
    /// Returns what the server said that it will tell of, as far as it was asked for (P-32).
    pub fn acknowledged(&self) -> SubscriptionFilter {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns what was asked for and the server does not tell of.
    pub fn refused(&self) -> SubscriptionFilter {
        filter::missing(&self.requested, &self.acknowledged())
    }

    /// Returns the next change; `None` when the server has closed the subscription.
    ///
    /// # Errors
    ///
    /// Fails when the subscription was lost and could not be opened again; nothing follows.
    ///
    /// # Cancel safety
    ///
    /// No change is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<Change, Error>> {
        StreamExt::next(self).await
    }
}

impl Stream for Subscription {
    type Item = Result<Change, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.queue.poll(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("acknowledged", &self.acknowledged()).finish_non_exhaustive()
    }
}

fn granted(filter: SubscriptionFilter) -> Granted {
    Arc::new(Mutex::new(filter))
}
