//! A tool that fails.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a tool that fails gives a result that the model can read, and no error of the protocol (T-87)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let result = stage.client().await?.call_tool("error", ()).await?;
    holds("the tool failed", result.failed())?;
    same("the reason", result.text().as_str(), "the tool intentionally fails")?;
    let failed = refused("taking the result for a success", result.into_ok())?;
    same("the message", failed.to_string().as_str(), "the tool failed: the tool intentionally fails")
}
