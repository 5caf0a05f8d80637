//! Patience that ends.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a call that takes too long ends with an error of its own, is cancelled, and the connection lives (V-21, T-51)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

use std::time::Duration;

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let call = client.tool("slow").arguments(json!({ "token": "t" })).timeout(Duration::from_millis(60));
    let error = refused("a call that takes too long", call.call().await)?;
    holds("the error is that of a deadline", error.is_timeout())?;
    let over = client.call_tool("count", json!({ "name": "t over", "at_least": 1 })).await?;
    same("how often the handler was dropped", over.text().as_str(), "1")?;
    same("the next text", client.call_tool("text", ()).await?.text().as_str(), fixture::TEXT)
}
