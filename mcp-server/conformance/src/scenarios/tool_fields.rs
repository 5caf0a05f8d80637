//! What a tool may show in which revision.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a list of tools has the members that the revision knows and not the later ones (T-80, T-90)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let reply = stage.wire().await?.request("tools/list", json!({})).await?;
    same("whether there is a title", !reply.at("/tools/0/title").is_null(), stage.has(Features::TITLE))?;
    let has_hint = reply.at("/tools/0/annotations/readOnlyHint") == json!(true);
    same("whether there are annotations", has_hint, stage.has(Features::TOOL_ANNOTATIONS))?;
    let tools = reply.at("/tools");
    let structured = tools.as_array().into_iter().flatten().find(|tool| tool["name"] == "structured");
    let structured = present("the tool `structured`", structured)?;
    let has_schema = !structured["outputSchema"].is_null();
    same("whether there is an output schema", has_schema, stage.has(Features::STRUCTURED_OUTPUT))
}
