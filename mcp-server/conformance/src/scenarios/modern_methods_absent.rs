//! What the legacy era does not have yet.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "the methods of the modern era are not found in a legacy session (T-11, V-16)",
    exists: |setting| !setting.has_method("server/discover"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    for method in ["server/discover", "subscriptions/listen"] {
        let reply = wire.request(method, json!({})).await?;
        same(method, reply.code(), Some(ErrorCode::METHOD_NOT_FOUND))?;
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
