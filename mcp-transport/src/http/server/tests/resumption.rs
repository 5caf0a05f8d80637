//! Streams that a client comes back to, questions on them, and what a session is told (HL-4 to HL-9, HL-16, HL-17).

use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures::FutureExt as _;
use http::Request as HttpRequest;
use http_body_util::Full;
use serde_json::{Value, json};

use super::{Seen, Server, full, legacy, post, settle, tool_call};
use crate::limits::Limits;
use crate::sse::{SseDecoder, SseEvent};

fn get(session: &str, last_event_id: Option<&str>) -> HttpRequest<Full<Bytes>> {
    let builder = HttpRequest::get("/mcp")
        .header("host", "localhost")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", session);
    let builder = match last_event_id {
        Some(id) => builder.header("last-event-id", id),
        None => builder,
    };
    builder.body(Full::default()).unwrap()
}

fn events(text: &str) -> Vec<SseEvent> {
    let mut decoder = SseDecoder::new(&Limits::default());
    decoder.extend(text.as_bytes());
    std::iter::from_fn(|| decoder.next_event().unwrap()).collect()
}

fn messages(events: &[SseEvent]) -> Vec<Value> {
    let messages = events.iter().filter(|event| !event.is_priming());
    messages.map(|event| serde_json::from_slice(&event.data).unwrap()).collect()
}

async fn read(mut seen: Seen) -> (Seen, Vec<SseEvent>) {
    let text = seen.frame().await;
    (seen, events(&text))
}

#[tokio::test]
async fn a_stream_begins_with_an_empty_event_that_has_an_id_since_2025_11_25_only_hl_9() {
    let server = Server::new();
    for (version, is_primed) in [("2025-11-25", true), ("2025-06-18", false), ("2025-03-26", false)] {
        let session = server.open_session(version).await;
        let answered = server.ask(legacy(&session, &tool_call(1, "notify"))).await;
        let events = events(&answered.text);
        assert_eq!(events[0].is_priming(), is_primed, "{version}");
        let ids: std::collections::HashSet<_> = events.iter().map(|event| event.id.clone().unwrap()).collect();
        assert_eq!(ids.len(), events.len(), "every event has an id of its own (HL-8)");
        assert_eq!(messages(&events).len(), 3);
    }
}

#[tokio::test]
async fn a_finished_stream_is_read_again_from_any_event_hl_8() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let answered = server.ask(legacy(&session, &tool_call(1, "steps"))).await;
    let all = events(&answered.text);
    for (at, event) in all.iter().enumerate() {
        let again = server.ask(get(&session, event.id.as_deref())).await;
        assert_eq!((again.status, again.is_events()), (200, true));
        assert_eq!(messages(&events(&again.text)), messages(&all[at + 1..]), "after {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_finished_stream_is_forgotten_after_its_time_and_says_so_f42() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let answered = server.ask(legacy(&session, &tool_call(1, "notify"))).await;
    let first = events(&answered.text)[0].id.clone();
    tokio::time::advance(Limits::default().replay_age).await;
    server.endpoint.sweep();
    let again = server.ask(get(&session, first.as_deref())).await;
    assert_eq!((again.status, again.code()), (404, -32600));
    assert_eq!(server.endpoint.replay.held(), 0);
}

#[tokio::test]
async fn an_event_id_of_another_session_or_of_none_is_refused_t_012() {
    let server = Server::new();
    let (session, other) = (server.open_session("2025-11-25").await, server.open_session("2025-11-25").await);
    let answered = server.ask(legacy(&session, &tool_call(1, "notify"))).await;
    let first = events(&answered.text)[0].id.clone().unwrap();
    assert_eq!(server.ask(get(&other, Some(&first))).await.status, 404);
    assert_eq!(server.ask(get(&session, Some("no-id"))).await.status, 400);
    assert_eq!(server.ask(get(&session, Some(&"x".repeat(2000)))).await.status, 400);
    assert_eq!(server.ask(get("unknown", Some(&first))).await.status, 404);
}

#[tokio::test]
async fn a_call_whose_client_is_gone_goes_on_and_its_answer_waits_hl_5() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let seen = server.send(legacy(&session, &tool_call(1, "notify-then-wait"))).await;
    let (seen, first) = read(seen).await;
    assert_eq!(messages(&first).len(), 1);
    drop(seen);
    server.tools.go.notify_one();
    settle().await;
    assert_eq!(server.tools.ended.load(Ordering::SeqCst), 1);
    let rest = server.ask(get(&session, first.last().unwrap().id.as_deref())).await;
    let rest = messages(&events(&rest.text));
    assert_eq!((rest.len(), &rest[0]["result"]), (1, &json!({"tool": "notify-then-wait"})));
}

