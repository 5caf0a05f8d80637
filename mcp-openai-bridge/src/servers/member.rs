//! One server at work: its connection, the reading of its list, and the watch for changes.
//!
//! The surprising thing: connecting and reading run in tasks of their own, so that whoever is told to wait no longer does
//! not end what others wait for. The tasks end with the set of servers.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use mcp_client::types::SubscriptionFilter;
use mcp_client::{Change, Client, Error as ClientError, ListedTools, Misuse};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;

use super::copy::{Advice, Copy, Freshness, Given, Listed, Patience, ReadingId};
use super::filter::Filter;
use super::outcome::{Fault, Unavailable};
use super::upstream::{Connect, Source, Upstream};

/// A server of a set.
pub(super) struct Member {
    pub(super) label: String,
    pub(super) filter: Filter,
    /// As many permits as calls may run at once.
    pub(super) calls: Semaphore,
    /// None when the only connection was given.
    connect: Option<Connect>,
    slot: Mutex<Slot>,
    copy: Mutex<Copy>,
    /// Counts what happened to the copy, for those who wait.
    events: watch::Sender<u64>,
    watching: watch::Sender<Watching>,
    tasks: Mutex<JoinSet<()>>,
    /// Says that the tools of some server changed, or may have.
    changes: watch::Sender<()>,
}

/// The connection.
enum Slot {
    Closed,
    Empty,
    Failed { why: Unavailable, again_at: Instant },
    Open(Client),
    Opening(Shared<BoxFuture<'static, Result<Client, Unavailable>>>),
}

/// Whether the server tells when its list changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watching {
    /// It is being asked to.
    Asked,
    /// Nobody has asked it, or what was agreed on is lost.
    Not,
    /// It does not.
    Refused,
    /// It does.
    Told,
}

impl Member {
    pub(super) fn new(upstream: Upstream, patience: Patience, changes: watch::Sender<()>) -> Arc<Self> {
        let (slot, connect) = match upstream.source {
            Source::Client(client) => (Slot::Open(client), None),
            Source::Connect(connect) => (Slot::Empty, Some(connect)),
        };
        Arc::new(Self {
            label: upstream.label,
            filter: upstream.filter,
            calls: Semaphore::new(upstream.parallel_calls.clamp(1, Semaphore::MAX_PERMITS)),
            connect,
            slot: Mutex::new(slot),
            copy: Mutex::new(Copy::new(patience)),
            events: watch::Sender::new(0),
            watching: watch::Sender::new(Watching::Not),
            tasks: Mutex::default(),
            changes,
        })
    }

    /// Returns the tools, as they are or as they were, and never later than the deadline.
    pub(super) async fn list(self: &Arc<Self>) -> Given {
        let visit = lock(&self.copy).visit(now());
        let mut events = self.events.subscribe();
        loop {
            events.mark_unchanged();
            let advice = lock(&self.copy).poll(visit, now());
            match advice {
                Advice::Give => return lock(&self.copy).give(visit, now()),
                Advice::Read(id) => self.read(id),
                Advice::Wait(until) => drop(tokio::time::timeout_at(until.into(), events.changed()).await),
            }
        }
    }

    /// Returns the client, which is connected first when it has to be.
    pub(super) async fn client(self: &Arc<Self>) -> Result<Client, Unavailable> {
        let opening = {
            let mut slot = lock(&self.slot);
            match &*slot {
                Slot::Closed => return Err(Unavailable::closed(&self.label)),
                Slot::Failed { why, again_at } if now() < *again_at => return Err(why.clone()),
                Slot::Open(client) if !client.is_ended() => return Ok(client.clone()),
                Slot::Opening(opening) => opening.clone(),
                Slot::Empty | Slot::Failed { .. } | Slot::Open(_) => {
                    let Some(connect) = &self.connect else { return Err(Unavailable::lost(&self.label)) };
                    let opening = self.open(Arc::clone(connect));
                    *slot = Slot::Opening(opening.clone());
                    opening
                }
            }
        };
        opening.await
    }

