//! A response that came in one piece, or that a stream ended with.

use mcp_types::JsonObject;
use mcp_types::json::Unread;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::{FunctionCall, Item, Message};
use crate::chat::Usage;
use crate::members::{Read, optional, read_by_serde, required};

/// A response of the model.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Response {
    /// The id, by which the next request can follow.
    pub id: String,
    /// What the model did and said, in its order.
    pub output: Vec<Item>,
    /// Tokens used.
    pub usage: Option<Usage>,
    /// `completed`, `failed`, `in_progress`, `cancelled`, `queued` or `incomplete`.
    pub status: Option<String>,
    /// All other members: `created_at`, `error`, `incomplete_details`, …
    pub extra: JsonObject,
}

impl Response {
    /// Makes a response that is completed.
    pub fn new(id: impl Into<String>, output: impl Into<Vec<Item>>) -> Self {
        let (id, output) = (id.into(), output.into());
        Self { id, output, usage: None, status: Some("completed".to_owned()), extra: JsonObject::new() }
    }

    /// Returns the texts of all messages together.
    pub fn text(&self) -> String {
        self.messages().map(Message::text).collect()
    }

    /// Returns what the model said instead of an answer that it refuses to give.
    pub fn refusal(&self) -> Option<String> {
        self.messages().find_map(Message::refusal)
    }

    /// Returns why the response has failed, in the words of the provider.
    pub fn failure(&self) -> Option<String> {
        super::assembler::failure(&self.extra)
    }

    /// Returns the calls of functions, in their order.
    pub fn calls(&self) -> impl Iterator<Item = &FunctionCall> {
        self.output.iter().filter_map(|item| match item {
            Item::FunctionCall(call) => Some(call),
            _ => None,
        })
    }

    fn messages(&self) -> impl Iterator<Item = &Message> {
        self.output.iter().filter_map(|item| match item {
            Item::Message(message) => Some(message),
            _ => None,
        })
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        for (name, value) in self.extra.iter() {
            map.serialize_entry(name, value)?;
        }
        if let Some(status) = &self.status {
            map.serialize_entry("status", status)?;
        }
        map.serialize_entry("output", &self.output)?;
        map.serialize_entry("usage", &self.usage)?;
        map.end()
    }
}

impl Read for Response {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut members = JsonObject::read(value)?;
        Ok(Self {
            id: optional(&mut members, "id")?.unwrap_or_default(),
            output: required(&mut members, "output")?,
            usage: optional(&mut members, "usage")?,
            status: optional(&mut members, "status")?,
            extra: members,
        })
    }
}

read_by_serde!(Response);
