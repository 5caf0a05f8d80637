//! HTTP: more than a server has room for.

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::session::LEGACY;
use super::{MIB, judge_growth};
use crate::hostile::http::{Headers, HttpTarget, PATIENCE, read_head};
use crate::hostile::report::Finding;
use crate::hostile::serve::{Aim, SESSIONS};
use crate::hostile::texts;
use crate::hostile::{Probe, Run};

pub(super) fn probes() -> Vec<Probe> {
    let probe = |name, goal, aim, run: for<'a> fn(&'a HttpTarget) -> BoxFuture<'a, Finding>| Probe {
        name,
        goal,
        run: Run::Http(aim, run),
    };
    vec![
        probe("64 MiB body, Content-Length", "413 early, ≤ 1 MiB", Aim::Http, |target| announced(target).boxed()),
        probe("64 MiB body, chunked", "413 early, ≤ 1 MiB beyond the cap of 4", Aim::Http, |target| {
            chunked(target).boxed()
        }),
        probe("500 sessions in a burst", "about 50 a second, else 429", Aim::Http, |target| burst(target).boxed()),
        probe(
            "1 500 sessions (pace lifted, cap 1 500)",
            "≤ 32 KiB each; the next ends the stalest",
            Aim::HttpShort,
            |target| sessions(target).boxed(),
        ),
    ]
}

/// Announces a body that is too large, and sends nothing of it.
async fn announced(target: &HttpTarget) -> Finding {
    let before = target.process.memory();
    let mut stream = target.connect().await?;
    let head = format!("{}Content-Length: {LARGE}\r\n\r\n", target.head("POST", Headers::Modern));
    stream.write_all(head.as_bytes()).await.map_err(|error| format!("cannot write: {error}"))?;
    let answer = read_head(&mut stream, PATIENCE).await?;
    // Who sends it nevertheless must not fill the memory.
    let sent = send_large(&mut stream, |chunk| chunk.to_vec()).await;
    let growth = judge_growth(before, target.process.peak(), MIB)?;
    let seen = format!("{} before the body, then {sent} MiB taken, {growth}", answer.status);
    if answer.status == 413 { Ok(seen) } else { Err(seen) }
}

/// Sends a body that is too large without announcing how large it is.
async fn chunked(target: &HttpTarget) -> Finding {
    let before = target.process.memory();
    let stream = target.connect().await?;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let head = format!("{}Transfer-Encoding: chunked\r\n\r\n", target.head("POST", Headers::Modern));
    writer.write_all(head.as_bytes()).await.map_err(|error| format!("cannot write: {error}"))?;
    let mut answer = Vec::new();
    let sent = tokio::select! {
        sent = send_large(&mut writer, |chunk| [b"10000\r\n", chunk, b"\r\n"].concat()) => sent,
        _ = async { while !answer.ends_with(b"}") && reader.read_buf(&mut answer).await? > 0 {} std::io::Result::Ok(()) } => 0,
    };
    if answer.is_empty() {
        let _ = tokio::time::timeout(PATIENCE, reader.read_buf(&mut answer)).await;
    }
    let growth = judge_growth(before, target.process.peak(), 5 * MIB)?;
    let status = String::from_utf8_lossy(answer.get(9..12).unwrap_or_default()).into_owned();
    let when = if sent == 0 { "before the end".to_owned() } else { format!("after {sent} MiB") };
    let seen = format!("{status} {when}, {growth}");
    if status == "413" { Ok(seen) } else { Err(seen) }
}

/// Writes 64 MiB in chunks, and returns how many of them were taken before the server closed.
async fn send_large(writer: &mut (impl tokio::io::AsyncWrite + Unpin), wrap: impl Fn(&[u8]) -> Vec<u8>) -> u64 {
    let chunk = wrap(&vec![b' '; CHUNK]);
    let mut sent = 0;
    while sent < LARGE && matches!(tokio::time::timeout(PATIENCE, writer.write_all(&chunk)).await, Ok(Ok(()))) {
        sent += CHUNK as u64;
    }
    sent / MIB
}

/// Opens more sessions than a second has room for.
async fn burst(target: &HttpTarget) -> Finding {
    let start = std::time::Instant::now();
    let text = texts::initialize(LEGACY);
    let answers = stream::iter(0..BURST).map(|_| target.post(Headers::Bare, text.as_bytes()));
    let answers: Vec<_> = answers.buffer_unordered(AT_ONCE).collect().await;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let seconds = start.elapsed().as_secs_f64();
    let opened = answers.iter().filter(|answer| answer.status == 200).count();
    let refused =
        answers.iter().filter(|answer| answer.status == 429 && answer.header("retry-after").is_some()).count();
    let seen = format!("{opened} × 200, {refused} × 429 with Retry-After, in {seconds:.1} s");
    // The pace may have saved up for one second before.
    #[expect(clippy::cast_precision_loss, reason = "there are 500 of them")]
    let is_paced = opened as f64 <= 50.0 * (seconds + 1.0) + 1.0;
    if is_paced && opened + refused == BURST { Ok(seen) } else { Err(seen) }
}

/// Opens as many sessions as there may be, and some more.
async fn sessions(target: &HttpTarget) -> Finding {
    let first = target.open_session(LEGACY).await?;
    let (warm, many) = (WARM, SESSIONS - 1 - WARM);
    open(target, warm).await?;
    let before = target.process.memory();
    open(target, many).await?;
    let (after, bound) = (target.process.memory(), 32 * 1024);
    let answer = target.post(Headers::Bare, texts::initialize(LEGACY).as_bytes()).await?;
    let ping = target.post(Headers::Session(&first), texts::request("1", "ping", "{}").as_bytes()).await?;
    let each = before.zip(after).map(|(before, after)| after.saturating_sub(before) / many as u64);
    let shown = each.map_or("memory not seen here".to_owned(), |each| format!("{} KiB each", each.div_ceil(1024)));
    let seen = format!("{shown}, the next is answered with {}, the stalest with {}", answer.status, ping.status);
    let is_small = each.is_none_or(|each| each <= bound);
    if is_small && (answer.status, ping.status) == (200, 404) { Ok(seen) } else { Err(seen) }
}

async fn open(target: &HttpTarget, count: usize) -> Result<(), String> {
    const READY: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let open = async |_| {
        let id = target.open_session(LEGACY).await?;
        target.post(Headers::Session(&id), READY).await.map(drop)
    };
    let opened: Vec<_> = stream::iter(0..count).map(open).buffer_unordered(AT_ONCE).collect().await;
    opened.into_iter().collect()
}

/// A body that is too large.
const LARGE: u64 = 64 * MIB;
/// How much of it is written at once; its size stands in hexadecimal before each chunk.
const CHUNK: usize = 0x10000;
const BURST: usize = 500;
/// How many sessions are open before the memory is measured.
const WARM: usize = 99;
const AT_ONCE: usize = 16;
