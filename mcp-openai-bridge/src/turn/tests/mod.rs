//! The loop, by literal conversations.

use mcp_types::{CallToolResult, ContentBlock, RawJson, Tool};
use serde_json::{Value, json};

use super::*;

mod approvals;
mod budgets;
mod legal;
mod resumed;

use crate::chat::{Arguments, Completion, Request, ToolCall};

fn tools() -> Arc<ToolSet> {
    let schema = RawJson::parse(r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#).unwrap();
    let tools = [Tool::new("add", schema.clone()), Tool::new("sub.tract", schema)];
    Arc::new(ToolSet::builder().server("math", &tools).build())
}

fn turn(options: Options) -> Turn {
    Turn::new(Request::new("m", [Message::user("go")]), tools(), options)
}

fn calls(calls: &[(&str, &str, &str)]) -> Completion {
    let mut message = Message::with_content("assistant", RawJson::null());
    message.tool_calls =
        calls.iter().map(|(id, name, arguments)| ToolCall::new(*id, *name, Arguments::from(*arguments))).collect();
    Completion::new(message, "tool_calls")
}

fn says(text: &str) -> Completion {
    Completion::new(Message::new("assistant", text), "stop")
}

fn ready(step: Step) -> Vec<Call> {
    match step {
        Step::Call(calls) => calls,
        other => panic!("{other:?}"),
    }
}

fn result(call: &Call, text: &str) -> (CallIndex, Outcome) {
    (call.index, Outcome::Result(CallToolResult::text(text)))
}

/// The conversation after the first message, without the model's own messages.
fn answers(turn: &Turn) -> Value {
    let answers: Vec<&Message> = turn.messages().iter().skip(1).filter(|message| message.role != "assistant").collect();
    serde_json::to_value(answers).unwrap()
}

#[test]
fn an_answer_without_calls_ends_the_turn() {
    let mut turn = turn(Options::default());
    let Step::Done(end) = turn.handle_model(says("hello")).unwrap() else { panic!() };
    assert_eq!((end.text().as_str(), end.finish_reason.as_deref(), end.rounds), ("hello", Some("stop"), 0));
    assert!(matches!(turn.step(), Step::Done(_)));
}

#[test]
fn answers_stand_in_the_order_of_the_calls_whatever_order_they_come_in() {
    let mut turn = turn(Options::default());
    let calls = ready(turn.handle_model(calls(&[("a", "add", "{}"), ("b", "add", "{\"n\":1}")])).unwrap());
    assert_eq!(
        (calls[0].tool.server(), calls[0].tool.tool(), calls[1].arguments.as_str()),
        ("math", "add", "{\"n\":1}")
    );
    let remaining = ready(turn.handle_results([result(&calls[1], "second")]).unwrap());
    assert_eq!(remaining.len(), 1, "the first call is still waited for");
    assert_eq!(turn.messages().len(), 2, "no answer stands alone");
    assert!(matches!(turn.handle_results([result(&calls[0], "first")]).unwrap(), Step::Ask));
    assert_eq!(
        answers(&turn),
        json!([{"role":"tool","tool_call_id":"a","content":"first"},{"role":"tool","tool_call_id":"b","content":"second"}])
    );
}

#[test]
fn a_call_that_cannot_be_made_is_answered_and_nothing_is_run_for_it() {
    let mut turn = turn(Options::default());
    let reply = calls(&[("a", "nope", "{}"), ("b", "add", "{\"n\": 1"), ("c", "sub.tract", "{}"), ("d", "add", "")]);
    let ready = ready(turn.handle_model(reply).unwrap());
    assert_eq!(ready.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["d"]);
    let rejected: Vec<_> = turn.rejected().iter().map(|call| (call.id.as_str(), call.name.as_str())).collect();
    assert_eq!(rejected, [("a", "nope"), ("b", "add"), ("c", "sub.tract")]);
    assert!(matches!(turn.rejected()[0].why, Refusal::Unknown { .. }));
    assert!(matches!(turn.rejected()[1].why, Refusal::Arguments(_)));
    let _ = turn.handle_results([result(&ready[0], "ok")]).unwrap();
    let name = turn.tools.iter().nth(1).unwrap().name().to_owned();
    let available = format!("Available tools: `add`, `{name}`.");
    assert_eq!(
        answers(&turn),
        json!([
            {"role":"tool","tool_call_id":"a","content":format!("error: there is no tool `nope` and nothing was run. {available}")},
            {"role":"tool","tool_call_id":"b","content":"error: the arguments were not accepted and the tool was not run. Correct this and call it again:\n- the arguments: expected one JSON object, got {\"n\": 1 (expected `,` or `}` in an object, at byte 7)"},
            {"role":"tool","tool_call_id":"c","content":format!("error: there is no tool `sub.tract` and nothing was run. Did you mean `{name}`? {available}")},
            {"role":"tool","tool_call_id":"d","content":"ok"}
        ])
    );
}

#[test]
fn a_call_that_lost_its_arguments_with_the_end_of_the_reply_is_not_made() {
    let check = |finish_reason: &str, arguments: Arguments, is_made: bool| {
        let mut reply = calls(&[("a", "add", "{}"), ("b", "add", "")]);
        reply.choices[0].message.tool_calls[1] = ToolCall::new("b", "add", arguments);
        reply.choices[0].finish_reason = Some(finish_reason.to_owned());
        let mut turn = turn(Options::default());
        let ready = ready(turn.handle_model(reply).unwrap());
        let made: Vec<_> = ready.iter().map(|call| call.id.as_str()).collect();
        assert_eq!(made, if is_made { ["a", "b"].as_slice() } else { &["a"] }, "{finish_reason}");
        let why = turn.rejected().iter().map(|call| call.why.to_string()).collect::<String>();
        assert_eq!(why.contains("the reply was cut off before its end"), !is_made, "{why}");
    };
    for finish_reason in ["length", "content_filter"] {
        check(finish_reason, Arguments::Absent, false);
        check(finish_reason, Arguments::from(" \n"), false);
        check(finish_reason, Arguments::from("{}"), true);
    }
    check("tool_calls", Arguments::Absent, true);
    check("stop", Arguments::from(""), true);
}

#[test]
fn when_no_call_can_be_made_the_model_is_asked_again_at_once() {
    let mut turn = turn(Options::default());
    assert!(matches!(turn.handle_model(calls(&[("a", "nope", "{}")])).unwrap(), Step::Ask));
    assert_eq!(turn.messages().len(), 3);
    assert_eq!(turn.rounds(), 1);
    assert_eq!(turn.rejected().len(), 1, "what was rejected is known after its round, until the next reply");
    let _ = turn.handle_model(says("sorry")).unwrap();
    assert_eq!(turn.rejected(), []);
}

#[cfg(feature = "validate")]
#[test]
fn arguments_that_break_the_schema_are_answered_with_every_fault() {
    let mut turn = turn(Options::default());
    assert!(matches!(turn.handle_model(calls(&[("a", "add", "{\"n\":\"1\"}")])).unwrap(), Step::Ask));
    assert_eq!(
        answers(&turn)[0]["content"],
        "error: the arguments were not accepted and the tool was not run. Correct this and call it again:\n- `n`: expected an integer, got \"1\""
    );
}

#[test]
fn each_failure_has_a_name_of_its_own() {
    let check = |failure: Failure, expected: &str| {
        let mut turn = turn(Options::default());
        let calls = ready(turn.handle_model(calls(&[("a", "add", "{}")])).unwrap());
        let _ = turn.handle_results([(calls[0].index, Outcome::Failed(failure))]).unwrap();
        assert_eq!(answers(&turn)[0]["content"], expected);
    };
    check(
        Failure::Protocol { code: -32602, message: "bad params".to_owned() },
        "error: mcp_protocol_error -32602: bad params",
    );
    check(Failure::Transport { message: "connection refused".to_owned() }, "error: http_error: connection refused");
    check(
        Failure::TimedOut { after: std::time::Duration::from_secs(60) },
        "error: timeout: the tool gave no result within 60 seconds",
    );
    check(Failure::Panicked, "error: internal_error: the call failed inside the program that makes it");
    check(Failure::Denied { reason: "not today".to_owned() }, "error: denied by user: not today");
}

#[test]
fn a_cancelled_turn_has_an_answer_for_every_call() {
    let mut turn = turn(Options::default());
    let calls = ready(turn.handle_model(calls(&[("a", "add", "{}"), ("b", "add", "{}")])).unwrap());
    let _ = turn.handle_results([result(&calls[0], "done")]).unwrap();
    assert!(matches!(turn.handle_cancel(), Step::Ask));
    assert_eq!(
        answers(&turn),
        json!([
            {"role":"tool","tool_call_id":"a","content":"done"},
            {"role":"tool","tool_call_id":"b","content":"error: cancelled: the call was cancelled before it had a result"}
        ])
    );
}

#[test]
fn media_follow_after_the_last_answer() {
    let mut turn = turn(Options::default());
    let calls = ready(turn.handle_model(calls(&[("a", "add", "{}"), ("b", "add", "{}")])).unwrap());
    let picture = CallToolResult::new().content([ContentBlock::image("iVBORw0KGgo=", "image/png")]);
    let _ = turn.handle_results([(calls[0].index, Outcome::Result(picture)), result(&calls[1], "text")]).unwrap();
    assert_eq!(
        answers(&turn),
        json!([
            {"role":"tool","tool_call_id":"a","content":"[image 1: image/png, in the message after the tool results]"},
            {"role":"tool","tool_call_id":"b","content":"text"},
            {"role":"user","content":[
                {"type":"text","text":"Media in the result of the tool call a, in the order of their numbers:"},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}
            ]}
        ])
    );
}

