//! Notifications over HTTP.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a notification is accepted without a body (H-12, HL-3)",
    exists: |setting| setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let text =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }).to_string();
    let version = stage.revision.as_str();
    let modern = [("MCP-Protocol-Version", Some(version))];
    let other: &[_] = if stage.is_legacy() { &[] } else { &modern };
    let reply = present("HTTP", wire.http())?.post(text.as_bytes(), other).await?;
    same("the status", reply.status, Some(202))?;
    same("the body", reply.response, None)
}
