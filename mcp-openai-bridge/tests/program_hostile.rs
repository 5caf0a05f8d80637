//! `mcp-bridge serve --stdio` as a process of its own, sent what no client would send.
//!
//! Every id that can be read is answered exactly once, the process lives, and it ends with 0.

#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

mod program_support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};
use std::thread;

use mcp_types::Revision;
use mcp_types::meta::{CLIENT_CAPABILITIES, PROTOCOL_VERSION};
use program_support::program;
use serde_json::{Value, json};

/// A call of a tool as the modern era has it, which needs no handshake.
fn call(id: &Value, params: Value) -> Vec<u8> {
    let mut params = params;
    params["_meta"] = json!({ PROTOCOL_VERSION: Revision::LATEST.as_str(), CLIENT_CAPABILITIES: {} });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string().into_bytes()
}

fn echo(id: &Value, text: &str) -> Vec<u8> {
    call(id, json!({ "name": "echo", "arguments": { "text": text } }))
}

fn countdown(id: &Value, seconds: f64) -> Vec<u8> {
    call(id, json!({ "name": "countdown", "arguments": { "seconds": seconds, "steps": 1 } }))
}

/// The lines, and the id under which each is answered; `null` where no id can be read.
fn hostile() -> Vec<(&'static str, Vec<u8>, Value)> {
    let with = |id: i64, from: &str, to: &[u8]| {
        let line = echo(&json!(id), "HERE");
        let at = line.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        [&line[..at], to, &line[at + from.len()..]].concat()
    };
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let unknown = br#"{"jsonrpc":"2.0","id":10,"method":"no/such/method","params":{}}"#.to_vec();
    let id = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#).into_bytes();
    vec![
        ("malformed JSON", b"{\"jsonrpc\":\"2.0\",".to_vec(), Value::Null),
        ("no JSON at all", b"hello?".to_vec(), Value::Null),
        ("invalid UTF-8", with(2, "HERE", b"\xff\xfe"), json!(2)),
        ("a lone surrogate", with(3, "HERE", br"\ud800"), json!(3)),
        ("100 000 levels", with(4, "\"HERE\"", nested.as_bytes()), json!(4)),
        ("64 MiB", with(5, "HERE", &vec![b'a'; 64 << 20]), json!(5)),
        ("id null", id("null"), Value::Null),
        ("id 1.5", id("1.5"), Value::Null),
        ("id as an object", id("{}"), Value::Null),
        ("an unknown method", unknown, json!(10)),
        ("a call without a name", call(&json!(11), json!({ "arguments": {} })), json!(11)),
        ("a call of no tool", call(&json!("twelve"), json!({ "name": "nothing" })), json!("twelve")),
        ("a good call in between", echo(&json!(13), "still here"), json!(13)),
    ]
}

/// Answers by the JSON text of their ids.
type Answers = BTreeMap<String, Vec<Value>>;

/// Pipes bytes into the program to the end of its input; returns what it answered.
fn piped(write: impl FnOnce(&mut ChildStdin) + Send + 'static) -> Answers {
    let mut child = program(&["serve", "--stdio", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Dropping the pipe at the end of the thread is the end of the input.
    let writer = thread::spawn(move || write(&mut stdin));
    let mut answers = Answers::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if answer.get("method").is_none() {
            answers.entry(answer["id"].to_string()).or_default().push(answer);
        }
    }
    writer.join().unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
    answers
}

fn line(stdin: &mut ChildStdin, bytes: &[u8]) {
    stdin.write_all(bytes).unwrap();
    stdin.write_all(b"\n").unwrap();
}

/// The one answer with an id.
fn only(answers: &Answers, id: &Value) -> Value {
    match answers.get(&id.to_string()).map(Vec::as_slice) {
        Some([answer]) => answer.clone(),
        other => panic!("{id} was answered like this: {other:?}"),
    }
}

fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[test]
fn nothing_that_is_piped_in_ends_the_server_and_each_id_is_answered_once() {
    let answers = piped(|stdin| {
        hostile().iter().for_each(|(_, bytes, _)| line(stdin, bytes));
        line(stdin, &echo(&json!("good"), "hi"));
        // The input ends while this one runs.
        line(stdin, &countdown(&json!("last"), 0.2));
    });
    let mut unreadable = 0;
    for (what, _, id) in hostile() {
        if id.is_null() {
            unreadable += 1;
        } else {
            let answer = only(&answers, &id);
            assert_eq!(answer.get("error").is_none(), what == "a good call in between", "{what}: {answer}");
        }
    }
    let nobodys = answers.get("null").map(Vec::as_slice).unwrap_or_default();
    assert_eq!(nobodys.len(), unreadable, "{nobodys:?}");
    assert!(nobodys.iter().all(|answer| answer.get("error").is_some()), "{nobodys:?}");
    assert_eq!(text_of(&only(&answers, &json!("good"))), "hi");
    assert_eq!(text_of(&only(&answers, &json!("last"))), "Counted down 0.2 seconds in 1 step.");
    // Nobody else was answered.
    assert_eq!(answers.len(), hostile().len() - unreadable + 3, "{:?}", answers.keys());
}

#[test]
fn of_two_requests_with_one_id_at_once_the_second_is_refused_and_the_first_answered() {
    let answers = piped(|stdin| {
        line(stdin, &countdown(&json!(7), 0.2));
        line(stdin, &echo(&json!(7), "twice"));
        line(stdin, &echo(&json!(8), "hi"));
    });
    let [refused, answered] = answers["7"].as_slice() else { panic!("{answers:?}") };
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    assert_eq!(text_of(answered), "Counted down 0.2 seconds in 1 step.");
    assert_eq!(text_of(&only(&answers, &json!(8))), "hi");
}

#[test]
fn an_input_that_ends_in_the_middle_of_a_line_ends_the_server_well() {
    let answers = piped(|stdin| {
        line(stdin, &echo(&json!(1), "hi"));
        stdin.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":2,").unwrap();
    });
    assert_eq!(text_of(&only(&answers, &json!(1))), "hi");
    assert!(answers.len() <= 2, "{answers:?}");
}
