//! Whether a server may ask what it asks (P-11, T-121, T-122, T-132, T-137, T-138).
//!
//! The surprising thing: a question that breaks the rules is refused before anybody is bothered with it. Hooks see only
//! what they can answer.

use std::error::Error;
use std::fmt;

use mcp_types::{
    ClientCapabilities, ElicitRequestParams, Features, InputRequest, RequestedSchema, RpcError, check_tool_turns,
};

/// Why a question is not put to anybody.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub(crate) enum QuestionFault {
    /// It cannot be answered as it is.
    Malformed {
        /// The method that asks.
        method: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The client did not declare that it can be asked this.
    Undeclared {
        /// The method that asks.
        method: &'static str,
        /// What it would have had to declare.
        lacking: Box<ClientCapabilities>,
    },
}

/// Checks a question of a server; `features` are those of the revision that is spoken.
///
/// # Errors
///
/// Refuses what the client did not declare and what cannot be answered.
pub(crate) fn check(
    question: &InputRequest,
    declared: &ClientCapabilities,
    features: Features,
) -> Result<(), QuestionFault> {
    let method = question.method();
    if let Some(lacking) = question.lacking(declared, features) {
        return Err(QuestionFault::Undeclared { method, lacking: Box::new(lacking) });
    }
    let sound = match question {
        InputRequest::Elicit(params) => check_elicitation(params),
        InputRequest::CreateMessage(params) => check_tool_turns(&params.messages).map_err(|error| error.to_string()),
        _ => Ok(()),
    };
    sound.map_err(|why| QuestionFault::Malformed { method, why })
}

fn check_elicitation(params: &ElicitRequestParams) -> Result<(), String> {
    match params {
        ElicitRequestParams::Form(form) => {
            let schema = form.requested_schema.decode::<RequestedSchema>();
            schema.map(drop).map_err(|error| format!("`requestedSchema` is not a form: {error}"))
        }
        ElicitRequestParams::Url(url) if is_for_a_browser(&url.url) => Ok(()),
        ElicitRequestParams::Url(_) => Err("`url` must be an https:// or http:// URL without spaces".to_owned()),
        _ => Ok(()),
    }
}

/// Whether a browser would show a page: whatever else a URL can do, no server may ask a user for (T-137).
fn is_for_a_browser(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let has_host = !rest.starts_with(['/', '?', '#', '\\', ':', '@']) && !rest.is_empty();
    is_web && has_host && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
}

impl QuestionFault {
    /// Returns the answer to a legacy request that asks it (T-138, T-140).
    pub(crate) fn to_rpc(&self) -> RpcError {
        match self {
            Self::Undeclared { method, lacking } => match (&lacking.elicitation, &lacking.sampling) {
                // The method is there, the mode is not.
                (Some(elicitation), _) if elicitation.form.is_some() || elicitation.url.is_some() => {
                    RpcError::invalid_params(self.to_string())
                }
                (_, Some(sampling)) if sampling.tools.is_some() => RpcError::invalid_params(self.to_string()),
                _ => RpcError::method_not_found(method),
            },
            Self::Malformed { .. } => RpcError::invalid_params(self.to_string()),
        }
    }
}

impl fmt::Display for QuestionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { method, why } => write!(f, "the server asks by `{method}` what nobody can answer: {why}"),
            Self::Undeclared { method, lacking } => {
                let lacking = serde_json::to_string(lacking).unwrap_or_default();
                write!(f, "the server asks by `{method}`, for which this client did not declare {lacking}")
            }
        }
    }
}

impl Error for QuestionFault {}
