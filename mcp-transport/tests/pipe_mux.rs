//! What a client's exchanges do over a byte stream, against servers that are scripted line by line.

#![cfg(feature = "mux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use mcp_transport::memory::pair;
use mcp_transport::pipe::{Mux, Pipe};
use mcp_transport::{
    Answer, Call, Deadline, Error, Event, Exchange, Incoming, Limits, Outgoing, Patience, Serve as _, Service,
    Transport,
};
use mcp_types::{ErrorCode, RawJson, RequestId, Revision, RpcError};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// A server that knows nothing but lines.
struct Server {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
}

fn connect(limits: &Limits) -> (Mux, Server) {
    let (client, server) = tokio::io::duplex(4 * 1024);
    let (reader, writer) = tokio::io::split(server);
    (Mux::over(client, limits), Server { lines: BufReader::new(reader).lines(), writer })
}

impl Server {
    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next_line().await.unwrap().expect("the client says something")).unwrap()
    }

    async fn send(&mut self, message: &Value) {
        self.send_text(&format!("{message}\n")).await;
    }

    async fn send_text(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).await.unwrap();
    }

    async fn answer(&mut self, id: &RequestId, result: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result})).await;
    }

    async fn progress(&mut self, token: &str, progress: u32) {
        let params = json!({"progressToken": token, "progress": progress});
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})).await;
    }
}

fn call(token: &str) -> Outgoing {
    Outgoing::new("tools/call", RawJson::from(json!({"name": "a", "_meta": {"progressToken": token}})))
}

fn patient(idle: Duration, total: Duration) -> Outgoing {
    let mut request = call("t");
    request.patience = Patience { idle, total };
    request
}

async fn result(exchange: Exchange) -> Value {
    exchange.finish(drop).await.unwrap().unwrap().decode().unwrap()
}

