//! Calls that go on as tasks (SEP-2663, XT-1 to XT-15).

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use mcp_server::types::{Revision, RpcError};
use mcp_server::{
    AskError, Changes, Cx, Form, MemoryTasks, NoTasks, Prompt, Server, ServerBuilder, TaskMode, Tool, ToolError,
    implementation,
};
use mcp_transport::{Outbox, Service};
use serde_json::{Value, json};

use crate::kit::{Client, check_notification, clients, is_pending, modern, text};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

async fn greet(cx: Cx) -> Result<String, AskError> {
    let who: Name = cx.elicit("who", Form::new("Your name?")).await?;
    Ok(format!("Hello, {}!", who.name))
}

async fn two(cx: Cx) -> Result<String, AskError> {
    let (one, other) = cx.ask().elicit::<Name>("a", Form::new("One?")).elicit::<Name>("b", Form::new("Other?")).await?;
    Ok(format!("{} and {}", one.name, other.name))
}

/// Asks in a round, becomes a task, asks in the task.
async fn both(cx: Cx) -> Result<String, AskError> {
    let first: Name = cx.elicit("first", Form::new("First?")).await?;
    let is_task = cx.become_task().await;
    cx.task_message("half of it").await;
    cx.progress(1.0, None, None).await;
    let second: Name = cx.elicit("second", Form::new("Second?")).await?;
    Ok(format!("{} {} {is_task}", first.name, second.name))
}

fn builder() -> ServerBuilder {
    Server::builder(implementation!())
        .tool(Tool::new("quick", async || "quick"))
        .tool(Tool::new("slow", async || "slow").task(TaskMode::Optional))
        .tool(Tool::new("never", std::future::pending::<()>).task(TaskMode::Optional))
        .tool(Tool::new("job", async || Err::<(), _>(ToolError::new("broken"))).task(TaskMode::Required))
        .tool(
            Tool::new("wrong", async || Err::<(), _>(RpcError::invalid_params("no such row"))).task(TaskMode::Optional),
        )
        .tool(Tool::new("panics", async || -> String { panic!("the password is swordfish") }).task(TaskMode::Optional))
        .tool(Tool::new("greet", greet).task(TaskMode::Optional))
        .tool(Tool::new("two", two).task(TaskMode::Optional))
        .tool(Tool::new("both", both))
        .prompt(Prompt::new("p", async |cx: Cx| cx.become_task().await.to_string()))
}

fn server() -> Server {
    builder().build().unwrap()
}

