//! Streams of Responses, with and without a whole response at their end.

use super::*;

fn event(text: &str) -> Event {
    serde_json::from_str(text).unwrap()
}

fn assembled(events: &[&str]) -> Result<Response, StreamFault> {
    let mut response = Assembler::default();
    for text in events {
        response.push(&event(text))?;
    }
    response.finish()
}

const CREATED: &str = r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","output":[],"usage":null}}"#;
const COMPLETED_EMPTY: &str = r#"{"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","status":"completed","output":[],"usage":{"total_tokens":3}}}"#;

#[test]
fn the_last_event_carries_the_response() {
    let check = |kind: &str, status: &str| {
        let last = format!(
            r#"{{"type":"response.{kind}","response":{{"id":"resp_1","status":"{status}","output":[{{"type":"reasoning","id":"r"}}],"error":{{"code":"x","message":"no"}}}}}}"#
        );
        let response = assembled(&[CREATED, &last]).unwrap();
        assert_eq!(response.status.as_deref(), Some(status));
        assert_eq!(response.output.len(), 1);
        assert_eq!(response.failure().as_deref(), Some("no"));
        assert_eq!(Event::from(&response).kind, format!("response.{kind}"));
    };
    check("completed", "completed");
    check("failed", "failed");
    check("incomplete", "incomplete");
}

#[test]
fn the_parts_count_when_the_last_event_has_none() {
    let check = |events: &[&str], expected: &str| {
        let events: Vec<&str> = [&[CREATED], events, &[COMPLETED_EMPTY]].concat();
        let response = assembled(&events).unwrap();
        assert_eq!(serde_json::to_string(&response.output).unwrap(), expected);
        assert_eq!(response.usage.unwrap().count("total_tokens"), Some(3));
    };
    // Items that are done, in the order of their places.
    check(
        &[
            r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}}"#,
            r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"r","summary":[]}}"#,
        ],
        r#"[{"type":"reasoning","id":"r","summary":[]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]"#,
    );
    // Items of which there are only deltas.
    check(
        &[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","role":"assistant","content":[],"id":"m","status":"in_progress"}}"#,
            r#"{"type":"response.content_part.added","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
            r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hel"}"#,
            r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"lo"}"#,
            r#"{"type":"response.refusal.delta","output_index":0,"content_index":1,"delta":"no"}"#,
            r#"{"type":"response.unheard_of","output_index":0,"delta":"x"}"#,
        ],
        r#"[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[]},{"type":"refusal","refusal":"no"}],"id":"m","status":"completed"}]"#,
    );
    check(
        &[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"a","name":"f","arguments":""}}"#,
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"b","name":"g","arguments":""}}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{"}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"x\":1}"}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"}"}"#,
            r#"{"type":"response.function_call_arguments.done","output_index":1,"arguments":"{}"}"#,
        ],
        r#"[{"type":"function_call","call_id":"a","name":"f","arguments":"{\"x\":1}"},{"type":"function_call","call_id":"b","name":"g","arguments":"{}"}]"#,
    );
    check(
        &[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"r"}}"#,
            r#"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
            r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"hm"}"#,
            r#"{"type":"response.reasoning_text.delta","output_index":0,"content_index":0,"delta":"so"}"#,
            r#"{"type":"response.reasoning_text.done","output_index":0,"content_index":0,"text":"so!"}"#,
        ],
        r#"[{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"hm"}],"content":[{"type":"reasoning_text","text":"so!"}]}]"#,
    );
}

#[test]
fn nonsense_is_a_fault_and_no_panic() {
    let check = |events: &[&str], expected: &str| assert_eq!(assembled(events).unwrap_err().to_string(), expected);
    check(&[CREATED], "the stream ended before the reply did; ask again");
    check(&[], "the stream ended before the reply did; ask again");
    check(
        &[r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a"}"#],
        "the stream has a part of an item that has not begun",
    );
    check(
        &[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","role":"assistant"}}"#,
            r#"{"type":"response.output_text.delta","output_index":0,"content_index":5,"delta":"a"}"#,
        ],
        "the stream has a part of an item that has not begun",
    );
    check(&[r#"{"type":"response.completed"}"#], "the end of the stream carries no response");
    check(&[r#"{"type":"error","code":"x","message":"down"}"#], "the provider ended its stream with an error: down");
    check(&[r#"{"error":{"message":"down"}}"#], "the provider ended its stream with an error: down");
    assert!(serde_json::from_str::<Event>(r#"{"delta":"a"}"#).is_err());
    let mut small = Assembler::with_limit(10);
    assert_eq!(small.push(&event(CREATED)), Err(StreamFault::TooLong { what: "bytes", limit: 10 }));
}

#[test]
fn done_ends_a_response_that_has_no_last_event() {
    let mut response = Assembler::default();
    response.push(&event(CREATED)).unwrap();
    response.done();
    let response = response.finish().unwrap();
    assert_eq!((response.id.as_str(), response.status.as_deref()), ("resp_1", Some("completed")));
    let mut nothing = Assembler::default();
    nothing.done();
    assert_eq!(nothing.finish(), Err(StreamFault::Unfinished));
}

#[test]
fn an_event_is_written_as_it_was_read() {
    let check = |text: &str| assert_eq!(serde_json::to_string(&event(text)).unwrap(), text);
    check(CREATED);
    check(r#"{"type":"response.output_text.delta","n":1.0,"delta":"a"}"#);
    assert_eq!(event(r#"{"type":"response.output_text.delta","delta":"a"}"#).text_delta().as_deref(), Some("a"));
    assert_eq!(event(r#"{"type":"response.refusal.delta","delta":"a"}"#).text_delta(), None);
}
