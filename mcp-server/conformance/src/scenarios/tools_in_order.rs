//! The list of tools.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "tools are listed in a fixed order with what is published of them (T-80, T-88)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let tools = client.list_tools().await?;
    let names: Vec<_> = tools.iter().map(|tool| tool.name.clone()).collect();
    same("the first tools", names.get(..3), Some(&["text", "image", "audio"].map(str::to_owned)[..]))?;
    same("the last tool", names.last().map(String::as_str), Some("count"))?;
    let again: Vec<_> = client.list_tools().await?.into_iter().map(|tool| tool.name).collect();
    same("the order of a second list", again, names)?;
    let text = present("the tool `text`", tools.first())?;
    same("the description", text.description.as_deref(), Some("Gives a text"))
}
