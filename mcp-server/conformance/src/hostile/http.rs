//! HTTP by hand: a request is bytes, an answer is read to its end, and nothing of ours helps.
//!
//! The surprising thing: the headers say what the good call says, whatever the body is, so that a text is refused for
//! what it is and not for what its headers are.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::ChildStdin;
use tokio::time::timeout;

use super::judge::Outcome;
use super::process::Process;
use super::serve::Aim;
use super::texts::{self, Nonce};

/// A server over HTTP.
pub(super) struct HttpTarget {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
    /// The server serves as long as this is open.
    _stdin: ChildStdin,
}

/// An answer of HTTP.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    /// The last message of the body.
    pub(super) message: Option<Value>,
}

/// Which headers a request has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Headers<'a> {
    /// Those of the good call.
    Modern,
    /// Those that repeat a method and a name of a modern request.
    Mirror(&'a str, Option<&'a str>),
    /// Those of a session.
    Session(&'a str),
    /// Those of no era.
    Bare,
}

impl HttpTarget {
    pub(super) async fn start(aim: Aim) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the server does not start: {error}");
        let (process, stdin, stdout) = Process::start(aim).map_err(failed)?;
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        let read = timeout(PATIENCE, stdout.read_line(&mut line)).await;
        read.map_err(|_| "the server does not say where it listens".to_owned())?.map_err(failed)?;
        let address = line.trim().parse().map_err(|_| format!("the server listens at {line:?}"))?;
        Ok(Self { process, address, _stdin: stdin })
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> Result<TcpStream, String> {
        let connected = timeout(PATIENCE, TcpStream::connect(self.address)).await;
        connected.map_err(|_| "nobody accepts".to_owned())?.map_err(|error| format!("cannot connect: {error}"))
    }

    /// Returns the head of a request up to its headers of length; every line ends, the head does not.
    pub(super) fn head(&self, verb: &str, headers: Headers<'_>) -> String {
        let address = self.address;
        let mut head = format!(
            "{verb} /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n"
        );
        match headers {
            Headers::Modern => head.push_str(texts::HEADERS),
            Headers::Mirror(method, name) => {
                head.push_str(&format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n"));
                let name = name.map(|name| format!("Mcp-Name: {name}\r\n"));
                head.push_str(&name.unwrap_or_default());
            }
            Headers::Session(id) => head.push_str(&format!("Mcp-Session-Id: {id}\r\n")),
            Headers::Bare => {}
        }
        head
    }

    /// Posts a body and returns what comes.
    pub(super) async fn post(&self, headers: Headers<'_>, body: &[u8]) -> Result<Answer, String> {
        let head = format!("{}Connection: close\r\nContent-Length: {}\r\n\r\n", self.head("POST", headers), body.len());
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.send(&request).await
    }

    /// Sends a request as it is, and returns what comes until the server closes.
    pub(super) async fn send(&self, request: &[u8]) -> Result<Answer, String> {
        let mut stream = self.connect().await?;
        // A server may refuse the head and close before it has read the rest.
        let _ = stream.write_all(request).await;
        read_to_end(&mut stream).await
    }

    /// Posts a body and returns what a case is judged by.
    pub(super) async fn outcome(&self, headers: Headers<'_>, body: &[u8]) -> Result<Outcome, String> {
        let answer = self.post(headers, body).await?;
        Ok(Outcome::of_http(answer.status, answer.message))
    }

    /// Makes a call that must work, and checks that its answer is for nobody else (O2).
    pub(super) async fn good_call(&self) -> Result<(), String> {
        let nonce = Nonce::new();
        let answer = self.post(Headers::Modern, nonce.call().as_bytes()).await?;
        nonce.check(&Outcome::of_http(answer.status, answer.message))
    }

    /// Opens a session and returns its id.
    pub(super) async fn open_session(&self, version: &str) -> Result<String, String> {
        let answer = self.post(Headers::Bare, texts::initialize(version).as_bytes()).await?;
        let id = answer.header("mcp-session-id").map(str::to_owned);
        id.ok_or_else(|| format!("initialize is answered with {} and no session", answer.status))
    }
}

impl Answer {
    /// Returns the first header of a name, given in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Says what the answer is in a few words.
    pub(super) fn label(&self) -> String {
        Outcome::of_http(self.status, self.message.clone()).to_string()
    }
}

/// Reads what comes until the server closes, which it must.
pub(super) async fn read_to_end(stream: &mut TcpStream) -> Result<Answer, String> {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    match read {
        Err(_) => Err(format!("no end of the answer within {PATIENCE:?}, {} bytes of it", bytes.len())),
        Ok(Err(error)) if bytes.is_empty() => Err(format!("no answer: {error}")),
        Ok(_) => parse(&bytes),
    }
}

/// Reads the first answer that comes, and leaves the connection open.
pub(super) async fn read_head(stream: &mut TcpStream, patience: Duration) -> Result<Answer, String> {
    let mut bytes = Vec::new();
    let read = async {
        while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read_buf(&mut bytes).await {
                Ok(0) => return Err("the connection was closed without an answer".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(format!("no answer: {error}")),
            }
        }
        Ok(())
    };
    timeout(patience, read).await.map_err(|_| format!("no answer within {patience:?}"))??;
    parse(&bytes)
}

/// Reads an answer.
fn parse(bytes: &[u8]) -> Result<Answer, String> {
    let not_http = || format!("no HTTP: {:?}", super::judge::cut(&String::from_utf8_lossy(bytes)));
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(not_http)?;
    let (head, body) = bytes.split_at(end);
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(not_http)?;
    let mut answer = Answer { status, head, message: None };
    let body = String::from_utf8_lossy(body.get(4..).unwrap_or_default()).into_owned();
    let is_stream = answer.header("content-type").is_some_and(|media| media.starts_with("text/event-stream"));
    // A chunk of an event stream holds whole events, so the lines between them need not be understood.
    let events = || body.lines().filter_map(|line| line.strip_prefix("data:")).filter_map(read_json).next_back();
    answer.message = if is_stream { events() } else { read_json(&body) };
    Ok(answer)
}

fn read_json(text: &str) -> Option<Value> {
    serde_json::from_str(text.trim()).ok()
}

/// How long an answer may take on a machine that does other things, too.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_status_its_headers_and_its_message() {
        let text = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nRetry-After: 1\r\n\r\n{\"id\":7}";
        let answer = parse(text.as_bytes()).unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (400, Some("1")));
        assert_eq!(answer.message, Some(serde_json::json!({ "id": 7 })));
        assert!(parse(b"nonsense").is_err());
    }

    #[test]
    fn the_last_event_of_a_stream_is_the_message() {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\
                    b\r\ndata: {\"a\":1}\n\n\r\nb\r\ndata: {\"a\":2}\n\n\r\n0\r\n\r\n";
        assert_eq!(parse(text.as_bytes()).unwrap().message, Some(serde_json::json!({ "a": 2 })));
    }
}
