//! The whole loop with MCP clients: servers in this process, and a model that plays a script.

#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use mcp_client::{Client, Error};
use mcp_openai_bridge::ModelError;
use mcp_openai_bridge::chat::{Completion, Message, Request};
use mcp_openai_bridge::driver::{self, CallContext, End, Model, Tools};
use mcp_openai_bridge::servers::{self, Servers, Upstream};
use mcp_openai_bridge::turn::{Failure, Options, Turn};
use mcp_server::{Args, Catalog, Prompt, Server, Tool, implementation};
use mcp_types::RawJson;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
struct Note {
    text: String,
}

async fn note(Args(Note { text }): Args<Note>) -> Result<String, String> {
    if text.is_empty() { Err("a note needs a text".to_owned()) } else { Ok(format!("noted: {text}")) }
}

async fn hello() -> String {
    "Say hello.".to_owned()
}

async fn client(catalog: Catalog) -> Client {
    let server = Server::builder(implementation!()).catalog(catalog).build().unwrap();
    Client::connect(server.in_process()).await.unwrap()
}

async fn notes() -> Client {
    client(Catalog::new().tool(Tool::new("note", note).description("Take a note"))).await
}

struct Script(Mutex<VecDeque<Value>>);

#[async_trait]
impl Model for Script {
    async fn complete(&self, _: &Request) -> Result<Completion, ModelError> {
        let reply = self.0.lock().unwrap().pop_front().ok_or_else(|| ModelError::new("the script is at its end"))?;
        serde_json::from_value(reply).map_err(|error| ModelError::new("a bad script").because(error))
    }
}

fn servers(upstreams: impl IntoIterator<Item = Upstream>) -> Servers {
    upstreams.into_iter().fold(Servers::builder(), servers::Builder::server).build()
}

#[tokio::test]
async fn a_turn_runs_over_clients() {
    let servers = servers([Upstream::new("lab", async || Ok(notes().await))]);
    let call = |id: &str, text: &str| json!({ "id": id, "type": "function", "function": { "name": "note", "arguments": json!({ "text": text }).to_string() } });
    let script = Script(Mutex::new(VecDeque::from([
        json!({ "choices": [{ "message": { "role": "assistant", "content": null, "tool_calls": [call("a", "x"), call("b", "")] } }] }),
        json!({ "choices": [{ "message": { "role": "assistant", "content": "done" } }] }),
    ])));
    let tools = servers.list().await.tools;
    let mut turn = Turn::new(Request::new("m", [Message::user("go")]), tools, Options::default());
    let end = driver::run(&mut turn, &script, &servers, &driver::Options::default()).await.unwrap();
    let End::Done(end) = end else { panic!("{end:?}") };
    assert_eq!((end.text().as_str(), end.rounds), ("done", 1));
    let answers: Vec<String> = turn.messages()[2..4].iter().map(Message::text).collect();
    assert_eq!(answers, ["noted: x", "error: a note needs a text"]);
    servers.close().await;
}

#[tokio::test]
async fn a_server_without_tools_has_none_and_counts_for_the_names() {
    let words = client(Catalog::new().prompt(Prompt::new("hello", hello))).await;
    let servers = servers([Upstream::connected("lab", notes().await), Upstream::connected("words", words)]);
    let listing = servers.list().await;
    assert_eq!(listing.failures().count(), 0);
    assert!(listing.outcomes[1].tools.is_empty());
    assert_eq!(listing.tools.iter().map(|tool| tool.name()).collect::<Vec<_>>(), ["lab__note"]);
}

#[tokio::test]
async fn what_a_server_refuses_is_a_failure_for_the_model() {
    let servers = servers([Upstream::connected("lab", notes().await)]);
    let cx = CallContext::unwatched("a");
    let refused = servers.call("lab", "nothing", RawJson::empty_object(), &cx).await.unwrap_err();
    assert!(
        matches!(&refused, Failure::Protocol { code: -32602, message } if message.contains("nothing")),
        "{refused}"
    );
    assert_eq!(Failure::from(Error::Closed), Failure::Transport { message: Error::Closed.to_string() });
}
