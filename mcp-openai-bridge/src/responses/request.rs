//! A request to `/v1/responses`.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::Item;
use crate::members::{Read, optional, read_by_serde, required, with_extra};

/// A request to `/v1/responses`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The model.
    pub model: String,
    /// The conversation so far, or what is new in it when `previous_response_id` stands in `extra`.
    pub input: Vec<Item>,
    /// Tools; those of MCP servers are added by a [`Turn`](crate::turn::Turn).
    pub tools: Vec<RawJson>,
    /// Which tools the model may or must use.
    pub tool_choice: Option<RawJson>,
    /// All other members: `instructions`, `previous_response_id`, `stream`, …
    pub extra: JsonObject,
}

impl Request {
    /// Makes a request.
    pub fn new(model: impl Into<String>, input: impl Into<Vec<Item>>) -> Self {
        let (model, input) = (model.into(), input.into());
        Self { model, input, tools: Vec::new(), tool_choice: None, extra: JsonObject::new() }
    }

    pub(crate) fn with<'a>(&'a self, extra: &'a JsonObject) -> With<'a> {
        With { request: self, extra }
    }

    /// Returns the names of the request's own functions and custom tools, also those in a namespace.
    pub fn tool_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for tool in &self.tools {
            add_names(tool, &mut names, 0);
        }
        names
    }
}

fn add_names(tool: &RawJson, names: &mut Vec<String>, depth: usize) {
    let Ok(members) = tool.decode::<JsonObject>() else { return };
    let text = |name: &str| members.member(name).and_then(|value| value.decode::<String>().ok());
    match text("type").as_deref() {
        Some("custom" | "function") => names.extend(text("name")),
        Some("namespace") if depth == 0 => {
            let tools: Vec<RawJson> = members.member("tools").and_then(|tools| tools.decode().ok()).unwrap_or_default();
            for tool in &tools {
                add_names(tool, names, depth + 1);
            }
        }
        _ => {}
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
        let Request { model, input, tools, tool_choice, extra: _ } = self.request;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", model)?;
        map.serialize_entry("input", input)?;
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
        let mut members = JsonObject::read(value)?;
        let input: Option<RawJson> = optional(&mut members, "input")?;
        Ok(Self {
            model: required(&mut members, "model")?,
            input: match input {
                Some(input) => read_input(&input)?,
                None => Vec::new(),
            },
            tools: optional(&mut members, "tools")?.unwrap_or_default(),
            tool_choice: optional(&mut members, "tool_choice")?,
            extra: members,
        })
    }
}

read_by_serde!(Request);

/// A text is short for one message of the user.
fn read_input(input: &RawJson) -> Result<Vec<Item>, Error> {
    match input.decode::<String>() {
        Ok(text) => Ok(vec![Item::user(text)]),
        Err(_) => Read::read_raw(input).map_err(|error| Error::custom(format_args!("`input`: {error}"))),
    }
}
