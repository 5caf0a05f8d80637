//! A link where there are none yet.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a link reaches a revision without links as something that it knows, and the URI is not lost (T-90)",
    exists: |setting| !setting.has(Features::RESOURCE_LINK),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let result = stage.client().await?.call_tool("link", ()).await?;
    let block = present("a block", result.content.first())?;
    holds("the block is one that the revision knows", matches!(block.kind().as_str(), "text" | "resource"))?;
    holds("the URI is in it", format!("{block:?}").contains("fixture://text"))
}
