//! Why a question to the client has no answer, and who is told of it (P-23).
//!
//! The surprising thing: what ends the call depends on the era. A modern request that lacks a capability is answered
//! with an error that names it (−32021); on a legacy session the language model is told, because the client cannot
//! repeat the call with more.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use mcp_types::{ClientCapabilities, RawJson, RpcError};

/// Why a question to the client has no answer.
///
/// A handler passes it on with `?`: it becomes the answer that the era has for it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AskError {
    /// The user closed the question without an answer.
    Cancelled,
    /// The user said no.
    Declined,
    /// The call, the session or the task is over; nobody is there to be asked.
    Ended,
    /// The client answered with an error; legacy sessions and tasks only.
    Failed(RpcError),
    /// The client answered something else than was asked; legacy sessions and tasks only.
    Misfit(RpcError),
    /// The call is to be answered with this error: the client must declare more (−32021), it answered something else
    /// than was asked (−32602), or the handler asks wrongly (−32603).
    Refused(RpcError),
    /// No answer came in time.
    TimedOut(Duration),
    /// A handler that asks by results of its own asked in so many rounds and needs more; legacy sessions and tasks only.
    TooManyRounds(usize),
    /// The client of a legacy session did not declare what the question needs, or its revision does not have it.
    Undeclared(Box<ClientCapabilities>),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the user closed the question without an answer"),
            Self::Declined => f.write_str("the user declined to answer"),
            Self::Ended => f.write_str("the client cannot be asked any more"),
            Self::Failed(error) => write!(f, "the client could not answer: {}", error.message),
            Self::Misfit(error) | Self::Refused(error) => f.write_str(&error.message),
            Self::TimedOut(time) => write!(f, "the client did not answer within {time:?}"),
            Self::TooManyRounds(most) => write!(f, "the client was asked in {most} rounds and is needed for more"),
            Self::Undeclared(lacking) => {
                let lacking = RawJson::encode(&**lacking).unwrap_or_else(|_| RawJson::empty_object());
                write!(f, "this needs a client that can be asked, with the capabilities {}", lacking.as_str())
            }
        }
    }
}

impl StdError for AskError {}

impl From<AskError> for RpcError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Refused(error) => error,
            AskError::Undeclared(_) => Self::invalid_params(error.to_string()),
            _ => Self::internal(error.to_string()),
        }
    }
}

/// Finds the error that the call is to be answered with, however deep another error wraps it.
pub(crate) fn refusal(error: &(dyn StdError + 'static)) -> Option<RpcError> {
    match unanswered(error) {
        Some(AskError::Refused(refusal)) => Some(refusal.clone()),
        _ => None,
    }
}

/// Finds the same where nobody but the client can be told.
pub(crate) fn told_to_client(error: &(dyn StdError + 'static)) -> Option<RpcError> {
    unanswered(error).cloned().map(RpcError::from)
}

fn unanswered<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e AskError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
