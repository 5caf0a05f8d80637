//! Calls without arguments.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "arguments may be absent, and must be an object when they are not (T-87, T-8)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let reply = wire.request("tools/call", json!({ "name": "text" })).await?;
    same("the text without arguments", reply.at("/content/0/text"), json!(fixture::TEXT))?;
    for arguments in [json!([]), json!("a"), json!(7)] {
        let reply = wire.call_tool("text", arguments.clone()).await?;
        same(&format!("the error for {arguments}"), reply.code(), Some(ErrorCode::INVALID_PARAMS))?;
    }
    Ok(())
}
