//! Calls that become tasks (the tasks extension; XT-1 to XT-15).

#![allow(clippy::unwrap_used, reason = "it is all test")]

mod support;

use std::time::Duration;

use mcp_client::types::{
    ClientCapabilities, ElicitRequestParams, ElicitResult, InputResponses, JsonObject, RawJson, TaskStatus,
};
use mcp_client::{
    Client, ClientHandler, EraMode, Error, HookFuture, Implementation, Origin, Started, Target, TaskHandle,
};
use serde_json::{Value, json};
use support::{Asked, Desk, INITIALIZED, pipe, value, wire};

/// Fills in every form.
struct User;

impl ClientHandler for User {
    fn capabilities(&self) -> ClientCapabilities {
        serde_json::from_str(r#"{"elicitation":{}}"#).unwrap()
    }

    fn elicit(&self, _question: ElicitRequestParams, _origin: Origin) -> HookFuture<'_, ElicitResult> {
        let content: JsonObject = serde_json::from_str(r#"{"name":"Ann"}"#).unwrap();
        Box::pin(async { Ok(ElicitResult::new("accept").content(content)) })
    }
}

const OFFERS_TASKS: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],
    "capabilities":{"tools":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}}"#;

async fn connect() -> (Client, Desk) {
    let (wire, mut desk) = wire();
    let builder = Client::builder(Implementation::new("t", "1")).tasks().handler(User);
    let (client, ()) = tokio::join!(builder.connect(Target::http_transport(wire)), async {
        desk.expect("server/discover").await.reply(OFFERS_TASKS);
    });
    (client.unwrap(), desk)
}

fn task(status: &str, more: &Value) -> String {
    let mut task = json!({"resultType": "complete", "taskId": "t-1", "status": status, "ttlMs": null,
        "createdAt": "2026-07-28T00:00:00Z", "lastUpdatedAt": "2026-07-28T00:00:00Z"});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task.to_string()
}