#[tokio::test]
async fn a_handler_closes_its_stream_and_the_client_comes_back_for_the_rest_hl_9() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let closed = server.ask(legacy(&session, &tool_call(1, "close-then-wait"))).await;
    let first = events(&closed.text);
    assert!(messages(&first).is_empty(), "{first:?}");
    assert!(first[0].is_priming() && first[0].id.is_some());
    assert_eq!(first.last().unwrap().retry, Some(std::time::Duration::from_millis(500)));
    let resumed = server.send(get(&session, first.last().unwrap().id.as_deref())).await;
    let (resumed, rest) = read(resumed).await;
    assert_eq!(messages(&rest)[0]["method"], "notifications/progress");
    server.tools.go.notify_one();
    let rest = events(&resumed.finish().await.text);
    assert_eq!(messages(&rest)[0]["result"], json!({"tool": "close-then-wait"}));
}

#[tokio::test]
async fn a_stream_is_not_closed_where_a_client_would_not_come_back() {
    let server = Server::new();
    server.tools.go.notify_one();
    let session = server.open_session("2025-06-18").await;
    let answered = server.ask(legacy(&session, &tool_call(1, "close-then-wait"))).await;
    assert_eq!(messages(&events(&answered.text)).len(), 2);
    server.tools.go.notify_one();
    let answered = server.ask(super::modern(1, "close-then-wait")).await;
    assert_eq!(messages(&events(&answered.text)).len(), 2);
}

#[tokio::test]
async fn a_connection_that_comes_back_takes_the_stream_from_the_one_before_hl_7() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let (old, first) = read(server.send(legacy(&session, &tool_call(1, "notify-then-wait"))).await).await;
    let new = server.send(get(&session, first.last().unwrap().id.as_deref())).await;
    assert_eq!(old.finish().await.text, "");
    server.tools.go.notify_one();
    assert_eq!(messages(&events(&new.finish().await.text)).len(), 1);
}

#[tokio::test]
async fn a_question_turns_the_answer_into_a_stream_and_a_post_answers_it_hl_17() {
    let server = Server::new();
    let session = server.open_session("2025-06-18").await;
    let (one, first) = read(server.send(legacy(&session, &tool_call(1, "ask"))).await).await;
    let (two, second) = read(server.send(legacy(&session, &tool_call(2, "ask"))).await).await;
    let (first, second) = (messages(&first), messages(&second));
    assert_eq!((&first[0]["method"], &first[0]["id"], &second[0]["id"]), (&json!("roots/list"), &json!(1), &json!(2)));
    for id in [2, 1] {
        let response = json!({"jsonrpc": "2.0", "id": id, "result": {"roots": [id]}});
        let accepted = server.ask(legacy(&session, &response.to_string())).await;
        assert_eq!((accepted.status, accepted.text.as_str()), (202, ""));
    }
    assert_eq!(messages(&events(&one.finish().await.text))[0]["result"], json!({"roots": [1]}));
    assert_eq!(messages(&events(&two.finish().await.text))[0]["result"], json!({"roots": [2]}));
}

#[tokio::test]
async fn another_session_cannot_answer_a_question() {
    let server = Server::new();
    let (session, other) = (server.open_session("2025-06-18").await, server.open_session("2025-06-18").await);
    let (asking, _) = read(server.send(legacy(&session, &tool_call(1, "ask"))).await).await;
    let response = json!({"jsonrpc": "2.0", "id": 1, "result": {"roots": "forged"}}).to_string();
    server.ask(legacy(&other, &response)).await;
    let mut finished = Box::pin(asking.finish());
    settle().await;
    assert!(futures::poll!(&mut finished).is_pending());
    server.ask(legacy(&session, &response.replace("forged", "real"))).await;
    assert!(finished.await.text.contains("real"));
}

