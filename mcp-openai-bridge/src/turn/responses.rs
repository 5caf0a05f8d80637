//! The Responses API: everything is an item, and a provider may remember what was said.
//!
//! The surprising thing: an item of a kind that nobody here knows may still be a call. What has a `call_id` and no output
//! waits for one, and only the author of the request can give it.

use std::collections::HashMap;

use mcp_types::{JsonObject, RawJson};

use super::Turn;
use super::api::{Api, ApiRequest, Asked, Memory, Offer, Open, Said, chosen, make_unique, reader_function, sealed};
use crate::chat::{Arguments, Usage};
use crate::content::{self, Rendered};
use crate::error::{Error, ModelError};
use crate::members::{object_json, text_json};
use crate::responses::{Event, FunctionCallOutput, Item, Request, Response};

/// The API at `/v1/responses`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Responses {}

impl sealed::Sealed for Responses {}
impl sealed::Sealed for Request {}

impl ApiRequest for Request {
    type Api = Responses;
}

impl Turn<Responses> {
    /// Returns the conversation so far, also what a provider remembers of it.
    pub fn input(&self) -> &[Item] {
        Responses::conversation(&self.request)
    }

    /// Returns the conversation, to be continued with another request.
    ///
    /// When calls are still waiting, the answers that there are stand behind them, for [`Turn::resume`].
    pub fn into_input(self) -> Vec<Item> {
        self.into_conversation()
    }
}

impl Api for Responses {
    type Request = Request;
    type Reply = Response;
    type Chunk = Event;
    type Item = Item;
    type Call = Item;

    fn own_names(request: &Request) -> Vec<String> {
        request.tool_names()
    }

    fn conversation(request: &Request) -> &[Item] {
        &request.input
    }

    fn said(request: &Request) -> String {
        let messages = request.input.iter().filter_map(|item| match item {
            Item::Message(message) => Some(message.text()),
            _ => None,
        });
        messages.collect::<Vec<_>>().join("\n")
    }

    fn extend(request: &mut Request, items: Vec<Item>) {
        request.input.extend(items);
    }

    fn into_conversation(request: Request) -> Vec<Item> {
        request.input
    }

    fn next_request(request: &Request, offer: &Offer<'_>) -> Request {
        let mut next = request.clone();
        if let Some(memory) = offer.memory {
            next.input.drain(..memory.items.min(next.input.len()));
            if let Some(id) = &memory.id {
                next.extra.insert(PREVIOUS, text_json(id));
            }
        } else if is_false(&next.extra, "store") {
            forget_what_is_not_stored(&mut next.input);
        }
        let others = next.tools.len() + usize::from(offer.reader.is_some());
        next.tools.extend(offer.tools.responses_with(&offer.emit.beside(others)));
        next.tools.extend(offer.reader.map(|name| {
            let mut members = JsonObject::new();
            members.insert("type", text_json("function"));
            for (name, value) in reader_function(name).iter() {
                members.insert(name, value.clone());
            }
            object_json(&members)
        }));
        // A choice without tools is refused.
        next.tool_choice = if next.tools.is_empty() { None } else { chosen(next.tool_choice, offer.choice) };
        next
    }

    fn read(reply: &mut Response, round: u32) -> Result<Said<Self>, Error> {
        let ids = reply.output.iter_mut().filter_map(|item| match item {
            Item::FunctionCall(call) => Some(&mut call.call_id),
            _ => None,
        });
        make_unique(ids, round);
        let outputs = Outputs::of(&reply.output);
        let calls = reply.output.iter().filter(|item| is_call(item) && outputs.last(item).is_none()).cloned();
        let why = reply.extra.member("incomplete_details").and_then(|details| member(details, "reason"));
        Ok(Said {
            calls: calls.collect(),
            items: reply.output.clone(),
            finish_reason: why.or_else(|| reply.status.clone()),
            is_cut: reply.status.as_deref() == Some("incomplete"),
        })
    }

    fn fault(reply: &Response) -> Option<ModelError> {
        match reply.status.as_deref() {
            Some("failed") => {
                let why = reply.failure().unwrap_or_else(|| "the provider does not say why".to_owned());
                let fault = ModelError::new(format!("the response failed: {why}"));
                let error = reply.extra.member("error");
                let Some(code) = error.and_then(|error| member(error, "code")) else { return Some(fault) };
                let is_temporary = matches!(code.as_str(), "rate_limit_exceeded" | "server_error");
                let fault = fault.code(code);
                Some(if is_temporary { fault.transient() } else { fault })
            }
            Some("cancelled") => Some(ModelError::new("the response was cancelled at the provider")),
            Some(status @ ("in_progress" | "queued")) => Some(ModelError::new(format!(
                "the response is not finished (`{status}`); a turn needs whole responses, so leave out `background`"
            ))),
            _ => None,
        }
    }

    fn usage(reply: &Response) -> Option<&Usage> {
        reply.usage.as_ref()
    }

    fn text(reply: &Response) -> String {
        reply.text()
    }

    fn memory(request: &Request, reply: &Response) -> Option<Memory> {
        let has = |name: &str| request.extra.member(name).is_some_and(|value| !value.is_null());
        let items = request.input.len();
        if has("conversation") {
            return Some(Memory { id: None, items });
        }
        let is_stored = has(PREVIOUS) && !is_false(&request.extra, "store") && !reply.id.is_empty();
        is_stored.then(|| Memory { id: Some(reply.id.clone()), items })
    }

