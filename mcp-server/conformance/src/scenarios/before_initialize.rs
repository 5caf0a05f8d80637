//! Requests before the handshake.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a request before the handshake is refused, and the handshake still works (V-15, V-43)",
    exists: |setting| setting.has_method("initialize"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.silent_wire(Fixture::Full).await?;
    for method in ["tools/list", "logging/setLevel"] {
        let reply = wire.request(method, json!({ "level": "info" })).await?;
        if stage.is_http() {
            holds("the status is one of a refusal", reply.status.is_some_and(|status| (400..500).contains(&status)))?;
        } else {
            same(method, reply.code(), Some(ErrorCode::INVALID_REQUEST))?;
        }
    }
    wire.shake_hands().await?;
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
