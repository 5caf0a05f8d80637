//! How to use the server.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "the client learns the instructions of the server (V-23, T-152)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    same("the instructions", client.instructions().as_deref(), Some(fixture::INSTRUCTIONS))
}
