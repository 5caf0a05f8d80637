//! Much progress.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "of a thousand notifications of progress none is lost (P-51, S-10)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let mut seen = Vec::new();
    let call = client.tool("progress").arguments(json!({ "steps": 1000 }));
    let result = call.on_progress(|progress| seen.push(progress.progress)).call().await?;
    same("the text", result.text().as_str(), "1000 steps")?;
    same("the number of notifications", seen.len(), 1000)?;
    same("the progress", seen, (1..=1000).map(f64::from).collect::<Vec<_>>())
}
