//! A structure where there are none yet.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a structure reaches a revision without structures as its text (T-90)",
    exists: |setting| !setting.has(Features::STRUCTURED_OUTPUT),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let reply = wire.call_tool("structured", json!({})).await?;
    same("the structure", reply.at("/structuredContent"), Value::Null)?;
    let text = reply.at("/content/0/text");
    let text = serde_json::from_str::<Value>(text.as_str().unwrap_or_default()).unwrap_or_default();
    same("the text", text, json!({ "city": "Zürich", "degrees": 21.5 }))
}
