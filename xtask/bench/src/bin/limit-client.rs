//! The limit for clients: the same calls of `echo`, over standard streams or by a bare hyper.
//!
//! It writes requests that are text already, parses each answer to a `Value` and compares what the tool said. It is
//! alone on a runtime without workers, and over standard streams it writes once for all that came, as the line server.

use std::{
    error::Error,
    pin::pin,
    process::Stdio,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use mcp_bench::{
    http::Place,
    script::{self, Era, MODERN, Script, Work},
};
use mcp_bench_measure::{Measure, Options, Target, Turns, driving};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::{ChildStdin, ChildStdout, Command},
};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let options = Options::read();
    let era = if options.era == mcp_bench_measure::Era::Legacy { Era::Legacy } else { Era::Modern };
    let script = Script::new(era, &Work::Echo(options.size));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &options.target {
        Target::Command(words) => runtime.block_on(stdio(words, &script, &options)),
        Target::Url(url) if options.window == 1 => runtime.block_on(http(url, &script, &options)),
        Target::Url(_) => Err("over HTTP one call is on its way at once: say --window 1".into()),
        Target::None => Err("say --url URL or -- COMMAND".into()),
    }
}

async fn stdio(words: &[String], script: &Script, options: &Options) -> Result<(), Failure> {
    let (program, arguments) = words.split_first().ok_or("there is no command after --")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let streams = child.stdin.take().zip(child.stdout.take()).ok_or("the server has no standard streams")?;
    let mut lines = Lines { input: streams.1, output: streams.0, buffer: Vec::with_capacity(CHUNK) };
    let [first, second] = script::opening();
    lines.output.write_all(format!("{first}\n{second}\n").as_bytes()).await?;
    lines.answers(|_| Ok(())).await?;
    lines.calls(script, options.window, options.warm).await?;
    let measure = Measure::begin();
    measure.end(lines.calls(script, options.window, options.requests).await?);
    Ok(())
}

/// The standard streams of a server.
struct Lines {
    input: ChildStdout,
    output: ChildStdin,
    /// What came of the lines that have not ended.
    buffer: Vec<u8>,
}

impl Lines {
    /// Makes `count` calls, `window` at once, and returns how long each took.
    async fn calls(&mut self, script: &Script, window: u64, count: u64) -> Result<Vec<Duration>, Failure> {
        let turns = Turns::new(count);
        let (mut begun, mut took, mut left, mut out) = (Vec::new(), Vec::new(), count, Vec::new());
        // The id of a call is its place in `begun`.
        let ask = |begun: &mut Vec<Instant>, out: &mut Vec<u8>| {
            if turns.take() {
                script.write(begun.len() as u64, out);
                out.push(b'\n');
                begun.push(Instant::now());
            }
        };
        (0..window).for_each(|_| ask(&mut begun, &mut out));
        while left > 0 {
            self.output.write_all(&out).await?;
            out.clear();
            self.answers(|line| {
                let id = usize::try_from(check(line, script)?)?;
                took.push(begun.get(id).ok_or("the answer has a strange id")?.elapsed());
                left -= 1;
                ask(&mut begun, &mut out);
                Ok(())
            })
            .await?;
        }
        Ok(took)
    }

    /// Waits until a line has ended, and gives those that have to `take`.
    async fn answers(&mut self, mut take: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
        loop {
            let old = self.buffer.len();
            self.buffer.reserve(CHUNK);
            if self.input.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server has ended".into());
            }
            let Some(last) = memchr::memrchr(b'\n', &self.buffer[old..]) else { continue };
            let whole = old + last + 1;
            let mut start = 0;
            for end in memchr::memchr_iter(b'\n', &self.buffer[..whole]) {
                take(&self.buffer[start..end])?;
                start = end + 1;
            }
            self.buffer.drain(..whole);
            return Ok(());
        }
    }
}

async fn http(url: &str, script: &Script, options: &Options) -> Result<(), Failure> {
    let place = Place::of(url).ok_or("the URL is not of this machine")?;
    let stream = TcpStream::connect(&place.authority).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = pin!(connection);
    let mut took = Vec::new();
    let mut measure = None;
    for id in 0..options.warm + options.requests {
        if id == options.warm {
            took.clear();
            measure = Some(Measure::begin());
        }
        let begun = Instant::now();
        let mut body = Vec::new();
        script.write(id, &mut body);
        let request = request(&place, script, body)?;
        let exchange = async {
            sender.ready().await?;
            sender.send_request(request).await?.into_body().collect().await
        };
        check(&driving(connection.as_mut(), exchange).await?.to_bytes(), script)?;
        took.push(begun.elapsed());
    }
    measure.ok_or("no call is measured")?.end(took);
    Ok(())
}

fn request(place: &Place, script: &Script, body: Vec<u8>) -> Result<Request<Full<Bytes>>, Failure> {
    let request = Request::post(&place.path)
        .header(header::HOST, &place.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", script.method)
        .header("mcp-name", script.name.as_deref().unwrap_or_default());
    Ok(request.body(Full::new(Bytes::from(body)))?)
}

/// Looks whether an answer says what the tool was told, and returns its id.
fn check(answer: &[u8], script: &Script) -> Result<u64, Failure> {
    let answer: Value = serde_json::from_slice(answer)?;
    match (answer["result"]["content"][0]["text"].as_str(), answer["id"].as_u64()) {
        (said, Some(id)) if said == script.expected.as_deref() => Ok(id),
        _ => Err(format!("the answer is not what was sent: {answer}").into()),
    }
}

const CHUNK: usize = 64 * 1024;
