//! Calls of a model, and what comes of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_types::{CallToolResult, RawJson};

use super::api::{Api, Asked};
use super::chat::Chat;
use crate::arguments::Rejection;
use crate::content::{self, Draft};
use crate::tools::ToolRef;

/// The place of a call in its round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallIndex(pub(super) usize);

impl CallIndex {
    /// Returns the place among the calls of the reply, from 0.
    pub fn position(self) -> usize {
        self.0
    }
}

/// A call that is ready to be made: the tool exists and the arguments were accepted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The place, to be given back with the outcome.
    pub index: CallIndex,
    /// The id that the model gave it, or a new one if it gave none or one twice.
    pub id: String,
    /// The tool.
    pub tool: Arc<ToolRef>,
    /// The arguments, a JSON object in the model's own bytes.
    pub arguments: RawJson,
}

/// A call of a function that belongs to the author of the request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClientCall<A: Api = Chat> {
    /// The place, to be given back with the outcome.
    pub index: CallIndex,
    /// The call, as the model wrote it.
    pub call: A::Call,
}

/// A call that was not made. The model was told why, and nothing was run for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// The place of the call.
    pub index: CallIndex,
    /// The id of the call.
    pub id: String,
    /// The function that the model named; empty if it named none.
    pub name: String,
    /// Why it was not made.
    pub why: Refusal,
}

impl Rejected {
    pub(super) fn new(index: CallIndex, asked: Asked, why: Refusal) -> Self {
        Self { index, id: asked.id, name: asked.name.unwrap_or_default(), why }
    }
}

/// Why a call was not made. Its text is written for the model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The arguments are broken or do not follow the schema of the tool.
    Arguments(Rejection),
    /// A rule of the [`Policy`](super::approval::Policy) forbids the call.
    Forbidden {
        /// The reason of the rule.
        reason: String,
    },
    /// The model used all its rounds.
    OutOfRounds {
        /// How many those are.
        limit: u32,
    },
    /// The reply has more calls than are made.
    TooMany {
        /// How many those are.
        limit: usize,
    },
    /// No tool has that name, or the call has no name.
    Unknown {
        /// What there is instead.
        reason: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(rejection) => rejection.fmt(f),
            Self::Forbidden { reason } => write!(f, "denied by policy, and nothing was run: {reason}"),
            Self::OutOfRounds { limit } => {
                let rounds = if *limit == 1 { "round" } else { "rounds" };
                write!(f, "not run: the limit of {limit} {rounds} of tool calls is reached")
            }
            Self::TooMany { limit } => {
                write!(f, "not run: at most {limit} calls are made at once; make this one later")
            }
            Self::Unknown { reason } => f.write_str(reason),
        }
    }
}

impl std::error::Error for Refusal {}

/// What came of a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The call could not be made, or had no result.
    Failed(Failure),
    /// The server's result, also one with `isError`.
    Result(CallToolResult),
    /// A text, for a function of the request's own; it is shown as it is.
    Text(String),
}

impl Outcome {
    pub(super) fn draft(&self, options: &content::Options) -> Draft {
        match self {
            Self::Failed(failure) => Draft::failure(failure.to_string(), options),
            Self::Result(result) => Draft::result(result, options),
            Self::Text(text) => Draft::text(text),
        }
    }
}

/// Why a call has no result. Its text is written for the model and begins with the kind of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The turn was cancelled.
    Cancelled,
    /// Somebody did not approve the call.
    Denied {
        /// Why not.
        reason: String,
    },
    /// The program that makes the calls failed.
    Panicked,
    /// The server refused the call with a JSON-RPC error.
    Protocol {
        /// Its code.
        code: i64,
        /// Its message.
        message: String,
    },
    /// The call took too long.
    TimedOut {
        /// After how long it was given up.
        after: Duration,
    },
    /// The server could not be reached, or did not answer as it should.
    Transport {
        /// What happened.
        message: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled: the call was cancelled before it had a result"),
            Self::Denied { reason } => write!(f, "denied by user: {reason}"),
            Self::Panicked => f.write_str("internal_error: the call failed inside the program that makes it"),
            Self::Protocol { code, message } => write!(f, "mcp_protocol_error {code}: {message}"),
            Self::TimedOut { after } => {
                write!(f, "timeout: the tool gave no result within {} seconds", after.as_secs_f64())
            }
            Self::Transport { message } => write!(f, "http_error: {message}"),
        }
    }
}

impl std::error::Error for Failure {}
