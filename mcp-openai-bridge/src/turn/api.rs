//! The two APIs of a model, as far as a turn sees a difference.
//!
//! Rounds, budgets, approvals and the order of answers are the same for both, and stand in [`Turn`](super::Turn) once.
//! What is here is where a request keeps its conversation, what a call looks like, and what an answer to it is.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::hash::Hash;

use mcp_types::{JsonObject, RawJson};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::choice;
use crate::chat::{Arguments, Usage};
use crate::content::{self, Rendered};
use crate::error::{Error, ModelError};
use crate::members::text_json;
use crate::tools::{Emit, ToolSet};

/// An API of a model: [`Chat`](super::Chat) or [`Responses`](super::Responses). There are no others, and nobody can add one.
pub trait Api: sealed::Sealed + Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// A request.
    type Request: ApiRequest<Api = Self> + Clone + fmt::Debug + PartialEq + Serialize + Send + Sync + 'static;
    /// The whole reply to a request.
    type Reply: Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// A piece of a reply that is streamed.
    type Chunk: Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What a conversation consists of.
    type Item: Clone + fmt::Debug + PartialEq + Serialize + Send + Sync + 'static;
    /// A call, as the model wrote it.
    type Call: Clone + fmt::Debug + PartialEq + Send + Sync + 'static;

    /// Returns the names of the tools that the request has of its own.
    #[doc(hidden)]
    fn own_names(request: &Self::Request) -> Vec<String>;

    /// Returns the conversation that a request carries.
    #[doc(hidden)]
    fn conversation(request: &Self::Request) -> &[Self::Item];

    /// Returns the texts of a conversation, one below the other.
    #[doc(hidden)]
    fn said(request: &Self::Request) -> String;

    /// Adds to the conversation.
    #[doc(hidden)]
    fn extend(request: &mut Self::Request, items: Vec<Self::Item>);

    /// Takes the conversation out of a request.
    #[doc(hidden)]
    fn into_conversation(request: Self::Request) -> Vec<Self::Item>;

    /// Makes the request that goes out.
    #[doc(hidden)]
    fn next_request(request: &Self::Request, offer: &Offer<'_>) -> Self::Request;

    /// Reads a reply. Calls without an id of their own get one, in the reply too.
    #[doc(hidden)]
    fn read(reply: &mut Self::Reply, round: u32) -> Result<Said<Self>, Error>;

    /// Returns why a reply is none, when the provider failed while it made it.
    #[doc(hidden)]
    fn fault(reply: &Self::Reply) -> Option<ModelError>;

    /// Returns the tokens that a reply cost.
    #[doc(hidden)]
    fn usage(reply: &Self::Reply) -> Option<&Usage>;

    /// Returns the text of a reply.
    #[doc(hidden)]
    fn text(reply: &Self::Reply) -> String;

    /// Returns what a provider remembers after a reply, so that it need not be sent again.
    #[doc(hidden)]
    fn memory(request: &Self::Request, reply: &Self::Reply) -> Option<Memory>;

    /// Returns what a call asks for.
    #[doc(hidden)]
    fn asked(call: &Self::Call) -> Asked;

    /// Makes the answer to a call.
    #[doc(hidden)]
    fn answer(call: &Self::Call, rendered: &Rendered) -> Self::Item;

    /// Makes what must follow the answers of a reply, known by the ids of their calls, because they cannot hold it.
    #[doc(hidden)]
    fn appendix(answers: &[(&str, &Rendered)]) -> Option<Self::Item>;

    /// Takes the calls of the last reply off a conversation, when one of them has no answer, and what stands after them.
    #[doc(hidden)]
    fn take_open(request: &mut Self::Request) -> Open<Self>;
}

/// A request of an API; it says which, so that a turn need not be told.
pub trait ApiRequest: sealed::Sealed {
    /// The API it is for.
    type Api: Api<Request = Self>;
}

/// What a request offers to the model, beside what it has of its own.
#[doc(hidden)]
#[derive(Debug)]
pub struct Offer<'a> {
    pub(super) tools: &'a ToolSet,
    pub(super) emit: Emit,
    /// The function that reads on in results, when there is something to read.
    pub(super) reader: Option<&'a str>,
    pub(super) choice: Choice,
    pub(super) memory: Option<&'a Memory>,
}

/// What becomes of a request's choice of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// It goes out as it came.
    Asked,
    /// No tool may be called any more.
    Nothing,
    /// What forces a call is taken out of it.
    Released,
}

