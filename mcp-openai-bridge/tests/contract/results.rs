//! Results: nothing is lost on the way to the model.

use std::sync::Arc;

use mcp_openai_bridge::chat::{self, Arguments, Completion, Message, ToolCall};
use mcp_openai_bridge::responses::{FunctionCall, Item, Request, Response};
use mcp_openai_bridge::tools::ToolSet;
use mcp_openai_bridge::turn::{CallIndex, Failure, Options, Outcome, Responses, Step, Turn};
use mcp_types::{CallToolResult, RawJson, Tool};
use serde_json::{Value, json};

const PNG: &str = "iVBORw0KGgo=";

fn tools() -> Arc<ToolSet> {
    let schema = RawJson::parse(r#"{"type":"object"}"#).unwrap();
    Arc::new(ToolSet::builder().server("lab", &[Tool::new("get", schema)]).build())
}

/// What a Chat model sees of results, one for each of as many calls.
fn in_chat(outcomes: Vec<Outcome>, options: Options) -> Value {
    let mut turn = Turn::new(chat::Request::new("m", [Message::user("go")]), tools(), options);
    let mut message = Message::with_content("assistant", RawJson::null());
    message.tool_calls =
        (1..=outcomes.len()).map(|n| ToolCall::new(format!("c{n}"), "get", Arguments::from("{}"))).collect();
    let Step::Call(calls) = turn.handle_model(Completion::new(message, "tool_calls")).unwrap() else { panic!() };
    let outcomes: Vec<(CallIndex, Outcome)> = calls.iter().map(|call| call.index).zip(outcomes).collect();
    assert!(matches!(turn.handle_results(outcomes).unwrap(), Step::Ask));
    serde_json::to_value(&turn.messages()[2..]).unwrap()
}

/// What a Responses model sees of a result.
fn in_responses(outcome: Outcome) -> Value {
    let mut turn: Turn<Responses> = Turn::new(Request::new("m", [Item::user("go")]), tools(), Options::default());
    let call = FunctionCall::new("c1", "get", Arguments::from("{}"));
    let Step::Call(calls) = turn.handle_model(Response::new("r", [call.into()])).unwrap() else { panic!() };
    let _ = turn.handle_results([(calls[0].index, outcome)]).unwrap();
    serde_json::to_value(&turn.input()[2..]).unwrap()
}

fn outcome(result: Value) -> Outcome {
    Outcome::Result(serde_json::from_value::<CallToolResult>(result).unwrap())
}

/// A result that is a text is the same text in both APIs.
fn check(result: Value, expected: &str) {
    let chat = in_chat(vec![outcome(result.clone())], Options::default());
    assert_eq!(chat, json!([{"role":"tool","tool_call_id":"c1","content":expected}]));
    let responses = in_responses(outcome(result));
    assert_eq!(responses, json!([{"type":"function_call_output","call_id":"c1","output":expected}]));
}

#[test]
fn texts_are_kept_apart_as_the_server_sent_them() {
    check(json!({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}), "a\nb");
}

#[test]
fn an_empty_result_says_that_it_is_empty() {
    check(json!({"content":[]}), "(no output)");
}

/// Fault 0.8: `isError` was dropped.
#[test]
fn a_tool_that_failed_is_marked() {
    check(json!({"content":[{"type":"text","text":"disk full"}],"isError":true}), "error: disk full");
    let mut options = Options::default();
    options.content.error_prefix = "{\"error\": true}\n".to_owned();
    let failed = outcome(json!({"content":[{"type":"text","text":"disk full"}],"isError":true}));
    assert_eq!(in_chat(vec![failed], options)[0]["content"], "{\"error\": true}\ndisk full");
}

#[test]
fn an_error_of_the_protocol_and_one_of_the_network_can_be_told_apart() {
    let said = |failure: Failure| in_responses(Outcome::Failed(failure))[0]["output"].clone();
    let protocol = Failure::Protocol { code: -32601, message: "no such method".to_owned() };
    assert_eq!(said(protocol), "error: mcp_protocol_error -32601: no such method");
    assert_eq!(
        said(Failure::Transport { message: "connection refused".to_owned() }),
        "error: http_error: connection refused"
    );
}

/// Fault 0.8: structured content alone became "Tool executed successfully".
#[test]
fn structured_content_is_shown_and_not_twice() {
    check(json!({"content":[],"structuredContent":{"t":21}}), "{\"t\":21}");
    check(json!({"content":[{"type":"text","text":"{ \"t\": 21 }"}],"structuredContent":{"t":21}}), "{ \"t\": 21 }");
    check(json!({"content":[{"type":"text","text":"mild"}],"structuredContent":{"t":21}}), "mild\n{\"t\":21}");
    check(json!({"content":[{"type":"text","text":"3"}],"structuredContent":{"result":3}}), "3");
}

/// Fault 0.8: an embedded text became "[Generated EmbeddedResource, ResourceLink]".
#[test]
fn resources_and_links_are_shown() {
    check(
        json!({"content":[{"type":"resource","resource":{"uri":"file:///a","text":"hello"}}]}),
        "[resource file:///a]\nhello",
    );
    check(
        json!({"content":[{"type":"resource_link","uri":"file:///b","name":"b","mimeType":"text/plain"}]}),
        "[resource link file:///b: b, text/plain]",
    );
}

#[test]
fn a_block_that_nobody_knows_is_kept_as_json() {
    check(json!({"content":[{"type":"hologram","depth":3}]}), "{\"depth\":3,\"type\":\"hologram\"}");
}

/// Fault 0.8: an image became "[Generated Image]", a recording "[Generated AudioContent]".
#[test]
fn chat_gets_the_media_after_the_last_tool_message_labelled_by_call() {
    let mixed = outcome(json!({"content":[
        {"type":"text","text":"here"},
        {"type":"image","data":PNG,"mimeType":"image/png"},
        {"type":"audio","data":"UklGRg==","mimeType":"audio/wav"}
    ]}));
    let file = json!({"uri":"file:///a.pdf","mimeType":"application/pdf","blob":"JVBERg=="});
    let file = outcome(json!({"content":[{"type":"resource","resource":file}]}));
    let text = outcome(json!({"content":[{"type":"text","text":"only text"}]}));
    assert_eq!(
        in_chat(vec![mixed, text, file], Options::default()),
        json!([
            {"role":"tool","tool_call_id":"c1","content":"here\n[image 1: image/png, in the message after the tool results]\n[audio 2: audio/wav, in the message after the tool results]"},
            {"role":"tool","tool_call_id":"c2","content":"only text"},
            {"role":"tool","tool_call_id":"c3","content":"[file 1: application/pdf, in the message after the tool results]"},
            {"role":"user","content":[
                {"type":"text","text":"Media in the result of the tool call c1, in the order of their numbers:"},
                {"type":"image_url","image_url":{"url":format!("data:image/png;base64,{PNG}")}},
                {"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}},
                {"type":"text","text":"Media in the result of the tool call c3, in the order of their numbers:"},
                {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERg=="}}
            ]}
        ])
    );
}

#[test]
fn responses_gets_the_media_inside_the_output() {
    let mixed = json!({"content":[
        {"type":"text","text":"here"},
        {"type":"image","data":PNG,"mimeType":"image/png"},
        {"type":"resource","resource":{"uri":"file:///a.pdf","mimeType":"application/pdf","blob":"JVBERg=="}},
        {"type":"audio","data":"UklGRg==","mimeType":"audio/wav"}
    ]});
    assert_eq!(
        in_responses(outcome(mixed)),
        json!([{"type":"function_call_output","call_id":"c1","output":[
            {"type":"input_text","text":"here"},
            {"type":"input_image","image_url":format!("data:image/png;base64,{PNG}")},
            {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERg=="},
            {"type":"input_text","text":"[audio: audio/wav, 4 bytes, not shown: this API takes no audio]"}
        ]}])
    );
}

#[test]
fn a_result_that_is_too_long_keeps_its_ends_and_can_be_read_on() {
    let mut options = Options::default();
    options.content.text_bytes = 1500;
    let text: String = (0..3000).map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap())).collect();
    let mut turn = Turn::new(chat::Request::new("m", [Message::user("go")]), tools(), options);
    let ask = |turn: &mut Turn, id: &str, name: &str, arguments: &str| {
        let mut message = Message::with_content("assistant", RawJson::null());
        message.tool_calls = vec![ToolCall::new(id, name, Arguments::from(arguments))];
        turn.handle_model(Completion::new(message, "tool_calls")).unwrap()
    };
    let Step::Call(calls) = ask(&mut turn, "c1", "get", "{}") else { panic!() };
    let _ = turn.handle_results([(calls[0].index, Outcome::Result(CallToolResult::text(text.as_str())))]).unwrap();
    let mark = "\n[… about 1500 of 3000 bytes left out; read them with read_result, handle \"c1\" …]\n";
    assert_eq!(turn.messages()[2].text(), format!("{}{mark}{}", &text[..1000], &text[2500..]));
    assert!(turn.next_request().tool_names().contains(&"read_result".to_owned()));

    let (mut read, mut offset) = (String::new(), 0);
    while offset < text.len() {
        let arguments = json!({"handle":"c1","offset":offset}).to_string();
        assert!(matches!(ask(&mut turn, &format!("r{offset}"), "read_result", &arguments), Step::Ask));
        let page = turn.messages().last().unwrap().text();
        let (_, body) = page.split_once("]\n").unwrap();
        read.push_str(body);
        offset = read.len();
    }
    assert_eq!(read, text, "page by page it is whole");
}

#[test]
fn all_results_of_a_turn_share_a_budget() {
    let mut options = Options::default();
    (options.content.text_bytes, options.content.turn_text_bytes) = (4000, 6000);
    let long = || outcome(json!({"content":[{"type":"text","text":"x".repeat(5000)}]}));
    let messages = in_chat(vec![long(), long(), long()], options);
    let lengths: Vec<usize> =
        messages.as_array().unwrap().iter().map(|message| message["content"].as_str().unwrap().len()).collect();
    assert!(lengths[0] > 4000 && lengths[1] < 2200 && lengths[2] < 1200, "{lengths:?}");
}
