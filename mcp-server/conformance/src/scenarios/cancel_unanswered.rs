//! Answers to what was cancelled.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "nothing more is sent for a request that was cancelled (P-61)",
    exists: |setting| !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({ "name": "slow", "arguments": { "token": "t" } }));
    let slow = json!({ "jsonrpc": "2.0", "id": "slow", "method": "tools/call", "params": params });
    wire.send(slow.to_string().as_bytes()).await?;
    wire.call_tool("count", json!({ "name": "t began", "at_least": 1 })).await?;
    wire.notify("notifications/cancelled", Some(json!({ "requestId": "slow", "reason": "enough" }))).await?;
    let counted = wire.call_tool("count", json!({ "name": "t over", "at_least": 1 })).await?;
    same("how often the handler was dropped", counted.at("/content/0/text"), json!("1"))?;
    let line = present("the pipe", wire.line())?;
    same("what the server still sends", line.end().await?, Vec::<String>::new())
}
