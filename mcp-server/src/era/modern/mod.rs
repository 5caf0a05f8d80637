//! What only callers since 2026-07-28 have: `server/discover`, `subscriptions/listen`, tasks, rounds of one request, and
//! the stamps on every result (T-27, V-34, V-38, P-10 to P-37, P-70, XT-6 to XT-9).
//!
//! The surprising thing: nothing here remembers a caller. What one request left behind, another must bring.

mod listen;
mod rounds;
mod tasks;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use mcp_transport::{Answer, Call};
use mcp_types::{DiscoverResult, JsonObject, ProtocolVersion, RawJson, ResultMeta, RpcError, TASKS_EXTENSION, meta};

use super::{Own, Stamped};
use crate::server::Way;
use crate::service::Core;

pub(super) use rounds::{answers, asks, required};
pub(super) use tasks::check as check_task;

/// Answers what only the modern era has; `None` for anything else.
pub(super) fn answer(core: &Core, call: &Call) -> Option<Own> {
    let revision = call.caller.revision();
    if !core.served.modern().any(|served| served == revision) {
        return Some(Own::Now(Err(core.served.unsupported(revision.as_str()).error)));
    }
    Some(match &*call.request.method {
        "server/discover" => Own::Now(super::encode(core, &call.caller, discover(core))),
        "subscriptions/listen" | "tasks/cancel" | "tasks/get" | "tasks/update" => Own::Later,
        "initialize" | "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
            Own::Now(Err(RpcError::method_not_found(&call.request.method)))
        }
        _ => return None,
    })
}

/// Answers what is answered later.
pub(super) fn later<'a>(core: &'a Core, call: Call, way: &'a Way) -> BoxFuture<'a, Answer> {
    match &*call.request.method {
        "subscriptions/listen" => listen::listen(core, call, way),
        _ => async move { tasks::answer(core, &call).await }.boxed(),
    }
}

/// Says who the server is, and for how long the result may be kept. Returns the `_meta` that a result without one is to
/// be written with.
pub(super) fn stamp<'a, R: Stamped>(core: &'a Core, result: &mut R) -> Option<&'a RawJson> {
    if let Some((ttl, scope)) = result.hints() {
        ttl.get_or_insert(core.cache.ttl_ms);
        scope.get_or_insert_with(|| core.cache.scope.clone());
    }
    let identity = core.identity_text()?;
    let Some(meta) = result.meta()? else { return core.identity_meta() };
    identify(meta, identity);
    None
}

/// Says who the server is where the handler has not.
fn identify(meta: &mut ResultMeta, identity: &RawJson) {
    if meta.server_info.is_none() && meta.extra.member(meta::SERVER_INFO).is_none() {
        // The encoded form is shared, which a copy of the structure would not be.
        meta.extra.insert(meta::SERVER_INFO, identity.clone());
    }
}

fn discover(core: &Core) -> DiscoverResult {
    // Only what a request can claim is listed (V-38).
    let versions: Vec<_> = core.served.modern().map(ProtocolVersion::from).collect();
    let mut capabilities = super::capabilities(core);
    if core.tasks.store.keeps() {
        capabilities.extensions.get_or_insert_with(JsonObject::new).insert(TASKS_EXTENSION, RawJson::empty_object());
    }
    let mut result = DiscoverResult::new(versions, capabilities);
    result.instructions.clone_from(&core.instructions);
    result
}
