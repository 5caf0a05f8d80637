//! The tokens of progress.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "progress repeats the token of the request, with its JSON type (P-50, T-112)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    for token in [json!("a token"), json!(""), json!("7"), json!(7), json!(0), json!(-3)] {
        let params = json!({ "name": "progress", "arguments": { "steps": 2 }, "_meta": { "progressToken": token } });
        let reply = wire.request("tools/call", params).await?;
        let tokens: Vec<_> = reply.before.iter().map(|told| told["params"]["progressToken"].clone()).collect();
        same("the tokens", tokens, vec![token; 2])?;
    }
    Ok(())
}
