//! The lists of resources and templates.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "resources and templates are listed with what is published of them (T-100)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let resources = client.list_resources().await?;
    let uris: Vec<_> = resources.iter().map(|resource| resource.uri.as_str()).collect();
    same("the URIs", uris, vec!["fixture://text", "fixture://blob", "fixture://made"])?;
    let text = present("the text resource", resources.first())?;
    same("the media type", text.mime_type.as_deref(), Some("text/plain"))?;
    same("the size", text.size, Some(fixture::TEXT.len() as u64))?;
    same("whether there is a title", text.title.is_some(), stage.has(Features::TITLE))?;
    let templates = client.list_resource_templates().await?;
    let templates: Vec<_> = templates.iter().map(|template| template.uri_template.as_str()).collect();
    same("the templates", templates, vec!["fixture://rows/{table}/{number}"])
}
