//! The items of the tool `{"type": "mcp"}`: calls that are made where the model is, and not by the client.
//!
//! The surprising thing: the error of a call is typed, so that a tool that failed, a server that refused the call and a
//! server that could not be reached can be told apart.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Error;

use super::call::read_item;
use crate::chat::Arguments;
use crate::members::{Read, optional, read_by_serde, required, with_extra};

/// The tools of a server, as the model saw them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ListTools {
    /// The id of the item.
    pub id: String,
    /// The label of the server.
    pub server_label: String,
    /// The tools.
    pub tools: Vec<ListedTool>,
    /// Why they could not be listed.
    pub error: Option<String>,
    /// All other members.
    pub extra: JsonObject,
}

impl ListTools {
    /// The `type` of the item.
    pub const KIND: &'static str = "mcp_list_tools";

    /// Makes a list.
    pub fn new(id: impl Into<String>, server_label: impl Into<String>, tools: impl Into<Vec<ListedTool>>) -> Self {
        let (id, server_label, tools) = (id.into(), server_label.into(), tools.into());
        Self { id, server_label, tools, error: None, extra: JsonObject::new() }
    }

    /// Makes the item of a server whose tools could not be listed.
    pub fn failed(id: impl Into<String>, server_label: impl Into<String>, error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::new(id, server_label, []) }
    }

    pub(super) fn from_members(mut members: JsonObject) -> Result<Self, Error> {
        Ok(Self {
            id: optional(&mut members, "id")?.unwrap_or_default(),
            server_label: required(&mut members, "server_label")?,
            tools: optional(&mut members, "tools")?.unwrap_or_default(),
            error: optional(&mut members, "error")?,
            extra: members,
        })
    }
}

impl Serialize for ListTools {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("type", Self::KIND)?;
        map.serialize_entry("server_label", &self.server_label)?;
        map.serialize_entry("tools", &self.tools)?;
        map.serialize_entry("error", &self.error)?;
        with_extra(map, &self.extra)
    }
}

/// One tool of a list.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ListedTool {
    /// The name that the server gave it.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The schema of its arguments, as the server sent it.
    pub input_schema: RawJson,
    /// Its annotations, such as `readOnlyHint`, as the server sent them.
    pub annotations: Option<RawJson>,
    /// All other members.
    pub extra: JsonObject,
}

impl ListedTool {
    /// Makes a tool.
    pub fn new(name: impl Into<String>, input_schema: RawJson) -> Self {
        let extra = JsonObject::new();
        Self { name: name.into(), description: None, input_schema, annotations: None, extra }
    }
}

impl From<&mcp_types::Tool> for ListedTool {
    fn from(tool: &mcp_types::Tool) -> Self {
        Self {
            description: tool.description.clone(),
            annotations: tool.annotations.as_ref().and_then(|annotations| RawJson::encode(annotations).ok()),
            ..Self::new(tool.name.clone(), tool.input_schema.clone())
        }
    }
}

impl Serialize for ListedTool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("description", &self.description)?;
        map.serialize_entry("input_schema", &self.input_schema)?;
        map.serialize_entry("annotations", &self.annotations)?;
        with_extra(map, &self.extra)
    }
}

impl Read for ListedTool {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut members = JsonObject::read(value)?;
        Ok(Self {
            name: required(&mut members, "name")?,
            description: optional(&mut members, "description")?,
            input_schema: members.take("input_schema").unwrap_or_else(RawJson::empty_object),
            annotations: optional(&mut members, "annotations")?,
            extra: members,
        })
    }
}

/// A call that was made where the model is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct McpCall {
    /// The id of the item.
    pub id: String,
    /// The label of the server.
    pub server_label: String,
    /// The name that the server gave the tool.
    pub name: String,
    /// The arguments, as the model wrote them.
    pub arguments: Arguments,
    /// What the tool answered.
    pub output: Option<String>,
    /// Why there is no answer, or that the tool failed.
    pub error: Option<CallError>,
    /// `in_progress`, `calling`, `completed`, `incomplete` or `failed`.
    pub status: Option<String>,
    /// The request by which the call was approved.
    pub approval_request_id: Option<String>,
    /// All other members.
    pub extra: JsonObject,
}

impl McpCall {
    /// The `type` of the item.
    pub const KIND: &'static str = "mcp_call";

    /// Makes a call that is in progress.
    pub fn new(
        id: impl Into<String>,
        server_label: impl Into<String>,
        name: impl Into<String>,
        arguments: Arguments,
    ) -> Self {
        Self {
            id: id.into(),
            server_label: server_label.into(),
            name: name.into(),
            arguments,
            output: None,
            error: None,
            status: Some("in_progress".to_owned()),
            approval_request_id: None,
            extra: JsonObject::new(),
        }
    }

    /// Sets what the tool answered; the call is completed.
    #[must_use]
    pub fn completed(self, output: impl Into<String>) -> Self {
        Self { output: Some(output.into()), status: Some("completed".to_owned()), ..self }
    }

    /// Sets why the call failed.
    #[must_use]
    pub fn failed(self, error: CallError) -> Self {
        Self { error: Some(error), status: Some("failed".to_owned()), ..self }
    }

    pub(super) fn from_members(mut members: JsonObject) -> Result<Self, Error> {
        Ok(Self {
            id: optional(&mut members, "id")?.unwrap_or_default(),
            server_label: required(&mut members, "server_label")?,
            name: required(&mut members, "name")?,
            arguments: members.take("arguments").map(Arguments::from).unwrap_or_default(),
            output: optional(&mut members, "output")?,
            error: optional(&mut members, "error")?,
            status: optional(&mut members, "status")?,
            approval_request_id: optional(&mut members, "approval_request_id")?,
            extra: members,
        })
    }
}

