//! One MCP server, used the way the documents of LiteLLM's client use it, under natural names.
//!
//! | there | here |
//! |---|---|
//! | `MCPClient(server_url=…, transport_type=…)` | [`McpClient::http`], [`McpClient::sse`], [`McpClient::stdio`] |
//! | `auth_type`, `auth_value`, `auth_header_name`, `extra_headers` | [`Auth`], [`McpClient::header`] |
//! | `ssl_verify` | [`McpClient::tls`] |
//! | `run_with_session(operation)` | [`McpClient::run_with_session`] |
//! | `load_mcp_tools(session, format="openai")` | [`load_mcp_tools`] |
//! | `call_mcp_tool`, `call_openai_tool` | [`call_mcp_tool`], [`call_openai_tool`] |
//! | `transform_mcp_tool_to_openai_tool` | [`to_openai_tool`], [`to_responses_tool`] |
//! | `transform_openai_tool_call_request_to_mcp_tool_call_request` | [`to_mcp_call`] |
//! | lists that are empty on errors | [`Graceful`] |
//!
//! The surprising thing: a session is opened for each operation, as it is there. A program that calls more than once in a
//! while uses [`servers`](crate::servers), which keep their connections.

mod auth;
mod convert;
mod error;
mod graceful;
mod session;
mod settings;

pub use auth::{Auth, AuthKind};
pub use convert::{to_mcp_call, to_openai_tool, to_responses_tool};
pub use error::Error;
pub use graceful::Graceful;
pub use session::{
    Format, Session, call_mcp_tool, call_mcp_tool_with_progress, call_openai_tool, call_responses_tool, load_mcp_tools,
};
pub use settings::McpClient;
