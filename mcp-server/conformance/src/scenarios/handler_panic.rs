//! Handlers that panic.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a handler that panics is answered without what it said, and the next call works (T-12)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    for _ in 0..3 {
        let error = refused_with("a panic", client.call_tool("panic", ()).await, ErrorCode::INTERNAL)?;
        holds("the message names the tool", error.message.contains("`panic`"))?;
        holds("the message says nothing of the inside", !format!("{error:?}").contains("xyzzy"))?;
    }
    same("the next text", client.call_tool("text", ()).await?.text().as_str(), fixture::TEXT)
}
