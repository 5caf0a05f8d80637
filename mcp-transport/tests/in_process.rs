//! What a client's exchanges do with a server in the same process, when no pipe is between them.

#![cfg(feature = "mux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use futures::FutureExt as _;
use mcp_transport::memory::{Direct, InProcess};
use mcp_transport::{Answer, Call, Deadline, Error, Event, Exchange, Limits, Outgoing, Patience, Service, Transport};
use mcp_types::{ErrorCode, RawJson, RpcError};
use serde_json::{Value, json};
use tokio::sync::Notify;

const SECOND: Duration = Duration::from_secs(1);

/// A service whose tools are what a test needs.
#[derive(Default)]
struct Bench {
    go: Notify,
    /// How many calls were begun, and how many were dropped or answered.
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// The way to this very service.
    own: OnceLock<Weak<Direct>>,
}

/// Counts the end of a call, however it comes.
struct Ending<'a>(&'a AtomicUsize);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Service for Bench {
    async fn call(&self, call: Call) -> Answer {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let _ending = Ending(&self.ended);
        let progress = |n: u32| RawJson::from(json!({"progressToken": "t", "progress": n}));
        match call.request.params.name().unwrap_or_default().as_ref() {
            // What has no name belongs to a session here.
            "echo" | "" => {}
            "tell" => {
                for n in 1..=3 {
                    call.notifier.send("notifications/progress", &progress(n)).await.ok();
                }
            }
            "tell slowly" => {
                for n in 1..=3 {
                    tokio::time::sleep(SECOND).await;
                    call.notifier.send("notifications/progress", &progress(n)).await.ok();
                }
            }
            "tell for ever" => {
                for n in 1.. {
                    call.notifier.send("notifications/progress", &progress(n)).await.ok();
                    if n % 100 == 0 {
                        tokio::time::sleep(SECOND / 10).await;
                    }
                }
            }
            "wait" => self.go.notified().await,
            "null" => return Ok(RawJson::null()),
            "fail" => return Err(RpcError::invalid_params("no")),
            "panic" => panic!("a handler panics for a test"),
            "panic later" => {
                tokio::task::yield_now().await;
                panic!("a handler panics for a test");
            }
            "call itself" => {
                let own = self.own.get().and_then(Weak::upgrade).unwrap();
                let arguments: Value = call.request.params.arguments().unwrap().decode().unwrap();
                let inner = match arguments["levels"].as_u64() {
                    None | Some(0) => request("echo", &json!({"from": "within"})),
                    Some(levels) => request("call itself", &json!({"levels": levels - 1})),
                };
                return own.open(inner).await.unwrap().finish(|_| {}).await.unwrap();
            }
            "tell and answer" => {
                tokio::task::yield_now().await;
                call.notifier.send("notifications/progress", &progress(1)).await.ok();
            }
            _ => pending().await,
        }
        Ok(call.request.params.arguments().unwrap_or_else(RawJson::empty_object))
    }
}

