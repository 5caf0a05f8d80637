//! Many rounds as one stream: what a client sees, and that its reader is not confused.

use super::*;

/// Relays rounds, each a list of chunks; returns all that the client gets, one chunk a line.
fn relayed(relay: Relay, rounds: &[&[&str]]) -> Vec<String> {
    let mut relay = relay;
    let mut out = Vec::new();
    for round in rounds {
        for chunk in *round {
            out.extend(relay.push(&serde_json::from_str(chunk).unwrap()).unwrap());
        }
        out.extend(relay.end_round());
    }
    out.extend(relay.finish(None));
    out.iter().map(|chunk| serde_json::to_string(chunk).unwrap()).collect()
}

/// What a client makes of it.
fn assembled(lines: &[String]) -> Completion {
    let mut reply = Assembler::default();
    for line in lines {
        reply.push(&serde_json::from_str(line).unwrap()).unwrap();
    }
    reply.finish().unwrap()
}

fn call(index: u64, id: &str, name: &str, arguments: &str) -> String {
    let arguments = serde_json::to_string(arguments).unwrap();
    format!(
        r#"{{"id":"x","choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":{index},"id":"{id}","type":"function","function":{{"name":"{name}","arguments":{arguments}}}}}]}}}}]}}"#
    )
}

fn more(index: u64, arguments: &str) -> String {
    let arguments = serde_json::to_string(arguments).unwrap();
    format!(
        r#"{{"id":"x","choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":{index},"function":{{"arguments":{arguments}}}}}]}}}}]}}"#
    )
}

const CALLS_END: &str = r#"{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#;

#[test]
fn ten_rounds_are_one_clean_message() {
    let round = |n: usize| {
        let id = format!(r#""id":"c{n}","object":"chat.completion.chunk","created":{n},"model":"m""#);
        [
            format!(
                r#"{{{id},"choices":[{{"index":0,"delta":{{"role":"assistant","content":""}},"finish_reason":null}}]}}"#
            ),
            format!(r#"{{{id},"choices":[{{"index":0,"delta":{{"content":"Round {n}."}},"finish_reason":null}}]}}"#),
            format!(
                r#"{{{id},"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"id":"call_0","type":"function","function":{{"name":"time","arguments":""}}}}]}},"finish_reason":null}}]}}"#
            ),
            format!(
                r#"{{{id},"choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":"{{}}"}}}}]}},"finish_reason":null}}]}}"#
            ),
            format!(r#"{{{id},"choices":[{{"index":0,"delta":{{}},"finish_reason":"tool_calls"}}]}}"#),
            format!(r#"{{{id},"choices":[],"usage":{{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}}}"#),
        ]
    };
    let mut rounds: Vec<Vec<String>> = (1..10).map(|n| round(n).to_vec()).collect();
    let mut last = round(10).to_vec();
    last.drain(2..4);
    last[2] = last[2].replace("tool_calls", "stop");
    rounds.push(last);
    let rounds: Vec<Vec<&str>> = rounds.iter().map(|round| round.iter().map(String::as_str).collect()).collect();
    let rounds: Vec<&[&str]> = rounds.iter().map(Vec::as_slice).collect();

    let lines = relayed(Relay::new(["mine"]).shows_usage(true), &rounds);
    let golden = include_str!("ten_rounds.golden");
    assert_eq!(lines.join("\n") + "\n", golden);

    let reply = assembled(&lines);
    assert_eq!(reply.choices.len(), 1);
    assert!(reply.choices[0].message.tool_calls.is_empty());
    assert_eq!(reply.usage.unwrap().count("total_tokens"), Some(120));
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(count(r#""id":"c1""#), lines.len());
    assert_eq!((count(r#""role""#), count(r#""finish_reason":"stop""#), count(r#""usage""#)), (1, 1, 1));
    assert_eq!(count("tool_calls"), 0);
}

#[test]
fn calls_of_the_client_are_passed_on_and_numbered_anew() {
    let check = |deltas: &[String], expected: &str| {
        let mut round: Vec<&str> = deltas.iter().map(String::as_str).collect();
        round.push(CALLS_END);
        let reply = assembled(&relayed(Relay::new(["mine", "other"]), &[&round]));
        let calls = serde_json::to_string(&reply.choices[0].message.tool_calls).unwrap();
        assert_eq!(calls, expected);
        let reason = if expected == "[]" { "stop" } else { "tool_calls" };
        assert_eq!(reply.choices[0].finish_reason.as_deref(), Some(reason));
    };
    let mine = r#"[{"id":"b","type":"function","function":{"name":"mine","arguments":"{\"a\":1}"}}]"#;
    // Between two calls that are made here, in pieces, and overlapping with them.
    check(&[call(0, "a", "time", "{}"), call(1, "b", "mine", r#"{"a":1}"#), call(2, "c", "time", "{}")], mine);
    check(
        &[
            call(0, "a", "time", ""),
            call(1, "b", "mine", ""),
            more(0, "{"),
            more(1, r#"{"a""#),
            more(0, "}"),
            more(1, ":1}"),
        ],
        mine,
    );
    // The whole call once more, which is no second one and no second text.
    check(&[call(0, "b", "mine", r#"{"a":1}"#), call(0, "b", "mine", r#"{"a":1}"#)], mine);
    // A name that begins like one of the client's is not the client's.
    let piece = |name: &str| {
        format!(
            r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":0,"id":"a","function":{{"name":"{name}"}}}}]}}}}]}}"#
        )
    };
    check(&[piece("mine"), piece("craft"), more(0, "{}")], "[]");
    // No arguments at all.
    check(&[piece("mine")], r#"[{"id":"a","type":"function","function":{"name":"mine","arguments":""}}]"#);
    // An object in place of a text; members that are not known.
    check(
        &[r#"{"choices":[{"delta":{"tool_calls":[{"index":4,"id":"a","function":{"name":"mine","arguments":{"a":1}},"sig":"s"}]}}]}"#.to_owned()],
        r#"[{"id":"a","type":"function","function":{"name":"mine","arguments":{"a":1}},"sig":"s"}]"#,
    );
    // A custom tool.
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"custom","custom":{"name":"other","input":""}}]}}]}"#.to_owned(),
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"custom":{"input":"x"}}]}}]}"#.to_owned(),
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"custom":{"input":"y"}}]}}]}"#.to_owned(),
        ],
        r#"[{"id":"a","type":"custom","custom":{"name":"other","input":"xy"}}]"#,
    );
}

