//! Lists in pages.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "every list is read whole over its pages, each entry once and in order (P-80, P-81)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client_of(Fixture::Paged).await?;
    let named = |kind: &str| (0..fixture::ENTRIES).map(|at| format!("{kind}_{at}")).collect::<Vec<_>>();
    let tools: Vec<_> = client.list_tools().await?.into_iter().map(|tool| tool.name).collect();
    same("the tools", tools, named("tool"))?;
    let prompts: Vec<_> = client.list_prompts().await?.into_iter().map(|prompt| prompt.name).collect();
    same("the prompts", prompts, named("prompt"))?;
    let resources: Vec<_> = client.list_resources().await?.into_iter().map(|resource| resource.name).collect();
    same("the resources", resources, named("resource"))?;

    let mut cursor = None;
    let mut sizes = Vec::new();
    loop {
        let page = client.list_tools_page(cursor).await?;
        sizes.push(page.tools.len());
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    same("the sizes of the pages", sizes, vec![fixture::PAGE, fixture::PAGE, fixture::ENTRIES - 2 * fixture::PAGE])
}