    fn asked(call: &Item) -> Asked {
        match call {
            Item::FunctionCall(call) => Asked {
                id: call.call_id.clone(),
                name: Some(call.name.clone()).filter(|name| !name.is_empty()),
                namespace: call.namespace.clone(),
                arguments: Some(call.arguments.clone()),
                is_foreign: false,
            },
            other => Asked {
                id: call_id(other).unwrap_or_default(),
                name: raw(other).and_then(|raw| member(raw, "name")),
                namespace: raw(other).and_then(|raw| member(raw, "namespace")),
                arguments: None::<Arguments>,
                is_foreign: other.kind() != CUSTOM_CALL,
            },
        }
    }

    fn answer(call: &Item, rendered: &Rendered) -> Item {
        let output = content::responses_output(rendered);
        let Item::FunctionCall(call) = call else {
            let members = [
                ("type", text_json(format!("{}_output", call.kind()))),
                ("call_id", text_json(call_id(call).unwrap_or_default())),
                ("output", output),
            ];
            return Item::Other(object_json(&members.into_iter().collect()));
        };
        let mut answer = FunctionCallOutput::new(&call.call_id, output);
        // A call that another tool made in the place of the model says so, and its answer goes there.
        if let Some(caller) = call.extra.member("caller") {
            answer.extra.insert("caller", caller.clone());
        }
        Item::FunctionCallOutput(answer)
    }

    fn appendix(_: &[(&str, &Rendered)]) -> Option<Item> {
        None
    }

    fn take_open(request: &mut Request) -> Open<Self> {
        let input = &request.input;
        let outputs = Outputs::of(input);
        let is_open = |(at, item): &(usize, &Item)| is_call(item) && outputs.last(item).is_none_or(|last| last <= *at);
        let Some((open, _)) = input.iter().enumerate().find(is_open) else { return Open::default() };
        // The reply that it belongs to begins after what somebody else said last.
        let ends_before = |item: &Item| is_said(item) || item.kind().ends_with("_output");
        let start = input.iter().take(open).rposition(ends_before).map_or(0, |at| at + 1);
        let last = input.iter().rposition(is_call).unwrap_or(open);
        let after = request.input.split_off(last + 1);
        let said = request.input.get(start..).unwrap_or_default();
        // What the provider ran itself has its output beside it.
        let outputs = Outputs::of(said);
        let is_open = |(at, item): &(usize, &Item)| is_call(item) && outputs.last(item).is_none_or(|last| last <= *at);
        let calls = said.iter().enumerate().filter(is_open).map(|(_, call)| call.clone()).collect();
        Open::paired(calls, after, asked_by, answered_by)
    }
}

/// Whether an item is a call that somebody may have to answer.
fn is_call(item: &Item) -> bool {
    item.kind().ends_with("_call") && call_id(item).is_some()
}

/// What an output and its call have in common: the kind of the call, and its id.
type Key = (String, Option<String>);

fn asked_by(call: &Item) -> Key {
    (call.kind(), call_id(call))
}

/// The key of the call that an item is the output of, if it is one.
fn answered_by(item: &Item) -> Option<Key> {
    let kind = item.kind();
    let asked = if kind == SEARCHED { SEARCH } else { kind.strip_suffix("_output")? };
    Some((asked.to_owned(), call_id(item)))
}

/// Where the outputs stand among items.
struct Outputs(HashMap<Key, usize>);

impl Outputs {
    fn of(items: &[Item]) -> Self {
        let keyed = items.iter().enumerate().filter_map(|(at, item)| Some((answered_by(item)?, at)));
        Self(keyed.collect())
    }

    /// The place of the last output of a call.
    fn last(&self, call: &Item) -> Option<usize> {
        self.0.get(&asked_by(call)).copied()
    }
}

fn is_said(item: &Item) -> bool {
    matches!(item, Item::Message(message) if message.role != "assistant")
}

fn call_id(item: &Item) -> Option<String> {
    match item {
        Item::FunctionCall(call) => Some(call.call_id.clone()),
        Item::FunctionCallOutput(output) => Some(output.call_id.clone()),
        Item::Other(raw) => member(raw, "call_id"),
        _ => None,
    }
}

/// Takes out what only an identifier says, which a provider that stored nothing cannot look up: a reasoning item without
/// its encrypted content, and the identifiers of the items beside it.
fn forget_what_is_not_stored(input: &mut Vec<Item>) {
    let is_lost = |item: &Item| {
        let raw = raw(item).filter(|_| item.kind() == "reasoning");
        raw.is_some_and(|raw| member(raw, "encrypted_content").is_none())
    };
    if !input.iter().any(is_lost) {
        return;
    }
    input.retain(|item| !is_lost(item));
    for item in input {
        match item {
            Item::FunctionCall(call) => drop(call.extra.take("id")),
            Item::Message(message) => drop(message.extra.take("id")),
            _ => {}
        }
    }
}

fn raw(item: &Item) -> Option<&RawJson> {
    if let Item::Other(raw) = item { Some(raw) } else { None }
}

fn member(raw: &RawJson, name: &str) -> Option<String> {
    let [value] = raw.members([name]).ok()?;
    value?.decode().ok()
}

fn is_false(members: &JsonObject, name: &str) -> bool {
    members.member(name).is_some_and(|value| value.as_str() == "false")
}

const PREVIOUS: &str = "previous_response_id";
const CUSTOM_CALL: &str = "custom_tool_call";
/// The one call whose output has another name.
const SEARCH: &str = "tool_search_call";
const SEARCHED: &str = "tool_search_output";

#[cfg(test)]
mod tests;
