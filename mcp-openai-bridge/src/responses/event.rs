//! One event of a stream.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::{Item, Response};
use crate::members::{Read, optional, read_by_serde, text_json, with_extra};

/// One event of a stream.
///
/// There are more than fifty kinds, and providers add their own. So an event is its kind and its members as they came;
/// what a tool loop looks at has a method.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The `type`, such as `response.output_text.delta`.
    pub kind: String,
    /// All other members: `sequence_number`, `output_index`, `delta`, …
    pub members: JsonObject,
}

impl Event {
    /// Makes an event without members.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), members: JsonObject::new() }
    }

    /// Sets a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<RawJson>) -> Self {
        self.members.insert(name, value);
        self
    }

    /// Returns the text that is new in a message.
    pub fn text_delta(&self) -> Option<String> {
        if self.kind == kind::OUTPUT_TEXT_DELTA { self.text("delta") } else { None }
    }

    /// Returns the response that the event carries, as it stands at that time.
    pub fn response(&self) -> Option<Response> {
        self.decoded("response")
    }

    /// Returns the item that the event carries.
    pub fn item(&self) -> Option<Item> {
        self.decoded("item")
    }

    /// Returns the place in the output that the event is about.
    pub fn output_index(&self) -> Option<u64> {
        self.decoded("output_index")
    }

    /// Returns whether no event follows this one.
    pub fn is_last(&self) -> bool {
        [kind::COMPLETED, kind::FAILED, kind::INCOMPLETE, kind::ERROR].contains(&self.kind.as_str())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.decoded(name)
    }

    pub(super) fn decoded<T: Read>(&self, name: &str) -> Option<T> {
        T::read_raw(self.members.member(name)?).ok()
    }

    pub(super) fn with_text(self, name: &str, text: impl Into<String>) -> Self {
        self.with(name, text_json(text))
    }

    pub(super) fn with_number(self, name: &str, number: u64) -> Self {
        self.with(name, serde_json::Value::from(number))
    }
}

/// A response that came in one piece is a stream of its last event.
impl From<&Response> for Event {
    fn from(response: &Response) -> Self {
        let kind = match response.status.as_deref() {
            Some("failed") => kind::FAILED,
            Some("incomplete") => kind::INCOMPLETE,
            _ => kind::COMPLETED,
        };
        // What was read can be written, unless it is deeper than a message may be; then there is no output.
        Self::new(kind).with("response", RawJson::encode(response).unwrap_or_default())
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind)?;
        with_extra(map, &self.members)
    }
}

impl Read for Event {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut members = JsonObject::read(value)?;
        let kind = match optional(&mut members, "type")? {
            Some(kind) => kind,
            // Some providers give up without saying that they do.
            None if members.member("error").is_some() => kind::ERROR.to_owned(),
            None => return Err(Error::missing_field("type")),
        };
        Ok(Self { kind, members })
    }
}

read_by_serde!(Event);

/// The kinds of events that are looked at here.
pub(crate) mod kind {
    pub(crate) const COMPLETED: &str = "response.completed";
    pub(crate) const CONTENT_PART_ADDED: &str = "response.content_part.added";
    pub(crate) const CONTENT_PART_DONE: &str = "response.content_part.done";
    pub(crate) const CREATED: &str = "response.created";
    pub(crate) const CUSTOM_INPUT_DELTA: &str = "response.custom_tool_call_input.delta";
    pub(crate) const CUSTOM_INPUT_DONE: &str = "response.custom_tool_call_input.done";
    pub(crate) const ERROR: &str = "error";
    pub(crate) const FAILED: &str = "response.failed";
    pub(crate) const FUNCTION_ARGUMENTS_DELTA: &str = "response.function_call_arguments.delta";
    pub(crate) const FUNCTION_ARGUMENTS_DONE: &str = "response.function_call_arguments.done";
    pub(crate) const INCOMPLETE: &str = "response.incomplete";
    pub(crate) const IN_PROGRESS: &str = "response.in_progress";
    pub(crate) const ITEM_ADDED: &str = "response.output_item.added";
    pub(crate) const ITEM_DONE: &str = "response.output_item.done";
    pub(crate) const MCP_ARGUMENTS_DELTA: &str = "response.mcp_call_arguments.delta";
    pub(crate) const MCP_ARGUMENTS_DONE: &str = "response.mcp_call_arguments.done";
    pub(crate) const OUTPUT_TEXT_DELTA: &str = "response.output_text.delta";
    pub(crate) const OUTPUT_TEXT_DONE: &str = "response.output_text.done";
    pub(crate) const QUEUED: &str = "response.queued";
    pub(crate) const REASONING_PART_ADDED: &str = "response.reasoning_summary_part.added";
    pub(crate) const REASONING_PART_DONE: &str = "response.reasoning_summary_part.done";
    pub(crate) const REASONING_SUMMARY_DELTA: &str = "response.reasoning_summary_text.delta";
    pub(crate) const REASONING_SUMMARY_DONE: &str = "response.reasoning_summary_text.done";
    pub(crate) const REASONING_TEXT_DELTA: &str = "response.reasoning_text.delta";
    pub(crate) const REASONING_TEXT_DONE: &str = "response.reasoning_text.done";
    pub(crate) const REFUSAL_DELTA: &str = "response.refusal.delta";
    pub(crate) const REFUSAL_DONE: &str = "response.refusal.done";
}
