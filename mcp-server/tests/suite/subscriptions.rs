//! `subscriptions/listen`: acknowledged first, then only what was asked for, each with its subscription (P-30 to P-37).

use std::future::poll_fn;

use mcp_server::{Catalog, Changes, Resource, Revision, Server, Tool, implementation};
use mcp_transport::{Outbox, Service};
use serde_json::{Value, json};

use crate::kit::{check_notification, is_pending, modern};

fn server(changes: &Changes) -> Server {
    Server::builder(implementation!())
        .tool(Tool::new("t", async || ()))
        .resource(Resource::text("a:b", "r", "x"))
        .changes(changes.clone())
        .build()
        .unwrap()
}

async fn next(outbox: &mut Outbox) -> Value {
    let text = poll_fn(|cx| outbox.poll_next(cx)).await.unwrap();
    let notification = serde_json::from_slice(&text).unwrap();
    check_notification(Revision::V2026_07_28, &notification);
    notification
}

#[tokio::test]
async fn p_30_a_subscription_is_acknowledged_with_what_will_be_sent() {
    let server = server(&Changes::new());
    let wanted = json!({"toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["a:b"]});
    let (call, mut outbox) = modern(&server).await.start("subscriptions/listen", json!({ "notifications": wanted }));
    let mut listening = Box::pin(server.call(call));
    assert!(is_pending(&mut listening));
    assert_eq!(
        next(&mut outbox).await,
        json!({
            "jsonrpc": "2.0",
            "method": "notifications/subscriptions/acknowledged",
            "params": {
                // There are no prompts, so there is nothing to tell about them.
                "notifications": {"toolsListChanged": true, "resourceSubscriptions": ["a:b"]},
                "_meta": {"io.modelcontextprotocol/subscriptionId": 1}
            }
        })
    );
}

#[tokio::test]
async fn p_32_only_what_was_asked_for_is_told_and_p_31_each_names_its_subscription() {
    let changes = Changes::new();
    let server = server(&changes);
    let wanted = json!({"toolsListChanged": true, "resourceSubscriptions": ["a:b"]});
    let (call, mut outbox) = modern(&server).await.start("subscriptions/listen", json!({ "notifications": wanted }));
    let mut listening = Box::pin(server.call(call));
    assert!(is_pending(&mut listening));
    next(&mut outbox).await;
    changes.resources();
    changes.resource("a:c");
    assert!(is_pending(&mut listening));
    assert_eq!(outbox.try_next(), None);
    changes.resource("a:b");
    server.replace(Catalog::new().tool(Tool::new("u", async || ()))).unwrap();
    assert!(is_pending(&mut listening));
    let told = next(&mut outbox).await;
    assert_eq!(told["method"], "notifications/tools/list_changed");
    assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1);
    let told = next(&mut outbox).await;
    assert_eq!(told["method"], "notifications/resources/updated");
    assert_eq!(told["params"]["uri"], "a:b");
    assert_eq!(outbox.try_next(), None);
}

#[tokio::test]
async fn a_subscription_ends_when_nobody_reads_it() {
    let changes = Changes::new();
    let server = server(&changes);
    let wanted = json!({"notifications": {"toolsListChanged": true}});
    let (call, outbox) = modern(&server).await.start("subscriptions/listen", wanted);
    let mut listening = Box::pin(server.call(call));
    assert!(is_pending(&mut listening));
    drop(outbox);
    changes.tools();
    let result: Value = listening.await.unwrap().decode().unwrap();
    assert_eq!(result, json!({"_meta": {"io.modelcontextprotocol/subscriptionId": 1}, "resultType": "complete"}));
}
