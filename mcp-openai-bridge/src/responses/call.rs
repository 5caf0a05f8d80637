//! Calls of functions and their outputs, as items.

use mcp_types::{JsonObject, RawJson};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use crate::chat::Arguments;
use crate::members::{optional, required, text_json, with_extra};

/// A call of a function that the model wants to be made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FunctionCall {
    /// The id that the output must carry.
    pub call_id: String,
    /// The name of the function.
    pub name: String,
    /// The arguments, as the model wrote them.
    pub arguments: Arguments,
    /// The namespace that the function was offered in.
    pub namespace: Option<String>,
    /// All other members: `id`, `status`, …
    pub extra: JsonObject,
}

impl FunctionCall {
    /// The `type` of the item.
    pub const KIND: &'static str = "function_call";

    /// Makes a call.
    pub fn new(call_id: impl Into<String>, name: impl Into<String>, arguments: Arguments) -> Self {
        let (call_id, name) = (call_id.into(), name.into());
        Self { call_id, name, arguments, namespace: None, extra: JsonObject::new() }
    }

    pub(super) fn from_members(mut members: JsonObject) -> Result<Self, Error> {
        Ok(Self {
            call_id: optional(&mut members, "call_id")?.unwrap_or_default(),
            name: optional(&mut members, "name")?.unwrap_or_default(),
            arguments: members.take("arguments").map(Arguments::from).unwrap_or_default(),
            namespace: optional(&mut members, "namespace")?,
            extra: members,
        })
    }
}

impl Serialize for FunctionCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", Self::KIND)?;
        map.serialize_entry("call_id", &self.call_id)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("arguments", &self.arguments)?;
        if let Some(namespace) = &self.namespace {
            map.serialize_entry("namespace", namespace)?;
        }
        with_extra(map, &self.extra)
    }
}

/// The answer to a call of a function.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FunctionCallOutput {
    /// The id of the call that is answered.
    pub call_id: String,
    /// A text, or a list of `input_text`, `input_image` and `input_file` parts.
    pub output: RawJson,
    /// All other members.
    pub extra: JsonObject,
}

impl FunctionCallOutput {
    /// The `type` of the item.
    pub const KIND: &'static str = "function_call_output";

    /// Makes an output from JSON: a text, or a list of parts.
    pub fn new(call_id: impl Into<String>, output: RawJson) -> Self {
        Self { call_id: call_id.into(), output, extra: JsonObject::new() }
    }

    /// Makes an output from a text.
    pub fn text(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(call_id, text_json(text))
    }

    pub(super) fn from_members(mut members: JsonObject) -> Result<Self, Error> {
        Ok(Self {
            call_id: required(&mut members, "call_id")?,
            output: members.take("output").unwrap_or_default(),
            extra: members,
        })
    }
}

impl Serialize for FunctionCallOutput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", Self::KIND)?;
        map.serialize_entry("call_id", &self.call_id)?;
        map.serialize_entry("output", &self.output)?;
        with_extra(map, &self.extra)
    }
}

/// Lets an item be read by itself, and not only as one of a list.
macro_rules! read_item {
    ($($item:ty),+ $(,)?) => {
        $(impl $crate::members::Read for $item {
            fn read(value: mcp_types::json::Unread<'_, '_>) -> Result<Self, serde_json::Error> {
                let mut members = <mcp_types::JsonObject as $crate::members::Read>::read(value)?;
                // Whoever asks for this type knows it already.
                members.take("type");
                Self::from_members(members)
            }
        })+
        $crate::members::read_by_serde!($($item),+);
    };
}
pub(super) use read_item;

read_item!(FunctionCall, FunctionCallOutput);
