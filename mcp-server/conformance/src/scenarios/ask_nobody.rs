//! Questions that nobody answers.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a client that declares nothing is asked nothing: the call fails and the connection lives (P-11, T-60)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client_of(Fixture::Asking).await?;
    match client.call_tool("greet", ()).await {
        Ok(result) => holds("the tool says that it failed", result.into_ok().is_err())?,
        Err(error) => holds("the server answers with an error", error.rpc().is_some())?,
    }
    client.list_tools().await?;
    Ok(())
}
