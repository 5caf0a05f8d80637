//! `subscriptions/listen` (P-30 to P-39, XT-11).
//!
//! The surprising thing: a subscription is an ordinary call that takes long. Its notifications go where those of any
//! call go, and dropping it ends it. Tasks are watched in their store, so that one that runs elsewhere is heard too.

use std::future::{poll_fn, ready};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{BoxFuture, Fuse, FusedFuture};
use futures::stream::{FuturesUnordered, StreamExt};
use mcp_transport::{Answer, Call, Notifier};
use mcp_types::{
    Features, Project, RawJson, RequestId, RpcError, SubscriptionFilter, SubscriptionsListenRequestParams,
    TaskNotificationParams,
};

use crate::changes::{Notice, Subscription, check_tasks, closing, tag};
use crate::server::Way;
use crate::service::Core;

/// What of a listen request is still needed once it is read.
///
/// No more than this is held for as long as the subscription is open, and it may be open for days: the rest of the request
/// would keep the buffer alive that it came in.
struct Wanted {
    id: RequestId,
    features: Features,
    principal: Option<String>,
    /// What is told of the filter, but for the tasks.
    honoured: SubscriptionFilter,
    /// The tasks of the filter; `None` where tasks are not kept.
    tasks: Option<Vec<String>>,
    notifier: Notifier,
}

/// Holds a subscription open until the way in ends, the call is dropped or nobody reads any more.
pub(super) fn listen<'a>(core: &'a Core, call: Call, way: &'a Way) -> BoxFuture<'a, Answer> {
    match Wanted::read(core, call) {
        Ok(wanted) => wanted.hold(core, way),
        Err(error) => ready(Err(error)).boxed(),
    }
}

impl Wanted {
    fn read(core: &Core, call: Call) -> Result<Self, RpcError> {
        let keeps_tasks = core.tasks.store.keeps();
        if !core.offered().is_anything() && !keeps_tasks {
            // Nothing that could be listened to is offered (P-37).
            return Err(RpcError::method_not_found("subscriptions/listen"));
        }
        let Call { request, caller, notifier, .. } = call;
        let params: SubscriptionsListenRequestParams = request.params.decode()?;
        check_tasks(&params.notifications, &caller.capabilities())?;
        Ok(Self {
            honoured: core.offered().honoured(&params.notifications, MOST_URIS),
            tasks: params.notifications.task_ids.filter(|_| keeps_tasks),
            principal: core.principal(&caller),
            features: caller.features(),
            id: request.id,
            notifier,
        })
    }

    /// A block in a box, because an `async fn` keeps its arguments twice.
    fn hold<'a>(self, core: &'a Core, way: &'a Way) -> BoxFuture<'a, Answer> {
        let Self { id, features, principal, mut honoured, tasks, notifier } = self;
        async move {
            if let Some(tasks) = tasks {
                honoured.task_ids = Some(Box::pin(existing(core, tasks, principal.as_deref())).await?);
            }
            let mut events = Events {
                core,
                features,
                id: &id,
                tasks: honoured.task_ids.clone().unwrap_or_default(),
                subscription: core.changes.listen(id.clone(), honoured, principal.as_deref())?,
                watched: None,
                ended: way.ended().boxed().fuse(),
            };
            while let Some(notice) = events.next().await {
                if notifier.send(notice.method, &notice.params).await.is_err() {
                    break;
                }
            }
            // Nobody reads this answer unless the transport wants one for its own ending.
            let mut result = closing(&id);
            result.project(features);
            RawJson::encode(&result)
                .map_err(|error| RpcError::internal(format!("the result cannot be encoded: {error}")))
        }
        .boxed()
    }
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
    /// Those that are; most subscriptions watch none.
    watched: Option<FuturesUnordered<BoxFuture<'a, Option<Seen>>>>,
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
        if !self.tasks.is_empty() {
            let tasks = std::mem::take(&mut self.tasks).into_iter();
            self.watched = Some(tasks.map(|task| look(core, features, id, task, None).boxed()).collect());
        }
        let Some(watched) = &mut self.watched else { return Poll::Pending };
        while let Poll::Ready(Some(seen)) = watched.poll_next_unpin(cx) {
            let Some(Seen { id: task, version, notice }) = seen else { continue };
            if version.is_some() {
                watched.push(look(core, features, id, task, version).boxed());
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
