//! Pipes: everything at once in one process, and the end of the input.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use super::session::LEGACY;
use crate::hostile::account::{Owed, check};
use crate::hostile::judge::cut;
use crate::hostile::pipe::PipeTarget;
use crate::hostile::report::Finding;
use crate::hostile::texts::{META, request};
use crate::hostile::{Probe, Run};

pub(super) fn probes() -> Vec<Probe> {
    let probe = |name, goal, run: for<'a> fn(&'a mut PipeTarget) -> BoxFuture<'a, Finding>| Probe {
        name,
        goal,
        run: Run::Pipe(run),
    };
    vec![
        probe("hostile run, modern", "every id answered once, exit 0", |target| everything(target, META).boxed()),
        probe("hostile run, in a session", "every id answered once, exit 0", |target| {
            async {
                target.shake_hands(LEGACY).await?;
                everything(target, "{}").await
            }
            .boxed()
        }),
        probe("end of input, 500 queued", "500 answers, exit 0", |target| queued(target).boxed()),
        probe("end of input, call in flight", "answered within 10 s, exit 0", |target| in_flight(target).boxed()),
        probe("F11 id again after its answer", "both answered", |target| again(target).boxed()),
    ]
}

/// Sends every kind of fault to one process without waiting for any answer, then a good call, then the end.
async fn everything(target: &mut PipeTarget, meta: &str) -> Finding {
    let call = |id: &str, tool: &str, arguments: &str| {
        request(id, "tools/call", &format!(r#"{{"name":"{tool}","arguments":{arguments},"_meta":{meta}}}"#))
    };
    let meta_only = format!(r#"{{"_meta":{meta}}}"#);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    // It waits until the tool `late` is done, so the second one comes while it is in flight.
    let first = call("\"twice\"", "count", r#"{"name":"late","at_least":1}"#);
    let second = call("\"twice\"", "text", "{}");
    let lines = [
        Vec::from(&b"nonsense"[..]),
        br#"{"jsonrpc":"2.0","id":"cut","method":"tools/list","params":{"#.to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":\"utf-8\",\"method\":\"tools/list\",\"x\":\"\xff\"}".to_vec(),
        call("\"surrogate\"", "echo", r#"{"x":"\ud83e"}"#).into(),
        call("\"deep\"", "echo", &format!(r#"{{"x":{deep}}}"#)).into(),
        call("null", "text", "{}").into(),
        call("1.5", "text", "{}").into(),
        call("{}", "text", "{}").into(),
        first.into(),
        second.into(),
        request("\"method\"", "no/such", &meta_only).into(),
        request("\"name\"", "tools/call", &meta_only).into(),
        call("\"panic\"", "panic", "{}").into(),
        br#"{"jsonrpc":"2.0","id":"long","method":"tools/list","x":""#.iter().copied().chain([b'x'; 1]).collect(),
    ];
    let mut bytes = lines.join(&b'\n');
    bytes.extend_from_slice(&vec![b'x'; 64 * 1024 * 1024]);
    bytes.extend_from_slice(b"\"}\n");
    bytes.extend_from_slice(call("\"late\"", "late", "{}").as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(call("\"good\"", "echo", r#"{"x":"here"}"#).as_bytes());
    bytes.push(b'\n');
    for chunk in bytes.chunks(1024 * 1024) {
        target.write(chunk).await?;
    }
    // These answers do not wait for the end of the input.
    let mut answers = Vec::new();
    while answers.len() < lines.len() + 2 {
        answers.push(target.answer().await.map_err(|fault| format!("after {} answers: {fault}", answers.len()))?);
    }
    target.send(call("\"flight\"", "slow", r#"{"token":"t"}"#).as_bytes()).await?;
    answers.extend(target.end().await?);
    check(OWED, 4, &answers)?;
    let good = answers.iter().find(|answer| answer.get("id").and_then(Value::as_str) == Some("good"));
    match good.and_then(|good| good.pointer("/result/content/0/text")).and_then(Value::as_str) {
        Some(r#"{"x":"here"}"#) => Ok(format!("{} answers, each id its own", answers.len())),
        other => Err(format!("the good call is answered with {other:?}")),
    }
}

async fn queued(target: &mut PipeTarget) -> Finding {
    let call = |at: usize| crate::hostile::texts::call(&at.to_string(), "echo", &format!(r#"{{"x":{at}}}"#)) + "\n";
    target.write((0..QUEUED).map(call).collect::<String>().as_bytes()).await?;
    let answers = target.end().await?;
    let mut ids: Vec<_> =
        answers.iter().filter(|one| one.get("result").is_some()).filter_map(|one| one["id"].as_u64()).collect();
    ids.sort_unstable();
    let seen = format!("{} answers", answers.len());
    let is_each_once = ids.iter().copied().eq(0..QUEUED as u64);
    if is_each_once { Ok(seen) } else { Err(format!("{seen}, {} of them results", ids.len())) }
}

async fn in_flight(target: &mut PipeTarget) -> Finding {
    target.send(crate::hostile::texts::call("7", "slow", r#"{"token":"t"}"#).as_bytes()).await?;
    let began = crate::hostile::texts::call("8", "count", r#"{"name":"t began","at_least":1}"#);
    target.send(began.as_bytes()).await?;
    target.answer().await?;
    let start = std::time::Instant::now();
    let answers = target.end().await?;
    let codes: Vec<_> =
        answers.iter().map(|answer| answer.pointer("/error/code").cloned().unwrap_or_default()).collect();
    let seen = format!("{} after {:.1} s", Value::from(codes), start.elapsed().as_secs_f64());
    let is_answered = matches!(answers.as_slice(), [one] if one["id"] == 7 && one.get("error").is_some());
    if is_answered { Ok(seen) } else { Err(format!("{seen}: {}", cut(&format!("{answers:?}")))) }
}

/// Uses the id of a call that was answered once more, which is legal (T-3).
async fn again(target: &mut PipeTarget) -> Finding {
    for x in 0..2 {
        let arguments = format!(r#"{{"x":{x}}}"#);
        target.send(crate::hostile::texts::call("7", "echo", &arguments).as_bytes()).await?;
        let answer = target.answer().await?;
        if answer.pointer("/result/content/0/text").and_then(Value::as_str) != Some(&arguments) {
            return Err(format!("the call {x} is answered with {}", cut(&answer.to_string())));
        }
    }
    Ok("2 × result".to_owned())
}

/// What is owed to the ids of the hostile run; four more answers have none.
const OWED: &[Owed] = &[
    Owed { id: "cut", codes: &[-32700], is_hidden: true },
    Owed { id: "utf-8", codes: &[-32700], is_hidden: true },
    Owed { id: "surrogate", codes: &[-32700], is_hidden: true },
    Owed { id: "deep", codes: &[-32700], is_hidden: true },
    Owed { id: "twice", codes: &[-32600, 0], is_hidden: false },
    Owed { id: "method", codes: &[-32601], is_hidden: false },
    Owed { id: "name", codes: &[-32602], is_hidden: false },
    Owed { id: "panic", codes: &[-32603], is_hidden: false },
    Owed { id: "long", codes: &[-32600], is_hidden: false },
    Owed { id: "late", codes: &[0], is_hidden: false },
    Owed { id: "good", codes: &[0], is_hidden: false },
    Owed { id: "flight", codes: &[-32603], is_hidden: false },
];
const QUEUED: usize = 500;
