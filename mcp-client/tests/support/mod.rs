//! Servers that do what a test says: one over a pipe, written in raw JSON lines, and one behind a [`Transport`].

#![allow(dead_code, reason = "every test file uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use mcp_client::types::{Notification, Params, RawJson, Request, RequestId, Revision, RpcError};
use mcp_client::{Client, Target};
use mcp_transport::{Error as WireError, Event, Exchange, Incoming, Outgoing, Transport};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};

pub(crate) const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],
    "capabilities":{"tools":{},"prompts":{},"resources":{},"completions":{}},"instructions":"be kind",
    "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"scripted","version":"1"}}}"#;

pub(crate) const INITIALIZED: &str = r#"{"protocolVersion":"2025-11-25",
    "capabilities":{"tools":{},"prompts":{},"resources":{"subscribe":true},"logging":{}},
    "serverInfo":{"name":"scripted","version":"1"},"instructions":"be kind"}"#;

pub(crate) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn raw(value: &Value) -> RawJson {
    RawJson::parse(value.to_string()).unwrap()
}

/// The server's end of a pipe.
pub(crate) struct Server {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
}

/// Makes a target, and the server that it leads to.
pub(crate) fn pipe() -> (Target, Server) {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let (reader, writer) = tokio::io::split(client);
    let (server_reader, server_writer) = tokio::io::split(server);
    let server = Server { lines: BufReader::new(server_reader).lines(), writer: server_writer };
    (Target::stream(reader, writer), server)
}

/// Connects by the automatic probe to a server that answers it.
pub(crate) async fn modern() -> (Client, Server) {
    let (target, mut server) = pipe();
    let (client, ()) = tokio::join!(Client::connect(target), server.discover());
    (client.unwrap(), server)
}

/// Connects to a legacy server.
pub(crate) async fn legacy() -> (Client, Server) {
    let (target, mut server) = pipe();
    let (client, ()) = tokio::join!(Client::connect(target), async {
        server.refuse_discover().await;
        server.initialize().await;
    });
    (client.unwrap(), server)
}

impl Server {
    /// Returns the next message; `None` when the client has closed the pipe.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// Returns the next message; panics when the client has nothing more to say.
    pub(crate) async fn receive(&mut self) -> Value {
        self.next().await.expect("the client has closed the pipe")
    }

    /// Returns the next message, which must have this method.
    #[track_caller]
    pub(crate) fn expect<'a>(&'a mut self, method: &'a str) -> BoxFuture<'a, Value> {
        async move {
            let message = self.receive().await;
            assert_eq!(message["method"], method, "{message}");
            message
        }
        .boxed()
    }

    /// Returns whether the client has closed the pipe, and closes the other end.
    pub(crate) async fn was_left(mut self) -> bool {
        self.next().await.is_none()
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    pub(crate) async fn reply(&mut self, request: &Value, result: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": request["id"], "result": result})).await;
    }

    pub(crate) async fn refuse(&mut self, request: &Value, code: i64, data: Option<Value>) {
        let mut error = json!({"code": code, "message": "scripted"});
        if let Some(data) = data {
            error["data"] = data;
        }
        self.send(&json!({"jsonrpc": "2.0", "id": request["id"], "error": error})).await;
    }

    pub(crate) async fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    /// Answers the probe.
    pub(crate) async fn discover(&mut self) {
        let request = self.expect("server/discover").await;
        self.reply(&request, &value(DISCOVERED)).await;
    }

    /// Refuses the probe as a server that does not know it.
    pub(crate) async fn refuse_discover(&mut self) {
        let request = self.expect("server/discover").await;
        self.refuse(&request, -32601, None).await;
    }

    /// Shakes hands.
    pub(crate) async fn initialize(&mut self) {
        let request = self.expect("initialize").await;
        self.reply(&request, &value(INITIALIZED)).await;
        self.expect("notifications/initialized").await;
    }
}

/// A transport that hands every request to the test.
pub(crate) struct Wire {
    asked: UnboundedSender<Asked>,
    said: Arc<Mutex<Vec<String>>>,
    inbound: Mutex<Option<UnboundedReceiver<Incoming>>>,
}

/// The test's end of a [`Wire`].
pub(crate) struct Desk {
    asked: UnboundedReceiver<Asked>,
    /// What the client did besides asking, in order.
    pub(crate) said: Arc<Mutex<Vec<String>>>,
    inbound: UnboundedSender<Incoming>,
}

/// A request, with the way to answer it.
pub(crate) struct Asked {
    pub(crate) request: Outgoing,
    events: UnboundedSender<Result<Event, WireError>>,
}

pub(crate) fn wire() -> (Wire, Desk) {
    let (sender, asked) = unbounded();
    let said = Arc::new(Mutex::new(Vec::new()));
    let (inbound, incoming) = unbounded();
    let wire = Wire { asked: sender, said: Arc::clone(&said), inbound: Mutex::new(Some(incoming)) };
    (wire, Desk { asked, said, inbound })
}

/// Connects over a scripted transport with the rules of HTTP.
pub(crate) async fn http_modern() -> (Client, Desk) {
    let (wire, mut desk) = wire();
    let (client, ()) = tokio::join!(Client::connect(Target::http_transport(wire)), async {
        desk.expect("server/discover").await.reply(DISCOVERED);
    });
    (client.unwrap(), desk)
}

/// Connects to a legacy server over a scripted transport with the rules of HTTP.
pub(crate) async fn http_legacy() -> (Client, Desk) {
    let (wire, mut desk) = wire();
    let (client, ()) = tokio::join!(Client::connect(Target::http_transport(wire)), async {
        desk.expect("server/discover").await.refuse(-32601);
        desk.expect("initialize").await.reply(INITIALIZED);
    });
    (client.unwrap(), desk)
}

impl Desk {
    #[track_caller]
    pub(crate) fn expect<'a>(&'a mut self, method: &'a str) -> BoxFuture<'a, Asked> {
        async move {
            let asked = self.asked.next().await.expect("the client is gone");
            assert_eq!(asked.request.method, method);
            asked
        }
        .boxed()
    }

