//! Messages that are too long.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a message that is too long is answered with its id where it can be read, and the connection lives (T-6, H-18)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.silent_wire(Fixture::Tight).await?;
    wire.shake_hands().await?;
    let padding = "x".repeat(fixture::TIGHT_BYTES);
    let text = format!(r#"{{"jsonrpc":"2.0","id":"long","method":"tools/list","params":{{"x":"{padding}"}}}}"#);
    let reply = wire.ask(text).await?;
    if stage.is_http() {
        same("the status", reply.status, Some(413))?;
    } else {
        same("the id", reply.id(), json!("long"))?;
        same("the error", reply.code(), Some(ErrorCode::INVALID_REQUEST))?;
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