fn request(name: &str, arguments: &Value) -> Outgoing {
    let meta = json!({
        "progressToken": "t",
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    Outgoing::new("tools/call", json!({"name": name, "arguments": arguments, "_meta": meta}).into())
}

fn patient(name: &str, idle: Duration, total: Duration) -> Outgoing {
    let mut request = request(name, &json!({}));
    request.patience = Patience { idle, total };
    request
}

fn connect(theirs: &Limits, ours: &Limits) -> (Arc<Bench>, Direct) {
    let bench = Arc::new(Bench::default());
    let client = InProcess::serve(Arc::clone(&bench), theirs.clone()).connect(ours);
    (bench, client)
}

fn by_default() -> (Arc<Bench>, Direct) {
    connect(&Limits::default(), &Limits::default())
}

async fn ask(client: &Direct, name: &str) -> Exchange {
    client.open(request(name, &json!({"a": 1}))).await.unwrap()
}

/// Lets everything else run until it waits.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Runs a future on this thread, which belongs to no runtime.
fn without_runtime<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let (mut cx, mut future) = (Context::from_waker(&waker), pin!(future));
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Finishes an exchange; returns its progress and its answer.
async fn finish(exchange: Exchange) -> (Vec<Value>, Result<Answer, Error>) {
    let mut told = Vec::new();
    let outcome = exchange
        .finish(|notification| {
            let params: Value = notification.params.raw().unwrap().decode().unwrap();
            told.push(params["progress"].clone());
        })
        .await;
    (told, outcome)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_answered_at_once_needs_no_task() {
    let (bench, client) = by_default();
    settle().await;
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let mut exchange = client.open(request("echo", &json!({"a": "line\nend"}))).now_or_never().unwrap().unwrap();
    let Some(Ok(Event::Response(Ok(answer)))) = exchange.next().now_or_never() else { panic!("it is answered") };
    assert_eq!(answer.as_str(), r#"{"a":"line\nend"}"#);
    assert!(matches!(exchange.next().await, Err(Error::Closed)), "nothing follows the answer");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), before);
    assert_eq!(bench.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_before_the_opening_is_polled_and_ids_differ() {
    let (bench, client) = by_default();
    drop(client.open(request("echo", &json!({}))));
    assert_eq!(bench.begun.load(Ordering::SeqCst), 0);
    let (first, second) = (ask(&client, "echo").await, ask(&client, "wait").await);
    assert_ne!(first.id(), second.id());
}

#[tokio::test(start_paused = true)]
async fn what_a_call_tells_comes_in_its_order_and_before_the_answer() {
    let (_, client) = by_default();
    for name in ["tell", "tell slowly"] {
        let (told, answer) = finish(ask(&client, name).await).await;
        assert_eq!(told, [1, 2, 3], "{name}");
        assert_eq!(answer.unwrap().unwrap().as_str(), r#"{"a":1}"#, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_notifications_are_not_taken_waits_and_loses_none() {
    let (bench, client) = connect(&Limits::default().outbox_messages(4), &Limits::default());
    let mut exchange = client.open(patient("tell for ever", SECOND, 60 * SECOND)).await.unwrap();
    settle().await;
    for expected in 1..=500 {
        let Event::Notification(told) = exchange.next().await.unwrap() else { panic!("it never answers") };
        let params: Value = told.params.raw().unwrap().decode().unwrap();
        assert_eq!(params["progress"], expected);
    }
    drop(exchange);
    settle().await;
    assert_eq!(bench.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_an_exchange_stops_its_call_and_no_other() {
    let (bench, client) = by_default();
    let (first, second) = (ask(&client, "wait").await, ask(&client, "wait").await);
    settle().await;
    drop(first);
    settle().await;
    assert_eq!((bench.begun.load(Ordering::SeqCst), bench.ended.load(Ordering::SeqCst)), (2, 1));
    bench.go.notify_one();
    assert_eq!(finish(second).await.1.unwrap().unwrap().as_str(), r#"{"a":1}"#);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_answered_whenever_it_comes() {
    let (_, client) = by_default();
    for name in ["panic", "panic later", "echo"] {
        let answer = finish(ask(&client, name).await).await.1.unwrap();
        match name {
            "echo" => assert!(answer.is_ok(), "the next call works"),
            _ => assert_eq!(answer.unwrap_err().code, ErrorCode::INTERNAL),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_may_call_its_own_server_by_the_way_it_came() {
    let (bench, client) = by_default();
    let client = Arc::new(client);
    bench.own.set(Arc::downgrade(&client)).unwrap();
    let (_, answer) = finish(ask(&client, "call itself").await).await;
    assert_eq!(answer.unwrap().unwrap().as_str(), r#"{"from":"within"}"#);
}

#[test]
fn calls_in_each_other_are_bounded_by_their_places_and_not_by_a_stack() {
    let deep = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (bench, client) = by_default();
            let client = Arc::new(client);
            bench.own.set(Arc::downgrade(&client)).unwrap();
            let exchange = client.open(request("call itself", &json!({"levels": 200}))).await.unwrap();
            let answer = finish(exchange).await.1.unwrap().unwrap();
            assert_eq!(answer.as_str(), r#"{"from":"within"}"#);
            assert_eq!(bench.begun.load(Ordering::SeqCst), 202);
        });
    };
    // As much as a worker of a runtime has.
    std::thread::Builder::new().stack_size(2 << 20).spawn(deep).unwrap().join().unwrap();
}

#[test]
fn a_call_works_outside_of_the_runtime_that_the_client_was_connected_in() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (_bench, client) = runtime.block_on(async { by_default() });
    let answer = without_runtime(async { finish(ask(&client, "tell and answer").await).await });
    assert_eq!(answer.0, [1]);
    assert!(answer.1.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_looks_late_still_gets_all_that_was_told_and_the_answer() {
    let (_, client) = by_default();
    let exchange = client.open(patient("tell and answer", SECOND, 60 * SECOND)).await.unwrap();
    settle().await;
    tokio::time::advance(2 * SECOND).await;
    let (told, answer) = finish(exchange).await;
    assert_eq!(told, [1]);
    assert!(answer.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_stopped_and_the_deadline_is_named() {
    let check = async |name, idle, total, expected| {
        let (bench, client) = by_default();
        let (_, outcome) = finish(client.open(patient(name, idle, total)).await.unwrap()).await;
        assert!(matches!(outcome, Err(Error::TimedOut(passed)) if passed == expected), "{name}: {outcome:?}");
        settle().await;
        assert_eq!(bench.ended.load(Ordering::SeqCst), 1, "{name} was stopped");
    };
    check("wait", SECOND, 60 * SECOND, Deadline::Idle(SECOND)).await;
    check("wait", SECOND, SECOND / 2, Deadline::Total(SECOND / 2)).await;
    // Progress puts off the one and not the other.
    check("tell for ever", SECOND, 3 * SECOND, Deadline::Total(3 * SECOND)).await;
    check("tell slowly", SECOND / 2, 60 * SECOND, Deadline::Idle(SECOND / 2)).await;
    let (_, client) = by_default();
    let (told, answer) = finish(client.open(patient("tell slowly", 2 * SECOND, Duration::MAX)).await.unwrap()).await;
    assert_eq!((told.len(), answer.unwrap().is_ok()), (3, true), "3 seconds, but never 2 without a word");
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_may_run_wait_for_their_turn_within_their_deadlines() {
    let (bench, client) = connect(&Limits::default().in_flight(1), &Limits::default());
    let first = ask(&client, "wait").await;
    let late = client.open(patient("echo", SECOND, 60 * SECOND)).await;
    assert!(matches!(late, Err(Error::TimedOut(Deadline::Idle(_)))), "{late:?}");
    let mut second = client.open(request("echo", &json!({})));
    assert!(second.as_mut().now_or_never().is_none());
    assert_eq!(bench.begun.load(Ordering::SeqCst), 1);
    bench.go.notify_one();
    finish(first).await.1.unwrap().unwrap();
    finish(second.await.unwrap()).await.1.unwrap().unwrap();
    assert_eq!(bench.begun.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_client_ends_every_exchange_and_stops_its_call() {
    let check = async |is_closed: bool| {
        let (bench, client) = connect(&Limits::default().in_flight(1), &Limits::default());
        let mut exchange = ask(&client, "wait").await;
        assert!(exchange.next().now_or_never().is_none());
        if is_closed {
            let mut waits = client.open(request("echo", &json!({})));
            assert!(waits.as_mut().now_or_never().is_none());
            client.close().await;
            assert!(matches!(waits.await, Err(Error::Closed)));
            assert!(matches!(client.open(request("echo", &json!({}))).await, Err(Error::Closed)));
        } else {
            drop(client);
        }
        settle().await;
        assert_eq!(bench.ended.load(Ordering::SeqCst), 1, "it was stopped though nobody looks at its exchange");
        assert!(matches!(exchange.next().await, Err(Error::Closed)));
    };
    check(true).await;
    check(false).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_client_ends_a_call_that_always_has_something_to_say() {
    let (bench, client) = by_default();
    let mut exchange = client.open(patient("tell for ever", Duration::MAX, Duration::MAX)).await.unwrap();
    settle().await;
    assert!(matches!(exchange.next().await, Ok(Event::Notification(_))));
    client.close().await;
    let ended = loop {
        if let Err(error) = exchange.next().await {
            break error;
        }
    };
    assert!(matches!(ended, Error::Closed), "{ended}");
    settle().await;
    assert_eq!(bench.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_other_side_would_not_read_is_refused() {
    let long = json!({"text": "x".repeat(500)});
    let (bench, client) = connect(&Limits::default().line_bytes(400), &Limits::default());
    let answer = finish(client.open(request("echo", &long)).await.unwrap()).await.1.unwrap();
    assert_eq!(answer.unwrap_err().code, ErrorCode::INVALID_REQUEST);
    assert_eq!(bench.begun.load(Ordering::SeqCst), 0);
    assert!(finish(ask(&client, "echo").await).await.1.unwrap().is_ok());

    let (_, client) = connect(&Limits::default(), &Limits::default().line_bytes(400));
    let error = client.open(request("echo", &long)).await.unwrap_err();
    assert!(matches!(&error, Error::Malformed(_)) && error.to_string().contains("400 bytes"), "{error}");
    assert!(finish(ask(&client, "echo").await).await.1.unwrap().is_ok());

    let error = client.open(request("null", &json!({}))).await.unwrap_err();
    assert!(error.to_string().contains("must be an object"), "{error}");

    let (_, client) = connect(&Limits::default(), &Limits::default().line_bytes(80));
    let (told, answer) = finish(ask(&client, "tell").await).await;
    assert!(told.is_empty() && answer.unwrap().is_ok(), "a notification that is too long is not told");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_server_or_of_its_door_is_an_answer() {
    let (bench, client) = by_default();
    assert_eq!(finish(ask(&client, "fail").await).await.1.unwrap().unwrap_err().code, ErrorCode::INVALID_PARAMS);
    let strange = json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2031-01-01",
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    let exchange = client.open(Outgoing::new("tools/list", strange.into())).await.unwrap();
    assert_eq!(finish(exchange).await.1.unwrap().unwrap_err().code, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION);
    assert_eq!(bench.begun.load(Ordering::SeqCst), 1);
    let error = client.open(Outgoing::new("tools/list", RawJson::from(json!([])))).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_session_goes_over_its_pipe_beside_other_requests() {
    let (_, client) = by_default();
    let hello =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let exchange = client.open(Outgoing::new("ping", RawJson::empty_object())).await.unwrap();
    assert!(finish(exchange).await.1.unwrap().is_ok(), "a session may be pinged before it begins");
    let mut waits = ask(&client, "wait").await;
    let exchange = client.open(Outgoing::new("initialize", hello.into())).await.unwrap();
    assert!(finish(exchange).await.1.unwrap().is_ok());
    assert!(waits.next().now_or_never().is_none(), "the other request still waits");
}
