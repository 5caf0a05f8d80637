//! The types of Responses: items go back as they came.

use mcp_types::RawJson;

use super::mcp::{ApprovalRequest, ApprovalResponse, CallError, ListTools, ListedTool, McpCall};
use super::*;
use crate::chat::Arguments;

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

#[test]
fn an_input_is_a_text_or_a_list_of_items() {
    let check = |input: &str, expected: &str| {
        let request: Request = serde_json::from_str(&format!(r#"{{"model":"m","input":{input}}}"#)).unwrap();
        assert_eq!(serde_json::to_string(&request.input).unwrap(), expected);
    };
    check(r#""hi""#, r#"[{"type":"message","role":"user","content":"hi"}]"#);
    check(r#"[{"role":"user","content":"hi"}]"#, r#"[{"type":"message","role":"user","content":"hi"}]"#);
    check("null", "[]");
    check("[]", "[]");
}

#[test]
fn items_go_back_as_they_came() {
    let check = |item: &str, kind: &str| {
        let read: Item = serde_json::from_str(item).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), item);
        assert_eq!(read.kind(), kind);
    };
    check(r#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x","n":1.0}"#, "reasoning");
    check(r#"{ "id" : "ws_1", "type":"web_search_call","status":"completed"}"#, "web_search_call");
    check(r#"{"type":"item_reference","id":"msg_1"}"#, "item_reference");
    check(
        r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}","namespace":"n","id":"fc","status":"completed"}"#,
        "function_call",
    );
    check(
        r#"{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"a"}],"id":"o"}"#,
        "function_call_output",
    );
    check(
        r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[]}],"id":"m","phase":"x"}"#,
        "message",
    );
    check(
        r#"{"id":"l","type":"mcp_list_tools","server_label":"s","tools":[{"name":"t","description":null,"input_schema":{"type":"object"},"annotations":{"readOnlyHint":true},"x":1}],"error":null,"y":2}"#,
        "mcp_list_tools",
    );
    check(
        r#"{"id":"c","type":"mcp_call","status":"failed","server_label":"s","name":"t","arguments":"{}","output":null,"error":{"type":"http_error","code":502,"message":"no"},"approval_request_id":null,"z":1}"#,
        "mcp_call",
    );
    check(
        r#"{"id":"r","type":"mcp_approval_request","server_label":"s","name":"t","arguments":"{}"}"#,
        "mcp_approval_request",
    );
    check(
        r#"{"type":"mcp_approval_response","approval_request_id":"r","approve":false,"reason":"no"}"#,
        "mcp_approval_response",
    );
}

#[test]
fn arguments_of_a_call_are_a_text_an_object_or_absent() {
    let check = |arguments: &str, expected: Arguments| {
        let call: FunctionCall =
            serde_json::from_str(&format!(r#"{{"type":"function_call","call_id":"c","name":"f"{arguments}}}"#))
                .unwrap();
        assert_eq!(call.arguments, expected);
    };
    check(r#","arguments":"{}""#, Arguments::from("{}"));
    check(r#","arguments":{"a":1}"#, Arguments::Json(raw(r#"{"a":1}"#)));
    check(r#","arguments":null"#, Arguments::Absent);
    check("", Arguments::Absent);
}

#[test]
fn an_error_of_a_call_is_typed() {
    let check = |error: CallError, expected: &str| {
        assert_eq!(serde_json::to_string(&error).unwrap(), expected);
        assert_eq!(serde_json::from_str::<CallError>(expected).unwrap(), error);
    };
    let execution = CallError::Execution { content: raw(r#"[{"type":"text","text":"disk full"}]"#) };
    check(execution, r#"{"type":"mcp_tool_execution_error","content":[{"type":"text","text":"disk full"}]}"#);
    let http = CallError::Http { code: 504, message: "slow".to_owned() };
    check(http, r#"{"type":"http_error","code":504,"message":"slow"}"#);
    let protocol = CallError::Protocol { code: -32602, message: "bad".to_owned() };
    check(protocol, r#"{"type":"mcp_protocol_error","code":-32602,"message":"bad"}"#);
    check(CallError::Other(raw(r#""old text""#)), r#""old text""#);
}

#[test]
fn items_of_mcp_are_made_with_what_they_must_have() {
    let check = |item: Item, expected: &str| assert_eq!(serde_json::to_string(&item).unwrap(), expected);
    let tool = ListedTool::new("t", raw(r#"{"type":"object"}"#));
    check(
        ListTools::new("l", "s", [tool]).into(),
        r#"{"id":"l","type":"mcp_list_tools","server_label":"s","tools":[{"name":"t","description":null,"input_schema":{"type":"object"},"annotations":null}],"error":null}"#,
    );
    check(
        ListTools::failed("l", "s", "down").into(),
        r#"{"id":"l","type":"mcp_list_tools","server_label":"s","tools":[],"error":"down"}"#,
    );
    check(
        McpCall::new("c", "s", "t", Arguments::from("{}")).completed("done").into(),
        r#"{"id":"c","type":"mcp_call","status":"completed","server_label":"s","name":"t","arguments":"{}","output":"done","error":null,"approval_request_id":null}"#,
    );
    check(
        ApprovalRequest::new("r", "s", "t", Arguments::Absent).into(),
        r#"{"id":"r","type":"mcp_approval_request","server_label":"s","name":"t","arguments":""}"#,
    );
    check(
        ApprovalResponse::denied("r", "no").into(),
        r#"{"type":"mcp_approval_response","approval_request_id":"r","approve":false,"reason":"no"}"#,
    );
}

#[test]
fn a_request_keeps_the_members_it_does_not_know() {
    let text = r#"{"model":"m","input":[],"tools":[{"type":"function","name":"f"},{"type":"namespace","name":"n","tools":[{"type":"function","name":"g"}]},{"type":"web_search"}],"tool_choice":"auto","previous_response_id":"resp_1","temperature":0.10}"#;
    let request: Request = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&request).unwrap(), text);
    assert_eq!(request.tool_names(), ["f", "g"]);
}

#[test]
fn a_response_keeps_the_members_it_does_not_know() {
    let text = r#"{"id":"resp_1","object":"response","error":null,"status":"completed","output":[{"type":"reasoning","id":"r"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"no"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"usage":{"total_tokens":3}}"#;
    let response: Response = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&response).unwrap(), text);
    assert_eq!(response.text(), "a");
    assert_eq!(response.refusal().as_deref(), Some("no"));
    assert_eq!(response.calls().count(), 1);
}

#[test]
fn a_wrong_member_is_named() {
    let text = r#"{"id":"r","output":[{"type":"function_call","call_id":1}]}"#;
    let error = serde_json::from_str::<Response>(text).unwrap_err().to_string();
    assert!(error.starts_with("`output`: an item of type `function_call`: `call_id`: invalid type"), "{error}");
}
