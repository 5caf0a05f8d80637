//! `subscriptions/listen` (P-30 to P-39, XT-11).
//!
//! The surprising thing: a subscription is an ordinary call that takes long. Its notifications go where those of any
//! call go, and dropping it ends it. Tasks are watched in their store, so that one that runs elsewhere is heard too.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{BoxFuture, Fuse, FusedFuture};
use futures::stream::{FuturesUnordered, StreamExt};
use mcp_transport::{Answer, Call};
use mcp_types::{
    Features, Project, RawJson, RequestId, RpcError, SubscriptionsListenRequestParams, TaskNotificationParams,
};

use crate::changes::{Notice, Subscription, check_tasks, closing, tag};
use crate::server::Way;
use crate::service::Core;

/// Holds a subscription open until the way in ends, the call is dropped or nobody reads any more.
///
/// While it waits it holds nothing of the request but the id, because the rest keeps the buffer alive that it came in.
pub(super) async fn listen(core: &Core, call: Call, way: &Way) -> Answer {
    let keeps_tasks = core.tasks.store.keeps();
    if !core.offered().is_anything() && !keeps_tasks {
        // Nothing that could be listened to is offered (P-37).
        return Err(RpcError::method_not_found("subscriptions/listen"));
    }
    let Call { request, caller, notifier, .. } = call;
    let params: SubscriptionsListenRequestParams = request.params.decode()?;
    check_tasks(&params.notifications, &caller.capabilities())?;
    let id = &request.id.clone();
    let principal = core.principal(&caller);
    let features = caller.features();
    drop((request, caller));
    let tasks = params.notifications.task_ids.clone().filter(|_| keeps_tasks);
    let mut honoured = core.offered().honoured(params.notifications, MOST_URIS);
    if let Some(tasks) = tasks {
        honoured.task_ids = Some(existing(core, tasks, principal.as_deref()).await?);
    }
    let mut events = Events {
        core,
        features,
        id,
        tasks: honoured.task_ids.clone().unwrap_or_default(),
        subscription: core.changes.listen(id.clone(), honoured, principal.as_deref())?,
        watched: FuturesUnordered::new(),
        ended: way.ended().boxed().fuse(),
    };
    while let Some(notice) = events.next().await {
        if notifier.send(notice.method, &notice.params).await.is_err() {
            break;
        }
    }
    // Nobody reads this answer unless the transport wants one for its own ending.
    let mut result = closing(id);
    result.project(features);
    RawJson::encode(&result).map_err(|error| RpcError::internal(format!("the result cannot be encoded: {error}")))
}

/// Returns those of the tasks that exist and are the principal's, each once; the acknowledgement names them (XT-11).
async fn existing(core: &Core, ids: Vec<String>, principal: Option<&str>) -> Result<Vec<String>, RpcError> {
    let mut found: Vec<String> = Vec::new();
    for id in ids.into_iter().take(MOST_TASKS) {
        if !found.contains(&id) && core.tasks.find(&id, principal, core.now()).await.is_ok() {
            found.push(id);
        }
    }
    Ok(found)
}

/// What one subscription is told.
struct Events<'a> {
    core: &'a Core,
    features: Features,
    id: &'a RequestId,
    subscription: Subscription,
    /// The tasks that are not watched yet: nothing comes before the acknowledgement (P-30).
    tasks: Vec<String>,
    watched: FuturesUnordered<BoxFuture<'a, Option<Seen>>>,
    /// The end of the way in.
    ended: Fuse<BoxFuture<'a, ()>>,
}

/// A task as it was last told.
struct Seen {
    id: String,
    /// The version that was told; `None` for one that never changes again.
    version: Option<u64>,
    notice: Notice,
}

impl Events<'_> {
    async fn next(&mut self) -> Option<Notice> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        if !self.ended.is_terminated() && self.ended.poll_unpin(cx).is_ready() {
            self.subscription.end();
        }
        if let Poll::Ready(notice) = self.subscription.poll_next(cx) {
            return Poll::Ready(notice);
        }
        let (core, features, id) = (self.core, self.features, self.id);
        self.watched.extend(self.tasks.drain(..).map(|task| look(core, features, id, task, None).boxed()));
        while let Poll::Ready(Some(seen)) = self.watched.poll_next_unpin(cx) {
            let Some(Seen { id: task, version, notice }) = seen else { continue };
            if version.is_some() {
                self.watched.push(look(core, features, id, task, version).boxed());
            }
            return Poll::Ready(Some(notice));
        }
        Poll::Pending
    }
}

/// Waits until a task has another version than the one that was told, and tells what it is then; `None` when it is gone.
///
/// The first look does not wait: the task may have changed since its client heard of it.
async fn look(
    core: &Core,
    features: Features,
    subscription: &RequestId,
    id: String,
    told: Option<u64>,
) -> Option<Seen> {
    let store = &core.tasks.store;
    if let Some(told) = told {
        store.changed(&id, told).await.ok()?;
    }
    let record = store.get(&id, core.now()).await.ok()??;
    let mut params = TaskNotificationParams::from(record.task().clone());
    params.meta = Some(tag(subscription));
    params.project(features);
    let notice = Notice { method: "notifications/tasks", params: RawJson::encode(&params).ok()? };
    Some(Seen { id, version: (!record.is_final()).then(|| record.version()), notice })
}

/// How many URIs and how many tasks one subscription may have.
const MOST_URIS: usize = 1_024;
const MOST_TASKS: usize = 256;
