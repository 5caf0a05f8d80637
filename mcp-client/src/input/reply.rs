//! Whether what a program answers is what was asked (P-16, T-42, T-133 to T-135).
//!
//! The surprising thing: the defaults of a form are filled in as well, so that a hook which only agrees sends a whole answer.

use std::error::Error;
use std::fmt;

use mcp_types::{
    CreateMessageResult, ElicitRequestParams, ElicitResult, Features, FormFault, InputRequest, ListRootsResult,
    Project, RawJson, SamplingMessageContentBlock,
};

/// What a program answers to a question.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub(crate) enum Reply {
    /// To `elicitation/create`.
    Elicit(ElicitResult),
    /// To `sampling/createMessage`.
    CreateMessage(CreateMessageResult),
    /// To `roots/list`.
    ListRoots(ListRootsResult),
}

impl Project for Reply {
    fn project(&mut self, features: Features) {
        match self {
            Self::Elicit(answer) => answer.project(features),
            Self::CreateMessage(answer) => answer.project(features),
            Self::ListRoots(answer) => answer.project(features),
        }
    }
}

/// Why an answer is not sent. The program may answer again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub(crate) enum WrongReply {
    /// The form is not filled in as it must be; every fault is listed.
    Form(Vec<FormFault>),
    /// It answers another kind of question.
    Kind {
        /// The method that asks.
        asked: &'static str,
    },
    /// It breaks another rule.
    Unfit(String),
}

/// Brings an answer into the form that the question allows, and encodes it.
///
/// # Errors
///
/// Says what is wrong with the answer.
pub(crate) fn settle(question: &InputRequest, reply: Reply) -> Result<RawJson, WrongReply> {
    match (question, reply) {
        (InputRequest::Elicit(params), Reply::Elicit(answer)) => elicit(params, answer),
        (InputRequest::CreateMessage(params), Reply::CreateMessage(mut answer)) => {
            let is_call =
                |block: &SamplingMessageContentBlock| matches!(block, SamplingMessageContentBlock::ToolUse(_));
            if params.tools.is_none() && answer.content.blocks().iter().any(is_call) {
                return Err(WrongReply::Unfit("the model calls a tool, and it was given none".to_owned()));
            }
            answer.meta = None;
            encode(&answer)
        }
        (InputRequest::ListRoots(_), Reply::ListRoots(mut answer)) => {
            if let Some(root) = answer.roots.iter().find(|root| !root.uri.starts_with("file://")) {
                return Err(WrongReply::Unfit(format!("a root is a file:// URI, not {:?}", root.uri)));
            }
            answer.meta = None;
            encode(&answer)
        }
        (question, _) => Err(WrongReply::Kind { asked: question.method() }),
    }
}

fn elicit(question: &ElicitRequestParams, mut answer: ElicitResult) -> Result<RawJson, WrongReply> {
    let faults = question.settle(&mut answer);
    if !faults.is_empty() {
        return Err(WrongReply::Form(faults));
    }
    // An answer is a bare value and no result (T-42).
    answer.meta = None;
    encode(&answer)
}

fn encode(answer: &impl serde::Serialize) -> Result<RawJson, WrongReply> {
    RawJson::encode(answer).map_err(|error| WrongReply::Unfit(error.to_string()))
}

impl fmt::Display for WrongReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(faults) => {
                f.write_str("the form is not filled in as the server asks")?;
                faults.iter().try_for_each(|fault| write!(f, "; {fault}"))
            }
            Self::Kind { asked } => write!(f, "the server asks by `{asked}`, and the answer is to something else"),
            Self::Unfit(why) => f.write_str(why),
        }
    }
}

impl Error for WrongReply {}
