//! Levels that there are not.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a level that there is not is refused as invalid params (T-26, P-91)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let reply = if stage.has_method("logging/setLevel") {
        wire.request("logging/setLevel", json!({ "level": "loud" })).await?
    } else {
        let meta = json!({ "io.modelcontextprotocol/logLevel": "loud" });
        wire.request("tools/call", json!({ "name": "text", "_meta": meta })).await?
    };
    same("the error", reply.code(), Some(ErrorCode::INVALID_PARAMS))
}
