//! Many rounds as one response. Every stream here is read by the assembler, and its numbers have no gap.

use mcp_types::RawJson;

use super::*;
use crate::responses::mcp::ListedTool;
use crate::responses::{Assembler, FunctionCall};

fn event(text: &str) -> Event {
    serde_json::from_str(text).unwrap()
}

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

/// A client, and the gateway that relays to it.
struct Stream {
    relay: Relay,
    out: Vec<Event>,
}

impl Stream {
    fn new(relay: Relay) -> Self {
        Self { relay, out: Vec::new() }
    }

    fn round(&mut self, events: &[&str]) {
        for text in events {
            self.out.extend(self.relay.push(&event(text)).unwrap());
        }
    }

    fn answer(&mut self, position: usize, answer: Result<String, CallError>) {
        self.out.extend(self.relay.answer(position, answer));
    }

    /// Ends the stream; whatever it was, it must be one that a client understands.
    fn finish(mut self) -> (Vec<String>, Response) {
        self.out.extend(self.relay.finish());
        let mut assembler = Assembler::default();
        let mut opened = Vec::new();
        for (number, event) in self.out.iter().enumerate() {
            assert_eq!(event.decoded::<u64>("sequence_number"), Some(number as u64), "numbers have no gap");
            match event.kind.as_str() {
                kind::ITEM_ADDED => {
                    assert_eq!(event.output_index(), Some(opened.len() as u64), "places have no gap");
                    opened.push(true);
                }
                kind::ITEM_DONE => {
                    let slot = opened.get_mut(event.output_index().unwrap() as usize).unwrap();
                    assert!(std::mem::take(slot), "an item ends once");
                }
                _ => {}
            }
            assembler.push(event).unwrap();
        }
        assert!(!opened.contains(&true), "every item ends");
        let lines = self.out.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        (lines, assembler.finish().unwrap())
    }
}

fn relay() -> Relay {
    Relay::new(["mine"])
        .function("time", "clock", "get.time")
        .function_with_approval("wipe", "disk", "wipe")
        .id("resp_ab12")
        .member("tools", raw(r#"[{"type":"mcp"}]"#))
}

const FIRST: [&str; 8] = [
    r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_up1","object":"response","created_at":7,"status":"in_progress","model":"m","output":[],"tools":[{"type":"function"}],"usage":null}}"#,
    r#"{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_up1","object":"response","created_at":7,"status":"in_progress","model":"m","output":[],"tools":[],"usage":null}}"#,
    r#"{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"a","name":"time","arguments":"","status":"in_progress"}}"#,
    r#"{"type":"response.function_call_arguments.delta","sequence_number":3,"item_id":"fc_1","output_index":0,"delta":"{\"z\""}"#,
    r#"{"type":"response.function_call_arguments.delta","sequence_number":4,"item_id":"fc_1","output_index":0,"delta":":1}"}"#,
    r#"{"type":"response.function_call_arguments.done","sequence_number":5,"item_id":"fc_1","output_index":0,"arguments":"{\"z\":1}"}"#,
    r#"{"type":"response.output_item.done","sequence_number":6,"output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"a","name":"time","arguments":"{\"z\":1}","status":"completed"}}"#,
    r#"{"type":"response.completed","sequence_number":7,"response":{"id":"resp_up1","object":"response","created_at":7,"status":"completed","model":"m","output":[{"type":"function_call","id":"fc_1","call_id":"a","name":"time","arguments":"{\"z\":1}"}],"usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4}}}"#,
];

const LAST: [&str; 7] = [
    r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_up2","object":"response","created_at":9,"status":"in_progress","model":"m","output":[],"usage":null}}"#,
    r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"type":"message","role":"assistant","content":[],"id":"msg_1","status":"in_progress"}}"#,
    r#"{"type":"response.content_part.added","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
    r#"{"type":"response.output_text.delta","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"noon"}"#,
    r#"{"type":"response.output_text.done","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"text":"noon"}"#,
    r#"{"type":"response.output_item.done","sequence_number":5,"output_index":0,"item":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"noon","annotations":[]}],"id":"msg_1","status":"completed"}}"#,
    r#"{"type":"response.completed","sequence_number":6,"response":{"id":"resp_up2","object":"response","created_at":9,"status":"completed","model":"m","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"noon","annotations":[]}],"id":"msg_1"}],"usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7}}}"#,
];

