//! Pipes: one text to a line.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::media::SECRET;
use super::session::{BATCHES, LEGACY};
use super::{MIB, judge_growth};
use crate::hostile::judge::{Case, Outcome, Tally, Want, WantedId};
use crate::hostile::pipe::PipeTarget;
use crate::hostile::report::Finding;
use crate::hostile::texts;
use crate::hostile::{Probe, Run};

pub(super) fn probes() -> Vec<Probe> {
    let probe = |name, goal, run: for<'a> fn(&'a mut PipeTarget) -> BoxFuture<'a, Finding>| Probe {
        name,
        goal,
        run: Run::Pipe(run),
    };
    vec![
        probe("F01 JSON cut at every byte", "-32700", |target| try_all(target, texts::truncated()).boxed()),
        probe("F02 invalid UTF-8 at every position", "-32700", |target| try_all(target, texts::not_utf8()).boxed()),
        probe("F02 characters split over reads", "taken, at every byte", |target| split(target).boxed()),
        probe("F03 lone surrogates", "-32700", |target| try_all(target, texts::surrogates()).boxed()),
        probe("F04 depth up to 100 000", "-32700", |target| try_all(target, texts::deep(&WantedId::Unknown)).boxed()),
        probe("F05 ids", "-32600, or the same id back", |target| try_all(target, texts::ids()).boxed()),
        probe("F06 duplicate keys", "-32600", |target| try_all(target, texts::duplicate_keys()).boxed()),
        probe("F07 keys nearly right", "not taken for the right ones", |target| {
            try_all(target, texts::near_keys()).boxed()
        }),
        probe("F08 F09 no messages", "-32600, id echoed", |target| try_all(target, texts::shapes()).boxed()),
        probe("F08 F10 responses", "nothing with their id", |target| {
            try_all(target, texts::responses(&WantedId::Unknown)).boxed()
        }),
        probe("F12 batches after 2025-03-26", "-32600", |target| refused_batches(target).boxed()),
        probe("F12 batches of 2025-03-26", "each answered; 101 refused", |target| session_batches(target).boxed()),
        probe("F12 responses in a batch", "nothing with their id", |target| batched_responses(target).boxed()),
        probe("F14 spaces that are none", "-32700", |target| try_all(target, texts::spaces()).boxed()),
        probe("F14 empty lines", "no answer", |target| try_all(target, texts::blank_lines()).boxed()),
        probe("wrong calls, panicking tool", "a code and the id for each", |target| calls(target).boxed()),
        probe("64 MiB line", "refused, ≤ 1 MiB beyond the cap of 16", |target| long_line(target).boxed()),
        probe("64 MiB without an end of line", "≤ 1 MiB beyond the cap, then ended", |target| no_end(target).boxed()),
    ]
}

async fn try_all(target: &mut PipeTarget, cases: Vec<Case>) -> Finding {
    let mut tally = Tally::default();
    target.try_all(&cases, &mut tally).await?;
    tally.finding()
}

async fn calls(target: &mut PipeTarget) -> Finding {
    let mut tally = Tally::default();
    for (case, ..) in texts::calls() {
        target.send(&case.bytes).await?;
        if case.want.may_be_silent() {
            target.good_call().await.map_err(|fault| format!("{}: {fault}", case.name))?;
            tally.saw("silence");
            continue;
        }
        let answer = target.answer().await?;
        if answer.to_string().contains(SECRET) {
            tally.fault(format!("{}: the answer tells what the panic says", case.name));
        }
        tally.add(&case, &Outcome::of_pipe(Some(answer)));
    }
    tally.finding()
}

/// Writes a line in two pieces, cut at every byte.
async fn split(target: &mut PipeTarget) -> Finding {
    let case = texts::wide();
    let mut tally = Tally::default();
    let wide = case.bytes.iter().enumerate().filter(|(_, byte)| !byte.is_ascii()).map(|(at, _)| at);
    for at in wide {
        let (head, rest) = case.bytes.split_at(at);
        target.write(head).await?;
        // The server reads what is there before the rest is.
        tokio::time::sleep(Duration::from_millis(5)).await;
        target.send(rest).await?;
        tally.add(&case, &Outcome::of_pipe(Some(target.answer().await?)));
    }
    tally.finding()
}

