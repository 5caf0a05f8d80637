//! Handlers that return `InputRequiredResult` themselves, where a result cannot ask (P-20, P-23).
//!
//! The surprising thing: such a handler is a state machine of its own. What it asked is asked for it, and it is entered
//! again with the answers, as a modern client would do it.

use futures::stream::{FuturesUnordered, TryStreamExt as _};
use mcp_types::{InputRequest, InputRequiredResult, JsonObject, RawJson, RpcError};

use super::{AskError, misfit};
use crate::context::Cx;
use crate::era;
use crate::input::check;

/// Asks for everything that a result wants to know, at once, and makes the call ready for the next run of its handler.
///
/// # Errors
///
/// Fails when one of the questions cannot be asked or has no answer.
pub(crate) async fn answer_all(cx: &Cx, required: InputRequiredResult) -> Result<(), AskError> {
    let requests = required.input_requests.unwrap_or_default();
    if requests.is_empty() && required.request_state.is_none() {
        let why = "the handler asks the client for something, and for nothing in particular";
        return Err(AskError::Refused(RpcError::internal(why)));
    }
    let question = |(key, request)| Box::pin(async move { Ok::<_, AskError>((key, one(cx, key, request).await?)) });
    let mut questions: FuturesUnordered<_> = requests.iter().map(question).collect();
    let mut received = JsonObject::new();
    while let Some((key, answer)) = questions.try_next().await? {
        received.insert(key, answer);
    }
    cx.asking().answers().next_round(received, required.request_state);
    Ok(())
}

async fn one(cx: &Cx, key: &str, request: &InputRequest) -> Result<RawJson, AskError> {
    cx.may_ask(request)?;
    let answer = match (cx.asking().task().cloned(), cx.caller().session()) {
        (Some(task), _) => task.ask(cx, key, request.clone()).await?,
        (None, Some(session)) => era::ask(cx, session, request.clone()).await?,
        (None, None) => return Err(AskError::Ended),
    };
    check(request, &answer).map_err(|why| misfit(key, &why))?;
    Ok(answer)
}
