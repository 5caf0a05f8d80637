//! Tests of the client against a server that is played by the test, over in-memory streams and on paused time.

mod answers;
mod fetch;
mod sessions;

use bytes::Bytes;
use mcp_types::{Notification, RawJson, Revision};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::connection::Connection;
use super::{HttpClient, HttpOptions};
use crate::client::{Event, Exchange, Outgoing, Transport};
use crate::error::Error;
use crate::limits::Limits;

/// A client with connections that are open already, and their other ends; the first is used first.
async fn client<const N: usize>(limits: &Limits) -> (HttpClient, [Peer; N]) {
    let options = HttpOptions::default().limits(limits.clone()).header("authorization", "Bearer canary");
    let client = HttpClient::new("http://server.test/mcp?tenant=1", options).unwrap();
    let mut peers = Vec::new();
    for _ in 0..N {
        let (ours, theirs) = duplex(1024 * 1024);
        client.shared.dialer.pool.put(Connection::over(Box::new(ours), limits).await.unwrap());
        peers.push(Peer { stream: theirs });
    }
    peers.reverse();
    (client, peers.try_into().ok().unwrap())
}

/// The server's end of a connection.
struct Peer {
    stream: DuplexStream,
}

/// A request that arrived.
struct Arrived {
    head: String,
    body: String,
}

impl Peer {
    /// Reads one request.
    async fn read(&mut self) -> Arrived {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.expect("a request comes"));
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; length.parse().unwrap()];
        self.stream.read_exact(&mut body).await.unwrap();
        Arrived { head, body: String::from_utf8(body).unwrap() }
    }

    async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Answers with a body of a known length.
    async fn reply(&mut self, status: &str, media: &str, body: &str) {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n{body}");
        self.write(&head).await;
    }

    /// Begins an event stream.
    async fn begin_events(&mut self) {
        self.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await;
    }

    /// Sends raw bytes of an event stream.
    async fn send(&mut self, text: &str) {
        self.write(&format!("{:x}\r\n{text}\r\n", text.len())).await;
    }

    /// Ends an event stream.
    async fn end_events(&mut self) {
        self.write("0\r\n\r\n").await;
    }

    /// Waits until the client has closed the connection.
    async fn closed(&mut self) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

impl Arrived {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn event(message: &Value) -> String {
    format!("data: {message}\n\n")
}

fn result(id: i64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"ok": id}})
}

fn progress() -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
}

/// A modern request.
fn modern(method: &'static str) -> Outgoing {
    Outgoing { revision: Some(Revision::LATEST), ..Outgoing::new(method, RawJson::empty_object()) }
}

fn legacy(method: &'static str) -> Outgoing {
    Outgoing::new(method, RawJson::empty_object())
}

/// Waits for the response and returns it with the methods of the notifications before it.
async fn finish(client: &HttpClient, request: Outgoing) -> (Result<Value, Error>, Vec<String>) {
    let mut methods = Vec::new();
    let note = |notification: Notification| methods.push(notification.method.into_owned());
    let outcome = match client.open(request).await {
        Ok(exchange) => exchange.finish(note).await,
        Err(error) => Err(error),
    };
    let outcome = outcome.map(|outcome| match outcome {
        Ok(result) => result.decode().unwrap(),
        Err(error) => json!({"error": error.code.0}),
    });
    (outcome, methods)
}

async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn next(exchange: &mut Exchange) -> Result<Event, Error> {
    exchange.next().await
}

fn bytes(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}