/// Sends batches of modern requests, and then all batches in a session of a revision that has none. Before a session
/// has a revision, a batch without a claim may be taken (T-9).
async fn refused_batches(target: &mut PipeTarget) -> Finding {
    let mut tally = Tally::default();
    target.try_all(&texts::claimed_batches(), &mut tally).await?;
    target.shake_hands(LEGACY).await?;
    target.try_all(&texts::batches(), &mut tally).await?;
    tally.finding()
}

/// Sends every response that is none as a batch of one, where there are batches.
async fn batched_responses(target: &mut PipeTarget) -> Finding {
    target.shake_hands(BATCHES).await?;
    let mut tally = Tally::default();
    for case in texts::responses(&WantedId::Unknown) {
        target.send(&[b"[", case.bytes.as_slice(), b"]"].concat()).await?;
        target.send(texts::request("\"fence\"", "ping", "{}").as_bytes()).await?;
        let mut answer = target.answer().await?;
        if answer["id"] == "fence" {
            tally.saw("silence");
            continue;
        }
        // A refusal may stand alone or in a batch of its own.
        if let Some(first) = answer.get(0) {
            answer = first.clone();
        }
        tally.add(&case, &Outcome::of_pipe(Some(answer)));
        target.answer().await?;
    }
    tally.finding()
}

async fn session_batches(target: &mut PipeTarget) -> Finding {
    target.shake_hands(BATCHES).await?;
    let ping = |id: usize| texts::request(&id.to_string(), "ping", "{}");
    let batch = |count| format!("[{}]", (0..count).map(ping).collect::<Vec<_>>().join(","));
    let mut tally = Tally::default();
    let batches = [
        ("2 requests", batch(2), 2),
        ("100 requests", batch(100), 100),
        ("a number", "[1]".to_owned(), 1),
        ("a batch in a batch", format!("[[{}]]", ping(1)), 1),
        ("the same id twice", format!("[{},{}]", ping(1), ping(1)), 2),
    ];
    for (what, text, count) in batches {
        target.send(text.as_bytes()).await?;
        let found = target.answer().await?.as_array().map_or(0, Vec::len);
        if found == count {
            tally.saw(format!("{count} answers"));
        } else {
            tally.fault(format!("{what}: {found} answers, not {count}"));
        }
    }
    let refused = [("101 requests", batch(101)), ("10 000 requests", batch(10_000)), ("no request", "[]".to_owned())];
    let refused = refused.map(|(name, text)| Case {
        name: name.to_owned(),
        bytes: text.into(),
        want: Want::invalid(WantedId::Unknown),
    });
    target.try_all(&refused, &mut tally).await?;
    tally.finding()
}

/// Writes lines of 64 MiB: one with its id in front, one with its id behind.
async fn long_line(target: &mut PipeTarget) -> Finding {
    let before = target.process.memory();
    let mut tally = Tally::default();
    let ends = [
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","x":""#, "\"}\n", WantedId::Echoed(serde_json::json!(7))),
        (r#"{"x":""#, "\",\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\"}\n", WantedId::Unknown),
    ];
    for (head, tail, id) in ends {
        target.write(head.as_bytes()).await?;
        write_long(target).await?;
        target.write(tail.as_bytes()).await?;
        let case = Case { name: "64 MiB".to_owned(), bytes: Vec::new(), want: Want::unreadable(id) };
        tally.add(&case, &Outcome::of_pipe(Some(target.answer().await?)));
    }
    let growth = judge_growth(before, target.process.peak(), 17 * MIB)?;
    tally.finding().map(|seen| format!("{seen}, {growth}"))
}

/// Writes a line that never ends, and then ends the input.
async fn no_end(target: &mut PipeTarget) -> Finding {
    let before = target.process.memory();
    target.write(br#"{"jsonrpc":"2.0","id":7,"method":"tools/list","x":""#).await?;
    write_long(target).await?;
    let growth = judge_growth(before, target.process.peak(), 17 * MIB)?;
    let rest = target.end().await?;
    let seen = format!("{growth}, {} answers at the end", rest.len());
    if rest.len() <= 1 { Ok(seen) } else { Err(seen) }
}

async fn write_long(target: &mut PipeTarget) -> Result<(), String> {
    let chunk = vec![b'x'; 64 * 1024];
    for _ in 0..1_024 {
        target.write(&chunk).await?;
    }
    Ok(())
}
