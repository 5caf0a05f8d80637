//! The transport of 2024-11-05: a stream down, POSTs up (HS-1 to HS-5).

use bytes::Bytes;
use http::Request as HttpRequest;
use http_body_util::Full;
use serde_json::{Value, json};

use super::{Seen, Server, full, initialize, legacy, settle, tool_call};
use crate::limits::Limits;
use crate::sse::{SseDecoder, SseEvent};

fn get(path: &str) -> HttpRequest<Full<Bytes>> {
    let builder = HttpRequest::get(path).header("host", "localhost").header("accept", "text/event-stream");
    builder.body(Full::default()).unwrap()
}

/// A client that reads a stream and posts where the stream says.
struct Client {
    seen: Seen,
    decoder: SseDecoder,
    place: String,
}

impl Client {
    async fn open(server: &Server, path: &str) -> Self {
        let seen = server.send(get(path)).await;
        assert_eq!((seen.status, &seen.headers["content-type"]), (200, &"text/event-stream".parse().unwrap()));
        let mut client = Self { seen, decoder: SseDecoder::new(&Limits::default()), place: String::new() };
        let endpoint = client.event().await;
        assert_eq!(endpoint.name.as_deref(), Some("endpoint"));
        client.place = String::from_utf8(endpoint.data.to_vec()).unwrap();
        client
    }

    async fn event(&mut self) -> SseEvent {
        loop {
            if let Some(event) = self.decoder.next_event().unwrap() {
                return event;
            }
            let frame = self.seen.frame().await;
            self.decoder.extend(frame.as_bytes());
        }
    }

    async fn next(&mut self) -> Value {
        let event = self.event().await;
        assert_eq!(event.name.as_deref(), Some("message"));
        serde_json::from_slice(&event.data).unwrap()
    }

    async fn post(&self, server: &Server, body: &str) -> u16 {
        let builder =
            HttpRequest::post(&self.place).header("host", "localhost").header("content-type", "application/json");
        server.ask(full(builder, body)).await.status
    }
}

#[tokio::test]
async fn answers_come_on_the_stream_and_a_post_is_only_accepted_hs_1_hs_2() {
    let server = Server::new();
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut client = Client::open(&server, "/sse").await;
        assert_eq!(client.post(&server, &initialize(version)).await, 202);
        assert_eq!(client.next().await["result"]["protocolVersion"], version, "HS-4");
        assert_eq!(client.post(&server, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await, 202);
        assert_eq!(client.post(&server, &tool_call(1, "notify").replace(',', ",\n")).await, 202);
        assert_eq!(client.next().await["method"], "notifications/progress");
        assert_eq!(client.next().await["method"], "notifications/progress");
        assert_eq!(client.next().await["result"], json!({"tool": "notify"}));
        assert_eq!(client.post(&server, &tool_call(2, "ask")).await, 202);
        let question = client.next().await;
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"roots": []}});
        assert_eq!(client.post(&server, &answer.to_string()).await, 202);
        assert_eq!(client.next().await["result"], json!({"roots": []}));
    }
}

#[tokio::test]
async fn a_session_ends_with_its_stream_hs_4() {
    let server = Server::new();
    let client = Client::open(&server, "/sse").await;
    assert_eq!(client.post(&server, &initialize("2024-11-05")).await, 202);
    let (place, other) = (client.place.clone(), Client::open(&server, "/sse").await);
    drop(client.seen);
    let gone = Client { place, ..other };
    assert_eq!(gone.post(&server, &tool_call(1, "echo")).await, 404);
}

#[tokio::test]
async fn a_message_of_no_session_or_that_is_none_is_refused() {
    let server = Server::new();
    let client = Client::open(&server, "/sse").await;
    let post = async |target: &str, media: &str, body: &str| {
        let builder = HttpRequest::post(target).header("host", "localhost").header("content-type", media);
        server.ask(full(builder, body)).await.status
    };
    let json = "application/json";
    assert_eq!(post("/sse/messages", json, &tool_call(1, "echo")).await, 400);
    assert_eq!(post("/sse/messages?session_id=00", json, &tool_call(1, "echo")).await, 404);
    assert_eq!(post(&client.place, "text/plain", &tool_call(1, "echo")).await, 415);
    assert_eq!(post(&client.place, json, "{").await, 400);
    assert_eq!(post(&client.place, json, &format!("[{}]", tool_call(1, "echo"))).await, 202);
}

#[tokio::test]
async fn the_old_paths_take_their_own_methods_only_so_that_clients_find_out_hl_18() {
    let server = Server::new();
    let mut request = legacy("", &initialize("2025-11-25"));
    *request.uri_mut() = "/sse".parse().unwrap();
    let answered = server.ask(request).await;
    assert_eq!((answered.status, &answered.headers["allow"]), (405, &"GET".parse().unwrap()));
    assert_eq!(server.ask(get("/sse/messages")).await.status, 405);
    let mut evil = get("/sse");
    evil.headers_mut().insert("host", "evil.example".parse().unwrap());
    assert_eq!(server.ask(evil).await.status, 403);
    let mut evil = get("/sse");
    evil.headers_mut().insert("origin", "http://evil.example".parse().unwrap());
    assert_eq!(server.ask(evil).await.status, 403);
}

#[tokio::test]
async fn a_stream_at_the_endpoint_is_for_who_names_no_session() {
    let server = Server::new();
    let mut client = Client::open(&server, "/mcp/").await;
    assert_eq!(client.post(&server, &initialize("2024-11-05")).await, 202);
    assert_eq!(client.next().await["result"]["protocolVersion"], "2024-11-05");
    let mut request = get("/mcp");
    request.headers_mut().insert("mcp-session-id", "unknown".parse().unwrap());
    assert_eq!(server.ask(request).await.status, 404);
}

#[tokio::test]
async fn a_server_without_legacy_revisions_has_no_old_transport() {
    let modern = [mcp_types::Revision::V2026_07_28].into_iter().collect();
    let server = Server::configured(Limits::default(), modern);
    assert_eq!(server.ask(get("/sse")).await.status, 404);
    assert_eq!(server.ask(get("/mcp")).await.status, 405);
}

#[tokio::test]
async fn a_modern_request_on_the_old_transport_is_refused() {
    let server = Server::new();
    let mut client = Client::open(&server, "/sse").await;
    assert_eq!(client.post(&server, &super::modern_call(1, "echo", &json!({}))).await, 202);
    assert_eq!(client.next().await["error"]["code"], -32022);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drains_answers_what_it_was_asked_and_ends_the_stream_f95() {
    let server = Server::new();
    let mut client = Client::open(&server, "/sse").await;
    client.post(&server, &initialize("2024-11-05")).await;
    client.next().await;
    client.post(&server, &tool_call(1, "wait")).await;
    settle().await;
    server.stage.send_replace(super::super::stop::Stage::Draining);
    server.tools.go.notify_one();
    let answered = client.seen.finish().await;
    assert!(answered.text.contains("{\"tool\":\"wait\"}"), "{}", answered.text);
}
