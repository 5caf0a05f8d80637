//! Reading what is made at every reading.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a resource is read anew every time where the server does not allow to keep it (P-70, P-72)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    for reading in 1..=3 {
        let read = client.read_resource("fixture://made").await?;
        let [mcp_types::ResourceContents::Text(contents)] = read.contents.as_slice() else {
            return Err(broken("there is one text"));
        };
        same("the text", contents.text.as_str(), format!("reading {reading}").as_str())?;
    }
    Ok(())
}
