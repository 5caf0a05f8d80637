//! Progress of a call.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "the progress of a call arrives in order, before the answer, with what the revision knows (P-51, T-112)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let mut seen = Vec::new();
    let mut messages = Vec::new();
    let call = client.tool("progress").arguments(json!({ "steps": 5 })).on_progress(|progress| {
        seen.push((progress.progress, progress.total));
        messages.extend(progress.message);
    });
    same("the text", call.call().await?.text().as_str(), "5 steps")?;
    same("the progress", seen, [1.0, 2.0, 3.0, 4.0, 5.0].map(|step| (step, Some(5.0))).to_vec())?;
    let told = if stage.has(Features::PROGRESS_MESSAGE) { 5 } else { 0 };
    same("the messages", messages, vec!["working".to_owned(); told])
}
