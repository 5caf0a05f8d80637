//! The tool loop: a model's replies in, calls out; results in, the next request out.
//!
//! One [`Turn`] goes from a request to the model's final answer. It is pure: it knows neither a network nor a clock.
//!
//! ```text
//!        ┌──────────── Ask ◄──────────────┐
//!        ▼                                │ all calls are answered
//!   next_request ─► model ─► handle_model ┼─► Call ─────► handle_results
//!                                         ├─► HandBack ─► handle_results
//!                                         └─► Done, OutOfRounds
//! ```
//!
//! The surprising thing: whatever happens, every call of the model is answered exactly once, in the order of the calls,
//! before anything else is said. A provider refuses a conversation in which that is not so, for ever.

mod choice;
mod round;

use std::collections::BTreeSet;
use std::sync::Arc;

use mcp_types::RawJson;

use crate::chat::{Completion, Message, Request, Usage};
use crate::content;
use crate::error::{Error, Misuse};
use crate::tools::ToolSet;

use round::Round;
pub use round::{Call, CallIndex, ClientCall, Failure, Outcome, Refusal, Rejected};

/// How a loop ends and how results are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Replies with calls that are followed. Default 10.
    pub max_rounds: u32,
    /// What happens after the last of them. Default [`Exhausted::Answer`].
    pub exhausted: Exhausted,
    /// How results are rendered.
    pub content: content::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_rounds: 10, exhausted: Exhausted::default(), content: content::Options::default() }
    }
}

/// What happens when a loop has used all its rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exhausted {
    /// The model is asked once more, and may not call tools.
    #[default]
    Answer,
    /// The loop stops.
    Stop,
}

/// What is to be done next.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub enum Step {
    /// Send [`Turn::next_request`] to the model, and its reply to [`Turn::handle_model`].
    Ask,
    /// Make these calls, in any order, and give each outcome to [`Turn::handle_results`].
    Call(Vec<Call>),
    /// The model has finished.
    Done(Final),
    /// These calls are for functions of the request's own; their author answers them, through [`Turn::handle_results`].
    HandBack(Vec<ClientCall>),
    /// The model wants to call more tools than it may. The conversation is complete: every call is answered.
    OutOfRounds(Final),
}

/// The end of a loop.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Final {
    /// The last message of the model.
    pub message: Message,
    /// Why the model stopped, in the words of the provider.
    pub finish_reason: Option<String>,
    /// Replies with calls that were followed.
    pub rounds: u32,
    /// Tokens of all replies together.
    pub usage: Usage,
}

impl Final {
    /// Returns the text of the last message.
    pub fn text(&self) -> String {
        self.message.text()
    }
}

/// One turn of a conversation: from a request to the model's final answer.
#[derive(Clone, Debug)]
pub struct Turn {
    tools: Arc<ToolSet>,
    options: Options,
    /// What the caller asked for, with the messages that came since.
    request: Request,
    /// The names of the request's own functions.
    own: BTreeSet<String>,
    rounds: u32,
    usage: Usage,
    state: State,
    /// The calls of the last reply that were not made.
    rejected: Vec<Rejected>,
}

#[derive(Clone, Debug)]
enum State {
    Model,
    Results(Round),
    Ended(Step),
}

impl Turn {
    /// Starts a turn. `tools` are offered beside the tools that `request` has of its own.
    ///
    /// Build the tool set with the names of those [reserved](crate::tools::Builder::reserve): of two equal names, the
    /// request's own wins.
    pub fn new(request: Request, tools: Arc<ToolSet>, options: Options) -> Self {
        let own = request.tool_names().into_iter().collect();
        let (state, rejected) = (State::Model, Vec::new());
        Self { tools, options, request, own, rounds: 0, usage: Usage::default(), state, rejected }
    }

    /// Returns what is to be done next.
    pub fn step(&self) -> Step {
        match &self.state {
            State::Model => Step::Ask,
            State::Results(round) => round.step(),
            State::Ended(step) => step.clone(),
        }
    }

    /// Returns the next request for the model.
    pub fn next_request(&self) -> Request {
        let mut request = self.request.clone();
        request.tools.extend(self.tools.chat());
        if request.tools.is_empty() {
            // A choice without tools is refused.
            request.tool_choice = None;
        } else if self.is_last_request() {
            request.tool_choice = Some(RawJson::from(serde_json::Value::from("none")));
        } else if self.rounds > 0 {
            // A choice that forces a call would force another one, and so for ever.
            request.tool_choice = request.tool_choice.as_ref().map(choice::released);
        }
        request
    }

