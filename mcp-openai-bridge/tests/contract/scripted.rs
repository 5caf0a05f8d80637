//! Models and tools that play a script, for the tests of the loop.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mcp_openai_bridge::ModelError;
use mcp_openai_bridge::chat;
use mcp_openai_bridge::driver::{CallContext, Model, Tools};
use mcp_openai_bridge::responses;
use mcp_openai_bridge::tools::ToolSet;
use mcp_openai_bridge::turn::{Failure, Responses};
use mcp_types::{CallToolResult, RawJson, Tool};
use serde_json::{Value, json};

/// Gives its replies one after the other, streamed in as many pieces as may be, and keeps the requests.
pub(crate) struct Script {
    replies: Mutex<VecDeque<Value>>,
    requests: Mutex<Vec<Value>>,
}

impl Script {
    pub(crate) fn new(replies: impl IntoIterator<Item = Value>) -> Self {
        Self { replies: Mutex::new(replies.into_iter().collect()), requests: Mutex::default() }
    }

    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }

    fn next(&self, request: Value) -> Result<Value, ModelError> {
        self.requests.lock().unwrap().push(request);
        self.replies.lock().unwrap().pop_front().ok_or_else(|| ModelError::new("the script is at its end"))
    }
}

#[async_trait]
impl Model for Script {
    async fn complete(&self, request: &chat::Request) -> Result<chat::Completion, ModelError> {
        let reply = self.next(serde_json::to_value(request).unwrap())?;
        Ok(serde_json::from_value(reply).unwrap())
    }

    async fn stream(
        &self,
        request: &chat::Request,
        chunks: &mut (dyn FnMut(chat::Chunk) + Send),
    ) -> Result<chat::Completion, ModelError> {
        let reply = self.next(serde_json::to_value(request).unwrap())?;
        let mut whole = chat::Assembler::default();
        for piece in pieces(&reply) {
            let chunk: chat::Chunk = serde_json::from_value(piece).unwrap();
            whole.push(&chunk).unwrap();
            chunks(chunk);
        }
        Ok(whole.finish().unwrap())
    }
}

/// The chunks of a reply as OpenAI sends them: every text and every argument in two.
pub(crate) fn pieces(reply: &Value) -> Vec<Value> {
    let envelope = |choices: Value| json!({"id":reply["id"],"object":"chat.completion.chunk","created":reply["created"],"model":"m","choices":choices});
    let delta = |delta: Value| envelope(json!([{"index":0,"delta":delta,"finish_reason":null}]));
    let (choice, message) = (&reply["choices"][0], &reply["choices"][0]["message"]);
    let mut pieces = vec![delta(json!({"role":"assistant","content":""}))];
    let halves = |text: &str| {
        let (a, b) = text.split_at(text.len() / 2);
        [a.to_owned(), b.to_owned()]
    };
    if let Some(text) = message["content"].as_str() {
        pieces.extend(halves(text).map(|half| delta(json!({ "content": half }))));
    }
    for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let (id, name) = (&call["id"], &call["function"]["name"]);
        let first = json!({"index":index,"id":id,"type":"function","function":{"name":name,"arguments":""}});
        pieces.push(delta(json!({ "tool_calls": [first] })));
        let arguments = call["function"]["arguments"].as_str().unwrap();
        pieces.extend(
            halves(arguments).map(|half| delta(json!({"tool_calls":[{"index":index,"function":{"arguments":half}}]}))),
        );
    }
    pieces.push(envelope(json!([{"index":0,"delta":{},"finish_reason":choice["finish_reason"]}])));
    let mut last = envelope(json!([]));
    last["usage"] = reply["usage"].clone();
    pieces.push(last);
    pieces
}

#[async_trait]
impl Model<Responses> for Script {
    async fn complete(&self, request: &responses::Request) -> Result<responses::Response, ModelError> {
        let reply = self.next(serde_json::to_value(request).unwrap())?;
        Ok(serde_json::from_value(reply).unwrap())
    }
}

/// A Chat reply with calls: id, function, arguments.
pub(crate) fn calls(number: usize, calls: &[(&str, &str, &str)]) -> Value {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(id, name, arguments)| json!({"id":id,"type":"function","function":{"name":name,"arguments":arguments}}))
        .collect();
    reply(number, &json!({"role":"assistant","content":format!("Round {number}."),"tool_calls":calls}), "tool_calls")
}

/// A Chat reply with a text.
pub(crate) fn says(number: usize, text: &str) -> Value {
    reply(number, &json!({"role":"assistant","content":text}), "stop")
}

fn reply(number: usize, message: &Value, reason: &str) -> Value {
    json!({
        "id":format!("chatcmpl-{number}"),"object":"chat.completion","created":1000 + number,"model":"m",
        "choices":[{"index":0,"message":message,"finish_reason":reason}],
        "usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":1}}
    })
}

/// A response with these items.
pub(crate) fn response(number: usize, output: &[Value]) -> Value {
    json!({
        "id":format!("resp_{number}"),"object":"response","status":"completed","output":output,
        "usage":{"input_tokens":10,"output_tokens":2,"total_tokens":12}
    })
}

/// A call as an item.
pub(crate) fn item(id: &str, name: &str, arguments: &str) -> Value {
    json!({"type":"function_call","call_id":id,"name":name,"arguments":arguments,"id":format!("fc_{id}"),"status":"completed"})
}

/// A text as an item.
pub(crate) fn message(text: &str) -> Value {
    json!({"type":"message","role":"assistant","content":[{"type":"output_text","text":text}],"id":"msg"})
}

/// Tools that do what their name says, and keep what they were called with.
#[derive(Default)]
pub(crate) struct Lab {
    calls: Mutex<Vec<String>>,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Lab {
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// The most calls that ran at once.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Tools for Lab {
    async fn call(
        &self,
        _: &str,
        tool: &str,
        arguments: RawJson,
        _: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        self.calls.lock().unwrap().push(format!("{tool} {arguments}"));
        self.most.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // A second of paused time, which passes only when nothing else can happen.
        let _ = tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        match tool {
            "hang" => std::future::pending().await,
            "panic" => panic!("as asked"),
            "refuse" => Err(Failure::Protocol { code: -32602, message: "bad params".to_owned() }),
            "lost" => Err(Failure::Transport { message: "connection refused".to_owned() }),
            "fail" => Ok(CallToolResult::error("disk full")),
            _ => {
                let arguments: Value = arguments.decode().unwrap();
                Ok(CallToolResult::text(format!("{tool} says {}", arguments["n"])))
            }
        }
    }
}

/// The tools of [`Lab`].
pub(crate) fn lab_tools() -> Arc<ToolSet> {
    let schema = RawJson::parse(r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#).unwrap();
    let tools = ["echo", "hang", "panic", "refuse", "lost", "fail"].map(|name| Tool::new(name, schema.clone()));
    Arc::new(ToolSet::builder().server("lab", &tools).build())
}
