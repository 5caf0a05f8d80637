//! Puts the events of a stream together to a response.
//!
//! The last event carries the response as a whole, so there is little to do with most providers. The surprising thing:
//! some send it without its output, or only the deltas of an item and not the item, and then the parts count.

use std::collections::BTreeMap;

use mcp_types::{JsonObject, RawJson};

use super::event::kind;
use super::{Event, Item, Response};
use crate::chat::fault::{self, StreamFault};
use crate::json::{Object, Value};

/// Puts the events of a stream together to a response.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::responses::{Assembler, Event};
///
/// let mut response = Assembler::default();
/// for text in [
///     r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","role":"assistant","content":[]}}"#,
///     r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hello"}"#,
///     r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}"#,
/// ] {
///     response.push(&serde_json::from_str::<Event>(text)?)?;
/// }
/// assert_eq!(response.finish()?.text(), "Hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Assembler {
    /// The response as it stood when it began.
    begun: Option<Response>,
    /// The response as the last event carried it.
    ended: Option<Response>,
    items: BTreeMap<u64, Partial>,
    bytes: usize,
    limit: usize,
    is_done: bool,
}

#[derive(Clone, Debug)]
enum Partial {
    Done(Box<Item>),
    Open(Value),
}

impl Default for Assembler {
    /// Makes one that holds 16 MiB.
    fn default() -> Self {
        Self::with_limit(16 * 1024 * 1024)
    }
}

impl Assembler {
    /// Makes one that holds `limit` bytes of a response.
    pub fn with_limit(limit: usize) -> Self {
        Self { begun: None, ended: None, items: BTreeMap::new(), bytes: 0, limit, is_done: false }
    }

    /// Takes the next event. One of a kind that is not known says nothing.
    ///
    /// # Errors
    ///
    /// Fails when the event is an error of the provider, when it makes no sense after those before it, or when the
    /// response is longer than what is held.
    pub fn push(&mut self, event: &Event) -> Result<(), StreamFault> {
        let members = event.members.iter().map(|(_, value)| value.as_bytes().len() + EVENT_BYTES);
        self.count(members.sum())?;
        match event.kind.as_str() {
            kind::ERROR => return Err(error(event)),
            kind::CREATED | kind::IN_PROGRESS | kind::QUEUED => self.begun = event.response().or(self.begun.take()),
            kind::COMPLETED | kind::FAILED | kind::INCOMPLETE => {
                self.ended = Some(event.response().ok_or(StreamFault::NoResponse)?);
            }
            kind::ITEM_ADDED => {
                if let (Some(index), Some(item)) = (event.output_index(), event.members.member("item")) {
                    self.open(index, item)?;
                }
            }
            kind::ITEM_DONE => {
                if let (Some(index), Some(item)) = (event.output_index(), event.item()) {
                    self.bounded(index)?;
                    self.items.insert(index, Partial::Done(Box::new(item)));
                }
            }
            _ => return self.push_part(event),
        }
        Ok(())
    }

    /// Takes note that the provider said `[DONE]`, which ends a response that has no last event.
    pub fn done(&mut self) {
        self.is_done = true;
    }

    /// Returns the response. One that failed is a response too: its `status` and `error` say so.
    ///
    /// # Errors
    ///
    /// Fails when the stream ended before the response did.
    pub fn finish(self) -> Result<Response, StreamFault> {
        let mut response = match (self.ended, self.begun) {
            (Some(ended), _) => ended,
            (None, begun) if self.is_done && (begun.is_some() || !self.items.is_empty()) => {
                let begun = begun.unwrap_or_default();
                Response { status: Some("completed".to_owned()), ..begun }
            }
            _ => return Err(StreamFault::Unfinished),
        };
        if response.output.is_empty() {
            let items = self.items.into_values().filter_map(Partial::finish);
            response.output = items.collect();
        }
        Ok(response)
    }

    fn open(&mut self, index: u64, item: &RawJson) -> Result<(), StreamFault> {
        self.bounded(index)?;
        if let Ok(item) = Value::parse(item.as_str()) {
            self.items.insert(index, Partial::Open(item));
        }
        Ok(())
    }

    /// Adds to an item what came of it. A part of an item that is done already says nothing new.
    fn push_part(&mut self, event: &Event) -> Result<(), StreamFault> {
        let Some((place, how)) = place(event) else { return Ok(()) };
        let Some(index) = event.output_index() else { return Ok(()) };
        let item = match self.items.get_mut(&index) {
            Some(Partial::Done(_)) => return Ok(()),
            Some(Partial::Open(item)) => item,
            None => return Err(StreamFault::Unknown { what: "a part of an item" }),
        };
        let Some(slot) = place.find(item)? else { return Ok(()) };
        match (how, slot) {
            (How::Append(more), Value::String(text)) => text.push_str(&more),
            (How::Append(text) | How::Replace(text), slot) => *slot = Value::String(text),
            (How::Part(part), slot) => *slot = part,
        }
        Ok(())
    }

    fn bounded(&self, index: u64) -> Result<(), StreamFault> {
        if self.items.len() >= PLACE_LIMIT && !self.items.contains_key(&index) {
            return Err(StreamFault::TooLong { what: "items", limit: PLACE_LIMIT });
        }
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), StreamFault> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limit {
            return Err(StreamFault::TooLong { what: "bytes", limit: self.limit });
        }
        Ok(())
    }
}