fn able() -> Value {
    json!({"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}})
}

async fn client(server: &Server) -> Client {
    Client::with(server, Revision::V2026_07_28, able()).await
}

/// Calls a tool that becomes a task and returns the id.
async fn begin(client: &Client, tool: &str) -> String {
    let created = client.tool(tool, json!({})).await;
    assert_eq!(created["resultType"], "task", "{created}");
    created["taskId"].as_str().unwrap().to_owned()
}

async fn look(client: &Client, id: &str) -> Value {
    client.ok("tasks/get", json!({ "taskId": id })).await
}

/// Looks at a task until it has a status.
async fn until(client: &Client, id: &str, status: &str) -> Value {
    for _ in 0..1_000 {
        let task = look(client, id).await;
        if task["status"] == status {
            return task;
        }
        tokio::task::yield_now().await;
    }
    panic!("never {status}: {}", look(client, id).await)
}

async fn answer(client: &Client, id: &str, answers: Value) -> Value {
    client.ok("tasks/update", json!({"taskId": id, "inputResponses": answers})).await
}

fn named(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

#[tokio::test]
async fn xt_3_a_call_is_answered_with_a_flat_task_that_can_be_read_at_once() {
    let server = server();
    let client = client(&server).await;
    let created = client.tool("never", json!({})).await;
    let keys: Vec<_> = created.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["_meta", "createdAt", "lastUpdatedAt", "pollIntervalMs", "resultType", "status", "taskId", "ttlMs"];
    assert_eq!(keys, expected);
    assert_eq!((&created["status"], &created["ttlMs"]), (&json!("working"), &json!(3_600_000)));
    let id = created["taskId"].as_str().unwrap();
    assert!(id.len() >= 22, "XT-13: 128 bits and more");
    let task = look(&client, id).await;
    assert_eq!((&task["resultType"], &task["status"]), (&json!("complete"), &json!("working")));
    assert_eq!(task["createdAt"], created["createdAt"]);
}

#[tokio::test]
async fn xt_6_a_task_that_ended_has_exactly_what_the_call_would_have_had() {
    let server = server();
    let client = client(&server).await;
    let id = begin(&client, "slow").await;
    let task = until(&client, &id, "completed").await;
    let plain = modern(&server).await.tool("slow", json!({})).await;
    assert_eq!(task["result"], plain);
    assert_eq!(task.get("error"), None);
    let id = begin(&client, "job").await;
    let task = until(&client, &id, "completed").await;
    assert_eq!((&task["result"]["isError"], &*text(&task["result"])), (&json!(true), "broken"));
    let id = begin(&client, "wrong").await;
    let task = until(&client, &id, "failed").await;
    assert_eq!(task["error"], json!({"code": -32602, "message": "no such row"}));
    assert_eq!((&task["statusMessage"], task.get("result")), (&json!("no such row"), None));
    let id = begin(&client, "panics").await;
    let task = until(&client, &id, "failed").await;
    assert_eq!(task["error"]["code"], -32603);
    assert!(!task.to_string().contains("swordfish"), "{task}");
}

#[tokio::test]
async fn xt_2_only_a_request_that_declares_the_extension_becomes_a_task() {
    let server = server();
    for client in clients(&server).await {
        let result = client.tool("slow", json!({})).await;
        assert_eq!(text(&result), "slow");
        assert_eq!(result.get("taskId"), None);
    }
    let plain = modern(&server).await;
    let error = plain.error("tools/call", json!({"name": "job"})).await;
    assert_eq!(error.code.0, -32021);
    let needed = json!({"requiredCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}});
    assert_eq!(error.data.unwrap().decode::<Value>().unwrap(), needed);
    assert_eq!(text(&client(&server).await.tool("quick", json!({})).await), "quick");
    let call = json!({"name": "quick", "task": {"ttl": 1}});
    assert_eq!(text(&client(&server).await.ok("tools/call", call).await), "quick", "XT-9: the older way is ignored");
}

#[tokio::test]
async fn xt_15_on_a_legacy_session_every_tool_runs_within_its_call() {
    let server = server();
    for revision in Revision::ALL.into_iter().filter(|revision| *revision < Revision::V2026_07_28) {
        let client = Client::with(&server, revision, able()).await;
        assert_eq!(client.tool_error("job", json!({})).await, "broken");
        assert_eq!(client.error("tasks/get", json!({"taskId": "x"})).await.code.0, -32601);
    }
    let client = Client::with(&server, Revision::V2025_11_25, able()).await;
    let person = |_: &str, params: &Value| Ok(named(params["message"].as_str().unwrap()));
    let result = client.converse("tools/call", json!({"name": "both"}), person).await.unwrap();
    assert_eq!(text(&result), "First? Second? false");
}

#[tokio::test]
async fn xt_9_tasks_that_nobody_knows_and_callers_that_declare_nothing_are_refused() {
    let server = server();
    let able = client(&server).await;
    let plain = modern(&server).await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let params = json!({"taskId": "nobody", "inputResponses": {}});
        assert_eq!(able.error(method, params.clone()).await.code.0, -32602, "{method}");
        assert_eq!(plain.error(method, params).await.code.0, -32021, "{method}");
    }
    let wanted = json!({"notifications": {"taskIds": ["nobody"]}});
    assert_eq!(plain.error("subscriptions/listen", wanted).await.code.0, -32021, "P-38");
}

#[tokio::test]
async fn xt_1_the_extension_is_declared_to_modern_clients_when_tasks_are_kept() {
    let of = |found: &Value| found["capabilities"].get("extensions").cloned();
    let found = modern(&server()).await.ok("server/discover", json!({})).await;
    assert_eq!(of(&found), Some(json!({"io.modelcontextprotocol/tasks": {}})));
    assert_eq!(found["capabilities"].get("tasks"), None, "T-64");
    let none = Server::builder(implementation!()).tool(Tool::new("both", both)).build().unwrap();
    assert_eq!(of(&modern(&none).await.ok("server/discover", json!({})).await), None);
    assert_eq!(client(&none).await.error("tasks/get", json!({"taskId": "x"})).await.code.0, -32601);
    let fault = builder().tasks(NoTasks).build().unwrap_err().to_string();
    assert!(fault.contains("the store keeps none"), "{fault}");
}

#[tokio::test]
async fn xt_7_a_task_waits_for_the_client_and_goes_on_with_its_answer() {
    let server = server();
    let client = client(&server).await;
    let id = begin(&client, "greet").await;
    let task = until(&client, &id, "input_required").await;
    assert_eq!(task["inputRequests"]["who"]["method"], "elicitation/create");
    assert_eq!(task.get("requestState"), None, "XT-10");
    let wrong = json!({"taskId": id, "inputResponses": {"who": {"action": "accept", "content": {"name": 7}}}});
    assert_eq!(client.error("tasks/update", wrong).await.code.0, -32602);
    let done = answer(&client, &id, json!({"whom": named("Eve"), "who": named("Ann")})).await;
    let keys: Vec<_> = done.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((keys, &done["resultType"]), (vec!["_meta", "resultType"], &json!("complete")));
    let task = until(&client, &id, "completed").await;
    assert_eq!(text(&task["result"]), "Hello, Ann!");
    answer(&client, &id, json!({"who": named("Bob")})).await;
    assert_eq!(look(&client, &id).await, task, "XT-5");
}

#[tokio::test]
async fn xt_7_two_questions_are_open_at_once_and_answered_one_by_one() {
    let server = server();
    let client = client(&server).await;
    let id = begin(&client, "two").await;
    until(&client, &id, "input_required").await;
    while look(&client, &id).await["inputRequests"].as_object().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    answer(&client, &id, json!({"a": named("Ann")})).await;
    let task = look(&client, &id).await;
    assert_eq!(task["status"], "input_required");
    assert_eq!(task["inputRequests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["b"]);
    answer(&client, &id, json!({"b": named("Bob")})).await;
    assert_eq!(text(&until(&client, &id, "completed").await["result"]), "Ann and Bob");
}

#[tokio::test]
async fn xt_8_a_cancelled_task_drops_its_handler_and_cancelling_again_is_no_error() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let hang = move || {
        let guard = Dropped(Arc::clone(&flag));
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    };
    let server = builder().tool(Tool::new("hang", hang).task(TaskMode::Optional)).build().unwrap();
    let client = client(&server).await;
    let id = begin(&client, "hang").await;
    tokio::task::yield_now().await;
    for _ in 0..2 {
        let done = client.ok("tasks/cancel", json!({ "taskId": id })).await;
        assert_eq!((done.get("status"), &done["resultType"]), (None, &json!("complete")));
    }
    assert_eq!(look(&client, &id).await["status"], "cancelled");
    while !dropped.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let id = begin(&client, "slow").await;
    let ended = until(&client, &id, "completed").await;
    client.ok("tasks/cancel", json!({ "taskId": id })).await;
    assert_eq!(look(&client, &id).await, ended);
}

#[tokio::test]
async fn xt_10_a_handler_asks_in_rounds_becomes_a_task_and_asks_in_it() {
    let server = server();
    let client = client(&server).await.meta("progressToken", "t");
    let asks = client.tool("both", json!({})).await;
    assert_eq!((&asks["resultType"], asks.get("taskId")), (&json!("input_required"), None));
    let retry = json!({
        "name": "both", "arguments": {},
        "inputResponses": {"first": named("Ann")}, "requestState": asks["requestState"]
    });
    let told = client.request("tools/call", retry).await;
    assert!(told.notifications.is_empty(), "XT-11: a task has no progress");
    let created = told.answer.unwrap();
    assert_eq!((created.get("requestState"), created.get("inputRequests")), (None, None));
    let id = created["taskId"].as_str().unwrap();
    let task = until(&client, id, "input_required").await;
    assert_eq!(task["statusMessage"], "half of it");
    answer(&client, id, json!({"second": named("Bob")})).await;
    assert_eq!(text(&until(&client, id, "completed").await["result"]), "Ann Bob true");
    let got = client.ok("prompts/get", json!({"name": "p"})).await;
    assert_eq!(got["messages"][0]["content"]["text"], "false", "XT-1: a prompt is never a task");
}

#[tokio::test]
async fn xt_13_a_task_is_its_principals_alone() {
    let server = builder().principal(|caller| caller.client_info().map(|client| client.name)).build().unwrap();
    let of = async |name: &str| {
        let info = json!({"name": name, "version": "1"});
        client(&server).await.meta("io.modelcontextprotocol/clientInfo", info)
    };
    let (ann, bob) = (of("ann").await, of("bob").await);
    let id = begin(&ann, "never").await;
    let unknown = bob.error("tasks/get", json!({"taskId": "x"})).await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let error = bob.error(method, json!({"taskId": id, "inputResponses": {}})).await;
        assert_eq!(error.code, unknown.code);
        assert_eq!(error.message.replace(&id, "x"), unknown.message, "the same words");
    }
    assert_eq!(look(&ann, &id).await["status"], "working");
}

#[tokio::test]
async fn xt_13_a_task_is_gone_after_its_time_and_a_full_server_says_so() {
    let clock = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&clock);
    let server = builder()
        .tasks(MemoryTasks::new().most(1))
        .task_life(Duration::from_secs(60))
        .task_poll_interval(Duration::from_millis(250))
        .clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(now.load(Ordering::SeqCst) as u64))
        .build()
        .unwrap();
    let client = client(&server).await;
    let created = client.tool("never", json!({})).await;
    assert_eq!((&created["ttlMs"], &created["pollIntervalMs"]), (&json!(60_000), &json!(250)));
    assert_eq!(created["createdAt"], "1970-01-01T00:00:00.000Z");
    let full = client.error("tools/call", json!({"name": "never"})).await;
    assert_eq!(full.code.0, -32603);
    assert!(full.message.contains("keeps 1 tasks"), "{full}");
    clock.store(60, Ordering::SeqCst);
    assert_eq!(client.error("tasks/get", json!({"taskId": created["taskId"]})).await.code.0, -32602);
    begin(&client, "never").await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_beyond_its_time_is_stopped_and_one_that_takes_long_is_not() {
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ended);
    let long = move || {
        let flag = Arc::clone(&flag);
        async move {
            tokio::time::sleep(Duration::from_secs(600)).await;
            flag.store(true, Ordering::SeqCst);
        }
    };
    let server = builder().tool(Tool::new("long", long).task(TaskMode::Optional)).build().unwrap();
    let client = client(&server).await;
    let id = begin(&client, "long").await;
    tokio::time::sleep(Duration::from_secs(599)).await;
    assert_eq!(look(&client, &id).await["status"], "working", "beyond the time of a handler");
    tokio::time::sleep(Duration::from_secs(2)).await;
    until(&client, &id, "completed").await;
    assert!(ended.load(Ordering::SeqCst));
}

async fn next(outbox: &mut Outbox) -> Value {
    let text = poll_fn(|cx| outbox.poll_next(cx)).await.unwrap();
    let notification = serde_json::from_slice(&text).unwrap();
    check_notification(Revision::V2026_07_28, &notification);
    notification
}

#[tokio::test]
async fn xt_11_a_subscription_is_told_how_its_tasks_are_doing() {
    let server = server();
    let client = client(&server).await;
    let id = begin(&client, "greet").await;
    until(&client, &id, "input_required").await;
    let wanted = json!({"notifications": {"taskIds": [id, "nobody", id], "toolsListChanged": true}});
    let (call, mut outbox) = client.start("subscriptions/listen", wanted);
    let mut listening = Box::pin(server.call(call));
    assert!(is_pending(&mut listening));
    let acknowledged = next(&mut outbox).await;
    assert_eq!(acknowledged["params"]["notifications"], json!({"taskIds": [id]}));
    let first = next(&mut outbox).await;
    assert_eq!(
        (&first["method"], &first["params"]["status"]),
        (&json!("notifications/tasks"), &json!("input_required"))
    );
    assert_eq!(first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1);
    assert!(first["params"]["inputRequests"]["who"].is_object());
    assert_eq!(first["params"].get("resultType"), None);
    answer(&client, &id, json!({"who": named("Ann")})).await;
    until(&client, &id, "completed").await;
    assert!(is_pending(&mut listening));
    let mut last = Value::Null;
    while let Some(text) = outbox.try_next() {
        last = serde_json::from_slice(&text).unwrap();
        assert!((&mut listening).now_or_never().is_none());
    }
    assert_eq!(last["params"]["status"], "completed");
    assert_eq!(text(&last["params"]["result"]), "Hello, Ann!");
    server.shutdown();
    listening.await.unwrap();
}

#[tokio::test]
async fn changes_and_tasks_share_a_subscription() {
    let changes = Changes::new();
    let server = builder().changes(changes.clone()).build().unwrap();
    let client = client(&server).await;
    let id = begin(&client, "never").await;
    let wanted = json!({"notifications": {"taskIds": [id], "toolsListChanged": true}});
    let (call, mut outbox) = client.start("subscriptions/listen", wanted);
    let mut listening = Box::pin(server.call(call));
    assert!(is_pending(&mut listening));
    assert_eq!(next(&mut outbox).await["params"]["notifications"], json!({"taskIds": [id], "toolsListChanged": true}));
    assert_eq!(next(&mut outbox).await["params"]["status"], "working");
    changes.tools();
    client.ok("tasks/cancel", json!({ "taskId": id })).await;
    assert!(is_pending(&mut listening));
    assert_eq!(next(&mut outbox).await["method"], "notifications/tools/list_changed");
    assert_eq!(next(&mut outbox).await["params"]["status"], "cancelled");
}
