//! Streams of Chat Completions, by the book and as providers send them.

use super::*;

fn chunk(text: &str) -> Chunk {
    serde_json::from_str(text).unwrap()
}

/// Puts chunks together that each have one choice with this delta; the last one ends it.
fn assembled(deltas: &[&str]) -> Result<Completion, StreamFault> {
    let mut reply = Assembler::default();
    for delta in deltas {
        reply.push(&chunk(&format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#)))?;
    }
    reply.push(&chunk(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#))?;
    reply.finish()
}

fn message(deltas: &[&str]) -> String {
    let reply = assembled(deltas).unwrap();
    serde_json::to_string(&reply.choices[0].message).unwrap()
}

fn calls(deltas: &[&str]) -> String {
    let deltas: Vec<String> = deltas.iter().map(|call| format!(r#"{{"tool_calls":[{call}]}}"#)).collect();
    let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
    let reply = assembled(&deltas).unwrap();
    let calls = reply.choices[0].message.tool_calls.iter().map(|call| {
        let function = call.function.as_ref().unwrap();
        let arguments = match &function.arguments {
            Arguments::Absent => "-".to_owned(),
            Arguments::Json(value) => format!("json {value}"),
            Arguments::Text(text) => text.clone(),
        };
        format!("{} {} {arguments}", call.id, function.name)
    });
    calls.collect::<Vec<_>>().join(" | ")
}

#[test]
fn a_stream_becomes_the_reply_that_would_have_come_in_one_piece() {
    let mut reply = Assembler::default();
    for text in [
        r#"{"id":"c1","object":"chat.completion.chunk","created":7,"model":"m","service_tier":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#,
        r#"{"id":"c1","object":"chat.completion.chunk","created":8,"model":"m","choices":[{"index":0,"delta":{"content":"Hel"},"logprobs":{"content":[{"token":"Hel"}],"refusal":null},"finish_reason":null}]}"#,
        r#"{"id":"c1","object":"chat.completion.chunk","created":8,"model":"m","choices":[{"index":0,"delta":{"content":"lo"},"logprobs":{"content":[{"token":"lo"}],"refusal":null},"finish_reason":null}]}"#,
        r#"{"id":"c1","object":"chat.completion.chunk","created":8,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        r#"{"id":"c1","object":"chat.completion.chunk","created":8,"model":"m","choices":[],"usage":{"total_tokens":3}}"#,
    ] {
        reply.push(&chunk(text)).unwrap();
    }
    assert_eq!(
        serde_json::to_string(&reply.finish().unwrap()).unwrap(),
        r#"{"id":"c1","object":"chat.completion","created":7,"model":"m","service_tier":"x","choices":[{"logprobs":{"content":[{"token":"Hel"},{"token":"lo"}],"refusal":null},"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"total_tokens":3}}"#
    );
}

#[test]
fn a_chunk_is_written_as_it_was_read() {
    let check = |text: &str| assert_eq!(serde_json::to_string(&chunk(text)).unwrap(), text);
    check(
        r#"{"id":"c","created":1.0,"choices":[{"index":1,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""},"x":1}],"reasoning":"r"},"logprobs":null,"finish_reason":null}],"usage":{"a":1}}"#,
    );
    check(r#"{"error":{"message":"no"},"choices":[]}"#);
}

#[test]
fn calls_are_put_together_however_a_provider_sends_them() {
    let check = |deltas: &[&str], expected: &str| assert_eq!(calls(deltas), expected);
    // By the book: two calls that overlap.
    check(
        &[
            r#"{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}"#,
            r#"{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}"#,
            r#"{"index":0,"function":{"arguments":"{\"x\""}}"#,
            r#"{"index":1,"function":{"arguments":"{}"}}"#,
            r#"{"index":0,"function":{"arguments":":1}"}}"#,
        ],
        r#"a f {"x":1} | b g {}"#,
    );
    // Id and name with every delta.
    check(
        &[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}"#,
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}"#,
        ],
        r#"a f {"x":1}"#,
    );
    // The id empty or another one in later deltas.
    check(
        &[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#,
            r#"{"index":0,"id":"","function":{"name":"","arguments":"}"}}"#,
            r#"{"index":0,"id":"z","function":{"name":null,"arguments":" "}}"#,
        ],
        "a f {} ",
    );
    // A name in pieces, and one that grows.
    check(
        &[r#"{"index":0,"id":"a","function":{"name":"get_"}}"#, r#"{"index":0,"function":{"name":"time"}}"#],
        "a get_time -",
    );
    check(
        &[r#"{"index":0,"id":"a","function":{"name":"get_"}}"#, r#"{"index":0,"function":{"name":"get_time"}}"#],
        "a get_time -",
    );
    // Whole calls, all with the index 0, or with none.
    for index in [r#""index":0,"#, ""] {
        let call = |id: &str| format!(r#"{{{index}"id":"{id}","function":{{"name":"f","arguments":"{{}}"}}}}"#);
        check(&[&call("a"), &call("b")], "a f {} | b f {}");
    }
    // Neither index nor id.
    check(
        &[r#"{"function":{"name":"f","arguments":"{}"}}"#, r#"{"function":{"name":"f","arguments":"{}"}}"#],
        " f {} |  f {}",
    );
    check(
        &[
            r#"{"function":{"name":"f","arguments":"{\"x\""}}"#,
            r#"{"function":{"name":"f","arguments":":1}"}}"#,
            r#"{"function":{"name":"g","arguments":"{"}}"#,
            r#"{"function":{"arguments":"}"}}"#,
        ],
        r#" f {"x":1} |  g {}"#,
    );
    // The whole call once more at the end.
    check(
        &[
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}"#,
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}"#,
        ],
        r#"a f {"x":1}"#,
    );
    // An object in place of a text, and no arguments at all.
    check(&[r#"{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}}"#], r#"a f json {"x":1}"#);
    check(&[r#"{"index":"zero","id":"a","function":{"name":"f"}}"#], "a f -");
    // Numbers that do not begin at 0, and that come in any order.
    check(
        &[
            r#"{"index":7,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
            r#"{"index":3,"id":"b","function":{"name":"g","arguments":"{}"}}"#,
        ],
        "a f {} | b g {}",
    );
}

#[test]
fn members_that_are_not_known_are_put_together() {
    let check = |deltas: &[&str], expected: &str| assert_eq!(message(deltas), expected);
    check(
        &[r#"{"role":"assistant","reasoning_content":"th"}"#, r#"{"role":"assistant","reasoning_content":"ink"}"#],
        r#"{"role":"assistant","reasoning_content":"think"}"#,
    );
    check(
        &[r#"{"refusal":"I "}"#, r#"{"refusal":"cannot"}"#, r#"{"refusal":null}"#],
        r#"{"role":"assistant","refusal":"I cannot"}"#,
    );
    check(
        &[
            r#"{"audio":{"id":"u","data":"AA","transcript":"a"}}"#,
            r#"{"audio":{"id":"u","data":"BB"}}"#,
            r#"{"audio":{"expires_at":1.50}}"#,
        ],
        r#"{"role":"assistant","audio":{"id":"u","data":"AABB","transcript":"a","expires_at":1.50}}"#,
    );
    check(
        &[
            r#"{"reasoning_details":[{"type":"t","index":0,"text":"a"}]}"#,
            r#"{"reasoning_details":[{"type":"t","index":0,"text":"b"}]}"#,
            r#"{"reasoning_details":[{"type":"t","index":1,"text":"c"}]}"#,
        ],
        r#"{"role":"assistant","reasoning_details":[{"type":"t","index":0,"text":"ab"},{"type":"t","index":1,"text":"c"}]}"#,
    );
    check(
        &[r#"{"annotations":[{"a":1}]}"#, r#"{"annotations":[{"a":2}]}"#, r#"{"score":1}"#, r#"{"score":2}"#],
        r#"{"role":"assistant","annotations":[{"a":1},{"a":2}],"score":2}"#,
    );
}

#[test]
fn a_content_is_a_text_or_parts_or_null() {
    let check = |deltas: &[&str], expected: &str| assert_eq!(message(deltas), expected);
    check(&[r#"{"content":null}"#], r#"{"role":"assistant","content":null}"#);
    check(
        &[r#"{"content":null}"#, r#"{"content":"a"}"#, r#"{"content":null}"#],
        r#"{"role":"assistant","content":"a"}"#,
    );
    check(
        &[r#"{"content":[{"type":"thinking"}]}"#, r#"{"content":""}"#, r#"{"content":"a"}"#],
        r#"{"role":"assistant","content":[{"type":"thinking"},{"type":"text","text":"a"}]}"#,
    );
    check(
        &[r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#],
        r#"{"role":"assistant","content":null,"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
    );
}

#[test]
fn every_choice_is_a_message_of_its_own() {
    let mut reply = Assembler::default();
    for text in [
        r#"{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"A"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"B"},"finish_reason":"length"}]}"#,
    ] {
        reply.push(&chunk(text)).unwrap();
    }
    let reply = reply.finish().unwrap();
    let texts: Vec<String> = reply.choices.iter().map(|choice| choice.message.text()).collect();
    assert_eq!(texts, ["aA", "bB"]);
    assert_eq!(reply.choices[1].finish_reason.as_deref(), Some("length"));
}

#[test]
fn usage_that_is_sent_with_every_chunk_is_not_summed() {
    let mut reply = Assembler::default();
    for tokens in [1, 2, 3] {
        let text = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}],"usage":{"total_tokens":TOKENS}}"#;
        reply.push(&chunk(&text.replace("TOKENS", &tokens.to_string()))).unwrap();
    }
    assert_eq!(reply.finish().unwrap().usage.unwrap().count("total_tokens"), Some(3));
}

#[test]
fn nonsense_is_a_fault_and_no_panic() {
    let check = |deltas: &[&str], expected: &str| assert_eq!(assembled(deltas).unwrap_err().to_string(), expected);
    check(
        &[r#"{"tool_calls":[{"function":{"arguments":"{}"}}]}"#],
        "the stream has a part of a call that has not begun",
    );
    check(
        &[
            r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{"}},{"index":0,"function":{"arguments":{"a":1}}}]}"#,
        ],
        "the stream gives the call of \"f\" arguments that are a text and an object at once",
    );
    let many: Vec<String> = (0..129).map(|n| format!(r#"{{"tool_calls":[{{"index":{n},"id":"{n}"}}]}}"#)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(assembled(&many[..128]).is_ok());
    check(&many, "the stream has more than 128 calls in one message, which is the limit");

    let push = |text: &str| Assembler::default().push(&chunk(text)).unwrap_err().to_string();
    assert_eq!(
        push(r#"{"error":{"message":"overloaded","code":529}}"#),
        "the provider ended its stream with an error: overloaded"
    );
    assert_eq!(push(r#"{"error":"down"}"#), "the provider ended its stream with an error: down");
    assert_eq!(push(r#"{"error":{"code":1}}"#), r#"the provider ended its stream with an error: {"code":1}"#);
}

#[test]
fn what_is_held_is_bounded() {
    let text = r#"{"choices":[{"delta":{"content":"12345678"},"finish_reason":"stop"}]}"#;
    let mut reply = Assembler::with_limit(19);
    reply.push(&chunk(text)).unwrap();
    assert_eq!(reply.push(&chunk(text)), Err(StreamFault::TooLong { what: "bytes", limit: 19 }));
    // Parts that are empty take room as well.
    let mut reply = Assembler::with_limit(1000);
    let text = chunk(r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#);
    assert!((0..1000).any(|_| reply.push(&text).is_err()));
    let mut choices = Assembler::default();
    let more = |index: u64| chunk(&format!(r#"{{"choices":[{{"index":{index},"delta":{{}}}}]}}"#));
    assert!((0..128).all(|index| choices.push(&more(index)).is_ok()));
    assert!(choices.push(&more(128)).is_err());
}

#[test]
fn a_stream_that_ends_early_is_no_reply() {
    let mut reply = Assembler::default();
    assert_eq!(reply.clone().finish(), Err(StreamFault::Unfinished));
    reply
        .push(&chunk(
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}]}"#,
        ))
        .unwrap();
    assert_eq!(reply.clone().finish(), Err(StreamFault::Unfinished));
    // A provider that says `[DONE]` and gives no reason has finished.
    reply.done();
    assert_eq!(reply.finish().unwrap().choices[0].finish_reason.as_deref(), Some("tool_calls"));
}

#[test]
fn a_reply_in_one_piece_is_a_stream_of_one_chunk() {
    let text = r#"{"id":"c1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}],"reasoning_content":"hm"},"finish_reason":"tool_calls"}],"usage":{"total_tokens":3}}"#;
    let reply: Completion = serde_json::from_str(text).unwrap();
    let mut again = Assembler::default();
    again.push(&Chunk::from(&reply)).unwrap();
    let again = again.finish().unwrap();
    assert_eq!(again.choices[0].message, reply.choices[0].message);
    assert_eq!(again.choices[0].finish_reason, reply.choices[0].finish_reason);
    assert_eq!((again.usage, again.extra), (reply.usage, reply.extra));
}

/// A source of numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len() as u64) as usize]
    }
}

#[test]
fn no_stream_makes_it_panic_and_a_relayed_one_can_be_read() {
    let mut dice = Dice(7);
    let mut finished = 0;
    for _ in 0..3000 {
        let (mut whole, mut client, mut relay) = (Assembler::default(), Assembler::default(), Relay::new(["mine"]));
        let mut is_good = true;
        let mut tell = |chunk: Option<Chunk>| chunk.into_iter().for_each(|chunk| client.push(&chunk).unwrap());
        for _ in 0..dice.roll(12) {
            let index = dice.pick(&["", r#""index":0,"#, r#""index":1,"#, r#""index":null,"#, r#""index":"x","#]);
            let id = dice.pick(&["", r#""id":"a","#, r#""id":"b","#, r#""id":"","#]);
            let name = dice.pick(&["", r#""name":"mine","#, r#""name":"other","#, r#""name":"mi","#, r#""name":"","#]);
            let arguments = dice.pick(&[r#""""#, r#""{""#, r#""}""#, r#""{\"x\":1}""#, "{}", "null", "[1]"]);
            let call = format!(r#"{{{index}{id}"function":{{{name}"arguments":{arguments}}}}}"#);
            let delta = match dice.roll(6) {
                0 => r#"{"content":"text"}"#.to_owned(),
                1 => r#"{"content":[{"type":"text"}],"role":"assistant"}"#.to_owned(),
                2 => r#"{"reasoning":[{"index":0,"text":"a"}],"refusal":"r","x":{"y":"z"}}"#.to_owned(),
                _ => format!(r#"{{"tool_calls":[{call}]}}"#),
            };
            let reason = dice.pick(&["null", "null", "null", r#""stop""#]);
            let text = format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":{reason}}}]}}"#);
            let chunk: Chunk = serde_json::from_str(&text).unwrap();
            let (pushed, relayed) = (whole.push(&chunk), relay.push(&chunk));
            assert_eq!(pushed.is_ok(), relayed.is_ok(), "both read a stream alike: {text}");
            let Ok(chunk) = relayed else {
                is_good = false;
                break;
            };
            tell(chunk);
        }
        if !is_good {
            continue;
        }
        tell(relay.end_round());
        relay.finish(None).into_iter().for_each(|chunk| tell(Some(chunk)));
        whole.done();
        let Ok(whole) = whole.finish() else { continue };
        finished += 1;
        // The client has the calls that are its own, as they would have come without a stream.
        let own = |reply: &Completion| -> Vec<(Option<String>, Arguments)> {
            let calls =
                reply.choices[0].message.tool_calls.iter().filter(|call| call.name().as_deref() == Some("mine"));
            let arguments = |call: &ToolCall| match &call.function.as_ref().unwrap().arguments {
                Arguments::Absent => Arguments::from(""),
                arguments => arguments.clone(),
            };
            let mut own: Vec<_> = calls.map(|call| (call.name(), arguments(call))).collect();
            // A call whose arguments begin later comes later.
            own.sort_by_key(|call| format!("{call:?}"));
            own
        };
        let client = client.finish().unwrap();
        assert_eq!(own(&client), own(&whole));
        assert_eq!(client.choices[0].message.tool_calls.len(), own(&whole).len());
        assert_eq!(client.choices[0].message.extra, whole.choices[0].message.extra);
    }
    assert!(finished > 500, "{finished}");
}
