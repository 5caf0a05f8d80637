//! HTTP: peers that are slow, and how long they are waited for.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

use crate::hostile::http::{Headers, HttpTarget, PATIENCE, read_head};
use crate::hostile::report::Finding;
use crate::hostile::serve::{Aim, SHORT_IDLE};
use crate::hostile::texts::Nonce;
use crate::hostile::{Probe, Run};

pub(super) fn probes() -> Vec<Probe> {
    let probe = |name, goal, aim, run: for<'a> fn(&'a HttpTarget) -> BoxFuture<'a, Finding>| Probe {
        name,
        goal,
        run: Run::Http(aim, run),
    };
    vec![
        probe("slow head, 2 bytes a second", "closed after 10 s", Aim::Http, |target| head(target).boxed()),
        probe("no head at all", "closed after 10 s", Aim::Http, |target| silence(target).boxed()),
        probe("slow body, 2 bytes a second", "408 after 10 s (1 KiB/s)", Aim::Http, |target| {
            body(target, 1, 10).boxed()
        }),
        probe("slow body, 4 KiB a second", "408 after 30 s", Aim::Http, |target| body(target, 2 * 1024, 30).boxed()),
        probe("idle (limit set to 2 s, 75 by default)", "closed after 2 s", Aim::HttpShort, |target| {
            idle(target).boxed()
        }),
        probe("answer never read (limit set to 2 s)", "closed after 2 s", Aim::HttpShort, |target| {
            deaf(target).boxed()
        }),
    ]
}

/// Sends a head byte by byte.
async fn head(target: &HttpTarget) -> Finding {
    let stream = target.connect().await?;
    let text = target.head("POST", Headers::Modern);
    let (took, answer) = drip(stream, text.as_bytes(), 1).await?;
    judge(took, 10, &answer)
}

/// Sends nothing.
async fn silence(target: &HttpTarget) -> Finding {
    let (took, answer) = drip(target.connect().await?, b"", 1).await?;
    judge(took, 10, &answer)
}

/// Sends a head, and then a body in pieces, two of them a second.
async fn body(target: &HttpTarget, piece: usize, seconds: u64) -> Finding {
    let mut stream = target.connect().await?;
    let head = format!("{}Content-Length: 4000000\r\n\r\n", target.head("POST", Headers::Modern));
    stream.write_all(head.as_bytes()).await.map_err(|error| format!("cannot write: {error}"))?;
    let (took, answer) = drip(stream, &vec![b' '; 4_000_000], piece).await?;
    let seen = judge(took, seconds, &answer)?;
    if answer == "408" { Ok(seen) } else { Err(seen) }
}

/// Makes a call, keeps the connection, and does nothing more.
async fn idle(target: &HttpTarget) -> Finding {
    let mut stream = target.connect().await?;
    let body = Nonce::new().call();
    let request = format!("{}Content-Length: {}\r\n\r\n{body}", target.head("POST", Headers::Modern), body.len());
    stream.write_all(request.as_bytes()).await.map_err(|error| format!("cannot write: {error}"))?;
    let answer = read_head(&mut stream, PATIENCE).await?;
    let (took, _) = drip(stream, b"", 1).await?;
    let seen = judge(took, SHORT_IDLE.as_secs(), &answer.status.to_string())?;
    if answer.status == 200 { Ok(seen) } else { Err(seen) }
}

/// Asks for an answer that no buffer between holds, and does not read it.
async fn deaf(target: &HttpTarget) -> Finding {
    let files = target.process.open_files();
    let mut stream = target.connect().await?;
    let body = crate::hostile::texts::call("7", "big", r#"{"bytes":15000000}"#);
    let headers = Headers::Mirror("tools/call", Some("big"));
    let request = format!("{}Content-Length: {}\r\n\r\n{body}", target.head("POST", headers), body.len());
    stream.write_all(request.as_bytes()).await.map_err(|error| format!("cannot write: {error}"))?;
    if files.is_none() {
        return Ok("open files not seen here".to_owned());
    }
    // The other end is watched from outside: to read would be to take the answer.
    wait_for("not accepted", || target.process.open_files() > files).await?;
    let start = Instant::now();
    wait_for("not closed", || target.process.open_files() <= files).await?;
    // Before it stalls, the answer has to be made and the buffers filled.
    judge(start.elapsed(), SHORT_IDLE.as_secs(), "unread")
}

async fn wait_for(otherwise: &str, is_there: impl Fn() -> bool) -> Result<(), String> {
    let mut every = interval(Duration::from_millis(10));
    let waiting = async {
        while !is_there() {
            every.tick().await;
        }
    };
    timeout(PATIENCE, waiting).await.map_err(|_| format!("{otherwise} within {PATIENCE:?}"))
}

/// Writes pieces of a text, two of them a second, until the server closes; returns when that was and the status before.
async fn drip(stream: TcpStream, text: &[u8], piece: usize) -> Result<(Duration, String), String> {
    let start = Instant::now();
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        let mut every = interval(Duration::from_millis(500));
        for piece in text.chunks(piece) {
            every.tick().await;
            if writer.write_all(piece).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let mut read = async || while matches!(reader.read_buf(&mut answer).await, Ok(1..)) {};
    let ended = timeout(LONGEST, async {
        tokio::select! { () = write => {}, () = read() => {} }
    });
    ended.await.map_err(|_| format!("open after {LONGEST:?}"))?;
    let status = String::from_utf8_lossy(answer.get(9..12).unwrap_or_default()).into_owned();
    Ok((start.elapsed(), if status.is_empty() { "no answer".to_owned() } else { status }))
}

/// Judges when the server closed; on a busy machine a little later is in time.
fn judge(took: Duration, seconds: u64, answer: &str) -> Finding {
    let seen = format!("{answer}, closed after {:.1} s", took.as_secs_f64());
    let wanted = Duration::from_secs(seconds);
    let is_in_time = took + EARLY >= wanted && took <= wanted + LATE;
    if is_in_time { Ok(seen) } else { Err(seen) }
}

/// How much before its time a deadline may strike: the clock may have started at the connect.
const EARLY: Duration = Duration::from_millis(500);
/// How much after its time.
const LATE: Duration = Duration::from_secs(4);
/// How long a slow peer is slow.
const LONGEST: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_may_strike_a_little_late_and_hardly_early() {
        let judge = |millis| judge(Duration::from_millis(millis), 10, "408").is_ok();
        assert_eq!([9_000, 9_600, 10_000, 13_900, 14_100].map(judge), [false, true, true, true, false]);
    }
}
