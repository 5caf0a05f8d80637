//! A part of a reply that comes as a stream.
//!
//! The surprising thing: reading is lenient where providers differ (an index that is missing or no number, arguments that
//! are an object, a whole `message` in place of a `delta`), because a stream that is refused in its middle is lost.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::{Arguments, Choice, Completion, ToolCall, Usage};
use crate::members::{Read, keep, known, read_by_serde, with_extra};

/// A part of a reply that comes as a stream.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Chunk {
    /// What is new in each choice; empty in the chunk that carries the usage.
    pub choices: Vec<ChunkChoice>,
    /// Tokens used; most providers send it once, in the last chunk.
    pub usage: Option<Usage>,
    /// All other members: `id`, `model`, `created`, …; `error` when the provider gives up.
    pub extra: JsonObject,
}

impl Chunk {
    /// Makes a chunk with something new in one choice.
    pub fn new(delta: Delta) -> Self {
        let choice = ChunkChoice { index: 0, delta, finish_reason: None, extra: JsonObject::new() };
        Self { choices: vec![choice], usage: None, extra: JsonObject::new() }
    }

    /// Returns the text that is new in the first choice.
    pub fn text(&self) -> String {
        self.choices.iter().filter(|choice| choice.index == 0).map(|choice| choice.delta.text()).collect()
    }
}

/// What is new in one choice.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ChunkChoice {
    /// Which choice it is.
    pub index: u64,
    /// What is new in its message.
    pub delta: Delta,
    /// Why the model stopped; in the last chunk of the choice.
    pub finish_reason: Option<String>,
    /// All other members, such as `logprobs`.
    pub extra: JsonObject,
}

/// What is new in a message.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Delta {
    /// Who speaks; in the first chunk, and with some providers in each.
    pub role: Option<String>,
    /// More text; some providers send parts.
    pub content: Option<RawJson>,
    /// More of calls.
    pub tool_calls: Vec<ToolCallDelta>,
    /// All other members, such as `refusal` and `reasoning_content`.
    pub extra: JsonObject,
}

impl Delta {
    /// Makes a delta with more text.
    pub fn text_delta(text: impl Into<String>) -> Self {
        Self { content: Some(crate::members::text_json(text)), ..Self::default() }
    }

    /// Returns the text that is new.
    pub fn text(&self) -> String {
        self.content.as_ref().and_then(|content| content.decode().ok()).unwrap_or_default()
    }

    /// Returns whether nothing is new.
    pub(crate) fn is_empty(&self) -> bool {
        self.role.is_none() && self.content.is_none() && self.tool_calls.is_empty() && self.extra.is_empty()
    }
}

/// More of a call.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ToolCallDelta {
    /// Which call it is. Some providers leave it out, and some number all calls 0.
    pub index: Option<u64>,
    /// The id; in the first delta of the call, and with some providers in each.
    pub id: Option<String>,
    /// `function` or `custom`.
    pub kind: Option<String>,
    /// The name of the function, and more of its arguments.
    pub function: Option<FunctionDelta>,
    /// All other members.
    pub extra: JsonObject,
}

/// The name of a function, and more of its arguments.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FunctionDelta {
    /// The name; in the first delta of the call, and with some providers in each.
    pub name: Option<String>,
    /// More of the arguments, or all of them as an object.
    pub arguments: Arguments,
    /// All other members.
    pub extra: JsonObject,
}

/// A reply that came in one piece is a stream of one chunk.
impl From<&Completion> for Chunk {
    fn from(reply: &Completion) -> Self {
        let choices = reply.choices.iter().enumerate().map(|(at, choice)| ChunkChoice::whole(at, choice));
        Self { choices: choices.collect(), usage: reply.usage.clone(), extra: reply.extra.clone() }
    }
}

impl ChunkChoice {
    fn whole(at: usize, choice: &Choice) -> Self {
        let mut extra = choice.extra.clone();
        let index = extra.take("index").and_then(|index| index.decode().ok()).unwrap_or(at as u64);
        let message = &choice.message;
        let calls = message.tool_calls.iter().zip(0..);
        let delta = Delta {
            role: Some(message.role.clone()),
            content: message.content.clone(),
            tool_calls: calls.map(|(call, index)| ToolCallDelta::whole(call, index)).collect(),
            extra: message.extra.clone(),
        };
        Self { index, delta, finish_reason: choice.finish_reason.clone(), extra }
    }
}