    /// Sends a request of the server.
    pub(crate) fn request(&self, id: i64, method: &'static str) {
        let request = Request { id: id.into(), method: method.into(), params: Params::absent() };
        self.inbound.unbounded_send(Incoming::Request(request)).unwrap();
    }

    /// Returns what the client did besides asking, once it is this much.
    pub(crate) async fn said(&self, count: usize) -> Vec<String> {
        while self.said.lock().unwrap().len() < count {
            tokio::task::yield_now().await;
        }
        self.said.lock().unwrap().clone()
    }

    /// Returns whether nothing has been asked.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }
}

impl Asked {
    /// The parameters of the request.
    pub(crate) fn params(&self) -> Value {
        value(self.request.params.as_str())
    }

    pub(crate) fn reply(self, result: &str) {
        self.end(Ok(Event::Response(Ok(raw(&value(result))))));
    }

    pub(crate) fn refuse(self, code: i64) {
        self.end(Ok(Event::Response(Err(RpcError::new(code, "scripted")))));
    }

    pub(crate) fn fail(self, error: WireError) {
        self.end(Err(error));
    }

    pub(crate) fn notify(&self, method: &'static str, params: &Value) {
        let params = Params::from_raw(raw(params)).unwrap();
        let notification = Notification { method: method.into(), params };
        self.events.unbounded_send(Ok(Event::Notification(notification))).unwrap();
    }

    /// Waits until the client gives the request up.
    pub(crate) async fn dropped(self) {
        while !self.events.is_closed() {
            tokio::task::yield_now().await;
        }
    }

    fn end(self, event: Result<Event, WireError>) {
        // A client that gave the request up does not want to know.
        let _ = self.events.unbounded_send(event);
    }
}

impl Transport for Wire {
    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Exchange, WireError>> {
        let (events, received) = unbounded();
        let sent = self.asked.unbounded_send(Asked { request, events });
        async move {
            sent.map_err(|_| WireError::Closed)?;
            Ok(Exchange::new(RequestId::from(1), received))
        }
        .boxed()
    }

    fn notify(&self, method: &'static str, _params: Option<RawJson>) -> BoxFuture<'_, Result<(), WireError>> {
        self.said.lock().unwrap().push(method.to_owned());
        async { Ok(()) }.boxed()
    }

    fn answer(&self, id: RequestId, outcome: Result<RawJson, RpcError>) -> BoxFuture<'_, Result<(), WireError>> {
        self.said.lock().unwrap().push(format!("answer {id} {}", outcome.is_ok()));
        async { Ok(()) }.boxed()
    }

    fn inbound(&self) -> Option<BoxStream<'static, Incoming>> {
        self.inbound.lock().unwrap().take().map(StreamExt::boxed)
    }

    fn settle(&self, revision: Revision) {
        self.said.lock().unwrap().push(format!("settle {revision}"));
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.said.lock().unwrap().push("close".to_owned());
        async {}.boxed()
    }
}
