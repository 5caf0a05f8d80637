//! Patience that ends in spite of progress.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "progress keeps a call alive, but not beyond the whole time that it has (V-21)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

use std::time::Duration;

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let call = client.tool("slow").arguments(json!({ "token": "t" })).total_timeout(Duration::from_millis(60));
    let error = refused("a call that takes too long", call.call().await)?;
    holds("the error is that of a deadline", error.is_timeout())?;
    holds("the error says what was waited for", error.to_string().contains("tools/call"))
}
