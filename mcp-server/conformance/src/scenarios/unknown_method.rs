//! A method that nobody knows.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a method that nobody knows is not found, and the connection lives (T-11, H-18)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let outcome = client.call_raw("nobody/knows", RawJson::empty_object()).await;
    refused_with("an unknown method", outcome, ErrorCode::METHOD_NOT_FOUND)?;
    client.call_tool("text", ()).await?;

    let reply = stage.wire().await?.request("nobody/knows", json!({})).await?;
    same("the error", reply.code(), Some(ErrorCode::METHOD_NOT_FOUND))?;
    if stage.is_http() && !stage.is_legacy() {
        same("the status", reply.status, Some(404))?;
    }
    Ok(())
}
