//! `mcp-bridge chat`: a conversation of several turns, with lines from a pipe.

#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

mod program_support;

use mcp_server::{AskError, Cx, Form, Http, Server, Tool, implementation};
use mcp_types::{CreateMessageRequestParams, Role, SamplingMessage};
use program_support::counting::counting_server;
use program_support::{Folder, Scripted, ScriptedModel, Talking, calling, run};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

fn assistant(text: &str) -> Value {
    json!({ "role": "assistant", "content": text })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_is_a_turn_of_one_conversation_until_it_begins_anew() {
    let script = ["Hello.", "Fine.", "Who are you?"].map(Scripted::text).into();
    let model = ScriptedModel::start(script).await;
    let input = "Hi\n\n/what\nHow are you?\n/reset\nHi again\n/quit\nnot said\n";
    let run = model.say("chat", &["--system", "Be brief."], input).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Hello.\nFine.\nWho are you?\n"), "{}", run.stderr);
    assert!(run.stderr.contains("there is no command /what") && run.stderr.contains("begins anew"), "{}", run.stderr);
    let system = json!({ "role": "system", "content": "Be brief." });
    let first = json!([system, user("Hi")]);
    let second = json!([system, user("Hi"), assistant("Hello."), user("How are you?")]);
    assert_eq!(model.transcripts(), [first, second, json!([system, user("Hi again")])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_write_are_approved_by_the_next_line_and_always_is_remembered() {
    let (url, ran) = counting_server().await;
    let call = |id| [(id, "add", r#"{"a":1,"b":2}"#), (id, "note", r#"{"text":"x"}"#)];
    let script = vec![
        Scripted::calls(&call("a")[1..]),
        Scripted::text("One."),
        Scripted::calls(&call("b")),
        Scripted::text("Two."),
        Scripted::calls(&call("c")[1..]),
        Scripted::text("Three."),
    ];
    let model = ScriptedModel::start(script).await;
    let run = model.say("chat", &[&url, "--stream"], "go\nno\ngo\na\ngo\n").await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "One.\nTwo.\nThree.\n"), "{}", run.stderr);
    assert_eq!((ran.counts(), run.stderr.matches("? note").count()), ((1, 2), 2), "{}", run.stderr);
    assert!(run.stderr.contains("✗ note") && run.stderr.contains("→ add") && run.stderr.contains("← note"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_responses_api_holds_a_conversation_too() {
    let model = ScriptedModel::start(vec![Scripted::item_text("Hello."), Scripted::item_text("Fine.")]).await;
    let run = model.say("chat", &["--api", "responses", "--json"], "Hi\nHow are you?\n").await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let said: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&said[0]["text"], &said[1]["text"]), (&json!("Hello."), &json!("Fine.")));
    let input = model.asked()[1].body["input"].clone();
    assert_eq!(input.as_array().unwrap().len(), 3, "{input}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_fails_is_told_and_the_conversation_goes_on_without_it() {
    let wrong = Scripted::status(400, r#"{"error":{"message":"no such parameter"}}"#);
    let model = ScriptedModel::start(vec![wrong, Scripted::text("Hello.")]).await;
    let run = model.say("chat", &[], "What?\nHi\n").await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Hello.\n"), "{}", run.stderr);
    assert!(run.stderr.contains("no such parameter"), "{}", run.stderr);
    assert_eq!(model.transcripts()[1], json!([user("Hi")]));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_cancels_the_turn_and_answers_its_calls_and_a_second_one_leaves() {
    let count = [("c1", "countdown", r#"{"seconds":60}"#)];
    let script = vec![Scripted::calls(&count), Scripted::text("Never mind."), Scripted::hanging()];
    let model = ScriptedModel::start(script).await;
    let mut talking = Talking::start(model.program("chat", &["embedded", "--approve", "never", "--stream"]));
    let (talking, _) = tokio::task::spawn_blocking(move || {
        talking.say("Count.");
        talking.wait_for("→ countdown");
        talking.signal("INT");
        talking.wait_for("cancelled");
        talking.say("Then stop.");
        // Its answer comes before the next question.
        talking.wait_for_output("Never mind.");
        talking.say("And?");
        (talking, ())
    })
    .await
    .unwrap();
    while model.asked().len() < 3 {
        tokio::task::yield_now().await;
    }
    let code = tokio::task::spawn_blocking(move || {
        let mut talking = talking;
        talking.signal("INT");
        talking.wait_for("cancelled");
        talking.signal("INT");
        talking.finish()
    });
    assert_eq!(code.await.unwrap(), Some(130));
    let cancelled = "error: cancelled: the call was cancelled before it had a result";
    let answer = json!({ "role": "tool", "tool_call_id": "c1", "content": cancelled });
    assert_eq!(model.transcripts()[1], json!([user("Count."), calling(&count), answer, user("Then stop.")]));
    let last = model.transcripts()[2].clone();
    assert_eq!(last.as_array().unwrap().last().unwrap(), &user("And?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_chat_is_played_turn_by_turn_with_its_approvals() {
    let folder = Folder::new("chat");
    let tape = folder.file("chat.jsonl");
    let (url, _) = counting_server().await;
    let note = |id| Scripted::calls(&[(id, "note", r#"{"text":"x"}"#)]);
    let script = vec![note("a"), Scripted::text("One."), note("b"), Scripted::text("Two.")];
    let model = ScriptedModel::start(script).await;
    let recorded = model.say("chat", &[&url, "--record", &tape], "go\nnot now\ngo\ny\n").await;
    assert_eq!((recorded.code, recorded.stdout.as_str()), (Some(0), "One.\nTwo.\n"), "{}", recorded.stderr);
    let played = run(&["replay", &tape]);
    assert_eq!((played.code, played.stdout.as_str()), (Some(0), "One.\nTwo.\n"), "{}", played.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tools_are_listed() {
    let model = ScriptedModel::start(Vec::new()).await;
    let run = model.say("chat", &["embedded"], "/tools\n").await;
    assert!(run.stderr.contains("  get_current_time (get_current_time of embedded)"), "{}", run.stderr);
    assert_eq!((run.code, model.asked().len()), (Some(0), 0));
}

#[derive(Deserialize, JsonSchema)]
struct Guest {
    name: String,
    age: Option<u32>,
}

async fn greet(cx: Cx) -> Result<String, AskError> {
    let guest: Guest = cx.elicit("who", Form::new("Who are you?")).await?;
    Ok(format!("{} is {:?}", guest.name, guest.age))
}

async fn wonder(cx: Cx) -> Result<String, AskError> {
    let question = SamplingMessage::new(Role::User, "What is six times seven?".to_owned());
    let result = cx.sample("sum", CreateMessageRequestParams::new(vec![question], 100_u64)).await?;
    Ok(format!("said by {}", result.model))
}

/// Serves tools that ask back, for as long as the runtime lives.
async fn asking_server() -> String {
    let server = Server::builder(implementation!())
        .tool(Tool::new("greet", greet))
        .tool(Tool::new("wonder", wonder))
        .build()
        .unwrap();
    let http = Http::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", http.local_addr());
    tokio::spawn(async move { server.serve(http).await });
    url
}

/// Lets the model call a tool that asks back; returns what the model was told, and the run.
async fn asked_back(era: &str, tool: &str, input: &str, inner: Option<Scripted>) -> (String, String) {
    let url = asking_server().await;
    let mut script = vec![Scripted::calls(&[("c1", tool, "{}")])];
    script.extend(inner);
    script.push(Scripted::text("Done."));
    let model = ScriptedModel::start(script).await;
    let args = [&url, "--approve", "never", "--era", era];
    let run = model.say("chat", &args, &format!("go\n{input}")).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Done.\n"), "{}", run.stderr);
    let transcript = model.transcripts().pop().unwrap();
    (transcript[2]["content"].as_str().unwrap().to_owned(), run.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_of_a_server_is_asked_for_field_by_field() {
    for era in ["modern", "legacy"] {
        let (told, stderr) = asked_back(era, "greet", "old\n36\n\nAda\n", None).await;
        assert_eq!(told, "Ada is Some(36)", "{era} {stderr}");
        for part in
            ["? 127.0.0.1 asks: Who are you?", "name (text)", "name is required; again:", "age must be a number"]
        {
            assert!(stderr.contains(part), "{era} {part}: {stderr}");
        }
        assert_eq!(asked_back(era, "greet", "\nAda\n", None).await.0, "Ada is None");
        for input in ["/decline\n", "36\n/cancel\n", ""] {
            let (told, stderr) = asked_back(era, "greet", input, None).await;
            assert!(told.starts_with("error: "), "{era} {input:?}: {told} {stderr}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_asks_the_model_when_it_may() {
    for era in ["modern", "legacy"] {
        let inner = Scripted::text("42");
        let (told, stderr) = asked_back(era, "wonder", "y\n", Some(inner)).await;
        assert!(told.starts_with("said by "), "{era}: {told} {stderr}");
        assert!(stderr.contains("wants the model to answer") && stderr.contains("six times seven"), "{stderr}");
        let (told, _) = asked_back(era, "wonder", "n\n", None).await;
        assert!(told.starts_with("error: "), "{era}: {told}");
    }
}
