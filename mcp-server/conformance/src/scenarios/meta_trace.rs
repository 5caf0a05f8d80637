//! Members of `_meta` that belong to others.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "what a caller adds to the envelope reaches the server beside what the client adds (T-23, P-110)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let client = stage.client().await?;
    let call = client.tool("meta").meta("traceparent", json!(TRACE)).meta("com.example/x", json!({ "a": [1, null] }));
    let meta: Value = serde_json::from_str(&call.call().await?.text()).unwrap_or_default();
    same("the trace", &meta["traceparent"], &json!(TRACE))?;
    same("the other member", &meta["com.example/x"], &json!({ "a": [1, null] }))?;
    let claims = !meta["io.modelcontextprotocol/protocolVersion"].is_null();
    same("whether there is an envelope", claims, stage.has(Features::SESSION_META))
}
