//! Handlers while they run: time, places, panics, progress, log messages (F84, P-50 to P-54, P-90 to P-93).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_server::types::{Features, Revision};
use mcp_server::{Cx, Limits, LoggingLevel, Prompt, Resource, Server, State, Tool, implementation};
use mcp_transport::Service;
use serde_json::{Value, json};

use crate::kit::{Client, clients, is_pending, legacy, modern, text};

#[tokio::test]
async fn f84_a_panic_is_answered_without_its_message_and_the_server_goes_on() {
    async fn explode() -> String {
        panic!("the password is swordfish")
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&told);
    let server = Server::builder(implementation!())
        .tool(Tool::new("explode", explode))
        .tool(Tool::new("early", || -> std::future::Ready<String> { panic!("before the first await") }))
        .tool(Tool::new("fine", async || "fine"))
        .resource(Resource::new("a:b", "r", explode))
        .prompt(Prompt::new("p", explode))
        .on_panic(move |what, message| {
            hook.lock().unwrap().push(format!("{what}: {message}"));
            panic!("a hook that panics too")
        })
        .build()
        .unwrap();
    for client in clients(&server).await {
        for (method, params) in [
            ("tools/call", json!({"name": "explode"})),
            ("tools/call", json!({"name": "early"})),
            ("resources/read", json!({"uri": "a:b"})),
            ("prompts/get", json!({"name": "p"})),
        ] {
            let error = client.error(method, params).await;
            assert_eq!(error.code.0, -32603);
            assert!(error.message.contains("failed unexpectedly"), "{error}");
            assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
        }
        assert_eq!(text(&client.tool("fine", json!({})).await), "fine");
    }
    let told = told.lock().unwrap();
    assert_eq!(told[0], "tool `explode`: the password is swordfish");
    assert_eq!(told[1], "tool `early`: before the first await");
}

#[tokio::test(start_paused = true)]
async fn f84_a_handler_that_never_ends_is_stopped_and_the_model_is_told() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let server = Server::builder(implementation!())
        .tool(Tool::new("hang", move || {
            let guard = Dropped(Arc::clone(&flag));
            async move {
                let _guard = guard;
                std::future::pending::<String>().await
            }
        }))
        .resource(Resource::new("a:b", "r", std::future::pending::<String>))
        .limits(Limits::default().handler_timeout(Duration::from_secs(5)))
        .build()
        .unwrap();
    let client = modern(&server).await;
    let told = client.tool_error("hang", json!({})).await;
    assert_eq!(told, "tool `hang` did not finish within 5s and was stopped");
    assert!(dropped.load(Ordering::SeqCst), "its future is gone");
    let error = client.error("resources/read", json!({"uri": "a:b"})).await;
    assert_eq!((error.code.0, &*error.message), (-32603, "reading `a:b` did not finish within 5s and was stopped"));
}

#[tokio::test(start_paused = true)]
async fn f84_no_more_handlers_run_at_once_than_there_are_places() {
    #[derive(Default)]
    struct Load {
        now: AtomicUsize,
        most: AtomicUsize,
    }
    async fn work(State(load): State<Load>) {
        let now = load.now.fetch_add(1, Ordering::SeqCst) + 1;
        load.most.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        load.now.fetch_sub(1, Ordering::SeqCst);
    }
    let load = Arc::new(Load::default());
    let server = Server::builder(implementation!())
        .shared_state(Arc::clone(&load))
        .tool(Tool::new("work", work))
        .tool(Tool::new("hang", std::future::pending::<()>))
        .limits(Limits::default().handlers(3).handler_timeout(Duration::from_secs(5)))
        .build()
        .unwrap();
    let client = modern(&server).await;
    let calls = (0..20).map(|_| client.tool("work", json!({})));
    futures::future::join_all(calls).await;
    assert_eq!(load.most.load(Ordering::SeqCst), 3);

    let calls = (0..4).map(|_| client.tool_error("hang", json!({})));
    let told = futures::future::join_all(calls).await;
    assert!(told[..3].iter().all(|told| told.contains("did not finish")), "{told:?}");
    assert!(told[3].contains("the server was too busy for 5s"), "{told:?}");
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_and_says_so_to_work_elsewhere() {
    let kept: Arc<Mutex<Option<Cx>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let server = Server::builder(implementation!())
        .tool(Tool::new("hang", move |cx: Cx| {
            *keep.lock().unwrap() = Some(cx);
            std::future::pending::<()>()
        }))
        .build()
        .unwrap();
    let client = modern(&server).await.meta("progressToken", "t");
    let (call, mut outbox) = client.start("tools/call", json!({"name": "hang"}));
    let mut running = Box::pin(server.call(call));
    assert!(is_pending(&mut running));
    let cx = kept.lock().unwrap().clone().unwrap();
    let mut waiting = Box::pin(cx.cancelled());
    assert!(is_pending(&mut waiting));
    assert!(!cx.is_over());
    drop(running);
    waiting.await;
    assert!(cx.is_over());
    cx.progress(1.0, None, None).await;
    assert_eq!(outbox.try_next(), None, "nothing is said for a call that is over");
}

async fn steps(cx: Cx) -> &'static str {
    for (progress, total, message) in [
        (1.0, Some(3.0), Some("one")),
        (1.0, None, None),
        (0.5, None, None),
        (f64::NAN, None, None),
        (2.5, None, Some("two")),
    ] {
        cx.progress(progress, total, message).await;
    }
    "done"
}

