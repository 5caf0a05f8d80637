//! A call that the model wants to be made, with arguments of which nothing is known yet.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use crate::members::{Read, keep, known, read_by_serde, with_extra};

/// A call that the model wants to be made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolCall {
    /// The id that the answer must carry. Some providers leave it empty or use one twice.
    pub id: String,
    /// `function` or `custom`; some providers leave it out.
    pub kind: Option<String>,
    /// The function and its arguments, when the call is one of a function.
    pub function: Option<FunctionCall>,
    /// All other members.
    pub extra: JsonObject,
}

impl ToolCall {
    /// Makes a call of a function.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: Arguments) -> Self {
        Self {
            id: id.into(),
            kind: Some("function".to_owned()),
            function: Some(FunctionCall { name: name.into(), arguments, extra: JsonObject::new() }),
            extra: JsonObject::new(),
        }
    }

    /// Returns the name of the function or custom tool that is called.
    pub fn name(&self) -> Option<String> {
        match &self.function {
            Some(function) => Some(function.name.clone()),
            None => self.extra.member("custom")?.decode::<JsonObject>().ok()?.member("name")?.decode().ok(),
        }
    }
}

/// A function's name and arguments.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FunctionCall {
    /// The name of the function.
    pub name: String,
    /// The arguments, as the model wrote them.
    pub arguments: Arguments,
    /// All other members.
    pub extra: JsonObject,
}

/// Arguments as the model wrote them: nothing is known about them yet.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Arguments {
    /// The member is missing or `null`.
    #[default]
    Absent,
    /// A JSON value that is no string; some providers send the object itself.
    Json(RawJson),
    /// A text that should be a JSON object.
    Text(String),
}

impl From<&str> for Arguments {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<RawJson> for Arguments {
    fn from(value: RawJson) -> Self {
        match value.decode() {
            _ if value.is_null() => Self::Absent,
            Ok(text) => Self::Text(text),
            Err(_) => Self::Json(value),
        }
    }
}

impl Read for Arguments {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        Ok(match value.is_string() {
            true => Self::Text(value.string()?),
            false => Self::from(value.raw()?),
        })
    }
}

impl Serialize for Arguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // The member is required where the message goes back to.
            Self::Absent => serializer.serialize_str(""),
            Self::Json(value) => value.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl Serialize for ToolCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        if let Some(kind) = &self.kind {
            map.serialize_entry("type", kind)?;
        }
        if let Some(function) = &self.function {
            map.serialize_entry("function", function)?;
        }
        with_extra(map, &self.extra)
    }
}

impl Read for ToolCall {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut call = Self { id: String::new(), kind: None, function: None, extra: JsonObject::new() };
        value.members(|name, value| {
            match name {
                "id" => call.id = known(name, value)?.unwrap_or_default(),
                "type" => call.kind = known(name, value)?,
                "function" => call.function = known(name, value)?,
                _ => keep(&mut call.extra, name, value)?,
            }
            Ok(())
        })?;
        Ok(call)
    }
}

impl Serialize for FunctionCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("arguments", &self.arguments)?;
        with_extra(map, &self.extra)
    }
}

impl Read for FunctionCall {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut function = Self { name: String::new(), arguments: Arguments::Absent, extra: JsonObject::new() };
        value.members(|name, value| {
            match name {
                "name" => function.name = known(name, value)?.unwrap_or_default(),
                "arguments" => function.arguments = known(name, value)?.unwrap_or_default(),
                _ => keep(&mut function.extra, name, value)?,
            }
            Ok(())
        })?;
        Ok(function)
    }
}

read_by_serde!(ToolCall, FunctionCall);
