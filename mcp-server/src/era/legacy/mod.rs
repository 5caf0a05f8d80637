//! What only callers before 2026-07-28 have: the handshake, `ping`, the log level, `resources/subscribe`, pushes, and
//! requests of the server (V-11, V-20, P-23, P-41, P-42, P-91).
//!
//! The surprising thing: a client that asks for a revision that is not legacy, or that nobody knows, is not refused. It
//! is answered with the latest legacy one that is served, and may leave (V-11).

mod ask;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};
use mcp_transport::Answer;
use mcp_transport::era::legacy::Session;
use mcp_types::{
    EmptyResult, Era, InitializeRequestParams, InitializeResult, Project, RawJson, Request, RpcError,
    SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams, rpc,
};
use serde::Serialize;

use crate::service::Core;

pub(super) use ask::{ask, unasked};

/// Answers what only the legacy era has; `None` for anything else.
pub(super) fn answer(core: &Core, session: &Arc<Session>, request: &Request) -> Option<Answer> {
    let params = &request.params;
    Some(match &*request.method {
        "initialize" => params.decode().and_then(|params| initialize(core, session, &params)),
        "ping" => empty(session),
        "logging/setLevel" if core.logs => params.decode().and_then(|params: SetLevelRequestParams| {
            session.set_log_level(params.level);
            empty(session)
        }),
        "resources/subscribe" if watches(core) => params.decode().and_then(|params: SubscribeRequestParams| {
            session.subscribe(&params.uri)?;
            empty(session)
        }),
        "resources/unsubscribe" if watches(core) => params.decode().and_then(|params: UnsubscribeRequestParams| {
            session.unsubscribe(&params.uri);
            empty(session)
        }),
        "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
            Err(RpcError::method_not_found(&request.method))
        }
        _ => return None,
    })
}

fn initialize(core: &Core, session: &Session, params: &InitializeRequestParams) -> Answer {
    let Some(revision) = session.begin(params, &core.served) else {
        // Only a server without legacy revisions comes here, and it names what it speaks (V-36).
        return Err(core.served.unsupported(params.protocol_version.as_str()).error);
    };
    debug_assert_eq!(revision.era(), Era::Legacy);
    let capabilities = super::capabilities(core);
    let mut result = InitializeResult::new(revision, capabilities, core.identity.clone());
    result.instructions.clone_from(&core.instructions);
    encode(session, result)
}

/// Returns what a session is told outside every call, as encoded notifications; `None` when that is nothing.
pub(super) fn pushes(core: &Core, session: &Arc<Session>) -> Option<BoxStream<'static, Bytes>> {
    let offered = core.offered();
    if !offered.is_anything() {
        return None;
    }
    let subscription = core.changes.session(session, offered);
    let notices = stream::unfold(subscription, async |mut subscription| {
        let notice = subscription.next().await?;
        let mut message = BytesMut::new();
        rpc::notification(&mut message, notice.method, Some(&notice.params));
        Some((message.freeze(), subscription))
    });
    Some(notices.boxed())
}

fn watches(core: &Core) -> bool {
    core.offered().subscribe
}

fn empty(session: &Session) -> Answer {
    encode(session, EmptyResult::new())
}

fn encode<R: Project + Serialize>(session: &Session, mut result: R) -> Answer {
    result.project(session.revision().features());
    RawJson::encode(&result).map_err(|error| RpcError::internal(format!("the result cannot be encoded: {error}")))
}
