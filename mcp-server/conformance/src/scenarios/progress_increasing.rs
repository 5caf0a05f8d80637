//! A handler whose progress goes back.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "progress only ever increases, whatever the handler says (P-51, P-52)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let mut seen = Vec::new();
    client.tool("backwards").on_progress(|progress| seen.push(progress.progress)).call().await?;
    same("the progress", seen, vec![1.0, 5.0, 7.5])
}