fn created(more: &Value) -> String {
    task("working", more).replace(r#""complete""#, r#""task""#)
}

/// Looks at the task as a server sees it.
async fn look(desk: &mut Desk) -> Asked {
    let asked = desk.expect("tasks/get").await;
    assert_eq!(asked.request.name.as_deref(), Some("t-1"), "XT-12");
    assert_eq!(asked.params()["taskId"], "t-1");
    asked
}

fn done() -> String {
    task("completed", &json!({"result": {"content": [{"type": "text", "text": "done"}]}}))
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_task_as_often_as_the_server_wants_xt_13_xt_14() {
    let (client, mut desk) = connect().await;
    let start = tokio::time::Instant::now();
    let (result, looks) = tokio::join!(client.call_tool("slow", ()), async {
        let call = desk.expect("tools/call").await;
        let declared = &call.params()["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        assert_eq!(declared["extensions"], json!({"io.modelcontextprotocol/tasks": {}}));
        call.reply(&created(&json!({"pollIntervalMs": 5000})));
        let mut looks = Vec::new();
        for answer in [task("working", &json!({"pollIntervalMs": 2000})), done()] {
            look(&mut desk).await.reply(&answer);
            looks.push(tokio::time::Instant::now().duration_since(start).as_secs());
        }
        looks
    });
    assert_eq!(result.unwrap().text(), "done");
    assert_eq!(looks, [5, 7]);
    assert!(desk.is_idle(), "a task that has ended is not cancelled");
}

#[tokio::test(start_paused = true)]
async fn what_a_task_asks_is_answered_by_the_hooks_and_once_xt_7() {
    let (client, mut desk) = connect().await;
    let form = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    let question = json!({"method": "elicitation/create", "params": {"message": "?", "requestedSchema": form}});
    let asks = task("input_required", &json!({"inputRequests": {"who": question}}));
    let (result, ()) = tokio::join!(client.call_tool("slow", ()), async {
        desk.expect("tools/call").await.reply(&created(&json!({})));
        look(&mut desk).await.reply(&asks);
        let update = desk.expect("tasks/update").await;
        assert_eq!(update.request.name.as_deref(), Some("t-1"));
        let answers = json!({"who": {"action": "accept", "content": {"name": "Ann"}}});
        assert_eq!((&update.params()["taskId"], &update.params()["inputResponses"]), (&json!("t-1"), &answers));
        update.reply(r#"{"resultType":"complete"}"#);
        // The server has not taken the answer in yet.
        look(&mut desk).await.reply(&asks);
        look(&mut desk).await.reply(&done());
    });
    result.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_cancels_its_task_xt_8() {
    let (client, mut desk) = connect().await;
    let asked = {
        let call = client.call_tool("slow", ());
        tokio::pin!(call);
        let served = async {
            desk.expect("tools/call").await.reply(&created(&json!({})));
            look(&mut desk).await
        };
        tokio::select! {
            _ = &mut call => panic!("the task has not ended"),
            asked = served => asked,
        }
    };
    asked.dropped().await;
    let cancel = desk.expect("tasks/cancel").await;
    assert_eq!(cancel.request.name.as_deref(), Some("t-1"));
    cancel.reply(r#"{"resultType":"complete"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_takes_longer_than_the_call_may_is_cancelled_v_21() {
    let (client, mut desk) = connect().await;
    let call = client.tool("slow").total_timeout(Duration::from_secs(10)).call();
    let (result, ()) = tokio::join!(call, async {
        desk.expect("tools/call").await.reply(&created(&json!({"pollIntervalMs": 4000})));
        for _ in 0..2 {
            look(&mut desk).await.reply(&task("working", &json!({"pollIntervalMs": 4000})));
        }
        desk.expect("tasks/cancel").await.reply("{}");
    });
    assert!(result.unwrap_err().is_timeout());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_or_is_cancelled_is_an_error_xt_6() {
    for (status, more) in [("failed", json!({"error": {"code": -32000, "message": "no"}})), ("cancelled", json!({}))] {
        let (client, mut desk) = connect().await;
        let (result, ()) = tokio::join!(client.call_tool("slow", ()), async {
            desk.expect("tools/call").await.reply(&created(&json!({})));
            look(&mut desk).await.reply(&task(status, &more));
        });
        match result.unwrap_err() {
            Error::Rpc(error) => assert_eq!((status, error.code.0), ("failed", -32000)),
            Error::TaskCancelled { .. } => assert_eq!(status, "cancelled"),
            other => panic!("{other}"),
        }
        assert!(desk.is_idle());
    }
}

async fn handle(client: &Client, desk: &mut Desk) -> TaskHandle {
    let (started, ()) = tokio::join!(client.tool("slow").start(), async {
        desk.expect("tools/call").await.reply(&created(&json!({"pollIntervalMs": 1000})));
    });
    let Ok(Started::Task(task)) = started else { panic!("{started:?}") };
    task
}

#[tokio::test(start_paused = true)]
async fn a_handle_looks_answers_and_cancels_and_its_drop_does_nothing_xt_14() {
    let (client, mut desk) = connect().await;
    let task_handle = handle(&client, &mut desk).await;
    let (looked, ()) = tokio::join!(task_handle.poll(), async {
        look(&mut desk).await.reply(&task("working", &json!({})));
    });
    assert_eq!(looked.unwrap().status, TaskStatus::Working);
    let mut answers = JsonObject::new();
    answers.insert("who", RawJson::parse(r#"{"action":"decline"}"#.to_owned()).unwrap());
    let (updated, ()) = tokio::join!(task_handle.update(InputResponses::from(answers)), async {
        let update = desk.expect("tasks/update").await;
        assert_eq!(update.params()["inputResponses"], json!({"who": {"action": "decline"}}));
        update.reply("{}");
    });
    updated.unwrap();
    let (cancelled, ()) = tokio::join!(task_handle.cancel(), async { desk.expect("tasks/cancel").await.reply("{}") });
    cancelled.unwrap();
    let id = task_handle.id().to_owned();
    drop(task_handle);
    // Another program goes on with it.
    let (result, ()) = tokio::join!(async { client.task(id).wait().await }, async {
        look(&mut desk).await.reply(&done());
    });
    assert_eq!(result.unwrap().text(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_gets_lost_is_repeated_and_one_at_an_unknown_task_is_not_xt_9() {
    let (client, mut desk) = connect().await;
    let task_handle = handle(&client, &mut desk).await;
    let (result, ()) = tokio::join!(task_handle.wait(), async {
        look(&mut desk).await.fail(mcp_transport::Error::Closed);
        look(&mut desk).await.refuse(-32602);
    });
    assert_eq!(result.unwrap_err().rpc().unwrap().code.0, -32602);
    assert!(desk.is_idle());
}

#[tokio::test]
async fn a_server_need_not_make_a_task_xt_2() {
    let (client, mut desk) = connect().await;
    let (started, ()) = tokio::join!(client.tool("fast").start(), async {
        desk.expect("tools/call").await.reply(r#"{"resultType":"complete","content":[]}"#);
    });
    assert!(matches!(started, Ok(Started::Result(_))), "{started:?}");
}

#[tokio::test]
async fn a_legacy_server_is_told_nothing_of_tasks_xt_15() {
    let (target, mut server) = pipe();
    let builder = Client::builder(Implementation::new("t", "1")).era(EraMode::Legacy).tasks();
    let (client, ()) = tokio::join!(builder.connect(target), async {
        let request = server.expect("initialize").await;
        assert_eq!(request["params"]["capabilities"], json!({}));
        server.reply(&request, &value(INITIALIZED)).await;
        server.expect("notifications/initialized").await;
    });
    client.unwrap();
}
