//! Hearing of changes, in both eras (P-30 to P-42, P-74, H-21).

#![allow(clippy::unwrap_used, reason = "it is all test")]

mod support;

use std::time::Duration;

use mcp_client::types::SubscriptionFilter;
use mcp_client::{Change, Client, EraMode, Error, Implementation, Subscription};
use mcp_transport::Error as WireError;
use serde_json::{Value, json};
use support::{Asked, Server, http_modern, modern, pipe, value};

const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

fn filter(text: &str) -> SubscriptionFilter {
    serde_json::from_str(text).unwrap()
}

/// Acknowledges a subscription over a pipe, and returns its request.
async fn acknowledge(server: &mut Server, honoured: &Value) -> Value {
    let request = server.expect("subscriptions/listen").await;
    tell(server, &request, ACKNOWLEDGED, json!({"notifications": honoured})).await;
    request
}

/// Tells something on a subscription.
async fn tell(server: &mut Server, listen: &Value, method: &str, mut params: Value) {
    params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": listen["id"]});
    server.notify(method, &params).await;
}

async fn listening(client: &Client, server: &mut Server, wanted: &str) -> (Subscription, Value) {
    let honoured = value(wanted);
    let (changes, request) = tokio::join!(client.listen(filter(wanted)), acknowledge(server, &honoured));
    (changes.unwrap(), request)
}

const TOOLS: &str = r#"{"toolsListChanged":true}"#;

