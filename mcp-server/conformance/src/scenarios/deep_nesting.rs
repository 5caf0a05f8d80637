//! Texts that are nested without end.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a text that is nested too deep is answered with its id, and the connection lives (T-12, T-6)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    for depth in [200, 100_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let text = format!(r#"{{"jsonrpc":"2.0","id":"deep","method":"tools/list","params":{{"x":{open}{close}}}}}"#);
        let reply = wire.ask(text).await?;
        holds("it is refused", matches!(reply.code(), Some(ErrorCode::PARSE | ErrorCode::INVALID_REQUEST)))?;
        same("the id", reply.id(), json!("deep"))?;
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
