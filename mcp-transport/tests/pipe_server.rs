//! What a client sees of a server over a byte stream.

#![cfg(feature = "pipe")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_transport::pipe::Pipe;
use mcp_transport::{Answer, Call, Caller, Closed, Error, Limits, Notifier, Serve, Service};
use mcp_types::{InitializeRequestParams, Notification, RawJson, RpcError};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

/// A service whose tools do what a test needs.
struct Script {
    started: AtomicUsize,
    dropped: AtomicUsize,
    gate: Semaphore,
    kept: Mutex<Option<Notifier>>,
    heard: mpsc::UnboundedSender<String>,
}

/// Counts the calls that ended without an answer.
struct Dropped<'a>(&'a AtomicUsize);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Service for Script {
    async fn call(&self, call: Call) -> Answer {
        self.started.fetch_add(1, Ordering::SeqCst);
        if call.request.method == "initialize" {
            let params: InitializeRequestParams = call.request.params.decode()?;
            let session = call.caller.session().expect("initialize is legacy");
            let revision = session.begin(&params, &mcp_transport::era::Served::default());
            return Ok(RawJson::from(json!({"protocolVersion": revision.map(|revision| revision.as_str())})));
        }
        let tool = call.request.params.name().unwrap_or_default();
        match &*tool {
            "panic" => panic!("told to"),
            "panic later" => {
                tokio::task::yield_now().await;
                panic!("told to")
            }
            "gate" => drop(self.gate.acquire().await),
            "later" => tokio::task::yield_now().await,
            "never" => {
                let _dropped = Dropped(&self.dropped);
                pending::<()>().await;
            }
            "chatty" => {
                for n in 0..1_000 {
                    let params = RawJson::from(json!({"progressToken": 1, "progress": n}));
                    call.notifier.send("notifications/progress", &params).await.ok();
                }
            }
            "keep" => *self.kept.lock().unwrap() = Some(call.notifier.clone()),
            "large" => return Ok(RawJson::from(json!({"text": "x".repeat(1_000)}))),
            "error" => return Err(RpcError::invalid_params("no such thing")),
            _ => {}
        }
        Ok(RawJson::from(json!({"tool": tool})))
    }

    fn notify(&self, notification: Notification, caller: &Caller) {
        assert!(caller.session().is_some());
        self.heard.send(notification.method.into_owned()).ok();
        panic!("a service that panics here harms nobody");
    }
}

/// A client that knows nothing but lines.
struct Client {
    service: Arc<Script>,
    heard: mpsc::UnboundedReceiver<String>,
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    server: JoinHandle<Result<(), Error>>,
}

fn serve(limits: Limits) -> Client {
    let (client, server) = tokio::io::duplex(4 * 1024);
    let (tell, heard) = mpsc::unbounded_channel();
    let service = Arc::new(Script {
        started: AtomicUsize::new(0),
        dropped: AtomicUsize::new(0),
        gate: Semaphore::new(0),
        kept: Mutex::default(),
        heard: tell,
    });
    let (reader, writer) = tokio::io::split(server);
    let server = tokio::spawn(Pipe::new(reader, writer).limits(limits).serve(Arc::clone(&service)));
    let (reader, writer) = tokio::io::split(client);
    Client { service, heard, lines: BufReader::new(reader).lines(), writer, server }
}

/// A modern call of a tool.
fn tool(id: impl Into<Value>, name: &str) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": id.into(), "method": "tools/call", "params": {"name": name, "_meta": meta}})
}

fn cancel(id: impl Into<Value>) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id.into()}})
}

impl Client {
    async fn send(&mut self, message: &Value) {
        self.send_text(&format!("{message}\n")).await;
    }

