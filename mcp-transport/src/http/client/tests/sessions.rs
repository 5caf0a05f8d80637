//! Legacy sessions (HL-2 to HL-11, P-60).

use std::time::Duration;

use futures::StreamExt as _;
use mcp_types::{RawJson, Revision};
use serde_json::{Value, json};
use tokio::join;
use tokio::time::Instant;

use super::{Peer, client, event, finish, legacy, progress, result, settle};
use crate::client::{Event, Incoming, Transport};
use crate::error::Error;
use crate::http::HttpClient;
use crate::limits::Limits;

/// Opens a session of 2025-06-18.
async fn initialize(client: &HttpClient, peer: &mut Peer) {
    let serve = async {
        let arrived = peer.read().await;
        assert_eq!((arrived.header("mcp-session-id"), arrived.header("mcp-protocol-version")), (None, None));
        let body = result(1).to_string();
        let head = format!("content-type: application/json\r\nmcp-session-id: s-1\r\ncontent-length: {}", body.len());
        peer.write(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")).await;
    };
    let (answer, ()) = join!(finish(client, legacy("initialize")), serve);
    answer.0.unwrap();
    client.settle(Revision::V2025_06_18);
}

async fn accept(peer: &mut Peer) -> Value {
    let arrived = peer.read().await;
    peer.reply("202 Accepted", "text/plain", "").await;
    arrived.json()
}

#[tokio::test(start_paused = true)]
async fn the_session_of_initialize_is_named_in_every_message_after_it_hl_10_hl_11() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    initialize(&client, &mut peer).await;
    let serve = async {
        let arrived = peer.read().await;
        assert_eq!(arrived.header("mcp-session-id"), Some("s-1"));
        assert_eq!(arrived.header("mcp-protocol-version"), Some("2025-06-18"));
        assert_eq!(arrived.header("mcp-method"), None);
        peer.reply(
            "404 Not Found",
            "application/json",
            r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"x"},"id":null}"#,
        )
        .await;
    };
    let (answer, ()) = join!(finish(&client, legacy("tools/list")), serve);
    assert!(matches!(answer.0, Err(Error::SessionEnded)), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_id_that_is_not_visible_ascii_is_refused_hl_10() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    let serve = async {
        peer.read().await;
        peer.write("HTTP/1.1 200 OK\r\nmcp-session-id: a b\r\ncontent-length: 0\r\n\r\n").await;
    };
    let (answer, ()) = join!(finish(&client, legacy("initialize")), serve);
    assert!(matches!(answer.0, Err(Error::Malformed(_))), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_legacy_exchange_sends_a_cancellation_p_60() {
    let (client, [mut peer, mut other]) = client(&Limits::default()).await;
    initialize(&client, &mut peer).await;
    let serve = async {
        peer.read().await;
        peer.begin_events().await;
        peer.send(&event(&progress())).await;
    };
    let (exchange, ()) = join!(client.open(legacy("tools/call")), serve);
    let mut exchange = exchange.unwrap();
    assert!(matches!(exchange.next().await, Ok(Event::Notification(_))));
    drop(exchange);
    let cancelled = accept(&mut other).await;
    assert_eq!(
        (&cancelled["method"], &cancelled["params"]["requestId"]),
        (&json!("notifications/cancelled"), &json!(2))
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_waited_for_any_more_is_cancelled_too_and_initialize_is_not_v_17_v_21() {
    let limits = Limits::default().idle_timeout(Duration::from_secs(600));
    let (client, [mut peer, mut other, mut third]) = client(&limits).await;
    {
        let mut opening = client.open(legacy("initialize"));
        assert!(futures::poll!(&mut opening).is_pending());
        peer.read().await;
    }
    peer.closed().await;
    client.settle(Revision::V2025_06_18);
    let (answer, _) = join!(finish(&client, legacy("tools/call")), other.read());
    assert!(matches!(answer.0, Err(Error::TimedOut(_))), "{answer:?}");
    assert_eq!(accept(&mut third).await["params"]["requestId"], 2, "`initialize`, which had 1, was not cancelled");
}

#[tokio::test(start_paused = true)]
async fn requests_on_the_stream_of_a_request_go_to_inbound_and_ping_is_answered_hl_4() {
    let (client, [mut peer, mut other]) = client(&Limits::default()).await;
    initialize(&client, &mut peer).await;
    let mut inbound = client.inbound().unwrap();
    assert!(client.inbound().is_none());
    let serve = async {
        peer.read().await;
        peer.begin_events().await;
        peer.send(&event(&json!({"jsonrpc": "2.0", "id": "p", "method": "ping"}))).await;
        assert_eq!(accept(&mut other).await, json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
        peer.send(&event(&json!({"jsonrpc": "2.0", "id": 1, "method": "roots/list"}))).await;
        let answer = accept(&mut other).await;
        assert_eq!(answer, json!({"jsonrpc": "2.0", "id": 1, "result": {"roots": []}}));
        peer.send(&event(&result(2))).await;
        peer.end_events().await;
    };
    let answer = async {
        let Some(Incoming::Request(request)) = inbound.next().await else { panic!("no request") };
        assert_eq!(request.method, "roots/list");
        client.answer(request.id, Ok(RawJson::from(json!({"roots": []})))).await.unwrap();
    };
    let (outcome, (), ()) = join!(finish(&client, legacy("tools/call")), serve, answer);
    assert_eq!(outcome.0.unwrap(), json!({"ok": 2}));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_faster_than_it_takes_answers_waits_and_gets_them_one_at_a_time() {
    const PINGS: i64 = 40;
    let (client, [mut peer, mut other, mut third]) = client(&Limits::default().in_flight(2)).await;
    initialize(&client, &mut peer).await;
    let begin = async {
        peer.read().await;
        peer.begin_events().await;
        let ping = |id| event(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}));
        let pings: String = (0..PINGS).map(ping).collect();
        peer.send(&format!("{pings}{}{}", event(&progress()), event(&result(2)))).await;
        peer.end_events().await;
    };
    let (exchange, ()) = join!(client.open(legacy("tools/call")), begin);
    let mut exchange = exchange.unwrap();
    let serve = async {
        settle().await;
        let first = other.read().await;
        settle().await;
        assert!(futures::poll!(Box::pin(third.read())).is_pending(), "one answer is on its way at a time");
        other.reply("202 Accepted", "text/plain", "").await;
        let mut ids = vec![first.json()["id"].clone()];
        for _ in 1..PINGS {
            ids.push(accept(&mut other).await["id"].clone());
        }
        ids
    };
    let mut serve = std::pin::pin!(serve);
    let mut read = Box::pin(exchange.next());
    for _ in 0..20 {
        assert!(futures::poll!(&mut read).is_pending(), "what is behind the pings is not read before their answers");
        tokio::task::yield_now().await;
    }
    let (event, ids) = join!(read, &mut serve);
    assert!(matches!(event, Ok(Event::Notification(_))), "{event:?}");
    assert_eq!(json!(ids), json!((0..PINGS).collect::<Vec<_>>()));
    assert!(matches!(exchange.next().await, Ok(Event::Response(Ok(_)))));
}

#[tokio::test(start_paused = true)]
async fn requests_that_nobody_hears_are_refused() {
    let (client, [mut peer, mut other]) = client(&Limits::default()).await;
    initialize(&client, &mut peer).await;
    let serve = async {
        peer.read().await;
        peer.begin_events().await;
        peer.send(&event(&json!({"jsonrpc": "2.0", "id": 1, "method": "roots/list"}))).await;
        assert_eq!(accept(&mut other).await["error"]["code"], -32601);
        peer.send(&event(&result(2))).await;
        peer.end_events().await;
    };
    let (outcome, ()) = join!(finish(&client, legacy("tools/call")), serve);
    outcome.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_standalone_stream_is_opened_after_initialized_and_again_where_it_was_lost_hl_6_hl_8() {
    let (client, [mut peer, mut first, mut second]) = client(&Limits::default()).await;
    initialize(&client, &mut peer).await;
    let mut inbound = client.inbound().unwrap();
    let (told, note) = join!(client.notify("notifications/initialized", None), accept(&mut peer));
    told.unwrap();
    assert_eq!(note["method"], "notifications/initialized");
    // The connection that came back is the first one out.
    let arrived = peer.read().await;
    assert!(arrived.head.starts_with("get /mcp?tenant=1 http/1.1\r\n"), "{}", arrived.head);
    assert_eq!(arrived.header("accept"), Some("text/event-stream"));
    assert_eq!((arrived.header("mcp-session-id"), arrived.header("last-event-id")), (Some("s-1"), None));
    peer.begin_events().await;
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    peer.send(&format!("id: e7\nretry: 3000\n{}", event(&changed))).await;
    assert!(
        matches!(inbound.next().await, Some(Incoming::Notification(note)) if note.method == "notifications/tools/list_changed")
    );
    drop(peer);
    let lost = Instant::now();
    let arrived = first.read().await;
    assert_eq!((arrived.header("last-event-id"), lost.elapsed()), (Some("e7"), Duration::from_secs(3)));
    first.reply("405 Method Not Allowed", "text/plain", "").await;
    settle().await;
    assert!(futures::poll!(Box::pin(second.read())).is_pending(), "a server without the stream is not asked again");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_lost_again_and_again_is_given_up() {
    let limits = Limits::default().reconnects(3);
    let (client, [mut one, mut two, mut three, mut four]) = client(&limits).await;
    client.settle(Revision::V2025_06_18);
    let serve = async {
        accept(&mut one).await;
        for peer in [&mut one, &mut two, &mut three] {
            peer.read().await;
            peer.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n").await;
            peer.stream.shutdown_now().await;
        }
    };
    let (told, ()) = join!(client.notify("notifications/initialized", None), serve);
    told.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(futures::poll!(Box::pin(four.read())).is_pending());
}

/// Ends the writing side of a peer.
trait ShutdownNow {
    async fn shutdown_now(&mut self);
}

impl ShutdownNow for tokio::io::DuplexStream {
    async fn shutdown_now(&mut self) {
        tokio::io::AsyncWriteExt::shutdown(self).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_a_request_goes_on_where_it_was_lost_hl_8_hl_9() {
    let (client, [mut peer, mut other]) = client(&Limits::default()).await;
    initialize(&client, &mut peer).await;
    let serve = async {
        peer.read().await;
        peer.begin_events().await;
        peer.send("id: a1\nretry: 700\ndata:\n\n").await;
        drop(peer);
        let lost = Instant::now();
        let arrived = other.read().await;
        assert_eq!((arrived.header("last-event-id"), lost.elapsed().as_millis()), (Some("a1"), 700));
        other.begin_events().await;
        other.send(&format!("{}{}", event(&progress()), event(&result(2)))).await;
        other.end_events().await;
    };
    let (answer, ()) = join!(finish(&client, legacy("tools/call")), serve);
    assert_eq!((answer.0.unwrap(), answer.1.len()), (json!({"ok": 2}), 1));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_the_session_and_nothing_is_sent_afterwards_hl_10() {
    let (client, [mut peer, mut other]) = client(&Limits::default()).await;
    initialize(&client, &mut peer).await;
    let serve = async {
        let arrived = peer.read().await;
        assert!(arrived.head.starts_with("delete "), "{}", arrived.head);
        assert_eq!(arrived.header("mcp-session-id"), Some("s-1"));
        peer.reply("405 Method Not Allowed", "text/plain", "").await;
    };
    join!(client.close(), serve);
    other.closed().await;
    assert!(matches!(client.open(legacy("tools/list")).await, Err(Error::Closed)));
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_ever() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    initialize(&client, &mut peer).await;
    let before = Instant::now();
    client.close().await;
    assert_eq!(before.elapsed(), Duration::from_secs(2));
}
