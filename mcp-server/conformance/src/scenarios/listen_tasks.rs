//! Subscriptions to tasks.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a subscription to tasks by a client that does not have them is refused with what it lacks (P-38, V-35)",
    exists: |setting| setting.has_method("subscriptions/listen"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let reply = wire.request("subscriptions/listen", json!({ "notifications": { "taskIds": ["t"] } })).await?;
    same("the error", reply.code(), Some(ErrorCode::MISSING_CLIENT_CAPABILITY))?;
    let lacks = reply.error().map(|error| error["data"]["requiredCapabilities"].clone()).unwrap_or_default();
    same("what it lacks", lacks, json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } }))
}
