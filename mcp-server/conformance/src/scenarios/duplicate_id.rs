//! The id of a request in flight, again.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a second request with the id of one in flight is refused, and the first goes on (P-3)",
    exists: |setting| setting.is_legacy() || !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let envelope = wire.enveloped(json!({}));
    let call = move |id: &str, name: &str, arguments: Value| {
        let mut params = envelope.clone();
        params["name"] = json!(name);
        params["arguments"] = arguments;
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
    };
    let slow = call("twice", "slow", json!({ "token": "t" }));
    let again = call("twice", "text", json!({}));
    let began = call("began", "count", json!({ "name": "t began", "at_least": 1 }));
    let over = call("over", "count", json!({ "name": "t over", "at_least": 0 }));
    let gone = call("gone", "count", json!({ "name": "t over", "at_least": 1 }));
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "twice" } });
    let cancel = cancel.to_string();
    let (second, alive, gone) = if let Some(http) = wire.http() {
        let rest = async {
            http.post(began.as_bytes(), &[]).await?;
            let second = http.post(again.as_bytes(), &[]).await?;
            let alive = http.post(over.as_bytes(), &[]).await?;
            http.post(cancel.as_bytes(), &[]).await?;
            Ok::<_, crate::wire::WireError>((second, alive, http.post(gone.as_bytes(), &[]).await?))
        };
        tokio::select! {
            rest = rest => rest?,
            // It must not end before, and what it ends with is no concern of this scenario.
            () = async { let _ = http.post(slow.as_bytes(), &[]).await; std::future::pending().await } => return Ok(()),
        }
    } else {
        wire.send(slow.as_bytes()).await?;
        wire.ask(began).await?;
        let second = wire.ask(again).await?;
        let alive = wire.ask(over).await?;
        wire.send(cancel.as_bytes()).await?;
        (second, alive, wire.ask(gone).await?)
    };
    same("the id of the refusal", second.id(), json!("twice"))?;
    same("the refusal", second.code(), Some(ErrorCode::INVALID_REQUEST))?;
    same("how often the first was dropped before", alive.at("/content/0/text"), json!("0"))?;
    same("how often the first was dropped when cancelled", gone.at("/content/0/text"), json!("1"))
}
