//! A message of a conversation, in a request or in a reply.
//!
//! The surprising thing: the content stays raw. It is a text in most messages, a list of parts in some, and `null` beside
//! calls, and who keeps the difference sends back what came.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::ToolCall;
use crate::members::{Read, keep, known, read_by_serde, text_json, there, with_extra};

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks: `developer`, `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// A text, a list of parts, or `null`; absent when the message has none.
    pub content: Option<RawJson>,
    /// The calls that the model wants to be made.
    pub tool_calls: Vec<ToolCall>,
    /// The call that a `tool` message answers.
    pub tool_call_id: Option<String>,
    /// All other members.
    pub extra: JsonObject,
}

impl Message {
    /// Makes a message with a text.
    pub fn new(role: impl Into<String>, text: impl Into<String>) -> Self {
        Self::with_content(role, text_json(text))
    }

    /// Makes a message of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new("user", text)
    }

    /// Makes a message of the system.
    pub fn system(text: impl Into<String>) -> Self {
        Self::new("system", text)
    }

    /// Makes the answer to a call. A tool message carries text only.
    pub fn tool(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tool_call_id: Some(call_id.into()), ..Self::new("tool", text) }
    }

    /// Makes a message with a content that is already JSON: a text, or a list of parts.
    pub fn with_content(role: impl Into<String>, content: RawJson) -> Self {
        Self {
            role: role.into(),
            content: Some(content),
            tool_calls: Vec::new(),
            tool_call_id: None,
            extra: JsonObject::new(),
        }
    }

    /// Reads a message, whose role is that of `role` when it says none.
    pub(super) fn read_of(value: Unread<'_, '_>, role: impl FnOnce() -> Result<String, Error>) -> Result<Self, Error> {
        let (mut said, mut message) = (None, Self::with_content("", RawJson::null()));
        message.content = None;
        value.members(|name, value| {
            match name {
                "role" => said = known(name, value)?,
                "content" => message.content = Some(value.raw()?),
                "tool_calls" => message.tool_calls = known(name, value)?.unwrap_or_default(),
                "tool_call_id" => message.tool_call_id = known(name, value)?,
                _ => keep(&mut message.extra, name, value)?,
            }
            Ok(())
        })?;
        message.role = said.map_or_else(role, Ok)?;
        Ok(message)
    }

    /// Returns the text of the message: its content, or the texts among its parts.
    pub fn text(&self) -> String {
        let Some(content) = &self.content else { return String::new() };
        if let Ok(text) = content.decode::<String>() {
            return text;
        }
        let parts: Vec<JsonObject> = content.decode().unwrap_or_default();
        parts.iter().filter_map(|part| part.member("text")?.decode::<String>().ok()).collect()
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", &self.role)?;
        if let Some(id) = &self.tool_call_id {
            map.serialize_entry("tool_call_id", id)?;
        }
        if let Some(content) = &self.content {
            map.serialize_entry("content", content)?;
        }
        if !self.tool_calls.is_empty() {
            map.serialize_entry("tool_calls", &self.tool_calls)?;
        }
        with_extra(map, &self.extra)
    }
}

impl Read for Message {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        Self::read_of(value, || there(None, "role"))
    }
}

read_by_serde!(Message);
