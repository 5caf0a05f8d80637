//! A second handshake.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a second handshake in a session is refused, and the session goes on (V-18)",
    exists: |setting| setting.has_method("initialize"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = json!({
        "protocolVersion": stage.revision.as_str(),
        "capabilities": {},
        "clientInfo": { "name": "again", "version": "1" },
    });
    let reply = wire.request("initialize", params).await?;
    same("the error", reply.code(), Some(ErrorCode::INVALID_REQUEST))?;
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
