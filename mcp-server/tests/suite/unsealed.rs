//! A server without the feature `sealing`: it asks in one round and gives no state.

use mcp_server::types::Revision;
use mcp_server::{AskError, Cx, Form, Server, Tool, implementation};
use serde_json::{Value, json};

use crate::kit::{Client, text};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

async fn once(cx: Cx) -> Result<String, AskError> {
    let who: Name = cx.elicit("who", Form::new("Your name?")).await?;
    Ok(who.name)
}

async fn twice(cx: Cx) -> Result<String, AskError> {
    let first: Name = cx.elicit("first", Form::new("Your name?")).await?;
    let second: Name = cx.elicit("second", Form::new("Another name?")).await?;
    Ok(format!("{} {}", first.name, second.name))
}

fn named(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

async fn client() -> Client {
    let tools = Server::builder(implementation!()).tool(Tool::new("once", once)).tool(Tool::new("twice", twice));
    Client::with(&tools.build().unwrap(), Revision::V2026_07_28, json!({"elicitation": {}})).await
}

#[tokio::test]
async fn one_round_needs_no_state() {
    let client = client().await;
    let asks = client.ok("tools/call", json!({"name": "once", "arguments": {}})).await;
    assert_eq!(asks["inputRequests"]["who"]["method"], "elicitation/create");
    assert_eq!(asks.get("requestState"), None);
    let retry = json!({"name": "once", "arguments": {}, "inputResponses": {"who": named("Ann")}});
    assert_eq!(text(&client.ok("tools/call", retry).await), "Ann");
}

#[tokio::test]
async fn a_second_round_is_refused_with_what_it_would_take() {
    let client = client().await;
    let retry = json!({"name": "twice", "arguments": {}, "inputResponses": {"first": named("Ann")}});
    let error = client.error("tools/call", retry).await;
    assert_eq!(error.code.0, -32603);
    assert!(error.message.contains("the feature `sealing`"), "{}", error.message);
}

#[tokio::test]
async fn a_state_is_refused_since_none_was_given() {
    let client = client().await;
    let forged = json!({"name": "once", "arguments": {}, "requestState": "AAAA"});
    let error = client.error("tools/call", forged).await;
    assert_eq!(error.code.0, -32602);
}
