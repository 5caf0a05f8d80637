//! Both transports: answers that nobody reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::{sleep, timeout};

use super::{MIB, judge_growth};
use crate::hostile::http::{Headers, HttpTarget};
use crate::hostile::pipe::PipeTarget;
use crate::hostile::report::Finding;
use crate::hostile::serve::Aim;
use crate::hostile::texts::{META, request};
use crate::hostile::{Probe, Run};
use crate::runner::AbortOnDrop;

pub(super) fn probes() -> Vec<Probe> {
    let (name, goal) = ("60 k unread replies", "writer blocked, ≤ 16 MiB, all answered");
    vec![
        Probe { name, goal, run: Run::Http(Aim::Http, |target| over_http(target).boxed()) },
        Probe { name, goal, run: Run::Pipe(|target| over_pipe(target).boxed()) },
    ]
}

/// Writes requests one behind the other on one connection, and reads nothing until the server takes no more.
async fn over_http(target: &HttpTarget) -> Finding {
    let before = target.process.memory();
    let (reader, writer) = target.connect().await?.into_split();
    let head = target.head("POST", Headers::Modern);
    let (blocked, written) = flood(writer, move |at| {
        let body = call(at);
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
    })
    .await?;
    let growth = judge_growth(before, target.process.peak(), 16 * MIB)?;
    let mut reader = BufReader::new(reader);
    let mut seen = vec![0_u8; COUNT];
    let mut line = Vec::new();
    for _ in 0..COUNT {
        let mut length = 0;
        loop {
            line.clear();
            read(reader.read_until(b'\n', &mut line)).await?;
            let text = String::from_utf8_lossy(&line).to_ascii_lowercase();
            if let Some(value) = text.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or_default();
            }
            if text.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        read(reader.read_exact(&mut body)).await?;
        count(&mut seen, &body)?;
    }
    drop(written);
    conclude(blocked, &seen, &growth)
}

/// Writes requests as lines, and reads nothing until the server takes no more.
async fn over_pipe(target: &mut PipeTarget) -> Finding {
    let before = target.process.memory();
    let stdin = target.stdin.take().ok_or("the probe ended its side")?;
    let (blocked, written) = flood(stdin, |at| call(at) + "\n").await?;
    let growth = judge_growth(before, target.process.peak(), 16 * MIB)?;
    let mut seen = vec![0_u8; COUNT];
    let mut line = Vec::new();
    for _ in 0..COUNT {
        line.clear();
        read(target.stdout.read_until(b'\n', &mut line)).await?;
        count(&mut seen, &line)?;
    }
    target.stdin = Some(written.await?);
    conclude(blocked, &seen, &growth)
}

/// The writer that was blocked; it gives the stream back when all is written.
struct Writing<W>(AbortOnDrop<std::io::Result<W>>);

impl<W> Writing<W> {
    async fn await_stream(mut self) -> Result<W, String> {
        let ended = timeout(STEP, &mut self.0.0).await.map_err(|_| "the rest is not read".to_owned())?;
        ended.map_err(|error| error.to_string())?.map_err(|error| format!("cannot write: {error}"))
    }
}

impl<W: Send + 'static> IntoFuture for Writing<W> {
    type Output = Result<W, String>;
    type IntoFuture = futures::future::BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.await_stream().boxed()
    }
}

/// Begins to write the requests; returns how many were taken when the server stopped to read.
async fn flood<W: AsyncWrite + Send + Unpin + 'static>(
    mut writer: W,
    text: impl Fn(usize) -> String + Send + 'static,
) -> Result<(usize, Writing<W>), String> {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let task = tokio::spawn(async move {
        for at in 0..COUNT {
            writer.write_all(text(at).as_bytes()).await?;
            counted.store(at + 1, Ordering::Relaxed);
        }
        Ok(writer)
    });
    let task = AbortOnDrop(task);
    // It has stopped when nothing more was taken for a while.
    let mut last = usize::MAX;
    while last != taken.load(Ordering::Relaxed) {
        last = taken.load(Ordering::Relaxed);
        sleep(STILL).await;
    }
    if last == COUNT {
        return Err(format!("all {COUNT} requests were taken while nothing was read"));
    }
    Ok((last, Writing(task)))
}

fn call(at: usize) -> String {
    let params = format!(r#"{{"name":"echo","arguments":{{"x":{at}}},"_meta":{META}}}"#);
    request(&at.to_string(), "tools/call", &params)
}

/// Counts the answer of a call, which must be a result with the argument of that call (O1, O2).
fn count(seen: &mut [u8], text: &[u8]) -> Result<(), String> {
    let answer: serde_json::Value = serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))?;
    let id = answer.get("id").and_then(serde_json::Value::as_u64).and_then(|id| usize::try_from(id).ok());
    let (Some(id), Some(text)) = (id, answer.pointer("/result/content/0/text")) else {
        return Err(format!("no result: {}", crate::hostile::judge::cut(&answer.to_string())));
    };
    if text.as_str() != Some(&format!(r#"{{"x":{id}}}"#)) {
        return Err(format!("the answer to {id} is {text} (O2)"));
    }
    let count = seen.get_mut(id).ok_or_else(|| format!("nobody sent the id {id}"))?;
    *count = count.saturating_add(1);
    Ok(())
}

fn conclude(blocked: usize, seen: &[u8], growth: &str) -> Finding {
    let once = seen.iter().filter(|count| **count == 1).count();
    let text = format!("blocked after {blocked} requests, {growth}, then {once} of {COUNT} answered once");
    if once == COUNT { Ok(text) } else { Err(text) }
}

/// Waits for bytes that must come.
async fn read(reading: impl Future<Output = std::io::Result<usize>>) -> Result<(), String> {
    match timeout(STEP, reading).await {
        Ok(Ok(1..)) => Ok(()),
        Ok(Ok(_)) => Err("the server ended the stream".to_owned()),
        Ok(Err(error)) => Err(format!("the stream broke: {error}")),
        Err(_) => Err(format!("nothing comes for {STEP:?} (O1)")),
    }
}

const COUNT: usize = 60_000;
/// How long nothing may be taken before the server counts as blocked.
const STILL: Duration = Duration::from_secs(1);
/// How long one step may take on a machine that does other things, too.
const STEP: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_its_own_call_only() {
        let answer = |id: usize, x: usize| {
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{{\"x\":{x}}}"}}]}}}}"#
            )
        };
        let mut seen = vec![0; 3];
        assert_eq!(count(&mut seen, answer(1, 1).as_bytes()), Ok(()));
        assert!(count(&mut seen, answer(1, 2).as_bytes()).unwrap_err().contains("O2"));
        assert!(count(&mut seen, answer(3, 3).as_bytes()).unwrap_err().contains("nobody"));
        assert!(count(&mut seen, br#"{"id":1,"error":{}}"#).is_err());
        assert_eq!(seen, [0, 1, 0]);
    }
}
