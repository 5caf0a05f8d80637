//! A reply that came in one piece.

use mcp_types::JsonObject;
use mcp_types::json::Unread;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::{Message, Usage};
use crate::members::{Read, keep, known, read_by_serde, there};

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
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let (mut choices, mut usage, mut extra) = (None, None, JsonObject::new());
        value.members(|name, value| {
            match name {
                "choices" => choices = known(name, value)?,
                "usage" => usage = known(name, value)?,
                _ => keep(&mut extra, name, value)?,
            }
            Ok(())
        })?;
        Ok(Self { choices: there(choices, "choices")?, usage, extra })
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
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let (mut message, mut finish_reason, mut extra) = (None, None, JsonObject::new());
        value.members(|name, value| {
            match name {
                "message" => message = known::<Reply>(name, value)?,
                "finish_reason" => finish_reason = known(name, value)?,
                _ => keep(&mut extra, name, value)?,
            }
            Ok(())
        })?;
        let Reply(message) = there(message, "message")?;
        Ok(Self { message, finish_reason, extra })
    }
}

read_by_serde!(Completion, Choice);

/// A message of the model.
struct Reply(Message);

impl Read for Reply {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        // Some providers leave the role out, and who else should answer?
        Message::read_of(value, || Ok("assistant".to_owned())).map(Self)
    }
}
