//! Many calls at once.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "sixty-four calls at once each get their own answer (T-6, S-9)",
    exists: everywhere,
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client().await?;
    let calls = (0..64).map(|nonce| {
        let client = client.clone();
        async move {
            let arguments = json!({ "nonce": nonce, "padding": "x".repeat(nonce * 50) });
            let result = client.call_tool("echo", arguments.clone()).await?;
            same("the answer", serde_json::from_str::<Value>(&result.text()).unwrap_or_default(), arguments)
        }
    });
    futures::future::try_join_all(calls).await.map(drop)
}
