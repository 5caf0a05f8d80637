//! The level of a session.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "`logging/setLevel` is answered with nothing and holds from then on (P-91, T-111)",
    exists: |setting| setting.has_method("logging/setLevel"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    for (level, expected) in [("emergency", 1), ("debug", 8), ("alert", 2)] {
        let reply = wire.request("logging/setLevel", json!({ "level": level })).await?;
        same("the result", reply.result(), Some(&json!({})))?;
        let reply = wire.call_tool("log", json!({})).await?;
        same(&format!("the messages from {level} on"), reply.before.len(), expected)?;
    }
    Ok(())
}
