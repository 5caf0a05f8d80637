//! Arguments that do not follow the schema.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "arguments that do not follow the schema give a result that names every fault at once (T-87)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let result = client.call_tool("add", json!({ "a": "one", "bb": 2 })).await?;
    holds("the tool failed", result.failed())?;
    let text = result.text();
    for fault in ["`a`", "`b`", "`bb`"] {
        holds(&format!("{fault} is named in {text:?}"), text.contains(fault.trim_matches('`')))?;
    }
    let sum = client.call_tool("add", json!({ "a": 40, "b": 2 })).await?.into_ok();
    same("the sum of what is right", sum.map(|result| result.text()), Ok("42".to_owned()))
}
