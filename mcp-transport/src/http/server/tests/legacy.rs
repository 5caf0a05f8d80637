//! The legacy side: sessions, their requests and their stream (HL-1 to HL-15, V-52, P-3, P-60).

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request as HttpRequest;
use http_body_util::Full;
use serde_json::json;

use super::{Server, full, initialize, legacy, modern, post, settle, tool_call};
use crate::limits::Limits;

fn with_session(method: &str, session: &str) -> HttpRequest<Full<Bytes>> {
    HttpRequest::builder()
        .method(method)
        .uri("/mcp")
        .header("host", "localhost")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", session)
        .body(Full::default())
        .unwrap()
}

#[tokio::test]
async fn initialize_opens_a_session_whose_id_is_unguessable_and_visible_ascii_hl_10() {
    let server = Server::new();
    let (one, other) = (server.open_session("2025-11-25").await, server.open_session("2025-11-25").await);
    assert_ne!(one, other);
    assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
}

#[tokio::test]
async fn a_message_without_a_session_is_400_and_with_an_unknown_one_404_hl_10() {
    let server = Server::new();
    let answered = server.ask(legacy("", &tool_call(5, "echo"))).await;
    assert_eq!((answered.status, answered.json()["id"].clone()), (400, json!(5)));
    assert_eq!(server.ask(legacy("unknown", &tool_call(5, "echo"))).await.status, 404);
    let session = server.open_session("2025-06-18").await;
    let two = full(post().header("mcp-session-id", &session).header("mcp-session-id", &session), &tool_call(5, "echo"));
    assert_eq!(server.ask(two).await.status, 400);
    assert_eq!(server.ask(legacy(&session, &tool_call(5, "echo"))).await.status, 200);
}

#[tokio::test]
async fn a_session_that_was_deleted_is_unknown_hl_10() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    assert_eq!(server.ask(with_session("DELETE", &session)).await.status, 204);
    assert_eq!(server.ask(legacy(&session, &tool_call(1, "echo"))).await.status, 404);
    assert_eq!(server.ask(with_session("DELETE", &session)).await.status, 404);
    assert_eq!(server.ask(with_session("GET", &session)).await.status, 404);
}

#[tokio::test]
async fn an_unserved_version_header_is_400_and_an_absent_one_is_not_hl_11() {
    let server = Server::new();
    let session = server.open_session("2025-06-18").await;
    let send = async |version: &str| {
        let builder = post().header("mcp-session-id", &session).header("mcp-protocol-version", version);
        server.ask(full(builder, &tool_call(1, "echo"))).await.status
    };
    assert_eq!(send("2025-06-18").await, 200);
    assert_eq!(send("1900-01-01").await, 400);
    assert_eq!(server.ask(legacy(&session, &tool_call(1, "echo"))).await.status, 200);
}

#[tokio::test]
async fn notifications_and_responses_are_accepted_hl_3() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    for body in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
    ] {
        let answered = server.ask(legacy(&session, body)).await;
        assert_eq!((answered.status, answered.text.as_str()), (202, ""), "{body}");
    }
    assert_eq!(server.tools.notes.load(Ordering::SeqCst), 1, "only one of them is for the service");
}

#[tokio::test]
async fn errors_of_a_session_have_status_200_because_its_clients_read_no_other() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let answered = server.ask(legacy(&session, &tool_call(1, "gone"))).await;
    assert_eq!((answered.status, answered.code()), (200, -32601));
    let answered = server.ask(legacy(&session, &initialize("2025-11-25"))).await;
    assert_eq!((answered.status, answered.code()), (200, -32600), "V-18");
    let answered = server.ask(legacy(&session, &tool_call(1, "panic"))).await;
    assert_eq!((answered.status, answered.code()), (200, -32603));
}

#[tokio::test]
async fn a_notification_turns_the_answer_into_an_event_stream_hl_4() {
    let server = Server::new();
    let session = server.open_session("2025-06-18").await;
    let answered = server.ask(legacy(&session, &tool_call(1, "notify"))).await;
    assert!(answered.is_events());
    assert_eq!(answered.text.matches("data: ").count(), 3);
    assert!(answered.text.contains("\"result\":{\"tool\":\"notify\"}"));
}

#[tokio::test]
async fn a_request_of_a_session_survives_a_disconnect_hl_5() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    {
        let mut response = Box::pin(server.ask(legacy(&session, &tool_call(1, "wait"))));
        assert!(futures::poll!(&mut response).is_pending());
        settle().await;
    }
    settle().await;
    assert_eq!(server.tools.ended.load(Ordering::SeqCst), 0);
    let answered = server.ask(legacy(&session, &tool_call(1, "echo"))).await;
    assert_eq!((answered.status, answered.code()), (200, -32600), "the id is still in flight (P-3)");
    assert_eq!(answered.json()["id"], 1);
    server.tools.go.notify_one();
    settle().await;
    assert_eq!(server.tools.ended.load(Ordering::SeqCst), 1);
    assert_eq!(server.ask(legacy(&session, &tool_call(1, "echo"))).await.status, 200);
}

