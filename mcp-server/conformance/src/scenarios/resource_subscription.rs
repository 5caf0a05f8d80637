//! Subscriptions of a session.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a server that declares subscriptions to resources tells when one changes, and another refuses them (P-41, P-42, T-62)",
    exists: |setting| setting.has_method("resources/subscribe") && !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

use std::time::Duration;

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.silent_wire(Fixture::Full).await?;
    let opened = present("the answer to the handshake", wire.shake_hands().await?)?;
    let is_declared = opened["result"]["capabilities"]["resources"]["subscribe"] == json!(true);
    let uri = json!({ "uri": "fixture://text" });
    let reply = wire.request("resources/subscribe", uri.clone()).await?;
    if !is_declared {
        return same("the error", reply.code(), Some(ErrorCode::METHOD_NOT_FOUND));
    }
    same("the result", reply.result(), Some(&json!({})))?;
    let touched = wire.call_tool("touch", json!({})).await?;
    let told = match touched.before.into_iter().find(|told| told["method"] == "notifications/resources/updated") {
        Some(told) => told,
        None => {
            // It may come after the answer; what never comes is waited for only so long.
            let line = present("the pipe", wire.line())?;
            let told = tokio::time::timeout(Duration::from_secs(3), line.message()).await;
            told.map_err(|_| broken("a change is told within three seconds"))??
        }
    };
    same("what is told", &told["method"], &json!("notifications/resources/updated"))?;
    same("of which resource", &told["params"]["uri"], &json!("fixture://text"))?;
    same("the result of the end", wire.request("resources/unsubscribe", uri).await?.result(), Some(&json!({})))?;
    let touched = wire.call_tool("touch", json!({})).await?;
    let next = wire.call_tool("text", json!({})).await?;
    same("what is told after the end", [touched.before, next.before].concat(), Vec::<Value>::new())
}
