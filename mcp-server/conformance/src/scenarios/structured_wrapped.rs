//! A structure that is no object, where it has to be one.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a structure that is no object is wrapped in one, in the schema and in the result alike (T-84)",
    exists: |setting| setting.has(Features::STRUCTURED_OUTPUT) && !setting.has(Features::STRUCTURED_ANY),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let tools = client.list_tools().await?;
    let tool = present("the tool `list`", tools.iter().find(|tool| tool.name == "list"))?;
    let schema = present("the output schema", tool.output_schema.as_ref())?;
    let schema: Value = schema.decode().unwrap_or_default();
    same("the type in the schema", &schema["type"], &json!("object"))?;
    same("the inner type in the schema", &schema["properties"]["result"]["type"], &json!("array"))?;
    let result = client.call_tool("list", ()).await?;
    same("the structure", result.structured::<Value>()?, json!({ "result": [1, 2, 3] }))?;
    same("the text", result.text().as_str(), "[1,2,3]")
}
