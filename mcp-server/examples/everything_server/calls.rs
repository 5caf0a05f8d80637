//! Tools that show what happens around a call: progress, log messages, mirrored headers, changes, a closed stream.
//!
//! The surprising thing: none of them asks which revision the client speaks. What a revision does not have, such as a
//! stream that can be closed, does nothing there.

use std::time::Duration;

use mcp_server::types::{ClientCapabilities, MissingRequiredClientCapabilityError, SamplingCapability};
use mcp_server::{Args, Changes, Cx, LoggingLevel, RpcError, State, Tool};

pub(crate) fn tools() -> Vec<Tool> {
    vec![
        Tool::new("test_tool_with_progress", progress).description("Reports its progress"),
        Tool::new("test_tool_with_logging", logging).description("Sends log messages"),
        Tool::new("test_logging_tool", logging).description("Sends log messages to those who asked for them"),
        Tool::new("test_custom_header", async |Args(Custom { value }): Args<Custom>| value)
            .description("Returns an argument that is repeated in a header"),
        Tool::new("test_missing_capability", missing_capability).description("Needs a client that can sample"),
        Tool::new("test_reconnection", reconnection).description("Closes its stream before it is done"),
        Tool::new("test_trigger_tool_change", async |changes: State<Changes>| {
            changes.tools();
            "The list of tools changed."
        })
        .description("Says that the list of tools changed"),
        Tool::new("test_trigger_prompt_change", async |changes: State<Changes>| {
            changes.prompts();
            "The list of prompts changed."
        })
        .description("Says that the list of prompts changed"),
    ]
}

async fn progress(cx: Cx) -> &'static str {
    for step in [0.0, 50.0, 100.0] {
        cx.progress(step, 100.0, None).await;
        tokio::time::sleep(PAUSE).await;
    }
    "Done, in three steps."
}

async fn logging(cx: Cx) -> &'static str {
    for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        cx.log(LoggingLevel::Info, message).await;
        tokio::time::sleep(PAUSE).await;
    }
    "Logged three messages."
}

/// Does not keep the client waiting on an open stream: the client is told when to come back for the result (HL-9).
async fn reconnection(cx: Cx) -> &'static str {
    cx.close_stream(PAUSE);
    tokio::time::sleep(2 * PAUSE).await;
    "Done, while nobody was there."
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Custom {
    /// What to return; over HTTP the header `Mcp-Param-Value` repeats it (H-31).
    #[schemars(extend("x-mcp-header" = "Value"))]
    value: String,
}

async fn missing_capability(cx: Cx) -> Result<&'static str, RpcError> {
    if cx.capabilities().sampling.is_some() {
        return Ok("The client can sample.");
    }
    let needed = ClientCapabilities::new().sampling(SamplingCapability::new());
    Err(MissingRequiredClientCapabilityError::new(needed).into())
}

/// How far apart the steps of one call are.
const PAUSE: Duration = Duration::from_millis(50);
