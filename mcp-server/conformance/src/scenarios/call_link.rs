//! A tool that names a resource.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a tool names a resource by a link (T-75)",
    exists: |setting| setting.has(Features::RESOURCE_LINK),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let result = stage.client().await?.call_tool("link", ()).await?;
    let Some(mcp_types::ContentBlock::ResourceLink(link)) = result.content.first() else {
        return Err(broken("the block is a link"));
    };
    same("the URI", link.uri.as_str(), "fixture://text")?;
    same("the name", link.name.as_str(), "a text")
}
