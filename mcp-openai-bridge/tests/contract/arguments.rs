//! Arguments: read in every form, checked by the server's schema, and never run as something else.

use std::sync::Arc;

use mcp_openai_bridge::chat::{Arguments, Completion, Message, Request, ToolCall};
use mcp_openai_bridge::tools::ToolSet;
use mcp_openai_bridge::turn::{Options, Step, Turn};
use mcp_types::{RawJson, Tool};

const ECHO: &str = r#"{"type":"object","properties":{"text":{"type":"string"},"times":{"type":"integer","minimum":1},"mode":{"enum":["loud","quiet"]}}}"#;

fn tools() -> Arc<ToolSet> {
    Arc::new(ToolSet::builder().server("lab", &[Tool::new("echo", RawJson::parse(ECHO).unwrap())]).build())
}

/// What the model is told when it calls `echo`, or what goes to the server.
fn called(arguments: impl Into<Arguments>) -> Result<String, String> {
    let mut turn: Turn = Turn::new(Request::new("m", [Message::user("go")]), tools(), Options::default());
    let mut message = Message::new("assistant", "");
    message.tool_calls = vec![ToolCall::new("call_1", "echo", arguments.into())];
    match turn.handle_model(Completion::new(message, "tool_calls")).unwrap() {
        Step::Call(calls) => Ok(calls[0].arguments.as_str().to_owned()),
        // Nothing is run: the model is asked again, with an answer to its call.
        Step::Ask => {
            let answer = turn.messages().last().unwrap();
            assert_eq!((answer.role.as_str(), answer.tool_call_id.as_deref()), ("tool", Some("call_1")));
            Err(answer.text())
        }
        other => panic!("{other:?}"),
    }
}

fn refused(arguments: &str, reason: &str) {
    let told = called(arguments).unwrap_err();
    assert!(told.contains("was not run") && told.contains(reason), "{told}");
}

#[test]
fn arguments_are_a_text_an_object_or_absent() {
    assert_eq!(called(r#"{"text":"a"}"#).unwrap(), r#"{"text":"a"}"#);
    assert_eq!(called(Arguments::Json(RawJson::parse(r#"{"text":"a"}"#).unwrap())).unwrap(), r#"{"text":"a"}"#);
    assert_eq!(called(Arguments::Absent).unwrap(), "{}");
    assert_eq!(called("").unwrap(), "{}");
    assert_eq!(called(" \n{ \"text\" : \"a\" }\t").unwrap(), r#"{ "text" : "a" }"#);
}

/// Fault 0.4 of LiteLLM, and the list of 1.4: each of these ran the tool with `{}`, or with what is no JSON.
#[test]
fn broken_arguments_are_never_run_as_an_empty_object() {
    refused(r#"{"text": "unterminated"#, "a string has no closing quote");
    refused("{bad", "expected a key in double quotes");
    refused("[1]", "expected one JSON object, got an array of 1");
    refused("null", "expected one JSON object, got null");
    refused(r#"{"a":1}{"b":2}"#, "there is more text after the end of the JSON value");
    refused(r#"{"a":NaN}"#, "NaN and Infinity are not JSON");
    refused(r#"{"a":1,"a":2}"#, "the key \"a\" stands twice in one object");
}

#[test]
fn arguments_that_break_the_schema_are_told_all_at_once_with_path_expected_got_and_what_was_meant() {
    let told = called(r#"{"text":7,"times":0,"mode":"laud"}"#).unwrap_err();
    let mut faults: Vec<&str> = told.lines().skip(1).collect();
    faults.sort_unstable();
    assert_eq!(
        faults,
        [
            "- `mode`: expected one of \"loud\", \"quiet\", got \"laud\", did you mean `loud`?",
            "- `text`: expected a string, got 7",
            "- `times`: expected at least 1, got 0",
        ]
    );
}

#[test]
fn what_is_accepted_goes_to_the_server_in_the_models_own_bytes() {
    let arguments = r#"{"more":100000000000000000000001,"text":"\u00e9","times":1.0}"#;
    assert_eq!(called(arguments).unwrap(), arguments);
}

#[test]
fn an_unknown_tool_is_answered_with_what_there_is() {
    let told = tools().unknown("Echo");
    assert_eq!(told, "there is no tool `Echo` and nothing was run. Did you mean `echo`? Available tools: `echo`.");
}
