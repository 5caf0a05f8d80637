//! Results that are too long.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a result that is too long becomes one that says so, and the connection lives (T-87)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client_of(Fixture::Tight).await?;
    let result = client.call_tool("big", json!({ "bytes": fixture::TIGHT_BYTES })).await?;
    holds("the tool failed", result.failed())?;
    holds("the text says how much is allowed", result.text().contains(&fixture::TIGHT_BYTES.to_string()))?;
    same("the next text", client.call_tool("text", ()).await?.text().as_str(), fixture::TEXT)
}
