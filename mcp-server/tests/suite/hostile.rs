//! A server on a pipe whose other end misbehaves: the process lives, and every id that can be read is answered once.

use std::collections::HashMap;
use std::time::Duration;

use mcp_server::{Limits, Pipe, Server, State, Tool, implementation};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::Notify;

struct Peer {
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
    answers: HashMap<String, Vec<Value>>,
}

fn server() -> Server {
    Server::builder(implementation!())
        .tool(Tool::new("explode", || -> std::future::Ready<()> { panic!("boom") }))
        .tool(Tool::new("hang", std::future::pending::<()>))
        .tool(Tool::new("hello", async || "hello"))
        .tool(Tool::new("wait", async |State(released): State<Notify>| {
            released.notified().await;
            "waited"
        }))
        .tool(Tool::new("release", async |State(released): State<Notify>| released.notify_one()))
        .state(Notify::new())
        .build()
        .unwrap()
}

impl Peer {
    fn start() -> (Self, tokio::task::JoinHandle<()>) {
        let (client, side) = mcp_transport::memory::pair();
        let (reader, writer) = tokio::io::split(side);
        let serving = tokio::spawn(async move {
            server()
                .serve(Pipe::new(reader, writer).limits(Limits::default().drain(Duration::from_secs(1))))
                .await
                .unwrap();
        });
        let (reader, writer) = tokio::io::split(client);
        (Self { reader: BufReader::new(reader), writer, answers: HashMap::new() }, serving)
    }

    async fn send(&mut self, line: impl AsRef<[u8]>) {
        self.writer.write_all(line.as_ref()).await.unwrap();
        self.writer.write_all(b"\n").await.unwrap();
    }

    async fn request(&mut self, id: Value, method: &str, mut params: Value) {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()).await;
    }

    /// Reads one answer and keeps it under its id.
    async fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).await.unwrap() == 0 {
            return None;
        }
        let answer: Value = serde_json::from_str(&line).unwrap();
        let key = answer.get("id").map_or_else(|| "none".to_owned(), Value::to_string);
        self.answers.entry(key).or_default().push(answer.clone());
        Some(answer)
    }

    /// Calls the good tool and reads until it is answered.
    async fn is_alive(&mut self, id: &str) {
        self.request(json!(id), "tools/call", json!({"name": "hello"})).await;
        loop {
            let answer = self.read().await.expect("the server is there");
            if answer["id"] == id {
                assert_eq!(answer["result"]["content"][0]["text"], "hello", "{answer}");
                return;
            }
        }
    }

    #[track_caller]
    fn answered_once(&self, id: &str, code: i64) {
        let answers = self.answers.get(id).unwrap_or_else(|| panic!("{id} was not answered: {:?}", self.answers));
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(answers[0]["error"]["code"], code, "{answers:?}");
    }
}

#[tokio::test]
async fn every_readable_id_is_answered_once_whatever_is_sent() {
    let (mut peer, _serving) = Peer::start();
    let good_meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

    peer.send("{ this is no json").await;
    peer.send(b"{\"jsonrpc\":\"2.0\",\"id\":\"utf8\",\"method\":\"tools/list\",\"params\":{\"x\":\"\xff\"}}").await;
    peer.send(r#"{"jsonrpc":"2.0","id":"surrogate","method":"tools/list","params":{"x":"\ud800"}}"#).await;
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":"deep","method":"tools/list","params":{{"x":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    peer.send(deep).await;
    for id in ["null", "1.5", "{}"] {
        peer.send(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list"}}"#)).await;
    }
    peer.is_alive("after the envelope").await;
    peer.answered_once("\"utf8\"", -32700);
    peer.answered_once("\"surrogate\"", -32700);
    peer.answered_once("\"deep\"", -32700);
    assert_eq!(peer.answers["none"].len(), 4, "no json, and three ids that are none");

    peer.request(json!("method"), "no/such/method", json!({})).await;
    peer.request(json!("nameless"), "tools/call", json!({})).await;
    peer.request(json!("panic"), "tools/call", json!({"name": "explode"})).await;
    peer.send(format!(r#"{{"jsonrpc":"2.0","id":"list","method":"tools/call","params":[{good_meta:?}]}}"#)).await;
    peer.is_alive("after the calls").await;
    peer.answered_once("\"method\"", -32601);
    peer.answered_once("\"nameless\"", -32602);
    peer.answered_once("\"panic\"", -32603);
    peer.answered_once("\"list\"", -32600);
}

#[tokio::test]
async fn a_line_of_64_mib_is_answered_and_costs_nothing_that_follows() {
    let (mut peer, _serving) = Peer::start();
    peer.writer
        .write_all(br#"{"jsonrpc":"2.0","id":"long","method":"tools/call","params":{"name":"hello","x":""#)
        .await
        .unwrap();
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        peer.writer.write_all(&chunk).await.unwrap();
    }
    peer.send(r#""}}"#).await;
    peer.is_alive("after the line").await;
    peer.answered_once("\"long\"", -32600);
}

#[tokio::test]
async fn a_request_with_an_id_in_use_is_refused_and_the_first_goes_on_to_its_answer() {
    let (mut peer, _serving) = Peer::start();
    peer.request(json!("twice"), "tools/call", json!({"name": "wait"})).await;
    peer.request(json!("twice"), "tools/call", json!({"name": "hello"})).await;
    assert_eq!(peer.read().await.unwrap()["error"]["code"], -32600);
    peer.request(json!("release"), "tools/call", json!({"name": "release"})).await;
    while peer.answers["\"twice\""].len() < 2 {
        peer.read().await.expect("the server is there");
    }
    peer.is_alive("after the release").await;
    let answers = &peer.answers["\"twice\""];
    assert_eq!(answers.len(), 2, "each of the two requests is answered once: {answers:?}");
    assert_eq!(answers[1]["result"]["content"], json!([{"type": "text", "text": "waited"}]));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_input_with_a_call_in_flight_answers_it_and_ends_the_server() {
    let (mut peer, serving) = Peer::start();
    peer.request(json!("flight"), "tools/call", json!({"name": "hang"})).await;
    peer.writer.shutdown().await.unwrap();
    while peer.read().await.is_some() {}
    assert_eq!(peer.answers["\"flight\""].len(), 1);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_legacy_client_and_a_modern_request_share_one_pipe() {
    let (mut peer, _serving) = Peer::start();
    peer.send(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#).await;
    assert_eq!(peer.read().await.unwrap()["result"]["protocolVersion"], "2025-06-18");
    peer.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    peer.send(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hello"}}"#).await;
    let answer = peer.read().await.unwrap();
    assert_eq!(answer["result"], json!({"content": [{"type": "text", "text": "hello"}]}));
    peer.is_alive("modern").await;
}

#[tokio::test]
async fn a_server_is_its_own_client_in_process() {
    use mcp_transport::{Outgoing, Transport};
    let mux = server().in_process().connect(&Limits::default());
    let params = json!({"name": "hello", "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    let exchange = mux.open(Outgoing::new("tools/call", params.into())).await.unwrap();
    let result = exchange.finish(|_| {}).await.unwrap().unwrap();
    assert_eq!(result.decode::<Value>().unwrap()["content"][0]["text"], "hello");
}
