//! The tool loop: a model's replies in, calls out; results in, the next request out.
//!
//! One [`Turn`] goes from a request to the model's final answer, over either [`Api`]. It is pure: it knows neither a
//! network nor a clock.
//!
//! ```text
//!        ┌──────────── Ask ◄──────────────┐
//!        ▼                                │ all calls are answered
//!   next_request ─► model ─► handle_model ┼─► Call ─────► handle_results
//!                                         ├─► Approve ──► handle_approvals
//!                                         ├─► HandBack ─► handle_results, handle_items
//!                                         └─► Done, OutOfRounds
//! ```
//!
//! The surprising thing: whatever happens, every call of the model is answered exactly once, in the order of the calls,
//! before anything else is said. A provider refuses a conversation in which that is not so, for ever.

mod api;
pub mod approval;
mod call;
mod chat;
mod choice;
mod responses;
mod round;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::chat::{Message, Usage};
use crate::content::{self, Ledger, Rendered};
use crate::error::{Error, Misuse};
use crate::tools::{Emit, Selection, TOOL_LIMIT, ToolSet};

pub use api::{Api, ApiRequest};
use api::{Choice, Memory, Offer, Open};
use approval::{Approval, Policy};
pub use call::{Call, CallIndex, ClientCall, Failure, Outcome, Refusal, Rejected};
pub use chat::Chat;
pub use responses::Responses;
use round::{Judge, Round};

/// How a loop ends and how results are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Replies with calls that are followed. Default 10.
    pub max_rounds: u32,
    /// What happens after the last of them. Default [`Exhausted::Answer`].
    pub exhausted: Exhausted,
    /// Which calls need an approval. Default [`Policy::allow`]: every call is made.
    pub approval: Policy,
    /// How results are rendered.
    pub content: content::Options,
    /// What is said about tools to an API that can take more than the usual.
    pub emit: Emit,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_rounds: 10,
            exhausted: Exhausted::default(),
            approval: Policy::default(),
            content: content::Options::default(),
            emit: Emit::default(),
        }
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
pub enum Step<A: Api = Chat> {
    /// Ask somebody whether these calls may be made, and give each answer to [`Turn::handle_approvals`].
    Approve(Vec<Call>),
    /// Send [`Turn::next_request`] to the model, and its reply to [`Turn::handle_model`].
    Ask,
    /// Make these calls, in any order, and give each outcome to [`Turn::handle_results`].
    Call(Vec<Call>),
    /// The model has finished.
    Done(Final<A>),
    /// These calls are for functions of the request's own; their author answers them, through [`Turn::handle_results`].
    HandBack(Vec<ClientCall<A>>),
    /// The model wants to call more tools than it may. The conversation is complete: every call is answered.
    OutOfRounds(Final<A>),
}

/// The end of a loop.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Final<A: Api = Chat> {
    /// The last reply of the model.
    pub reply: A::Reply,
    /// Why the model stopped, in the words of the provider.
    pub finish_reason: Option<String>,
    /// Replies with calls that were followed.
    pub rounds: u32,
    /// Tokens of all replies together.
    pub usage: Usage,
}

impl<A: Api> Final<A> {
    /// Returns the text of the last reply.
    pub fn text(&self) -> String {
        A::text(&self.reply)
    }
}

impl Final<Chat> {
    /// Returns the last message of the model. Only a reply that somebody else made has none.
    pub fn message(&self) -> Option<&Message> {
        self.reply.choices.first().map(|choice| &choice.message)
    }
}

/// One turn of a conversation: from a request to the model's final answer.
#[derive(Clone, Debug)]
pub struct Turn<A: Api = Chat> {
    tools: Arc<ToolSet>,
    options: Options,
    /// What the caller asked for, with the conversation that came since.
    request: A::Request,
    /// The names of the request's own functions.
    own: BTreeSet<String>,
    rounds: u32,
    usage: Usage,
    state: State<A>,
    /// The calls of the last reply that were not made.
    rejected: Vec<Rejected>,
    /// The last reply.
    last: Option<(A::Reply, Option<String>)>,
    memory: Option<Memory>,
    /// What results may still cost.
    ledger: Ledger,
    /// The name of the function that reads on in results.
    reader: String,
}

#[derive(Clone, Debug)]
enum State<A: Api> {
    Model,
    Results(Round<A>),
    Ended(Step<A>),
}