#[tokio::test]
async fn the_work_of_a_client_that_went_away_counts_among_all_in_flight() {
    let server = Server::with(Limits::default().in_flight_total(1));
    let session = server.open_session("2025-11-25").await;
    for tool in ["wait", "notify-then-wait"] {
        {
            let mut response = Box::pin(server.ask(legacy(&session, &tool_call(1, tool))));
            assert!(futures::poll!(&mut response).is_pending());
            settle().await;
        }
        settle().await;
        let answered = server.ask(legacy(&session, &tool_call(2, "echo"))).await;
        assert_eq!((answered.status, answered.headers.contains_key("retry-after")), (503, true), "{tool}");
        server.tools.go.notify_one();
        settle().await;
        assert_eq!(server.ask(legacy(&session, &tool_call(2, "echo"))).await.status, 200, "{tool}");
    }
}

#[tokio::test]
async fn every_request_of_a_batch_counts_among_all_in_flight() {
    let server = Server::with(Limits::default().in_flight_total(1));
    let session = server.open_session("2025-03-26").await;
    let batch = format!("[{},{}]", tool_call(1, "wait"), tool_call(2, "echo"));
    let mut response = Box::pin(server.ask(legacy(&session, &batch)));
    assert!(futures::poll!(&mut response).is_pending());
    server.tools.go.notify_one();
    let answers = response.await.json();
    assert_eq!((&answers[0]["id"], &answers[0]["result"]), (&json!(1), &json!({"tool": "wait"})));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(2), &json!(-32000)));
}

#[tokio::test]
async fn a_request_of_a_session_that_the_server_cannot_finish_is_answered_with_status_200() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let mut response = Box::pin(server.ask(legacy(&session, &tool_call(1, "wait"))));
    assert!(futures::poll!(&mut response).is_pending());
    server.stage.send_replace(super::super::stop::Stage::Closing);
    let answered = response.await;
    assert_eq!((answered.status, answered.code(), &answered.json()["id"]), (200, -32603, &json!(1)));
}

#[tokio::test]
async fn a_cancelled_request_ends_without_an_answer_p_60() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let other = server.open_session("2025-11-25").await;
    let mut response = Box::pin(server.ask(legacy(&session, &tool_call(1, "wait"))));
    assert!(futures::poll!(&mut response).is_pending());
    settle().await;
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    server.ask(legacy(&other, cancel)).await;
    settle().await;
    assert_eq!(server.tools.ended.load(Ordering::SeqCst), 0, "another session has its own ids");
    server.ask(legacy(&session, cancel)).await;
    settle().await;
    assert_eq!(server.tools.ended.load(Ordering::SeqCst), 1);
    let answered = response.await;
    assert_eq!((answered.status, answered.is_events(), answered.text.as_str()), (200, true, ""));
}

#[tokio::test]
async fn the_end_of_a_session_drops_its_requests() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let mut response = Box::pin(server.ask(legacy(&session, &tool_call(1, "wait"))));
    assert!(futures::poll!(&mut response).is_pending());
    settle().await;
    server.ask(with_session("DELETE", &session)).await;
    settle().await;
    assert_eq!(server.tools.ended.load(Ordering::SeqCst), 1);
    assert_eq!(response.await.text, "");
}

