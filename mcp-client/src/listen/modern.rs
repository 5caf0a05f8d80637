//! A subscription in the modern era: one request that stays open (P-30 to P-35, H-21, S-7).
//!
//! The surprising thing: whatever ends it but the server's own word is a loss, after which everything that was kept of
//! the server may be old.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use mcp_transport::limits::FOREVER;
use mcp_transport::{Event, Exchange, Outgoing, Patience};
use mcp_types::{
    ErrorCode, Method, Notification, Params, RawJson, SubscriptionFilter, SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams, methods,
};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::filter;
use super::queue::Queue;
use super::{Granted, granted};
use crate::ask::random;
use crate::cache::Stale;
use crate::client::Client;
use crate::error::{Error, Timeout};
use crate::gate;
use crate::handler::Change;
use crate::inbox::change_of;
use crate::restart::backoff;

const METHOD: &str = methods::SubscriptionsListen::NAME;

/// Opens a subscription, and reads it in a task.
pub(super) async fn listen(
    client: Client,
    requested: SubscriptionFilter,
    queue: Arc<Queue>,
) -> Result<(Granted, JoinHandle<()>), Error> {
    let (exchange, promised) = open(&client, &requested).await?;
    let promised = granted(promised);
    let reading = Reading { client, requested, granted: Arc::clone(&promised), queue };
    Ok((promised, tokio::spawn(reading.run(exchange))))
}

/// Opens a subscription, and waits until the server has acknowledged it.
async fn open(client: &Client, requested: &SubscriptionFilter) -> Result<(Exchange, SubscriptionFilter), Error> {
    let connection = client.inner.alive().await?;
    let agreement = &connection.agreement;
    gate::admit(METHOD, agreement.revision, agreement.capabilities.as_ref())?;
    let refused = |why: String| Error::params(METHOD, why);
    let params = SubscriptionsListenRequestParams::new(requested.clone());
    let params = RawJson::encode(&params).map_err(|error| refused(error.to_string()))?;
    let params = Params::from_raw(params).map_err(|error| refused(error.to_string()))?;
    let wrapped = connection.wrap(&params, None).map_err(refused)?;
    let mut request = Outgoing::new(METHOD, wrapped.params);
    request.hearing = Some(wrapped.hearing);
    request.revision = Some(agreement.revision);
    // Nothing need happen on a subscription for as long as nothing changes.
    request.patience = Patience { idle: FOREVER, total: FOREVER };
    let limit = client.inner.limits.request_timeout;
    let opening = async {
        let failed = |error| Error::of_transport(error, || format!("the answer to `{METHOD}`"));
        let mut exchange = connection.link.transport().open(request).await.map_err(failed)?;
        loop {
            match exchange.next().await.map_err(failed)? {
                Event::Notification(told) if &*told.method == ACKNOWLEDGED => {
                    let told: SubscriptionsAcknowledgedNotificationParams =
                        told.params.decode().map_err(|error| Error::malformed("an acknowledgement", error.message))?;
                    return Ok((exchange, filter::granted(requested, &told.notifications)));
                }
                // Nothing comes before the acknowledgement (P-30); but that something changed is worth to know.
                Event::Notification(early) => client.inner.inbox.take(early),
                Event::Response(Err(error)) => return Err(Error::Rpc(error)),
                Event::Response(Ok(_)) => {
                    return Err(Error::malformed("the answer to `subscriptions/listen`", "it ends before it begins"));
                }
            }
        }
    };
    let late = || {
        let deadline = mcp_transport::Deadline::Idle(limit);
        Error::TimedOut(Timeout { waiting_for: format!("the acknowledgement of `{METHOD}`"), deadline })
    };
    timeout(limit, opening).await.unwrap_or_else(|_| Err(late()))
}

const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// Reads one subscription, and opens it again when it is lost.
struct Reading {
    client: Client,
    requested: SubscriptionFilter,
    granted: Granted,
    queue: Arc<Queue>,
}

impl Reading {
    async fn run(self, mut exchange: Exchange) {
        loop {
            match self.read(&mut exchange).await {
                Ok(()) => return self.queue.end(None),
                Err(error) if self.is_final(&error) => return self.queue.end(Some(error)),
                Err(_) => self.client.inner.inbox.cache().changed(Stale::Everything),
            }
            match self.reopen().await {
                Ok(again) => exchange = again,
                Err(error) => return self.queue.end(Some(error)),
            }
        }
    }

    /// Reads until the server closes the subscription.
    async fn read(&self, exchange: &mut Exchange) -> Result<(), Error> {
        loop {
            let event = exchange.next().await;
            match event.map_err(|error| Error::of_transport(error, || "the next change".to_owned()))? {
                Event::Notification(told) => {
                    let is_end = &*told.method == "notifications/cancelled"
                        && told.params.request_id().as_ref() == Some(exchange.id());
                    if is_end {
                        return Ok(());
                    }
                    self.take(exchange, told);
                }
                Event::Response(Ok(_)) => return Ok(()),
                Event::Response(Err(error)) => return Err(Error::Rpc(error)),
            }
        }
    }

    fn take(&self, exchange: &Exchange, told: Notification) {
        let tag = told.params.meta().subscription_id();
        if tag.is_some_and(|tag| tag != *exchange.id()) || &*told.method == ACKNOWLEDGED {
            return;
        }
        let change = change_of(&told);
        // A handler that panics must not end the subscription.
        let _ = catch_unwind(AssertUnwindSafe(|| self.client.inner.inbox.take(told)));
        let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(change) = change.filter(|change| filter::covers(&granted, change)) {
            drop(granted);
            self.queue.push(change);
        }
    }

    /// Opens the subscription again, with longer and longer waits.
    async fn reopen(&self) -> Result<Exchange, Error> {
        let limits = &self.client.inner.limits;
        let mut last = Error::Closed;
        for attempt in 0..limits.reconnects {
            sleep(backoff(attempt, random(), limits)).await;
            match open(&self.client, &self.requested).await {
                Ok((exchange, promised)) => {
                    *self.granted.lock().unwrap_or_else(PoisonError::into_inner) = promised;
                    self.client.inner.inbox.changed(Change::Missed);
                    self.queue.push(Change::Missed);
                    return Ok(exchange);
                }
                Err(error) if self.is_final(&error) => return Err(error),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Returns whether there is nothing to hope for from another attempt.
    fn is_final(&self, error: &Error) -> bool {
        if !self.client.inner.can_come_back() {
            return true;
        }
        match error {
            Error::Rpc(error) => error.code != ErrorCode::INTERNAL,
            Error::Misuse(_) | Error::Config(_) | Error::Unsupported(_) => true,
            error => error.is_unauthorized(),
        }
    }
}
