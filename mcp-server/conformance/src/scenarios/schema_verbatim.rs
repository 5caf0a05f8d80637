//! Schemas on their way from the server's author to the client's.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "an input schema arrives to the byte, with every keyword that it has (T-81, T-89, T-95)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let tools = client.list_tools().await?;
    let tool = present("the tool `schema`", tools.iter().find(|tool| tool.name == "schema"))?;
    same("the schema", tool.input_schema.as_str(), fixture::SCHEMA)?;
    let reply = stage.wire().await?.request("tools/list", json!({})).await?;
    holds("the schema stands in the message as it was written", reply.text.contains(fixture::SCHEMA))
}
