//! A slow call and a fast one.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a call that takes long does not hold up another (S-9, S-10)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    // The first waits for what only the second does, so it ends only if the second overtakes it.
    let waiting = client.call_tool("count", json!({ "name": "made", "at_least": 1 }));
    let (waited, read) = tokio::join!(waiting, client.read_resource("fixture://made"));
    same("what was waited for", waited?.text().as_str(), "1")?;
    same("what was read", read?.contents.len(), 1)
}
