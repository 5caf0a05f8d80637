//! How a client finds the era of a server.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a client that may speak everything finds the best revision that the server has (V-60, V-61, V-62)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

use mcp_client::{Client, EraMode};
use mcp_types::{Implementation, Revision};

async fn run(stage: &Stage) -> Verdict {
    let rows = [
        (EraMode::Auto, Fixture::Full, Revision::LATEST),
        (EraMode::Auto, Fixture::ModernOnly, Revision::LATEST),
        (EraMode::Auto, Fixture::LegacyOnly, Revision::LATEST_LEGACY),
        (EraMode::Legacy, Fixture::Full, Revision::LATEST_LEGACY),
        (EraMode::Modern, Fixture::ModernOnly, Revision::LATEST),
    ];
    for (mode, fixture, expected) in rows {
        let builder = Client::builder(Implementation::new("finder", "1")).era(mode);
        let client = stage.connect(builder, fixture).await?;
        same(&format!("{mode:?} with {fixture:?}"), client.revision(), expected)?;
        same("the text", client.call_tool("text", ()).await?.text().as_str(), fixture::TEXT)?;
    }
    Ok(())
}
