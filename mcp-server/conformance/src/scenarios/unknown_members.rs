//! Members that nobody knows.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "members that nobody knows are ignored wherever they stand (T-10)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({ "name": "text", "x-new": { "a": [1] }, "_meta": { "com.example/x": null } }));
    let mut message: Value = serde_json::from_str(&wire.request_text("tools/call", Some(params))).unwrap_or_default();
    message["x-envelope"] = json!("new");
    let reply = wire.ask(message.to_string()).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
