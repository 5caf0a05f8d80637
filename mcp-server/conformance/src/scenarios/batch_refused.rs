//! Batches where there are none.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a batch is an invalid request where the revision has none, and an empty one everywhere (T-9, V-52)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({}));
    let one = wire.request_text("tools/list", Some(params));
    let mut texts = vec!["[]".to_owned()];
    if !stage.has(Features::BATCH) {
        texts.extend([format!("[{one}]"), format!("[{one},{one}]")]);
    }
    for text in texts {
        let reply = wire.ask(&text).await?;
        same(&format!("the error for {text}"), reply.code(), Some(ErrorCode::INVALID_REQUEST))?;
        if stage.is_http() {
            same("the status", reply.status, Some(400))?;
        }
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