impl Partial {
    fn finish(self) -> Option<Item> {
        match self {
            Self::Done(item) => Some(*item),
            Self::Open(Value::Object(mut item)) => {
                if item.contains_key("status") {
                    item.set("status", "completed");
                }
                RawJson::parse(Value::Object(item).to_string()).ok()?.decode().ok()
            }
            Self::Open(_) => None,
        }
    }
}

/// What an event says about its place in an item.
enum How {
    Append(String),
    Part(Value),
    Replace(String),
}

/// A place in an item: a member, or a member of a part of a list.
struct Place {
    list: Option<(&'static str, u64)>,
    member: Option<&'static str>,
    /// The `type` of a part that begins with this event.
    kind: &'static str,
}

/// Where an event belongs and what it says; `None` when it says nothing about an item's parts.
fn place(event: &Event) -> Option<(Place, How)> {
    let content = || Some(("content", event.decoded("content_index").unwrap_or_default()));
    let summary = || Some(("summary", event.decoded("summary_index").unwrap_or_default()));
    let at = |list, member, kind| Place { list, member: Some(member), kind };
    let append = || Some(How::Append(event.text("delta")?));
    let replace = |member: &str| Some(How::Replace(event.text(member)?));
    let part = || Some(How::Part(Value::parse(event.members.member("part")?.as_str()).ok()?));
    Some(match event.kind.as_str() {
        kind::CONTENT_PART_ADDED | kind::CONTENT_PART_DONE => {
            (Place { list: content(), member: None, kind: "" }, part()?)
        }
        kind::CUSTOM_INPUT_DELTA => (at(None, "input", ""), append()?),
        kind::CUSTOM_INPUT_DONE => (at(None, "input", ""), replace("input")?),
        kind::FUNCTION_ARGUMENTS_DELTA | kind::MCP_ARGUMENTS_DELTA => (at(None, "arguments", ""), append()?),
        kind::FUNCTION_ARGUMENTS_DONE | kind::MCP_ARGUMENTS_DONE => (at(None, "arguments", ""), replace("arguments")?),
        kind::OUTPUT_TEXT_DELTA => (at(content(), "text", "output_text"), append()?),
        kind::OUTPUT_TEXT_DONE => (at(content(), "text", "output_text"), replace("text")?),
        kind::REASONING_PART_ADDED | kind::REASONING_PART_DONE => {
            (Place { list: summary(), member: None, kind: "" }, part()?)
        }
        kind::REASONING_SUMMARY_DELTA => (at(summary(), "text", "summary_text"), append()?),
        kind::REASONING_SUMMARY_DONE => (at(summary(), "text", "summary_text"), replace("text")?),
        kind::REASONING_TEXT_DELTA => (at(content(), "text", "reasoning_text"), append()?),
        kind::REASONING_TEXT_DONE => (at(content(), "text", "reasoning_text"), replace("text")?),
        kind::REFUSAL_DELTA => (at(content(), "refusal", "refusal"), append()?),
        kind::REFUSAL_DONE => (at(content(), "refusal", "refusal"), replace("refusal")?),
        _ => return None,
    })
}

impl Place {
    /// Finds the place, and makes it if it is the next one.
    fn find<'a>(&self, item: &'a mut Value) -> Result<Option<&'a mut Value>, StreamFault> {
        let Value::Object(item) = item else { return Ok(None) };
        let Some((list, index)) = self.list else { return Ok(self.member.map(|member| member_of(item, member))) };
        let list = member_of(item, list);
        if !matches!(list, Value::Array(_)) {
            *list = Value::Array(Vec::new());
        }
        let Value::Array(parts) = list else { return Ok(None) };
        if parts.len() as u64 == index && parts.len() < PLACE_LIMIT {
            parts.push(Value::Object(Object::from([("type", Value::from(self.kind))])));
        }
        let part = usize::try_from(index).ok().and_then(|index| parts.get_mut(index));
        let part = part.ok_or(StreamFault::Unknown { what: "a part of an item" })?;
        match (self.member, part) {
            (None, part) => Ok(Some(part)),
            (Some(member), Value::Object(part)) => Ok(Some(member_of(part, member))),
            _ => Ok(None),
        }
    }
}

fn member_of<'a>(object: &'a mut Object, name: &str) -> &'a mut Value {
    if !object.contains_key(name) {
        object.set(name, "");
    }
    object.get_mut(name).expect("the member was set")
}

pub(super) fn error(event: &Event) -> StreamFault {
    // The members of the error stand in the event, or in a member of it.
    let nested = event.members.member("error").filter(|error| !error.is_null()).cloned();
    let whole = || RawJson::encode(&event.members).unwrap_or_default();
    fault::provider(&nested.unwrap_or_else(whole))
}

/// Returns why a response has failed.
pub(super) fn failure(members: &JsonObject) -> Option<String> {
    let error = members.member("error").filter(|error| !error.is_null())?;
    match fault::provider(error) {
        StreamFault::Provider { message } => Some(message),
        _ => None,
    }
}

/// How many items a response, and parts an item, may have.
const PLACE_LIMIT: usize = 4096;
const EVENT_BYTES: usize = 8;
