//! One round: the calls of one reply, each in a place that holds its answer in the end.
//!
//! A call is known by its place and not by its id, because some models use an id twice.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_types::{CallToolResult, RawJson};

use super::Step;
use crate::arguments::Rejection;
use crate::chat::{Message, ToolCall};
use crate::content::{self, Rendered};
use crate::error::Misuse;
use crate::tools::{ToolRef, ToolSet};

/// The place of a call in its round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallIndex(usize);

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
pub struct ClientCall {
    /// The place, to be given back with the outcome.
    pub index: CallIndex,
    /// The call, as the model wrote it.
    pub call: ToolCall,
}

/// A call that was not made. The model was told why, and nothing was run for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// The id of the call.
    pub id: String,
    /// The function that the model named; empty if it named none.
    pub name: String,
    /// Why it was not made.
    pub why: Refusal,
}

impl Rejected {
    pub(super) fn new(call: &ToolCall, why: Refusal) -> Self {
        Self { id: call.id.clone(), name: call.name().unwrap_or_default(), why }
    }
}

/// Why a call was not made. Its text is written for the model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The arguments are broken or do not follow the schema of the tool.
    Arguments(Rejection),
    /// The model used all its rounds.
    OutOfRounds {
        /// How many those are.
        limit: u32,
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
            Self::OutOfRounds { limit } => {
                let rounds = if *limit == 1 { "round" } else { "rounds" };
                write!(f, "not run: the limit of {limit} {rounds} of tool calls is reached")
            }
            Self::Unknown { reason } => f.write_str(reason),
        }
    }
}

impl std::error::Error for Refusal {}

/// What came of a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "outcomes are few and live shortly; a box would be in everybody's way")]
pub enum Outcome {
    /// The call could not be made, or had no result.
    Failed(Failure),
    /// The server's result, also one with `isError`.
    Result(CallToolResult),
    /// A text, for a function of the request's own; it is shown as it is.
    Text(String),
}

impl Outcome {
    pub(super) fn render(&self, options: &content::Options) -> Rendered {
        match self {
            Self::Failed(failure) => Rendered::text_only(format!("{}{failure}", options.error_prefix)),
            Self::Result(result) => content::render(result, options),
            Self::Text(text) => Rendered::text_only(text),
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

/// The calls of one reply.
#[derive(Clone, Debug)]
pub(super) struct Round {
    places: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    id: String,
    answer: Answer,
}

#[derive(Clone, Debug)]
enum Answer {
    /// The author of the request owes it.
    Client(ToolCall),
    Given(Rendered),
    /// A server owes it.
    Server {
        tool: Arc<ToolRef>,
        arguments: RawJson,
    },
}

impl Round {
    /// Sorts calls by who can answer them; `failed` makes the answer to one that nobody can, and those are returned.
    pub(super) fn new(
        calls: Vec<ToolCall>,
        tools: &ToolSet,
        own: &BTreeSet<String>,
        failed: impl Fn(&Refusal) -> String,
    ) -> (Self, Vec<Rejected>) {
        let mut rejected = Vec::new();
        let places = calls.into_iter().map(|call| {
            let answer = Answer::to(&call, tools, own).unwrap_or_else(|why| {
                let answer = Answer::Given(Rendered::text_only(failed(&why)));
                rejected.push(Rejected::new(&call, why));
                answer
            });
            Place { id: call.id, answer }
        });
        let round = Self { places: places.collect() };
        (round, rejected)
    }

    /// What is to be done: calls of servers come first, because the author of the request gets the rest of the turn.
    pub(super) fn step(&self) -> Step {
        let places = || self.places.iter().enumerate().map(|(index, place)| (CallIndex(index), place));
        let calls: Vec<Call> = places()
            .filter_map(|(index, place)| match &place.answer {
                Answer::Server { tool, arguments } => {
                    Some(Call { index, id: place.id.clone(), tool: Arc::clone(tool), arguments: arguments.clone() })
                }
                _ => None,
            })
            .collect();
        if !calls.is_empty() {
            return Step::Call(calls);
        }
        let client = places().filter_map(|(index, place)| match &place.answer {
            Answer::Client(call) => Some(ClientCall { index, call: call.clone() }),
            _ => None,
        });
        Step::HandBack(client.collect())
    }

    pub(super) fn answer(&mut self, index: CallIndex, rendered: Rendered) -> Result<(), Misuse> {
        match self.places.get_mut(index.0) {
            Some(place) if !matches!(place.answer, Answer::Given(_)) => {
                place.answer = Answer::Given(rendered);
                Ok(())
            }
            _ => Err(Misuse::NoResultExpected),
        }
    }

    pub(super) fn answer_all(&mut self, rendered: &Rendered) {
        for place in &mut self.places {
            if !matches!(place.answer, Answer::Given(_)) {
                place.answer = Answer::Given(rendered.clone());
            }
        }
    }

    /// The answers in the order of the calls and then the media; `None` while an answer is owed.
    pub(super) fn messages(&self) -> Option<Vec<Message>> {
        let answers: Option<Vec<(&str, &Rendered)>> = self
            .places
            .iter()
            .map(|place| match &place.answer {
                Answer::Given(rendered) => Some((place.id.as_str(), rendered)),
                _ => None,
            })
            .collect();
        let answers = answers?;
        let mut messages: Vec<Message> =
            answers.iter().map(|(id, rendered)| Message::tool(*id, rendered.text())).collect();
        messages.extend(content::media_message(answers));
        Some(messages)
    }
}

impl Answer {
    fn to(call: &ToolCall, tools: &ToolSet, own: &BTreeSet<String>) -> Result<Self, Refusal> {
        let unknown = |reason: String| Refusal::Unknown { reason };
        let Some(name) = call.name() else {
            return Err(unknown("the call names no function and nothing was run".to_owned()));
        };
        if own.contains(&name) {
            return Ok(Self::Client(call.clone()));
        }
        let (Some(function), Some(tool)) = (&call.function, tools.resolve(&name)) else {
            return Err(unknown(tools.unknown(&name)));
        };
        let arguments = tool.arguments(&function.arguments).map_err(Refusal::Arguments)?;
        Ok(Self::Server { tool: Arc::clone(tool), arguments })
    }
}

/// Gives a call without an id a new one, and also one whose id stands before it in the same reply.
pub(super) fn make_ids_unique(calls: &mut [ToolCall], round: u32) {
    let mut seen: HashSet<String> = calls.iter().map(|call| call.id.clone()).collect();
    let mut used = HashSet::new();
    for (index, call) in calls.iter_mut().enumerate() {
        if call.id.is_empty() || used.contains(&call.id) {
            let mut id = format!("call_{round}_{index}");
            while !seen.insert(id.clone()) {
                id.push('_');
            }
            call.id = id;
        }
        used.insert(call.id.clone());
    }
}
