//! Who answers what the servers of the matrix ask.

use mcp_client::types::{
    ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
    ElicitationCapability, JsonObject, ListRootsResult, Role, Root, RootsCapability, SamplingCapability,
};
use mcp_client::{ClientHandler, HookFuture, Origin};
use mcp_types::RawJson;
use serde_json::json;

/// A user who is called Ann, and has a model and a directory.
pub(crate) struct Ann;

impl ClientHandler for Ann {
    fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities::new()
            .elicitation(ElicitationCapability::new())
            .sampling(SamplingCapability::new())
            .roots(RootsCapability::new())
    }

    fn elicit(&self, _question: ElicitRequestParams, _origin: Origin) -> HookFuture<'_, ElicitResult> {
        let mut content = JsonObject::new();
        content.insert("name", RawJson::from(json!("Ann")));
        Box::pin(async { Ok(ElicitResult::new("accept").content(content)) })
    }

    fn sample(&self, _question: CreateMessageRequestParams, _origin: Origin) -> HookFuture<'_, CreateMessageResult> {
        Box::pin(async { Ok(CreateMessageResult::new(Role::Assistant, "Paris", "a model")) })
    }

    fn roots(&self, _origin: Origin) -> HookFuture<'_, ListRootsResult> {
        Box::pin(async { Ok(ListRootsResult::new([Root::new("file:///home/ann")])) })
    }
}
