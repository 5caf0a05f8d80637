//! The script that is counted: one echo after the other, each answer awaited and looked at.
//!
//! Requests differ in nothing but an id of one length, so that each costs the same.

use std::{
    io::{BufRead, BufReader, Read as _, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use crate::process::{Group, Outcome, Red, capture};

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Http,
    Stdio,
    StdioLegacy,
}

impl Way {
    pub(super) fn is_http(self) -> bool {
        self == Self::Http
    }
}

/// Runs a server below callgrind, makes so many calls, and ends it, so that the counts are in `out`.
///
/// # Errors
///
/// When an answer is missing or is not what was asked for.
pub(super) fn script(way: Way, words: &[String], out: &Path, calls: u32) -> Outcome {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--log-file=/dev/null"]);
    command.arg(format!("--callgrind-out-file={}", out.display())).args(words);
    // One thread of the runtime, so that nothing depends on who wakes first.
    command.env("TOKIO_WORKER_THREADS", "1");
    match way {
        Way::Http => over_http(&mut command, calls),
        Way::Stdio => Piped::start(&mut command)?.calls(calls, META),
        Way::StdioLegacy => {
            let mut piped = Piped::start(&mut command)?;
            piped.exchange(INITIALIZE, r#""serverInfo""#)?;
            piped.send(INITIALIZED)?;
            piped.calls(calls, "")
        }
    }
}

/// A request, with `meta` among its parameters.
fn request(index: u32, meta: &str) -> String {
    let id = FIRST_ID + index;
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo",{meta}"arguments":{{"text":"{TEXT}"}}}}}}"#
    )
}

/// A server on pipes. Dropping it ends it.
struct Piped {
    child: Child,
    /// The lines that it writes, read by a thread: a server that says nothing must not hold us for ever.
    answers: Receiver<String>,
}

impl Piped {
    fn start(command: &mut Command) -> Outcome<Self> {
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = started.map_err(|error| Red::new(format!("cannot start valgrind: {error}")))?;
        let (sender, answers) = mpsc::channel();
        let output = child.stdout.take().map(BufReader::new);
        thread::spawn(move || {
            let lines = output.into_iter().flat_map(BufRead::lines).map_while(Result::ok);
            lines.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
        });
        Ok(Self { child, answers })
    }

    fn calls(mut self, calls: u32, meta: &str) -> Outcome {
        for index in 0..calls {
            self.exchange(&request(index, meta), TEXT)?;
        }
        // The end of its input ends the server, and so its output.
        drop(self.child.stdin.take());
        if let Ok(line) = self.answers.recv_timeout(PATIENCE) {
            return Err(Red::new(format!("the server said at its end {line:?}")));
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let ended = self.child.try_wait().map_err(|error| Red::new(format!("the server is lost: {error}")))?;
            match ended {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(Red::new(format!("the server ended with {status}"))),
                None => thread::sleep(POLL),
            }
        }
        Err(Red::new("the server does not end with its input"))
    }

    fn send(&mut self, line: &str) -> Outcome {
        let input = self.child.stdin.as_mut().ok_or_else(|| Red::new("the server's input is closed"))?;
        input.write_all(format!("{line}\n").as_bytes()).map_err(|error| Red::new(format!("cannot send: {error}")))
    }

    fn exchange(&mut self, line: &str, wanted: &str) -> Outcome {
        self.send(line)?;
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) if answer.contains(wanted) => Ok(()),
            Ok(answer) => Err(Red::new(format!("{line} was answered {answer:?}"))),
            Err(_) => Err(Red::new(format!("{line} was not answered in {} s", PATIENCE.as_secs()))),
        }
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // Both fail only when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn over_http(command: &mut Command, calls: u32) -> Outcome {
    let mut group = Group::start(command)?;
    let address = group.wait_for(PATIENCE, |line| {
        let address = line.text.split("http://").nth(1)?;
        Some(address.split('/').next()?.to_owned())
    })?;
    let broken = |error: std::io::Error| Red::new(format!("the connection breaks: {error}"));
    let mut stream = TcpStream::connect(&address).map_err(broken)?;
    stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(PATIENCE))).map_err(broken)?;
    let mut answers = BufReader::new(stream.try_clone().map_err(broken)?);
    for index in 0..calls {
        let body = request(index, META);
        let head = format!("POST /mcp HTTP/1.1\r\nHost: {address}\r\n{HEADERS}Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).map_err(broken)?;
        let answer = body_of_answer(&mut answers).map_err(broken)?;
        if !answer.contains(TEXT) {
            return Err(Red::new(format!("{body} was answered {answer:?}")));
        }
    }
    drop((stream, answers));
    capture(Command::new("kill").args(["-TERM", &group.id().to_string()]))?;
    group.finish(PATIENCE).map(drop)
}

/// Reads one answer to its end, whether it says its length or comes in chunks.
fn body_of_answer(answers: &mut impl BufRead) -> std::io::Result<String> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if answers.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok(),
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = Vec::new();
    match length {
        Some(length) => {
            answers.take(length).read_to_end(&mut body)?;
        }
        None => while read_chunk(answers, &mut body)? {},
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Reads one chunk; returns whether another one comes.
fn read_chunk(answers: &mut impl BufRead, body: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    let size = u64::from_str_radix(line.trim_end(), 16).map_err(|_| std::io::ErrorKind::InvalidData)?;
    answers.take(size).read_to_end(body)?;
    // The empty line behind it.
    answers.read_line(&mut line)?;
    Ok(size > 0)
}

/// 32 bytes.
const TEXT: &str = "0123456789abcdef0123456789abcdef";
/// What a modern request says of its sender.
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"load","version":"0"},"io.modelcontextprotocol/clientCapabilities":{}},"#;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"load","version":"0"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const HEADERS: &str = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
                       MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n";
/// Ids have one length from here on.
const FIRST_ID: u32 = 1_000_000;
/// How long a server may take for one step; below valgrind all is fifty times slower.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often we look whether a server has ended: valgrind writes its counts before it does.
const POLL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_to_their_end_with_a_length_and_in_chunks() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        let mut both = BufReader::new(Box::new(std::io::Cursor::new(format!("{whole}{chunks}{whole}"))));
        for _ in 0..3 {
            assert_eq!(body_of_answer(&mut both).unwrap(), "abc");
        }
        assert!(body_of_answer(&mut both).is_err());
    }

    #[test]
    fn every_request_is_json_of_the_same_length() {
        for meta in [META, ""] {
            let [first, last] = [0, 999_999].map(|index| request(index, meta));
            assert_eq!(first.len(), last.len());
            assert!(serde_json::from_str::<serde_json::Value>(&first).is_ok(), "{first}");
        }
    }
}
