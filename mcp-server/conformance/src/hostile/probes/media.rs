//! HTTP: where a request comes from, how it is packed, and what its text is.

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};

use super::of_posted_response;
use crate::hostile::http::{Answer, Headers, HttpTarget};
use crate::hostile::judge::{Case, Tally, WantedId};
use crate::hostile::report::Finding;
use crate::hostile::serve::Aim;
use crate::hostile::texts::{self, Nonce};
use crate::hostile::{Probe, Run};

/// The checks of the head.
pub(super) fn rules() -> Vec<Probe> {
    vec![
        probe("Host evil", "403 or 421; 400 where it is none", |target| {
            changed(target, "Host", HOSTS, &[400, 403, 421]).boxed()
        }),
        probe("Origin evil", "403", |target| added(target, "Origin", ORIGINS, &[403]).boxed()),
        probe("Origin null", "403", |target| added(target, "Origin", &["null"], &[403]).boxed()),
        probe("Content-Type text/plain, and tricks", "415", |target| {
            changed(target, "Content-Type", MEDIA, &[415]).boxed()
        }),
        probe("Content-Encoding gzip", "415", |target| {
            added(target, "Content-Encoding", &["gzip", "br", "identity, gzip"], &[415]).boxed()
        }),
        probe("header of 200 KB", "431", |target| large_head(target).boxed()),
        probe("101 headers, target of 9 KiB", "431, 414", |target| long_head(target).boxed()),
    ]
}

/// The checks of the body.
pub(super) fn texts() -> Vec<Probe> {
    let refused = "400 and -32700";
    vec![
        probe("F01 JSON cut at every byte", refused, |target| try_all(target, texts::truncated()).boxed()),
        probe("F02 invalid UTF-8 at every position", refused, |target| try_all(target, texts::not_utf8()).boxed()),
        probe("F03 lone surrogates", refused, |target| try_all(target, texts::surrogates()).boxed()),
        probe("F04 depth up to 100 000", refused, |target| try_all(target, texts::deep(&of_posted_response())).boxed()),
        probe("F05 ids", "400 and -32600, or the same id back", |target| try_all(target, texts::ids()).boxed()),
        probe("F06 duplicate keys", "400 and -32600", |target| try_all(target, texts::duplicate_keys()).boxed()),
        probe("F07 keys nearly right", "not taken for the right ones", |target| {
            try_all(target, texts::near_keys()).boxed()
        }),
        probe("F08 F09 no messages", "400 and -32600, id echoed", |target| try_all(target, texts::shapes()).boxed()),
        probe("F08 F10 responses", "400 or 202", |target| {
            try_all(target, texts::responses(&of_posted_response())).boxed()
        }),
        probe("F12 batches after 2025-03-26", "400 and -32600", |target| try_all(target, texts::batches()).boxed()),
        probe("F14 spaces that are none", refused, |target| try_all(target, texts::spaces()).boxed()),
        probe("F14 empty body", refused, |target| empty(target).boxed()),
        probe("wrong calls, panicking tool", "a code and the id for each", |target| calls(target).boxed()),
    ]
}

fn probe(name: &'static str, goal: &'static str, run: for<'a> fn(&'a HttpTarget) -> BoxFuture<'a, Finding>) -> Probe {
    Probe { name, goal, run: Run::Http(Aim::Http, run) }
}

/// Posts the good call with a header replaced by each of some lines.
async fn changed(target: &HttpTarget, name: &str, values: &[&str], wanted: &[u16]) -> Finding {
    let mut tally = Tally::default();
    for value in values {
        let head = target.head("POST", Headers::Modern);
        let kept = head.split_inclusive("\r\n").filter(|line| !line.starts_with(&format!("{name}:")));
        let head = kept.collect::<String>() + value;
        count(&mut tally, value, &post(target, head).await?, wanted);
    }
    tally.finding()
}

/// Posts the good call with a header more, for each of some values.
async fn added(target: &HttpTarget, name: &str, values: &[&str], wanted: &[u16]) -> Finding {
    let mut tally = Tally::default();
    for value in values {
        let head = format!("{}{name}: {value}\r\n", target.head("POST", Headers::Modern));
        count(&mut tally, value, &post(target, head).await?, wanted);
    }
    tally.finding()
}

