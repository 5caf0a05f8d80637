//! A model over HTTP, asked over a socket of this machine: what is sent, and what an answer means.

#![allow(clippy::unwrap_used, reason = "it is all test")]

use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_openai_bridge::chat::{Message, Request};
use mcp_openai_bridge::model::HttpModel;
use mcp_openai_bridge::{ModelError, responses};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A provider that answers by a script, head and body as they stand.
struct Provider {
    base_url: String,
    /// Each request with the number of its connection.
    asked: Arc<Asked>,
}

type Answers = Mutex<VecDeque<String>>;
type Asked = Mutex<Vec<(usize, String)>>;

impl Provider {
    async fn start(answers: impl IntoIterator<Item = String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let asked: Arc<Asked> = Arc::default();
        let provider = Self { base_url, asked: Arc::clone(&asked) };
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(connection, stream, Arc::clone(&answers), Arc::clone(&asked)));
            }
        });
        provider
    }

    fn asked(&self) -> Vec<(usize, String)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(connection: usize, mut stream: TcpStream, answers: Arc<Answers>, asked: Arc<Asked>) {
    while let Some(request) = read(&mut stream).await {
        asked.lock().unwrap().push((connection, request));
        let answer = answers.lock().unwrap().pop_front().unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// Reads one request; its head is in lower case.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    Some(format!("{head}{}", String::from_utf8(body).unwrap()))
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

const JSON: &str = "content-type: application/json\r\n";
const HELLO: &str = r#"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"}}]}"#;
const KEY: &str = "sk-hunter2";

fn hello() -> String {
    answer("200 OK", JSON, HELLO)
}

fn request() -> Request {
    Request::new("m", [Message::user("Hi")])
}

fn model(provider: &Provider) -> HttpModel {
    HttpModel::builder(&provider.base_url).key(KEY).build().unwrap()
}

#[tokio::test]
async fn a_request_has_its_credentials_and_does_not_ask_for_compression() {
    let provider = Provider::start([hello()]).await;
    let model = HttpModel::builder(format!("{}?api-version=1", provider.base_url))
        .key(KEY)
        .organization("org-1")
        .project("proj-1")
        .header("X-Title", "tests")
        .build()
        .unwrap();
    let reply = model.ask(&request()).await.unwrap();
    assert_eq!(reply.choices[0].message.text(), "Hello");
    let (_, asked) = provider.asked().pop().unwrap();
    assert!(asked.starts_with("post /v1/chat/completions?api-version=1 http/1.1\r\n"), "{asked}");
    for line in [
        "authorization: bearer sk-hunter2",
        "openai-organization: org-1",
        "openai-project: proj-1",
        "x-title: tests",
        "content-type: application/json",
        "accept: application/json",
    ] {
        assert!(asked.lines().any(|known| known == line), "{line}: {asked}");
    }
    assert!(!asked.contains("accept-encoding"));
    let body: Value = serde_json::from_str(asked.rsplit("\r\n\r\n").next().unwrap()).unwrap();
    assert_eq!(body, serde_json::json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }] }));
}

#[tokio::test]
async fn both_apis_are_asked_over_one_connection_that_is_kept() {
    let events = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let response = r#"{"id":"r","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]}]}"#;
    let stream = answer("200 OK", "content-type: text/event-stream\r\n", events);
    let provider = Provider::start([hello(), stream, answer("200 OK", JSON, response), hello()]).await;
    let model = model(&provider);
    let mut chunks = Vec::new();
    assert!(model.ask(&request()).await.is_ok());
    let streamed = model.ask_streamed(&request(), |chunk| chunks.push(chunk.text())).await.unwrap();
    assert_eq!((streamed.choices[0].message.text().as_str(), chunks), ("Hello", vec!["Hello".to_owned()]));
    let input = responses::Request::new("m", [responses::Item::user("Hi")]);
    assert_eq!(model.ask(&input).await.unwrap().text(), "Hello");
    assert!(model.ask(&request()).await.is_ok());
    let asked = provider.asked();
    assert!(asked[2].1.starts_with("post /v1/responses "), "{}", asked[2].1);
    assert_eq!(asked.iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), [0; 4]);
}

async fn refused(answer: String) -> ModelError {
    let provider = Provider::start([answer]).await;
    let error = model(&provider).ask(&request()).await.unwrap_err();
    // It is sent once, whatever comes back.
    assert_eq!(provider.asked().len(), 1);
    let mut told = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    assert!(!told.contains("hunter2"), "{told}");
    error
}

#[tokio::test]
async fn a_refusal_says_what_the_provider_said_and_not_the_key() {
    let body = format!(r#"{{"error":{{"message":"Incorrect API key: {KEY}","code":"invalid_api_key"}}}}"#);
    let error = refused(answer("401 Unauthorized", JSON, &body)).await;
    assert!(error.to_string().contains("refused the request: Incorrect API key: …"), "{error}");
    assert_eq!((error.http_status(), error.provider_code()), (Some(401), Some("invalid_api_key")));

    let busy = format!("{JSON}retry-after: 7\r\n");
    let error = refused(answer("429 Too Many Requests", &busy, "{}")).await;
    assert_eq!((error.http_status(), error.wait()), (Some(429), Some(Duration::from_secs(7))));

    let error = refused(answer("502 Bad Gateway", "", &format!("<html>{KEY}</html>"))).await;
    assert!(error.to_string().contains("<html>…</html>"), "{error}");

    let error = refused(answer("302 Found", "location: http://127.0.0.1:1/hunter2\r\n", "")).await;
    assert!(error.to_string().contains("it redirects, which is not followed with a key"), "{error}");

    let error = refused(answer("200 OK", JSON, &format!(r#"{{"choices":"{KEY}"}}"#))).await;
    assert!(error.to_string().contains("cannot read the answer of http://127.0.0.1"), "{error}");

    let compressed = format!("{JSON}content-encoding: gzip\r\n");
    let error = refused(answer("200 OK", &compressed, "\u{1f}\u{8b}")).await;
    assert!(error.to_string().contains("it is compressed, which was not asked for"), "{error}");
}

#[tokio::test]
async fn nobody_there_may_be_asked_again_and_an_answer_that_broke_off_may_not() {
    let nobody = HttpModel::builder("http://127.0.0.1:1/v1").build().unwrap();
    let error = nobody.ask(&request()).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().starts_with("cannot connect to http://127.0.0.1:1/"), "{error}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    });
    let model = HttpModel::builder(base_url).build().unwrap();
    let error = model.ask(&request()).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    assert!(error.to_string().contains("broke before the answer was complete"), "{error}");
}
