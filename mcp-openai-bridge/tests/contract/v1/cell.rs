//! A gateway between a provider that plays a script, over HTTP, and servers in this process.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _};
use mcp_client::Client;
use mcp_openai_bridge::gateway::Gateway;
use mcp_openai_bridge::gateway::config::Config;
use mcp_openai_bridge::servers::Upstream;
use mcp_server::{Catalog, Cx, Http, RouteBody, Routes, Server, Tool, implementation};
use mcp_types::{CallToolResult, RawJson, RpcError};
use serde_json::{Value, json};

use crate::scripted::pieces;

/// What the provider answers with.
#[derive(Clone)]
pub(super) enum Answer {
    /// A stream of events that never ends, after these.
    Hanging(Vec<Value>),
    /// A reply, streamed when that is asked for.
    Reply(Value),
    /// A status, a body and `Retry-After`.
    Status(u16, Value),
    /// A status, and a body that never ends.
    Torn(u16),
}

/// What the provider was asked: the path, the header `authorization`, and the body.
pub(super) type Asked = (String, String, Value);

#[derive(Clone, Default)]
pub(super) struct Provider {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Routes for Provider {
    fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'static, http::Response<RouteBody>> {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let key = request.headers().get("authorization").map_or("", |key| key.to_str().unwrap()).to_owned();
        self.asked.lock().unwrap().push((request.uri().path().to_owned(), key, body.clone()));
        let answer = self.answers.lock().unwrap().pop_front();
        async move {
            match answer
                .unwrap_or_else(|| Answer::Status(500, json!({"error": {"message": "the script is at its end"}})))
            {
                Answer::Hanging(events) => {
                    let events = futures::stream::iter(events.into_iter().map(|event| frame(&event)));
                    stream(RouteBody::stream(events.chain(futures::stream::pending())))
                }
                Answer::Reply(reply) if body["stream"] == json!(true) => {
                    let is_chat = reply["choices"].is_array();
                    let events = if is_chat { pieces(&reply) } else { events(&reply) };
                    let mut text: Vec<Bytes> = events.iter().map(frame).collect();
                    text.push(Bytes::from("data: [DONE]\n\n"));
                    stream(RouteBody::stream(futures::stream::iter(text)))
                }
                Answer::Reply(reply) => whole(200, &reply),
                Answer::Status(status, body) => whole(status, &body),
                Answer::Torn(status) => {
                    let start = futures::stream::iter([Bytes::from("{")]);
                    let mut response = stream(RouteBody::stream(start.chain(futures::stream::pending())));
                    *response.status_mut() = status.try_into().unwrap();
                    response
                }
            }
        }
        .boxed()
    }
}

fn frame(event: &Value) -> Bytes {
    Bytes::from(format!("data: {event}\n\n"))
}

fn stream(body: RouteBody) -> http::Response<RouteBody> {
    let mut response = http::Response::new(body);
    response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    response
}

fn whole(status: u16, body: &Value) -> http::Response<RouteBody> {
    let mut response = http::Response::new(RouteBody::from(body.to_string()));
    *response.status_mut() = status.try_into().unwrap();
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    if status == 429 {
        response.headers_mut().insert("retry-after", "7".parse().unwrap());
    }
    response
}