impl ToolCallDelta {
    fn whole(call: &ToolCall, index: u64) -> Self {
        let mut extra = call.extra.clone();
        extra.take("index");
        Self {
            index: Some(index),
            id: Some(call.id.clone()),
            kind: call.kind.clone(),
            function: call.function.as_ref().map(|function| FunctionDelta {
                name: Some(function.name.clone()),
                arguments: function.arguments.clone(),
                extra: function.extra.clone(),
            }),
            extra,
        }
    }
}

impl Serialize for Chunk {
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

impl Read for Chunk {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut chunk = Self::default();
        value.members(|name, value| {
            match name {
                "choices" => chunk.choices = known(name, value)?.unwrap_or_default(),
                "usage" => chunk.usage = known(name, value)?,
                _ => keep(&mut chunk.extra, name, value)?,
            }
            Ok(())
        })?;
        Ok(chunk)
    }
}

impl Serialize for ChunkChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("index", &self.index)?;
        map.serialize_entry("delta", &self.delta)?;
        for (name, value) in self.extra.iter() {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("finish_reason", &self.finish_reason)?;
        map.end()
    }
}

impl Read for ChunkChoice {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let (mut delta, mut message, mut choice) = (None, None, Self::default());
        value.members(|name, value| {
            match name {
                "index" => choice.index = value.raw()?.decode().unwrap_or_default(),
                "delta" => delta = known(name, value)?,
                "message" => message = known(name, value)?,
                "finish_reason" => choice.finish_reason = known(name, value)?,
                _ => keep(&mut choice.extra, name, value)?,
            }
            Ok(())
        })?;
        Ok(Self { delta: delta.or(message).unwrap_or_default(), ..choice })
    }
}

impl Serialize for Delta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(role) = &self.role {
            map.serialize_entry("role", role)?;
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

impl Read for Delta {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut delta = Self::default();
        value.members(|name, value| {
            match name {
                "role" => delta.role = known(name, value)?,
                "content" => delta.content = Some(value.raw()?),
                "tool_calls" => delta.tool_calls = known(name, value)?.unwrap_or_default(),
                _ => keep(&mut delta.extra, name, value)?,
            }
            Ok(())
        })?;
        Ok(delta)
    }
}

impl Serialize for ToolCallDelta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(index) = self.index {
            map.serialize_entry("index", &index)?;
        }
        if let Some(id) = &self.id {
            map.serialize_entry("id", id)?;
        }
        if let Some(kind) = &self.kind {
            map.serialize_entry("type", kind)?;
        }
        if let Some(function) = &self.function {
            map.serialize_entry("function", function)?;
        }
        with_extra(map, &self.extra)
    }
}

impl Read for ToolCallDelta {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut call = Self::default();
        value.members(|name, value| {
            match name {
                "index" => call.index = value.raw()?.decode().ok(),
                "id" => call.id = known(name, value)?,
                "type" => call.kind = known(name, value)?,
                "function" => call.function = known(name, value)?,
                _ => keep(&mut call.extra, name, value)?,
            }
            Ok(())
        })?;
        Ok(call)
    }
}

impl Serialize for FunctionDelta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = &self.name {
            map.serialize_entry("name", name)?;
        }
        if self.arguments != Arguments::Absent {
            map.serialize_entry("arguments", &self.arguments)?;
        }
        with_extra(map, &self.extra)
    }
}

impl Read for FunctionDelta {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut function = Self::default();
        value.members(|name, value| {
            match name {
                "name" => function.name = known(name, value)?,
                "arguments" => function.arguments = known(name, value)?.unwrap_or_default(),
                _ => keep(&mut function.extra, name, value)?,
            }
            Ok(())
        })?;
        Ok(function)
    }
}

read_by_serde!(Chunk, ChunkChoice, Delta, ToolCallDelta, FunctionDelta);