pub(super) fn count(tally: &mut Tally, what: &str, answer: &Answer, wanted: &[u16]) {
    if wanted.contains(&answer.status) {
        tally.saw(answer.label());
    } else {
        tally.fault(format!("{:?}: {}", what.trim_end(), answer.label()));
    }
}

/// Posts the good call behind a head.
async fn post(target: &HttpTarget, head: String) -> Result<Answer, String> {
    let body = Nonce::new().call();
    target.send(format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
}

async fn large_head(target: &HttpTarget) -> Finding {
    let head = format!("{}X-Large: {}\r\n", target.head("POST", Headers::Modern), "x".repeat(200_000));
    let mut tally = Tally::default();
    count(&mut tally, "a header of 200 KB", &post(target, head).await?, &[431]);
    tally.finding()
}

async fn long_head(target: &HttpTarget) -> Finding {
    let head = target.head("POST", Headers::Modern);
    let many: String = (0..101).map(|at| format!("X-{at}: x\r\n")).collect();
    let mut tally = Tally::default();
    count(&mut tally, "101 headers", &post(target, format!("{head}{many}")).await?, &[431]);
    let long = head.replacen("/mcp", &format!("/mcp?{}", "x".repeat(9 * 1024)), 1);
    count(&mut tally, "a target of 9 KiB", &post(target, long).await?, &[414]);
    tally.finding()
}

/// Posts every case, some at once.
async fn try_all(target: &HttpTarget, cases: Vec<Case>) -> Finding {
    let post = |case: Case| async move {
        let outcome = target.outcome(Headers::Modern, &case.bytes).await;
        (case, outcome)
    };
    let outcomes: Vec<_> = stream::iter(cases).map(post).buffered(AT_ONCE).collect().await;
    let mut tally = Tally::default();
    for (case, outcome) in outcomes {
        match outcome {
            Ok(outcome) => tally.add(&case, &outcome),
            Err(fault) => tally.fault(format!("{}: {fault}", case.name)),
        }
    }
    tally.finding()
}

async fn empty(target: &HttpTarget) -> Finding {
    let want = crate::hostile::judge::Want::parse(WantedId::Unknown);
    let cases = ["", " ", "\r\n", "\n\n\n"];
    let cases = cases.map(|text| Case { name: format!("{text:?}"), bytes: text.into(), want: want.clone() });
    try_all(target, cases.into()).await
}

async fn calls(target: &HttpTarget) -> Finding {
    let mut tally = Tally::default();
    for (case, method, name) in texts::calls() {
        let outcome = target.outcome(Headers::Mirror(method, name), &case.bytes).await?;
        if outcome.message.as_ref().is_some_and(|message| message.to_string().contains(SECRET)) {
            tally.fault(format!("{}: the answer tells what the panic says", case.name));
        }
        tally.add(&case, &outcome);
    }
    tally.finding()
}

/// Hosts that a server of the loopback address is not reached by.
const HOSTS: &[&str] = &[
    "Host: evil.example\r\n",
    "Host: localhost.evil.example\r\n",
    "Host: 127.0.0.1.evil.example\r\n",
    "Host: localhost@evil.example\r\n",
    "Host: 127.0.0.1\r\nHost: evil.example\r\n",
    "Host:\r\n",
    "",
];
/// Pages that are not of this machine.
const ORIGINS: &[&str] =
    &["http://evil.example", "https://localhost.evil.example", "http://127.0.0.1.evil.example", "file://", "x", ""];
/// Types that a browser sends without asking first, and what only looks like JSON.
const MEDIA: &[&str] = &[
    "Content-Type: text/plain\r\n",
    "Content-Type: text/plain; a=application/json\r\n",
    "Content-Type: text/plain, application/json\r\n",
    "Content-Type: application/json, text/plain\r\n",
    "Content-Type: application/jsonx\r\n",
    "Content-Type: application/x-www-form-urlencoded\r\n",
    "Content-Type: text/plain\r\nContent-Type: application/json\r\n",
    "",
];
/// What the tool of the fixture panics with.
pub(super) const SECRET: &str = "xyzzy";
/// How many connections are open at once.
const AT_ONCE: usize = 8;
