//! A request to `/v1/chat/completions`.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::Message;
use crate::members::{Read, keep, known, read_by_serde, there, with_extra};

/// A request to `/v1/chat/completions`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The model.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Tools; those of MCP servers are added by a [`Turn`](crate::turn::Turn).
    pub tools: Vec<RawJson>,
    /// Which tools the model may or must use.
    pub tool_choice: Option<RawJson>,
    /// All other members: `temperature`, `max_completion_tokens`, `stream`, …
    pub extra: JsonObject,
}

impl Request {
    /// Makes a request.
    pub fn new(model: impl Into<String>, messages: impl Into<Vec<Message>>) -> Self {
        Self {
            model: model.into(),
            messages: messages.into(),
            tools: Vec::new(),
            tool_choice: None,
            extra: JsonObject::new(),
        }
    }

    pub(crate) fn with<'a>(&'a self, extra: &'a JsonObject) -> With<'a> {
        With { request: self, extra }
    }

    /// Returns the names of the request's own functions and custom tools.
    pub fn tool_names(&self) -> Vec<String> {
        self.tools.iter().filter_map(tool_name).collect()
    }
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with(&self.extra).serialize(serializer)
    }
}

/// A request that is written with other extra members than its own.
pub(crate) struct With<'a> {
    request: &'a Request,
    extra: &'a JsonObject,
}

impl Serialize for With<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Request { model, messages, tools, tool_choice, extra: _ } = self.request;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", model)?;
        map.serialize_entry("messages", messages)?;
        if !tools.is_empty() {
            map.serialize_entry("tools", tools)?;
        }
        if let Some(choice) = tool_choice {
            map.serialize_entry("tool_choice", choice)?;
        }
        with_extra(map, self.extra)
    }
}

impl Read for Request {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let (mut model, mut messages, mut request) = (None, None, Self::new("", []));
        value.members(|name, value| {
            match name {
                "model" => model = known(name, value)?,
                "messages" => messages = known(name, value)?,
                "tools" => request.tools = known(name, value)?.unwrap_or_default(),
                "tool_choice" => request.tool_choice = known(name, value)?,
                _ => keep(&mut request.extra, name, value)?,
            }
            Ok(())
        })?;
        Ok(Self { model: there(model, "model")?, messages: there(messages, "messages")?, ..request })
    }
}

read_by_serde!(Request);

/// The name of a tool of a request, in either of its forms.
fn tool_name(tool: &RawJson) -> Option<String> {
    let tool: JsonObject = tool.decode().ok()?;
    let named = tool.member("function").or_else(|| tool.member("custom"));
    let members: JsonObject = named?.decode().ok()?;
    members.member("name")?.decode().ok()
}
