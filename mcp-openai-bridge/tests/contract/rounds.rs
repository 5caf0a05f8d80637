//! The loop: rounds, order, parallel calls, mixed ownership, streams.

use std::sync::Mutex;
use std::time::Duration;

use mcp_openai_bridge::chat::{self, Message};
use mcp_openai_bridge::driver::{self, Driver, End, Event, Host};
use mcp_openai_bridge::responses::{self, Item};
use mcp_openai_bridge::turn::{Exhausted, Final, Options, Outcome, Responses, Turn};
use mcp_types::RawJson;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::scripted::{Lab, Script, calls, item, lab_tools, message, response, says};

fn request() -> chat::Request {
    chat::Request::new("m", [Message::user("go")])
}

fn turn(options: Options) -> Turn {
    Turn::new(request(), lab_tools(), options)
}

fn responses_turn(members: &Value) -> Turn<Responses> {
    let mut request = json!({"model":"m","input":"go"});
    request.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Turn::new(serde_json::from_value::<responses::Request>(request).unwrap(), lab_tools(), Options::default())
}

fn with_function(name: &str) -> chat::Request {
    let mut request = request();
    let tool = json!({"type":"function","function":{"name":name}}).to_string();
    request.tools.push(RawJson::parse(tool).unwrap());
    request
}

async fn run(turn: &mut Turn, script: &Script, lab: &Lab) -> End {
    driver::run(turn, script, lab, &driver::Options::default()).await.unwrap()
}

fn done(end: End) -> Final {
    match end {
        End::Done(end) => end,
        other => panic!("{other:?}"),
    }
}

