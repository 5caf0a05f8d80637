//! Servers that know only HTTP+SSE, the transport of 2024-11-05 (V-62, HL-18, HS-1 to HS-4).

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "it is all test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_client::{Client, Error, Implementation, Limits, Revision, Target};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A server of one tool, which ends the stream instead of an answer when it is called.
#[derive(Clone, Default)]
struct Old {
    has_stream: bool,
    /// Where the messages of the open stream go; an end of it when it is taken away.
    stream: Arc<Mutex<Option<UnboundedSender<Value>>>>,
    seen: Arc<Mutex<Vec<String>>>,
    posted_to_the_stream: Arc<Mutex<usize>>,
}

impl Old {
    /// Starts to serve, and returns the URL.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sse", listener.local_addr().unwrap());
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(stream));
            }
        });
        url
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        stream.read_line(&mut line).await.unwrap();
        let head = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let answer = match head.as_str() {
            "GET /sse" if self.has_stream => {
                let (sender, receiver) = unbounded_channel();
                *self.stream.lock().unwrap() = Some(sender);
                return tell(stream, receiver).await;
            }
            "POST /messages?session=1" => {
                self.take(&serde_json::from_slice(&body).unwrap());
                "202 Accepted"
            }
            "POST /sse" => {
                *self.posted_to_the_stream.lock().unwrap() += 1;
                "405 Method Not Allowed"
            }
            _ => "404 Not Found",
        };
        let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    fn take(&self, message: &Value) {
        let method = message["method"].as_str().unwrap();
        self.seen.lock().unwrap().push(method.to_owned());
        let result = match method {
            "initialize" => json!({"protocolVersion": "2024-11-05", "capabilities": {"tools": {}},
                "serverInfo": {"name": "old", "version": "1"}}),
            "tools/list" => json!({"tools": []}),
            "tools/call" => return drop(self.stream.lock().unwrap().take()),
            _ => return,
        };
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
        self.stream.lock().unwrap().as_ref().unwrap().send(answer).unwrap();
    }
}

/// Writes the stream, until nothing comes any more.
async fn tell(mut stream: BufReader<TcpStream>, mut messages: UnboundedReceiver<Value>) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let first = "event: endpoint\ndata: /messages?session=1\n\n";
    stream.write_all(format!("{head}{first}").as_bytes()).await.unwrap();
    while let Some(message) = messages.recv().await {
        stream.write_all(format!("event: message\ndata: {message}\n\n").as_bytes()).await.unwrap();
    }
}

fn builder() -> mcp_client::ClientBuilder {
    let limits = Limits::default().reconnect_min(Duration::from_millis(2));
    Client::builder(Implementation::new("t", "1")).limits(limits)
}

#[tokio::test]
async fn a_url_that_takes_no_post_is_spoken_to_by_its_stream_v_62() {
    let server = Old { has_stream: true, ..Old::default() };
    let client = builder().connect(server.start().await).await.unwrap();
    assert_eq!(client.revision(), Revision::V2024_11_05);
    assert_eq!(client.list_tools().await.unwrap(), []);
    assert_eq!(server.seen(), ["initialize", "notifications/initialized", "tools/list"]);
    client.close().await;
}

#[tokio::test]
async fn a_url_that_is_said_to_be_of_http_sse_is_never_posted_to_itself() {
    let server = Old { has_stream: true, ..Old::default() };
    let url = server.start().await;
    let client = builder().connect(Target::http_sse(&url)).await.unwrap();
    assert_eq!(client.list_tools().await.unwrap(), []);
    assert_eq!(server.seen(), ["initialize", "notifications/initialized", "tools/list"]);
    assert_eq!(*server.posted_to_the_stream.lock().unwrap(), 0);
    client.close().await;
    builder().connect(url).await.unwrap().close().await;
    assert_ne!(*server.posted_to_the_stream.lock().unwrap(), 0, "a URL by itself is tried");
}

#[tokio::test]
async fn a_stream_that_ends_is_opened_again_for_the_next_request_hs_4() {
    let server = Old { has_stream: true, ..Old::default() };
    let client = builder().connect(server.start().await).await.unwrap();
    let lost = client.call_tool("t", ()).await.unwrap_err();
    assert!(matches!(lost, Error::Closed | Error::SessionEnded), "{lost}");
    assert_eq!(client.list_tools().await.unwrap(), []);
    let again = ["initialize", "notifications/initialized", "tools/list"];
    assert_eq!(server.seen()[3..], again, "a call is not repeated");
}

#[tokio::test]
async fn a_url_that_is_nothing_at_all_is_reported_as_it_answered_the_post_hl_18() {
    let error = builder().connect(Old::default().start().await).await.unwrap_err();
    let Error::Http(failure) = &error else { panic!("{error}") };
    assert_eq!(failure.status, 405);
}
