//! Calls that are given up.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "dropping a call cancels it in the server, and the connection lives (P-61, S-5, H-16, HL-5)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let count = |name: &str| client.call_tool("count", json!({ "name": name, "at_least": 1 }));
    tokio::select! {
        outcome = client.call_tool("slow", json!({ "token": "t" })) => {
            let outcome = format!("{outcome:?}");
            return Err(broken(format!("a call that never ends must not end with {outcome}")));
        }
        began = count("t began") => { began?; }
    }
    same("how often the handler was dropped", count("t over").await?.text().as_str(), "1")?;
    same("the next text", client.call_tool("text", ()).await?.text().as_str(), fixture::TEXT)
}
