//! `mcp-bridge ask`: what the model is sent, what runs and what does not.

#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

mod program_support;

use program_support::counting::counting_server;
use program_support::{Folder, KEY, Run, Scripted, ScriptedModel, calling, run, serve_bare};
use serde_json::{Value, json};

/// Asks once, with a model that plays the script and the tools that count.
async fn ask(script: Vec<Scripted>, args: &[&str]) -> (Run, ScriptedModel, (usize, usize)) {
    let (url, ran) = counting_server().await;
    let model = ScriptedModel::start(script).await;
    let args: Vec<&str> = args.iter().copied().chain([url.as_str(), "Do the sums."]).collect();
    let run = model.ask(&args).await;
    let counts = ran.counts();
    (run, model, counts)
}

fn answer(id: &str, text: &str) -> Value {
    json!({ "role": "tool", "tool_call_id": id, "content": text })
}

fn user() -> Value {
    json!({ "role": "user", "content": "Do the sums." })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rounds_of_parallel_calls_lead_to_the_answer() {
    let first = [("c1", "add", r#"{"a":1,"b":2}"#), ("c2", "add", r#"{"b":20,"a":10}"#)];
    let second = [("c3", "note", r#"{"text":"3"}"#), ("c4", "note", r#"{"text":""}"#)];
    let script = vec![Scripted::calls(&first), Scripted::calls(&second), Scripted::text("3 and 30.")];
    let (run, model, counts) = ask(script, &["--system", "Be brief."]).await;

    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "3 and 30.\n"), "{}", run.stderr);
    assert_eq!(counts, (2, 2));
    let system = json!({ "role": "system", "content": "Be brief." });
    let before = vec![system, user()];
    let after_first = [before.clone(), vec![calling(&first), answer("c1", "3"), answer("c2", "30")]].concat();
    let after_second = [
        after_first.clone(),
        vec![calling(&second), answer("c3", "noted: 3"), answer("c4", "error: a note needs a text")],
    ]
    .concat();
    assert_eq!(model.transcripts(), [before, after_first, after_second].map(Value::from));
    for asked in model.asked() {
        assert_eq!((asked.path.as_str(), asked.authorization), ("/v1/chat/completions", Some(format!("Bearer {KEY}"))));
        assert_eq!(asked.body["model"], "scripted");
        let names: Vec<_> =
            asked.body["tools"].as_array().unwrap().iter().map(|tool| &tool["function"]["name"]).collect();
        assert_eq!(names, ["add", "note"]);
    }
    for line in [r#"→ add {"a":1,"b":2}"#, "← add", "✗ note"] {
        assert!(run.stderr.contains(line), "{line}: {}", run.stderr);
    }
}

/// Sends one call that cannot be made and one that can, and returns what the model was told of the first.
async fn told(name: &str, arguments: &str) -> String {
    let calls = [("c1", name, arguments), ("c2", "add", r#"{"a":1,"b":2}"#)];
    let (run, model, counts) = ask(vec![Scripted::calls(&calls), Scripted::text("Sorry.")], &[]).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Sorry.\n"), "{}", run.stderr);
    // Only the call that was right has run.
    assert_eq!(counts, (1, 0));
    let transcripts = model.transcripts();
    let told = transcripts[1][2]["content"].as_str().unwrap().to_owned();
    let expected = json!([user(), calling(&calls), answer("c1", &told), answer("c2", "3")]);
    assert_eq!(transcripts, [json!([user()]), expected]);
    // A human is told the same, by the name of the function.
    let reason = told.strip_prefix("error: ").unwrap();
    assert!(run.stderr.contains(&format!("✗ {name} {}", &reason[..40])), "{}", run.stderr);
    assert_eq!(run.stderr.matches('✗').count(), 1, "{}", run.stderr);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_arguments_are_answered_and_nothing_runs() {
    assert_eq!(
        told("note", r#"{"text":"a"#).await,
        "error: the arguments were not accepted and the tool was not run. Correct this and call it again:\n\
         - the arguments: expected one JSON object, got {\"text\":\"a (a string has no closing quote, at byte 8)"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_do_not_follow_the_schema_are_answered_with_every_fault() {
    assert_eq!(
        told("note", r#"{"txt":1}"#).await,
        "error: the arguments were not accepted and the tool was not run. Correct this and call it again:\n\
         - `txt`: unknown, did you mean `text`?; known are `text`\n\
         - `text`: missing, expected a string"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_does_not_exist_is_answered_with_what_there_is() {
    assert_eq!(
        told("notes", r#"{"text":"a"}"#).await,
        "error: there is no tool `notes` and nothing was run. Did you mean `note`? Available tools: `add`, `note`."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_somebody_else_never_leads_to_a_tool_of_ours() {
    assert_eq!(
        told("elsewhere-note", r#"{"text":"a"}"#).await,
        "error: there is no tool `elsewhere-note` and nothing was run. Available tools: `add`, `note`."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tool_says_is_not_taken_for_a_call_that_was_not_made() {
    let calls = [("c1", "note", r#"{"text":"nothing was run"}"#)];
    let (run, _, counts) = ask(vec![Scripted::calls(&calls), Scripted::text("Noted.")], &[]).await;
    assert_eq!((run.code, counts), (Some(0), (0, 1)));
    assert!(!run.stderr.contains('✗') && run.stderr.contains("← note"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tools_does_not_end_the_run() {
    let model = ScriptedModel::start(vec![Scripted::text("Hello.")]).await;
    let bare = serve_bare().await;
    let run = model.ask(&[&bare, "embedded", "Hello?"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Hello.\n"), "{}", run.stderr);
    assert!(run.stderr.contains("127.0.0.1 has no tools"), "{}", run.stderr);
    let names = &model.asked()[0].body["tools"][0]["function"]["name"];
    assert_eq!(names, "embedded__get_current_time");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_json_the_whole_conversation_is_printed() {
    let calls = [("c1", "add", r#"{"a":1,"b":2}"#)];
    let (run, _, _) = ask(vec![Scripted::calls(&calls), Scripted::text("3")], &["--json"]).await;
    let expected = json!({
        "text": "3",
        "finish_reason": "stop",
        "rounds": 1,
        "usage": { "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30 },
        "messages": [user(), calling(&calls), answer("c1", "3"), { "role": "assistant", "content": "3" }],
    });
    assert_eq!((run.code, run.json()), (Some(0), expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_only_calls_is_made_to_answer() {
    let call = || Scripted::calls(&[("c1", "add", r#"{"a":1,"b":2}"#)]);
    let (run, model, counts) = ask(vec![call(), Scripted::text("3")], &["--max-rounds", "1"]).await;
    assert_eq!((run.code, counts), (Some(0), (1, 0)));
    assert_eq!(model.asked()[1].body["tool_choice"], "none");

    let (run, _, counts) = ask(vec![call(), call()], &["--max-rounds", "1", "--json"]).await;
    assert_eq!((run.code, counts), (Some(5), (1, 0)));
    assert_eq!(run.error().0, "tool");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_exit_code_3_and_is_not_printed() {
    let body =
        json!({ "error": { "message": format!("Incorrect API key provided: {KEY}"), "code": "invalid_api_key" } });
    let (run, model, _) = ask(vec![Scripted::status(401, &body.to_string())], &["--json"]).await;
    assert_eq!((run.code, run.stdout.as_str(), model.asked().len()), (Some(3), "", 1));
    let (kind, message) = run.error();
    assert_eq!(kind, "auth");
    assert!(message.contains("Incorrect API key provided: …"), "{message}");
    assert!(!run.stderr.contains(KEY), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_provider_is_asked_again_after_the_time_it_says() {
    let busy = Scripted::status(429, r#"{"error":{"message":"slow down"}}"#).header("retry-after-ms", "1");
    let (run, model, _) = ask(vec![busy, Scripted::text("done")], &[]).await;
    assert_eq!((run.code, run.stdout.as_str(), model.asked().len()), (Some(0), "done\n", 2));
    assert!(run.stderr.contains("the model answered with status 429; asking again in 0."), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_and_a_wrong_request_are_not_repeated() {
    let spent = Scripted::status(429, r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#);
    let (run, model, _) = ask(vec![spent], &["--json"]).await;
    assert_eq!((run.code, run.error().0.as_str(), model.asked().len()), (Some(4), "unreachable", 1));
    let wrong = Scripted::status(400, r#"{"error":{"message":"no such parameter"}}"#);
    let (run, model, _) = ask(vec![wrong], &["--json"]).await;
    assert_eq!((run.code, run.error().0.as_str(), model.asked().len()), (Some(1), "refused", 1));
    assert!(run.error().1.contains("no such parameter"), "{}", run.stderr);
}

#[test]
fn without_a_key_openai_is_not_asked() {
    let run = run(&["ask", "embedded", "--model", "m", "why?", "--json"]);
    assert_eq!(
        (run.code, run.error()),
        (Some(3), ("auth".to_owned(), "there is no API key: the variable OPENAI_API_KEY is not set".to_owned()))
    );
}

#[test]
fn a_provider_that_cannot_be_reached_is_exit_code_4() {
    let run = run(&["ask", "embedded", "--model", "m", "--base-url", "http://127.0.0.1:1/v1", "why?", "--json"]);
    assert_eq!((run.code, run.error().0.as_str()), (Some(4), "unreachable"));
    assert!(run.error().1.contains("cannot connect to http://127.0.0.1:1/v1/chat/completions"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_answer_is_printed_as_it_comes_and_once() {
    let calls = [("c1", "add", r#"{"a":1,"b":2}"#), ("c2", "note", r#"{"text":"x"}"#)];
    let (run, model, counts) = ask(vec![Scripted::calls(&calls), Scripted::text("It is three.")], &["--stream"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "It is three.\n"), "{}", run.stderr);
    assert_eq!(counts, (1, 1));
    let asked = model.asked();
    assert!(
        asked.iter().all(|asked| asked.body["stream"] == true && asked.body["stream_options"]["include_usage"] == true)
    );
    assert_eq!(model.transcripts()[1], json!([user(), calling(&calls), answer("c1", "3"), answer("c2", "noted: x")]));

    let (run, _, _) = ask(vec![Scripted::calls(&calls), Scripted::text("It is three.")], &["--stream", "--json"]).await;
    assert_eq!(
        (run.json()["text"].as_str(), run.json()["usage"]["total_tokens"].as_u64()),
        (Some("It is three."), Some(30))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_responses_api_leads_to_the_answer_too() {
    let call = json!([{ "type": "function_call", "id": "fc_1", "call_id": "c1", "name": "add", "arguments": r#"{"a":1,"b":2}"# }]);
    for stream in ["--stream", "--no-stream"] {
        let args = ["--api", "responses", "--system", "Be brief.", stream];
        let (run, model, counts) = ask(vec![Scripted::items(&call), Scripted::item_text("It is three.")], &args).await;
        assert_eq!((run.code, run.stdout.as_str(), counts), (Some(0), "It is three.\n", (1, 0)), "{}", run.stderr);
        let asked = model.asked();
        assert_eq!(asked[0].path, "/v1/responses");
        assert_eq!(asked[0].body["instructions"], "Be brief.");
        assert_eq!(asked[0].body["tools"][0]["name"], "add");
        let input = asked[1].body["input"].as_array().unwrap();
        assert_eq!(input.last().unwrap(), &json!({ "type": "function_call_output", "call_id": "c1", "output": "3" }));
    }
}

/// Asks for both tools with a policy and answers; returns what the model was told of `add` and of `note`.
async fn approved(policy: &str, input: &str) -> (String, String, Run) {
    let (url, _) = counting_server().await;
    let calls = [("c1", "add", r#"{"a":1,"b":2}"#), ("c2", "note", r#"{"text":"x"}"#)];
    let model = ScriptedModel::start(vec![Scripted::calls(&calls), Scripted::text("Done.")]).await;
    let named = format!("lab={url}");
    let run = model.say("ask", &["--approve", policy, "--server", &named, "Do it."], input).await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Done.\n"), "{}", run.stderr);
    let told = |index: usize| model.transcripts()[1][index]["content"].as_str().unwrap().to_owned();
    (told(2), told(3), run)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_decides_and_the_model_is_told() {
    let check = async |policy: &str, input: &str, add: &str, note: &str| {
        let (told_add, told_note, run) = approved(policy, input).await;
        assert_eq!((told_add.as_str(), told_note.as_str()), (add, note), "{policy} {input:?} {}", run.stderr);
    };
    check("never", "", "3", "noted: x").await;
    check("always", "y\nyes\n", "3", "noted: x").await;
    check("always", "n\na\n", "error: denied by user: the user does not want it", "noted: x").await;
    check("writes", "y\n", "3", "noted: x").await;
    check("writes", "use a pen\n", "3", "error: denied by user: use a pen").await;
    check("deny:lab/note,always", "y", "3", "error: denied by policy, and nothing was run: the user does not allow it")
        .await;
    let nobody = "error: denied by user: nobody could be asked, because standard input has ended";
    check("always", "", nobody, nobody).await;
    let (_, _, run) = approved("writes", "y\n").await;
    assert!(run.stderr.contains("? note of lab {\"text\":\"x\"}") && !run.stderr.contains("? add"), "{}", run.stderr);
}

#[test]
fn a_policy_that_is_none_is_refused() {
    let run = run(&["ask", "embedded", "--model", "m", "--approve", "sometimes", "why?"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("`sometimes` of --approve is no rule"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_conversation_is_played_without_network_and_differences_are_told() {
    let folder = Folder::new("tape");
    let tape = folder.file("tape.jsonl");
    let calls = [("c1", "add", r#"{"a":1,"b":2}"#), ("c2", "note", r#"{"text":"x"}"#)];
    let busy = || Scripted::status(503, r#"{"error":{"message":"busy"}}"#);
    let script = vec![busy(), Scripted::calls(&calls), Scripted::text("It is three.")];
    let (recorded, _, _) = ask(script, &["--record", &tape, "--stream", "--approve", "deny:127.0.0.1/note"]).await;
    assert_eq!((recorded.code, recorded.stdout.as_str()), (Some(0), "It is three.\n"), "{}", recorded.stderr);
    let text = std::fs::read_to_string(&tape).unwrap();
    assert!(!text.contains(KEY) && text.lines().count() >= 6, "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&tape).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "a tape is as secret as the conversation");
    }

    let played = run(&["replay", &tape]);
    assert_eq!((played.code, played.stdout.as_str()), (Some(0), "It is three.\n"), "{}", played.stderr);
    assert!(played.stderr.contains("→ add") && played.stderr.contains("it is as it was recorded"), "{}", played.stderr);

    let same = ["ask", "--model", "scripted", "--replay", &tape, "--approve", "deny:127.0.0.1/note", "Do the sums."];
    assert_eq!((run(&same).code, run(&same).stdout.as_str()), (Some(0), "It is three.\n"));
    let other = run(&["ask", "--model", "scripted", "--replay", &tape, "Do it.", "--json"]);
    let (kind, message) = other.error();
    assert_eq!((other.code, kind.as_str()), (Some(1), "refused"), "{}", other.stderr);
    assert!(
        message.contains("at /messages/0/content: \"Do the sums.\" was recorded, \"Do it.\" is there now"),
        "{message}"
    );

    std::fs::write(
        &tape,
        text.replace("It is three", "It is four").replace("noted: x", "y").replace(r#""result""#, r#""resul""#),
    )
    .unwrap();
    assert_eq!(run(&["replay", &tape]).code, Some(1));
    std::fs::write(&tape, text.replace(r#"\"b\":2"#, r#"\"b\":5"#)).unwrap();
    let played = run(&["replay", &tape]);
    assert_eq!(played.code, Some(1), "{}", played.stderr);
    assert!(played.stderr.contains("it was recorded otherwise"), "{}", played.stderr);
}
