//! The modern side: statuses, forms, the end of a request (H-1 to H-18, V-56).

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Request as HttpRequest;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Body as _, Frame};
use mcp_types::Revision;
use serde_json::json;

use super::{Server, full, modern, modern_call, modern_post, post, settle};
use crate::era::Served;
use crate::limits::Limits;

async fn check(request: HttpRequest<Full<Bytes>>, status: u16, code: i64) {
    let answered = Server::new().ask(request).await;
    assert_eq!((answered.status, answered.code()), (status, code), "{}", answered.text);
}

#[tokio::test]
async fn an_answer_without_notifications_is_one_json_object_h_13() {
    let server = Server::new();
    let seen = server.send(modern(7, "echo")).await;
    let length = hyper::body::Body::size_hint(&seen.body).exact();
    let answered = seen.finish().await;
    assert_eq!((answered.status, length), (200, Some(answered.text.len() as u64)));
    assert_eq!(answered.headers["content-type"], "application/json");
    assert_eq!(answered.json(), json!({"jsonrpc": "2.0", "id": 7, "result": {"tool": "echo"}}));
}

#[tokio::test]
async fn a_notification_before_the_answer_makes_it_an_event_stream_and_what_is_ready_shares_a_frame_h_13_h_14() {
    let server = Server::new();
    let mut seen = server.send(modern(7, "notify")).await;
    assert_eq!(seen.headers["content-type"], "text/event-stream");
    assert_eq!(seen.headers["x-accel-buffering"], "no");
    assert_eq!(seen.headers["cache-control"], "no-cache");
    let frame = seen.frame().await;
    assert_eq!(frame.matches("notifications/progress").count(), 2, "{frame}");
    let rest = format!("{frame}{}", seen.finish().await.text);
    assert_eq!(rest.matches("data: ").count(), 3);
    assert!(rest.ends_with("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"tool\":\"notify\"}}\n\n"), "{rest}");
}

