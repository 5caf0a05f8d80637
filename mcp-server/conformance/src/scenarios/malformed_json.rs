//! Texts that are no JSON.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a text that is no JSON is answered as a parse error, and the connection lives (T-12, S-8, H-18)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let texts = [
        "{",
        "nonsense",
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}}"#,
        r#"{"jsonrpc":"2.0",}"#,
        "{'id':1}",
        "NaN",
        "\"open",
    ];
    for text in texts {
        let reply = wire.ask(text).await?;
        same(&format!("the error for {text}"), reply.code(), Some(ErrorCode::PARSE))?;
        if stage.is_http() {
            same("the status", reply.status, Some(400))?;
        }
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