impl<A: Api> Turn<A> {
    /// Starts a turn. `tools` are offered beside the tools that `request` has of its own.
    ///
    /// Build the tool set with the names of those [reserved](crate::tools::Builder::reserve): of two equal names the
    /// request's own wins, and the other tool is not offered. When they are more than a request can take, those are offered
    /// that fit the conversation, unless the set was built with a [selection](crate::tools::Builder::selection).
    pub fn new<R>(request: R, tools: Arc<ToolSet>, options: Options) -> Self
    where
        A: Api<Request = R>,
        R: ApiRequest<Api = A>,
    {
        let own: BTreeSet<String> = A::own_names(&request).into_iter().collect();
        let tools = offered(tools, &own, || A::said(&request));
        let reader = content::reader_name(|name| own.contains(name) || tools.resolve(name).is_some());
        Self {
            tools,
            ledger: Ledger::new(&options.content),
            reader,
            options,
            request,
            own,
            rounds: 0,
            usage: Usage::default(),
            state: State::Model,
            rejected: Vec::new(),
            last: None,
            memory: None,
        }
    }

    /// Goes on with a conversation whose last reply has calls that are not all answered: nobody needs to keep a turn
    /// between two requests.
    ///
    /// Answers that stand in the conversation count; the other calls are sorted as those of a new reply, and the round
    /// they belong to is counted. Without open calls this is the same as [`new`](Self::new).
    pub fn resume<R>(mut request: R, tools: Arc<ToolSet>, options: Options) -> Self
    where
        A: Api<Request = R>,
        R: ApiRequest<Api = A>,
    {
        let open = A::take_open(&mut request);
        let mut turn = Self::new(request, tools, options);
        if !open.calls.is_empty() {
            turn.start_round(open);
        }
        turn
    }

    /// Returns what is to be done next.
    pub fn step(&self) -> Step<A> {
        match &self.state {
            State::Model => Step::Ask,
            State::Results(round) => round.step(),
            State::Ended(step) => step.clone(),
        }
    }

    /// Returns the next request for the model.
    pub fn next_request(&self) -> A::Request {
        let choice = match self.rounds {
            _ if self.is_last_request() => Choice::Nothing,
            0 => Choice::Asked,
            // A choice that forces a call would force another one, and so for ever.
            _ => Choice::Released,
        };
        let reader = self.ledger.has_cut().then_some(self.reader.as_str());
        let (emit, memory) = (self.options.emit, self.memory.as_ref());
        let offer = Offer { tools: &self.tools, emit, reader, choice, memory };
        A::next_request(&self.request, &offer)
    }

    /// Takes a reply of the model.
    ///
    /// Calls that cannot be made are answered at once: of a tool that does not exist, or with arguments that are broken
    /// or do not follow the tool's schema. Nothing is run for them, and [`rejected`](Self::rejected) has them.
    ///
    /// # Errors
    ///
    /// Fails when no reply is waited for, or when the reply has no message. Neither changes the turn.
    pub fn handle_model(&mut self, mut reply: A::Reply) -> Result<Step<A>, Error> {
        if !matches!(self.state, State::Model) {
            return Err(Misuse::NoReplyExpected.into());
        }
        if let Some(fault) = A::fault(&reply) {
            return Err(fault.into());
        }
        let said = A::read(&mut reply, self.rounds)?;
        if let Some(usage) = A::usage(&reply) {
            self.usage.add(usage);
        }
        A::extend(&mut self.request, said.items);
        self.memory = A::memory(&self.request, &reply);
        self.last = Some((reply, said.finish_reason));
        self.rejected.clear();
        if said.calls.is_empty() {
            self.state = State::Ended(self.end(Step::Done));
        } else if self.is_last_request() {
            self.refuse_all(&said.calls);
            self.state = State::Ended(self.end(Step::OutOfRounds));
        } else {
            self.start_round(Open {
                calls: said.calls.into_iter().map(|call| (call, None)).collect(),
                after: Vec::new(),
                is_cut: said.is_cut,
            });
        }
        Ok(self.step())
    }

    /// Takes outcomes of calls, some or all of those that wait.
    ///
    /// # Errors
    ///
    /// Fails when a call does not wait for an outcome. The outcomes before it count, and those after it do not.
    pub fn handle_results(
        &mut self,
        results: impl IntoIterator<Item = (CallIndex, Outcome)>,
    ) -> Result<Step<A>, Error> {
        for (index, outcome) in results {
            let draft = outcome.draft(&self.options.content);
            let State::Results(round) = &mut self.state else { return Err(Misuse::NoResultExpected.into()) };
            round.answer(index, draft)?;
        }
        self.finish_round();
        Ok(self.step())
    }

    /// Takes answers of the request's own functions in the form of the API, for what is no text: parts of a message, or
    /// the output of a tool of another kind.
    ///
    /// # Errors
    ///
    /// Fails when a call is not one that was handed back. The answers before it count, and those after it do not.
    pub fn handle_items(&mut self, items: impl IntoIterator<Item = (CallIndex, A::Item)>) -> Result<Step<A>, Error> {
        for (index, item) in items {
            let State::Results(round) = &mut self.state else { return Err(Misuse::NoResultExpected.into()) };
            round.keep(index, item)?;
        }
        self.finish_round();
        Ok(self.step())
    }

