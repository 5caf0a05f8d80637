//! HTTP: sessions that are not there, or that are used in ways in which they are not to be.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

use super::media::count;
use crate::hostile::http::{Headers, HttpTarget, PATIENCE, read_head};
use crate::hostile::judge::Tally;
use crate::hostile::report::Finding;
use crate::hostile::serve::Aim;
use crate::hostile::texts;
use crate::hostile::{Probe, Run};

pub(super) fn probes() -> Vec<Probe> {
    let probe = |name, goal, run: for<'a> fn(&'a HttpTarget) -> BoxFuture<'a, Finding>| Probe {
        name,
        goal,
        run: Run::Http(Aim::Http, run),
    };
    vec![
        probe("unknown session", "404", |target| unknown_session(target).boxed()),
        probe("two session headers", "400", |target| two_sessions(target).boxed()),
        probe("2nd GET of a session", "409, and again after the 1st closed", |target| second_stream(target).boxed()),
        probe("F11 id again in flight in a session", "-32600, the 1st goes on", |target| same_id(target).boxed()),
        probe("F12 batches of 2025-03-26", "each answered; 101 refused", |target| batches(target).boxed()),
    ]
}

async fn unknown_session(target: &HttpTarget) -> Finding {
    let ping = texts::request("1", "ping", "{}");
    let mut tally = Tally::default();
    for verb in ["POST", "GET", "DELETE"] {
        let head = target.head(verb, Headers::Session("0123456789abcdef0123456789abcdef"));
        let body = if verb == "POST" { ping.as_str() } else { "" };
        let request = format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        count(&mut tally, verb, &target.send(request.as_bytes()).await?, &[404]);
    }
    tally.finding()
}

async fn two_sessions(target: &HttpTarget) -> Finding {
    let (one, two) = (target.open_session(LEGACY).await?, target.open_session(LEGACY).await?);
    let ping = texts::request("1", "ping", "{}");
    let mut tally = Tally::default();
    for (what, second) in [("different", &two), ("equal", &one)] {
        let head = format!("{}Mcp-Session-Id: {second}\r\n", target.head("POST", Headers::Session(&one)));
        let request = format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{ping}", ping.len());
        count(&mut tally, what, &target.send(request.as_bytes()).await?, &[400]);
    }
    tally.finding()
}

async fn second_stream(target: &HttpTarget) -> Finding {
    let session = target.open_session(LEGACY).await?;
    let open = async || {
        let mut stream = target.connect().await?;
        let request = format!("{}\r\n", target.head("GET", Headers::Session(&session)));
        stream.write_all(request.as_bytes()).await.map_err(|error| format!("cannot write: {error}"))?;
        let answer = read_head(&mut stream, PATIENCE).await?;
        Ok::<_, String>((answer.status, stream))
    };
    let (first, stream) = open().await?;
    let (second, _) = open().await?;
    drop(stream);
    // The server learns of the end of the first when it comes, which no answer tells.
    let mut third = 0;
    for _ in 0..100 {
        third = open().await?.0;
        if third == 200 {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let seen = format!("{first}, then {second}, and {third} after the 1st closed");
    if (first, second, third) == (200, 409, 200) { Ok(seen) } else { Err(seen) }
}

/// Sends a second call with the id of one that never ends, and looks whether that one goes on.
async fn same_id(target: &HttpTarget) -> Finding {
    let session = target.open_session(LEGACY).await?;
    let call = |id: &str, tool: &str, arguments: &str| {
        texts::request(id, "tools/call", &format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#))
    };
    let post = async |text: String| target.post(Headers::Session(&session), text.as_bytes()).await;
    let rest = async {
        post(call("8", "count", r#"{"name":"t began","at_least":1}"#)).await?;
        let second = post(call("7", "text", "{}")).await?;
        let over = post(call("8", "count", r#"{"name":"t over","at_least":0}"#)).await?;
        Ok::<_, String>((second.label(), over))
    };
    let (second, over) = tokio::select! {
        rest = rest => rest?,
        first = post(call("7", "slow", r#"{"token":"t"}"#)) => {
            return Err(format!("the 1st ended: {}", first.map_or_else(|fault| fault, |answer| answer.label())));
        }
    };
    let over = over.message.as_ref().and_then(|message| message.pointer("/result/content/0/text"));
    let over = over.and_then(Value::as_str).unwrap_or("?");
    let seen = format!("{second}, the 1st was dropped {over} times");
    if second.ends_with("-32600") && over == "0" { Ok(seen) } else { Err(seen) }
}

async fn batches(target: &HttpTarget) -> Finding {
    let session = target.open_session(BATCHES).await?;
    let ping = |id: usize| texts::request(&id.to_string(), "ping", "{}");
    let batch = |count| format!("[{}]", (0..count).map(ping).collect::<Vec<_>>().join(","));
    let mut tally = Tally::default();
    let texts = [
        ("2 requests", batch(2), 200, 2),
        ("100 requests", batch(100), 200, 100),
        ("101 requests", batch(101), 400, 0),
        ("10 000 requests", batch(10_000), 400, 0),
        ("no request", "[]".to_owned(), 400, 0),
        ("a number", "[1]".to_owned(), 200, 1),
        ("a batch in a batch", format!("[[{}]]", ping(1)), 200, 1),
        ("the same id twice", format!("[{},{}]", ping(1), ping(1)), 200, 2),
    ];
    for (what, text, status, count) in texts {
        let answer = target.post(Headers::Session(&session), text.as_bytes()).await?;
        let found = answer.message.as_ref().and_then(|message| message.as_array()).map_or(0, Vec::len);
        if (answer.status, found) == (status, count) {
            tally.saw(format!("{status} with {count} answers"));
        } else {
            tally.fault(format!("{what}: {} with {found} answers, not {status} with {count}", answer.label()));
        }
    }
    tally.finding()
}

/// The latest revision with sessions.
pub(super) const LEGACY: &str = "2025-11-25";
/// The revision that has batches.
pub(super) const BATCHES: &str = "2025-03-26";
