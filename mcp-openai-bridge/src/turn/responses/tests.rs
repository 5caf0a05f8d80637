//! The loop over Responses, by literal inputs.

use std::sync::Arc;

use mcp_types::{CallToolResult, ContentBlock, Tool};
use serde_json::{Value, json};

use super::*;
use crate::tools::{Emit, ToolSet};
use crate::turn::{Call, CallIndex, Options, Outcome, Refusal, Step};

fn tools() -> Arc<ToolSet> {
    let schema = RawJson::parse(r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#).unwrap();
    Arc::new(ToolSet::builder().server("math", &[Tool::new("add", schema)]).build())
}

fn request(members: &Value) -> Request {
    let mut request = json!({"model": "m", "input": "go"});
    request.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    serde_json::from_value(request).unwrap()
}

fn turn(members: &Value) -> Turn<Responses> {
    Turn::new(request(members), tools(), Options::default())
}

fn reply(id: &str, output: &Value) -> Response {
    serde_json::from_value(json!({
        "id": id, "status": "completed", "output": output, "usage": {"total_tokens": 5}
    }))
    .unwrap()
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"type":"function_call","id":format!("fc_{id}"),"call_id":id,"name":name,"arguments":arguments,"status":"completed"})
}

fn ready(step: Step<Responses>) -> Vec<Call> {
    match step {
        Step::Call(calls) => calls,
        other => panic!("{other:?}"),
    }
}

fn result(call: &Call, text: &str) -> (CallIndex, Outcome) {
    (call.index, Outcome::Result(CallToolResult::text(text)))
}

fn input(turn: &Turn<Responses>) -> Value {
    serde_json::to_value(turn.next_request().input).unwrap()
}

#[test]
fn the_whole_conversation_goes_back_with_reasoning_and_outputs_in_the_order_of_the_calls() {
    let mut turn = turn(&json!({}));
    let reasoning = json!({"type":"reasoning","id":"rs_1","summary":[]});
    let output = json!([reasoning, call("a", "add", "{}"), call("b", "add", "{\"n\":1}"), call("c", "nope", "{}")]);
    let calls = ready(turn.handle_model(reply("resp_1", &output)).unwrap());
    assert_eq!((calls.len(), calls[1].arguments.as_str()), (2, "{\"n\":1}"));
    let _ = turn.handle_results([result(&calls[1], "second")]).unwrap();
    assert!(matches!(turn.handle_results([result(&calls[0], "first")]).unwrap(), Step::Ask));
    assert_eq!(
        input(&turn),
        json!([
            {"type":"message","role":"user","content":"go"},
            reasoning,
            call("a", "add", "{}"),
            call("b", "add", "{\"n\":1}"),
            call("c", "nope", "{}"),
            {"type":"function_call_output","call_id":"a","output":"first"},
            {"type":"function_call_output","call_id":"b","output":"second"},
            {"type":"function_call_output","call_id":"c","output":"error: there is no tool `nope` and nothing was run. Available tools: `add`."}
        ])
    );
    assert!(matches!(turn.rejected()[0].why, Refusal::Unknown { .. }));
    let answer = json!([{"type":"message","role":"assistant","content":[{"type":"output_text","text":"done"}]}]);
    let Step::Done(end) = turn.handle_model(reply("resp_2", &answer)).unwrap() else { panic!() };
    assert_eq!((end.text().as_str(), end.finish_reason.as_deref()), ("done", Some("completed")));
    assert_eq!((end.rounds, end.usage.count("total_tokens"), end.reply.id.as_str()), (1, Some(10), "resp_2"));
}