#[tokio::test]
async fn nothing_follows_the_answer_and_who_notifies_later_is_told_that_nobody_reads_h_14() {
    let server = Server::with(Limits::default().outbox_messages(1));
    let mut seen = server.send(modern(7, "notify-late")).await;
    let mut text = String::new();
    while let Some(frame) = seen.body.frame().await {
        text.push_str(std::str::from_utf8(frame.unwrap().data_ref().unwrap()).unwrap());
        // What is written while the peer takes the frame must not come after the answer.
        settle().await;
    }
    assert!(text.contains("notifications/progress"), "{text}");
    assert!(text.ends_with("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"tool\":\"notify-late\"}}\n\n"), "{text}");
    assert_eq!(server.tools.late.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_client_that_takes_only_json_gets_no_notifications_and_one_that_takes_only_events_gets_an_event() {
    let body = modern_call(1, "notify", &json!({}));
    let only = |media: &str| {
        let builder = HttpRequest::post("/mcp")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "notify")
            .header("accept", media);
        full(builder, &body)
    };
    let answered = Server::new().ask(only("application/json")).await;
    assert_eq!(answered.json()["result"]["tool"], "notify");
    let answered = Server::new().ask(only("text/event-stream")).await;
    assert!(answered.is_events());
    let answered = Server::new().ask(only("text/html")).await;
    assert_eq!(answered.status, 406);
}

#[tokio::test]
async fn errors_of_handlers_have_the_status_of_the_table_h_18() {
    check(modern(1, "unknown"), 200, -32602).await;
    check(modern(1, "gone"), 404, -32601).await;
    check(modern(1, "needs"), 400, -32021).await;
    check(modern(1, "panic"), 200, -32603).await;
}

#[tokio::test]
async fn errors_of_the_envelope_are_400_and_repeat_the_id_h_18() {
    let answered = Server::new().ask(full(post(), r#"{"jsonrpc":"2.0","id":9,"method":"#)).await;
    assert_eq!((answered.status, answered.code(), answered.json()["id"].clone()), (400, -32700, json!(9)));
    let body = modern_call(8, "echo", &json!({}));
    let answered = Server::new().ask(full(modern_post("tools/list", Some("echo")), &body)).await;
    assert_eq!((answered.status, answered.code(), answered.json()["id"].clone()), (400, -32020, json!(8)));
    let unclaimed = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    check(full(modern_post("tools/list", None), unclaimed), 400, -32602).await;
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    check(full(modern_post("x", None), response), 400, -32600).await;
    check(full(modern_post("x", None), "[]"), 400, -32600).await;
}

#[tokio::test]
async fn bodies_that_must_not_be_read_as_messages_are_400() {
    let deep = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{}", "[".repeat(100_000));
    for (body, code) in [
        (deep.as_str(), -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, -32700),
        ("", -32700),
    ] {
        check(full(post(), body), 400, code).await;
    }
    let request = post().body(Full::from(&b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}"[..])).unwrap();
    check(request, 400, -32700).await;
}

#[tokio::test]
async fn a_notification_for_a_modern_server_is_accepted_and_dropped_h_12() {
    let server = Server::new();
    let body = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    let answered = server.ask(full(modern_post("notifications/cancelled", None), body)).await;
    assert_eq!((answered.status, answered.text.as_str()), (202, ""));
    assert_eq!(server.tools.notes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_checks_come_in_the_order_of_v_56() {
    let bad = |method: &str, path: &str, host: &str, media: &str, accept: &str| {
        HttpRequest::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("origin", "http://evil.example")
            .header("content-type", media)
            .header("accept", accept)
            .body(Full::from("nonsense"))
            .unwrap()
    };
    let server = Server::new();
    let status = async |request| server.ask(request).await.status;
    assert_eq!(status(bad("PUT", "/elsewhere", "evil", "text/plain", "text/html")).await, 404);
    assert_eq!(status(bad("PUT", "/mcp", "evil", "text/plain", "text/html")).await, 405);
    assert_eq!(status(bad("POST", "/mcp", "evil", "text/plain", "text/html")).await, 403);
    assert_eq!(status(bad("POST", "/mcp", "localhost", "text/plain", "text/html")).await, 403);
    let request = full(HttpRequest::post("/mcp").header("host", "localhost").header("content-type", "text/plain"), "x");
    assert_eq!(status(request).await, 415);
    let request = full(post().header("content-encoding", "gzip"), "x");
    assert_eq!(status(request).await, 415);
}

#[tokio::test]
async fn hosts_and_origins_of_other_places_are_refused_h_2() {
    let server = Server::new();
    for (header, value) in [("host", "evil.example"), ("origin", "http://evil.example"), ("origin", "null")] {
        let mut request = modern(1, "echo");
        request.headers_mut().insert(header, value.parse().unwrap());
        assert_eq!(server.ask(request).await.status, 403, "{header}: {value}");
    }
    let mut request = modern(1, "echo");
    request.headers_mut().insert("origin", "http://localhost:6274".parse().unwrap());
    assert_eq!(server.ask(request).await.status, 200);
}

#[tokio::test]
async fn other_methods_are_405_and_named_v_53() {
    let request = |method: &str| {
        HttpRequest::builder().method(method).uri("/mcp").header("host", "localhost").body(Full::default()).unwrap()
    };
    let answered = Server::new().ask(request("OPTIONS")).await;
    assert_eq!((answered.status, &answered.headers["allow"]), (405, &"POST, GET, DELETE".parse().unwrap()));
    let served: Served = [Revision::V2026_07_28].into_iter().collect();
    let modern_only = Server::configured(Limits::default(), served);
    let answered = modern_only.ask(request("GET")).await;
    assert_eq!((answered.status, &answered.headers["allow"]), (405, &"POST".parse().unwrap()));
}

#[tokio::test]
async fn a_request_target_that_is_too_long_is_414() {
    let request = HttpRequest::post(format!("/mcp?{}", "x".repeat(9_000))).body(Full::default()).unwrap();
    assert_eq!(Server::new().ask(request).await.status, 414);
}

#[tokio::test]
async fn parameter_headers_are_compared_with_the_arguments_h_36() {
    let send = async |header: Option<&str>| {
        let body = modern_call(1, "echo", &json!({"region": "eu"}));
        let builder = modern_post("tools/call", Some("echo"));
        let builder = match header {
            Some(value) => builder.header("mcp-param-region", value),
            None => builder,
        };
        let answered = Server::new().ask(full(builder, &body)).await;
        (answered.status, answered.code())
    };
    assert_eq!(send(Some("eu")).await, (200, 0));
    assert_eq!(send(Some("us")).await, (400, -32020));
    assert_eq!(send(None).await, (400, -32020));
}

#[tokio::test]
async fn a_body_above_the_limit_is_413_whether_its_length_is_declared_or_not() {
    for (limit, status) in [(9, 413), (10, 400), (11, 400)] {
        let server = Server::with(Limits::default().body_bytes(limit));
        assert_eq!(server.ask(full(post(), "0123456789")).await.status, status, "limit {limit}");
        let parts = ["01234", "56789"].map(|part| Ok::<_, std::io::Error>(Frame::data(Bytes::from(part))));
        let body = StreamBody::new(futures::stream::iter(parts));
        let (mut head, body) = post().body(body).unwrap().into_parts();
        assert_eq!(server.endpoint.respond(&mut head, body).await.status(), status, "limit {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_408() {
    let server = Server::new();
    let body = StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, std::io::Error>>());
    let (mut head, body) = post().body(body).unwrap().into_parts();
    let before = tokio::time::Instant::now();
    assert_eq!(server.endpoint.respond(&mut head, body).await.status(), 408);
    assert_eq!(before.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn dropping_the_response_cancels_the_request_h_16() {
    let server = Server::new();
    {
        let mut response = Box::pin(server.send(modern(1, "wait")));
        assert!(futures::poll!(&mut response).is_pending());
        assert_eq!(server.tools.ended.load(Ordering::SeqCst), 0);
    }
    assert_eq!(server.tools.ended.load(Ordering::SeqCst), 1, "in JSON form");
    let seen = server.send(modern(1, "notify-then-wait")).await;
    drop(seen);
    assert_eq!(server.tools.ended.load(Ordering::SeqCst), 2, "in the form of an event stream");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_gets_comments_h_15() {
    let server = Server::new();
    let mut seen = server.send(modern(1, "notify-then-wait")).await;
    assert!(seen.frame().await.starts_with("data: "));
    let before = tokio::time::Instant::now();
    assert_eq!(seen.frame().await, ": keep-alive\n\n");
    assert_eq!(before.elapsed(), Duration::from_secs(15));
    assert_eq!(seen.frame().await, ": keep-alive\n\n");
    server.tools.go.notify_one();
    assert!(seen.finish().await.text.starts_with("data: "));
}

#[tokio::test]
async fn an_event_stream_whose_answer_is_there_at_once_is_one_piece_with_its_length() {
    let mut request = modern(1, "echo");
    request.headers_mut().insert("accept", "text/event-stream".parse().unwrap());
    let seen = Server::new().send(request).await;
    let length = seen.body.size_hint().exact();
    let answered = seen.finish().await;
    assert!(answered.is_events() && answered.text.starts_with("data: {"), "{answered:?}");
    assert_eq!(length, Some(answered.text.len() as u64));
}

#[tokio::test]
async fn notifications_that_are_ready_together_share_a_frame() {
    let mut seen = Server::new().send(modern(1, "many")).await;
    let (mut frames, mut events) = (0, 0);
    while let Some(frame) = seen.body.frame().await {
        let frame = frame.unwrap().into_data().unwrap();
        frames += 1;
        events += frame.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"data: ")).count();
    }
    assert_eq!(events, 10_001);
    assert!(frames <= 100, "{frames} frames");
}

#[tokio::test]
async fn a_listen_is_an_event_stream_that_begins_with_the_acknowledgement() {
    let server = Server::new();
    let body = modern_call(1, "x", &json!({})).replace("tools/call", "subscriptions/listen");
    let mut seen = server.send(full(modern_post("subscriptions/listen", None), &body)).await;
    assert!(seen.frame().await.contains("notifications/subscriptions/acknowledged"));
}

#[tokio::test]
async fn requests_beyond_the_bound_of_the_server_are_503_with_retry_after() {
    let server = Server::with(Limits::default().in_flight_total(1));
    let mut first = Box::pin(server.send(modern(1, "wait")));
    assert!(futures::poll!(&mut first).is_pending());
    let answered = server.ask(modern(2, "echo")).await;
    assert_eq!((answered.status, &answered.headers["retry-after"]), (503, &"1".parse().unwrap()));
    drop(first);
    assert_eq!(server.ask(modern(2, "echo")).await.status, 200);
}

#[tokio::test]
async fn what_is_in_flight_when_the_time_to_stop_is_over_is_answered_with_an_error() {
    let server = Server::new();
    let mut json = Box::pin(server.ask(modern(1, "wait")));
    assert!(futures::poll!(&mut json).is_pending());
    let events = server.send(modern(2, "notify-then-wait")).await;
    server.stage.send_replace(super::super::stop::Stage::Closing);
    settle().await;
    let answered = json.await;
    assert_eq!((answered.status, answered.code()), (503, -32603));
    let events = events.finish().await.text;
    assert!(events.contains("\"id\":2,\"error\":{\"code\":-32603"), "{events}");
}
