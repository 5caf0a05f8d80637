//! A connection from its first byte to its last, on paused time (F25 to F27).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::super::connection::serve_connection;
use super::{LARGE, Server, modern_call, settle};
use crate::limits::Limits;

/// The client's end of a connection.
struct Wire {
    stream: DuplexStream,
    served: JoinHandle<()>,
}

impl Wire {
    fn open(server: &Server) -> Self {
        let (stream, other) = duplex(64 * 1024);
        let served = tokio::spawn(serve_connection(other, Arc::clone(&server.endpoint)));
        Self { stream, served }
    }

    async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until so many bytes of a body came after a head.
    async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            let mut buffer = [0; 4096];
            let length = self.stream.read(&mut buffer).await.unwrap();
            assert!(length > 0, "closed after {text:?}");
            text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        }
        text
    }

    /// Reads to the end of the connection.
    async fn read_to_end(mut self) -> String {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).await.unwrap();
        self.served.await.unwrap();
        String::from_utf8(bytes).unwrap()
    }
}

fn call(tool: &str) -> String {
    let body = modern_call(1, tool, &json!({}));
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n\
         mcp-name: {tool}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_used_again_and_closed_when_it_lies_idle() {
    let server = Server::new();
    let mut wire = Wire::open(&server);
    for _ in 0..3 {
        wire.write(call("echo")).await;
        wire.read_until("{\"tool\":\"echo\"}}").await;
        tokio::time::sleep(Duration::from_secs(70)).await;
    }
    let before = Instant::now();
    assert_eq!(wire.read_to_end().await, "");
    assert_eq!(before.elapsed().as_secs(), 5, "75 s after the last answer");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_too_slowly_ends_the_connection() {
    let server = Server::new();
    for first in ["", "POST /mcp HTTP/1.1\r\nhost: "] {
        let mut wire = Wire::open(&server);
        let before = Instant::now();
        wire.write(first).await;
        for _ in 0..9 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if !first.is_empty() {
                wire.write("x").await;
            }
        }
        assert_eq!(wire.read_to_end().await, "");
        assert_eq!(before.elapsed().as_secs(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_after_an_answer_ends_the_connection_too() {
    let server = Server::new();
    let mut wire = Wire::open(&server);
    wire.write(call("echo")).await;
    wire.read_until("{\"tool\":\"echo\"}}").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    wire.write("POST").await;
    let before = Instant::now();
    assert_eq!(wire.read_to_end().await, "");
    assert_eq!(before.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_too_slowly_is_408_and_ends_the_connection() {
    let server = Server::new();
    let mut wire = Wire::open(&server);
    let request = call("echo");
    wire.write(&request[..request.len() - 5]).await;
    let answer = wire.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_long_call_is_not_idle() {
    let server = Server::new();
    let mut wire = Wire::open(&server);
    wire.write(call("wait")).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    server.tools.go.notify_one();
    assert!(wire.read_until("{\"tool\":\"wait\"}}").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_bytes_is_given_up_after_the_idle_timeout() {
    let server = Server::new();
    let (mut stream, other) = duplex(16);
    let served = tokio::spawn(serve_connection(other, Arc::clone(&server.endpoint)));
    let before = Instant::now();
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    writer.write_all(call("echo").as_bytes()).await.unwrap();
    served.await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 75);
    let mut rest = Vec::new();
    let _ = reader.read_to_end(&mut rest).await;
    assert!(rest.len() <= 16);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_drops_its_call_h_16() {
    let server = Server::new();
    let mut wire = Wire::open(&server);
    wire.write(call("wait")).await;
    settle().await;
    assert_eq!(server.tools.begun.load(Ordering::SeqCst), 1);
    drop(wire.stream);
    wire.served.await.unwrap();
    assert_eq!(server.tools.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_is_not_waited_for_although_it_takes_no_bytes() {
    let server = Server::new();
    let (mut stream, other) = duplex(16);
    let served = tokio::spawn(serve_connection(other, Arc::clone(&server.endpoint)));
    stream.write_all(call("echo").as_bytes()).await.unwrap();
    settle().await;
    let before = Instant::now();
    stream.shutdown().await.unwrap();
    served.await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_a_call_runs_is_read_after_its_answer_byte_by_byte_or_at_once() {
    let next = call("echo");
    for part in [1, 7, next.len()] {
        let server = Server::new();
        let mut wire = Wire::open(&server);
        wire.write(call("wait")).await;
        settle().await;
        for part in next.as_bytes().chunks(part) {
            wire.write(part).await;
            settle().await;
        }
        assert_eq!(server.tools.begun.load(Ordering::SeqCst), 1, "one after the other");
        server.tools.go.notify_one();
        let answers = wire.read_until("{\"tool\":\"echo\"}}").await;
        assert!(answers.contains("{\"tool\":\"wait\"}}"), "{answers}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_above_its_limits_is_431() {
    async fn check(head_count: usize, more: &str, expected: u16) {
        let server = Server::with(Limits::default().head_count(head_count));
        // A POST without a content type; these are two headers.
        let request = format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n");
        let Wire { stream, served } = Wire::open(&server);
        let (mut reader, mut writer) = tokio::io::split(stream);
        let sending = tokio::spawn(async move {
            let _ = writer.write_all(request.as_bytes()).await;
            writer
        });
        let mut answer = String::new();
        reader.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{head_count}: {answer}");
        drop((reader, sending.await.unwrap()));
        served.await.unwrap();
    }
    check(100, &format!("x: {}\r\n", "x".repeat(200 * 1024)), 431).await;
    // Of these, one is hyper's own number, which it is not told.
    for head_count in [50, 100] {
        check(head_count, &"x: 1\r\n".repeat(head_count - 2), 415).await;
        check(head_count, &"x: 1\r\n".repeat(head_count - 1), 431).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_above_the_limit_is_refused_before_it_is_read() {
    let server = Server::with(Limits::default().body_bytes(1000));
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let declared = format!("{head}content-length: 64000000\r\n\r\n");
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n3e9\r\n{}\r\n", "x".repeat(1001));
    let polite = format!("{head}expect: 100-continue\r\ncontent-length: 64000000\r\n\r\n");
    for request in [declared, chunked, polite] {
        let mut wire = Wire::open(&server);
        wire.write(request).await;
        let answer = wire.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_in_one_write_are_answered_in_order() {
    let server = Server::new();
    let mut wire = Wire::open(&server);
    wire.write(format!("{}{}{}", call("notify"), call("echo"), call("unknown"))).await;
    let answers = wire.read_until("unknown tool").await;
    let places: Vec<_> =
        ["\"tool\":\"notify\"", "\"tool\":\"echo\"", "unknown tool"].map(|text| answers.find(text)).into();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{answers}");
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_has_its_length_and_is_followed_by_the_next_one() {
    let server = Server::new();
    let mut wire = Wire::open(&server);
    wire.write(format!("{}{}", call("large"), call("echo"))).await;
    let answers = wire.read_until("{\"tool\":\"echo\"}}").await;
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tool":"{}"}}}}"#, "x".repeat(LARGE));
    let (head, rest) = answers.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert!(rest.starts_with(&format!("{body}HTTP/1.1 200 OK\r\n")));
}

#[tokio::test(start_paused = true)]
async fn a_length_that_contradicts_the_encoding_is_refused() {
    let server = Server::new();
    let mut wire = Wire::open(&server);
    wire.write("POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd").await;
    let answer = wire.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_finishes_requests_and_waits_for_no_half_ones_f_95() {
    let server = Server::new();
    let (mut busy, mut half, mut idle) = (Wire::open(&server), Wire::open(&server), Wire::open(&server));
    busy.write(call("wait")).await;
    half.write("POST /mcp HT").await;
    idle.write(call("echo")).await;
    idle.read_until("{\"tool\":\"echo\"}}").await;
    settle().await;
    let before = Instant::now();
    server.stage.send_replace(super::super::stop::Stage::Draining);
    assert_eq!((half.read_to_end().await.as_str(), idle.read_to_end().await.as_str()), ("", ""));
    assert_eq!(before.elapsed(), Duration::ZERO);
    server.tools.go.notify_one();
    let answer = busy.read_to_end().await;
    assert!(answer.contains("{\"tool\":\"wait\"}}") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_connection_has_no_room_for_what_only_some_of_its_requests_need() {
    let server = Server::new();
    let check = |bytes: usize, what: &str| assert!(bytes <= 1024, "{what} holds {bytes} bytes");
    let (_stream, other) = duplex(1);
    check(size_of_val(&serve_connection(other, Arc::clone(&server.endpoint))), "the task of a connection");
    let (mut head, body) = super::full(super::post(), "{}").into_parts();
    check(size_of_val(&server.endpoint.respond(&mut head, body)), "the answering of a request");
}
