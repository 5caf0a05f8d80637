//! A tool that is not there.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "calling a tool that is not there is refused as invalid params (T-87, H-19)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let error = refused_with("an unknown tool", client.call_tool("imagee", ()).await, ErrorCode::INVALID_PARAMS)?;
    holds("the message names the tool", error.message.contains("imagee"))
}
