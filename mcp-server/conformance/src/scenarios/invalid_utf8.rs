//! Bytes that are no text.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "bytes that are no UTF-8 and surrogates without a partner are parse errors, and the connection lives (T-1, T-12)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let texts: [&[u8]; 4] = [
        b"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/list\",\"x\":\"\xff\xfe\"}",
        b"\xc3\x28",
        br#"{"jsonrpc":"2.0","id":5,"method":"tools/list","x":"\ud83e"}"#,
        br#"{"jsonrpc":"2.0","id":5,"method":"tools/list","x":"\udd80\ud83e"}"#,
    ];
    for text in texts {
        let reply = wire.ask(text).await?;
        let shown = String::from_utf8_lossy(text);
        same(&format!("the error for {shown}"), reply.code(), Some(ErrorCode::PARSE))?;
        if shown.contains("\"id\"") {
            same(&format!("the id for {shown}"), reply.id(), json!(5))?;
        }
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
