//! One item of an input or of an output.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};
use serde::de::Error as _;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::mcp::{ApprovalRequest, ApprovalResponse, ListTools, McpCall};
use super::{FunctionCall, FunctionCallOutput, Message};
use crate::members::{Read, read_by_serde};

/// One item of an input or of an output.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// A call of a function, `function_call`.
    FunctionCall(FunctionCall),
    /// The answer to one, `function_call_output`.
    FunctionCallOutput(FunctionCallOutput),
    /// A call of an MCP tool that waits for an approval, `mcp_approval_request`.
    McpApprovalRequest(ApprovalRequest),
    /// The answer to it, `mcp_approval_response`.
    McpApprovalResponse(ApprovalResponse),
    /// A call of an MCP tool that was made where the model is, `mcp_call`.
    McpCall(McpCall),
    /// The tools of an MCP server, `mcp_list_tools`.
    McpListTools(ListTools),
    /// A message.
    Message(Message),
    /// Any other item, such as `reasoning`, byte for byte.
    Other(RawJson),
}

impl Item {
    /// Makes a message of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self::Message(Message::user(text))
    }

    /// Returns the `type` of the item; empty if it has none.
    pub fn kind(&self) -> String {
        match self {
            Self::FunctionCall(_) => FunctionCall::KIND.to_owned(),
            Self::FunctionCallOutput(_) => FunctionCallOutput::KIND.to_owned(),
            Self::McpApprovalRequest(_) => ApprovalRequest::KIND.to_owned(),
            Self::McpApprovalResponse(_) => ApprovalResponse::KIND.to_owned(),
            Self::McpCall(_) => McpCall::KIND.to_owned(),
            Self::McpListTools(_) => ListTools::KIND.to_owned(),
            Self::Message(_) => Message::KIND.to_owned(),
            Self::Other(raw) => raw_member(raw, "type").unwrap_or_default(),
        }
    }

    /// Returns the `id` of the item, which is not the `call_id` of a call.
    pub fn id(&self) -> Option<String> {
        let extra = match self {
            Self::FunctionCall(item) => &item.extra,
            Self::FunctionCallOutput(item) => &item.extra,
            Self::McpApprovalRequest(item) => return Some(item.id.clone()),
            Self::McpApprovalResponse(item) => &item.extra,
            Self::McpCall(item) => return Some(item.id.clone()),
            Self::McpListTools(item) => return Some(item.id.clone()),
            Self::Message(item) => &item.extra,
            Self::Other(raw) => return raw_member(raw, "id"),
        };
        extra.member("id")?.decode().ok()
    }
}

fn raw_member(raw: &RawJson, name: &str) -> Option<String> {
    let [value] = raw.members([name]).ok()?;
    value?.decode().ok()
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::FunctionCall(item) => item.serialize(serializer),
            Self::FunctionCallOutput(item) => item.serialize(serializer),
            Self::McpApprovalRequest(item) => item.serialize(serializer),
            Self::McpApprovalResponse(item) => item.serialize(serializer),
            Self::McpCall(item) => item.serialize(serializer),
            Self::McpListTools(item) => item.serialize(serializer),
            Self::Message(item) => item.serialize(serializer),
            Self::Other(raw) => raw.serialize(serializer),
        }
    }
}

impl Read for Item {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let raw = value.raw()?;
        let mut members = JsonObject::of(&raw).or_else(|_| raw.decode())?;
        let kind = members.take("type").and_then(|kind| kind.decode::<String>().ok());
        let item = match kind.as_deref() {
            Some(FunctionCall::KIND) => FunctionCall::from_members(members).map(Self::FunctionCall),
            Some(FunctionCallOutput::KIND) => FunctionCallOutput::from_members(members).map(Self::FunctionCallOutput),
            Some(ApprovalRequest::KIND) => ApprovalRequest::from_members(members).map(Self::McpApprovalRequest),
            Some(ApprovalResponse::KIND) => ApprovalResponse::from_members(members).map(Self::McpApprovalResponse),
            Some(McpCall::KIND) => McpCall::from_members(members).map(Self::McpCall),
            Some(ListTools::KIND) => ListTools::from_members(members).map(Self::McpListTools),
            Some(Message::KIND) => Message::from_members(members).map(Self::Message),
            // The short form of a message has no type.
            None if members.member("role").is_some() => Message::from_members(members).map(Self::Message),
            _ => return Ok(Self::Other(raw)),
        };
        item.map_err(|error| {
            Error::custom(format_args!("an item of type `{}`: {error}", kind.as_deref().unwrap_or("message")))
        })
    }
}

read_by_serde!(Item);

macro_rules! from_items {
    ($($variant:ident($item:ty)),+ $(,)?) => {$(
        impl From<$item> for Item {
            fn from(item: $item) -> Self {
                Self::$variant(item)
            }
        }
    )+};
}

from_items!(
    FunctionCall(FunctionCall),
    FunctionCallOutput(FunctionCallOutput),
    McpApprovalRequest(ApprovalRequest),
    McpApprovalResponse(ApprovalResponse),
    McpCall(McpCall),
    McpListTools(ListTools),
    Message(Message),
);