#[tokio::test]
async fn a_client_that_takes_no_stream_cannot_be_asked_and_the_call_learns_so_at_once() {
    let server = Server::new();
    let session = server.open_session("2025-06-18").await;
    let mut request = legacy(&session, &tool_call(1, "ask"));
    request.headers_mut().insert("accept", "application/json".parse().unwrap());
    let answered = server.ask(request).await;
    assert_eq!((answered.status, answered.code()), (200, -32603), "{}", answered.text);
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_questions_and_its_streams() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let (asking, _) = read(server.send(legacy(&session, &tool_call(1, "ask"))).await).await;
    let standalone = server.send(get(&session, None)).await;
    let delete = HttpRequest::delete("/mcp").header("host", "localhost").header("mcp-session-id", &session);
    assert_eq!(server.ask(delete.body(Full::default()).unwrap()).await.status, 204);
    assert!(messages(&events(&asking.finish().await.text)).is_empty());
    assert!(messages(&events(&standalone.finish().await.text)).is_empty());
}

#[tokio::test]
async fn what_a_session_is_told_comes_on_its_standalone_stream_and_waits_for_it_hl_6() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(server.ask(legacy(&session, initialized)).await.status, 202);
    server.tools.pushed.send_replace(1);
    let (stream, first) = read(server.send(get(&session, None)).await).await;
    assert!(first[0].is_priming());
    assert_eq!(messages(&first)[0]["params"], json!({"n": 1}));
    server.tools.pushed.send_replace(2);
    let (stream, second) = read(stream).await;
    assert_eq!(messages(&second)[0]["params"], json!({"n": 2}));
    drop(stream);
    // The first event was seen, the second one was lost on the way.
    server.tools.pushed.send_replace(3);
    let (_stream, rest) = read(server.send(get(&session, first[1].id.as_deref())).await).await;
    assert_eq!(messages(&rest).iter().map(|message| message["params"]["n"].clone()).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn a_session_has_several_answers_on_several_streams_at_once_and_each_has_its_own_messages_hl_7() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let calls = (1..=5).map(|id| server.ask(legacy(&session, &tool_call(id, "steps"))).boxed_local());
    let answers = futures::future::join_all(calls).await;
    for (answer, id) in answers.iter().zip(1..) {
        let messages = messages(&events(&answer.text));
        assert_eq!((messages.len(), &messages[6]["id"]), (7, &json!(id)));
    }
}

#[tokio::test]
async fn the_questions_of_a_batch_are_on_the_stream_of_the_batch_hl_3() {
    let server = Server::new();
    let session = server.open_session("2025-03-26").await;
    let batch = format!("[{},{}]", tool_call(1, "ask"), tool_call(2, "echo"));
    let (asking, question) = read(server.send(legacy(&session, &batch)).await).await;
    assert_eq!(messages(&question)[0]["method"], "roots/list");
    let answers = r#"[{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}]"#;
    assert_eq!(server.ask(legacy(&session, answers)).await.status, 202);
    let answered = messages(&events(&asking.finish().await.text));
    assert_eq!((&answered[0][0]["result"], &answered[0][1]["id"]), (&json!({"roots": []}), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_a_session_is_kept_alive_and_ends_with_an_answer_when_the_server_closes_f95() {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    let (mut stream, _) = read(server.send(legacy(&session, &tool_call(1, "notify-then-wait"))).await).await;
    assert_eq!(stream.frame().await, ": keep-alive\n\n");
    server.stage.send_replace(super::super::stop::Stage::Closing);
    let messages = messages(&events(&stream.finish().await.text));
    assert_eq!((&messages[0]["id"], &messages[0]["error"]["code"]), (&json!(1), &json!(-32603)));
}

#[tokio::test]
async fn a_client_that_takes_streams_only_gets_one_with_the_answer_alone() {
    let server = Server::new();
    let session = server.open_session("2025-06-18").await;
    let mut request = full(post().header("mcp-session-id", &session), &tool_call(1, "echo"));
    request.headers_mut().insert("accept", "text/event-stream".parse().unwrap());
    let answered = server.ask(request).await;
    assert_eq!(messages(&events(&answered.text))[0]["result"], json!({"tool": "echo"}));
}
