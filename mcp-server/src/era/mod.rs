//! What differs between the two eras, on the server's side.
//!
//! [`modern`] and [`legacy`] are siblings that do not know each other; this file is the only one that knows both.

mod legacy;
mod modern;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use mcp_transport::era::legacy::Session;
use mcp_transport::{Answer, Call, Caller};
use mcp_types::{
    CacheScope, CallToolResult, CompleteResult, DiscoverResult, EmptyResult, GetPromptResult, InputRequest,
    InputRequiredResult, JsonObject, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, Project, PromptsCapability, PromptsGetOutcome, RawJson, ReadResourceResult, ResourcesCapability,
    ResourcesReadOutcome, ResultMeta, RpcError, ServerCapabilities, ToolsCallOutcome, ToolsCapability,
};
use serde::Serialize;

use crate::ask::{AskError, answer_all};
use crate::context::Cx;
use crate::input::Answers;
use crate::server::Way;
use crate::service::Core;

/// How a method is answered that only one of the eras has.
pub(crate) enum Own {
    Now(Answer),
    /// By [`later`], which waits and so takes the call with it.
    Later,
}

/// Answers what only one of the eras has; `None` for what both have.
pub(crate) fn answer(core: &Core, call: &Call) -> Option<Own> {
    match call.caller.session() {
        Some(session) => legacy::answer(core, session, &call.request).map(Own::Now),
        None => modern::answer(core, call),
    }
}

/// Answers what is answered [`Later`](Own::Later).
pub(crate) fn later<'a>(core: &'a Core, call: Call, way: &'a Way) -> BoxFuture<'a, Answer> {
    modern::later(core, call, way)
}

/// Returns what a legacy session is told outside every call.
pub(crate) fn pushes(core: &Core, session: &Arc<Session>) -> Option<BoxStream<'static, Bytes>> {
    legacy::pushes(core, session)
}

/// Reads what a request brings of earlier rounds; a legacy session has no such.
///
/// # Errors
///
/// Refuses what is not of this request (P-15, P-16).
pub(crate) fn answers(core: &Core, call: &Call) -> Result<Option<Answers>, RpcError> {
    match call.caller.session() {
        Some(_) => Ok(None),
        None => modern::answers(core, call),
    }
}

/// Asks the client of a legacy session something and waits for the answer.
///
/// # Errors
///
/// Fails when there is none.
pub(crate) async fn ask(cx: &Cx, session: &Arc<Session>, request: InputRequest) -> Result<RawJson, AskError> {
    legacy::ask(cx, session, request).await
}

/// Turns the refusal of a question into what its era makes of it (P-11, P-23).
pub(crate) fn unasked(caller: &Caller, error: RpcError) -> AskError {
    match caller.session() {
        Some(_) => legacy::unasked(error),
        None => AskError::Refused(error),
    }
}

/// Makes the result that asks what a handler asked.
///
/// # Errors
///
/// Fails when what is kept is too large to travel.
pub(crate) fn asks(cx: &Cx) -> Result<InputRequiredResult, RpcError> {
    modern::asks(cx)
}

/// Does with a result that asks what the era does with it: `Some` is the answer to the call, `None` says that the client
/// was asked here, and the handler goes on (P-23).
///
/// # Errors
///
/// Fails when the client cannot be asked.
pub(crate) async fn required(cx: &Cx, required: InputRequiredResult) -> Result<Option<InputRequiredResult>, AskError> {
    match cx.caller().session() {
        Some(_) => answer_all(cx, required).await.map(|()| None),
        None => modern::required(cx, required).map(Some).map_err(AskError::Refused),
    }
}

/// Refuses a caller that could have tasks and does not declare them (XT-2).
///
/// # Errors
///
/// Returns −32021 with the extension. On a legacy session the tool runs within its call (XT-15).
pub(crate) fn check_task(caller: &Caller) -> Result<(), RpcError> {
    caller.session().map_or_else(|| modern::check_task(caller), |_| Ok(()))
}

/// Encodes a result as the caller understands it.
///
/// # Errors
///
/// Fails when a value of the result cannot be encoded.
pub(crate) fn encode<R: Stamped + Project + Serialize>(core: &Core, caller: &Caller, mut result: R) -> Answer {
    let meta = if caller.session().is_none() { modern::stamp(core, &mut result) } else { None };
    result.project(caller.features());
    let encoded = match meta {
        Some(meta) => RawJson::encode_with(&result, "_meta", meta),
        None => RawJson::encode(&result),
    };
    encoded.map_err(|error| unencodable(&error))
}

fn unencodable(error: &serde_json::Error) -> RpcError {
    RpcError::internal(format!("the result cannot be encoded: {error}"))
}

