//! The client and the server with each other over connections that are cut: what was sent arrives, each message once and
//! in order (F40, F41, HL-8, HL-9).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use mcp_types::{Notification, RawJson, Revision};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};
use tokio::time::Instant;

use super::super::connection::serve_connection;
use super::Server;
use crate::client::{Event, Incoming, Outgoing, Transport};
use crate::error::Error;
use crate::http::client::{HttpClient, HttpOptions};

/// What came through a connection to the client.
type Passed = Arc<Mutex<Vec<u8>>>;

/// Opens a connection that is cut when so many bytes have come from the server.
fn connection(server: &Server, cut: usize) -> (DuplexStream, Passed) {
    let (client, ours) = duplex(64 * 1024);
    let (theirs, other) = duplex(64 * 1024);
    tokio::spawn(serve_connection(other, Arc::clone(&server.endpoint)));
    let passed = Passed::default();
    let seen = Arc::clone(&passed);
    tokio::spawn(async move {
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (split(ours), split(theirs));
        let up = tokio::io::copy(&mut from_client, &mut to_server);
        let down = async {
            let mut left = cut;
            let mut buffer = [0; 4096];
            while left > 0 {
                let most = left.min(buffer.len());
                let Ok(read @ 1..) = from_server.read(&mut buffer[..most]).await else { return };
                seen.lock().unwrap().extend_from_slice(&buffer[..read]);
                if to_client.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
                left -= read;
            }
        };
        tokio::select! {
            _ = up => {}
            () = down => {}
        }
    });
    (client, passed)
}

/// A client whose connections are cut after so many bytes, in the order in which they are used.
async fn client(server: &Server, cuts: &[usize]) -> (HttpClient, Passed) {
    let client = HttpClient::new("http://localhost/mcp", HttpOptions::default()).unwrap();
    let mut first = Passed::default();
    for cut in cuts.iter().rev() {
        let (stream, passed) = connection(server, *cut);
        client.connect_over(stream).await;
        first = passed;
    }
    let params =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let initialize = Outgoing::new("initialize", RawJson::from(params));
    client.open(initialize).await.unwrap().finish(drop).await.unwrap().unwrap();
    client.settle(Revision::V2025_11_25);
    (client, first)
}

/// Calls a tool; returns what came before the answer, and the answer.
async fn call(client: &HttpClient, tool: &str) -> (Vec<Value>, Result<Value, Error>) {
    let request = Outgoing::new("tools/call", RawJson::from(json!({"name": tool})));
    let mut seen = Vec::new();
    let note = |notification: Notification| {
        seen.push(notification.params.decode::<Value>().unwrap()["progress"].clone());
    };
    let outcome = match client.open(request).await {
        Ok(exchange) => exchange.finish(note).await,
        Err(error) => Err(error),
    };
    (seen, outcome.map(|answer| answer.unwrap().decode().unwrap()))
}

fn length(passed: &Passed) -> usize {
    passed.lock().unwrap().len()
}

/// Returns whether an event with an id came through, and with it the means to come back.
fn can_come_back(passed: &Passed, begin: usize) -> bool {
    let passed = passed.lock().unwrap();
    String::from_utf8_lossy(&passed[begin..]).contains("\ndata: \n\n")
}

const STEPS: [i64; 6] = [0, 1, 2, 3, 4, 5];

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_at_any_byte_brings_every_message_once_and_in_order_f40() {
    let server = Server::new();
    let (whole, passed) = client(&server, &[usize::MAX]).await;
    let begin = length(&passed);
    let (seen, answer) = call(&whole, "steps").await;
    assert_eq!((json!(seen), answer.unwrap()), (json!(STEPS), json!({"tool": "steps"})));
    let end = length(&passed);
    assert!(end - begin > 500, "the stream is long enough to be cut");
    let mut resumed = 0;
    for cut in begin + 1..end {
        let server = Server::new();
        let (client, passed) = client(&server, &[cut, usize::MAX]).await;
        let (seen, answer) = call(&client, "steps").await;
        if can_come_back(&passed, begin) {
            assert_eq!((json!(seen), answer.unwrap()), (json!(STEPS), json!({"tool": "steps"})), "cut at {cut}");
            resumed += 1;
        } else {
            // Nothing came by which the stream could be asked for again.
            assert!(seen.is_empty() && answer.is_err(), "cut at {cut}");
        }
    }
    assert!(resumed > 500, "{resumed} streams were resumed");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_again_and_again_brings_every_message_once_and_in_order_f41() {
    for first in (700..1300).step_by(53) {
        for second in (1..600).step_by(41) {
            let server = Server::new();
            let cuts = [first, second, second / 2 + 1, usize::MAX];
            let (client, passed) = client(&server, &cuts).await;
            let begin = passed.lock().unwrap().windows(4).position(|end| end == b"\r\n\r\n").unwrap();
            let (seen, answer) = call(&client, "steps").await;
            assert!(can_come_back(&passed, begin), "the first cut is behind the first id");
            assert_eq!((json!(seen), answer.unwrap()), (json!(STEPS), json!({"tool": "steps"})), "{cuts:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_the_server_closes_mid_call_is_asked_for_again_after_the_time_it_said_hl_9() {
    let server = Server::new();
    let (client, _) = client(&server, &[usize::MAX, usize::MAX]).await;
    let before = Instant::now();
    let request = Outgoing::new("tools/call", RawJson::from(json!({"name": "close-then-wait"})));
    let mut exchange = client.open(request).await.unwrap();
    assert!(matches!(exchange.next().await, Ok(Event::Notification(_))), "it was sent after the stream was closed");
    assert_eq!(before.elapsed(), Duration::from_millis(500));
    server.tools.go.notify_one();
    assert!(matches!(exchange.next().await, Ok(Event::Response(Ok(_)))));
}

/// Takes what the server tells of its own accord, from 1 to 4; returns how many bytes had come after the first.
async fn told(server: &Server, client: &HttpClient, passed: &Passed) -> (Value, usize) {
    let mut inbound = client.inbound().unwrap();
    client.notify("notifications/initialized", None).await.unwrap();
    let (mut told, mut after_first) = (Vec::new(), 0);
    for number in 1..=4 {
        server.tools.pushed.send_replace(number);
        let Some(Incoming::Notification(notification)) = inbound.next().await else { panic!("no notification") };
        told.push(notification.params.decode::<Value>().unwrap()["n"].clone());
        after_first = if number == 1 { length(passed) } else { after_first };
    }
    (json!(told), after_first)
}

#[tokio::test(start_paused = true)]
async fn what_a_session_is_told_arrives_once_although_its_stream_is_cut_f40() {
    let server = Server::new();
    let (whole, passed) = client(&server, &[usize::MAX]).await;
    let (numbers, begin) = told(&server, &whole, &passed).await;
    assert_eq!(numbers, json!([1, 2, 3, 4]));
    for cut in begin..length(&passed) {
        let server = Server::new();
        let (client, passed) = client(&server, &[cut, usize::MAX]).await;
        assert_eq!(told(&server, &client, &passed).await.0, json!([1, 2, 3, 4]), "cut at {cut}");
    }
}
