//! One message to a POST, each over a connection of its own.
//!
//! The surprising thing: the headers that repeat the body are read out of the body that is sent, whatever it is, so
//! that a scenario about the body is about nothing else.

use std::net::SocketAddr;

use mcp_types::Features;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Reply, WireError};
use crate::setting::Setting;

/// A raw way to the MCP endpoint at an address.
pub(crate) struct HttpWire {
    address: SocketAddr,
    /// What every request carries since the handshake.
    session: Vec<(&'static str, String)>,
}

/// Another header than usual: a value, or `None` to leave it out.
pub(crate) type Other<'a> = (&'a str, Option<&'a str>);

/// A response that goes on. Dropping it closes the connection.
pub(crate) struct HttpStream {
    stream: TcpStream,
    /// What has arrived, from the first byte of the head.
    answer: Vec<u8>,
    /// How many events were returned.
    taken: usize,
}

impl HttpWire {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, session: Vec::new() }
    }

    /// Keeps what the answer to `initialize` says of the session (HL-10, HL-11).
    pub(super) fn keep_session(&mut self, reply: &Reply, setting: &Setting) {
        self.session.clear();
        if let Some(id) = reply.header("mcp-session-id") {
            self.session.push(("Mcp-Session-Id", id.to_owned()));
        }
        if setting.has(Features::VERSION_HEADER) {
            let version = reply.at("/protocolVersion");
            self.session.extend(version.as_str().map(|version| ("MCP-Protocol-Version", version.to_owned())));
        }
    }

    /// Posts a message, with some headers other than usual.
    pub(crate) async fn post(&self, body: &[u8], other: &[Other<'_>]) -> Result<Reply, WireError> {
        self.send("POST", body, other).await
    }

    /// Sends a request of any HTTP method.
    pub(crate) async fn send(&self, verb: &str, body: &[u8], other: &[Other<'_>]) -> Result<Reply, WireError> {
        let mut stream = self.begin(verb, body, other).await?;
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer).await;
        if answer.is_empty() {
            read?;
        }
        read_reply(&answer)
    }

    /// Posts a message whose answer is a stream that does not end soon.
    pub(crate) async fn stream(&self, body: &[u8]) -> Result<HttpStream, WireError> {
        Ok(HttpStream { stream: self.begin("POST", body, &[]).await?, answer: Vec::new(), taken: 0 })
    }

    async fn begin(&self, verb: &str, body: &[u8], other: &[Other<'_>]) -> Result<TcpStream, WireError> {
        let mut headers = vec![
            ("Host", self.address.to_string()),
            ("Connection", "close".to_owned()),
            ("Content-Type", "application/json".to_owned()),
            ("Accept", "application/json, text/event-stream".to_owned()),
            ("Content-Length", body.len().to_string()),
        ];
        let mirrored = mirrored(body);
        // A message that claims a version stands alone, and all others belong to the session (V-48).
        if mirrored.is_empty() {
            headers.extend(self.session.iter().cloned());
        }
        headers.extend(mirrored);
        let mut head = format!("{verb} /mcp HTTP/1.1\r\n");
        for (name, value) in &headers {
            let replaced = other.iter().any(|(replaced, _)| replaced.eq_ignore_ascii_case(name));
            if !replaced {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        for (name, value) in other {
            if let Some(value) = value {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(head.as_bytes()).await?;
        // A server may refuse the head and close before it has read the body.
        let _ = stream.write_all(body).await;
        Ok(stream)
    }
}

impl HttpStream {
    /// Returns the next message, whatever it is.
    pub(crate) async fn message(&mut self) -> Result<Value, WireError> {
        loop {
            if let Some(text) = self.events().into_iter().nth(self.taken) {
                self.taken += 1;
                return serde_json::from_str(&text).map_err(|error| WireError::NotJson { text, error });
            }
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(WireError::Ended);
            }
        }
    }

    /// Returns the data of the events that have arrived whole.
    fn events(&self) -> Vec<String> {
        let end = self.answer.windows(4).position(|window| window == b"\r\n\r\n");
        let body = end.and_then(|end| self.answer.get(end + 4..)).unwrap_or_default();
        let text = String::from_utf8_lossy(&chunks(body)).into_owned();
        text.rfind("\n\n").and_then(|end| text.get(..end)).map(events).unwrap_or_default()
    }
}

/// Returns the headers that repeat the body of a modern request (H-7).
fn mirrored(body: &[u8]) -> Vec<(&'static str, String)> {
    let Ok(message) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let Some(version) = text("/params/_meta/io.modelcontextprotocol~1protocolVersion") else { return Vec::new() };
    let mut headers = vec![("MCP-Protocol-Version", version)];
    let method = text("/method");
    let name = match method.as_deref() {
        Some("tools/call" | "prompts/get") => text("/params/name"),
        Some("resources/read") => text("/params/uri"),
        _ => None,
    };
    headers.extend(method.map(|method| ("Mcp-Method", method)));
    headers.extend(name.map(|name| ("Mcp-Name", name)));
    headers
}

fn read_reply(answer: &[u8]) -> Result<Reply, WireError> {
    let not_http = || WireError::NotHttp { text: String::from_utf8_lossy(answer).into_owned() };
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(not_http)?;
    let (head, body) = answer.split_at(end);
    let body = body.get(4..).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(not_http)?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let mut reply = Reply { status: Some(status), headers, ..Reply::default() };
    let body = match reply.header("transfer-encoding") {
        Some("chunked") => chunks(body),
        _ => body.to_vec(),
    };
    let body = String::from_utf8_lossy(&body);
    let media = reply.header("content-type").unwrap_or_default().to_owned();
    if media.starts_with("text/event-stream") {
        for event in events(&body) {
            reply.take(&event)?;
        }
    } else if media.starts_with("application/json") {
        reply.take(&body)?;
    }
    Ok(reply)
}

/// Puts the chunks of a body together, as many as have arrived whole.
fn chunks(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some((chunk, rest)) = next_chunk(body).filter(|(chunk, _)| !chunk.is_empty()) {
        whole.extend_from_slice(chunk);
        body = rest;
    }
    whole
}

fn next_chunk(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = body.windows(2).position(|window| window == b"\r\n")?;
    let (size, rest) = body.split_at_checked(end)?;
    let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
    let (chunk, rest) = rest.get(2..)?.split_at_checked(size)?;
    Some((chunk, rest.strip_prefix(b"\r\n")?))
}

/// Returns the data of the events of a stream; an event without data is none (H-15).
fn events(body: &str) -> Vec<String> {
    let mut events = Vec::new();
    for block in body.split("\n\n") {
        let data: Vec<_> = block.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
        let data = data.join("\n");
        if !data.is_empty() {
            events.push(data);
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_stream_of_events_is_read_to_its_answer() {
        let body = ": hello\n\nid: 1\ndata:\n\ndata: {\"method\":\"m\"}\n\ndata: {\"id\":1,\"result\":{}}\n\n";
        let (first, second) = body.split_at(20);
        let text = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len()
        );
        let reply = read_reply(text.as_bytes()).unwrap();
        assert_eq!((reply.status, reply.before.len(), reply.text.as_str()), (Some(200), 1, r#"{"id":1,"result":{}}"#));
    }

    #[test]
    fn a_body_with_a_claim_is_mirrored_into_headers_and_one_without_is_not() {
        let claim =
            r#"{"method":"tools/call","params":{"name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"v"}}}"#;
        let expected = [("MCP-Protocol-Version", "v"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "t")];
        assert_eq!(mirrored(claim.as_bytes()), expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(mirrored(br#"{"method":"tools/list"}"#), []);
        assert_eq!(mirrored(b"nonsense"), []);
    }
}
