//! Versions that nobody speaks, in a handshake.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a handshake for a version that is not served agrees on the latest legacy one (V-11, V-3)",
    exists: |setting| setting.has_method("initialize"),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    for version in ["1999-01-01", "2099-01-01", mcp_types::Revision::LATEST.as_str(), "", "v1"] {
        let mut wire = stage.silent_wire(Fixture::Full).await?;
        let reply = wire.initialize(version).await?;
        let latest = mcp_types::Revision::LATEST_LEGACY.as_str();
        same(&format!("the answer to {version:?}"), reply.at("/protocolVersion"), json!(latest))?;
    }
    let reply = stage.silent_wire(Fixture::Full).await?.initialize(stage.revision.as_str()).await?;
    same("the answer to the revision", reply.at("/protocolVersion"), json!(stage.revision.as_str()))
}
