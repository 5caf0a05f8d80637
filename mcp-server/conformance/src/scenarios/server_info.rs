//! Who the server is.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "the client learns the name and the version of the server, in the handshake or in every result (V-23, T-27)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let info = present("the server's introduction", client.server_info())?;
    same("the name", info.name.as_str(), fixture::NAME)?;
    same("the version", info.version.as_str(), fixture::VERSION)
}
