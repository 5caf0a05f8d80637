//! Where everything goes that is no answer: notifications to the handler, requests of legacy servers to their hooks.
//!
//! The surprising thing: a notification is taken here whichever way it came, inside of an exchange or outside; over HTTP
//! the server chooses, and on a pipe nobody can tell.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;

use futures::StreamExt;
use futures::stream::{BoxStream, FuturesUnordered};
use mcp_transport::{Incoming, Limits, Transport};
use mcp_types::{
    ClientCapabilities, Features, Notification, ProgressToken, ResourceUpdatedNotificationParams,
    TaskNotificationParams,
};
use tokio::task::JoinHandle;

use crate::cache::{Cache, Stale};
use crate::handler::{Change, ClientHandler};
use crate::listen::queue::Queue;
use crate::reverse::{self, Answering, Spoken};

/// Takes what a server says by itself.
pub(crate) struct Inbox {
    handler: Box<dyn ClientHandler>,
    cache: Mutex<Cache>,
    /// What the server was told that it may ask.
    declared: ClientCapabilities,
    answering: Answering,
    watchers: Mutex<Vec<Watcher>>,
}

/// A legacy subscription, which hears of what comes outside of every request.
pub(crate) struct Watcher {
    pub(crate) queue: Weak<Queue>,
    pub(crate) covers: Box<dyn Fn(&Change) -> bool + Send + Sync>,
}

/// Reads what a transport receives outside of exchanges, to its end; dropping it stops the reading.
#[derive(Debug)]
pub(crate) struct Pump(JoinHandle<()>);

impl Inbox {
    pub(crate) fn new(handler: Box<dyn ClientHandler>, declared: ClientCapabilities, limits: &Limits) -> Self {
        let (cache, answering) = (Mutex::new(Cache::new(limits)), Answering::new(limits.in_flight));
        Self { handler, cache, declared, answering, watchers: Mutex::default() }
    }

    /// Tells a subscription of what changes, for as long as it is there.
    pub(crate) fn watch(&self, watcher: Watcher) {
        self.watchers().push(watcher);
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<Watcher>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the handler.
    pub(crate) fn handler(&self) -> &dyn ClientHandler {
        &*self.handler
    }

    /// Returns what the server was told that it may ask.
    pub(crate) fn declared(&self) -> &ClientCapabilities {
        &self.declared
    }

    /// Returns whether a server may ask for something that takes time: a user, a model, directories.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.declared.elicitation.is_some() || self.declared.sampling.is_some() || self.declared.roots.is_some()
    }

    /// Returns the requests of the server that are being answered.
    pub(crate) fn answering(&self) -> &Answering {
        &self.answering
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
        if let Some(change) = change_of(&notification) {
            return self.changed(change);
        }
        match &*notification.method {
            "notifications/cancelled" => {
                if let Some(id) = notification.params.request_id() {
                    self.answering.withdraw(&id);
                }
            }
            "notifications/message" => {
                if let Ok(message) = notification.params.decode() {
                    self.handler.log(message);
                }
            }
            // Progress of a request that is over, or of none.
            "notifications/progress" => {}
            _ => self.handler.notification(notification),
        }
    }

    /// Forgets what a change has made stale (P-74), and tells of it.
    pub(crate) fn changed(&self, change: Change) {
        let stale = match &change {
            Change::Missed => Some(Stale::Everything),
            Change::Prompts => Some(Stale::Lists(&["prompts/list"])),
            Change::Resource(uri) => Some(Stale::Resource(uri)),
            Change::Resources => Some(Stale::Lists(&["resources/list", "resources/templates/list"])),
            Change::Task { .. } => None,
            Change::Tools => Some(Stale::Lists(&["tools/list"])),
        };
        if let Some(stale) = stale {
            self.cache().changed(stale);
        }
        self.watchers().retain(|watcher| {
            let Some(queue) = watcher.queue.upgrade() else { return false };
            if (watcher.covers)(&change) {
                queue.push(change.clone());
            }
            true
        });
        self.handler.changed(change);
    }
}

/// Returns what a notification says has changed; none when it says something else, or cannot be read (T-7).
pub(crate) fn change_of(notification: &Notification) -> Option<Change> {
    match &*notification.method {
        "notifications/prompts/list_changed" => Some(Change::Prompts),
        "notifications/resources/list_changed" => Some(Change::Resources),
        "notifications/resources/updated" => {
            let params: ResourceUpdatedNotificationParams = notification.params.decode().ok()?;
            Some(Change::Resource(params.uri))
        }
        "notifications/tasks" => {
            let task: TaskNotificationParams = notification.params.decode().ok()?;
            Some(Change::Task { id: task.task_id, status: task.status })
        }
        "notifications/tools/list_changed" => Some(Change::Tools),
        _ => None,
    }
}

impl Pump {
    /// Starts to read `incoming`; `spoken` says what was agreed on so far, as a modern server may not ask (S-3),
    /// and `lost` is called at the end.
    pub(crate) fn start(
        incoming: BoxStream<'static, Incoming>,
        transport: Weak<dyn Transport>,
        inbox: Arc<Inbox>,
        spoken: impl Fn() -> Option<Spoken> + Send + 'static,
        lost: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self(tokio::spawn(async move {
            pump(incoming, transport, inbox, spoken).await;
            lost();
        }))
    }
}

async fn pump(
    mut incoming: BoxStream<'static, Incoming>,
    transport: Weak<dyn Transport>,
    inbox: Arc<Inbox>,
    spoken: impl Fn() -> Option<Spoken>,
) {
    let mut answers = FuturesUnordered::new();
    // The answers are worked on while the next message is waited for; all of them end with the reading.
    loop {
        let next = poll_fn(|cx| {
            while let Poll::Ready(Some(())) = answers.poll_next_unpin(cx) {}
            incoming.poll_next_unpin(cx)
        });
        match next.await {
            // A handler that panics must not end the reading, on which all other requests depend.
            Some(Incoming::Notification(notification)) => {
                let _ = catch_unwind(AssertUnwindSafe(|| inbox.take(notification)));
            }
            Some(Incoming::Request(request)) => {
                let spoken = spoken();
                if spoken.as_ref().is_none_or(|spoken| spoken.revision.features().has(Features::SERVER_REQUESTS)) {
                    answers.push(reverse::answer(Arc::clone(&inbox), request, spoken, Weak::clone(&transport)));
                }
            }
            None => return,
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.abort();
    }
}