    /// Takes a reply of the model.
    ///
    /// Calls that cannot be made are answered at once: of a tool that does not exist, or with arguments that are broken
    /// or do not follow the tool's schema. Nothing is run for them, and [`rejected`](Self::rejected) has them.
    ///
    /// # Errors
    ///
    /// Fails when no reply is waited for, or when the reply has no message. Neither changes the turn.
    pub fn handle_model(&mut self, reply: Completion) -> Result<Step, Error> {
        if !matches!(self.state, State::Model) {
            return Err(Misuse::NoReplyExpected.into());
        }
        let mut choice = reply.choices.into_iter().next().ok_or(Error::NoChoice)?;
        if let Some(usage) = &reply.usage {
            self.usage.add(usage);
        }
        round::make_ids_unique(&mut choice.message.tool_calls, self.rounds);
        self.request.messages.push(choice.message.clone());
        let calls = std::mem::take(&mut choice.message.tool_calls);
        let is_over = self.is_last_request();
        self.rejected.clear();
        let end = |turn: &Self, calls| Final {
            message: Message { tool_calls: calls, ..choice.message.clone() },
            finish_reason: choice.finish_reason.clone(),
            rounds: turn.rounds,
            usage: turn.usage.clone(),
        };
        if calls.is_empty() {
            self.state = State::Ended(Step::Done(end(self, calls)));
        } else if is_over {
            let why = Refusal::OutOfRounds { limit: self.options.max_rounds };
            let answers = calls.iter().map(|call| Message::tool(&call.id, self.failed(&why)));
            let answers: Vec<Message> = answers.collect();
            self.request.messages.extend(answers);
            let rejected = calls.iter().map(|call| Rejected::new(call, why.clone()));
            self.rejected = rejected.collect();
            self.state = State::Ended(Step::OutOfRounds(end(self, calls)));
        } else {
            self.rounds += 1;
            let (round, rejected) = Round::new(calls, &self.tools, &self.own, |why| self.failed(why));
            self.rejected = rejected;
            self.state = State::Results(round);
            self.finish_round();
        }
        Ok(self.step())
    }

    /// Takes outcomes of calls, some or all of those that wait.
    ///
    /// # Errors
    ///
    /// Fails when a call does not wait for an outcome. The outcomes before it count, and those after it do not.
    pub fn handle_results(&mut self, results: impl IntoIterator<Item = (CallIndex, Outcome)>) -> Result<Step, Error> {
        for (index, outcome) in results {
            let rendered = outcome.render(&self.options.content);
            let State::Results(round) = &mut self.state else { return Err(Misuse::NoResultExpected.into()) };
            round.answer(index, rendered)?;
        }
        self.finish_round();
        Ok(self.step())
    }

    /// Answers all calls that wait: they were cancelled. The conversation is complete after that.
    pub fn handle_cancel(&mut self) -> Step {
        if let State::Results(round) = &mut self.state {
            let rendered = Outcome::Failed(Failure::Cancelled).render(&self.options.content);
            round.answer_all(&rendered);
        }
        self.finish_round();
        self.step()
    }

    /// Returns the calls of the last reply that were not made, in the order of the calls.
    ///
    /// The model was told already. This is for people who watch, and for logs.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// Returns the conversation so far.
    pub fn messages(&self) -> &[Message] {
        &self.request.messages
    }

    /// Returns the conversation, to be continued with another request.
    pub fn into_messages(self) -> Vec<Message> {
        self.request.messages
    }

    /// Returns the tokens of all replies together.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Returns the number of replies with calls that were followed.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    fn is_last_request(&self) -> bool {
        self.rounds >= self.options.max_rounds
    }

    fn failed(&self, why: &Refusal) -> String {
        format!("{}{why}", self.options.content.error_prefix)
    }

    /// Adds the answers to the conversation when there is one for every call.
    fn finish_round(&mut self) {
        let State::Results(round) = &self.state else { return };
        let Some(messages) = round.messages() else { return };
        let calls = self.request.messages.last().cloned();
        self.request.messages.extend(messages);
        self.state = match calls {
            Some(message) if self.is_last_request() && self.options.exhausted == Exhausted::Stop => {
                State::Ended(Step::OutOfRounds(Final {
                    message,
                    finish_reason: None,
                    rounds: self.rounds,
                    usage: self.usage.clone(),
                }))
            }
            _ => State::Model,
        };
    }
}

#[cfg(test)]
mod tests;
