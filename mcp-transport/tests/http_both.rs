//! The HTTP client and the HTTP server with each other, over real sockets of this machine.
#![cfg(all(feature = "http-client", feature = "http-server"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mcp_transport::http::{Http, HttpClient, HttpOptions};
use mcp_transport::{Answer, Call, Error, Event, Limits, Outgoing, Serve, Service, Transport};
use mcp_types::{InitializeRequestParams, RawJson, Revision, RpcError};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

#[derive(Default)]
struct Tools {
    dropped: AtomicUsize,
    changed: Notify,
}

struct Ending<'a>(&'a Tools);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
        self.0.changed.notify_one();
    }
}

impl Service for Tools {
    async fn call(&self, call: Call) -> Answer {
        match (&*call.request.method, call.request.params.name().as_deref()) {
            ("initialize", _) => {
                let params: InitializeRequestParams = call.request.params.decode()?;
                let session = call.caller.session().ok_or_else(|| RpcError::internal("no session"))?;
                session.begin(&params, &mcp_transport::era::Served::default());
                Ok(RawJson::empty_object())
            }
            ("tools/call", Some("echo")) => {
                Ok(RawJson::from(json!({"length": call.request.params.arguments().unwrap_or_default().as_str().len()})))
            }
            ("tools/call", Some("wait")) => {
                let _ending = Ending(self);
                let _ = call.notifier.send("notifications/progress", &RawJson::empty_object()).await;
                std::future::pending().await
            }
            (method, _) => Err(RpcError::method_not_found(method)),
        }
    }
}

struct Running {
    tools: Arc<Tools>,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), Error>>,
}

impl Running {
    async fn start(limits: Limits) -> Self {
        let (stop, stopped) = oneshot::channel();
        let http = Http::bind("127.0.0.1:0").await.unwrap().limits(limits).shutdown_on(async {
            let _ = stopped.await;
        });
        let (tools, address) = (Arc::new(Tools::default()), http.local_addr());
        let served = tokio::spawn(http.serve(Arc::clone(&tools)));
        Self { tools, address, stop, served }
    }

    fn client(&self) -> HttpClient {
        HttpClient::new(&format!("http://{}/mcp", self.address), HttpOptions::default()).unwrap()
    }
}

fn call(tool: &str, arguments: &serde_json::Value) -> Outgoing {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    let mut request = Outgoing::new("tools/call", RawJson::from(params));
    request.revision = Some(Revision::LATEST);
    request.name = Some(tool.to_owned());
    request
}

#[tokio::test]
async fn requests_are_answered_one_after_the_other_and_at_once() {
    let running = Running::start(Limits::default()).await;
    let client = running.client();
    let large = "x".repeat(3 * 1024 * 1024);
    let arguments = json!({"text": large});
    for _ in 0..3 {
        let answer = client.open(call("echo", &arguments)).await.unwrap().finish(drop).await.unwrap().unwrap();
        assert_eq!(answer.as_str(), format!("{{\"length\":{}}}", large.len() + 11));
    }
    let calls = (0..50)
        .map(|_| async { client.open(call("echo", &json!({}))).await.unwrap().finish(drop).await.unwrap().unwrap() });
    assert!(futures::future::join_all(calls).await.iter().all(|answer| answer.as_str() == "{\"length\":2}"));
}

#[tokio::test]
async fn dropping_a_modern_exchange_drops_the_call_h_16() {
    let running = Running::start(Limits::default()).await;
    let client = running.client();
    let mut exchange = client.open(call("wait", &json!({}))).await.unwrap();
    assert!(matches!(exchange.next().await, Ok(Event::Notification(_))));
    drop(exchange);
    running.tools.changed.notified().await;
    assert_eq!(running.tools.dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn dropping_a_legacy_exchange_cancels_the_call_and_closing_ends_the_session_hl_10_p_60() {
    let running = Running::start(Limits::default()).await;
    let client = running.client();
    let params = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let initialize = Outgoing::new("initialize", RawJson::from(params));
    client.open(initialize).await.unwrap().finish(drop).await.unwrap().unwrap();
    client.settle(Revision::V2025_06_18);
    client.notify("notifications/initialized", None).await.unwrap();
    let wait = || Outgoing::new("tools/call", RawJson::from(json!({"name": "wait"})));
    let exchange = client.open(wait()).await.unwrap();
    drop(exchange);
    running.tools.changed.notified().await;
    let mut exchange = client.open(wait()).await.unwrap();
    assert!(matches!(exchange.next().await, Ok(Event::Notification(_))));
    client.close().await;
    running.tools.changed.notified().await;
    assert!(matches!(exchange.next().await, Err(Error::Closed)));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let running = Running::start(Limits::default()).await;
    let error = Http::bind(running.address.to_string()).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Environment(_)));
    assert!(text.contains(&running.address.to_string()) && text.contains("the port is taken"), "{text}");
}

#[tokio::test]
async fn nobody_at_the_address_is_said_so() {
    let http = Http::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", http.local_addr());
    drop(http);
    let client = HttpClient::new(&url, HttpOptions::default()).unwrap();
    let error = client.open(call("echo", &json!({}))).await.unwrap_err();
    assert!(matches!(error, Error::Environment(_)) && error.to_string().contains("cannot connect"), "{error}");
}

#[tokio::test]
async fn a_server_that_stops_answers_what_is_in_flight_and_returns_f_95() {
    let running = Running::start(Limits::default().drain(Duration::from_millis(50))).await;
    let client = running.client();
    let mut exchange = client.open(call("wait", &json!({}))).await.unwrap();
    assert!(matches!(exchange.next().await, Ok(Event::Notification(_))));
    running.stop.send(()).unwrap();
    let answer = exchange.finish(drop).await.unwrap().unwrap_err();
    assert!(answer.message.contains("shutting down"), "{answer}");
    running.served.await.unwrap().unwrap();
    assert_eq!(running.tools.dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_without_requests_stops_at_once() {
    let running = Running::start(Limits::default()).await;
    let client = running.client();
    client.open(call("echo", &json!({}))).await.unwrap().finish(drop).await.unwrap().unwrap();
    running.stop.send(()).unwrap();
    running.served.await.unwrap().unwrap();
    assert!(client.open(call("echo", &json!({}))).await.is_err());
}

#[tokio::test]
async fn a_connection_above_the_bound_is_told_so() {
    let running = Running::start(Limits::default().connections(1)).await;
    let client = running.client();
    client.open(call("echo", &json!({}))).await.unwrap().finish(drop).await.unwrap().unwrap();
    let mut second = TcpStream::connect(running.address).await.unwrap();
    let mut answer = String::new();
    second.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    client.close().await;
}

#[tokio::test]
async fn a_client_that_sends_64_mib_at_once_can_read_why_it_is_refused() {
    let running = Running::start(Limits::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head =
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 67108864\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let part = vec![b' '; 1024 * 1024];
    for _ in 0..64 {
        stream.write_all(&part).await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn entries_of_allow_lists_that_cannot_be_read_are_refused() {
    let bind = || Http::bind("127.0.0.1:0");
    assert!(bind().await.unwrap().allowed_hosts(["example.com", "a.test:8080", "*"]).is_ok());
    assert!(matches!(bind().await.unwrap().allowed_hosts(["http://example.com"]), Err(Error::Config(_))));
    assert!(bind().await.unwrap().allowed_origins(["https://example.com", "null", "*"]).is_ok());
    assert!(matches!(bind().await.unwrap().allowed_origins(["example.com"]), Err(Error::Config(_))));
}