/// What a provider remembers of a conversation.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The reply that is referred to; `None` when the provider knows by itself.
    pub(super) id: Option<String>,
    /// Items at the beginning of the conversation that need not be sent.
    pub(super) items: usize,
}

/// A reply, read.
#[doc(hidden)]
#[derive(Debug)]
pub struct Said<A: Api> {
    /// What goes into the conversation.
    pub(super) items: Vec<A::Item>,
    pub(super) calls: Vec<A::Call>,
    pub(super) finish_reason: Option<String>,
    /// Whether the provider stopped the model in the middle of it, so that a call may have lost its arguments.
    pub(super) is_cut: bool,
}

/// The calls of a reply that are not all answered.
#[doc(hidden)]
#[derive(Debug)]
pub struct Open<A: Api> {
    /// Each with its answer, if it has one.
    pub(super) calls: Vec<(A::Call, Option<A::Item>)>,
    /// What was said after them.
    pub(super) after: Vec<A::Item>,
    /// Whether the reply is known to have been cut off.
    pub(super) is_cut: bool,
}

impl<A: Api> Default for Open<A> {
    fn default() -> Self {
        Self { calls: Vec::new(), after: Vec::new(), is_cut: false }
    }
}

impl<A: Api> Open<A> {
    /// Gives each call the first answer that has its key and that no call before it took; what is left was said after.
    ///
    /// Keys are looked up, because whoever sends a conversation decides how many calls and answers it has.
    pub(super) fn paired<K: Eq + Hash>(
        calls: Vec<A::Call>,
        after: Vec<A::Item>,
        asked: impl Fn(&A::Call) -> K,
        answered: impl Fn(&A::Item) -> Option<K>,
    ) -> Self {
        let mut places: HashMap<K, VecDeque<usize>> = HashMap::new();
        for (at, item) in after.iter().enumerate() {
            if let Some(key) = answered(item) {
                places.entry(key).or_default().push_back(at);
            }
        }
        let mut after: Vec<Option<A::Item>> = after.into_iter().map(Some).collect();
        let mut answer_to = |call: &A::Call| after.get_mut(places.get_mut(&asked(call))?.pop_front()?)?.take();
        let calls =
            calls.into_iter().map(|call| (answer_to(&call), call)).map(|(answer, call)| (call, answer)).collect();
        Self { calls, after: after.into_iter().flatten().collect(), is_cut: false }
    }
}

/// What a call asks for.
#[doc(hidden)]
#[derive(Debug)]
pub struct Asked {
    pub(super) id: String,
    /// `None` when the call names nothing.
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    /// `None` when the call is one of a custom tool, which has a text and no arguments.
    pub(super) arguments: Option<Arguments>,
    /// Whether it is no call of a function or custom tool, so that only the author of the request can answer it.
    pub(super) is_foreign: bool,
}

pub(super) mod sealed {
    pub trait Sealed {}
}

/// The members that both APIs share of the function that reads on in results.
pub(super) fn reader_function(name: &str) -> JsonObject {
    let members: [(&str, RawJson); 4] = [
        ("name", text_json(name)),
        ("description", text_json(content::reader_description())),
        ("parameters", content::reader_parameters()),
        ("strict", Value::Bool(false).into()),
    ];
    members.into_iter().collect()
}

/// Makes the choice of tools that a request goes out with.
pub(super) fn chosen(asked: Option<RawJson>, choice: Choice) -> Option<RawJson> {
    match choice {
        Choice::Asked => asked,
        Choice::Nothing => Some(text_json("none")),
        Choice::Released => asked.as_ref().map(choice::released),
    }
}

/// Gives a call without an id a new one, and also one whose id stands before it in the same reply.
pub(super) fn make_unique<'a>(ids: impl Iterator<Item = &'a mut String>, round: u32) {
    let ids: Vec<&mut String> = ids.collect();
    if let [only] = ids.as_slice()
        && !only.is_empty()
    {
        return;
    }
    let mut seen: HashSet<String> = ids.iter().map(|id| (*id).clone()).collect();
    let mut used = HashSet::new();
    for (index, id) in ids.into_iter().enumerate() {
        if id.is_empty() || used.contains(id) {
            let mut new = format!("call_{round}_{index}");
            while !seen.insert(new.clone()) {
                new.push('_');
            }
            *id = new;
        }
        used.insert(id.clone());
    }
}
