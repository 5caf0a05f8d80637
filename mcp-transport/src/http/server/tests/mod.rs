//! Tests of the server as a whole, without sockets: requests go into [`Endpoint::respond`] or into a connection over a
//! pair of in-memory streams.

mod connection;
#[cfg(feature = "http-client")]
mod cuts;
mod hostile;
mod legacy;
mod modern;
mod resumption;
mod routes;
#[cfg(feature = "sse-r1")]
mod sse;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use http::{HeaderMap, Request as HttpRequest};
use http_body_util::{BodyExt as _, Full};
use mcp_types::{ErrorCode, InitializeRequestParams, RawJson, Revision, RpcError};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::body::ReplyBody;
use super::endpoint::{Config, Endpoint};
use super::routes::Beside;
use super::stop::{Stage, Stop};
use crate::era::Served;
use crate::era::legacy::Session;
use crate::header::{HostPolicy, OriginPolicy, ParamHeaders};
use crate::limits::Limits;
use crate::service::{Answer, Call, Service};

/// The bytes of what the tool `large` returns.
const LARGE: usize = 20_000;

/// A service whose tools do what their names say.
#[derive(Default)]
struct Tools {
    served: Served,
    /// Lets the tool `wait` go on.
    go: Notify,
    /// How many runs of `wait` have begun and have ended, in whichever way.
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// How many late notifications of `notify-late` were refused because nobody reads any more.
    late: Arc<AtomicUsize>,
    /// How many notifications have come.
    notes: AtomicUsize,
    /// What sessions are told, by number; `shut_down` tells whether the service was told to end.
    pushed: watch::Sender<u64>,
    shut_down: AtomicUsize,
}

struct Ending<'a>(&'a AtomicUsize);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Tools {
    async fn run(&self, tool: &str, call: &Call) -> Answer {
        let progress = RawJson::from(json!({"progressToken": 1, "progress": 1}));
        match tool {
            "notify" => {
                let _ = call.notifier.send("notifications/progress", &progress).await;
                let _ = call.notifier.send("notifications/progress", &progress).await;
                tokio::task::yield_now().await;
            }
            // It goes on to notify after its answer, from a task of its own.
            "notify-late" => {
                let _ = call.notifier.send("notifications/progress", &progress).await;
                let (notifier, late) = (call.notifier.clone(), Arc::clone(&self.late));
                tokio::spawn(async move {
                    for _ in 0..2 {
                        let sent = notifier.send("notifications/progress", &progress).await;
                        late.fetch_add(usize::from(sent.is_err()), Ordering::SeqCst);
                    }
                });
                tokio::task::yield_now().await;
            }
            "wait" => {
                self.begun.fetch_add(1, Ordering::SeqCst);
                let _ending = Ending(&self.ended);
                self.go.notified().await;
            }
            "notify-then-wait" => {
                let _ending = Ending(&self.ended);
                let _ = call.notifier.send("notifications/progress", &progress).await;
                self.go.notified().await;
            }
            "ask" => {
                let session = call.caller.session().ok_or_else(|| RpcError::internal("no session"))?;
                return match session.ask(&call.notifier, "roots/list", &RawJson::empty_object()).await {
                    Ok(answer) => Ok(answer),
                    Err(error) => Err(RpcError::internal(error.to_string())),
                };
            }
            "close-then-wait" => {
                call.notifier.close_stream(Some(Duration::from_millis(500)));
                let _ = call.notifier.send("notifications/progress", &progress).await;
                self.go.notified().await;
            }
            "steps" => {
                for step in 0..6 {
                    let progress = RawJson::from(json!({"progressToken": 1, "progress": step}));
                    let _ = call.notifier.send("notifications/progress", &progress).await;
                    tokio::task::yield_now().await;
                }
            }
            "many" => {
                for _ in 0..10_000 {
                    let _ = call.notifier.send("notifications/progress", &progress).await;
                }
            }
            "panic" => panic!("a handler that panics"),
            "gone" => return Err(RpcError::method_not_found("tools/call")),
            "needs" => return Err(RpcError::new(ErrorCode::MISSING_CLIENT_CAPABILITY, "needs sampling".to_owned())),
            "echo" => {}
            "large" => return Ok(RawJson::from(json!({"tool": "x".repeat(LARGE)}))),
            _ => return Err(RpcError::invalid_params("unknown tool")),
        }
        Ok(RawJson::from(json!({"tool": tool})))
    }
}

impl Service for Tools {
    async fn call(&self, call: Call) -> Answer {
        match &*call.request.method {
            "initialize" => {
                let params: InitializeRequestParams = call.request.params.decode()?;
                let session = call.caller.session().ok_or_else(|| RpcError::internal("no session"))?;
                let revision = session.begin(&params, &Served::default());
                Ok(RawJson::from(json!({"protocolVersion": revision.map(Revision::as_str)})))
            }
            "ping" => Ok(RawJson::empty_object()),
            "tools/list" => Ok(RawJson::from(json!({"tools": []}))),
            "tools/call" => {
                let tool = call.request.params.name().unwrap_or_default();
                self.run(&tool, &call).await
            }
            "subscriptions/listen" => {
                let ack = RawJson::empty_object();
                let _ = call.notifier.send("notifications/subscriptions/acknowledged", &ack).await;
                std::future::pending().await
            }
            method => Err(RpcError::method_not_found(method)),
        }
    }

