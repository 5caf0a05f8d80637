//! Handlers that take too long.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a handler that takes too long is stopped, and its caller is told (V-21, P-61)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client_of(Fixture::Tight).await?;
    let result = client.call_tool("slow", json!({ "token": "t" })).await?;
    holds("the tool failed", result.failed())?;
    holds("the text says why", result.text().contains("100ms"))?;
    let over = client.call_tool("count", json!({ "name": "t over", "at_least": 1 })).await?;
    same("how often the handler was dropped", over.text().as_str(), "1")
}