    async fn send_text(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next_line().await.unwrap().expect("the server says something")).unwrap()
    }

    /// Proves that the server lives, and that it says nothing before it says so.
    async fn is_alive(&mut self) {
        self.send(&tool("alive", "")).await;
        assert_eq!(self.next().await["id"], "alive");
    }

    /// Lets the calls that were started get as far as they can.
    async fn settle(&self) {
        // Paused time moves on when nothing else does.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Ends the input; returns what the server still says.
    async fn end(mut self) -> Vec<Value> {
        self.writer.shutdown().await.unwrap();
        let mut rest = Vec::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        self.server.await.unwrap().unwrap();
        rest
    }

    async fn initialize(&mut self, version: &str) {
        let client = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client});
        self.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})).await;
        assert_eq!(self.next().await["result"]["protocolVersion"], version);
    }
}

fn started(client: &Client) -> usize {
    client.service.started.load(Ordering::SeqCst)
}

fn code(answer: &Value) -> (Option<&Value>, i64) {
    (answer.get("id"), answer["error"]["code"].as_i64().unwrap())
}

fn ids(answers: &[Value]) -> Vec<i64> {
    let mut ids: Vec<_> = answers.iter().map(|answer| answer["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(start_paused = true)]
async fn an_answer_repeats_the_id_with_its_type_and_a_second_message_may_share_a_write() {
    let mut client = serve(Limits::default());
    client.send_text(&format!("{}\r\n\n{}\n", tool(1, "a"), tool("1", "error"))).await;
    assert_eq!(client.next().await, json!({"jsonrpc": "2.0", "id": 1, "result": {"tool": "a"}}));
    let refusal = client.next().await;
    assert_eq!(code(&refusal), (Some(&json!("1")), -32602));
}

#[tokio::test(start_paused = true)]
async fn a_message_may_come_byte_by_byte() {
    let mut client = serve(Limits::default());
    for byte in format!("{}\n", tool(1, "a")).into_bytes() {
        client.writer.write_all(&[byte]).await.unwrap();
        client.settle().await;
    }
    assert_eq!(client.next().await["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn every_request_that_was_sent_before_the_end_of_the_input_is_answered() {
    // F96, with calls that are ready at once and calls that have to wait, more than may run at the same time.
    let client = serve(Limits::default().in_flight(16));
    let service = Arc::clone(&client.service);
    let (mut writer, mut lines) = (client.writer, client.lines);
    let sending = tokio::spawn(async move {
        for id in 0..500 {
            let name = if id % 3 == 0 { "gate" } else { "" };
            writer.write_all(format!("{}\n", tool(id, name)).as_bytes()).await.unwrap();
        }
        writer.shutdown().await.unwrap();
        service.gate.add_permits(1);
        writer
    });
    let mut answers = Vec::new();
    client.service.gate.add_permits(1);
    while let Some(line) = lines.next_line().await.unwrap() {
        answers.push(serde_json::from_str(&line).unwrap());
    }
    sending.await.unwrap();
    client.server.await.unwrap().unwrap();
    assert_eq!(ids(&answers), (0..500).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| answer["error"].is_null()));
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_at_the_end_of_the_input_are_answered_when_they_are_done() {
    let mut client = serve(Limits::default());
    client.send(&tool(1, "gate")).await;
    client.settle().await;
    let service = Arc::clone(&client.service);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        service.gate.add_permits(1);
    });
    assert_eq!(client.end().await, [json!({"jsonrpc": "2.0", "id": 1, "result": {"tool": "gate"}})]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_done_within_the_drain_is_answered_with_an_error() {
    let mut client = serve(Limits::default().in_flight(2).drain(Duration::from_secs(3)));
    for id in 1..=3 {
        client.send(&tool(id, "never")).await;
    }
    let service = Arc::clone(&client.service);
    let before = tokio::time::Instant::now();
    let rest = client.end().await;
    assert_eq!(before.elapsed().as_secs(), 3);
    assert_eq!(ids(&rest), [1, 2, 3]);
    assert!(rest.iter().all(|answer| answer["error"]["code"] == -32603));
    assert_eq!(service.started.load(Ordering::SeqCst), 2, "the third one waited for its turn");
    tokio::task::yield_now().await;
    assert_eq!(service.dropped.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_had_the_time_to_look_at_is_answered_too() {
    // Invariant 5: as much waits already as may wait, but the end of the input is heard.
    let limits = Limits::default().in_flight(1).outbox_bytes(8_000).line_bytes(1_500).drain(Duration::from_secs(3));
    let mut client = serve(limits);
    client.initialize("2025-03-26").await;
    let call =
        |id: i64, name: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name}});
    client.send(&call(1, "never")).await;
    for id in 11..=18 {
        client.send(&call(id, "a")).await;
    }
    let long = format!(r#"{{"jsonrpc":"2.0","id":3,"method":"tools/call","x":"{}"}}"#, "x".repeat(1_600));
    client.send_text(&format!("{long}\n")).await;
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/x"});
    client.send(&json!([call(4, "a"), notification, call(5, "a"), 6])).await;
    client.send_text("{\"jsonrpc\":\"1.0\",\"id\":7,\"method\":\"ping\"}\n").await;
    client.send(&json!({"jsonrpc": "2.0", "id": 8, "result": {}})).await;
    client.send(&call(9, "a")).await;
    let mut answers = Vec::new();
    for answer in client.end().await {
        match answer {
            Value::Array(batch) => answers.extend(batch),
            answer => answers.push(answer),
        }
    }
    let codes: Vec<_> =
        answers.iter().map(|answer| (answer["id"].as_i64(), answer["error"]["code"].as_i64())).collect();
    let waiting = [1].into_iter().chain(11..=18).map(|id| (Some(id), -32603));
    let expected = waiting.chain([
        (Some(3), -32600),
        (Some(4), -32603),
        (Some(5), -32603),
        (None, -32600),
        (Some(7), -32600),
        (Some(9), -32603),
    ]);
    assert_eq!(codes, expected.map(|(id, code)| (id, Some(code))).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_at_the_start_is_skipped() {
    let mut client = serve(Limits::default());
    client.send_text(&format!("\u{feff}{}\n", tool(1, "a"))).await;
    assert_eq!(client.next().await["result"]["tool"], "a");
    client.send_text(&format!("\u{feff}{}\n", tool(2, "a"))).await;
    assert_eq!(code(&client.next().await).1, -32700, "it belongs to the start and nowhere else");
}

#[tokio::test(start_paused = true)]
async fn a_last_line_without_its_end_is_a_message() {
    let mut client = serve(Limits::default());
    client.send_text(&tool(1, "a").to_string()).await;
    assert_eq!(ids(&client.end().await), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_answered_and_harms_nobody_else() {
    let mut client = serve(Limits::default());
    client.send(&tool(1, "gate")).await;
    for (id, name) in [(2, "panic"), (3, "panic later")] {
        client.send(&tool(id, name)).await;
        let answer = client.next().await;
        assert_eq!(code(&answer), (Some(&json!(id)), -32603));
        assert!(!answer.to_string().contains("told to"), "what a panic says stays here");
    }
    client.service.gate.add_permits(1);
    assert_eq!(client.next().await["result"]["tool"], "gate");
}

#[tokio::test(start_paused = true)]
async fn a_second_request_with_an_id_in_flight_is_refused_and_the_first_is_answered() {
    let mut client = serve(Limits::default());
    client.send(&tool(1, "gate")).await;
    client.send(&tool(1, "")).await;
    assert_eq!(code(&client.next().await), (Some(&json!(1)), -32600));
    client.service.gate.add_permits(1);
    assert_eq!(client.next().await["result"]["tool"], "gate");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_dropped_and_nothing_more_is_sent_for_it() {
    let mut client = serve(Limits::default());
    client.send(&tool(1, "never")).await;
    client.settle().await;
    assert_eq!(started(&client), 1);
    client.send(&cancel(1)).await;
    client.settle().await;
    assert_eq!(client.service.dropped.load(Ordering::SeqCst), 1);
    client.is_alive().await;
    // Its id may be used again.
    client.send(&tool(1, "a")).await;
    assert_eq!(client.next().await["result"]["tool"], "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_races_with_answering_and_one_of_them_wins() {
    let mut client = serve(Limits::default());
    for id in 0..1_000 {
        client.send(&tool(id, "later")).await;
        client.send(&cancel(id)).await;
        client.send(&tool("after", "")).await;
        let mut answers = 0;
        loop {
            let answer = client.next().await;
            if answer["id"] == "after" {
                break;
            }
            assert_eq!(answer["id"], id);
            answers += 1;
        }
        assert!(answers <= 1);
    }
    client.is_alive().await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_cancellations_and_of_nonsense_notifications_is_ignored() {
    let mut client = serve(Limits::default());
    for id in 0..10_000 {
        client.send(&cancel(id)).await;
    }
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {}})).await;
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/no/such"})).await;
    client.is_alive().await;
}

#[tokio::test(start_paused = true)]
async fn the_notifications_of_a_call_come_in_order_before_its_answer_and_none_after() {
    let mut client = serve(Limits::default().outbox_messages(4));
    client.send(&tool(1, "chatty")).await;
    for n in 0..1_000 {
        assert_eq!(client.next().await["params"]["progress"], n);
    }
    assert_eq!(client.next().await["id"], 1);
    client.is_alive().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_call_keeps_of_itself_is_closed_once_it_is_answered() {
    let mut client = serve(Limits::default());
    client.send(&tool(1, "keep")).await;
    assert_eq!(client.next().await["id"], 1);
    let kept = client.service.kept.lock().unwrap().take().unwrap();
    assert!(kept.is_closed());
    assert_eq!(kept.send("notifications/message", &RawJson::empty_object()).await, Err(Closed));
    client.is_alive().await;
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_limit_wait_for_their_turn_and_may_be_withdrawn() {
    let mut client = serve(Limits::default().in_flight(3));
    for id in 1..=5 {
        client.send(&tool(id, "gate")).await;
    }
    client.send(&cancel(4)).await;
    client.settle().await;
    assert_eq!(started(&client), 3);
    client.service.gate.add_permits(1);
    let answers = [client.next().await, client.next().await, client.next().await, client.next().await];
    assert_eq!(ids(&answers), [1, 2, 3, 5]);
    assert_eq!(started(&client), 4);
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_sent_before_slow_ones_are_answered_are_all_answered() {
    let mut client = serve(Limits::default().in_flight(2));
    for id in 0..2_000 {
        client.send(&tool(id, "gate")).await;
    }
    // Much longer than anybody would call a moment.
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(started(&client), 2);
    client.service.gate.add_permits(1);
    let answers = client.end().await;
    assert_eq!(ids(&answers), (0..2_000).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| answer["result"].is_object()));
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_is_heard_behind_many_requests_that_wait() {
    let mut client = serve(Limits::default().in_flight(1));
    client.send(&tool(0, "never")).await;
    for id in 1..=1_000 {
        client.send(&tool(id, "a")).await;
    }
    client.send(&cancel(500)).await;
    client.send(&cancel(0)).await;
    let answers = client.end().await;
    assert_eq!(ids(&answers), (1..=1_000).filter(|id| *id != 500).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn the_requests_that_wait_are_bounded_and_none_of_them_is_lost() {
    let mut client = serve(Limits::default().in_flight(1).outbox_bytes(16 * 1024));
    let mut sent = 0;
    let stuck = tokio::time::timeout(Duration::from_secs(100), async {
        while sent < 1_000 {
            client.send(&tool(sent, "gate")).await;
            sent += 1;
        }
    });
    assert!(stuck.await.is_err(), "at some point the client has to wait");
    // 16 count as 1 KiB each; as many bytes are read ahead, and the pipe of the test holds some more.
    assert!((16..150).contains(&sent), "{sent} requests were taken");
    client.service.gate.add_permits(1);
    let answers = client.end().await;
    assert_eq!(answers.iter().filter(|answer| answer["result"].is_object()).count(), usize::try_from(sent).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_full_connection_waits_for_room_while_calls_are_answered() {
    let mut client = serve(Limits::default().in_flight(1));
    let service = Arc::clone(&client.service);
    tokio::spawn(async move {
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(900)).await;
            service.gate.add_permits(1);
            tokio::time::sleep(Duration::from_millis(1)).await;
            service.gate.try_acquire().unwrap().forget();
        }
    });
    for id in 0..20 {
        client.send(&tool(id, "gate")).await;
    }
    for id in 0..20 {
        let answer = client.next().await;
        assert_eq!((&answer["id"], answer["result"].is_object()), (&json!(id), true), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_not_read_from() {
    // F83: what waits to be written is bounded, and so is what is worked on.
    let mut client = serve(Limits::default().outbox_bytes(32 * 1024));
    let mut sent = 0;
    let stuck = tokio::time::timeout(Duration::from_secs(1), async {
        loop {
            client.send(&tool(sent, "large")).await;
            sent += 1;
        }
    });
    assert!(stuck.await.is_err(), "at some point the client has to wait");
    assert!(started(&client) < 50, "{} calls of about 1000 bytes each were started", started(&client));
    // Once it reads, everything that it sent is answered; the line that was being written is only a part of one.
    let answers = client.end().await;
    assert_eq!(answers.iter().filter(|answer| answer["result"].is_object()).count(), sent);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_floods_a_client_that_does_not_read_waits() {
    let mut client = serve(Limits::default().outbox_bytes(4 * 1024).outbox_messages(4));
    client.send(&tool(1, "chatty")).await;
    client.settle().await;
    client.send(&tool(2, "a")).await;
    let mut said = Vec::new();
    while said.last() != Some(&json!({"jsonrpc": "2.0", "id": 1, "result": {"tool": "chatty"}})) {
        said.push(client.next().await);
    }
    assert_eq!(said.len(), 1_002, "nothing of it was lost");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_notifications_does_not_keep_a_cancellation_from_being_read() {
    let mut client = serve(Limits::default().outbox_messages(2));
    client.send(&tool(1, "chatty")).await;
    client.next().await;
    client.send(&cancel(1)).await;
    client.send(&tool(2, "a")).await;
    let mut said = 0;
    while client.next().await["id"] != 2 {
        said += 1;
    }
    assert!(said < 1_000, "the call was stopped");
    client.is_alive().await;
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_too_long_is_answered_and_the_next_is_read() {
    let mut client = serve(Limits::default().line_bytes(1_000));
    client.send_text(&"x".repeat(100_000)).await;
    client.send_text("\n").await;
    assert_eq!(code(&client.next().await), (None, -32600));
    // Here the id is in the first bytes, so the answer can repeat it.
    client.send_text(&format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","x":"{}"}}"#, "x".repeat(5_000))).await;
    client.send_text("\n").await;
    assert_eq!(code(&client.next().await), (Some(&json!(7)), -32600));
    client.is_alive().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_message_is_answered_without_ending_anything() {
    let mut client = serve(Limits::default());
    let deep = "[".repeat(100_000);
    for (line, id, expected) in [
        ("nonsense", None, -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":", Some(1), -32700),
        (r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"\ud800"}}"#, Some(2), -32700),
        (r#"{"jsonrpc":"1.0","id":3,"method":"ping"}"#, Some(3), -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, None, -32600),
        (r#"{"jsonrpc":"2.0","id":4,"method":"ping","method":"ping"}"#, Some(4), -32600),
        (deep.as_str(), None, -32700),
    ] {
        client.send_text(&format!("{line}\n")).await;
        let answer = client.next().await;
        let id = id.map(|id| json!(id));
        assert_eq!(code(&answer), (id.as_ref(), expected), "{line:.80}");
    }
    client.writer.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":5,\"x\":\"\xff\"}\n").await.unwrap();
    assert_eq!(code(&client.next().await), (Some(&json!(5)), -32700));
    client.is_alive().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_answer_is_not_answered_under_its_id() {
    // The ids of the two directions have nothing to do with each other (P-2).
    let mut client = serve(Limits::default());
    client.send_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}\n").await;
    assert_eq!(code(&client.next().await), (None, -32600));
    client.send(&json!({"jsonrpc": "2.0", "id": 1, "result": {}})).await;
    client.is_alive().await;
}

#[tokio::test(start_paused = true)]
async fn serving_ends_when_nobody_reads_the_answers_any_more() {
    let (client, server) = tokio::io::duplex(1024);
    let (tell, _heard) = mpsc::unbounded_channel();
    let service = Script {
        started: AtomicUsize::new(0),
        dropped: AtomicUsize::new(0),
        gate: Semaphore::new(0),
        kept: Mutex::default(),
        heard: tell,
    };
    let service = Arc::new(service);
    // The input stays open; only the output breaks (F97).
    let (input, mut typing) = tokio::io::duplex(1024);
    let serving = tokio::spawn(Pipe::new(input, server).serve(Arc::clone(&service)));
    typing.write_all(format!("{}\n", tool(1, "never")).as_bytes()).await.unwrap();
    drop(client);
    typing.write_all(format!("{}\n", tool(2, "a")).as_bytes()).await.unwrap();
    serving.await.unwrap().unwrap();
    tokio::task::yield_now().await;
    assert_eq!(service.dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dropped_drops_its_calls() {
    let mut client = serve(Limits::default());
    client.send(&tool(1, "never")).await;
    client.settle().await;
    client.server.abort();
    client.settle().await;
    assert_eq!(client.service.dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_legacy_session_and_modern_requests_share_a_connection() {
    // V-54, V-55.
    let mut client = serve(Limits::default());
    let legacy = |id: i32, method: &str| json!({"jsonrpc": "2.0", "id": id, "method": method});
    client.send(&legacy(1, "tools/list")).await;
    assert_eq!(code(&client.next().await), (Some(&json!(1)), -32600), "it came before `initialize` (V-15)");
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"})).await;
    client.is_alive().await;

    client.initialize("2025-06-18").await;
    for method in ["notifications/initialized", "notifications/roots/list_changed"] {
        client.send(&json!({"jsonrpc": "2.0", "method": method})).await;
    }
    client.send(&legacy(2, "tools/list")).await;
    assert_eq!(client.next().await["id"], 2);
    client.send(&legacy(3, "initialize")).await;
    assert_eq!(code(&client.next().await), (Some(&json!(3)), -32600), "once is enough (V-18)");
    client.is_alive().await;
    assert_eq!(client.heard.recv().await.unwrap(), "notifications/roots/list_changed");
    assert!(client.heard.try_recv().is_err(), "what the driver understands is not for the service");
}

#[tokio::test(start_paused = true)]
async fn a_modern_request_that_is_wrong_is_refused_under_its_id() {
    let mut client = serve(Limits::default());
    let mut old = tool(1, "a");
    old["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2025-11-25");
    client.send(&old).await;
    assert_eq!(code(&client.next().await), (Some(&json!(1)), -32022));
    let mut removed = tool(2, "a");
    removed["method"] = json!("ping");
    client.send(&removed).await;
    assert_eq!(code(&client.next().await), (Some(&json!(2)), -32601));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_by_a_batch_where_the_revision_has_them() {
    // T-9, S-12.
    let mut client = serve(Limits::default());
    client.initialize("2025-03-26").await;
    let call =
        |id: i32, name: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name}});
    let initialize = json!({"jsonrpc": "2.0", "id": 9, "method": "initialize"});
    client.send(&json!([call(1, "gate"), call(2, "a"), initialize, 7, cancel(5)])).await;
    client.settle().await;
    client.service.gate.add_permits(1);
    let answers = client.next().await;
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(2), json!(9), Value::Null, json!(1)]);

    client.send(&json!([cancel(5)])).await;
    client.send(&json!([])).await;
    assert_eq!(code(&client.next().await), (None, -32600), "an empty batch is refused, one of notifications is silent");
    client.send(&json!([call(3, "a"), tool(4, "a")])).await;
    assert_eq!(code(&client.next().await), (None, -32600), "a modern request is never in a batch (V-52)");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_refused_where_the_revision_has_none() {
    let mut client = serve(Limits::default());
    client.initialize("2025-06-18").await;
    client.send(&json!([tool(1, "a")])).await;
    assert_eq!(code(&client.next().await), (None, -32600));
    client.is_alive().await;
}