#[test]
fn what_the_provider_remembers_is_not_sent_again() {
    let check = |members: Value, previous: Option<&str>, sent: usize| {
        let mut turn = turn(&members);
        for round in 1..=2 {
            let id = format!("c{round}");
            let calls =
                ready(turn.handle_model(reply(&format!("resp_{round}"), &json!([call(&id, "add", "{}")]))).unwrap());
            let _ = turn.handle_results([result(&calls[0], "7")]).unwrap();
        }
        let next = serde_json::to_value(turn.next_request()).unwrap();
        assert_eq!(next["previous_response_id"].as_str(), previous, "{members}");
        assert_eq!(next["input"].as_array().unwrap().len(), sent, "{members}");
        assert_eq!(next["input"][sent - 1], json!({"type":"function_call_output","call_id":"c2","output":"7"}));
        assert_eq!(turn.input().len(), 5, "the turn itself knows all of it");
    };
    check(json!({}), None, 5);
    check(json!({"previous_response_id": null}), None, 5);
    check(json!({"previous_response_id": "resp_0"}), Some("resp_2"), 1);
    // The new replies are not stored, so only what was there before can be referred to.
    check(json!({"previous_response_id": "resp_0", "store": false}), Some("resp_0"), 5);
    check(json!({"conversation": "conv_1"}), None, 1);
}

#[test]
fn reasoning_that_nobody_stored_is_sent_back_only_when_it_says_what_it_was() {
    let check = |reasoning: Value, expected: Value| {
        let mut turn = turn(&json!({"store": false}));
        let calls = ready(turn.handle_model(reply("r", &json!([reasoning, call("a", "add", "{}")]))).unwrap());
        let _ = turn.handle_results([result(&calls[0], "7")]).unwrap();
        let sent = input(&turn);
        assert_eq!(Value::from(sent.as_array().unwrap()[1..sent.as_array().unwrap().len() - 1].to_vec()), expected);
    };
    let kept = json!({"type":"reasoning","id":"rs","summary":[],"encrypted_content":"x"});
    check(kept.clone(), json!([kept, call("a", "add", "{}")]));
    let mut without_id = call("a", "add", "{}");
    without_id.as_object_mut().unwrap().remove("id");
    check(json!({"type":"reasoning","id":"rs","summary":[],"encrypted_content":null}), json!([without_id]));
}

#[test]
fn media_stand_inside_the_output() {
    let mut turn = turn(&json!({}));
    let calls = ready(turn.handle_model(reply("r", &json!([call("a", "add", "{}")]))).unwrap());
    let picture =
        CallToolResult::new().content([ContentBlock::text("here"), ContentBlock::image("iVBORw0KGgo=", "image/png")]);
    let _ = turn.handle_results([(calls[0].index, Outcome::Result(picture))]).unwrap();
    assert_eq!(
        input(&turn)[2]["output"],
        json!([
            {"type":"input_text","text":"here"},
            {"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo="}
        ])
    );
}

#[test]
fn calls_that_are_not_ours_are_handed_back_and_answered_in_their_own_form() {
    let mut turn = turn(&json!({"tools": [
        {"type":"function","name":"mine","parameters":{},"strict":false}, {"type":"custom","name":"shell"}, {"type":"computer"}
    ]}));
    let output = json!([
        call("a", "mine", "{oops"),
        {"type":"custom_tool_call","call_id":"b","name":"shell","input":"ls"},
        {"type":"computer_call","call_id":"c","action":{"type":"screenshot"}},
        {"type":"web_search_call","id":"ws","status":"completed"},
        {"type":"shell_call","call_id":"d"}, {"type":"shell_call_output","call_id":"d","output":[]},
        call("e", "add", "{}")
    ]);
    let ours = ready(turn.handle_model(reply("r", &output)).unwrap());
    assert_eq!(ours.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["e"]);
    let Step::HandBack(theirs) = turn.handle_results([result(&ours[0], "7")]).unwrap() else { panic!() };
    assert_eq!(
        theirs.iter().map(|call| call.call.kind()).collect::<Vec<_>>(),
        ["function_call", "custom_tool_call", "computer_call"]
    );
    let text = |at: usize, text: &str| (theirs[at].index, Outcome::Text(text.to_owned()));
    let _ = turn.handle_results([text(0, "42"), text(1, "a.txt")]).unwrap();
    let screenshot = json!({"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot"}});
    let item = serde_json::from_value(screenshot.clone()).unwrap();
    assert!(matches!(turn.handle_items([(theirs[2].index, item)]).unwrap(), Step::Ask));
    assert_eq!(
        Value::from(input(&turn).as_array().unwrap()[8..].to_vec()),
        json!([
            {"type":"function_call_output","call_id":"a","output":"42"},
            {"type":"custom_tool_call_output","call_id":"b","output":"a.txt"},
            screenshot,
            {"type":"function_call_output","call_id":"e","output":"7"}
        ])
    );
}

