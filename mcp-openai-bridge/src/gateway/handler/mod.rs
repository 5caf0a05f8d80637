//! What runs when a tool of the file is called.

use std::fmt;

use mcp_types::{CallToolResult, ErrorCode, RawJson};

use super::config::Config;
use crate::driver::CallContext;
use crate::turn::Failure;

/// Rust functions that handlers of the file may name.
#[derive(Debug, Default)]
pub struct Registry {}

/// The handlers of a file.
#[derive(Clone, Debug)]
pub struct Handlers {}

/// Why a handler cannot be started.
#[derive(Debug)]
pub struct StartError {}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a handler cannot be started")
    }
}

impl std::error::Error for StartError {}

impl Handlers {
    #[allow(clippy::unused_async, missing_docs, clippy::missing_errors_doc)]
    pub async fn start(_config: &Config, _registry: Registry) -> Result<Self, StartError> {
        Ok(Self {})
    }

    #[allow(clippy::unused_async, missing_docs, clippy::missing_errors_doc)]
    pub async fn call(&self, tool: &str, _: RawJson, _: &CallContext<'_>) -> Result<CallToolResult, Failure> {
        let message = format!("`{tool}` has no handler yet");
        Err(Failure::Protocol { code: ErrorCode::INTERNAL.0, message })
    }

    #[allow(clippy::unused_async, missing_docs)]
    pub async fn close(&self) {}
}
