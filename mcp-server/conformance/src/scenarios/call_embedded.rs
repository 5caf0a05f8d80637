//! A tool that gives a resource in place.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a tool gives the contents of a resource in place (T-75, T-78)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let result = stage.client().await?.call_tool("embedded", ()).await?;
    let Some(mcp_types::ContentBlock::Resource(block)) = result.content.first() else {
        return Err(broken("the block is a resource"));
    };
    let mcp_types::ResourceContents::Text(contents) = &block.resource else {
        return Err(broken("the resource is a text"));
    };
    same("the URI", contents.uri.as_str(), "fixture://embedded")?;
    same("the text", contents.text.as_str(), "This is embedded.")
}
