//! `tasks/get`, `tasks/update` and `tasks/cancel` (XT-6 to XT-9).
//!
//! The surprising thing: an answer that does not fit its question is refused here, while the task goes on waiting. The
//! handler never sees it.

use mcp_transport::{Answer, Call, Caller};
use mcp_types::{
    CancelTaskRequestParams, ClientCapabilities, DetailedTask, EmptyResult, GetTaskRequestParams, JsonObject,
    MissingRequiredClientCapabilityError, RawJson, ResultType, RpcError, TASKS_EXTENSION, UpdateTaskRequestParams,
};

use crate::era;
use crate::input;
use crate::service::Core;
use crate::task::{TaskChange, unavailable, unknown};

/// Answers one of the methods of the extension.
pub(super) async fn answer(core: &Core, call: &Call) -> Answer {
    if !core.tasks.store.keeps() {
        return Err(RpcError::method_not_found(&call.request.method));
    }
    check(&call.caller)?;
    let params = &call.request.params;
    match &*call.request.method {
        "tasks/get" => get(core, &call.caller, &params.decode()?).await,
        "tasks/update" => update(core, &call.caller, &params.decode()?).await,
        _ => cancel(core, &call.caller, &params.decode()?).await,
    }
}

/// Refuses a request that does not declare the extension (XT-2, XT-9).
pub(crate) fn check(caller: &Caller) -> Result<(), RpcError> {
    if caller.capabilities().extension(TASKS_EXTENSION).is_some() {
        return Ok(());
    }
    let extensions: JsonObject = [(TASKS_EXTENSION, RawJson::empty_object())].into_iter().collect();
    Err(MissingRequiredClientCapabilityError::new(ClientCapabilities::new().extensions(extensions)).into())
}

async fn get(core: &Core, caller: &Caller, params: &GetTaskRequestParams) -> Answer {
    let record = core.tasks.find(&params.task_id, core.principal(caller).as_deref(), core.now()).await?;
    // XT-6: complete, whatever the task is.
    era::encode(core, caller, record.task().clone().result_type(ResultType::Complete))
}

async fn update(core: &Core, caller: &Caller, params: &UpdateTaskRequestParams) -> Answer {
    let record = core.tasks.find(&params.task_id, core.principal(caller).as_deref(), core.now()).await?;
    let answers = params.input_responses.raw();
    let waiting = record.task().input_requests.iter().flat_map(|requests| requests.iter());
    for (key, request) in waiting {
        let checked = answers.member(key).map_or(Ok(()), |answer| input::check(request, answer));
        checked.map_err(|why| RpcError::invalid_params(format!("`inputResponses`: {key:?}: {why}")))?;
    }
    apply(core, caller, &params.task_id, TaskChange::Answer(answers.clone())).await
}

async fn cancel(core: &Core, caller: &Caller, params: &CancelTaskRequestParams) -> Answer {
    core.tasks.find(&params.task_id, core.principal(caller).as_deref(), core.now()).await?;
    apply(core, caller, &params.task_id, TaskChange::Cancel).await
}

async fn apply(core: &Core, caller: &Caller, id: &str, change: TaskChange) -> Answer {
    let changed = core.tasks.store.apply(id, change, core.now()).await;
    changed.map_err(|error| unavailable(&error))?.ok_or_else(|| unknown(id))?;
    era::encode(core, caller, EmptyResult::new())
}

impl era::Stamped for DetailedTask {
    fn meta(&mut self) -> Option<&mut Option<mcp_types::ResultMeta>> {
        Some(&mut self.meta)
    }
}
