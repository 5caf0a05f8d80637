//! The end of the input.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "what was asked before the end of the input is answered, and then the server leaves (S-6, S-1)",
    exists: |setting| !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({ "name": "big", "arguments": { "bytes": 300_000 } }));
    let texts = [wire.request_text("tools/call", Some(params.clone())), wire.request_text("tools/call", Some(params))];
    for text in &texts {
        wire.send(text.as_bytes()).await?;
    }
    let line = present("the pipe", wire.line())?;
    same("the number of answers", line.end().await?.len(), 2)?;
    let left = line.exit().await?;
    holds("a process leaves without an error", left != Some(false))
}