#[tokio::test]
async fn one_session_has_one_standalone_stream_which_ends_with_it_hl_6() {
    let server = Server::new();
    let session = server.open_session("2025-06-18").await;
    let first = server.send(with_session("GET", &session)).await;
    assert_eq!((first.status, &first.headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
    assert_eq!(server.ask(with_session("GET", &session)).await.status, 409);
    server.ask(with_session("DELETE", &session)).await;
    assert_eq!(first.finish().await.text, "");
}

#[tokio::test(start_paused = true)]
async fn a_standalone_stream_is_kept_alive_and_ends_when_the_server_drains() {
    let server = Server::new();
    let session = server.open_session("2025-06-18").await;
    let mut stream = server.send(with_session("GET", &session)).await;
    assert_eq!(stream.frame().await, ": keep-alive\n\n");
    server.stage.send_replace(super::super::stop::Stage::Draining);
    assert_eq!(stream.finish().await.text, "");
}

#[tokio::test]
async fn a_stream_needs_a_client_that_takes_one() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let mut request = with_session("GET", &session);
    request.headers_mut().insert("accept", "application/json".parse().unwrap());
    assert_eq!(server.ask(request).await.status, 406);
}

#[tokio::test]
async fn only_a_session_of_2025_03_26_has_batches_v_52() {
    let server = Server::new();
    let batch = format!(
        "[{},{},{},7]",
        tool_call(1, "echo"),
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        tool_call(2, "unknown"),
    );
    let newer = server.open_session("2025-06-18").await;
    let answered = server.ask(legacy(&newer, &batch)).await;
    assert_eq!((answered.status, answered.code()), (400, -32600));
    let session = server.open_session("2025-03-26").await;
    let answered = server.ask(legacy(&session, &batch)).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let answers = answered.json();
    assert_eq!(answers[0]["result"], json!({"tool": "echo"}));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(2), &json!(-32602)));
    assert_eq!(answers[2]["error"]["code"], -32600);
    assert_eq!(answers.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_batch_of_notifications_is_accepted_and_one_with_initialize_or_nothing_is_not() {
    let server = Server::with(Limits::default().batch(2));
    let session = server.open_session("2025-03-26").await;
    let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let status = async |body: String| server.ask(legacy(&session, &body)).await.status;
    assert_eq!(status(format!("[{note}]")).await, 202);
    assert_eq!(status(format!("[{note},{note}]")).await, 202);
    assert_eq!(status(format!("[{note},{note},{note}]")).await, 400);
    assert_eq!(status("[]".to_owned()).await, 400);
    assert_eq!(status(format!("[{}]", initialize("2025-03-26"))).await, 400);
    let claim = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    assert_eq!(status(format!("[{claim}]")).await, 400);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_not_used_is_forgotten_and_one_with_a_stream_is_not_hl_15() {
    let server = Server::new();
    let (idle, streaming) = (server.open_session("2025-11-25").await, server.open_session("2025-11-25").await);
    server.ask(legacy(&idle, &tool_call(1, "echo"))).await;
    let _stream = server.send(with_session("GET", &streaming)).await;
    tokio::time::advance(Limits::default().session_idle).await;
    server.endpoint.sweep();
    assert_eq!(server.ask(legacy(&idle, &tool_call(1, "echo"))).await.status, 404);
    assert_eq!(server.ask(legacy(&streaming, &tool_call(1, "echo"))).await.status, 200);
}

#[tokio::test]
async fn sessions_beyond_the_bounds_are_refused_for_now_hl_15() {
    let server = Server::with(Limits::default().sessions(1));
    let session = server.open_session("2025-11-25").await;
    let _stream = server.send(with_session("GET", &session)).await;
    let answered = server.ask(legacy("", &initialize("2025-11-25"))).await;
    assert_eq!((answered.status, answered.headers.contains_key("retry-after")), (503, true));
    let server = Server::with(Limits::default().sessions_per_second(1));
    server.open_session("2025-11-25").await;
    assert_eq!(server.ask(legacy("", &initialize("2025-11-25"))).await.status, 429);
}

#[tokio::test(start_paused = true)]
async fn a_full_server_ends_the_session_that_was_idle_longest_and_none_in_use_hl_15() {
    let server = Server::with(Limits::default().sessions(3));
    let streaming = server.open_session("2025-11-25").await;
    let _stream = server.send(with_session("GET", &streaming)).await;
    let calling = server.open_session("2025-11-25").await;
    let mut response = Box::pin(server.ask(legacy(&calling, &tool_call(1, "wait"))));
    assert!(futures::poll!(&mut response).is_pending());
    let mut idle = server.open_session("2025-11-25").await;
    for _ in 0..10 {
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let next = server.open_session("2025-11-25").await;
        assert_eq!(server.ask(legacy(&idle, &tool_call(2, "echo"))).await.status, 404);
        idle = next;
    }
    assert_eq!(server.ask(legacy(&streaming, &tool_call(2, "echo"))).await.status, 200);
    server.tools.go.notify_one();
    assert_eq!(response.await.json()["result"], json!({"tool": "wait"}));
}

#[tokio::test]
async fn both_eras_are_served_at_one_path_at_the_same_time_v_54() {
    let server = Server::new();
    let session = server.open_session("2024-11-05").await;
    let mut request = modern(1, "echo");
    request.headers_mut().insert("mcp-session-id", session.parse().unwrap());
    let answered = server.ask(request).await;
    assert_eq!((answered.status, answered.headers.contains_key("mcp-session-id")), (200, false), "H-1");
    assert_eq!(server.ask(legacy(&session, &tool_call(1, "echo"))).await.status, 200);
}

#[tokio::test]
async fn an_initialize_that_the_service_refuses_opens_no_session() {
    let server = Server::new();
    let answered = server.ask(legacy("", r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#)).await;
    assert_eq!((answered.status, answered.code()), (200, -32602));
    assert!(!answered.headers.contains_key("mcp-session-id"));
}
