//! Subscriptions of a session.

use std::time::Duration;

use crate::failure::Failure;
use crate::prelude::*;
use crate::wire::Wire;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a server that declares subscriptions to resources tells when one changes, and another refuses them (P-41, P-42, T-62)",
    exists: |setting| setting.has_method("resources/subscribe") && !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

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
    let told = match touched.before.into_iter().find(is_update) {
        Some(told) => told,
        None => first_update(&mut wire).await?,
    };
    same("of which resource", &told["params"]["uri"], &json!("fixture://text"))?;
    same("the result of the end", wire.request("resources/unsubscribe", uri).await?.result(), Some(&json!({})))?;
    let touched = wire.call_tool("touch", json!({})).await?;
    let next = wire.call_tool("text", json!({})).await?;
    // The session still hears of its lists, and of nothing else.
    let told = touched.before.into_iter().chain(next.before);
    let others: Vec<_> = told.filter(|told| !is_list_change(told)).collect();
    same("what is told after the end", others, Vec::<Value>::new())
}

/// Waits for the update, which may come after the answer and after what is told of the lists.
async fn first_update(wire: &mut Wire) -> Result<Value, Failure> {
    let line = present("the pipe", wire.line())?;
    let update = async {
        loop {
            let told = line.message().await?;
            if is_update(&told) {
                return Ok(told);
            }
        }
    };
    // What never comes is waited for only so long.
    let told = tokio::time::timeout(Duration::from_secs(3), update).await;
    told.map_err(|_| broken("a change is told within three seconds"))?
}

fn is_list_change(told: &Value) -> bool {
    told["method"].as_str().is_some_and(|method| method.ends_with("/list_changed"))
}

fn is_update(told: &Value) -> bool {
    told["method"] == "notifications/resources/updated"
}
