//! One round: the calls of one reply, each in a place that holds its answer in the end.
//!
//! A call is known by its place and not by its id, because some models use an id twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use mcp_types::RawJson;

use super::Step;
use super::api::{Api, Asked, Open};
use super::approval::{Approval, Policy, Verdict};
use super::call::{Call, CallIndex, ClientCall, Failure, Refusal, Rejected};
use crate::arguments::{self, Fault};
use crate::chat::Arguments;
use crate::content::{self, Draft, Ledger, Rendered};
use crate::error::Misuse;
use crate::tools::{Resolved, ToolRef, ToolSet};

/// The calls of one reply.
#[derive(Clone, Debug)]
pub(super) struct Round<A: Api> {
    places: Vec<Place<A>>,
    /// What was said after the calls, in a conversation that is resumed.
    after: Vec<A::Item>,
}

#[derive(Clone, Debug)]
struct Place<A: Api> {
    id: String,
    call: A::Call,
    answer: Answer<A>,
}

#[derive(Clone, Debug)]
enum Answer<A: Api> {
    /// The author of the request owes it.
    Client,
    Given(Draft),
    /// It stood in the conversation already.
    Kept(A::Item),
    /// It is a page of a result that was cut.
    Page(Arguments),
    /// A server owes it.
    Server(Ready),
    /// A server would owe it if the call were approved.
    Waiting(Ready),
}

#[derive(Clone, Debug)]
struct Ready {
    tool: Arc<ToolRef>,
    arguments: RawJson,
}

/// What decides who answers a call.
pub(super) struct Judge<'a> {
    pub(super) tools: &'a ToolSet,
    /// The names of the request's own functions.
    pub(super) own: &'a BTreeSet<String>,
    pub(super) policy: &'a Policy,
    /// The function that reads on in results.
    pub(super) reader: &'a str,
    pub(super) content: &'a content::Options,
}

impl<A: Api> Round<A> {
    /// Sorts calls by who can answer them. Those that nobody can are answered, and returned.
    pub(super) fn new(open: Open<A>, judge: &Judge<'_>) -> (Self, Vec<Rejected>) {
        let (mut rejected, is_cut) = (Vec::new(), open.is_cut);
        let places = open.calls.into_iter().enumerate().map(|(index, (call, answer))| {
            let asked = A::asked(&call);
            let answer = match answer {
                Some(item) => Answer::Kept(item),
                None => judge.sort(&asked, index, is_cut).unwrap_or_else(|why| {
                    let answer = Answer::Given(Draft::failure(why.to_string(), judge.content));
                    rejected.push(Rejected::new(CallIndex(index), A::asked(&call), why));
                    answer
                }),
            };
            Place { id: asked.id, call, answer }
        });
        let round = Self { places: places.collect(), after: open.after };
        (round, rejected)
    }

    /// What is to be done: calls of servers come first, then those that somebody must approve, because the author of the
    /// request gets the rest of the turn.
    pub(super) fn step(&self) -> Step<A> {
        let calls = self.calls(|answer| if let Answer::Server(ready) = answer { Some(ready) } else { None });
        if !calls.is_empty() {
            return Step::Call(calls);
        }
        let calls = self.calls(|answer| if let Answer::Waiting(ready) = answer { Some(ready) } else { None });
        if !calls.is_empty() {
            return Step::Approve(calls);
        }
        let client = self.places.iter().enumerate().filter_map(|(index, place)| {
            let is_owed = matches!(place.answer, Answer::Client);
            is_owed.then(|| ClientCall { index: CallIndex(index), call: place.call.clone() })
        });
        Step::HandBack(client.collect())
    }

    fn calls(&self, wanted: impl Fn(&Answer<A>) -> Option<&Ready>) -> Vec<Call> {
        let calls = self.places.iter().enumerate().filter_map(|(index, place)| {
            let Ready { tool, arguments } = wanted(&place.answer)?.clone();
            Some(Call { index: CallIndex(index), id: place.id.clone(), tool, arguments })
        });
        calls.collect()
    }

    pub(super) fn answer(&mut self, index: CallIndex, draft: Draft) -> Result<(), Misuse> {
        match self.places.get_mut(index.0) {
            Some(place) if matches!(place.answer, Answer::Client | Answer::Server(_)) => {
                place.answer = Answer::Given(draft);
                Ok(())
            }
            _ => Err(Misuse::NoResultExpected),
        }
    }

    /// Takes an answer that is an item already, of the author of the request.
    pub(super) fn keep(&mut self, index: CallIndex, item: A::Item) -> Result<(), Misuse> {
        match self.places.get_mut(index.0) {
            Some(place) if matches!(place.answer, Answer::Client) => {
                place.answer = Answer::Kept(item);
                Ok(())
            }
            _ => Err(Misuse::NoResultExpected),
        }
    }

