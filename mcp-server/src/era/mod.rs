//! What differs between the two eras, on the server's side.
//!
//! [`modern`] and [`legacy`] are siblings that do not know each other; this file is the only one that knows both.

mod legacy;
mod modern;

use mcp_transport::{Answer, Call, Caller};
use mcp_types::{
    CacheScope, CallToolResult, CompleteResult, DiscoverResult, EmptyResult, ErrorCode, GetPromptResult,
    InputRequiredResult, JsonObject, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, Project, PromptsCapability, PromptsGetOutcome, RawJson, ReadResourceResult, ResourcesCapability,
    ResourcesReadOutcome, ResultMeta, RpcError, ServerCapabilities, ToolsCallOutcome, ToolsCapability,
};
use serde::Serialize;

use crate::service::Core;

/// Answers what only one of the eras has; `None` for what both have.
pub(crate) async fn answer(core: &Core, call: &Call) -> Option<Answer> {
    match call.caller.session() {
        Some(session) => legacy::answer(core, session, &call.request),
        None => modern::answer(core, call).await,
    }
}

/// Encodes a result as the caller understands it.
pub(crate) fn encode<R: Stamped + Project + Serialize>(core: &Core, caller: &Caller, mut result: R) -> Answer {
    if caller.session().is_none() {
        modern::stamp(core, &mut result);
    }
    result.project(caller.features());
    RawJson::encode(&result).map_err(|error| RpcError::internal(format!("the result cannot be encoded: {error}")))
}

/// Derives the capabilities from what is registered, so that the two cannot disagree (T-62).
fn capabilities(core: &Core, list_changed: Option<bool>, subscribe: Option<bool>) -> ServerCapabilities {
    let registry = core.registry();
    let mut declared = ServerCapabilities::new();
    declared.tools = registry.has_tools().then(|| {
        let mut tools = ToolsCapability::new();
        tools.list_changed = list_changed;
        tools
    });
    declared.prompts = registry.has_prompts().then(|| {
        let mut prompts = PromptsCapability::new();
        prompts.list_changed = list_changed;
        prompts
    });
    declared.resources = registry.has_resources().then(|| {
        let mut resources = ResourcesCapability::new();
        resources.list_changed = list_changed;
        resources.subscribe = subscribe;
        resources
    });
    declared.completions = registry.completes().then(JsonObject::new);
    declared.logging = core.logs.then(JsonObject::new);
    declared.extensions = (!core.extensions.is_empty()).then(|| core.extensions.clone());
    declared
}

/// Refuses an outcome that the caller cannot take: a request for input where there is none, a task nobody asked for.
pub(crate) fn available<O: Outcome>(outcome: O, caller: &Caller) -> Result<O, RpcError> {
    use mcp_types::Features;
    match outcome.wants() {
        Wants::Nothing => Ok(outcome),
        Wants::Input if caller.features().has(Features::INPUT_REQUIRED) => Ok(outcome),
        Wants::Input => Err(RpcError::internal(
            "this needs input from the user, which is asked for in a way that revisions before 2026-07-28 do not have",
        )),
        Wants::Task if caller.capabilities().extension(TASKS).is_some() => Ok(outcome),
        Wants::Task => {
            let data = serde_json::json!({"requiredCapabilities": {"extensions": {TASKS: {}}}});
            let error = RpcError::new(ErrorCode::MISSING_CLIENT_CAPABILITY, "this runs only as a task");
            Err(error.data(data))
        }
    }
}

/// The identifier of the extension for tasks.
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// What an outcome asks of the client.
pub(crate) enum Wants {
    Nothing,
    Input,
    Task,
}

/// One of the things that a request may end in.
pub(crate) trait Outcome {
    fn wants(&self) -> Wants;
}

impl Outcome for ToolsCallOutcome {
    fn wants(&self) -> Wants {
        match self {
            Self::InputRequired(_) => Wants::Input,
            Self::Task(_) => Wants::Task,
            _ => Wants::Nothing,
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
}

impl Outcome for ResourcesReadOutcome {
    fn wants(&self) -> Wants {
        match self {
            Self::InputRequired(_) => Wants::Input,
            _ => Wants::Nothing,
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
