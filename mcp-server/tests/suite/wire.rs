//! The same over a pipe, byte by byte, as a client sees it.

use std::time::Duration;

use mcp_server::{Changes, Cx, Form, Pipe, Server, State, TaskMode, Tool, implementation};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};

/// The client's end of a pipe.
struct Wire {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

impl Wire {
    fn to(server: &Server) -> Self {
        let (client, way_in) = tokio::io::duplex(64 * 1024);
        let (reader, writer) = tokio::io::split(way_in);
        let server = server.clone();
        tokio::spawn(async move { server.serve(Pipe::new(reader, writer)).await });
        let (reader, writer) = tokio::io::split(client);
        Self { lines: BufReader::new(reader).lines(), writer }
    }

    async fn write(&mut self, message: Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn read(&mut self) -> Value {
        // Time is paused: it passes only when nothing else can happen any more.
        let line = tokio::time::timeout(Duration::from_secs(1), self.lines.next_line()).await;
        serde_json::from_str(&line.expect("the server says something").unwrap().expect("a line")).unwrap()
    }

    async fn begin(&mut self, capabilities: Value) {
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": capabilities,
            "clientInfo": {"name": "kit", "version": "1"}
        });
        self.write(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})).await;
        assert_eq!(self.read().await["result"]["protocolVersion"], "2025-11-25");
        self.write(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    }
}

fn server() -> Server {
    let changes = Changes::new();
    Server::builder(implementation!())
        .tool(Tool::new("greet", async |cx: Cx| {
            let who = cx.elicit::<Name>("who", Form::new("Your name?")).await;
            who.map(|who| format!("Hello, {}!", who.name))
        }))
        .tool(Tool::new("grow", async |changes: State<Changes>| changes.tools()))
        .tool(Tool::new("slow", async || "slow").task(TaskMode::Optional))
        .changes(changes.clone())
        .state(changes)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn hl_17_a_legacy_client_is_asked_in_the_middle_of_its_call() {
    let mut wire = Wire::to(&server());
    wire.begin(json!({"elicitation": {}})).await;
    wire.write(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "greet"}})).await;
    let asked = wire.read().await;
    assert_eq!((&asked["method"], &asked["params"]["message"]), (&json!("elicitation/create"), &json!("Your name?")));
    wire.write(json!({"jsonrpc": "2.0", "id": 2, "method": "ping"})).await;
    assert_eq!(wire.read().await, json!({"jsonrpc": "2.0", "id": 2, "result": {}}));
    let answer = json!({"action": "accept", "content": {"name": "Ann"}});
    wire.write(json!({"jsonrpc": "2.0", "id": asked["id"], "result": answer})).await;
    let told = wire.read().await;
    assert_eq!((&told["id"], &told["result"]["content"][0]["text"]), (&json!(1), &json!("Hello, Ann!")));
}

#[tokio::test(start_paused = true)]
async fn p_41_a_legacy_client_is_told_of_a_change_that_a_handler_made() {
    let mut wire = Wire::to(&server());
    wire.begin(json!({})).await;
    wire.write(json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).await;
    wire.read().await;
    wire.write(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "grow"}})).await;
    let told = [wire.read().await, wire.read().await];
    assert!(told.iter().any(|told| told["method"] == "notifications/tools/list_changed"), "{told:?}");
    assert!(told.iter().any(|told| told["id"] == 2), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn xt_11_a_modern_client_listens_to_its_task_on_the_same_pipe() {
    let mut wire = Wire::to(&server());
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    });
    let call = json!({"name": "slow", "arguments": {}, "_meta": meta});
    wire.write(json!({"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": call})).await;
    let task = wire.read().await["result"]["taskId"].clone();
    let listen = json!({"notifications": {"taskIds": [task]}, "_meta": meta});
    wire.write(json!({"jsonrpc": "2.0", "id": "b", "method": "subscriptions/listen", "params": listen})).await;
    let first = wire.read().await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    loop {
        let told = wire.read().await;
        assert_eq!(told["method"], "notifications/tasks");
        assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "b");
        if told["params"]["status"] == "completed" {
            break;
        }
    }
}