#[test]
fn two_rounds_are_one_response_with_the_items_of_mcp() {
    let list = ListTools::new("", "clock", [ListedTool::new("get.time", raw(r#"{"type":"object"}"#))]);
    let mut stream = Stream::new(relay().list(list));
    stream.round(&FIRST);
    stream.answer(0, Ok("12:00".to_owned()));
    stream.relay.end_round();
    stream.round(&LAST);
    let (lines, response) = stream.finish();
    assert_eq!(lines.join("\n") + "\n", include_str!("two_rounds.golden"));
    assert_eq!(response.id, "resp_ab12");
    assert_eq!(response.usage.as_ref().unwrap().count("total_tokens"), Some(11));
    assert_eq!(response.text(), "noon");
    assert_eq!(response.extra.member("tools").unwrap().as_str(), r#"[{"type":"mcp"}]"#);
    assert_eq!(response.extra.member("created_at").unwrap().as_str(), "7");
}

#[test]
fn a_response_in_one_piece_has_the_same_items() {
    let whole = |events: &[&str]| -> Event {
        let response = event(events.last().unwrap()).response().unwrap();
        Event::from(&response)
    };
    let mut streamed = Stream::new(relay());
    streamed.round(&FIRST);
    streamed.answer(0, Ok("12:00".to_owned()));
    streamed.relay.end_round();
    streamed.round(&LAST);
    let mut plain = Stream::new(relay());
    plain.out.extend(plain.relay.push(&whole(&FIRST)).unwrap());
    plain.answer(0, Ok("12:00".to_owned()));
    plain.relay.end_round();
    plain.out.extend(plain.relay.push(&whole(&LAST)).unwrap());
    let (streamed, plain) = (streamed.finish().1, plain.finish().1);
    let kinds = |response: &Response| response.output.iter().map(Item::kind).collect::<Vec<_>>();
    assert_eq!(kinds(&streamed), ["mcp_call", "message"]);
    assert_eq!(kinds(&streamed), kinds(&plain));
    assert_eq!(streamed.output[0], plain.output[0]);
    assert_eq!(streamed.usage, plain.usage);
}

/// Relays one round with these calls.
fn round_of(calls: &[FunctionCall]) -> Stream {
    let items: Vec<Item> = calls.iter().cloned().map(Item::from).collect();
    let mut response = Response::new("resp_up", items);
    response.extra.insert("object", serde_json::Value::from("response"));
    let mut stream = Stream::new(relay());
    stream.out.extend(stream.relay.push(&Event::from(&response)).unwrap());
    stream
}

#[test]
fn a_failed_call_has_a_typed_error_and_the_true_label() {
    let check = |error: CallError, expected: &str| {
        let mut stream = round_of(&[FunctionCall::new("a", "time", Arguments::from("{}"))]);
        stream.answer(0, Err(error));
        stream.relay.end_round();
        let (lines, response) = stream.finish();
        assert!(lines.iter().any(|line| line.contains("response.mcp_call.failed")), "{lines:?}");
        assert_eq!(serde_json::to_string(&response.output).unwrap(), expected);
    };
    check(
        CallError::Protocol { code: -32602, message: "bad".to_owned() },
        r#"[{"id":"mcp_ab12_0","type":"mcp_call","status":"failed","server_label":"clock","name":"get.time","arguments":"{}","output":null,"error":{"type":"mcp_protocol_error","code":-32602,"message":"bad"},"approval_request_id":null}]"#,
    );
    check(
        CallError::Execution { content: raw(r#"[{"type":"text","text":"disk full"}]"#) },
        r#"[{"id":"mcp_ab12_0","type":"mcp_call","status":"failed","server_label":"clock","name":"get.time","arguments":"{}","output":null,"error":{"type":"mcp_tool_execution_error","content":[{"type":"text","text":"disk full"}]},"approval_request_id":null}]"#,
    );
}

#[test]
fn calls_of_the_client_and_of_servers_stand_side_by_side() {
    let mut stream = round_of(&[
        FunctionCall::new("a", "time", Arguments::from("{}")),
        FunctionCall::new("b", "mine", Arguments::from("{}")),
        FunctionCall::new("c", "unheard_of", Arguments::from("{}")),
        FunctionCall::new("d", "time", Arguments::Json(raw(r#"{"z":1}"#))),
    ]);
    // In any order, by the place of the call.
    stream.answer(3, Ok("four".to_owned()));
    stream.answer(0, Ok("one".to_owned()));
    stream.answer(2, Err(CallError::Protocol { code: -32602, message: "there is no such tool".to_owned() }));
    let (_, response) = stream.finish();
    let items: Vec<String> = response
        .output
        .iter()
        .map(|item| match item {
            Item::McpCall(call) => format!("{} {:?} {}", call.name, call.arguments, call.output.as_deref().unwrap()),
            Item::FunctionCall(call) => format!("{} {}", call.name, call.call_id),
            other => other.kind(),
        })
        .collect();
    assert_eq!(items, [r#"get.time Text("{}") one"#, "mine b", r#"get.time Text("{\"z\":1}") four"#]);
}

#[test]
fn a_call_that_needs_an_approval_is_a_request_for_it() {
    let calls = [
        FunctionCall::new("a", "wipe", Arguments::from(r#"{"all":true}"#)),
        FunctionCall::new("b", "time", Arguments::from("{}")),
    ];
    let mut stream = round_of(&calls);
    stream.answer(1, Ok("noon".to_owned()));
    let (id, events) = stream.relay.ask(0).unwrap();
    stream.out.extend(events);
    assert!(stream.relay.ask(0).is_none() && stream.relay.ask(1).is_none() && stream.relay.ask(2).is_none());
    let (_, response) = stream.finish();
    assert_eq!(response.status.as_deref(), Some("completed"));
    let kinds: Vec<String> = response.output.iter().map(Item::kind).collect();
    assert_eq!(kinds, ["mcp_call", "mcp_approval_request"]);
    let expected = format!(
        r#"{{"id":"{id}","type":"mcp_approval_request","server_label":"disk","name":"wipe","arguments":"{{\"all\":true}}"}}"#
    );
    assert_eq!(serde_json::to_string(&response.output[1]).unwrap(), expected);

    // One that was refused before anybody was asked is a call that failed.
    let mut stream = round_of(&calls[..1]);
    stream.answer(0, Err(CallError::Protocol { code: -32602, message: "bad".to_owned() }));
    let (_, response) = stream.finish();
    assert!(matches!(&response.output[0], Item::McpCall(call) if call.status.as_deref() == Some("failed")));
}

#[test]
fn a_call_through_a_function_that_stands_for_many_is_shown_as_one_of_its_tool() {
    let calls = [FunctionCall::new("a", "call_tool", Arguments::from("{}"))];
    let mut stream = round_of(&calls);
    stream.relay.reveal(0, "clock", "get.time", Arguments::from(r#"{"z":1}"#));
    stream.answer(0, Ok("noon".to_owned()));
    stream.answer(0, Ok("once more".to_owned()));
    let (_, response) = stream.finish();
    assert_eq!(response.output.len(), 1);
    assert!(matches!(
        &response.output[0],
        Item::McpCall(call) if call.name == "get.time" && call.output.as_deref() == Some("noon")
    ));
}

#[test]
fn an_approved_call_is_shown_with_the_request_it_was_approved_by() {
    let mut stream = Stream::new(relay());
    let mut call = McpCall::new("", "disk", "wipe", Arguments::from("{}"));
    call.approval_request_id = Some("mcpr_1".to_owned());
    stream.out.extend(stream.relay.resumed(call, Ok("wiped".to_owned())));
    stream.round(&LAST);
    let (lines, response) = stream.finish();
    assert!(lines[0].contains("response.created") && lines[1].contains("response.in_progress"), "{lines:?}");
    assert!(matches!(
        &response.output[0],
        Item::McpCall(call) if call.approval_request_id.as_deref() == Some("mcpr_1") && call.output.as_deref() == Some("wiped")
    ));
    assert_eq!(response.text(), "noon");
}

#[test]
fn an_error_in_a_later_round_ends_the_stream_as_failed() {
    let mut stream = Stream::new(relay());
    stream.round(&FIRST);
    stream.answer(0, Ok("12:00".to_owned()));
    stream.relay.end_round();
    let error = stream.relay.push(&event(r#"{"type":"error","message":"down"}"#)).unwrap_err();
    assert_eq!(error, StreamFault::Provider { message: "down".to_owned() });
    let last = stream.relay.fail("server_error", "down").pop().unwrap();
    assert_eq!(last.kind, "response.failed");
    let response = last.response().unwrap();
    assert_eq!((response.failure().as_deref(), response.output.len()), (Some("down"), 1));
}
