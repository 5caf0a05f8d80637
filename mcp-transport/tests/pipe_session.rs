//! What a server says on a pipe of its own accord: questions to the client, and what it pushes (HL-16, HL-17, P-35).

#![cfg(feature = "pipe")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use mcp_transport::era::Served;
use mcp_transport::era::legacy::{AskError, Session};
use mcp_transport::pipe::Pipe;
use mcp_transport::{Answer, Call, Serve, Service};
use mcp_types::{InitializeRequestParams, RawJson, Revision, RpcError};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A service that asks, and that pushes what it is told to.
struct Asking {
    pushed: watch::Receiver<u32>,
    served: Served,
    /// The error that ended the last question.
    ended: watch::Sender<Option<AskError>>,
}

impl Service for Asking {
    async fn call(&self, call: Call) -> Answer {
        let session = call.caller.session().ok_or_else(|| RpcError::internal("there is no session"))?;
        if call.request.method == "initialize" {
            let params: InitializeRequestParams = call.request.params.decode()?;
            let revision = session.begin(&params, &self.served).ok_or_else(|| RpcError::internal("not served"))?;
            return Ok(RawJson::from(json!({"protocolVersion": revision.as_str()})));
        }
        match session.ask(&call.notifier, "roots/list", &RawJson::empty_object()).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.ended.send_replace(Some(error.clone()));
                Err(RpcError::internal(error.to_string()))
            }
        }
    }

    fn served(&self) -> Served {
        self.served.clone()
    }

    fn pushes(&self, session: &Arc<Session>) -> Option<BoxStream<'static, Bytes>> {
        assert!(session.is_ready());
        let changes = futures::stream::unfold(self.pushed.clone(), |mut pushed| async {
            pushed.changed().await.ok()?;
            let params = json!({"n": *pushed.borrow_and_update()});
            let message = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": params});
            Some((Bytes::from(message.to_string()), pushed))
        });
        Some(changes.boxed())
    }
}

struct Client {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    push: watch::Sender<u32>,
    ended: watch::Receiver<Option<AskError>>,
    server: JoinHandle<()>,
}

fn serve(served: Served) -> Client {
    let (client, server) = tokio::io::duplex(4 * 1024);
    let ((push, pushed), (end, ended)) = (watch::channel(0), watch::channel(None));
    let service = Arc::new(Asking { pushed, served, ended: end });
    let (reader, writer) = tokio::io::split(server);
    let server = tokio::spawn(async move { Pipe::new(reader, writer).serve(service).await.unwrap() });
    let (reader, writer) = tokio::io::split(client);
    Client { lines: BufReader::new(reader).lines(), writer, push, ended, server }
}

impl Client {
    async fn send(&mut self, message: &Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next_line().await.unwrap().expect("the server says something")).unwrap()
    }

    async fn begin(&mut self) {
        let client = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        self.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})).await;
        assert_eq!(self.next().await["result"]["protocolVersion"], "2025-06-18");
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    }
}

fn call(id: i64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "ask"}})
}

fn answer(id: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"roots": [id]}})
}

#[tokio::test(start_paused = true)]
async fn a_call_asks_the_client_and_goes_on_with_its_answer_hl_17() {
    let mut client = serve(Served::default());
    client.begin().await;
    client.send(&call(7)).await;
    let one = client.next().await;
    assert_eq!((&one["method"], &one["id"]), (&json!("roots/list"), &json!(1)));
    client.send(&call(8)).await;
    let two = client.next().await;
    assert_eq!(two["id"], 2, "the ids of the server are its own (HL-16)");
    client.send(&json!({"jsonrpc": "2.0", "id": 99, "result": {}})).await;
    client.send(&answer(&two["id"])).await;
    assert_eq!(client.next().await, json!({"jsonrpc": "2.0", "id": 8, "result": {"roots": [2]}}));
    client.send(&answer(&one["id"])).await;
    assert_eq!(client.next().await, json!({"jsonrpc": "2.0", "id": 7, "result": {"roots": [1]}}));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_the_last_line_without_its_end_still_counts() {
    let mut client = serve(Served::default());
    client.begin().await;
    client.send(&call(7)).await;
    let question = client.next().await;
    client.writer.write_all(answer(&question["id"]).to_string().as_bytes()).await.unwrap();
    client.writer.shutdown().await.unwrap();
    assert_eq!(client.next().await["result"], json!({"roots": [1]}));
    client.server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_input_ends_every_question_at_once() {
    let mut client = serve(Served::default());
    client.begin().await;
    client.send(&call(7)).await;
    client.next().await;
    let before = tokio::time::Instant::now();
    client.writer.shutdown().await.unwrap();
    assert_eq!(client.next().await["error"]["code"], -32603);
    client.server.await.unwrap();
    assert_eq!(*client.ended.borrow(), Some(AskError::Ended));
    assert_eq!(before.elapsed(), std::time::Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_pushed_comes_once_the_session_is_initialized() {
    let mut client = serve(Served::default());
    client.begin().await;
    // A question shows that the server has seen `initialized`.
    client.send(&call(7)).await;
    client.next().await;
    client.push.send_replace(1);
    assert_eq!(client.next().await["params"], json!({"n": 1}));
    client.push.send_replace(2);
    assert_eq!(client.next().await["params"], json!({"n": 2}));
}

#[tokio::test(start_paused = true)]
async fn a_pipe_speaks_the_revisions_that_its_service_serves() {
    let mut client = serve([Revision::V2026_07_28].into_iter().collect());
    let params =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    client.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})).await;
    assert_eq!(client.next().await["error"]["code"], -32022);
}
