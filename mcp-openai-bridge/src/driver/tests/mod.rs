//! Whole turns with a scripted model and scripted tools, by literal transcripts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mcp_types::{CallToolResult, ProgressNotificationParams, RawJson, Tool};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::*;
use crate::chat::{Completion, Message, Request};
use crate::tools::ToolSet;
use crate::turn::{self, Failure, Outcome, Rejected};

mod hosted;
mod retried;

/// Gives its replies one after the other and keeps the requests.
struct Script {
    replies: Mutex<VecDeque<Value>>,
    requests: Mutex<Vec<Value>>,
}

impl Script {
    fn new(replies: impl Into<VecDeque<Value>>) -> Self {
        Self { replies: Mutex::new(replies.into()), requests: Mutex::default() }
    }

    fn request(&self, index: usize) -> Value {
        self.requests.lock().unwrap()[index].clone()
    }
}

#[async_trait]
impl Model for Script {
    async fn complete(&self, request: &Request) -> Result<Completion, ModelError> {
        self.requests.lock().unwrap().push(serde_json::to_value(request).unwrap());
        let reply = self.replies.lock().unwrap().pop_front();
        let reply = reply.ok_or_else(|| ModelError::new("the script is at its end"))?;
        serde_json::from_value(reply).map_err(|error| ModelError::new("a bad script").because(error))
    }
}

/// Tools that do what their name says.
#[derive(Default)]
struct Lab {
    calls: Mutex<Vec<String>>,
    running: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Tools for Lab {
    async fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        self.calls.lock().unwrap().push(format!("{server}/{tool} {arguments}"));
        assert_ne!(tool, "panic_at_once", "as asked");
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        // A second of paused time, which passes only when nothing else can happen.
        let _ = timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        match tool {
            "hang" => std::future::pending().await,
            "panic" => panic!("as asked"),
            "refuse" => Err(Failure::Protocol { code: -32602, message: "bad params".to_owned() }),
            "fail" => Ok(CallToolResult::error("disk full")),
            "slow" => {
                for step in 1..=4 {
                    cx.progress(ProgressNotificationParams::new(cx.id(), f64::from(step)));
                    let _ = timeout(Duration::from_secs(50), std::future::pending::<()>()).await;
                }
                Ok(CallToolResult::text("at last"))
            }
            "chatter" => loop {
                cx.progress(ProgressNotificationParams::new(cx.id(), 0.0));
                let _ = timeout(Duration::from_secs(50), std::future::pending::<()>()).await;
            },
            tool => {
                let arguments: Value = arguments.decode().unwrap();
                Ok(CallToolResult::text(format!("{tool} says {}", arguments["n"])))
            }
        }
    }
}

/// Keeps what it is told of calls that are not made.
#[derive(Default)]
struct Watcher {
    rejected: Mutex<Vec<Rejected>>,
}

impl Host for Watcher {
    fn event(&self, event: Event<'_>) {
        if let Event::Rejected(call) = event {
            self.rejected.lock().unwrap().push(call.clone());
        }
    }
}

fn tool_set() -> Arc<ToolSet> {
    let schema = RawJson::parse(r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#).unwrap();
    let tools = ["echo", "hang", "panic", "panic_at_once", "refuse", "fail", "slow", "chatter"]
        .map(|name| Tool::new(name, schema.clone()));
    Arc::new(ToolSet::builder().server("lab", &tools).build())
}

fn calls(calls: &[(&str, &str, &str)]) -> Value {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(id, name, arguments)| json!({"id":id,"type":"function","function":{"name":name,"arguments":arguments}}))
        .collect();
    json!({"id":"r","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":calls},"finish_reason":"tool_calls"}],"usage":{"total_tokens":10}})
}

fn says(text: &str) -> Value {
    json!({"id":"r","choices":[{"index":0,"message":{"role":"assistant","content":text},"finish_reason":"stop"}],"usage":{"total_tokens":1}})
}

fn start(request: Request) -> Turn {
    Turn::new(request, tool_set(), turn::Options::default())
}

