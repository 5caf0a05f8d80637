//! What only callers before 2026-07-28 have: the handshake, `ping`, the log level, `resources/subscribe` (V-11, V-20,
//! P-91, P-42).
//!
//! The surprising thing: a client that asks for a revision that is not legacy, or that nobody knows, is not refused. It
//! is answered with the latest legacy one that is served, and may leave (V-11).

use std::sync::Arc;

use mcp_transport::Answer;
use mcp_transport::era::legacy::Session;
use mcp_types::{
    EmptyResult, Era, InitializeRequestParams, InitializeResult, Project, RawJson, Request, RpcError,
    SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams,
};
use serde::Serialize;

use crate::service::Core;

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
    // A change of a list would have to be pushed outside of every call, which a service cannot do; so it is not declared.
    let capabilities = super::capabilities(core, None, watches(core).then_some(true));
    let mut result = InitializeResult::new(revision, capabilities, core.identity.clone());
    result.instructions.clone_from(&core.instructions);
    encode(session, result)
}

fn watches(core: &Core) -> bool {
    core.changes.is_some() && core.registry().has_resources()
}

fn empty(session: &Session) -> Answer {
    encode(session, EmptyResult::new())
}

fn encode<R: Project + Serialize>(session: &Session, mut result: R) -> Answer {
    result.project(session.revision().features());
    RawJson::encode(&result).map_err(|error| RpcError::internal(format!("the result cannot be encoded: {error}")))
}
