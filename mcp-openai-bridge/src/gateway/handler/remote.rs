//! A tool that a server has: one in this process, or the Python child.

use async_trait::async_trait;
use mcp_client::Client;
use mcp_types::{CallToolResult, RawJson, ResultMeta};

use super::Handler;
use crate::driver::CallContext;
use crate::turn::Failure;

/// A tool of a server.
pub(super) struct Remote {
    pub(super) client: Client,
    /// The server's name for it.
    pub(super) tool: String,
}

#[async_trait]
impl Handler for Remote {
    async fn call(&self, arguments: RawJson, cx: &CallContext<'_>) -> Result<CallToolResult, Failure> {
        let call = self.client.tool(self.tool.as_str()).raw_arguments(arguments);
        let result = call.on_progress(|progress| cx.progress(progress)).call().await;
        let mut result = result?.into_inner();
        if let Some(meta) = &mut result.meta {
            // Who answers is the gateway.
            meta.server_info = None;
        }
        result.meta = result.meta.filter(|meta| *meta != ResultMeta::new());
        Ok(result)
    }
}