#[test]
fn the_caller_of_a_call_is_repeated_in_its_answer() {
    let mut turn = turn(&json!({}));
    let mut asked = call("a", "add", "{}");
    asked["caller"] = json!({"type":"program","call_id":"p"});
    let calls = ready(turn.handle_model(reply("r", &json!([asked]))).unwrap());
    let _ = turn.handle_results([result(&calls[0], "7")]).unwrap();
    assert_eq!(input(&turn)[2]["caller"], json!({"type":"program","call_id":"p"}));
}

#[test]
fn a_call_in_a_namespace_is_the_one_of_its_server() {
    let options = Options { emit: Emit::new().namespaces(), ..Options::default() };
    let own = json!({"tools": [{"type":"function","name":"add","parameters":{},"strict":false}]});
    let tool = Tool::new("add", RawJson::parse(r#"{"type":"object"}"#).unwrap());
    let tools = Arc::new(ToolSet::builder().server("math", &[tool]).reserve(["add"]).build());
    let mut turn = Turn::<Responses>::new(request(&own), tools, options);
    let offered = serde_json::to_value(turn.next_request().tools).unwrap();
    let space = offered[1]["name"].as_str().unwrap().to_owned();
    assert_eq!(
        (offered[1]["type"].as_str(), offered[1]["tools"][0]["name"].as_str()),
        (Some("namespace"), Some("add"))
    );
    let mut ours = call("a", "add", "{}");
    ours["namespace"] = space.into();
    let calls = ready(turn.handle_model(reply("r", &json!([ours, call("b", "add", "{}")]))).unwrap());
    assert_eq!((calls.len(), calls[0].tool.server()), (1, "math"));
    let Step::HandBack(theirs) = turn.handle_results([result(&calls[0], "7")]).unwrap() else { panic!() };
    assert_eq!(theirs.len(), 1);
}

#[test]
fn a_forced_choice_is_released_and_the_last_request_has_none() {
    let options = Options { max_rounds: 2, ..Options::default() };
    let forced = json!({"tool_choice": {"type":"function","name":"add"}});
    let mut turn = Turn::<Responses>::new(request(&forced), tools(), options);
    let mut seen = Vec::new();
    for round in 0..3 {
        seen.push(turn.next_request().tool_choice.unwrap().as_str().to_owned());
        let _ = turn.handle_model(reply("r", &json!([call(&format!("c{round}"), "nope", "{}")]))).unwrap();
    }
    assert_eq!(seen, [r#"{"name":"add","type":"function"}"#, "\"auto\"", "\"none\""]);
    assert!(matches!(turn.step(), Step::OutOfRounds(_)));
    let last = input(&turn).as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["output"], "error: not run: the limit of 2 rounds of tool calls is reached");
}

#[test]
fn ids_that_are_missing_or_stand_twice_become_unique_in_call_and_output() {
    let mut turn = turn(&json!({}));
    let output = json!([call("x", "nope", "{}"), call("x", "nope", "{}"), call("", "nope", "{}")]);
    let _ = turn.handle_model(reply("r", &output)).unwrap();
    let ids: Vec<String> =
        input(&turn).as_array().unwrap()[1..].iter().map(|item| item["call_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, ["x", "call_0_1", "call_0_2", "x", "call_0_1", "call_0_2"]);
}

#[test]
fn a_response_that_is_none_changes_nothing() {
    let check = |members: Value, expected: &str, transient: bool| {
        let mut turn = turn(&json!({}));
        let mut response = json!({"id":"r","output":[]});
        response.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let Err(Error::Model(error)) = turn.handle_model(serde_json::from_value(response).unwrap()) else { panic!() };
        assert_eq!((error.to_string().as_str(), error.is_transient()), (expected, transient));
        assert!(matches!(turn.step(), Step::Ask));
    };
    check(
        json!({"status":"failed","error":{"code":"server_error","message":"oops"}}),
        "the response failed: oops",
        true,
    );
    check(
        json!({"status":"failed","error":{"code":"invalid_prompt","message":"bad"}}),
        "the response failed: bad",
        false,
    );
    check(json!({"status":"failed"}), "the response failed: the provider does not say why", false);
    check(json!({"status":"cancelled"}), "the response was cancelled at the provider", false);
    check(
        json!({"status":"queued"}),
        "the response is not finished (`queued`); a turn needs whole responses, so leave out `background`",
        false,
    );
}

#[test]
fn a_response_that_is_cut_short_says_why() {
    let mut turn = turn(&json!({}));
    let mut response = reply("r", &json!([]));
    response.status = Some("incomplete".to_owned());
    response.extra.insert("incomplete_details", json!({"reason":"max_output_tokens"}));
    let Step::Done(end) = turn.handle_model(response).unwrap() else { panic!() };
    assert_eq!(end.finish_reason.as_deref(), Some("max_output_tokens"));
}

#[test]
fn a_kept_conversation_is_gone_on_with() {
    let mut request = request(&json!({}));
    let items = json!([
        call("b", "add", "{}"),
        {"type":"function_call_output","call_id":"b","output":"of an earlier call of that id"},
        {"type":"shell_call","call_id":"h"},
        {"type":"shell_call_output","call_id":"h","output":[]},
        call("a", "add", "{}"), call("b", "add", "{}"),
        {"type":"function_call_output","call_id":"b","output":"2"},
        {"type":"message","role":"user","content":"hurry"}
    ]);
    request.input.extend(serde_json::from_value::<Vec<Item>>(items).unwrap());
    let mut turn = Turn::resume(request, tools(), Options::default());
    let calls = ready(turn.step());
    assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(matches!(turn.handle_results([result(&calls[0], "1")]).unwrap(), Step::Ask));
    let ids: Vec<Value> =
        turn.input().iter().map(|item| serde_json::to_value(item).unwrap()["call_id"].clone()).collect();
    assert_eq!(Value::from(ids), json!([null, "b", "b", "h", "h", "a", "b", "a", "b", null]));
}

#[test]
fn a_result_that_was_cut_is_read_on_here_too() {
    let mut options = Options::default();
    options.content.text_bytes = 2000;
    let mut turn = Turn::<Responses>::new(request(&json!({})), tools(), options);
    let calls = ready(turn.handle_model(reply("r", &json!([call("a", "add", "{}")]))).unwrap());
    let _ = turn.handle_results([result(&calls[0], &"x".repeat(3000))]).unwrap();
    let offered = serde_json::to_value(turn.next_request().tools).unwrap();
    assert_eq!((offered[1]["name"].as_str(), offered[1]["strict"].as_bool()), (Some("read_result"), Some(false)));
    let step =
        turn.handle_model(reply("r", &json!([call("b", "read_result", r#"{"handle":"a","offset":2990}"#)]))).unwrap();
    assert!(matches!(step, Step::Ask));
    let last = input(&turn).as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["output"], "[bytes 2990 to 3000 of 3000; this is the end]\nxxxxxxxxxx");
}

#[test]
fn a_call_that_lost_its_arguments_with_the_end_of_the_response_is_not_made() {
    let mut cut = reply("resp_1", &json!([call("a", "add", "{}"), call("b", "add", "")]));
    cut.status = Some("incomplete".to_owned());
    let mut turn = turn(&json!({}));
    let ready = ready(turn.handle_model(cut).unwrap());
    assert_eq!(ready.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(turn.rejected()[0].why.to_string().contains("the reply was cut off before its end"));
}

#[test]
fn a_long_conversation_is_resumed_in_time_that_grows_with_its_length() {
    // Compared each with each, these would take minutes.
    let calls = (0..20_000).map(|number| call(&number.to_string(), "nope", "{}"));
    let output = |number: u32| json!({"type":"function_call_output","call_id":number.to_string(),"output":"1"});
    let input: Vec<Value> = calls.chain((0..19_999).rev().map(output)).collect();
    let turn = Turn::resume(request(&json!({"input": input})), tools(), Options::default());
    assert!(matches!(turn.step(), Step::Ask));
    assert_eq!(turn.rejected().iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["19999"]);
    assert_eq!(turn.input().len(), 40_000);
}