#[tokio::test]
async fn p_51_progress_only_grows_and_has_the_token_of_the_request() {
    let server = Server::builder(implementation!()).tool(Tool::new("steps", steps)).build().unwrap();
    for client in clients(&server).await {
        let has_message = client.features().has(Features::PROGRESS_MESSAGE);
        assert_eq!(client.request("tools/call", json!({"name": "steps"})).await.notifications, Vec::<Value>::new());
        for token in [json!("abc"), json!(7)] {
            let client = match client.features().has(Features::RESULT_TYPE) {
                true => modern(&server).await,
                false => Client::new(&server, client_revision(&client)).await,
            };
            let told =
                client.meta("progressToken", token.clone()).request("tools/call", json!({"name": "steps"})).await;
            let mut first = json!({"progressToken": token, "progress": 1, "total": 3});
            let mut second = json!({"progressToken": token, "progress": 2.5});
            if has_message {
                first["message"] = json!("one");
                second["message"] = json!("two");
            }
            let params: Vec<_> = told.notifications.iter().map(|notification| notification["params"].clone()).collect();
            assert_eq!(params, [first, second]);
        }
    }
}

fn client_revision(client: &Client) -> Revision {
    Revision::ALL.into_iter().find(|revision| revision.features() == client.features()).unwrap()
}

#[tokio::test]
async fn p_52_nothing_is_told_after_the_answer() {
    let kept: Arc<Mutex<Option<Cx>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let server = Server::builder(implementation!())
        .logging()
        .tool(Tool::new("keep", move |cx: Cx| {
            *keep.lock().unwrap() = Some(cx);
            async {}
        }))
        .build()
        .unwrap();
    let client = modern(&server).await.meta("progressToken", 1).meta("io.modelcontextprotocol/logLevel", "debug");
    let (call, mut outbox) = client.start("tools/call", json!({"name": "keep"}));
    server.call(call).await.unwrap();
    let cx = kept.lock().unwrap().take().unwrap();
    cx.progress(1.0, None, None).await;
    cx.log(LoggingLevel::Error, "late").await;
    cx.cancelled().await;
    assert_eq!(outbox.try_next(), None);
}

async fn chatter(cx: Cx) {
    for level in LoggingLevel::ALL {
        cx.log(level, json!({"at": level.as_str()})).await;
    }
}

