//! The whole loop with MCP clients: servers in this process, and a model that plays a script.

#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use mcp_client::{Client, Error};
use mcp_openai_bridge::ModelError;
use mcp_openai_bridge::chat::{Completion, Message, Request};
use mcp_openai_bridge::driver::{self, CallContext, End, McpTools, Model, Tools};
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

#[tokio::test]
async fn a_turn_runs_over_clients() {
    let mut tools = McpTools::new();
    let listed = tools.add("lab", notes().await).await.unwrap();
    assert_eq!(listed.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["note"]);
    let call = |id: &str, text: &str| json!({ "id": id, "type": "function", "function": { "name": "note", "arguments": json!({ "text": text }).to_string() } });
    let script = Script(Mutex::new(VecDeque::from([
        json!({ "choices": [{ "message": { "role": "assistant", "content": null, "tool_calls": [call("a", "x"), call("b", "")] } }] }),
        json!({ "choices": [{ "message": { "role": "assistant", "content": "done" } }] }),
    ])));
    let mut turn = Turn::new(Request::new("m", [Message::user("go")]), tools.tool_set(), Options::default());
    let end = driver::run(&mut turn, &script, &tools, &driver::Options::default()).await.unwrap();
    let End::Done(end) = end else { panic!("{end:?}") };
    assert_eq!((end.text().as_str(), end.rounds), ("done", 1));
    let answers: Vec<String> = turn.messages()[2..4].iter().map(Message::text).collect();
    assert_eq!(answers, ["noted: x", "error: a note needs a text"]);
    tools.close().await;
}

#[tokio::test]
async fn a_server_without_tools_has_none_and_counts_for_the_names() {
    let mut tools = McpTools::new();
    tools.add("lab", notes().await).await.unwrap();
    let others = tools.add("words", client(Catalog::new().prompt(Prompt::new("hello", hello))).await).await.unwrap();
    assert!(others.is_empty());
    let set = tools.tool_set();
    let names: Vec<&str> = set.iter().map(|tool| tool.name()).collect();
    assert_eq!(names, ["lab__note"]);
}

#[tokio::test]
async fn servers_stand_in_the_order_they_were_added_and_a_label_stands_once() {
    let mut tools = McpTools::new();
    for label in ["z", "a", "z"] {
        tools.add(label, notes().await).await.unwrap();
    }
    let set = tools.tool_set();
    assert_eq!(set.iter().map(|tool| tool.name()).collect::<Vec<_>>(), ["a__note", "z__note"]);
}

#[tokio::test]
async fn what_a_server_refuses_and_a_server_that_is_not_there_are_failures_for_the_model() {
    let mut tools = McpTools::new();
    tools.add("lab", notes().await).await.unwrap();
    let refused =
        tools.call("lab", "nothing", RawJson::empty_object(), &CallContext::unwatched("a")).await.unwrap_err();
    assert!(
        matches!(&refused, Failure::Protocol { code: -32602, message } if message.contains("nothing")),
        "{refused}"
    );
    let nobody =
        tools.call("elsewhere", "note", RawJson::empty_object(), &CallContext::unwatched("a")).await.unwrap_err();
    assert_eq!(nobody, Failure::Transport { message: "there is no server `elsewhere`".to_owned() });
    assert_eq!(Failure::from(Error::Closed), Failure::Transport { message: Error::Closed.to_string() });
}
