//! A subscription over HTTP.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a subscription over HTTP is a stream that begins with the acknowledgement and goes on with changes (H-13, P-30, P-31)",
    exists: |setting| setting.has_method("subscriptions/listen") && setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let params = wire.enveloped(json!({ "notifications": { "promptsListChanged": true } }));
    let listen = json!({ "jsonrpc": "2.0", "id": 77, "method": "subscriptions/listen", "params": params });
    let mut stream = present("HTTP", wire.http())?.stream(listen.to_string().as_bytes()).await?;
    let acknowledged = stream.message().await?;
    same("the first message", &acknowledged["method"], &json!("notifications/subscriptions/acknowledged"))?;
    wire.call_tool("touch", json!({})).await?;
    let told = stream.message().await?;
    same("what is told", &told["method"], &json!("notifications/prompts/list_changed"))?;
    for message in [&acknowledged, &told] {
        let of = &message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
        same("whose it is", of, &json!(77))?;
    }
    Ok(())
}
