//! The types of Chat Completions: nothing is lost between reading and writing.

use super::*;
use mcp_types::RawJson;

#[test]
fn a_reply_keeps_the_members_it_does_not_know() {
    let text = r#"{"id":"c1","object":"chat.completion","service_tier":"x","choices":[{"index":0,"logprobs":null,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}","parsed":1.0},"index":0}],"reasoning_content":"hm","annotations":[]},"finish_reason":"tool_calls"}],"usage":{"total_tokens":3}}"#;
    let reply: Completion = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&reply).unwrap(), text);
}

#[test]
fn a_request_keeps_the_members_it_does_not_know() {
    let text = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}],"name":"n"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"g"}}],"tool_choice":"auto","temperature":0.10}"#;
    let request: Request = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&request).unwrap(), text);
    assert_eq!(request.tool_names(), ["f", "g"]);
    assert_eq!(request.messages[0].text(), "a");
}

#[test]
fn a_message_of_a_reply_without_a_role_is_the_models() {
    let reply: Completion = serde_json::from_str(r#"{"choices":[{"message":{"content":"a"}}]}"#).unwrap();
    assert_eq!(reply.choices[0].message, Message::new("assistant", "a"));
    assert!(serde_json::from_str::<Request>(r#"{"model":"m","messages":[{"content":"a"}]}"#).is_err());
}

#[test]
fn arguments_are_a_text_an_object_or_absent() {
    let check = |text: &str, expected: Arguments| {
        let call: FunctionCall = serde_json::from_str(text).unwrap();
        assert_eq!(call.arguments, expected);
    };
    check(r#"{"name":"f","arguments":"{\"a\":1}"}"#, Arguments::from(r#"{"a":1}"#));
    check(r#"{"name":"f","arguments":{"a":1}}"#, Arguments::Json(RawJson::parse(r#"{"a":1}"#).unwrap()));
    check(r#"{"name":"f","arguments":null}"#, Arguments::Absent);
    check(r#"{"name":"f"}"#, Arguments::Absent);
}

#[test]
fn a_wrong_member_is_named() {
    let error =
        serde_json::from_str::<Completion>(r#"{"choices":[{"message":{"tool_calls":[{"id":1}]}}]}"#).unwrap_err();
    assert!(error.to_string().starts_with("`choices`: `message`: `tool_calls`: `id`: invalid type"), "{error}");
}

#[test]
fn usage_is_summed_at_every_depth() {
    let usage = |text: &str| serde_json::from_str::<Usage>(text).unwrap();
    let mut sum = Usage::default();
    sum.add(&usage(r#"{"prompt_tokens":5,"details":{"cached":1},"note":"a"}"#));
    sum.add(&usage(r#"{"prompt_tokens":7,"details":{"cached":2,"audio":3},"note":"b","details2":null}"#));
    assert_eq!(
        serde_json::to_string(&sum).unwrap(),
        r#"{"prompt_tokens":12,"details":{"cached":3,"audio":3},"note":"b","details2":null}"#
    );
    assert_eq!(sum.count("prompt_tokens"), Some(12));
}
