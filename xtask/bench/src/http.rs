//! HTTP/1.1 as far as a load generator needs it: write a request, read its answer to the end, keep the connection.

use std::io;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::script::{Era, LEGACY, MODERN, Script, opening};

/// Where a server is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Host and port.
    pub authority: String,
    /// The path, with its slash.
    pub path: String,
}

impl Place {
    /// Reads a URL of this machine.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        let (authority, path) = url.strip_prefix("http://")?.split_once('/')?;
        Some(Self { authority: authority.to_owned(), path: format!("/{path}") })
    }
}

/// One kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    place: Place,
    era: Era,
    session: Option<String>,
    /// Whether it takes nothing but streams of events.
    events_only: bool,
    /// What came and was not used yet.
    buffer: Vec<u8>,
    /// What is sent, kept for its memory.
    request: Vec<u8>,
}

/// What came back.
#[derive(Debug, Default)]
pub struct Reply {
    /// The status line's number.
    pub status: u16,
    /// The id of the session, when one was opened.
    pub session: Option<String>,
    /// Whether the body is a stream of events.
    pub is_events: bool,
    /// How many chunks the body came in; 1 when it has a length.
    pub chunks: u64,
    /// The body without its chunks.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub async fn open(place: &Place, era: Era) -> io::Result<Self> {
        let stream = TcpStream::connect(&place.authority).await?;
        stream.set_nodelay(true)?;
        let place = place.clone();
        Ok(Self { stream, place, era, session: None, events_only: false, buffer: Vec::new(), request: Vec::new() })
    }

    /// Opens a session; the server must give it an id, or need none.
    ///
    /// # Errors
    ///
    /// When the server refuses it.
    pub async fn open_session(&mut self) -> io::Result<Option<String>> {
        let [first, second] = opening();
        let reply = self.post(first.as_bytes(), None).await?;
        if reply.status != 200 {
            return Err(io::Error::other(format!("initialize: {} {}", reply.status, reply.text())));
        }
        self.session = reply.session;
        let reply = self.post(second.as_bytes(), None).await?;
        if !(200..300).contains(&reply.status) {
            return Err(io::Error::other(format!("notifications/initialized: {} {}", reply.status, reply.text())));
        }
        Ok(self.session.clone())
    }

    /// Takes streams of events from now on, and nothing else.
    pub fn take_events_only(&mut self) {
        self.events_only = true;
    }

    /// Goes on with a session that was opened elsewhere.
    pub fn join(&mut self, session: Option<String>) {
        self.session = session;
    }

    /// Sends a request of a script and checks its answer.
    ///
    /// # Errors
    ///
    /// When the answer is not the one that the script expects.
    pub async fn call(&mut self, script: &Script, id: u64) -> io::Result<Reply> {
        let mut body = Vec::new();
        script.write(id, &mut body);
        let reply = self.post(&body, Some(script)).await?;
        reply.check(script, id)?;
        Ok(reply)
    }

    async fn post(&mut self, body: &[u8], script: Option<&Script>) -> io::Result<Reply> {
        self.write_head("POST", body.len(), script);
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        self.read().await
    }

    /// Sends a request and reads no more of its answer than the head, and the first event of a modern one, which says
    /// that the server listens; the answer stays open.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub async fn hold(&mut self, method: &str, body: &str, script: Option<&Script>) -> io::Result<()> {
        self.write_head(method, body.len(), script);
        self.request.extend_from_slice(body.as_bytes());
        self.stream.write_all(&self.request).await?;
        let reply = self.read_head().await?;
        if reply.0.status != 200 || !reply.0.is_events {
            return Err(io::Error::other(format!("no stream: {}", reply.0.status)));
        }
        if self.era == Era::Modern {
            let event = self.first_event().await?;
            if !event.contains(ACKNOWLEDGED) {
                return Err(io::Error::other(format!("no stream: {event}")));
            }
            self.is_over()?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Returns the data of the first event that has some.
    async fn first_event(&mut self) -> io::Result<String> {
        loop {
            let text = String::from_utf8_lossy(&self.buffer);
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let data = whole.lines().filter_map(|line| line.strip_prefix("data:")).find(|data| !data.trim().is_empty());
            if let Some(data) = data {
                return Ok(data.to_owned());
            }
            self.is_over()?;
            self.fill().await?;
        }
    }

    /// Looks whether the last chunk has come.
    fn is_over(&self) -> io::Result<()> {
        let is_over = self.buffer.ends_with(LAST_CHUNK);
        if is_over { Err(io::Error::other("the server ended the stream")) } else { Ok(()) }
    }

    /// Whether the server has ended neither the answer nor the connection.
    pub fn is_open(&mut self) -> bool {
        loop {
            match self.stream.try_read_buf(&mut self.buffer) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock && self.is_over().is_ok(),
            }
        }
    }

    fn write_head(&mut self, method: &str, length: usize, script: Option<&Script>) {
        let Place { authority, path } = &self.place;
        let accept = if method == "GET" || self.events_only {
            "text/event-stream"
        } else {
            "application/json, text/event-stream"
        };
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\naccept: {accept}\r\n");
        if method != "GET" {
            head.push_str(&format!("content-type: application/json\r\ncontent-length: {length}\r\n"));
        }
        match self.era {
            Era::Modern => {
                head.push_str(&format!("mcp-protocol-version: {MODERN}\r\n"));
                if let Some(script) = script {
                    head.push_str(&format!("mcp-method: {}\r\n", script.method));
                    head.extend(script.name.iter().map(|name| format!("mcp-name: {name}\r\n")));
                }
            }
            Era::Legacy if self.session.is_some() || script.is_some() => {
                head.push_str(&format!("mcp-protocol-version: {LEGACY}\r\n"));
            }
            Era::Legacy => {}
        }
        head.extend(self.session.iter().map(|session| format!("mcp-session-id: {session}\r\n")));
        head.push_str("\r\n");
        self.request.clear();
        self.request.extend_from_slice(head.as_bytes());
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(16 * 1024);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        Ok(())
    }

    async fn read_head(&mut self) -> io::Result<(Reply, Option<usize>)> {
        let end = loop {
            match find(&self.buffer, b"\r\n\r\n") {
                Some(end) => break end,
                None => self.fill().await?,
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        Ok(read_head(&head))
    }

    async fn read(&mut self) -> io::Result<Reply> {
        let (mut reply, length) = self.read_head().await?;
        match length {
            Some(length) => {
                self.buffer.reserve(length.saturating_sub(self.buffer.len()));
                while self.buffer.len() < length {
                    self.fill().await?;
                }
                reply.body = self.buffer.drain(..length).collect();
                reply.chunks = 1;
            }
            None => self.read_chunks(&mut reply).await?,
        }
        Ok(reply)
    }

    async fn read_chunks(&mut self, reply: &mut Reply) -> io::Result<()> {
        loop {
            let line = loop {
                match find(&self.buffer, b"\r\n") {
                    Some(line) => break line,
                    None => self.fill().await?,
                }
            };
            let size = String::from_utf8_lossy(&self.buffer[..line]).into_owned();
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
                .map_err(|_| io::Error::other(format!("`{size}` is no size of a chunk")))?;
            let end = line + 2 + size + 2;
            while self.buffer.len() < end {
                self.fill().await?;
            }
            reply.body.extend_from_slice(&self.buffer[line + 2..line + 2 + size]);
            self.buffer.drain(..end);
            if size == 0 {
                return Ok(());
            }
            reply.chunks += 1;
        }
    }
}

impl Reply {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(400)]).into_owned()
    }

    /// Looks whether this is the answer to a script.
    fn check(&self, script: &Script, id: u64) -> io::Result<()> {
        let fault = |why: &str| io::Error::other(format!("{why}: {} {}", self.status, self.text()));
        if self.status != 200 {
            return Err(fault("this is no answer"));
        }
        if !self.is_events {
            return check_message(&self.body, script, id).map_err(|why| fault(&why));
        }
        let events = self.body.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
        // An event without data is a server's way to give its stream an id.
        let messages: Vec<&[u8]> = events.map(<[u8]>::trim_ascii).filter(|data| !data.is_empty()).collect();
        let Some((last, before)) = messages.split_last() else { return Err(fault("this has no event")) };
        if before.len() as u64 != script.notifications {
            return Err(fault(&format!("{} notifications came before the result", before.len())));
        }
        check_message(last, script, id).map_err(|why| fault(&why))
    }
}

