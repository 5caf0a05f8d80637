//! A tool that gives a text.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a tool gives a text, with every character of it (T-75, T-13)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let result = stage.client().await?.call_tool("text", ()).await?;
    same("the text", result.text().as_str(), fixture::TEXT)?;
    same("the number of blocks", result.content.len(), 1)?;
    holds("the tool did not fail", !result.failed())
}
