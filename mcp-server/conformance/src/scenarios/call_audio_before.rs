//! A recording where there are none yet.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a recording reaches a revision without recordings as something that it knows (T-90)",
    exists: |setting| !setting.has(Features::AUDIO),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let result = stage.client().await?.call_tool("audio", ()).await?;
    let block = present("a block", result.content.first())?;
    holds("the block is one that the revision knows", matches!(block.kind().as_str(), "text" | "image" | "resource"))
}