    pub(super) fn approve(
        &mut self,
        index: CallIndex,
        approval: Approval,
        options: &content::Options,
    ) -> Result<(), Misuse> {
        let Some(Place { answer, .. }) = self.places.get_mut(index.0) else { return Err(Misuse::NoApprovalExpected) };
        let Answer::Waiting(ready) = answer else { return Err(Misuse::NoApprovalExpected) };
        match approval {
            Approval::Allowed => *answer = Answer::Server(ready.clone()),
            Approval::Denied { reason } => {
                *answer = Answer::Given(Draft::failure(Failure::Denied { reason }.to_string(), options));
            }
            Approval::Later => {}
        }
        Ok(())
    }

    /// The ids of the calls that have no answer.
    pub(super) fn waiting(&self) -> Vec<String> {
        self.places.iter().filter(|place| !place.is_answered()).map(|place| place.id.clone()).collect()
    }

    pub(super) fn answer_all(&mut self, draft: &Draft) {
        for place in &mut self.places {
            if !place.is_answered() {
                place.answer = Answer::Given(draft.clone());
            }
        }
    }

    /// Whether there is an answer to every call.
    pub(super) fn is_answered(&self) -> bool {
        self.places.iter().all(Place::is_answered)
    }

    /// The answers that there are, in the order of the calls, and then what must follow them.
    pub(super) fn into_items(self, ledger: &mut Ledger, reader: &str, options: &content::Options) -> Vec<A::Item> {
        let mut items = Vec::new();
        let mut rendered: Vec<(String, Rendered)> = Vec::new();
        for place in self.places {
            let answer = match place.answer {
                Answer::Given(draft) => ledger.settle(draft, &place.id, reader, options),
                Answer::Page(arguments) => ledger.read(&arguments, options),
                Answer::Kept(item) => {
                    items.push(item);
                    continue;
                }
                Answer::Client | Answer::Server(_) | Answer::Waiting(_) => continue,
            };
            items.push(A::answer(&place.call, &answer));
            rendered.push((place.id, answer));
        }
        let rendered: Vec<(&str, &Rendered)> = rendered.iter().map(|(id, rendered)| (id.as_str(), rendered)).collect();
        items.extend(A::appendix(&rendered));
        items.extend(self.after);
        items
    }
}

impl<A: Api> Place<A> {
    fn is_answered(&self) -> bool {
        matches!(self.answer, Answer::Given(_) | Answer::Kept(_) | Answer::Page(_))
    }
}

impl Judge<'_> {
    fn sort<A: Api>(&self, asked: &Asked, index: usize, is_cut: bool) -> Result<Answer<A>, Refusal> {
        let unknown = |reason: String| Refusal::Unknown { reason };
        if index >= CALL_LIMIT {
            return Err(Refusal::TooMany { limit: CALL_LIMIT });
        }
        if asked.is_foreign {
            return Ok(Answer::Client);
        }
        let Some(name) = &asked.name else {
            return Err(unknown("the call names no function and nothing was run".to_owned()));
        };
        let is_ours = |space: &String| self.tools.resolve_in(space, name).is_some();
        if self.own.contains(name) && !asked.namespace.as_ref().is_some_and(is_ours) {
            return Ok(Answer::Client);
        }
        let Some(arguments) = &asked.arguments else {
            return Err(unknown(self.tools.unknown(name)));
        };
        if name == self.reader {
            return Ok(Answer::Page(arguments.clone()));
        }
        if is_cut && arguments::is_blank(arguments) {
            // No arguments mean an empty object, but these may have been lost with the rest of the reply.
            let got = "nothing, because the reply was cut off before its end";
            return Err(Refusal::Arguments(Fault::wrong("", "one JSON object", got).into()));
        }
        let resolved = match &asked.namespace {
            Some(namespace) => self.tools.resolve_call_in(namespace, name, arguments),
            None => self.tools.resolve_call(name, arguments),
        };
        let ready = match resolved {
            Resolved::Answer(text) => return Ok(Answer::Given(Draft::text(text))),
            Resolved::Refused(rejection) => return Err(Refusal::Arguments(rejection)),
            Resolved::Tool { tool, arguments } => Ready { tool, arguments },
            Resolved::Unknown(reason) => return Err(unknown(reason)),
        };
        match self.policy.verdict(&ready.tool) {
            Verdict::Allow => Ok(Answer::Server(ready)),
            Verdict::Ask => Ok(Answer::Waiting(ready)),
            Verdict::Deny(reason) => Err(Refusal::Forbidden { reason }),
        }
    }
}

/// The calls of one reply that are looked at. OpenAI takes no more of them in a message.
const CALL_LIMIT: usize = 128;