    /// Takes what somebody said about calls that wait for an approval, some or all of them.
    ///
    /// # Errors
    ///
    /// Fails when a call does not wait for an approval. The approvals before it count, and those after it do not.
    pub fn handle_approvals(
        &mut self,
        approvals: impl IntoIterator<Item = (CallIndex, Approval)>,
    ) -> Result<Step<A>, Error> {
        for (index, approval) in approvals {
            let State::Results(round) = &mut self.state else { return Err(Misuse::NoApprovalExpected.into()) };
            round.approve(index, approval, &self.options.content)?;
        }
        self.finish_round();
        Ok(self.step())
    }

    /// Answers all calls that wait: they were cancelled. The conversation is complete after that.
    pub fn handle_cancel(&mut self) -> Step<A> {
        if let State::Results(round) = &mut self.state {
            round.answer_all(&Outcome::Failed(Failure::Cancelled).draft(&self.options.content));
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

    /// Returns the ids of the calls of the last reply that have no answer yet, in the order of the calls.
    pub fn waiting(&self) -> Vec<String> {
        if let State::Results(round) = &self.state { round.waiting() } else { Vec::new() }
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

    fn end(&self, step: impl Fn(Final<A>) -> Step<A>) -> Step<A> {
        let Some((reply, finish_reason)) = self.last.clone() else { return Step::Ask };
        step(Final { reply, finish_reason, rounds: self.rounds, usage: self.usage.clone() })
    }

    fn refuse_all(&mut self, calls: &[A::Call]) {
        let why = Refusal::OutOfRounds { limit: self.options.max_rounds };
        let rendered = Rendered::text_only(format!("{}{why}", self.options.content.error_prefix));
        A::extend(&mut self.request, calls.iter().map(|call| A::answer(call, &rendered)).collect());
        let rejected = calls.iter().map(A::asked).enumerate();
        let rejected = rejected.map(|(index, asked)| Rejected::new(CallIndex(index), asked, why.clone()));
        self.rejected = rejected.collect();
    }

    fn start_round(&mut self, open: Open<A>) {
        self.rounds += 1;
        let judge = Judge {
            tools: &self.tools,
            own: &self.own,
            policy: &self.options.approval,
            reader: &self.reader,
            content: &self.options.content,
        };
        let (round, rejected) = Round::new(open, &judge);
        self.rejected = rejected;
        self.state = State::Results(round);
        self.finish_round();
    }

    /// Ends the round when there is an answer to every call.
    fn finish_round(&mut self) {
        if !matches!(&self.state, State::Results(round) if round.is_answered()) {
            return;
        }
        let State::Results(round) = std::mem::replace(&mut self.state, State::Model) else { return };
        self.keep(round);
        let is_over = self.is_last_request() && self.options.exhausted == Exhausted::Stop && self.last.is_some();
        if is_over {
            self.state = State::Ended(self.end(Step::OutOfRounds));
        }
    }

    /// Adds the answers of a round to the conversation.
    fn keep(&mut self, round: Round<A>) {
        let items = round.into_items(&mut self.ledger, &self.reader, &self.options.content);
        A::extend(&mut self.request, items);
    }

    fn into_conversation(mut self) -> Vec<A::Item> {
        if let State::Results(round) = std::mem::replace(&mut self.state, State::Model) {
            self.keep(round);
        }
        A::into_conversation(self.request)
    }
}

impl Turn<Chat> {
    /// Returns the conversation so far.
    pub fn messages(&self) -> &[Message] {
        Chat::conversation(&self.request)
    }

    /// Returns the conversation, to be continued with another request.
    ///
    /// When calls are still waiting, the answers that there are stand behind them, for [`Turn::resume`].
    pub fn into_messages(self) -> Vec<Message> {
        self.into_conversation()
    }
}

/// The tools that can stand beside the request's own, chosen by what was said when they are too many.
fn offered(tools: Arc<ToolSet>, own: &BTreeSet<String>, said: impl Fn() -> String) -> Arc<ToolSet> {
    let tools = if own.iter().any(|name| tools.resolve(name).is_some_and(|tool| tool.name() == name)) {
        Arc::new(tools.filter(|tool| !own.contains(tool.name())))
    } else {
        tools
    };
    if tools.is_chosen() || tools.len() + own.len() <= TOOL_LIMIT {
        return tools;
    }
    Arc::new(tools.select(&Selection::new().about(&said())))
}

#[cfg(test)]
mod tests;
