//! Requests, what comes back for them, and what must not (H-5 to H-20, F29, F30, V-21).

use std::time::Duration;

use mcp_types::Revision;
use serde_json::json;
use tokio::join;
use tokio::time::Instant;

use super::{bytes, client, event, finish, modern, next, progress, result, settle};
use crate::client::{Event, Patience, Transport};
use crate::error::{Deadline, Error};
use crate::http::{HttpClient, HttpOptions};
use crate::limits::Limits;

#[tokio::test(start_paused = true)]
async fn a_modern_request_has_the_headers_of_h_5_to_h_7_and_the_connection_is_used_again() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    let mut request = modern("tools/call");
    request.name = Some("add".to_owned());
    request.param_headers = vec![("Mcp-Param-Region".to_owned(), "eu".to_owned())];
    let serve = async {
        let arrived = peer.read().await;
        assert!(arrived.head.starts_with("post /mcp?tenant=1 http/1.1\r\n"), "{}", arrived.head);
        for (name, value) in [
            ("host", "server.test"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("authorization", "bearer canary"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "add"),
            ("mcp-param-region", "eu"),
        ] {
            assert_eq!(arrived.header(name), Some(value), "{name}");
        }
        assert_eq!(arrived.json(), json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}));
        peer.reply("200 OK", "application/json", &result(1).to_string()).await;
        assert_eq!(peer.read().await.json()["id"], 2);
        peer.reply("200 OK", "application/json", &result(2).to_string()).await;
    };
    let ask = async {
        assert_eq!(finish(&client, request).await.0.unwrap(), json!({"ok": 1}));
        assert_eq!(finish(&client, modern("tools/list")).await.0.unwrap(), json!({"ok": 2}));
    };
    join!(serve, ask);
    assert_eq!(client.shared.dialer.pool.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_brings_notifications_and_the_response_and_gives_the_connection_back() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    let serve = async {
        peer.read().await;
        peer.begin_events().await;
        peer.send(": hello\r\n\r\nevent: other\ndata: nonsense\n\nid: 1\ndata:\n\n").await;
        let text = event(&progress());
        let (one, two) = text.split_at(9);
        peer.send(one).await;
        peer.send(two).await;
        peer.send(&event(&result(99))).await;
        peer.send(&event(&result(1))).await;
        peer.end_events().await;
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    assert_eq!((answer.0.unwrap(), answer.1), (json!({"ok": 1}), vec!["notifications/progress".to_owned()]));
    settle().await;
    assert_eq!(client.shared.dialer.pool.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_modern_exchange_closes_its_connection_h_16() {
    let (client, [mut peer, mut other]) = client(&Limits::default()).await;
    let serve = async {
        peer.read().await;
        peer.begin_events().await;
        peer.send(&event(&progress())).await;
    };
    let (exchange, ()) = join!(client.open(modern("tools/call")), serve);
    let mut exchange = exchange.unwrap();
    assert!(matches!(next(&mut exchange).await, Ok(Event::Notification(_))));
    drop(exchange);
    peer.closed().await;
    {
        let mut opening = client.open(modern("tools/call"));
        assert!(futures::poll!(&mut opening).is_pending());
        other.read().await;
    }
    other.closed().await;
    assert_eq!(client.shared.dialer.pool.len(), 0);
}

async fn answered(status: &str, media: &str, body: &str) -> Result<serde_json::Value, Error> {
    let (client, [mut peer]) = client(&Limits::default().result_bytes(1000).reconnects(0)).await;
    let serve = async {
        peer.read().await;
        peer.reply(status, media, body).await;
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    answer.0
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_protocol_is_an_answer_whatever_the_status_h_20() {
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}"#;
    for status in ["200 OK", "400 Bad Request", "404 Not Found", "500 Internal Server Error"] {
        assert_eq!(answered(status, "application/json", error).await.unwrap(), json!({"error": -32602}), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_other_failure_is_an_http_error_with_its_challenges_and_its_body() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    let serve = async {
        peer.read().await;
        let challenges = "www-authenticate: Bearer scope=\"a\"\r\nwww-authenticate: Basic\r\nretry-after: 7\r\n";
        let body = "x".repeat(100_000);
        peer.write(&format!("HTTP/1.1 401 Unauthorized\r\n{challenges}content-length: 100000\r\n\r\n{body}")).await;
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    let Err(Error::Http(failure)) = answer.0 else { panic!("{answer:?}") };
    assert_eq!((failure.status, failure.url.as_str()), (401, "http://server.test/mcp"));
    assert_eq!(failure.challenges, ["Bearer scope=\"a\"", "Basic"]);
    assert_eq!((failure.retry_after, failure.body.len()), (Some(Duration::from_secs(7)), 64 * 1024));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_of_the_protocol_is_refused_with_a_reason_f_29_f_30() {
    for (status, media, body, reason) in [
        ("200 OK", "text/html", "<html>", "text/html"),
        ("200 OK", "application/json", "<html>", "json"),
        ("200 OK", "application/json", "", "ends inside"),
        ("200 OK", "application/json", r#"{"jsonrpc":"2.0","id":5,"result":{}}"#, "id of another"),
        ("200 OK", "application/json", r#"{"jsonrpc":"2.0","id":"1","result":{}}"#, "id of another"),
        ("202 Accepted", "text/plain", "", "202"),
        ("200 OK", "text/event-stream", "data: nonsense\n\n", "event"),
    ] {
        let error = answered(status, media, body).await.unwrap_err();
        assert!(matches!(error, Error::Malformed(_)), "{error:?}");
        assert!(error.to_string().to_lowercase().contains(reason), "{error}");
    }
    let error = answered("500 Oops", "text/html", "<html>").await.unwrap_err();
    assert!(error.to_string().contains("500"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_result_above_the_limit_fails_the_request_f_29() {
    let text = |length: usize| {
        let bare = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        format!("{bare}{}", " ".repeat(length - bare.len()))
    };
    assert!(answered("200 OK", "application/json", &text(999)).await.is_ok());
    assert!(answered("200 OK", "application/json", &text(1000)).await.is_ok());
    let error = answered("200 OK", "application/json", &text(1001)).await.unwrap_err();
    assert!(error.to_string().contains("result_bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_head_above_the_limits_fails_the_request() {
    for head in [format!("x: {}\r\n", "x".repeat(40_000)), "x: 1\r\n".repeat(200)] {
        let (client, [mut peer]) = client(&Limits::default()).await;
        let serve = async {
            peer.read().await;
            peer.write(&format!("HTTP/1.1 200 OK\r\n{head}\r\n")).await;
        };
        let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
        assert!(matches!(answer.0, Err(Error::Malformed(_))), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_compressed_answer_was_not_asked_for() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    let serve = async {
        peer.read().await;
        let head = "content-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 2";
        peer.write(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{{}}")).await;
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    assert!(answer.0.unwrap_err().to_string().contains("compressed"));
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_not_followed_and_names_the_place_t_021() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    let serve = async {
        peer.read().await;
        peer.write("HTTP/1.1 307 x\r\nlocation: http://evil.test/mcp\r\ncontent-length: 0\r\n\r\n").await;
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    let error = answer.0.unwrap_err();
    assert!(matches!(error, Error::Config(_)) && error.to_string().contains("`http://evil.test/mcp`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_modern_stream_that_ends_without_the_response_is_a_lost_request_h_17() {
    let (client, [mut peer, mut other]) = client(&Limits::default()).await;
    let serve = async {
        peer.read().await;
        peer.begin_events().await;
        peer.send(&format!("id: 1\n{}", event(&progress()))).await;
        peer.end_events().await;
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    assert!(matches!(answer.0, Err(Error::Closed)), "{answer:?}");
    let serve = async {
        other.read().await;
        drop(other);
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    assert!(matches!(answer.0, Err(Error::Closed)), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_out_on_another_connection_when_the_server_has_closed_the_first() {
    let (client, [first, mut second]) = client(&Limits::default()).await;
    drop(first);
    let serve = async {
        second.read().await;
        second.reply("200 OK", "application/json", &result(1).to_string()).await;
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    assert_eq!(answer.0.unwrap(), json!({"ok": 1}));
}

#[tokio::test(start_paused = true)]
async fn what_a_server_does_on_a_connection_that_rests_is_no_answer_to_the_next_request() {
    for unasked in [None, Some(result(2).to_string())] {
        let (client, [mut first, mut second]) = client(&Limits::default()).await;
        let serve = async {
            first.read().await;
            first.reply("200 OK", "application/json", &result(1).to_string()).await;
        };
        let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
        assert_eq!(answer.0.unwrap(), json!({"ok": 1}));
        match unasked {
            Some(unasked) => first.reply("200 OK", "application/json", &unasked).await,
            None => tokio::io::AsyncWriteExt::shutdown(&mut first.stream).await.unwrap(),
        }
        let serve = async {
            assert_eq!(second.read().await.json()["id"], 2);
            second
                .reply("200 OK", "application/json", &json!({"jsonrpc": "2.0", "id": 2, "result": {}}).to_string())
                .await;
            first.closed().await;
        };
        let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
        assert_eq!(answer.0.unwrap(), json!({}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_not_used_after_the_time_that_the_server_keeps_it() {
    let (client, [mut first, mut second]) = client(&Limits::default()).await;
    let body = result(1).to_string();
    let head = format!("content-type: application/json\r\nkeep-alive: timeout=5\r\ncontent-length: {}", body.len());
    let serve = async {
        first.read().await;
        first.write(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")).await;
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    answer.0.unwrap();
    tokio::time::advance(Duration::from_secs(4)).await;
    let serve = async {
        assert_eq!(second.read().await.json()["id"], 2);
        second.reply("200 OK", "application/json", &result(2).to_string()).await;
    };
    let (answer, ()) = join!(finish(&client, modern("tools/call")), serve);
    answer.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_idle_deadline_and_talk_at_the_total_one_v_21() {
    let (client, [mut peer, mut other]) = client(&Limits::default()).await;
    let patience = Patience { idle: Duration::from_secs(10), total: Duration::from_secs(25) };
    let mut request = modern("tools/call");
    request.patience = patience;
    let before = Instant::now();
    let (answer, _) = join!(finish(&client, request.clone()), peer.read());
    assert!(matches!(answer.0, Err(Error::TimedOut(Deadline::Idle(_)))), "{answer:?}");
    assert_eq!(before.elapsed(), patience.idle);
    let before = Instant::now();
    let serve = async {
        other.read().await;
        other.begin_events().await;
        for _ in 0..9 {
            other.send(&event(&progress())).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    };
    let (answer, ()) = join!(finish(&client, request), serve);
    assert!(matches!(answer.0, Err(Error::TimedOut(Deadline::Total(_)))), "{answer:?}");
    assert_eq!((answer.1.len(), before.elapsed() >= patience.total), (9, true));
}

#[tokio::test(start_paused = true)]
async fn comments_are_no_sign_of_life_of_the_request() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    let mut request = modern("tools/call");
    request.patience = Patience { idle: Duration::from_secs(10), total: Duration::from_secs(100) };
    let serve = async {
        peer.read().await;
        peer.begin_events().await;
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut peer.stream, b"4\r\n: x\n\r\n").await;
        }
    };
    let (answer, ()) = join!(finish(&client, request), serve);
    assert!(matches!(answer.0, Err(Error::TimedOut(Deadline::Idle(_)))), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_notification_has_the_headers_of_the_revision_and_any_2xx_will_do_h_12() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    client.settle(Revision::LATEST);
    for status in ["202 Accepted", "204 No Content", "200 OK"] {
        let serve = async {
            let arrived = peer.read().await;
            assert_eq!(arrived.header("mcp-method"), Some("notifications/x"));
            assert_eq!(arrived.header("mcp-protocol-version"), Some("2026-07-28"));
            if status.starts_with("204") {
                peer.write("HTTP/1.1 204 No Content\r\n\r\n").await;
            } else {
                peer.reply(status, "text/plain", "").await;
            }
        };
        let (told, ()) = join!(client.notify("notifications/x", None), serve);
        told.unwrap();
    }
    let serve = async {
        peer.read().await;
        peer.reply("503 x", "text/plain", "later").await;
    };
    let (told, ()) = join!(client.notify("notifications/x", None), serve);
    assert!(matches!(told, Err(Error::Http(failure)) if failure.body == bytes("later")));
}

#[tokio::test(start_paused = true)]
async fn a_notification_does_not_wait_for_a_body_that_never_ends() {
    let (client, [mut peer]) = client(&Limits::default()).await;
    let serve = async {
        peer.read().await;
        peer.begin_events().await;
    };
    let before = Instant::now();
    let (told, ()) = join!(client.notify("notifications/x", None), serve);
    told.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
    peer.closed().await;
    assert_eq!(client.shared.dialer.pool.len(), 0);
}

#[test]
fn headers_that_belong_to_the_protocol_or_cannot_be_sent_are_refused_and_values_are_never_shown() {
    let make = |name: &str, value: &str| HttpClient::new("http://x/", HttpOptions::default().header(name, value));
    for (name, value) in
        [("Host", "x"), ("Mcp-Session-Id", "x"), ("a b", "x"), ("x", "canary\r\ny: z"), ("Accept", "x")]
    {
        let error = make(name, value).unwrap_err();
        assert!(matches!(error, Error::Config(_)));
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    let options = HttpOptions::default().header("authorization", "canary");
    assert!(!format!("{options:?}").contains("canary"));
    assert!(!format!("{:?}", HttpClient::new("http://x/", options).unwrap()).contains("canary"));
}

#[cfg(not(feature = "tls"))]
#[test]
fn https_without_the_feature_says_what_to_do() {
    let error = HttpClient::new("https://example.com/", HttpOptions::default()).unwrap_err();
    assert!(error.to_string().contains("feature `tls`"), "{error}");
}