#[test]
fn ids_that_are_missing_or_stand_twice_become_unique_in_call_and_answer() {
    let mut turn = turn(Options::default());
    let _ = turn.handle_model(calls(&[("x", "nope", "{}"), ("x", "nope", "{}"), ("", "nope", "{}")])).unwrap();
    let asked: Vec<&str> = turn.messages()[1].tool_calls.iter().map(|call| call.id.as_str()).collect();
    let answered: Vec<&str> =
        turn.messages()[2..].iter().filter_map(|message| message.tool_call_id.as_deref()).collect();
    assert_eq!(asked, ["x", "call_0_1", "call_0_2"]);
    assert_eq!(asked, answered);
}

#[test]
fn the_request_has_the_tools_of_both_and_keeps_its_members() {
    let request: Request = serde_json::from_str(
        r#"{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"mine"}}],"temperature":0.5}"#,
    )
    .unwrap();
    let turn = Turn::new(request, tools(), Options::default());
    let request = serde_json::to_value(turn.next_request()).unwrap();
    let names: Vec<&str> =
        request["tools"].as_array().unwrap().iter().filter_map(|tool| tool["function"]["name"].as_str()).collect();
    assert_eq!(names[..2], ["mine", "add"]);
    assert_eq!((names.len(), &request["temperature"]), (3, &json!(0.5)));
}

