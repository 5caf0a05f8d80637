//! JSON that is no message.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a value that is no message is an invalid request, and the connection lives (T-4, T-8, T-12)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let texts = [
        "42",
        "\"text\"",
        "null",
        "{}",
        r#"{"id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#,
    ];
    for text in texts {
        let reply = wire.ask(text).await?;
        same(&format!("the error for {text}"), reply.code(), Some(ErrorCode::INVALID_REQUEST))?;
        if stage.is_http() {
            same("the status", reply.status, Some(400))?;
        }
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
