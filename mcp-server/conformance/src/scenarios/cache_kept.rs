//! Results that may be kept.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a result that may be kept is asked for once, and where the revision cannot say so every time (P-70, P-71, P-72)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client_of(Fixture::Cached).await?;
    for reading in 1..=3 {
        let read = client.read_resource("fixture://made").await?;
        let [mcp_types::ResourceContents::Text(contents)] = read.contents.as_slice() else {
            return Err(broken("there is one text"));
        };
        let made = if stage.has(Features::CACHE_HINTS) { 1 } else { reading };
        same("the text", contents.text.as_str(), format!("reading {made}").as_str())?;
    }
    let other = stage.client_of(Fixture::Cached).await?;
    holds("nothing is kept for another client", !other.read_resource("fixture://made").await?.contents.is_empty())
}