    /// Connects in a task; several may wait for it.
    fn open(self: &Arc<Self>, connect: Connect) -> Shared<BoxFuture<'static, Result<Client, Unavailable>>> {
        let (sender, opened) = oneshot::channel();
        let member = Arc::clone(self);
        self.spawn(async move {
            let connected = AssertUnwindSafe(async { connect().await }).catch_unwind().await;
            let outcome = match connected {
                Ok(Ok(client)) => Ok(client),
                Ok(Err(error)) => Err(Unavailable::failed(&member.label, Arc::new(error))),
                Err(_) => Err(Unavailable::panicked(&member.label)),
            };
            let mut slot = lock(&member.slot);
            // Closed meanwhile: the client ends by being dropped.
            if !matches!(*slot, Slot::Closed) {
                *slot = match &outcome {
                    Ok(client) => Slot::Open(client.clone()),
                    Err(why) => Slot::Failed { why: why.clone(), again_at: now() + PAUSE },
                };
                drop(slot);
                let _ = sender.send(outcome);
            }
        });
        let closed = Unavailable::closed(&self.label);
        opened.map(move |opened| opened.unwrap_or(Err(closed))).boxed().shared()
    }

    /// Reads the list in a task.
    fn read(self: &Arc<Self>, id: ReadingId) {
        let member = Arc::clone(self);
        self.spawn(async move {
            let reading = AssertUnwindSafe(member.listed()).catch_unwind();
            let outcome = match tokio::time::timeout(LONGEST_READING, reading).await {
                Ok(Ok(listed)) => listed,
                Ok(Err(_)) => Err(Fault::from(&Unavailable::panicked(&member.label))),
                Err(_) => {
                    let what = format!("the server has not come to the end of its list within {LONGEST_READING:?}");
                    Err(Fault::timeout(what))
                }
            };
            let is_other = match outcome {
                Ok(listed) => lock(&member.copy).handle_listed(id, listed, now()),
                Err(fault) => {
                    lock(&member.copy).handle_failed(id, fault, now());
                    false
                }
            };
            if is_other {
                member.changes.send_replace(());
            }
            member.events.send_modify(|count| *count = count.wrapping_add(1));
        });
    }

    async fn listed(self: &Arc<Self>) -> Result<Listed, Fault> {
        let client = self.client().await.map_err(|unavailable| Fault::from(&unavailable))?;
        // First the watch and then the list, so that no change falls between them.
        self.watch(&client).await;
        let ListedTools { mut tools, fresh_for, .. } = match client.list_tools_to_keep().await {
            // It has none today, which is no failure.
            Err(ClientError::Misuse(Misuse::NotOffered { .. })) => ListedTools::default(),
            listed => listed.map_err(|error| Fault::from(Arc::new(error)))?,
        };
        tools.retain(|tool| self.filter.admits(&tool.name));
        let mut left_out = client.refused_tools();
        left_out.retain(|tool| self.filter.admits(&tool.name));
        let freshness = match (*self.watching.borrow(), fresh_for) {
            (Watching::Told, _) => Freshness::UntilChanged,
            (_, Some(time)) => Freshness::For(time),
            (_, None) => Freshness::Unsaid,
        };
        Ok(Listed { tools, left_out, freshness })
    }

    /// Asks the server to tell when its tools change, and waits a moment for the answer.
    async fn watch(self: &Arc<Self>, client: &Client) {
        let offered = client.capabilities().and_then(|offered| offered.tools).and_then(|tools| tools.list_changed);
        if offered != Some(true) {
            return;
        }
        let is_asked = self.watching.send_if_modified(|watching| {
            let is_new = *watching == Watching::Not;
            if is_new {
                *watching = Watching::Asked;
            }
            is_new
        });
        if is_asked {
            let (member, client) = (Arc::clone(self), client.clone());
            self.spawn(async move { member.hear(client).await });
        }
        let mut watching = self.watching.subscribe();
        let answered = watching.wait_for(|watching| *watching != Watching::Asked);
        // One that never answers this may still list its tools.
        let _ = tokio::time::timeout(WATCH_WAIT, answered).await;
    }

    /// Hears of changes until the subscription ends.
    async fn hear(self: Arc<Self>, client: Client) {
        let filter = SubscriptionFilter::new().tools_list_changed(true);
        let mut changes = match client.listen(filter).await {
            Ok(changes) => changes,
            Err(error) => {
                let is_word = matches!(error, ClientError::Rpc(_) | ClientError::Misuse(_));
                self.watching.send_replace(if is_word { Watching::Refused } else { Watching::Not });
                return;
            }
        };
        drop(client);
        let is_told = changes.acknowledged().tools_list_changed == Some(true);
        self.watching.send_replace(if is_told { Watching::Told } else { Watching::Refused });
        if !is_told {
            return;
        }
        let begun = now();
        while let Some(Ok(change)) = changes.next().await {
            if matches!(change, Change::Missed | Change::Tools) {
                self.changed();
            }
        }
        // Whoever hears that the list may be old reads it and asks for the watch again. A server that ends it at once
        // would be asked without a pause, for ever.
        let rest = WATCH_PAUSE.saturating_sub(now().duration_since(begun));
        if !rest.is_zero() {
            self.watching.send_replace(Watching::Refused);
            self.changed();
            tokio::time::sleep(rest).await;
        }
        self.watching.send_replace(Watching::Not);
        self.changed();
    }

    fn changed(&self) {
        lock(&self.copy).handle_changed();
        self.changes.send_replace(());
    }

    /// Gives up what is under way, and returns the client to be closed.
    pub(super) fn stop(&self) -> Option<Client> {
        lock(&self.tasks).abort_all();
        match std::mem::replace(&mut *lock(&self.slot), Slot::Closed) {
            Slot::Open(client) => Some(client),
            _ => None,
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }
}

/// Reads the clock of the runtime, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a failure to connect is told to those who come after it, so that they do not all try.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a list may take to its last page. Visitors wait much less; this ends what nobody waits for.
const LONGEST_READING: Duration = Duration::from_secs(60);

/// How long after a watch began the next one may begin.
const WATCH_PAUSE: Duration = Duration::from_secs(30);

/// How long the list waits for the watch.
const WATCH_WAIT: Duration = Duration::from_secs(1);