/// The answers to calls, each with its id.
fn answers(messages: &[Message]) -> Vec<(String, String)> {
    messages.iter().filter_map(|message| Some((message.tool_call_id.clone()?, message.text()))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn the_loop_goes_on_for_ten_rounds_and_then_the_model_answers_without_tools() {
    let replies = (0..10).map(|n| calls(n, &[("a", "echo", "{\"n\":1}")])).chain([says(10, "done")]);
    let (script, lab) = (Script::new(replies), Lab::default());
    let end = done(run(&mut turn(Options::default()), &script, &lab).await);
    assert_eq!((end.text().as_str(), end.rounds, lab.calls().len()), ("done", 10, 10));
    let choices: Vec<Value> = script.requests().iter().map(|request| request["tool_choice"].clone()).collect();
    assert_eq!(choices[..10], vec![Value::Null; 10]);
    assert_eq!(choices[10], "none");
}

#[tokio::test(start_paused = true)]
async fn a_loop_may_stop_after_its_rounds_instead_and_says_so_by_its_type() {
    let mut options = Options::default();
    (options.max_rounds, options.exhausted) = (2, Exhausted::Stop);
    let (script, lab) = (Script::new((0..3).map(|n| calls(n, &[("a", "echo", "{\"n\":1}")]))), Lab::default());
    let mut turn = turn(options);
    let End::OutOfRounds(end) = run(&mut turn, &script, &lab).await else { panic!() };
    assert_eq!((end.rounds, script.requests().len()), (2, 2));
    assert_eq!(answers(turn.messages()).len(), 2, "the conversation is complete");
}

#[tokio::test(start_paused = true)]
async fn a_forced_choice_is_released_after_the_first_round() {
    let mut request = request();
    request.tool_choice = Some(RawJson::parse("\"required\"").unwrap());
    let script = Script::new([calls(0, &[("a", "echo", "{}")]), says(1, "done")]);
    let _ = run(&mut Turn::new(request, lab_tools(), Options::default()), &script, &Lab::default()).await;
    let choices: Vec<Value> = script.requests().iter().map(|request| request["tool_choice"].clone()).collect();
    assert_eq!(choices, ["required", "auto"]);
}

#[tokio::test(start_paused = true)]
async fn the_tokens_of_all_replies_are_summed() {
    let script = Script::new([calls(0, &[("a", "echo", "{}")]), calls(1, &[("b", "echo", "{}")]), says(2, "done")]);
    let end = done(run(&mut turn(Options::default()), &script, &Lab::default()).await);
    assert_eq!(
        serde_json::to_value(end.usage).unwrap(),
        json!({"prompt_tokens":30,"completion_tokens":6,"total_tokens":36,"prompt_tokens_details":{"cached_tokens":3}})
    );
}

#[tokio::test(start_paused = true)]
async fn every_id_is_answered_in_the_order_of_the_calls_whatever_happens_to_them() {
    let asked = [
        ("a", "hang", "{}"),
        ("b", "panic", "{}"),
        ("c", "refuse", "{}"),
        ("d", "nope", "{}"),
        ("e", "echo", "{\"n\":"),
        ("f", "lost", "{}"),
        ("g", "fail", "{}"),
        ("h", "echo", "{\"n\":8}"),
    ];
    let script = Script::new([calls(0, &asked), says(1, "done")]);
    let mut turn = turn(Options::default());
    let _ = run(&mut turn, &script, &Lab::default()).await;
    let answers = answers(turn.messages());
    assert_eq!(
        answers[..3],
        pairs(&[
            ("a", "error: timeout: the tool gave no result within 60 seconds"),
            ("b", "error: internal_error: the call failed inside the program that makes it"),
            ("c", "error: mcp_protocol_error -32602: bad params"),
        ])
    );
    assert!(answers[3].1.starts_with("error: there is no tool `nope` and nothing was run."), "{}", answers[3].1);
    assert!(answers[4].1.starts_with("error: the arguments were not accepted and the tool was not run."));
    assert_eq!(
        answers[5..],
        pairs(&[("f", "error: http_error: connection refused"), ("g", "error: disk full"), ("h", "echo says 8")])
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_turn_answers_every_id_and_can_be_gone_on_with() {
    let script = Script::new([calls(0, &[("a", "hang", "{}"), ("b", "echo", "{\"n\":1}")]), says(1, "done")]);
    let (lab, mut turn) = (Lab::default(), turn(Options::default()));
    let soon = async { drop(tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await) };
    let end = Driver::new(&script, &lab).cancel_on(soon).run(&mut turn).await.unwrap();
    assert!(matches!(end, End::Cancelled));
    let cancelled = "error: cancelled: the call was cancelled before it had a result";
    assert_eq!(answers(turn.messages()), pairs(&[("a", cancelled), ("b", "echo says 1")]));
    assert_eq!(done(run(&mut turn, &script, &lab).await).text(), "done");
}

/// Fault 0.5: three calls of a second each took three.
#[tokio::test(start_paused = true)]
async fn three_parallel_calls_of_a_second_take_a_second_in_both_apis() {
    let asked = [("a", "echo", "{\"n\":1}"), ("b", "echo", "{\"n\":2}"), ("c", "echo", "{\"n\":3}")];
    let (script, lab, since) = (Script::new([calls(0, &asked), says(1, "done")]), Lab::default(), Instant::now());
    let _ = run(&mut turn(Options::default()), &script, &lab).await;
    assert_eq!((since.elapsed(), lab.most()), (Duration::from_secs(1), 3));

    let items = asked.map(|(id, name, arguments)| item(id, name, arguments));
    let script = Script::new([response(0, &items), response(1, &[message("done")])]);
    let (lab, since) = (Lab::default(), Instant::now());
    let _ = driver::run(&mut responses_turn(&json!({})), &script, &lab, &driver::Options::default()).await.unwrap();
    assert_eq!((since.elapsed(), lab.most()), (Duration::from_secs(1), 3));
}

/// Fault 0.6: one round in Chat and in Responses without streaming, and then the call came back without its history.
#[tokio::test(start_paused = true)]
async fn the_loop_is_a_loop_in_both_apis_streamed_or_not() {
    let replies = || (0..5).map(|n| calls(n, &[("a", "echo", "{\"n\":1}")])).chain([says(5, "done")]);
    for streams in [false, true] {
        let (script, lab) = (Script::new(replies()), Lab::default());
        let end = Driver::new(&script, &lab).stream(streams).run(&mut turn(Options::default())).await.unwrap();
        assert_eq!((done(end).rounds, lab.calls().len()), (5, 5), "streams: {streams}");
    }
    let items = (0..5).map(|n| response(n, &[item(&format!("c{n}"), "echo", "{\"n\":1}")]));
    let (script, lab) = (Script::new(items.chain([response(5, &[message("done")])])), Lab::default());
    let mut turn = responses_turn(&json!({}));
    let end = Driver::new(&script, &lab).stream(true).run(&mut turn).await.unwrap();
    let End::Done(end) = end else { panic!() };
    assert_eq!((end.rounds, lab.calls().len(), end.text().as_str()), (5, 5, "done"));
    assert_eq!(script.requests()[5]["input"].as_array().unwrap().len(), 11, "the history is whole");
}

/// Fault 0.7: a client's function got a made-up result.
#[tokio::test(start_paused = true)]
async fn functions_of_the_client_are_handed_back_in_the_same_turn_and_gone_on_with() {
    let asked = [("a", "mine", "{\"x\":1}"), ("b", "echo", "{\"n\":2}")];
    let (script, lab) = (Script::new([calls(0, &asked), says(1, "done")]), Lab::default());
    let mut turn = Turn::new(with_function("mine"), lab_tools(), Options::default());
    let End::HandBack(theirs) = run(&mut turn, &script, &lab).await else { panic!() };
    assert_eq!((theirs.len(), theirs[0].call.id.as_str(), theirs[0].call.name().as_deref()), (1, "a", Some("mine")));
    assert_eq!(lab.calls(), ["echo {\"n\":2}"], "what is ours has run meanwhile");
    let _ = turn.handle_results([(theirs[0].index, Outcome::Text("42".to_owned()))]).unwrap();
    assert_eq!(done(run(&mut turn, &script, &lab).await).text(), "done");
    assert_eq!(answers(turn.messages()), pairs(&[("a", "42"), ("b", "echo says 2")]));
    assert_eq!(script.requests()[1]["tools"][0]["function"]["name"], "mine", "it is offered in every round");
}

/// Fault 0.7, second half: the tools of the client were wiped.
#[tokio::test(start_paused = true)]
async fn a_client_that_keeps_no_turn_goes_on_by_its_conversation() {
    let asked = [("a", "mine", "{}"), ("b", "echo", "{\"n\":2}")];
    let script = Script::new([calls(0, &asked), says(1, "done")]);
    let (lab, mut first) = (Lab::default(), Turn::new(with_function("mine"), lab_tools(), Options::default()));
    let End::HandBack(_) = run(&mut first, &script, &lab).await else { panic!() };
    // The client knows the reply, answers its own call, and sends all of it again.
    let mut request = with_function("mine");
    request.messages = first.into_messages();
    request.messages.push(Message::tool("a", "42"));
    let mut turn = Turn::resume(request, lab_tools(), Options::default());
    assert_eq!(done(run(&mut turn, &script, &lab).await).text(), "done");
    assert_eq!(answers(turn.messages()), pairs(&[("b", "echo says 2"), ("a", "42")]), "as the client put them");
    assert_eq!(lab.calls().len(), 1, "what has run is not run again");
}

/// 1.10: a tool that is not offered, and a client's function, were answered by a Python `KeyError`.
#[tokio::test(start_paused = true)]
async fn an_unknown_tool_is_told_what_there_is() {
    let script = Script::new([calls(0, &[("a", "ecko", "{}")]), says(1, "done")]);
    let (lab, mut turn) = (Lab::default(), turn(Options::default()));
    let _ = run(&mut turn, &script, &lab).await;
    assert_eq!(
        answers(turn.messages())[0].1,
        "error: there is no tool `ecko` and nothing was run. Did you mean `echo`? Available tools: `echo`, `hang`, `panic`, `refuse`, `lost`, `fail`."
    );
    assert!(lab.calls().is_empty());
}

/// 1.10: broken arguments were run as `{}`, and an array was sent to the model as a dump.
#[tokio::test(start_paused = true)]
async fn arguments_that_are_no_object_are_never_run() {
    let asked = [("a", "echo", "{\"text\": \"unterminated"), ("b", "echo", "[1]"), ("c", "echo", "{\"n\":\"x\"}")];
    let (script, lab) = (Script::new([calls(0, &asked), says(1, "done")]), Lab::default());
    let mut turn = turn(Options::default());
    let _ = run(&mut turn, &script, &lab).await;
    assert!(lab.calls().is_empty());
    let texts: Vec<String> = answers(turn.messages()).into_iter().map(|(_, text)| text).collect();
    let refused =
        "error: the arguments were not accepted and the tool was not run. Correct this and call it again:\n- ";
    let check = |at: usize, expected: &str| assert_eq!(texts[at], format!("{refused}{expected}"));
    check(
        0,
        "the arguments: expected one JSON object, got {\"text\": \"unterminated (a string has no closing quote, at byte 9)",
    );
    check(1, "the arguments: expected one JSON object, got an array of 1");
    check(2, "`n`: expected an integer, got \"x\"");
}

/// 1.10: what the inner turns had said in members of their own was sent to OpenAI.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_neither_the_client_nor_the_model_said() {
    let mut reply = calls(0, &[("a", "echo", "{\"n\":1}")]);
    reply["choices"][0]["message"]["reasoning_content"] = "hm".into();
    let script = Script::new([reply.clone(), says(1, "done")]);
    let _ = run(&mut turn(Options::default()), &script, &Lab::default()).await;
    let second = &script.requests()[1];
    assert_eq!(second.as_object().unwrap().keys().collect::<Vec<_>>(), ["messages", "model", "tools"]);
    assert_eq!(
        second["messages"],
        json!([
            {"role":"user","content":"go"},
            reply["choices"][0]["message"],
            {"role":"tool","tool_call_id":"a","content":"echo says 1"}
        ])
    );
}

/// 1.10 and LiteLLM #33520: `previous_response_id` and the whole input were both sent.
#[tokio::test(start_paused = true)]
async fn what_the_provider_remembers_is_not_sent_again() {
    let replies = || [response(1, &[item("a", "echo", "{\"n\":1}")]), response(2, &[message("done")])];
    let second = async |members: Value| {
        let script = Script::new(replies());
        let mut turn = responses_turn(&members);
        let _ = driver::run(&mut turn, &script, &Lab::default(), &driver::Options::default()).await.unwrap();
        script.requests()[1].clone()
    };
    let output = json!({"type":"function_call_output","call_id":"a","output":"echo says 1"});
    let request = second(json!({"previous_response_id":"resp_0"})).await;
    assert_eq!((&request["previous_response_id"], &request["input"]), (&json!("resp_1"), &json!([output])));
    let request = second(json!({})).await;
    assert_eq!(request.get("previous_response_id"), None);
    assert_eq!(
        request["input"],
        json!([{"type":"message","role":"user","content":"go"}, item("a", "echo", "{\"n\":1}"), output])
    );
}

/// Gives the chunks of all rounds to a relay, as a gateway does, and keeps what the client gets.
struct Client {
    relay: Mutex<chat::Relay>,
    lines: Mutex<Vec<String>>,
}

impl Client {
    fn send(&self, chunks: impl IntoIterator<Item = chat::Chunk>) {
        let lines = chunks.into_iter().map(|chunk| serde_json::to_string(&chunk).unwrap());
        self.lines.lock().unwrap().extend(lines);
    }
}

impl Host for Client {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Chunk(chunk) => self.send(self.relay.lock().unwrap().push(chunk).unwrap()),
            Event::Replied(_) => self.send(self.relay.lock().unwrap().end_round()),
            _ => {}
        }
    }
}

/// 1.10: inner calls and finish reasons leaked, and there were two ids in one stream.
#[tokio::test(start_paused = true)]
async fn ten_streamed_rounds_are_one_clean_message() {
    let rounds = (1..10).map(|n| {
        let (first, second) = (format!("c{n}a"), format!("c{n}b"));
        let arguments = format!("{{\"n\":{n}}}");
        calls(n, &[(&first, "echo", &arguments), (&second, if n == 5 { "fail" } else { "echo" }, "{\"n\":0}")])
    });
    let (script, lab) = (Script::new(rounds.chain([says(10, "All done.")])), Lab::default());
    let relay = Mutex::new(chat::Relay::new([""; 0]).shows_usage(true));
    let client = Client { relay, lines: Mutex::default() };
    let mut turn = turn(Options::default());
    let end = Driver::new(&script, &lab).host(&client).stream(true).run(&mut turn).await.unwrap();
    assert_eq!(done(end).rounds, 9);
    let relay = std::mem::replace(&mut *client.relay.lock().unwrap(), chat::Relay::new([""; 0]));
    client.send(relay.finish(None));

    let lines = client.lines.into_inner().unwrap();
    assert_eq!(lines.join("\n") + "\n", include_str!("ten_rounds_streamed.golden"));
    let mut whole = chat::Assembler::default();
    for line in &lines {
        whole.push(&serde_json::from_str(line).unwrap()).unwrap();
    }
    let reply = whole.finish().unwrap();
    assert!(reply.choices[0].message.tool_calls.is_empty());
    assert_eq!(reply.usage.unwrap().count("total_tokens"), Some(120));
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(count("\"id\":\"chatcmpl-1\""), lines.len(), "one id");
    assert_eq!((count("\"role\""), count("\"finish_reason\":\"stop\""), count("\"usage\"")), (1, 1, 1));
    assert_eq!(count("tool_calls"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_transcript_of_ten_rounds_is_golden_in_both_apis() {
    let asked = |n: usize| (format!("c{n}a"), format!("c{n}b"), format!("{{\"n\":{n}}}"));
    let replies = (1..10).map(|n| {
        let (first, second, arguments) = asked(n);
        calls(n, &[(&first, "echo", &arguments), (&second, if n == 5 { "fail" } else { "echo" }, "{\"n\":0}")])
    });
    let (script, lab, mut turn) =
        (Script::new(replies.chain([says(10, "done")])), Lab::default(), turn(Options::default()));
    let _ = run(&mut turn, &script, &lab).await;
    let lines: Vec<String> = turn.messages().iter().map(|said| serde_json::to_string(said).unwrap()).collect();
    assert_eq!(lines.join("\n") + "\n", include_str!("ten_rounds_chat.golden"));

    let replies = (1..10).map(|n| {
        let (first, second, arguments) = asked(n);
        let reasoning = json!({"type":"reasoning","id":format!("rs_{n}"),"summary":[]});
        let failing = if n == 5 { "fail" } else { "echo" };
        response(n, &[reasoning, item(&first, "echo", &arguments), item(&second, failing, "{\"n\":0}")])
    });
    let script = Script::new(replies.chain([response(10, &[message("done")])]));
    let mut turn = responses_turn(&json!({}));
    let _ = driver::run(&mut turn, &script, &lab, &driver::Options::default()).await.unwrap();
    let lines: Vec<String> = turn.input().iter().map(|said: &Item| serde_json::to_string(said).unwrap()).collect();
    assert_eq!(lines.join("\n") + "\n", include_str!("ten_rounds_responses.golden"));
}
