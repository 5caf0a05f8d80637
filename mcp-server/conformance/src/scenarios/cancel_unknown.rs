//! Cancellations of nothing.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a cancellation of a request that is not there is ignored, whatever is in it (P-61, T-7)",
    exists: |setting| setting.is_legacy() || !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    for params in [json!({ "requestId": 999 }), json!({ "requestId": "none" }), json!({}), json!({ "requestId": [] })] {
        wire.notify("notifications/cancelled", Some(params)).await?;
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))?;
    same("what came before it", reply.before, Vec::<Value>::new())
}
