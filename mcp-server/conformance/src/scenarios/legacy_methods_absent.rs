//! What the modern era no longer has.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "the methods of the legacy era are not found in the modern one (V-20, V-44, H-18)",
    exists: |setting| !setting.has_method("initialize"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let requests = [
        ("initialize", json!({ "protocolVersion": stage.revision.as_str(), "capabilities": {}, "clientInfo": {} })),
        ("ping", json!({})),
        ("logging/setLevel", json!({ "level": "info" })),
        ("resources/subscribe", json!({ "uri": "fixture://text" })),
        ("resources/unsubscribe", json!({ "uri": "fixture://text" })),
    ];
    for (method, params) in requests {
        let reply = wire.request(method, params).await?;
        same(method, reply.code(), Some(ErrorCode::METHOD_NOT_FOUND))?;
        if stage.is_http() {
            same("the status", reply.status, Some(404))?;
        }
    }
    let error = refused("a ping", stage.client().await?.ping().await)?;
    holds("the client knows that there is no ping", matches!(error, mcp_client::Error::Misuse(_)))
}
