//! The tools that are measured, as the README writes tools.

use mcp_server::{Args, Cx, Error, Server, ServerBuilder, Tool, implementation};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Progress {
    n: u32,
}

async fn echo(Args(Echo { text }): Args<Echo>) -> String {
    text
}

async fn progress(Args(Progress { n }): Args<Progress>, cx: Cx) -> &'static str {
    for step in 1..=n {
        cx.progress(step.into(), f64::from(n), None).await;
    }
    "done"
}

/// Makes the server of the README, with `echo`, `progress` and so many more tools. Lists have pages that hold them all;
/// every other setting is the default.
///
/// # Errors
///
/// Never, unless the tools clash.
pub fn server(more: usize) -> Result<Server, Error> {
    builder(more).build()
}

/// Says how that server is made, for a program that changes a setting.
#[must_use]
pub fn builder(more: usize) -> ServerBuilder {
    let echo_tool = Tool::new("echo", echo).description("Returns what it is given");
    let progress_tool = Tool::new("progress", progress).description("Tells how far it has come, and then `done`");
    let tools = (0..more).map(|index| Tool::new(format!("tool_{index}"), echo).description("Returns what it is given"));
    tools
        .fold(Server::builder(implementation!()).tool(echo_tool).tool(progress_tool), |builder, tool| builder.tool(tool))
        // So that the list is one answer, as it is with the peers.
        .page_size(more + 2)
}
