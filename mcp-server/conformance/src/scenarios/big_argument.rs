//! Large arguments.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "an argument of a mebibyte arrives and comes back (S-1)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let arguments = json!({ "big": "ü".repeat(512 * 1024) });
    let result = client.call_tool("echo", &arguments).await?;
    let text = result.text();
    let expected = arguments.to_string();
    same("the length", text.len(), expected.len())?;
    holds("the text is the same", text == expected)
}
