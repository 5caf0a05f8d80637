//! The calls of one request: from the label and the name that its client gave to the server and its tool.

use async_trait::async_trait;
use mcp_types::{CallToolResult, RawJson};

use super::plan::{Plan, Routes};
use crate::driver::{CallContext, Tools};
use crate::gateway::Gateway;
use crate::turn::Failure;

/// Makes the calls of one request.
#[derive(Debug)]
pub(super) struct Routed {
    gateway: Gateway,
    routes: Routes,
}

impl Routed {
    pub(super) fn new(gateway: Gateway, plan: Plan) -> Self {
        Self { gateway, routes: plan.into_routes() }
    }
}

#[async_trait]
impl Tools for Routed {
    async fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        let Some((server, tool)) = self.routes.get(&(server.to_owned(), tool.to_owned())) else {
            return Err(Failure::Protocol { code: -32602, message: "the tool is not one of this request".to_owned() });
        };
        self.gateway.call(server, tool, arguments, cx).await
    }
}