#[tokio::test]
async fn what_a_server_does_not_acknowledge_is_named_and_not_told_p_32() {
    let (client, mut server) = modern().await;
    let wanted = r#"{"toolsListChanged":true,"resourceSubscriptions":["a:1","a:2"]}"#;
    let honoured = json!({"resourceSubscriptions": ["a:1"], "promptsListChanged": true});
    let (changes, request) = tokio::join!(client.listen(filter(wanted)), acknowledge(&mut server, &honoured));
    let mut changes = changes.unwrap();
    assert_eq!(request["params"]["notifications"], value(wanted));
    assert_eq!(changes.acknowledged(), filter(r#"{"resourceSubscriptions":["a:1"]}"#));
    assert_eq!(changes.refused(), filter(r#"{"toolsListChanged":true,"resourceSubscriptions":["a:2"]}"#));
    for (method, params) in [
        ("notifications/prompts/list_changed", json!({})),
        ("notifications/tools/list_changed", json!({})),
        ("notifications/resources/updated", json!({"uri": "a:2"})),
        ("notifications/resources/updated", json!({"uri": "a:1"})),
    ] {
        tell(&mut server, &request, method, params).await;
    }
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Resource("a:1".to_owned()));
}

#[tokio::test]
async fn two_subscriptions_hear_their_own_changes_p_34() {
    let (client, mut server) = modern().await;
    let (mut first, tools) = listening(&client, &mut server, TOOLS).await;
    let (mut second, prompts) = listening(&client, &mut server, r#"{"promptsListChanged":true}"#).await;
    assert_ne!(tools["id"], prompts["id"]);
    tell(&mut server, &prompts, "notifications/prompts/list_changed", json!({})).await;
    tell(&mut server, &tools, "notifications/tools/list_changed", json!({})).await;
    assert_eq!(first.next().await.unwrap().unwrap(), Change::Tools);
    assert_eq!(second.next().await.unwrap().unwrap(), Change::Prompts);
}

#[tokio::test]
async fn a_change_makes_the_cache_forget_even_while_nobody_looks_p_74() {
    let (client, mut server) = modern().await;
    let (_changes, listen) = listening(&client, &mut server, TOOLS).await;
    let tools = json!({"resultType": "complete", "tools": [], "ttlMs": 60_000, "cacheScope": "private"});
    let (listed, ()) = tokio::join!(client.list_tools(), async {
        let request = server.expect("tools/list").await;
        server.reply(&request, &tools).await;
    });
    listed.unwrap();
    client.list_tools().await.unwrap();
    tell(&mut server, &listen, "notifications/tools/list_changed", json!({})).await;
    // The answer to this comes after the change, so the change was read when it is there.
    let (called, ()) = tokio::join!(client.call_tool("t", ()), async {
        let request = server.expect("tools/call").await;
        server.reply(&request, &json!({"resultType": "complete", "content": []})).await;
    });
    called.unwrap();
    let (listed, ()) = tokio::join!(client.list_tools(), async {
        let request = server.expect("tools/list").await;
        server.reply(&request, &tools).await;
    });
    listed.unwrap();
}

#[tokio::test]
async fn a_server_ends_a_subscription_by_its_result_or_by_cancelling_it_p_35() {
    let (client, mut server) = modern().await;
    let (mut changes, listen) = listening(&client, &mut server, TOOLS).await;
    tell(&mut server, &listen, "notifications/tools/list_changed", json!({})).await;
    let meta = json!({"io.modelcontextprotocol/subscriptionId": listen["id"]});
    server.reply(&listen, &json!({"resultType": "complete", "_meta": meta})).await;
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Tools);
    assert!(changes.next().await.is_none());
    let (mut changes, listen) = listening(&client, &mut server, TOOLS).await;
    server.notify("notifications/cancelled", &json!({"requestId": listen["id"]})).await;
    assert!(changes.next().await.is_none());
}

#[tokio::test]
async fn dropping_a_subscription_cancels_it_p_35() {
    let (client, mut server) = modern().await;
    let (changes, listen) = listening(&client, &mut server, TOOLS).await;
    drop(changes);
    let cancelled = server.expect("notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], listen["id"]);
    drop(client);
}

#[tokio::test]
async fn a_server_that_refuses_says_so_at_once_p_38() {
    let (client, mut server) = modern().await;
    let (refused, ()) = tokio::join!(client.listen(filter(r#"{"taskIds":["1"]}"#)), async {
        let request = server.expect("subscriptions/listen").await;
        server.refuse(&request, -32021, None).await;
    });
    assert_eq!(refused.unwrap_err().rpc().unwrap().code.0, -32021);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_acknowledges_nothing_is_not_waited_for_forever() {
    let (client, mut server) = modern().await;
    let (late, _) = tokio::join!(client.listen(filter(TOOLS)), async {
        server.expect("subscriptions/listen").await;
        server.expect("notifications/cancelled").await
    });
    let Err(Error::TimedOut(timeout)) = late else { panic!("{late:?}") };
    assert!(timeout.waiting_for.contains("subscriptions/listen"));
}

fn acknowledge_http(asked: &Asked) {
    asked.notify(ACKNOWLEDGED, &json!({"notifications": {"toolsListChanged": true}}));
}

#[tokio::test(start_paused = true)]
async fn a_lost_subscription_is_opened_again_and_everything_kept_is_old_h_21() {
    let (client, mut desk) = http_modern().await;
    let (changes, first) = tokio::join!(client.listen(filter(TOOLS)), async {
        let asked = desk.expect("subscriptions/listen").await;
        acknowledge_http(&asked);
        asked
    });
    let mut changes = changes.unwrap();
    let tools = r#"{"resultType":"complete","tools":[],"ttlMs":600000,"cacheScope":"private"}"#;
    let (listed, ()) = tokio::join!(client.list_tools(), async { desk.expect("tools/list").await.reply(tools) });
    listed.unwrap();

    first.fail(WireError::Closed);
    // The server is not there at first.
    desk.expect("subscriptions/listen").await.fail(WireError::Closed);
    let again = desk.expect("subscriptions/listen").await;
    acknowledge_http(&again);
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Missed);
    let (listed, ()) = tokio::join!(client.list_tools(), async { desk.expect("tools/list").await.reply(tools) });
    listed.unwrap();
    again.notify("notifications/tools/list_changed", &json!({}));
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Tools);
    drop(changes);
    again.dropped().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_cannot_be_had_again_ends_with_the_reason() {
    let (client, mut desk) = http_modern().await;
    let (changes, asked) = tokio::join!(client.listen(filter(TOOLS)), async {
        let asked = desk.expect("subscriptions/listen").await;
        acknowledge_http(&asked);
        asked
    });
    let mut changes = changes.unwrap();
    asked.fail(WireError::Closed);
    for _ in 0..10 {
        desk.expect("subscriptions/listen").await.fail(WireError::Closed);
    }
    assert!(matches!(changes.next().await, Some(Err(Error::Closed))));
    assert!(changes.next().await.is_none());
    assert!(desk.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_asked_for_twice() {
    let (client, mut desk) = http_modern().await;
    let (changes, asked) = tokio::join!(client.listen(filter(TOOLS)), async {
        let asked = desk.expect("subscriptions/listen").await;
        acknowledge_http(&asked);
        asked
    });
    let mut changes = changes.unwrap();
    asked.fail(WireError::Closed);
    desk.expect("subscriptions/listen").await.refuse(-32601);
    assert!(matches!(changes.next().await, Some(Err(Error::Rpc(_)))));
    assert!(desk.is_idle());
}

#[tokio::test]
async fn a_stream_that_ends_ends_its_subscriptions() {
    let (client, mut server) = modern().await;
    let (mut changes, _) = listening(&client, &mut server, TOOLS).await;
    drop(server);
    assert!(matches!(changes.next().await, Some(Err(Error::Closed))));
}

async fn legacy(capabilities: &Value) -> (Client, Server) {
    let (target, mut server) = pipe();
    let builder = Client::builder(Implementation::new("t", "1")).era(EraMode::Legacy);
    let (client, ()) = tokio::join!(builder.connect(target), async {
        let request = server.expect("initialize").await;
        let info = json!({"name": "old", "version": "1"});
        let result = json!({"protocolVersion": "2025-06-18", "capabilities": capabilities, "serverInfo": info});
        server.reply(&request, &result).await;
        server.expect("notifications/initialized").await;
    });
    (client.unwrap(), server)
}

#[tokio::test]
async fn a_legacy_server_is_heard_in_the_same_way_p_42() {
    let offers = json!({"tools": {"listChanged": true}, "prompts": {}, "resources": {"subscribe": true}});
    let (client, mut server) = legacy(&offers).await;
    let wanted = r#"{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["a:1","a:2"]}"#;
    let (changes, ()) = tokio::join!(client.listen(filter(wanted)), async {
        let request = server.expect("resources/subscribe").await;
        assert_eq!(request["params"]["uri"], "a:1");
        server.reply(&request, &json!({})).await;
        let request = server.expect("resources/subscribe").await;
        server.refuse(&request, -32002, None).await;
    });
    let mut changes = changes.unwrap();
    assert_eq!(changes.refused(), filter(r#"{"promptsListChanged":true,"resourceSubscriptions":["a:2"]}"#));
    server.notify("notifications/prompts/list_changed", &json!({})).await;
    server.notify("notifications/tools/list_changed", &json!({})).await;
    server.notify("notifications/resources/updated", &json!({"uri": "a:1"})).await;
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Tools);
    assert_eq!(changes.next().await.unwrap().unwrap(), Change::Resource("a:1".to_owned()));

    // A second subscription to the same resource needs no second request, and the first to end no farewell.
    let mut second = client.listen(filter(r#"{"resourceSubscriptions":["a:1"]}"#)).await.unwrap();
    drop(changes);
    server.notify("notifications/resources/updated", &json!({"uri": "a:1"})).await;
    assert_eq!(second.next().await.unwrap().unwrap(), Change::Resource("a:1".to_owned()));
    drop(second);
    let request = server.expect("resources/unsubscribe").await;
    assert_eq!(request["params"]["uri"], "a:1");
}

#[tokio::test(start_paused = true)]
async fn a_legacy_server_that_leaves_ends_the_subscription() {
    let (client, server) = legacy(&json!({"tools": {"listChanged": true}})).await;
    let mut changes = client.listen(filter(TOOLS)).await.unwrap();
    drop(server);
    let ended = tokio::time::timeout(Duration::from_secs(60), changes.next()).await.unwrap();
    assert!(matches!(ended, Some(Err(Error::Closed))), "{ended:?}");
}
