//! A tool that gives a structure.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a structure arrives as data and as text, and follows the schema that is published (T-82, T-83)",
    exists: |setting| setting.has(Features::STRUCTURED_OUTPUT),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let tools = client.list_tools().await?;
    let tool = present("the tool `structured`", tools.iter().find(|tool| tool.name == "structured"))?;
    let schema = present("the output schema", tool.output_schema.as_ref())?;
    let schema: Value = schema.decode().unwrap_or_default();
    same("the required members", &schema["required"], &json!(["city", "degrees"]))?;
    let result = client.call_tool("structured", ()).await?;
    let expected = json!({ "city": "Zürich", "degrees": 21.5 });
    same("the structure", result.structured::<Value>()?, expected.clone())?;
    same("the text", serde_json::from_str::<Value>(&result.text()).unwrap_or_default(), expected)
}
