//! The form of an answer.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "an answer is JSON, and a stream only when something is told before it (H-13, H-14, HL-3)",
    exists: |setting| setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let plain = wire.call_tool("text", json!({})).await?;
    holds(
        "a plain answer is JSON",
        plain.header("content-type").is_some_and(|media| media.starts_with("application/json")),
    )?;
    let params = json!({ "name": "progress", "arguments": { "steps": 2 }, "_meta": { "progressToken": 1 } });
    let told = wire.request("tools/call", params).await?;
    let media = told.header("content-type").unwrap_or_default();
    holds(&format!("an answer with progress is a stream and not {media}"), media.starts_with("text/event-stream"))?;
    same("the number of notifications", told.before.len(), 2)?;
    holds("a stream is not cached", told.header("cache-control").is_some_and(|cache| cache.contains("no-cache")))
}