    fn served(&self) -> Served {
        self.served.clone()
    }

    fn pushes(&self, _: &Arc<Session>) -> Option<BoxStream<'static, Bytes>> {
        let pushes = stream::unfold(self.pushed.subscribe(), |mut pushed| async {
            pushed.changed().await.ok()?;
            let number = *pushed.borrow_and_update();
            let text =
                format!(r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{"n":{number}}}}}"#);
            Some((Bytes::from(text), pushed))
        });
        Some(pushes.boxed())
    }

    fn shutdown(&self) {
        self.shut_down.fetch_add(1, Ordering::SeqCst);
    }

    fn notify(&self, _: mcp_types::Notification, _: &crate::service::Caller) {
        self.notes.fetch_add(1, Ordering::SeqCst);
    }

    fn param_headers(&self, tool: &str) -> Option<Arc<ParamHeaders>> {
        let schema = json!({"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}});
        (tool == "echo").then(|| Arc::new(ParamHeaders::from_schema(&schema).unwrap()))
    }
}

/// A server without a listener.
struct Server {
    tools: Arc<Tools>,
    endpoint: Arc<Endpoint>,
    stage: watch::Sender<Stage>,
}

impl Server {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        Self::configured(limits, Served::default())
    }

    fn configured(limits: Limits, served: Served) -> Self {
        Self::beside(limits, served, Beside::default())
    }

    fn beside(limits: Limits, served: Served, beside: Beside) -> Self {
        let (hosts, origins) = (HostPolicy::default(), OriginPolicy::default());
        #[cfg(feature = "sse-r1")]
        let sse = Some(super::rules::SsePaths::new("/sse").at_endpoint());
        let config = Config {
            path: "/mcp".to_owned(),
            #[cfg(feature = "sse-r1")]
            sse,
            limits,
            hosts,
            origins,
            beside,
        };
        let (stage, stop) = Stop::new();
        let tools = Arc::new(Tools { served, ..Tools::default() });
        let endpoint = Arc::new(Endpoint::new(Arc::clone(&tools), config, stop));
        Self { tools, endpoint, stage }
    }

    async fn send(&self, request: HttpRequest<Full<Bytes>>) -> Seen {
        let (mut head, body) = request.into_parts();
        let response = self.endpoint.respond(&mut head, body).await;
        let (head, body) = response.into_parts();
        Seen { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Sends a request and reads its response to the end.
    async fn ask(&self, request: HttpRequest<Full<Bytes>>) -> Answered {
        self.send(request).await.finish().await
    }

    /// Opens a session of a revision and returns its id.
    async fn open_session(&self, version: &str) -> String {
        let answered = self.ask(legacy("", &initialize(version))).await;
        assert_eq!(answered.status, 200, "{}", answered.text);
        answered.headers["mcp-session-id"].to_str().unwrap().to_owned()
    }
}

/// The head of a response, and its body still to come.
struct Seen {
    status: u16,
    headers: HeaderMap,
    body: ReplyBody,
}

/// A response that was read.
#[derive(Debug)]
struct Answered {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    async fn frame(&mut self) -> String {
        let frame = self.body.frame().await.unwrap().unwrap().into_data().unwrap();
        String::from_utf8(frame.to_vec()).unwrap()
    }

    async fn finish(self) -> Answered {
        let body = self.body.collect().await.unwrap().to_bytes();
        Answered { status: self.status, headers: self.headers, text: String::from_utf8(body.to_vec()).unwrap() }
    }
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text))
    }

    fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_default()
    }

    fn is_events(&self) -> bool {
        self.headers["content-type"] == "text/event-stream"
    }
}

fn post() -> http::request::Builder {
    HttpRequest::post("/mcp")
        .header("host", "localhost:1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
}

fn full(builder: http::request::Builder, body: &str) -> HttpRequest<Full<Bytes>> {
    builder.body(Full::from(body.to_owned())).unwrap()
}

/// A message of the session, or of none when the id is empty.
fn legacy(session: &str, body: &str) -> HttpRequest<Full<Bytes>> {
    let builder = post();
    full(if session.is_empty() { builder } else { builder.header("mcp-session-id", session) }, body)
}

fn initialize(version: &str) -> String {
    let params = json!({
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}).to_string()
}

fn tool_call(id: i64, tool: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}}).to_string()
}

fn modern_call(id: i64, tool: &str, arguments: &Value) -> String {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
}

fn modern_post(method: &str, name: Option<&str>) -> http::request::Builder {
    let builder = post().header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
    match name {
        Some(name) => builder.header("mcp-name", name),
        None => builder,
    }
}

/// A modern call of a tool.
fn modern(id: i64, tool: &str) -> HttpRequest<Full<Bytes>> {
    let body = modern_call(id, tool, &json!({}));
    full(modern_post("tools/call", Some(tool)), &body)
}

/// Lets the other tasks go as far as they can.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