#[test]
fn two_calls_of_the_client_are_not_glued_together() {
    let first = [call(0, "a", "mine", "{}"), call(1, "b", "other", r#"{"b":2}"#)];
    let round = [first[0].as_str(), first[1].as_str(), CALLS_END];
    let reply = assembled(&relayed(Relay::new(["mine", "other"]), &[&round]));
    let calls = &reply.choices[0].message.tool_calls;
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].function.as_ref().unwrap().arguments, Arguments::from(r#"{"b":2}"#));
}

#[test]
fn a_stream_with_an_id_of_its_own_gives_calls_ids_that_nobody_else_has() {
    let mut relay = Relay::new(["mine"]).id("chatcmpl-0123abcd");
    let chunk: Chunk = serde_json::from_str(&call(3, "call_0", "mine", "{}")).unwrap();
    let out = relay.push(&chunk).unwrap().unwrap();
    assert_eq!(out.choices[0].delta.tool_calls[0].id.as_deref(), Some("call_0123abcd_0"));
    assert_eq!(out.extra.member("id").unwrap().as_str(), r#""chatcmpl-0123abcd""#);
    let passed: Vec<(usize, &str)> = relay.passed().iter().map(|call| (call.position, call.id.as_str())).collect();
    assert_eq!(passed, [(0, "call_0123abcd_0")]);
}

#[test]
fn reasoning_and_what_is_not_known_are_passed_on() {
    let lines = relayed(
        Relay::new(["mine"]),
        &[&[
            r#"{"id":"x","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm","refusal":null},"logprobs":{"content":[]}}]}"#,
            r#"{"id":"x","choices":[{"index":0,"delta":{"refusal":"no"},"finish_reason":"content_filter"}]}"#,
        ]],
    );
    assert_eq!(
        lines,
        [
            r#"{"id":"x","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm"},"logprobs":{"content":[]},"finish_reason":null}]}"#,
            r#"{"id":"x","choices":[{"index":0,"delta":{"refusal":"no"},"finish_reason":null}]}"#,
            r#"{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}"#,
        ]
    );
}

#[test]
fn a_reply_in_one_piece_is_relayed_as_well() {
    let reply: Completion = serde_json::from_str(r#"{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"length"}],"usage":{"total_tokens":3}}"#).unwrap();
    let mut relay = Relay::new(["mine"]).shows_usage(true);
    let first = relay.push(&Chunk::from(&reply)).unwrap().unwrap();
    assert!(relay.end_round().is_none());
    let lines: Vec<String> =
        std::iter::once(first).chain(relay.finish(None)).map(|chunk| serde_json::to_string(&chunk).unwrap()).collect();
    assert_eq!(assembled(&lines), {
        let mut expected = reply;
        expected.choices[0].extra.insert("index", serde_json::Value::from(0));
        expected
    });
}

#[test]
fn an_error_of_the_provider_ends_the_stream() {
    let error = Relay::new([""]).push(&serde_json::from_str(r#"{"error":{"message":"down"}}"#).unwrap()).unwrap_err();
    assert_eq!(error, StreamFault::Provider { message: "down".to_owned() });
}
