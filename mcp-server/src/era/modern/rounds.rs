//! The rounds of a modern request (P-10 to P-17): what it brings of earlier ones, and what it is answered to ask.
//!
//! The surprising thing: who asks is part of the seal, so a state is of no use to whoever overhears it.

use mcp_transport::Call;
use mcp_types::{InputRequiredResult, MissingRequiredClientCapabilityError, Params, RpcError};

use crate::context::Cx;
use crate::input::{Answers, Binding};
use crate::service::Core;
use crate::task::since_1970;

/// Reads what a request brings of earlier rounds.
///
/// # Errors
///
/// Refuses a state that is not of this request, and answers that are none (P-15, P-16).
pub(crate) fn answers(core: &Core, call: &Call) -> Result<Option<Answers>, RpcError> {
    let request = &call.request;
    Answers::receive(&request.params, |state| {
        let binding = Binding::new(&request.method, &request.params, core.principal(&call.caller).as_deref());
        core.sealer.open(state, &binding, since_1970(core.now()))
    })
}

/// Makes the result that asks what the handler asked.
///
/// # Errors
///
/// Fails when what is kept is too large to travel.
pub(crate) fn asks(cx: &Cx) -> Result<InputRequiredResult, RpcError> {
    let core = cx.core();
    let asks = cx
        .asking()
        .take()
        .into_result(|record| core.sealer.seal(record, &binding(cx, cx.params()), since_1970(core.now())))?;
    asks.ok_or_else(|| RpcError::internal("the handler waits for an answer to nothing"))
}

/// Seals the state of a result that the handler made itself, when the client can be asked all of it (P-11).
///
/// # Errors
///
/// Names what the client does not declare (−32021).
pub(crate) fn required(cx: &Cx, required: InputRequiredResult) -> Result<InputRequiredResult, RpcError> {
    let core = cx.core();
    let requests = required.input_requests.iter().flat_map(|requests| requests.iter());
    for (_, request) in requests {
        if let Some(lacking) = request.lacking(&cx.capabilities(), cx.features()) {
            return Err(MissingRequiredClientCapabilityError::new(lacking).into());
        }
    }
    cx.asking()
        .take()
        .seal_own(required, |record| core.sealer.seal(record, &binding(cx, cx.params()), since_1970(core.now())))
}

fn binding(cx: &Cx, params: &Params) -> Binding {
    Binding::new(cx.method(), params, cx.core().principal(cx.caller()).as_deref())
}