impl Serialize for McpCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("type", Self::KIND)?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("server_label", &self.server_label)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("arguments", &self.arguments)?;
        map.serialize_entry("output", &self.output)?;
        map.serialize_entry("error", &self.error)?;
        map.serialize_entry("approval_request_id", &self.approval_request_id)?;
        with_extra(map, &self.extra)
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallError {
    /// The tool itself failed: its result has `isError`.
    Execution {
        /// The content of the result.
        content: RawJson,
    },
    /// The server could not be reached, or did not answer as it should.
    Http {
        /// A status of HTTP, or 0 when there is none.
        code: i64,
        /// What happened.
        message: String,
    },
    /// An error of a kind that is not known here; older responses have a text.
    Other(RawJson),
    /// The server refused the call.
    Protocol {
        /// The code of JSON-RPC.
        code: i64,
        /// The message.
        message: String,
    },
}

impl Serialize for CallError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, code, message) = match self {
            Self::Execution { content } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("type", EXECUTION_ERROR)?;
                map.serialize_entry("content", content)?;
                return map.end();
            }
            Self::Http { code, message } => (HTTP_ERROR, code, message),
            Self::Other(raw) => return raw.serialize(serializer),
            Self::Protocol { code, message } => (PROTOCOL_ERROR, code, message),
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("type", kind)?;
        map.serialize_entry("code", code)?;
        map.serialize_entry("message", message)?;
        map.end()
    }
}

impl Read for CallError {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let raw = value.raw()?;
        let Ok(mut members) = JsonObject::of(&raw) else { return Ok(Self::Other(raw)) };
        let kind: Option<String> = optional(&mut members, "type")?;
        match kind.as_deref() {
            Some(EXECUTION_ERROR) => Ok(Self::Execution { content: members.take("content").unwrap_or_default() }),
            Some(HTTP_ERROR) => {
                Ok(Self::Http { code: required(&mut members, "code")?, message: required(&mut members, "message")? })
            }
            Some(PROTOCOL_ERROR) => Ok(Self::Protocol {
                code: required(&mut members, "code")?,
                message: required(&mut members, "message")?,
            }),
            _ => Ok(Self::Other(raw)),
        }
        .map_err(|error: Error| Error::custom(format_args!("`error`: {error}")))
    }
}

read_by_serde!(ListedTool, CallError);

/// A call that waits for an approval.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ApprovalRequest {
    /// The id of the item, by which it is answered.
    pub id: String,
    /// The label of the server.
    pub server_label: String,
    /// The name that the server gave the tool.
    pub name: String,
    /// The arguments, as the model wrote them.
    pub arguments: Arguments,
    /// All other members.
    pub extra: JsonObject,
}

impl ApprovalRequest {
    /// The `type` of the item.
    pub const KIND: &'static str = "mcp_approval_request";

    /// Makes a request.
    pub fn new(
        id: impl Into<String>,
        server_label: impl Into<String>,
        name: impl Into<String>,
        arguments: Arguments,
    ) -> Self {
        let (id, server_label, name) = (id.into(), server_label.into(), name.into());
        Self { id, server_label, name, arguments, extra: JsonObject::new() }
    }

    pub(super) fn from_members(mut members: JsonObject) -> Result<Self, Error> {
        Ok(Self {
            id: required(&mut members, "id")?,
            server_label: required(&mut members, "server_label")?,
            name: required(&mut members, "name")?,
            arguments: members.take("arguments").map(Arguments::from).unwrap_or_default(),
            extra: members,
        })
    }
}

impl Serialize for ApprovalRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("type", Self::KIND)?;
        map.serialize_entry("server_label", &self.server_label)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("arguments", &self.arguments)?;
        with_extra(map, &self.extra)
    }
}

/// The answer to a call that waits for an approval.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ApprovalResponse {
    /// The id of the request that is answered.
    pub approval_request_id: String,
    /// Whether the call may be made.
    pub approve: bool,
    /// Why.
    pub reason: Option<String>,
    /// All other members.
    pub extra: JsonObject,
}

impl ApprovalResponse {
    /// The `type` of the item.
    pub const KIND: &'static str = "mcp_approval_response";

    /// Makes the answer that the call may be made.
    pub fn approved(approval_request_id: impl Into<String>) -> Self {
        let approval_request_id = approval_request_id.into();
        Self { approval_request_id, approve: true, reason: None, extra: JsonObject::new() }
    }

    /// Makes the answer that the call may not be made.
    pub fn denied(approval_request_id: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { approve: false, reason: Some(reason.into()), ..Self::approved(approval_request_id) }
    }

    pub(super) fn from_members(mut members: JsonObject) -> Result<Self, Error> {
        Ok(Self {
            approval_request_id: required(&mut members, "approval_request_id")?,
            approve: required(&mut members, "approve")?,
            reason: optional(&mut members, "reason")?,
            extra: members,
        })
    }
}

impl Serialize for ApprovalResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", Self::KIND)?;
        map.serialize_entry("approval_request_id", &self.approval_request_id)?;
        map.serialize_entry("approve", &self.approve)?;
        if let Some(reason) = &self.reason {
            map.serialize_entry("reason", reason)?;
        }
        with_extra(map, &self.extra)
    }
}

read_item!(ListTools, McpCall, ApprovalRequest, ApprovalResponse);

const EXECUTION_ERROR: &str = "mcp_tool_execution_error";
const HTTP_ERROR: &str = "http_error";
const PROTOCOL_ERROR: &str = "mcp_protocol_error";
