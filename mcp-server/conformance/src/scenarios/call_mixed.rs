//! A tool that gives blocks of several kinds.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "the blocks of a result keep their order (T-75)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let result = stage.client().await?.call_tool("mixed", ()).await?;
    let kinds: Vec<_> = result.content.iter().map(|block| block.kind()).collect();
    same("the kinds", kinds, ["text", "image", "resource", "text"].map(str::to_owned).to_vec())?;
    same("the texts", result.text().as_str(), "first\nlast")
}
