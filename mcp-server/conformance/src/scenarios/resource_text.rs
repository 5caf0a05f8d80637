//! Reading a text.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a text is read with its URI, its media type and every character (T-78, T-101)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let read = stage.client().await?.read_resource("fixture://text").await?;
    let [mcp_types::ResourceContents::Text(contents)] = read.contents.as_slice() else {
        return Err(broken("there is one text"));
    };
    same("the URI", contents.uri.as_str(), "fixture://text")?;
    same("the media type", contents.mime_type.as_deref(), Some("text/plain"))?;
    same("the text", contents.text.as_str(), fixture::TEXT)
}
