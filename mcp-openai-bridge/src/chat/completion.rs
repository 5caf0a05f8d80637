//! A reply that came in one piece.

use mcp_types::{JsonObject, RawJson};
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::{Message, Usage};
use crate::members::{Read, optional, read_by_serde, required, text_json};

/// A reply to a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Completion {
    /// The model's messages; a tool loop goes on with the first.
    pub choices: Vec<Choice>,
    /// Tokens used.
    pub usage: Option<Usage>,
    /// All other members: `id`, `model`, `created`, …
    pub extra: JsonObject,
}

impl Completion {
    /// Makes a reply with one message.
    pub fn new(message: Message, finish_reason: impl Into<String>) -> Self {
        let choice = Choice { message, finish_reason: Some(finish_reason.into()), extra: JsonObject::new() };
        Self { choices: vec![choice], usage: None, extra: JsonObject::new() }
    }
}

/// One message of a reply.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// The message.
    pub message: Message,
    /// Why the model stopped: `stop`, `tool_calls`, `length`, `content_filter`, …
    pub finish_reason: Option<String>,
    /// All other members.
    pub extra: JsonObject,
}

impl Serialize for Completion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.extra.iter() {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("choices", &self.choices)?;
        if let Some(usage) = &self.usage {
            map.serialize_entry("usage", usage)?;
        }
        map.end()
    }
}

impl Read for Completion {
    fn read(value: RawJson) -> Result<Self, Error> {
        let mut members = JsonObject::read(value)?;
        Ok(Self {
            choices: required(&mut members, "choices")?,
            usage: optional(&mut members, "usage")?,
            extra: members,
        })
    }
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.extra.iter() {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("finish_reason", &self.finish_reason)?;
        map.end()
    }
}

impl Read for Choice {
    fn read(value: RawJson) -> Result<Self, Error> {
        let mut members = JsonObject::read(value)?;
        let mut message: JsonObject = required(&mut members, "message")?;
        if message.member("role").is_none_or(RawJson::is_null) {
            // Some providers leave it out, and who else should answer?
            message.insert("role", text_json("assistant"));
        }
        Ok(Self {
            message: Message::from_members(message)
                .map_err(|error| Error::custom(format_args!("`message`: {error}")))?,
            finish_reason: optional(&mut members, "finish_reason")?,
            extra: members,
        })
    }
}

read_by_serde!(Completion, Choice);
