//! Who the client is.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "the server learns the name and the capabilities of the client (V-10, V-31, T-27)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let capabilities = mcp_types::ClientCapabilities::new().roots(mcp_types::RootsCapability::new());
    let client = stage.connect(stage.builder().capabilities(capabilities), Fixture::Full).await?;
    let caller = client.call_tool("caller", ()).await?.text();
    let caller: Value = serde_json::from_str(&caller).unwrap_or_default();
    same("the name", &caller["client"], &json!(crate::stage::CLIENT))?;
    same("whether it has roots", &caller["roots"], &json!(true))
}
