//! Subscriptions.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a subscription is acknowledged first, under the id of its request, and ends when it is cancelled (P-30, P-31, P-35)",
    exists: |setting| setting.has_method("subscriptions/listen") && !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    for id in [json!("listen"), json!(0)] {
        let params = wire.enveloped(json!({ "notifications": { "toolsListChanged": true } }));
        let listen = json!({ "jsonrpc": "2.0", "id": id, "method": "subscriptions/listen", "params": params });
        wire.send(listen.to_string().as_bytes()).await?;
        let told = present("the pipe", wire.line())?.message().await?;
        same("the first message", &told["method"], &json!("notifications/subscriptions/acknowledged"))?;
        let of = &told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
        same("whose it is", of, &id)?;
        same("what is honoured", &told["params"]["notifications"], &json!({ "toolsListChanged": true }))?;
        wire.notify("notifications/cancelled", Some(json!({ "requestId": id }))).await?;
    }
    let reply = wire.call_tool("text", json!({})).await?;
    same("the text", reply.at("/content/0/text"), json!(fixture::TEXT))
}
