//! More requests than run at once.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "requests beyond those that may run at once wait for their turn, and all are answered (S-10)",
    exists: |setting| !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let client = stage.client_of(Fixture::Tight).await?;
    let calls = (0..32).map(|nonce| {
        let client = client.clone();
        async move {
            let result = client.call_tool("progress", json!({ "steps": nonce })).await?;
            same("the answer", result.text(), format!("{nonce} steps"))
        }
    });
    futures::future::try_join_all(calls).await.map(drop)
}
