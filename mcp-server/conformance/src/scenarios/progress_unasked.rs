//! Progress that nobody asked for.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "no progress is sent for a request without a token (P-51)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let reply = stage.wire().await?.call_tool("progress", json!({ "steps": 3 })).await?;
    same("the text", reply.at("/content/0/text"), json!("3 steps"))?;
    same("the messages before the answer", reply.before, Vec::<Value>::new())
}
