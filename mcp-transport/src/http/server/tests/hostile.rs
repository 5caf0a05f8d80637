//! The probes that other servers fail, against the default configuration, byte for byte (security plan, 3.7).
//!
//! What has a test of its own elsewhere is here once more, so that the table is whole: a second stream, slow heads and
//! bodies and the bounds of heads are in the neighbours of this file.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::super::connection::serve_connection;
use super::{Server, initialize, tool_call};

/// Sends bytes on a connection of their own; returns the status and the body.
async fn probe(server: &Server, request: &[u8]) -> (u16, String) {
    let (client, other) = duplex(16 * 1024);
    tokio::spawn(serve_connection(other, Arc::clone(&server.endpoint)));
    let (mut reader, mut writer) = tokio::io::split(client);
    let mut answer = Vec::new();
    // The server may close before all of it is sent.
    let (_, read) = tokio::join!(writer.write_all(request), async {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = reader.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..read]);
            if is_whole(&answer) {
                break;
            }
        }
    });
    let () = read;
    let text = String::from_utf8(answer).unwrap();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

/// A POST with a session, more header lines and a body of any bytes.
fn post(session: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST /mcp HTTP/1.1\r\naccept: application/json, text/event-stream\r\nmcp-session-id: {session}\r\n\
         content-length: {}\r\n{lines}\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

const USUAL: &str = "host: localhost\r\ncontent-type: application/json\r\n";

fn code(body: &str) -> i64 {
    serde_json::from_str::<Value>(body).map_or(0, |body| body["error"]["code"].as_i64().unwrap_or_default())
}

async fn server() -> (Server, String) {
    let server = Server::new();
    let session = server.open_session("2025-11-25").await;
    (server, session)
}

#[tokio::test(start_paused = true)]
async fn heads_that_other_servers_accept_are_refused() {
    let (server, session) = server().await;
    let body = tool_call(1, "echo");
    let huge = format!("{USUAL}x-huge: {}\r\n", "x".repeat(200_000));
    let two_sessions = format!("{USUAL}mcp-session-id: {session}\r\n");
    for (lines, status) in [
        (USUAL, 200),
        ("host: evil.com\r\ncontent-type: application/json\r\n", 403),
        ("host: localhost\r\norigin: http://evil.com\r\ncontent-type: application/json\r\n", 403),
        ("host: localhost\r\norigin: null\r\ncontent-type: application/json\r\n", 403),
        ("host: localhost\r\ncontent-type: text/plain\r\n", 415),
        ("host: localhost\r\ncontent-type: text/plain; a=application/json\r\n", 415),
        ("host: localhost\r\ncontent-type: application/jsonx\r\n", 415),
        ("host: localhost\r\ncontent-type: application/json\r\ncontent-type: text/plain\r\n", 415),
        ("host: localhost\r\n", 415),
        ("content-type: application/json\r\n", 400),
        (&huge, 431),
        (&two_sessions, 400),
    ] {
        let (answered, text) = probe(&server, &post(&session, lines, body.as_bytes())).await;
        assert_eq!(answered, status, "{}: {text}", &lines[..lines.len().min(80)]);
    }
    assert_eq!(probe(&server, &post("unknown", USUAL, body.as_bytes())).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_other_servers_execute_or_die_of_are_refused() {
    let (server, session) = server().await;
    let call = |arguments: &str| {
        let head = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":"#;
        format!("{head}{arguments}}}}}").into_bytes()
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut foreign = call(r#"{"text":"X"}"#);
    let at = foreign.iter().position(|byte| *byte == b'X').unwrap();
    foreign[at] = 0xff;
    let with_id = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#).into_bytes();
    for (what, body, expected) in [
        ("no JSON", b"nonsense".to_vec(), -32700),
        ("nothing", Vec::new(), -32700),
        ("half a message", call("{")[..40].to_vec(), -32700),
        ("no message", b"7".to_vec(), -32600),
        ("depth", call(&deep), -32700),
        ("a method twice", br#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#.to_vec(), -32600),
        ("a key of another case", br#"{"jsonrpc":"2.0","id":1,"Method":"ping"}"#.to_vec(), -32600),
        ("bytes that are no UTF-8", foreign, -32700),
        ("half a surrogate pair", call(r#"{"text":"\ud800"}"#), -32700),
        ("a surrogate pair the wrong way round", call(r#"{"text":"\udc00\ud800"}"#), -32700),
        ("a null id", with_id("null"), -32600),
        ("a broken id", with_id("1.5"), -32600),
        ("an id that is an object", with_id("{}"), -32600),
        ("an id that is too large", with_id("1e400"), -32700),
        ("an id that is too long", with_id(&format!("\"{}\"", "x".repeat(1_000_000))), -32600),
        ("another version of JSON-RPC", br#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#.to_vec(), -32600),
        ("a batch", format!("[{}]", tool_call(1, "echo")).into_bytes(), -32600),
        ("an empty batch", b"[]".to_vec(), -32600),
    ] {
        let (status, text) = probe(&server, &post(&session, USUAL, &body)).await;
        assert_eq!((status, code(&text)), (400, expected), "{what}: {text}");
    }
    let (status, text) = probe(&server, &post(&session, USUAL, &call("{}"))).await;
    assert_eq!((status, text.contains(r#""id":7"#)), (200, true), "and the server is well: {text}");
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_request_that_is_refused_is_repeated_when_it_is_known() {
    let (server, session) = server().await;
    let body = br#"{"jsonrpc":"2.0","id":"seven","method":"tools/call","params":7}"#;
    let (status, text) = probe(&server, &post(&session, USUAL, body)).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &answer["id"]), (400, &json!("seven")));
}

#[tokio::test(start_paused = true)]
async fn a_body_of_64_mb_is_refused_before_it_is_read_whether_it_is_announced_or_not() {
    let (server, session) = server().await;
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                accept: application/json, text/event-stream\r\n";
    let announced = format!("{head}mcp-session-id: {session}\r\ncontent-length: 67108864\r\n\r\n{{");
    assert_eq!(probe(&server, announced.as_bytes()).await.0, 413);
    let mut chunked = format!("{head}mcp-session-id: {session}\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes();
    let chunk = vec![b' '; 1024 * 1024];
    for _ in 0..64 {
        chunked.extend_from_slice(b"100000\r\n");
        chunked.extend_from_slice(&chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    assert_eq!(probe(&server, &chunked).await.0, 413);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_damaged_messages_leave_the_server_well_t_014() {
    let (server, session) = server().await;
    let good = initialize("2025-11-25");
    let mut random = crate::test_random::Random::new(0x5eed);
    let mut statuses = std::collections::BTreeSet::new();
    for _ in 0..10_000 {
        let mut body = good.clone().into_bytes();
        for _ in 0..random.below(4) + 1 {
            let at = random.below(body.len());
            body[at] = u8::try_from(random.below(256)).unwrap();
        }
        let builder = super::post().header("mcp-session-id", &session);
        let request = builder.body(http_body_util::Full::from(body)).unwrap();
        statuses.insert(server.ask(request).await.status);
    }
    assert!(statuses.iter().all(|status| matches!(status, 200 | 202 | 400)), "{statuses:?}");
    assert_eq!(probe(&server, &post(&session, USUAL, tool_call(1, "echo").as_bytes())).await.0, 200);
}
