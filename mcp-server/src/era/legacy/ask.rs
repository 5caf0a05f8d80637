//! Asking the client of a legacy session: a request of the server (P-23, T-139, HL-17).
//!
//! The surprising thing: what goes wrong here is told to the language model and not to the client. The client sent a
//! good call; that it cannot be asked is no fault of that.

use std::sync::Arc;

use mcp_transport::era::legacy::{AskError as Unanswered, Session};
use mcp_types::{
    ElicitAction, ElicitRequestParams, ElicitResult, Features, InputRequest, MissingRequiredClientCapabilityError,
    Project, RawJson, RpcError,
};

use crate::ask::AskError;
use crate::context::Cx;
use crate::random;

/// Sends a question on the stream of the call and waits for its answer.
///
/// # Errors
///
/// Fails when the client refuses, when it does not answer within `request_total`, and when nobody is there.
pub(crate) async fn ask(cx: &Cx, session: &Arc<Session>, request: InputRequest) -> Result<RawJson, AskError> {
    let method = request.method();
    let features = session.revision().features();
    let request = with_id(request, features)?;
    if let InputRequest::Elicit(params) = &request
        && let ElicitRequestParams::Url(url) = &**params
        && let Some(id) = url.elicitation_id.as_ref().filter(|_| features.has(Features::ELICITATION_ID))
    {
        cx.core().changes.visit(id, session);
    }
    let params = params(request, features)?;
    let notifier = cx.notifier().ok_or(AskError::Ended)?;
    let patience = cx.core().limits().request_total;
    let _pause = cx.asking().pause();
    match tokio::time::timeout(patience, session.ask(&notifier, method, &params)).await {
        Ok(Ok(answer)) => Ok(answer),
        // An elicitation that fails is one that the user did not answer (P-23).
        Ok(Err(Unanswered::Refused(_))) if method == "elicitation/create" => {
            RawJson::encode(&ElicitResult::new(ElicitAction::Cancel)).map_err(|_| AskError::Cancelled)
        }
        Ok(Err(Unanswered::Refused(error))) => Err(AskError::Failed(error)),
        Ok(Err(_)) => Err(AskError::Ended),
        Err(_) => Err(AskError::TimedOut(patience)),
    }
}

/// Turns the refusal of a question into what a legacy client can be told of it.
pub(crate) fn unasked(error: RpcError) -> AskError {
    match MissingRequiredClientCapabilityError::from_error(&error) {
        Some(lacking) => AskError::Undeclared(Box::new(lacking.required_capabilities)),
        None => AskError::Refused(error),
    }
}

/// Gives a visit to a URL an id where the revision wants one (T-139).
fn with_id(mut request: InputRequest, features: Features) -> Result<InputRequest, AskError> {
    if let InputRequest::Elicit(params) = &mut request
        && let ElicitRequestParams::Url(url) = &mut **params
        && features.has(Features::ELICITATION_ID)
        && url.elicitation_id.is_none()
    {
        url.elicitation_id = Some(random::id().map_err(AskError::Refused)?);
    }
    Ok(request)
}

fn params(request: InputRequest, features: Features) -> Result<RawJson, AskError> {
    let encoded = match request {
        InputRequest::Elicit(mut params) => {
            params.project(features);
            RawJson::encode(&params)
        }
        InputRequest::CreateMessage(mut params) => {
            params.project(features);
            RawJson::encode(&params)
        }
        InputRequest::ListRoots(Some(mut params)) => {
            params.project(features);
            RawJson::encode(&params)
        }
        _ => Ok(RawJson::empty_object()),
    };
    encoded.map_err(|error| AskError::Refused(RpcError::internal(format!("the question cannot be encoded: {error}"))))
}
