//! What a subscription tells.

use crate::prelude::*;

pub(crate) const SCENARIO: Scenario = Scenario {
    proves: "a subscription tells what was asked for and nothing else, each time under its id (P-31, P-32, P-33, P-36)",
    exists: |setting| setting.has_method("subscriptions/listen") && !setting.is_http(),
    run: |stage| Box::pin(run(stage)),
};

async fn run(stage: &Stage) -> Verdict {
    let mut wire = stage.wire().await?;
    let wanted =
        json!({ "toolsListChanged": true, "promptsListChanged": false, "resourceSubscriptions": ["fixture://text"] });
    let params = wire.enveloped(json!({ "notifications": wanted }));
    let listen = json!({ "jsonrpc": "2.0", "id": "L", "method": "subscriptions/listen", "params": params });
    wire.send(listen.to_string().as_bytes()).await?;
    let told = present("the pipe", wire.line())?.message().await?;
    same("the first message", &told["method"], &json!("notifications/subscriptions/acknowledged"))?;

    let touch = wire.enveloped(json!({ "name": "touch", "arguments": {} }));
    let touch = wire.request_text("tools/call", Some(touch));
    wire.send(touch.as_bytes()).await?;
    let line = present("the pipe", wire.line())?;
    let mut told = Vec::new();
    // The answer and the notifications may come in any order.
    while told.len() < 2 {
        let message = line.message().await?;
        if message.get("method").is_none() {
            continue;
        }
        let of = &message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
        same("whose it is", of, &json!("L"))?;
        told.push((message["method"].clone(), message["params"]["uri"].clone()));
    }
    // Changes of different kinds have no order; each kind is told once.
    told.sort_by_key(|(method, _)| method.to_string());
    let expected = vec![
        (json!("notifications/resources/updated"), json!("fixture://text")),
        (json!("notifications/tools/list_changed"), Value::Null),
    ];
    same("what was told", told, expected)
}