/// Looks whether a message is the answer to a script.
///
/// # Errors
///
/// What it is instead.
pub fn check_message(message: &[u8], script: &Script, id: u64) -> Result<(), String> {
    let message: Value = serde_json::from_slice(message).map_err(|error| format!("this is no JSON ({error})"))?;
    if message["id"] != id {
        return Err(format!("this answers {} and not {id}", message["id"]));
    }
    let result = &message["result"];
    let is_right = match &script.expected {
        Some(text) => result["content"][0]["text"] == text.as_str() && result["isError"] != true,
        None if script.name.is_some() => result["content"].is_array() && result["isError"] != true,
        None => result["tools"].as_array().is_some_and(|tools| !tools.is_empty()),
    };
    if is_right { Ok(()) } else { Err("this is not what was asked for".to_owned()) }
}

/// Reads the head of an answer, and the length of its body when it has one.
fn read_head(head: &str) -> (Reply, Option<usize>) {
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_default();
    let mut reply = Reply { status, ..Reply::default() };
    // A status that has no body has no length either.
    let mut length = matches!(status, 204 | 304).then_some(0);
    let mut is_chunked = false;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok(),
            "content-type" => reply.is_events = value.starts_with("text/event-stream"),
            "mcp-session-id" => reply.session = Some(value.to_owned()),
            "transfer-encoding" => is_chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let length = if is_chunked { None } else { length.or(Some(0)) };
    (reply, length)
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// What a server says first on a stream that it was asked for.
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// The end of a body in chunks.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Work;

    #[test]
    fn a_head_says_how_long_its_body_is() {
        let check = |head: &str, expected| assert_eq!(read_head(head).1, expected, "{head}");
        check("HTTP/1.1 200 OK\r\nContent-Length: 12", Some(12));
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked", None);
        check("HTTP/1.1 202 Accepted", Some(0));
        check("HTTP/1.1 204 No Content", Some(0));
    }

    #[test]
    fn only_the_answer_to_the_script_passes() {
        let script = Script::new(Era::Modern, &Work::Echo(3));
        let check = |body: &str, is_right| {
            let reply = Reply { status: 200, body: body.as_bytes().to_vec(), ..Reply::default() };
            assert_eq!(reply.check(&script, 7).is_ok(), is_right, "{body}");
        };
        check(r#"{"id":7,"result":{"content":[{"type":"text","text":"000"}]}}"#, true);
        check(r#"{"id":8,"result":{"content":[{"type":"text","text":"000"}]}}"#, false);
        check(r#"{"id":7,"result":{"content":[{"type":"text","text":"001"}]}}"#, false);
        check(r#"{"id":7,"result":{"isError":true,"content":[{"type":"text","text":"000"}]}}"#, false);
        check(r#"{"id":7,"error":{"code":1,"message":"000"}}"#, false);
    }

    #[test]
    fn a_stream_of_events_is_counted_to_its_end() {
        let script = Script::new(Era::Modern, &Work::Progress(2));
        let event = "data: {\"method\":\"notifications/progress\"}\n\n";
        let last = "data: {\"id\":1,\"result\":{\"content\":[{\"text\":\"done\"}]}}\n\n";
        let check = |body: String, is_right| {
            let reply = Reply { status: 200, is_events: true, body: body.clone().into_bytes(), ..Reply::default() };
            assert_eq!(reply.check(&script, 1).is_ok(), is_right, "{body}");
        };
        check([event, event, last].concat(), true);
        check(["id: 0\ndata: \n\n", event, event, last].concat(), true);
        check([event, last].concat(), false);
        check([event, event].concat(), false);
    }
}
