//! A handler that goes on after its answer.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "nothing is sent for a request after its answer (P-51, P-52, P-90)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let meta = json!({ "progressToken": "late" });
    let reply = wire.request("tools/call", json!({ "name": "late", "_meta": meta })).await?;
    same("the messages before the answer", reply.before.len(), 1)?;
    let told = reply.before.first().map(|told| told["params"]["progress"].as_f64());
    same("the progress before the answer", told, Some(Some(1.0)))?;
    // By then the handler has told everything that it has to tell.
    let counted = wire.call_tool("count", json!({ "name": "late", "at_least": 1 })).await?;
    same("the count", counted.at("/content/0/text"), json!("1"))?;
    same("the messages after the answer", counted.before, Vec::<Value>::new())?;
    let next = wire.call_tool("text", json!({})).await?;
    same("the messages after that", next.before, Vec::<Value>::new())
}
