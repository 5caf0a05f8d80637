//! Large results.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a result of a mebibyte arrives whole, and the next call works (S-1)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let result = client.call_tool("big", json!({ "bytes": 1024 * 1024 })).await?;
    same("the length", result.text().len(), 1024 * 1024)?;
    same("the next text", client.call_tool("text", ()).await?.text().as_str(), fixture::TEXT)
}