/// The events of a response, as OpenAI sends them.
fn events(response: &Value) -> Vec<Value> {
    let state = |kind: &str| {
        let mut open = response.clone();
        (open["status"], open["output"], open["usage"]) = (json!("in_progress"), json!([]), Value::Null);
        json!({"type": kind, "response": open})
    };
    let mut events = vec![state("response.created"), state("response.in_progress")];
    for (index, item) in response["output"].as_array().unwrap().iter().enumerate() {
        let mut open = item.clone();
        if item["type"] == "function_call" {
            open["arguments"] = json!("");
        }
        events.push(json!({"type": "response.output_item.added", "output_index": index, "item": open}));
        if item["type"] == "function_call" {
            let (id, arguments) = (&item["id"], &item["arguments"]);
            events.push(json!({"type": "response.function_call_arguments.delta", "output_index": index, "item_id": id, "delta": arguments}));
            events.push(json!({"type": "response.function_call_arguments.done", "output_index": index, "item_id": id, "arguments": arguments}));
        }
        events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    }
    events.push(json!({"type": "response.completed", "response": response}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events
}

/// A gateway with a model `gpt` and some more, and the servers `clock` and `disk`.
pub(super) struct Cell {
    pub(super) gateway: Gateway,
    provider: Provider,
    /// The calls that reached a server.
    calls: Arc<Mutex<Vec<String>>>,
    /// Calls that are running.
    pub(super) running: Arc<std::sync::atomic::AtomicUsize>,
}

impl Cell {
    pub(super) async fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let provider = Provider { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Provider::default() };
        let http = Http::bind("127.0.0.1:0").await.unwrap();
        let port = http.local_addr().port();
        let nothing = Server::builder(implementation!()).build().unwrap();
        let http = http.routes(provider.clone());
        // It ends with the runtime of the test.
        tokio::spawn(async move { nothing.serve(http).await });
        let models = [
            ("gpt", "gpt-real", "max_retries: 0, temperature: 0.5"),
            ("vendor/deep", "deep", "max_retries: 0"),
            ("hasty", "hasty", "max_retries: 0, timeout: 1"),
            ("twins", "one", "max_retries: 1"),
            ("twins", "two", "max_retries: 1"),
        ];
        let models = models.map(|(name, real, more)| {
            format!("  - model_name: {name}\n    litellm_params: {{model: openai/{real}, api_base: 'http://127.0.0.1:{port}/v1', api_key: sk-canary, {more}}}\n")
        });
        let text =
            format!("model_list:\n{}mcp_servers:\n  web: {{url: 'https://mcp.example.com/mcp'}}\n", models.concat());
        let (config, _) = Config::parse(&text, Path::new("."), &|_| None).unwrap();
        let (calls, running) = (Arc::default(), Arc::default());
        let clock = [tool("get.time", true), tool("set_time", false), tool("fails", true), tool("hangs", true)];
        let meeting = Arc::new(tokio::sync::Barrier::new(3));
        let gateway = Gateway::builder(config)
            .server(Upstream::connected("clock", client(&clock, &calls, &running, &meeting).await))
            .server(Upstream::connected(
                "disk",
                client(&[tool("read", true), tool("wipe", false), tool("meets", true)], &calls, &running, &meeting)
                    .await,
            ))
            .server(Upstream::connected("web", client(&[tool("fetch", true)], &calls, &running, &meeting).await))
            .server(Upstream::new("gone", async || Err(mcp_client::Error::Closed)))
            .build()
            .await
            .unwrap();
        Self { gateway, provider, calls, running }
    }

    pub(super) async fn replying(replies: impl IntoIterator<Item = Value>) -> Self {
        Self::new(replies.into_iter().map(Answer::Reply)).await
    }

    /// Sends a request; the response may be a stream that goes on.
    pub(super) async fn send(&self, path: &str, body: &Value) -> http::Response<RouteBody> {
        let request = http::Request::post(path)
            .header("host", "gate:4000")
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        self.gateway.routes().answer(request).await
    }

    /// Sends a request and reads all of its answer.
    pub(super) async fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let response = self.send(path, body).await;
        let status = response.status().as_u16();
        let parts: Vec<Bytes> = response.into_body().collect().await;
        (status, String::from_utf8(parts.concat()).unwrap())
    }

    /// Sends a request that succeeds, and is answered in one piece.
    #[track_caller]
    pub(super) fn ask(&self, path: &str, body: &Value) -> impl Future<Output = Value> {
        let (path, body) = (path.to_owned(), body.clone());
        async move {
            let (status, text) = self.post(&path, &body).await;
            assert_eq!(status, 200, "{text}");
            serde_json::from_str(&text).unwrap()
        }
    }

    /// Sends a request for a stream; returns its events, and whether `[DONE]` ended it.
    pub(super) async fn stream(&self, path: &str, body: &Value) -> (Vec<Value>, bool) {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let (status, text) = self.post(path, &body).await;
        assert_eq!(status, 200, "{text}");
        let mut data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let is_done = data.last() == Some(&"[DONE]");
        data.truncate(data.len() - usize::from(is_done));
        (data.into_iter().map(|data| serde_json::from_str(data).unwrap()).collect(), is_done)
    }

    /// What the provider was asked.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.provider.asked.lock().unwrap().clone()
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

fn tool(name: &str, read_only: bool) -> mcp_types::Tool {
    let text = json!({"name": name, "description": format!("Does {name}"), "inputSchema": {"type": "object", "properties": {"z": {"type": "integer"}}}, "annotations": {"readOnlyHint": read_only}});
    serde_json::from_value(text).unwrap()
}

struct Running(Arc<std::sync::atomic::AtomicUsize>);

impl Running {
    fn begin(count: &Arc<std::sync::atomic::AtomicUsize>) -> Self {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
    }
}

async fn client(
    tools: &[mcp_types::Tool],
    calls: &Arc<Mutex<Vec<String>>>,
    running: &Arc<std::sync::atomic::AtomicUsize>,
    meeting: &Arc<tokio::sync::Barrier>,
) -> Client {
    let catalog = tools.iter().fold(Catalog::new(), |catalog, entity| {
        let (name, calls, running) = (entity.name.clone(), Arc::clone(calls), Arc::clone(running));
        let meeting = Arc::clone(meeting);
        catalog.tool(Tool::from_entity(entity.clone(), move |arguments: RawJson, _: Cx| {
            let (name, calls, running) = (name.clone(), Arc::clone(&calls), Arc::clone(&running));
            let meeting = Arc::clone(&meeting);
            async move {
                calls.lock().unwrap().push(format!("{name} {arguments}"));
                let _running = Running::begin(&running);
                if name == "hangs" {
                    std::future::pending::<()>().await;
                }
                if name == "meets" {
                    meeting.wait().await;
                }
                let result = match name.as_str() {
                    "fails" => json!({"content": [{"type": "text", "text": "disk full"}], "isError": true}),
                    name => json!({"content": [{"type": "text", "text": format!("{name} is done")}]}),
                };
                Ok::<CallToolResult, RpcError>(serde_json::from_value(result).unwrap())
            }
        }))
    });
    let server = Server::builder(implementation!()).catalog(catalog).build().unwrap();
    Client::connect(server.in_process()).await.unwrap()
}

/// A tool `{"type": "mcp"}` for one server, whose calls need no approval.
pub(super) fn mcp(label: &str, server: &str) -> Value {
    json!({"type": "mcp", "server_label": label, "server_url": format!("litellm_proxy/mcp/{server}"), "require_approval": "never"})
}