fn levels(notifications: &[Value]) -> Vec<&str> {
    notifications.iter().map(|notification| notification["params"]["level"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn p_90_a_modern_request_hears_what_it_asks_for_and_nothing_unless_it_asks() {
    let server = Server::builder(implementation!()).logging().tool(Tool::new("chatter", chatter)).build().unwrap();
    let told = modern(&server).await.request("tools/call", json!({"name": "chatter"})).await;
    assert_eq!(told.notifications, Vec::<Value>::new());
    let client = modern(&server).await.meta("io.modelcontextprotocol/logLevel", "error");
    let told = client.request("tools/call", json!({"name": "chatter"})).await;
    assert_eq!(levels(&told.notifications), ["error", "critical", "alert", "emergency"]);
    assert_eq!(told.notifications[0]["params"], json!({"level": "error", "data": {"at": "error"}}));
    let named = Server::builder(implementation!())
        .logging()
        .tool(Tool::new("named", async |cx: Cx| cx.log_as("db", LoggingLevel::Error, "lost").await))
        .build()
        .unwrap();
    let client = modern(&named).await.meta("io.modelcontextprotocol/logLevel", "error");
    let told = client.request("tools/call", json!({"name": "named"})).await;
    assert_eq!(told.notifications[0]["params"], json!({"level": "error", "logger": "db", "data": "lost"}));
}

#[tokio::test]
async fn p_91_a_session_hears_from_the_level_that_it_set() {
    let server = Server::builder(implementation!()).logging().tool(Tool::new("chatter", chatter)).build().unwrap();
    let client = legacy(&server).await;
    let told = client.request("tools/call", json!({"name": "chatter"})).await;
    assert_eq!(levels(&told.notifications).first(), Some(&"info"));
    assert_eq!(client.ok("logging/setLevel", json!({"level": "alert"})).await, json!({}));
    let told = client.request("tools/call", json!({"name": "chatter"})).await;
    assert_eq!(levels(&told.notifications), ["alert", "emergency"]);
    assert_eq!(client.error("logging/setLevel", json!({"level": "loud"})).await.code.0, -32602);
}

#[tokio::test]
async fn p_90_a_server_that_does_not_declare_logging_is_silent() {
    let server = Server::builder(implementation!()).tool(Tool::new("chatter", chatter)).build().unwrap();
    let client = modern(&server).await.meta("io.modelcontextprotocol/logLevel", "debug");
    assert_eq!(client.request("tools/call", json!({"name": "chatter"})).await.notifications, Vec::<Value>::new());
}

/// A server with the tool `outer`, which runs a tool of another server.
fn lends(lent: Server, tool: &'static str) -> Server {
    let outer = Tool::new("outer", move |cx: Cx| {
        let lent = lent.clone();
        async move { lent.run_within(tool, &cx).await.unwrap() }
    });
    Server::builder(implementation!()).tool(outer).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn f84_a_tool_that_runs_in_the_midst_of_a_call_keeps_the_bounds_of_its_own_server() {
    let load = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let counted = Arc::clone(&load);
    let work = Tool::new("work", move || {
        let load = Arc::clone(&counted);
        async move {
            let now = load.0.fetch_add(1, Ordering::SeqCst) + 1;
            load.1.fetch_max(now, Ordering::SeqCst);
            tokio::task::yield_now().await;
            load.0.fetch_sub(1, Ordering::SeqCst);
        }
    });
    let lent = Server::builder(implementation!())
        .tool(work)
        .tool(Tool::new("hang", std::future::pending::<String>))
        .limits(Limits::default().handlers(1).handler_timeout(Duration::from_secs(5)))
        .build()
        .unwrap();
    let client = modern(&lends(lent.clone(), "work")).await;
    futures::future::join_all((0..4).map(|_| client.tool("outer", json!({})))).await;
    assert_eq!(load.1.load(Ordering::SeqCst), 1);

    let told = modern(&lends(lent, "hang")).await.tool_error("outer", json!({})).await;
    assert_eq!(told, "tool `hang` did not finish within 5s and was stopped");
}

#[tokio::test]
async fn f84_a_panic_in_the_midst_of_a_call_is_told_to_the_server_of_the_tool() {
    async fn explode() -> String {
        panic!("the password is swordfish")
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&told);
    let lent = Server::builder(implementation!())
        .tool(Tool::new("explode", explode))
        .on_panic(move |what, message| hook.lock().unwrap().push(format!("{what}: {message}")))
        .build()
        .unwrap();
    let error = modern(&lends(lent, "explode")).await.error("tools/call", json!({"name": "outer"})).await;
    assert_eq!((error.code.0, &*error.message), (-32603, "tool `explode` failed unexpectedly"));
    assert_eq!(*told.lock().unwrap(), ["tool `explode`: the password is swordfish"]);
}
