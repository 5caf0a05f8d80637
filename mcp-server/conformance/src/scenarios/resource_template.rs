//! Reading by a template.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a URI that follows a template is read with the values in it, decoded (T-100, T-107)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    for (uri, expected) in
        [("fixture://rows/cats/7", "cats:7"), ("fixture://rows/wild%2Fcats%20%C3%BC/42", "wild/cats ü:42")]
    {
        let read = client.read_resource(uri).await?;
        let [mcp_types::ResourceContents::Text(contents)] = read.contents.as_slice() else {
            return Err(broken("there is one text"));
        };
        same("the URI", contents.uri.as_str(), uri)?;
        same("the media type", contents.mime_type.as_deref(), Some("application/json"))?;
        same("the text", contents.text.as_str(), expected)?;
    }
    Ok(())
}
