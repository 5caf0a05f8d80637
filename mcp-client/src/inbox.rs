//! Where everything goes that is no answer: notifications to the handler, requests of legacy servers to their answers.
//!
//! The surprising thing: a notification is taken here whichever way it came, inside of an exchange or outside; over HTTP
//! the server chooses, and on a pipe nobody can tell.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::StreamExt;
use futures::stream::BoxStream;
use mcp_transport::{Incoming, Transport};
use mcp_types::{Notification, ProgressToken, RawJson, Request, ResourceUpdatedNotificationParams, RpcError};
use tokio::task::JoinHandle;

use crate::cache::{Cache, Stale};
use crate::handler::{Change, ClientHandler};

/// Takes what a server says by itself.
pub(crate) struct Inbox {
    handler: Box<dyn ClientHandler>,
    cache: Mutex<Cache>,
}

/// Reads what a transport receives outside of exchanges; dropping it stops the reading.
#[derive(Debug)]
pub(crate) struct Pump(JoinHandle<()>);

impl Inbox {
    pub(crate) fn new(handler: Box<dyn ClientHandler>, cache: Cache) -> Self {
        Self { handler, cache: Mutex::new(cache) }
    }

    /// Returns the results that are kept.
    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the handler wants progress of requests without an observer.
    pub(crate) fn wants_progress(&self) -> bool {
        self.handler.wants_progress()
    }

    /// Takes a notification that came with the answer to a request. Progress under another token than the request's is
    /// dropped (P-54).
    pub(crate) fn take_of_exchange(
        &self,
        notification: Notification,
        token: Option<&ProgressToken>,
        observer: Option<&mut crate::call::Observer<'_>>,
    ) {
        if notification.method != "notifications/progress" {
            return self.take(notification);
        }
        if token.is_none() || notification.params.progress_token().as_ref() != token {
            return;
        }
        // A notification that cannot be read is ignored, as it cannot be answered (T-7).
        let Ok(progress) = notification.params.decode() else { return };
        match observer {
            Some(observer) => observer(progress),
            None => self.handler.progress(progress),
        }
    }

    /// Takes a notification.
    pub(crate) fn take(&self, notification: Notification) {
        match &*notification.method {
            "notifications/message" => {
                if let Ok(message) = notification.params.decode() {
                    self.handler.log(message);
                }
            }
            "notifications/tools/list_changed" => self.changed(Stale::Lists(&["tools/list"]), Change::Tools),
            "notifications/prompts/list_changed" => self.changed(Stale::Lists(&["prompts/list"]), Change::Prompts),
            "notifications/resources/list_changed" => {
                let lists = ["resources/list", "resources/templates/list"];
                self.changed(Stale::Lists(&lists), Change::Resources);
            }
            "notifications/resources/updated" => {
                if let Ok(params) = notification.params.decode::<ResourceUpdatedNotificationParams>() {
                    self.changed(Stale::Resource(&params.uri), Change::Resource(params.uri.clone()));
                }
            }
            // Progress of a request that is over, or of none.
            "notifications/progress" => {}
            _ => self.handler.notification(notification),
        }
    }

    fn changed(&self, stale: Stale<'_>, change: Change) {
        self.cache().changed(stale);
        self.handler.changed(change);
    }

    /// Answers a request of a legacy server (V-20, T-140).
    pub(crate) fn answer(request: &Request) -> Result<RawJson, RpcError> {
        match &*request.method {
            "ping" => Ok(RawJson::empty_object()),
            method => Err(RpcError::method_not_found(method)),
        }
    }
}

impl Pump {
    /// Starts to read `incoming`; `answers` says whether the server may ask, which a modern one may not (S-3).
    pub(crate) fn start(
        incoming: BoxStream<'static, Incoming>,
        transport: Weak<dyn Transport>,
        inbox: Arc<Inbox>,
        answers: impl Fn() -> bool + Send + 'static,
    ) -> Self {
        Self(tokio::spawn(pump(incoming, transport, inbox, answers)))
    }
}

async fn pump(
    mut incoming: BoxStream<'static, Incoming>,
    transport: Weak<dyn Transport>,
    inbox: Arc<Inbox>,
    answers: impl Fn() -> bool,
) {
    while let Some(message) = incoming.next().await {
        match message {
            // A handler that panics must not end the reading, on which all other requests depend.
            Incoming::Notification(notification) => {
                let _ = catch_unwind(AssertUnwindSafe(|| inbox.take(notification)));
            }
            Incoming::Request(request) if answers() => {
                let Some(transport) = transport.upgrade() else { return };
                let answer = Inbox::answer(&request);
                // When the answer cannot be sent the connection is gone, and every request will say so.
                let _ = transport.answer(request.id, answer).await;
            }
            Incoming::Request(_) => {}
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.abort();
    }
}