#[test]
fn a_choice_without_tools_is_not_sent() {
    let mut request = Request::new("m", []);
    request.tool_choice = Some(RawJson::parse("\"required\"").unwrap());
    assert_eq!(Turn::new(request, Arc::default(), Options::default()).next_request().tool_choice, None);
}

#[test]
fn functions_of_the_request_are_handed_back_after_the_calls_of_servers() {
    let mut request = Request::new("m", [Message::user("go")]);
    request.tools.push(RawJson::parse(r#"{"type":"function","function":{"name":"mine"}}"#).unwrap());
    let mut turn = Turn::new(request, tools(), Options::default());
    let ours = ready(turn.handle_model(calls(&[("a", "mine", "{oops"), ("b", "add", "{}")])).unwrap());
    assert_eq!(ours.len(), 1);
    let Step::HandBack(theirs) = turn.handle_results([result(&ours[0], "sum")]).unwrap() else { panic!() };
    assert_eq!(theirs[0].call, ToolCall::new("a", "mine", Arguments::from("{oops")));
    let step = turn.handle_results([(theirs[0].index, Outcome::Text("mine too".to_owned()))]).unwrap();
    assert!(matches!(step, Step::Ask));
    assert_eq!(
        answers(&turn),
        json!([{"role":"tool","tool_call_id":"a","content":"mine too"},{"role":"tool","tool_call_id":"b","content":"sum"}])
    );
}

#[test]
fn a_forced_choice_is_released_after_the_first_round() {
    let mut request = Request::new("m", [Message::user("go")]);
    request.tool_choice = Some(RawJson::parse("\"required\"").unwrap());
    let mut turn = Turn::new(request, tools(), Options::default());
    assert_eq!(turn.next_request().tool_choice.unwrap().as_str(), "\"required\"");
    let _ = turn.handle_model(calls(&[("a", "nope", "{}")])).unwrap();
    assert_eq!(turn.next_request().tool_choice.unwrap().as_str(), "\"auto\"");
}

#[test]
fn after_the_last_round_the_model_answers_without_tools() {
    let mut turn = turn(Options { max_rounds: 2, ..Options::default() });
    for _ in 0..2 {
        assert_eq!(turn.next_request().tool_choice, None);
        let _ = turn.handle_model(calls(&[("a", "nope", "{}")])).unwrap();
    }
    assert_eq!(turn.next_request().tool_choice.unwrap().as_str(), "\"none\"");
    let Step::Done(end) = turn.handle_model(says("enough")).unwrap() else { panic!() };
    assert_eq!((end.text().as_str(), end.rounds), ("enough", 2));
}

#[test]
fn a_model_that_will_not_stop_is_out_of_rounds_and_every_call_is_answered() {
    let mut turn = turn(Options { max_rounds: 1, ..Options::default() });
    let _ = turn.handle_model(calls(&[("a", "nope", "{}")])).unwrap();
    let Step::OutOfRounds(end) = turn.handle_model(calls(&[("b", "add", "{}")])).unwrap() else { panic!() };
    assert_eq!((end.rounds, end.message().unwrap().tool_calls.len()), (1, 1));
    assert_eq!(turn.rejected()[0].why, Refusal::OutOfRounds { limit: 1 });
    assert_eq!(
        answers(&turn)[1],
        json!({"role":"tool","tool_call_id":"b","content":"error: not run: the limit of 1 round of tool calls is reached"})
    );
}

#[test]
fn a_loop_that_is_to_stop_asks_no_more_after_the_last_round() {
    let mut turn = turn(Options { max_rounds: 1, exhausted: Exhausted::Stop, ..Options::default() });
    let calls = ready(turn.handle_model(calls(&[("a", "add", "{}")])).unwrap());
    let Step::OutOfRounds(end) = turn.handle_results([result(&calls[0], "7")]).unwrap() else { panic!() };
    assert_eq!((end.rounds, end.message().unwrap().tool_calls[0].id.as_str()), (1, "a"));
    assert_eq!(answers(&turn), json!([{"role":"tool","tool_call_id":"a","content":"7"}]));
}

#[test]
fn the_usage_of_all_replies_is_summed() {
    let mut turn = turn(Options::default());
    let with_usage = |mut reply: Completion, tokens: u64| {
        reply.usage = Some(serde_json::from_value(json!({ "total_tokens": tokens })).unwrap());
        reply
    };
    let _ = turn.handle_model(with_usage(calls(&[("a", "nope", "{}")]), 5)).unwrap();
    let Step::Done(end) = turn.handle_model(with_usage(says("x"), 7)).unwrap() else { panic!() };
    assert_eq!(end.usage.count("total_tokens"), Some(12));
}

#[test]
fn the_wrong_order_is_an_error_and_changes_nothing() {
    let mut turn = turn(Options::default());
    assert!(matches!(turn.handle_model(Completion { choices: Vec::new(), ..says("") }), Err(Error::NoChoice)));
    let calls = ready(turn.handle_model(calls(&[("a", "add", "{}")])).unwrap());
    assert!(matches!(turn.handle_model(says("x")), Err(Error::Misuse(Misuse::NoReplyExpected))));
    let _ = turn.handle_results([result(&calls[0], "1")]).unwrap();
    let again = turn.handle_results([result(&calls[0], "2")]);
    assert!(matches!(again, Err(Error::Misuse(Misuse::NoResultExpected))));
    assert_eq!(turn.messages().len(), 3);
}

#[test]
fn calls_beyond_what_a_message_may_have_are_not_made() {
    let mut turn = turn(Options::default());
    let ids: Vec<String> = (0..130).map(|n| n.to_string()).collect();
    let many: Vec<_> = ids.iter().map(|id| (id.as_str(), "add", "{}")).collect();
    let calls = ready(turn.handle_model(calls(&many)).unwrap());
    assert_eq!((calls.len(), turn.rejected().len()), (128, 2));
    assert_eq!(turn.rejected()[0].why, Refusal::TooMany { limit: 128 });
    assert_eq!(turn.rejected()[0].why.to_string(), "not run: at most 128 calls are made at once; make this one later");
}
