//! The end of a connection.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "closing ends the connection for every clone, and what is asked afterwards fails (S-6, V-22)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let other = client.clone();
    other.call_tool("text", ()).await?;
    client.close().await;
    let error = refused("a call after the end", other.call_tool("text", ()).await)?;
    holds(&format!("the error says that the connection is over: {error}"), error.is_closed())
}