/// Runs a turn and returns its end, the conversation after the first message, and the calls that were made.
async fn transcript(replies: impl Into<VecDeque<Value>>) -> (Final, Value, Vec<String>) {
    let (model, lab) = (Script::new(replies), Lab::default());
    let mut turn = start(Request::new("m", [Message::user("go")]));
    let End::Done(end) = run(&mut turn, &model, &lab, &Options::default()).await.unwrap() else { panic!() };
    let mut conversation = serde_json::to_value(turn.messages()).unwrap();
    conversation.as_array_mut().unwrap().remove(0);
    (end, conversation, lab.calls.into_inner().unwrap())
}

#[tokio::test(start_paused = true)]
async fn two_rounds_with_two_parallel_calls_each() {
    let started = Instant::now();
    let replies = [
        calls(&[("a", "echo", "{\"n\":1}"), ("b", "echo", "{\"n\":2}")]),
        calls(&[("c", "echo", "{\"n\":3}"), ("d", "echo", "{\"n\":4}")]),
        says("done"),
    ];
    let (end, conversation, calls) = transcript(replies).await;
    assert_eq!((end.text().as_str(), end.rounds, end.usage.count("total_tokens")), ("done", 2, Some(21)));
    assert_eq!(calls, ["lab/echo {\"n\":1}", "lab/echo {\"n\":2}", "lab/echo {\"n\":3}", "lab/echo {\"n\":4}"]);
    assert_eq!(started.elapsed(), Duration::from_secs(2), "the calls of a round run at the same time");
    assert_eq!(
        conversation,
        json!([
            {"role":"assistant","content":null,"tool_calls":[
                {"id":"a","type":"function","function":{"name":"echo","arguments":"{\"n\":1}"}},
                {"id":"b","type":"function","function":{"name":"echo","arguments":"{\"n\":2}"}}
            ]},
            {"role":"tool","tool_call_id":"a","content":"echo says 1"},
            {"role":"tool","tool_call_id":"b","content":"echo says 2"},
            {"role":"assistant","content":null,"tool_calls":[
                {"id":"c","type":"function","function":{"name":"echo","arguments":"{\"n\":3}"}},
                {"id":"d","type":"function","function":{"name":"echo","arguments":"{\"n\":4}"}}
            ]},
            {"role":"tool","tool_call_id":"c","content":"echo says 3"},
            {"role":"tool","tool_call_id":"d","content":"echo says 4"},
            {"role":"assistant","content":"done"}
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn broken_arguments_are_told_to_the_model_and_nothing_is_run() {
    let replies = [
        calls(&[("a", "echo", "{\"n\": 1, \"text\": \"unterminated")]),
        calls(&[("b", "echo", "{\"n\":1}")]),
        says("done"),
    ];
    let (_, conversation, calls) = transcript(replies).await;
    assert_eq!(calls, ["lab/echo {\"n\":1}"]);
    assert_eq!(
        conversation[1],
        json!({"role":"tool","tool_call_id":"a","content":"error: the arguments were not accepted and the tool was not run. Correct this and call it again:\n- the arguments: expected one JSON object, got {\"n\": 1, \"text\": \"unterminated (a string has no closing quote, at byte 17)"})
    );
    assert_eq!(conversation[3], json!({"role":"tool","tool_call_id":"b","content":"echo says 1"}));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tool_is_told_to_the_model_beside_the_results_of_the_others() {
    let replies = [calls(&[("a", "ecko", "{}"), ("b", "echo", "{\"n\":1}")]), says("done")];
    let (_, conversation, calls) = transcript(replies).await;
    assert_eq!(calls, ["lab/echo {\"n\":1}"]);
    assert_eq!(
        conversation[1],
        json!({"role":"tool","tool_call_id":"a","content":"error: there is no tool `ecko` and nothing was run. Did you mean `echo`? Available tools: `echo`, `hang`, `panic`, `panic_at_once`, `refuse`, `fail`, `slow`, `chatter`."})
    );
    assert_eq!(conversation[2], json!({"role":"tool","tool_call_id":"b","content":"echo says 1"}));
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_is_told_once_of_each_call_that_is_not_made() {
    let replies = [calls(&[("a", "ecko", "{}"), ("b", "echo", "{"), ("c", "echo", "{}")]), says("done")];
    let (model, lab, watcher) = (Script::new(replies), Lab::default(), Watcher::default());
    let mut turn = start(Request::new("m", [Message::user("go")]));
    let _ = Driver::new(&model, &lab).host(&watcher).run(&mut turn).await.unwrap();
    let rejected = watcher.rejected.into_inner().unwrap();
    let told: Vec<_> = rejected.iter().map(|call| (call.id.as_str(), call.name.as_str())).collect();
    assert_eq!(told, [("a", "ecko"), ("b", "echo")]);
    assert!(rejected[0].why.to_string().starts_with("there is no tool `ecko` and nothing was run."));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_name_is_handed_back_and_its_outcome_continues_the_turn() {
    let model = Script::new([calls(&[("a", "mine", "{}"), ("b", "echo", "{\"n\":1}")]), says("done")]);
    let lab = Lab::default();
    let mut request = Request::new("m", [Message::user("go")]);
    request.tools.push(RawJson::parse(r#"{"type":"function","function":{"name":"mine"}}"#).unwrap());
    let mut turn = start(request);

    let End::HandBack(theirs) = run(&mut turn, &model, &lab, &Options::default()).await.unwrap() else { panic!() };
    assert_eq!((theirs.len(), theirs[0].call.id.as_str()), (1, "a"));
    let _ = turn.handle_results([(theirs[0].index, Outcome::Text("42".to_owned()))]).unwrap();
    let end = run(&mut turn, &model, &lab, &Options::default()).await.unwrap();
    assert!(matches!(end, End::Done(_)));
    assert_eq!(
        model.request(1)["messages"],
        json!([
            {"role":"user","content":"go"},
            {"role":"assistant","content":null,"tool_calls":[
                {"id":"a","type":"function","function":{"name":"mine","arguments":"{}"}},
                {"id":"b","type":"function","function":{"name":"echo","arguments":"{\"n\":1}"}}
            ]},
            {"role":"tool","tool_call_id":"a","content":"42"},
            {"role":"tool","tool_call_id":"b","content":"echo says 1"}
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_panics_hangs_or_fails_does_no_harm_to_the_others() {
    let replies = [
        calls(&[
            ("a", "panic", "{}"),
            ("b", "hang", "{}"),
            ("c", "panic_at_once", "{}"),
            ("d", "refuse", "{}"),
            ("e", "fail", "{}"),
            ("f", "echo", "{\"n\":1}"),
        ]),
        says("done"),
    ];
    let (_, conversation, _) = transcript(replies).await;
    let contents: Vec<&str> =
        conversation.as_array().unwrap()[1..7].iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(
        contents,
        [
            "error: internal_error: the call failed inside the program that makes it",
            "error: timeout: the tool gave no result within 60 seconds",
            "error: internal_error: the call failed inside the program that makes it",
            "error: mcp_protocol_error -32602: bad params",
            "error: disk full",
            "echo says 1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_run_at_once_than_allowed() {
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let many: Vec<_> = names.iter().map(|id| (id.as_str(), "echo", "{\"n\":1}")).collect();
    let (model, lab) = (Script::new([calls(&many), says("done")]), Lab::default());
    let mut turn = start(Request::new("m", [Message::user("go")]));
    let started = Instant::now();
    let _ = run(&mut turn, &model, &lab, &Options::default()).await.unwrap();
    assert_eq!((lab.most.load(Ordering::SeqCst), started.elapsed()), (8, Duration::from_secs(3)));
    let order: Vec<&str> =
        turn.messages()[2..22].iter().filter_map(|message| message.tool_call_id.as_deref()).collect();
    assert_eq!(order, names);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_ends_the_run_and_the_turn_can_go_on() {
    let lab = Lab::default();
    let mut turn = start(Request::new("m", [Message::user("go")]));
    let error = run(&mut turn, &Script::new([]), &lab, &Options::default()).await.unwrap_err();
    assert!(matches!(error, Error::Model(_)));
    let end = run(&mut turn, &Script::new([says("done")]), &lab, &Options::default()).await.unwrap();
    assert!(matches!(end, End::Done(_)));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_run_cancels_its_calls_and_the_turn_can_be_completed() {
    let (model, lab) = (Script::new([calls(&[("a", "hang", "{}")])]), Lab::default());
    let mut turn = start(Request::new("m", [Message::user("go")]));
    let limit = Duration::from_secs(5);
    assert!(timeout(limit, run(&mut turn, &model, &lab, &Options::default())).await.is_err());
    assert!(matches!(turn.handle_cancel(), Step::Ask));
    assert_eq!(turn.messages().last().unwrap().tool_call_id.as_deref(), Some("a"));
}
