//! Two sessions at once.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "what one session says is not heard in another (HL-7, P-91)",
    exists: |setting| setting.is_legacy(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let (mut loud, mut quiet) = (stage.wire().await?, stage.wire().await?);
    loud.request("logging/setLevel", json!({ "level": "debug" })).await?;
    quiet.request("logging/setLevel", json!({ "level": "emergency" })).await?;
    let (loud, quiet) = tokio::join!(loud.call_tool("log", json!({})), quiet.call_tool("log", json!({})));
    same("the messages of the one", loud?.before.len(), 8)?;
    same("the messages of the other", quiet?.before.len(), 1)
}
