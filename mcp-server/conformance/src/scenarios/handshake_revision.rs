//! What a client and a server agree on.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a client that speaks one revision agrees on it with a server that speaks all (V-11, V-23, V-32, V-34)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    same("the revision", client.revision(), stage.revision)?;
    let caller = client.call_tool("caller", ()).await?.text();
    let caller: Value = serde_json::from_str(&caller).unwrap_or_default();
    same("the revision as the server sees it", &caller["revision"], &json!(stage.revision.as_str()))
}
