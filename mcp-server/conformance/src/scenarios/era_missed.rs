//! Clients and servers without a common era.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a client and a server without a common revision part with an error that says so (V-12, V-36, V-66)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

use mcp_client::{Client, EraMode};
use mcp_types::Implementation;

async fn run(stage: &Stage) -> Verdict {
    for (mode, fixture) in [(EraMode::Legacy, Fixture::ModernOnly), (EraMode::Modern, Fixture::LegacyOnly)] {
        let builder = Client::builder(Implementation::new("finder", "1")).era(mode);
        let outcome = builder.connect(stage.target(fixture).await?).await;
        let error = refused(&format!("{mode:?} with {fixture:?}"), outcome)?;
        let is_typed = matches!(error, mcp_client::Error::Unsupported(_));
        holds(&format!("{mode:?} with {fixture:?} has no common revision: {error}"), is_typed)?;
    }
    Ok(())
}
