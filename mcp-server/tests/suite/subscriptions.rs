//! Changes, told to those who listen and to legacy sessions: acknowledged first, then only what was asked for (P-30 to
//! P-42).

use std::future::poll_fn;

use futures::{FutureExt, StreamExt};
use mcp_server::{Catalog, Changes, Resource, Revision, Server, State, Tool, implementation};
use mcp_transport::{Outbox, Service};
use serde_json::{Value, json};

use crate::kit::{Client, check_notification, is_pending, legacy, modern};

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
    let mut told = [next(&mut outbox).await, next(&mut outbox).await];
    told.sort_by_key(|told| told["method"].to_string());
    assert_eq!(told[0]["method"], "notifications/resources/updated");
    assert_eq!(told[0]["params"]["uri"], "a:b");
    assert_eq!(told[1]["method"], "notifications/tools/list_changed");
    assert!(told.iter().all(|told| told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == 1));
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

#[tokio::test]
async fn p_35_a_way_in_that_ends_answers_its_subscriptions_after_what_is_to_be_told() {
    let changes = Changes::new();
    let server = server(&changes);
    let wanted = json!({"notifications": {"toolsListChanged": true}});
    let (call, mut outbox) = modern(&server).await.start("subscriptions/listen", wanted);
    let mut listening = Box::pin(server.call(call));
    assert!(is_pending(&mut listening));
    next(&mut outbox).await;
    changes.tools();
    server.shutdown();
    let result: Value = listening.await.unwrap().decode().unwrap();
    assert_eq!(result, json!({"_meta": {"io.modelcontextprotocol/subscriptionId": 1}, "resultType": "complete"}));
    assert_eq!(next(&mut outbox).await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn p_37_a_server_that_tells_nothing_has_no_subscriptions() {
    let server = Server::builder(implementation!()).tool(Tool::new("t", async || ())).build().unwrap();
    let client = modern(&server).await;
    assert_eq!(client.error("subscriptions/listen", json!({"notifications": {}})).await.code.0, -32601);
    let found = client.ok("server/discover", json!({})).await;
    assert_eq!(found["capabilities"], json!({"tools": {}}));
    assert!(server.pushes(&legacy(&server).await.session()).is_none());
}

#[tokio::test]
async fn p_41_a_legacy_session_is_told_of_lists_and_of_the_resources_that_it_subscribed_to() {
    let changes = Changes::new();
    let server = server(&changes);
    for revision in Revision::ALL.into_iter().filter(|revision| *revision < Revision::V2026_07_28) {
        let client = Client::new(&server, revision).await;
        let mut pushes = server.pushes(&client.session()).unwrap();
        client.ok("resources/subscribe", json!({"uri": "a:b"})).await;
        for _ in 0..100 {
            changes.tools();
            changes.prompts();
            changes.resource("a:b");
            changes.resource("a:c");
        }
        let mut told = Vec::new();
        while let Some(message) = pushes.next().now_or_never() {
            let notification: Value = serde_json::from_slice(&message.unwrap()).unwrap();
            check_notification(revision, &notification);
            told.push(notification["method"].as_str().unwrap().to_owned());
        }
        told.sort();
        assert_eq!(told, ["notifications/resources/updated", "notifications/tools/list_changed"], "{revision}");
        client.ok("resources/unsubscribe", json!({"uri": "a:b"})).await;
        changes.resource("a:b");
        assert!(pushes.next().now_or_never().is_none());
    }
}

#[tokio::test]
async fn t_62_what_is_told_is_what_is_declared_in_both_eras() {
    let server = server(&Changes::new());
    let declared = json!({"tools": {"listChanged": true}, "resources": {"listChanged": true, "subscribe": true}});
    let found = modern(&server).await.ok("server/discover", json!({})).await;
    assert_eq!(found["capabilities"], declared);
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "kit", "version": "1"}
    });
    let session = Client::unbegun(&server, Revision::V2025_11_25);
    assert_eq!(session.ok("initialize", hello).await["capabilities"], declared);
}

#[tokio::test]
async fn a_stream_of_pushes_does_not_hold_its_session() {
    let server = server(&Changes::new());
    let session = legacy(&server).await.session();
    let _pushes = server.pushes(&session).unwrap();
    assert_eq!(std::sync::Arc::strong_count(&session), 1);
}

#[tokio::test]
async fn p_36_a_handler_tells_of_a_change_and_both_eras_hear_it() {
    let changes = Changes::new();
    let server = Server::builder(implementation!())
        .tool(Tool::new("grow", async |changes: State<Changes>| changes.tools()))
        .changes(changes.clone())
        .state(changes)
        .build()
        .unwrap();
    let client = modern(&server).await;
    let old = legacy(&server).await;
    let (call, mut outbox) = client.start("subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
    let mut listening = Box::pin(server.call(call));
    let mut pushes = server.pushes(&old.session()).unwrap();
    assert!(is_pending(&mut listening));
    next(&mut outbox).await;
    old.tool("grow", json!({})).await;
    assert!(is_pending(&mut listening));
    assert_eq!(next(&mut outbox).await["method"], "notifications/tools/list_changed");
    assert!(pushes.next().now_or_never().is_some());
}