/// Derives the capabilities from what is registered, so that the two cannot disagree (T-62).
fn capabilities(core: &Core) -> ServerCapabilities {
    let registry = core.registry();
    let offered = core.offered();
    let mut declared = ServerCapabilities::new();
    declared.tools = registry.has_tools().then(|| {
        let mut tools = ToolsCapability::new();
        tools.list_changed = offered.tools.then_some(true);
        tools
    });
    declared.prompts = registry.has_prompts().then(|| {
        let mut prompts = PromptsCapability::new();
        prompts.list_changed = offered.prompts.then_some(true);
        prompts
    });
    declared.resources = registry.has_resources().then(|| {
        let mut resources = ResourcesCapability::new();
        resources.list_changed = offered.resources.then_some(true);
        resources.subscribe = offered.subscribe.then_some(true);
        resources
    });
    declared.completions = registry.completes().then(JsonObject::new);
    declared.logging = core.logs.then(JsonObject::new);
    declared.extensions = (!core.extensions.is_empty()).then(|| core.extensions.clone());
    declared
}

/// Refuses an outcome that the caller cannot take: a request for input where there is none, a task nobody asked for.
pub(crate) fn check_available<O: Outcome>(outcome: &O, caller: &Caller) -> Result<(), RpcError> {
    use mcp_types::Features;
    match outcome.wants() {
        Wants::Nothing => Ok(()),
        Wants::Input if caller.features().has(Features::INPUT_REQUIRED) => Ok(()),
        Wants::Input => Err(RpcError::internal(
            "this needs input from the user, which is asked for in a way that revisions before 2026-07-28 do not have",
        )),
        Wants::Task if caller.session().is_none() => modern::check_task(caller),
        Wants::Task => {
            Err(RpcError::internal("this runs only as a task, which revisions before 2026-07-28 do not have"))
        }
    }
}

/// What an outcome asks of the client.
pub(crate) enum Wants {
    Nothing,
    Input,
    Task,
}

/// One of the things that a request may end in.
pub(crate) trait Outcome: Sized {
    fn wants(&self) -> Wants;

    /// Returns the result that asks the client for something, or else what it is.
    fn required(self) -> Result<InputRequiredResult, Self>;
}

impl Outcome for ToolsCallOutcome {
    fn wants(&self) -> Wants {
        match self {
            Self::InputRequired(_) => Wants::Input,
            Self::Task(_) => Wants::Task,
            _ => Wants::Nothing,
        }
    }

    fn required(self) -> Result<InputRequiredResult, Self> {
        match self {
            Self::InputRequired(required) => Ok(required),
            other => Err(other),
        }
    }
}

impl Outcome for PromptsGetOutcome {
    fn wants(&self) -> Wants {
        match self {
            Self::InputRequired(_) => Wants::Input,
            _ => Wants::Nothing,
        }
    }

    fn required(self) -> Result<InputRequiredResult, Self> {
        match self {
            Self::InputRequired(required) => Ok(required),
            other => Err(other),
        }
    }
}

impl Outcome for ResourcesReadOutcome {
    fn wants(&self) -> Wants {
        match self {
            Self::InputRequired(_) => Wants::Input,
            _ => Wants::Nothing,
        }
    }

    fn required(self) -> Result<InputRequiredResult, Self> {
        match self {
            Self::InputRequired(required) => Ok(required),
            other => Err(other),
        }
    }
}

/// A result that modern servers stamp.
pub(crate) trait Stamped {
    /// Returns the `_meta` of the result.
    fn meta(&mut self) -> Option<&mut Option<ResultMeta>>;

    /// Returns the caching hints of the result, when it has them.
    fn hints(&mut self) -> Option<(&mut Option<u64>, &mut Option<CacheScope>)> {
        None
    }
}

macro_rules! stamped {
    (plain: $($plain:ident),+; cacheable: $($cacheable:ident),+;) => {
        $(
            impl Stamped for $plain {
                fn meta(&mut self) -> Option<&mut Option<ResultMeta>> {
                    Some(&mut self.meta)
                }
            }
        )+
        $(
            impl Stamped for $cacheable {
                fn meta(&mut self) -> Option<&mut Option<ResultMeta>> {
                    Some(&mut self.meta)
                }

                fn hints(&mut self) -> Option<(&mut Option<u64>, &mut Option<CacheScope>)> {
                    Some((&mut self.ttl_ms, &mut self.cache_scope))
                }
            }
        )+
    };
}

stamped! {
    plain: CallToolResult, CompleteResult, EmptyResult, GetPromptResult, InputRequiredResult;
    cacheable: DiscoverResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        ReadResourceResult;
}

impl Stamped for ToolsCallOutcome {
    fn meta(&mut self) -> Option<&mut Option<ResultMeta>> {
        match self {
            Self::Complete(result) => result.meta(),
            Self::InputRequired(result) => result.meta(),
            Self::Task(task) => Some(&mut task.meta),
        }
    }
}

impl Stamped for PromptsGetOutcome {
    fn meta(&mut self) -> Option<&mut Option<ResultMeta>> {
        match self {
            Self::Complete(result) => result.meta(),
            Self::InputRequired(result) => result.meta(),
        }
    }
}

impl Stamped for ResourcesReadOutcome {
    fn meta(&mut self) -> Option<&mut Option<ResultMeta>> {
        match self {
            Self::Complete(result) => result.meta(),
            Self::InputRequired(result) => result.meta(),
        }
    }

    fn hints(&mut self) -> Option<(&mut Option<u64>, &mut Option<CacheScope>)> {
        match self {
            Self::Complete(result) => result.hints(),
            _ => None,
        }
    }
}
