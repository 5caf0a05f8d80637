//! What only callers since 2026-07-28 have: `server/discover`, `subscriptions/listen` and the stamps on every result
//! (T-27, V-34, V-38, P-30 to P-37, P-70).
//!
//! The surprising thing: a subscription is an ordinary call that takes long. Its notifications go where those of any
//! call go, and dropping it ends it.

use mcp_transport::{Answer, Call, Notifier};
use mcp_types::{
    DiscoverResult, ErrorCode, Meta, Project, ProtocolVersion, RawJson, RequestId, ResourceUpdatedNotificationParams,
    ResultMeta, RpcError, SubscriptionFilter, SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams, SubscriptionsListenResult, meta,
};
use serde::Serialize;

use super::Stamped;
use crate::changes::{Changes, Pending};
use crate::service::Core;

/// Answers what only the modern era has; `None` for anything else.
pub(super) async fn answer(core: &Core, call: &Call) -> Option<Answer> {
    let revision = call.caller.revision();
    if !core.served.modern().any(|served| served == revision) {
        return Some(Err(core.served.unsupported(revision.as_str()).error));
    }
    match &*call.request.method {
        "server/discover" => Some(super::encode(core, &call.caller, discover(core))),
        "subscriptions/listen" => Some(listen(core, call).await),
        "initialize" | "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
            Some(Err(RpcError::method_not_found(&call.request.method)))
        }
        _ => None,
    }
}

/// Says who the server is, and for how long the result may be kept.
pub(super) fn stamp<R: Stamped>(core: &Core, result: &mut R) {
    if let (Some(slot), Some(identity)) = (result.meta(), core.identity_text()) {
        let meta = slot.get_or_insert_with(ResultMeta::new);
        if meta.server_info.is_none() && meta.extra.member(meta::SERVER_INFO).is_none() {
            // The encoded form is shared, which a copy of the structure would not be.
            meta.extra.insert(meta::SERVER_INFO, identity.clone());
        }
    }
    if let Some((ttl, scope)) = result.hints() {
        ttl.get_or_insert(core.cache.ttl_ms);
        scope.get_or_insert_with(|| core.cache.scope.clone());
    }
}

fn discover(core: &Core) -> DiscoverResult {
    // Only what a request can claim is listed (V-38).
    let versions: Vec<_> = core.served.modern().map(ProtocolVersion::from).collect();
    let changes = core.changes.as_ref().map(|_| true);
    let mut result = DiscoverResult::new(versions, super::capabilities(core, changes, changes));
    result.instructions.clone_from(&core.instructions);
    result
}

/// Holds a subscription open until the call is dropped or nobody reads any more.
async fn listen(core: &Core, call: &Call) -> Answer {
    let Some(changes) = &core.changes else {
        // Nothing that could be listened to is offered (P-37).
        return Err(RpcError::method_not_found("subscriptions/listen"));
    };
    let params: SubscriptionsListenRequestParams = call.request.params.decode()?;
    if params.notifications.task_ids.is_some() {
        return Err(RpcError::new(ErrorCode::INVALID_PARAMS, "this server has no tasks to subscribe to"));
    }
    let honoured = honoured(core, params.notifications);
    let stream = Stream { notifier: &call.notifier, id: &call.request.id };
    let _ = stream.serve(changes, honoured, core.limits().subscriptions_total).await?;
    // Nobody reads this answer unless the transport wants one for its own ending.
    let mut closing = ResultMeta::new();
    closing.subscription_id = Some(call.request.id.clone());
    let mut result = SubscriptionsListenResult::new(closing);
    result.project(call.caller.features());
    RawJson::encode(&result).map_err(|error| RpcError::internal(format!("the result cannot be encoded: {error}")))
}

/// Takes what is not offered out of a filter; the acknowledgement says what is left (P-32).
fn honoured(core: &Core, mut wanted: SubscriptionFilter) -> SubscriptionFilter {
    const MOST_URIS: usize = 1_024;
    let registry = core.registry();
    let keep = |wanted: Option<bool>, offered: bool| wanted.filter(|wanted| *wanted && offered);
    wanted.tools_list_changed = keep(wanted.tools_list_changed, registry.has_tools());
    wanted.prompts_list_changed = keep(wanted.prompts_list_changed, registry.has_prompts());
    wanted.resources_list_changed = keep(wanted.resources_list_changed, registry.has_resources());
    wanted.resource_subscriptions = wanted.resource_subscriptions.filter(|_| registry.has_resources());
    if let Some(uris) = &mut wanted.resource_subscriptions {
        uris.truncate(MOST_URIS);
    }
    wanted.extra = mcp_types::JsonObject::new();
    wanted
}

/// The notifications of one subscription; each names it (P-31).
struct Stream<'a> {
    notifier: &'a Notifier,
    id: &'a RequestId,
}

/// Nobody reads the stream any more.
struct Gone;

impl Stream<'_> {
    async fn serve(&self, changes: &Changes, wanted: SubscriptionFilter, most: usize) -> Result<Gone, RpcError> {
        let Some(subscriber) = changes.subscribe(wanted.clone(), most) else {
            return Err(RpcError::internal("this server has no room for more subscriptions; try again later"));
        };
        let mut acknowledged = SubscriptionsAcknowledgedNotificationParams::new(wanted);
        acknowledged.meta = Some(self.meta());
        if self.send("notifications/subscriptions/acknowledged", &acknowledged).await.is_err() {
            return Ok(Gone);
        }
        loop {
            let pending = subscriber.next().await;
            if self.tell(pending).await.is_err() {
                return Ok(Gone);
            }
        }
    }

    async fn tell(&self, pending: Pending) -> Result<(), Gone> {
        let lists = [
            (pending.tools, "notifications/tools/list_changed"),
            (pending.prompts, "notifications/prompts/list_changed"),
            (pending.resources, "notifications/resources/list_changed"),
        ];
        for (_, method) in lists.into_iter().filter(|(changed, _)| *changed) {
            let mut params = mcp_types::NotificationParams::new();
            params.meta = Some(self.meta());
            self.send(method, &params).await?;
        }
        for uri in pending.uris {
            let mut params = ResourceUpdatedNotificationParams::new(uri);
            params.meta = Some(self.meta());
            self.send("notifications/resources/updated", &params).await?;
        }
        Ok(())
    }

    async fn send(&self, method: &str, params: &(impl Serialize + Sync)) -> Result<(), Gone> {
        let params = RawJson::encode(params).map_err(|_| Gone)?;
        self.notifier.send(method, &params).await.map_err(|_| Gone)
    }

    fn meta(&self) -> Meta {
        let mut meta = Meta::new();
        if let Ok(id) = RawJson::encode(self.id) {
            meta.insert(meta::SUBSCRIPTION_ID, id);
        }
        meta
    }
}