/// Lets everything get as far as it can.
async fn settle() {
    // Paused time moves on when nothing else does.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn an_exchange_is_its_notifications_and_then_its_answer() {
    let (mux, mut server) = connect(&Limits::default());
    let mut exchange = mux.open(call("t")).await.unwrap();
    let request = server.next().await;
    assert_eq!((&request["id"], &request["method"]), (&json!(1), &json!("tools/call")));
    server.progress("t", 1).await;
    server.answer(exchange.id(), json!({"a": 1})).await;
    assert!(matches!(exchange.next().await, Ok(Event::Notification(it)) if it.method == "notifications/progress"));
    assert!(matches!(exchange.next().await, Ok(Event::Response(Ok(result))) if result.as_str() == r#"{"a":1}"#));
}

#[tokio::test(start_paused = true)]
async fn exchanges_are_independent_of_each_other() {
    let (mux, mut server) = connect(&Limits::default());
    let first = mux.open(call("a")).await.unwrap();
    let second = mux.open(call("b")).await.unwrap();
    server.answer(second.id(), json!({"n": 2})).await;
    server.send(&json!({"jsonrpc": "2.0", "id": 99, "result": {}})).await;
    let error = json!({"code": -32602, "message": "no"});
    server.send(&json!({"jsonrpc": "2.0", "id": first.id(), "error": error})).await;
    assert_eq!(result(second).await, json!({"n": 2}));
    assert_eq!(first.finish(drop).await.unwrap().unwrap_err().code, ErrorCode::INVALID_PARAMS);
}

#[tokio::test(start_paused = true)]
async fn dropping_an_exchange_cancels_it_and_its_late_answer_is_nobodys() {
    let (mux, mut server) = connect(&Limits::default());
    let exchange = mux.open(call("t")).await.unwrap();
    let id = exchange.id().clone();
    server.next().await;
    drop(exchange);
    let cancelled = server.next().await;
    assert_eq!(
        (&cancelled["method"], &cancelled["params"]["requestId"]),
        (&json!("notifications/cancelled"), &json!(id))
    );
    server.answer(&id, json!({})).await;

    let next = mux.open(call("t")).await.unwrap();
    assert_eq!(server.next().await["id"], 2, "an id is never used again (T-3)");
    server.answer(next.id(), json!({})).await;
    result(next).await;
    mux.close().await;
    assert!(server.lines.next_line().await.unwrap().is_none(), "an answered exchange is not cancelled");
}

#[tokio::test(start_paused = true)]
async fn silence_ends_an_exchange_and_progress_puts_it_off_until_the_total() {
    let (mux, mut server) = connect(&Limits::default());
    let start = Instant::now();
    let mut silent = mux.open(patient(5 * SECOND, 60 * SECOND)).await.unwrap();
    assert!(matches!(silent.next().await, Err(Error::TimedOut(Deadline::Idle(idle))) if idle == 5 * SECOND));
    assert_eq!(start.elapsed(), 5 * SECOND);
    assert_eq!(server.next().await["method"], "tools/call");
    assert_eq!(server.next().await["method"], "notifications/cancelled");

    let start = Instant::now();
    let lively = mux.open(patient(5 * SECOND, 12 * SECOND)).await.unwrap();
    let reporting = async {
        for n in 1.. {
            tokio::time::sleep(3 * SECOND).await;
            server.progress("t", n).await;
        }
    };
    let outcome = tokio::select! {
        outcome = lively.finish(drop) => outcome,
        () = reporting => unreachable!("progress is reported for ever"),
    };
    assert!(matches!(outcome, Err(Error::TimedOut(Deadline::Total(total))) if total == 12 * SECOND));
    assert_eq!(start.elapsed(), 12 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_deadline_than_all_before_is_kept() {
    let (mux, _server) = connect(&Limits::default());
    let _long = mux.open(patient(50 * SECOND, 50 * SECOND)).await.unwrap();
    settle().await;
    let start = Instant::now();
    let short = mux.open(patient(SECOND, SECOND)).await.unwrap();
    assert!(short.finish(drop).await.unwrap_err().is_timeout());
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_message_is_skipped_counted_and_the_first_of_it_kept() {
    let (mux, mut server) = connect(&Limits::default().line_bytes(1_000));
    let exchange = mux.open(call("t")).await.unwrap();
    server.send_text("\u{1b}[1mnpm warn deprecated\n\n{\"level\":\"info\"}\n").await;
    server.send_text(&format!("{}\n", "x".repeat(5_000))).await;
    server.answer(exchange.id(), json!({})).await;
    result(exchange).await;
    let noise = mux.noise();
    assert_eq!((noise.lines, noise.first.as_deref()), (3, Some("\u{1b}[1mnpm warn deprecated")));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_fails_its_exchange_at_once() {
    let (mux, mut server) = connect(&Limits::default().line_bytes(1_000));
    for broken in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"text":"\ud800"}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":2,"result":[]}"#.to_owned(),
        format!(r#"{{"jsonrpc":"2.0","id":3,"result":{{"text":"{}"}}}}"#, "x".repeat(5_000)),
    ] {
        let exchange = mux.open(call("t")).await.unwrap();
        server.send_text(&format!("{broken}\n")).await;
        assert!(matches!(exchange.finish(drop).await, Err(Error::Malformed(_))), "{broken:.60}");
    }
    assert_eq!(mux.noise().lines, 0);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_stream_fails_what_waits_and_what_comes() {
    let (mux, server) = connect(&Limits::default());
    let waiting = mux.open(call("t")).await.unwrap();
    let mut inbound = mux.inbound().unwrap();
    drop(server);
    assert!(matches!(waiting.finish(drop).await, Err(Error::Closed)));
    assert!(matches!(mux.open(call("t")).await, Err(Error::Closed)));
    assert!(matches!(mux.notify("notifications/initialized", None).await, Err(Error::Closed)));
    assert_eq!(inbound.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_before_the_end_of_the_stream_counts() {
    let (mux, mut server) = connect(&Limits::default());
    let exchange = mux.open(call("t")).await.unwrap();
    // Without the line end, too.
    server.send_text(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    drop(server);
    result(exchange).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_transport_ends_its_exchanges() {
    let (mux, mut server) = connect(&Limits::default());
    let exchange = mux.open(call("t")).await.unwrap();
    server.next().await;
    drop(mux);
    assert!(matches!(exchange.finish(drop).await, Err(Error::Closed)));
    assert!(server.lines.next_line().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn closing_sends_what_waits_and_then_ends_the_input_of_the_server() {
    let (mux, mut server) = connect(&Limits::default());
    let large = RawJson::from(json!({"text": "x".repeat(100_000)}));
    mux.notify("notifications/large", Some(large)).await.unwrap();
    let waiting = mux.open(call("t")).await.unwrap();
    let serving = tokio::spawn(async move {
        let lines = [server.next().await, server.next().await];
        assert!(server.lines.next_line().await.unwrap().is_none());
        lines
    });
    mux.close().await;
    assert_eq!(serving.await.unwrap()[0]["method"], "notifications/large");
    assert!(matches!(waiting.finish(drop).await, Err(Error::Closed)));
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_ever() {
    let (mux, _server) = connect(&Limits::default().drain(3 * SECOND));
    let start = Instant::now();
    mux.close().await;
    assert_eq!(start.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn ping_is_answered_at_any_time_and_other_requests_are_refused_while_nobody_takes_them() {
    let (mux, mut server) = connect(&Limits::default());
    let ask = |id: i32, method: &str| json!({"jsonrpc": "2.0", "id": id, "method": method});
    server.send(&ask(1, "ping")).await;
    assert_eq!(server.next().await, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    server.send(&ask(2, "roots/list")).await;
    assert_eq!(server.next().await["error"]["code"], -32601);

    let mut inbound = mux.inbound().unwrap();
    assert!(mux.inbound().is_none(), "there is only one");
    server.send(&ask(3, "roots/list")).await;
    assert!(matches!(inbound.next().await, Some(Incoming::Request(request)) if request.id == 3.into()));
    server.send(&ask(4, "ping")).await;
    assert_eq!(server.next().await["id"], 4);
    mux.answer(3.into(), Ok(RawJson::from(json!({"roots": []})))).await.unwrap();
    assert_eq!(server.next().await, json!({"jsonrpc": "2.0", "id": 3, "result": {"roots": []}}));

    server.send(&ask(5, "roots/list")).await;
    settle().await;
    drop(inbound);
    assert_eq!(server.next().await["error"]["code"], -32601, "whoever left cannot answer");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_server_withdraws_is_told_and_its_answer_is_not_sent() {
    let (mux, mut server) = connect(&Limits::default());
    let mut inbound = mux.inbound().unwrap();
    server.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage"})).await;
    server.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})).await;
    assert!(matches!(inbound.next().await, Some(Incoming::Request(_))));
    let told = inbound.next().await;
    assert!(matches!(told, Some(Incoming::Notification(it)) if it.params.request_id() == Some(1.into())));
    mux.answer(1.into(), Err(RpcError::internal("no"))).await.unwrap();
    mux.notify("notifications/initialized", None).await.unwrap();
    assert_eq!(server.next().await["method"], "notifications/initialized");
}

#[tokio::test(start_paused = true)]
async fn a_modern_server_is_never_answered() {
    let (mux, mut server) = connect(&Limits::default());
    mux.settle(Revision::V2026_07_28);
    server.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).await;
    settle().await;
    mux.notify("notifications/cancelled", None).await.unwrap();
    assert_eq!(server.next().await["method"], "notifications/cancelled");
}

#[tokio::test(start_paused = true)]
async fn notifications_that_came_before_anybody_took_them_are_kept() {
    let (mux, mut server) = connect(&Limits::default());
    server.send(&json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})).await;
    settle().await;
    let mut inbound = mux.inbound().unwrap();
    assert!(matches!(inbound.next().await, Some(Incoming::Notification(_))));
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_is_not_read_does_not_hold_up_the_others() {
    let (mux, mut server) = connect(&Limits::default().outbox_messages(4));
    let mut slow = mux.open(call("slow")).await.unwrap();
    let quick = mux.open(call("quick")).await.unwrap();
    for n in 0..10_000 {
        server.progress("slow", n).await;
        server.send(&json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})).await;
    }
    server.answer(slow.id(), json!({})).await;
    server.answer(quick.id(), json!({})).await;
    result(quick).await;

    let mut last = Value::Null;
    let mut seen = 0;
    loop {
        match slow.next().await.unwrap() {
            Event::Notification(progress) => {
                last = progress.params.raw().unwrap().decode::<Value>().unwrap()["progress"].clone();
                seen += 1;
            }
            Event::Response(answer) => break assert!(answer.is_ok(), "an answer is never lost"),
        }
    }
    assert_eq!((seen, last), (4, json!(9_999)), "of progress the newest counts");
    let changes = mux.inbound().unwrap();
    drop(mux);
    assert_eq!(changes.count().await, 4);
}

/// Progress of one request in one write, and its answer.
fn burst(count: u32) -> String {
    let progress = |n| {
        json!({"jsonrpc": "2.0", "method": "notifications/progress",
        "params": {"progressToken": "t", "progress": n}})
    };
    let lines: Vec<_> = (0..count).map(|n| progress(n).to_string()).collect();
    format!("{}\n{}\n", lines.join("\n"), json!({"jsonrpc": "2.0", "id": 1, "result": {}}))
}

#[tokio::test(start_paused = true)]
async fn a_prompt_reader_loses_nothing_however_much_comes_at_once() {
    for ends in [false, true] {
        let (client, server) = tokio::io::duplex(1024 * 1024);
        let mux = Mux::over(client, &Limits::default().outbox_messages(4));
        let exchange = mux.open(call("t")).await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(server);
        tokio::spawn(async move { tokio::io::copy(&mut reader, &mut tokio::io::sink()).await });
        writer.write_all(burst(1_000).as_bytes()).await.unwrap();
        if ends {
            writer.shutdown().await.unwrap();
        }
        let start = Instant::now();
        let mut seen = Vec::new();
        let see = |it: mcp_types::Notification| {
            seen.push(it.params.raw().unwrap().decode::<Value>().unwrap()["progress"].clone());
        };
        exchange.finish(see).await.unwrap().unwrap();
        assert_eq!(seen, (0..1_000).map(|n| json!(n)).collect::<Vec<_>>());
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn the_others_wait_once_for_a_reader_that_does_not_read() {
    let limits = Limits::default().outbox_messages(4).reader_turn(SECOND);
    let (mux, mut server) = connect(&limits);
    let _slow = mux.open(call("slow")).await.unwrap();
    let quick = mux.open(call("quick")).await.unwrap();
    let gone = mux.open(call("gone")).await.unwrap();
    let start = Instant::now();
    for n in 0..100 {
        server.progress("slow", n).await;
    }
    for n in 0..3 {
        server.progress("gone", n).await;
    }
    // An exchange that was dropped is not waited for any longer.
    drop(gone);
    server.answer(quick.id(), json!({})).await;
    result(quick).await;
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_what_belongs_to_no_exchange_loses_nothing_either() {
    let (mux, mut server) = connect(&Limits::default().outbox_messages(4));
    let inbound = mux.inbound().unwrap();
    let reading = tokio::spawn(inbound.take(1_000).count());
    settle().await;
    let start = Instant::now();
    for n in 0..1_000 {
        let params = json!({"level": "info", "data": n});
        server.send(&json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params})).await;
    }
    assert_eq!(tokio::time::timeout(SECOND, reading).await.unwrap().unwrap(), 1_000);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_at_the_start_is_no_noise() {
    let (mux, mut server) = connect(&Limits::default());
    let exchange = mux.open(call("t")).await.unwrap();
    server.send_text("\u{feff}").await;
    server.answer(exchange.id(), json!({})).await;
    result(exchange).await;
    assert_eq!(mux.noise().lines, 0);
}

#[tokio::test(start_paused = true)]
async fn requests_wait_while_the_server_reads_nothing() {
    let limits = Limits::default().outbox_bytes(8 * 1024).request_timeout(2 * SECOND);
    let (mux, mut server) = connect(&limits);
    let large = || {
        let mut request = Outgoing::new("tools/call", RawJson::from(json!({"text": "x".repeat(6_000)})));
        request.patience = Patience { idle: 3 * SECOND, total: 60 * SECOND };
        request
    };
    let mut open = Vec::new();
    while let Some(exchange) = mux.open(large()).now_or_never() {
        open.push(exchange.unwrap());
    }
    assert!(open.len() < 4, "{} requests of 6000 bytes", open.len());
    let start = Instant::now();
    assert!(mux.open(large()).await.unwrap_err().is_timeout());
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert!(mux.notify("notifications/x", None).await.unwrap_err().is_timeout());

    let waiting = mux.open(large());
    let reading = async { while server.next().await["id"] != json!(open.len() + 1) {} };
    let (exchange, ()) = futures::join!(waiting, reading);
    assert_eq!(exchange.unwrap().id(), &RequestId::from(i64::try_from(open.len()).unwrap() + 1));
}

/// Takes everything, and keeps what was written at once apart.
#[derive(Clone, Default)]
struct Writes(Arc<Mutex<Vec<String>>>);

impl Writes {
    fn lines_of_each(&self) -> Vec<usize> {
        self.0.lock().unwrap().iter().map(|written| written.lines().count()).collect()
    }
}

impl AsyncWrite for Writes {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_request_is_written_at_once_and_those_made_together_are_written_together() {
    let (_server, reader) = tokio::io::duplex(1024);
    let writes = Writes::default();
    let mux = Arc::new(Mux::new(reader, writes.clone(), &Limits::default()));
    let _lone = mux.open(call("t")).await.unwrap();
    assert_eq!(writes.lines_of_each(), [1]);

    let callers = (0..20).map(|_| {
        let mux = Arc::clone(&mux);
        tokio::spawn(async move { mux.open(call("t")).await.unwrap() })
    });
    let mut together = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        together.push(caller.await.unwrap());
    }
    settle().await;
    assert_eq!(writes.lines_of_each(), [1, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_floods_us_and_reads_nothing_is_not_read_from() {
    let ask = |id: usize, method: &str| json!({"jsonrpc": "2.0", "id": id, "method": method});
    let floods: [(&str, &dyn Fn(usize) -> Value); 5] = [
        ("answered at once", &|id| ask(id, "ping")),
        ("refused because nobody takes it", &|id| ask(id, "roots/list")),
        ("refused because the first is in flight", &|_| ask(1, "roots/list")),
        ("answered as a batch", &|id| json!([ask(id, "roots/list"), ask(id + 1_000_000, "ping")])),
        ("in a batch of which one is in flight", &|id| json!([ask(id, "roots/list"), ask(id + 1_000_000, "ping")])),
    ];
    for (how, message) in floods {
        let (mux, mut server) = connect(&Limits::default().outbox_bytes(8 * 1024));
        let _inbound = how.contains("flight").then(|| mux.inbound());
        let mut sent = 0;
        let stuck = tokio::time::timeout(SECOND, async {
            while sent < 1_000 {
                server.send(&message(sent)).await;
                sent += 1;
            }
        });
        assert!(stuck.await.is_err(), "{how}: at some point it has to wait");
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_that_are_no_object_are_our_callers_fault() {
    let (mux, _server) = connect(&Limits::default());
    let outcome = mux.open(Outgoing::new("tools/call", RawJson::null())).await;
    assert!(matches!(outcome, Err(Error::Config(_))));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_taken_apart_until_a_revision_without_them_is_agreed_on() {
    let (mux, mut server) = connect(&Limits::default());
    let first = mux.open(call("a")).await.unwrap();
    let second = mux.open(call("b")).await.unwrap();
    let (_, _) = (server.next().await, server.next().await);
    let answer = |exchange: &Exchange| json!({"jsonrpc": "2.0", "id": exchange.id(), "result": {}});
    server.send(&json!([answer(&second), {"jsonrpc": "2.0", "id": 7, "method": "ping"}, answer(&first)])).await;
    result(first).await;
    result(second).await;
    assert_eq!(server.next().await, json!([{"jsonrpc": "2.0", "id": 7, "result": {}}]));

    mux.settle(Revision::V2025_06_18);
    server.send(&json!([])).await;
    server.send(&json!([{"jsonrpc": "2.0", "method": "notifications/x"}])).await;
    settle().await;
    assert_eq!(mux.noise().lines, 2);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_the_server_cancels_ends_like_one_that_is_answered() {
    let (mux, mut server) = connect(&Limits::default());
    let mut listen = mux.open(Outgoing::new("subscriptions/listen", RawJson::empty_object())).await.unwrap();
    server.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})).await;
    assert!(matches!(listen.next().await, Ok(Event::Response(Ok(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_pipe_in_memory_carries_a_call_its_progress_and_its_answer() {
    struct Echo;
    impl Service for Echo {
        async fn call(&self, call: Call) -> Answer {
            let progress = RawJson::from(json!({"progressToken": "t", "progress": 1}));
            call.notifier.send("notifications/progress", &progress).await.ok();
            Ok(call.request.params.arguments().unwrap_or_default())
        }
    }
    let meta = json!({
        "progressToken": "t",
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let (client, server) = pair();
    let (reader, writer) = tokio::io::split(server);
    tokio::spawn(Pipe::new(reader, writer).serve(Arc::new(Echo)));
    let client = Mux::over(client, &Limits::default());
    let params = json!({"name": "echo", "arguments": {"a": "line\nend"}, "_meta": meta});
    let exchange = client.open(Outgoing::new("tools/call", RawJson::from(params))).await.unwrap();
    let mut told = 0;
    let answer = exchange.finish(|_| told += 1).await.unwrap().unwrap();
    assert_eq!((told, answer.as_str()), (1, r#"{"a":"line\nend"}"#));
}
