//! A structure that is no object.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a structure may be any JSON, and comes with the text of it (T-82, T-83)",
    exists: |setting| setting.has(Features::STRUCTURED_ANY),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let result = stage.client().await?.call_tool("list", ()).await?;
    same("the structure", result.structured::<Value>()?, json!([1, 2, 3]))?;
    same("the text", result.text().as_str(), "[1,2,3]")
}
