//! A message, as an item.

use mcp_types::{JsonObject, RawJson};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::call::read_item;
use crate::members::{required, text_json, with_extra};

/// A message of the user, of the developer or of the model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks: `assistant`, `developer`, `system` or `user`.
    pub role: String,
    /// A text, or a list of parts.
    pub content: RawJson,
    /// All other members: `id`, `status`, `phase`, …
    pub extra: JsonObject,
}

impl Message {
    /// The `type` of the item.
    pub const KIND: &'static str = "message";

    /// Makes a message with a text.
    pub fn new(role: impl Into<String>, text: impl Into<String>) -> Self {
        Self { role: role.into(), content: text_json(text), extra: JsonObject::new() }
    }

    /// Makes a message of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new("user", text)
    }

    /// Returns the text of the message: its content, or the texts among its parts.
    pub fn text(&self) -> String {
        self.parts("text")
    }

    /// Returns what the model said instead of an answer that it refuses to give.
    pub fn refusal(&self) -> Option<String> {
        let refusal = self.parts("refusal");
        (!refusal.is_empty() && !self.content.as_str().starts_with('"')).then_some(refusal)
    }

    fn parts(&self, member: &str) -> String {
        if let Ok(text) = self.content.decode::<String>() {
            return text;
        }
        let parts: Vec<JsonObject> = self.content.decode().unwrap_or_default();
        parts.iter().filter_map(|part| part.member(member)?.decode::<String>().ok()).collect()
    }

    pub(super) fn from_members(mut members: JsonObject) -> Result<Self, Error> {
        Ok(Self {
            role: required(&mut members, "role")?,
            content: members.take("content").unwrap_or_default(),
            extra: members,
        })
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", Self::KIND)?;
        map.serialize_entry("role", &self.role)?;
        map.serialize_entry("content", &self.content)?;
        with_extra(map, &self.extra)
    }
}

read_item!(Message);
