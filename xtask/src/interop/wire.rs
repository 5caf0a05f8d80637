//! A witness between our client and a server: it passes everything on, and knows which revision was spoken.
//!
//! The surprising thing: the revision is not asked of the client. What it says of itself and what it sends could
//! differ, and only the second counts for a server.

use std::{
    env, fs,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use serde_json::Value;

use crate::{
    interop::run::Target,
    process::{Outcome, Red},
};

/// What stands between.
#[derive(Debug)]
pub(crate) struct Witness {
    target: Target,
    record: Record,
}

#[derive(Debug)]
enum Record {
    Http { relay: SocketAddr, seen: Arc<Mutex<Seen>>, is_over: Arc<AtomicBool> },
    Stdio(Scratch),
}

/// The bytes of both directions of every connection.
#[derive(Debug, Default)]
struct Seen {
    sent: Vec<u8>,
    received: Vec<u8>,
}

impl Witness {
    /// Stands in front of a target.
    ///
    /// # Errors
    ///
    /// When no port is free or no folder can be made.
    pub(crate) fn of(target: &Target) -> Outcome<Self> {
        match target {
            Target::File(path) => Err(Red::new(format!("nobody speaks to {}", path.display()))),
            Target::Http(url) => Self::of_url(url),
            Target::Stdio(words) => Self::of_command(words),
        }
    }

    /// Where a client finds the witness.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the revision of the last request, which is the negotiated one when all went well.
    pub(crate) fn revision(&self) -> Option<String> {
        match &self.record {
            Record::Http { seen, .. } => {
                let seen = seen.lock().expect("nobody panics while it holds the record");
                // A probe may have come before, with a header of its own.
                in_events(&seen.received).or_else(|| in_headers(&seen.sent))
            }
            Record::Stdio(scratch) => {
                let text = |name| fs::read_to_string(scratch.file(name)).unwrap_or_default();
                in_lines(&text(SENT), &text(RECEIVED))
            }
        }
    }

    fn of_command(words: &[String]) -> Outcome<Self> {
        let scratch = Scratch::new()?;
        let file = |name| scratch.file(name).to_string_lossy().into_owned();
        // `tee` ends with what it reads, so the end of input comes to the server and its last words to the client.
        let script = r#"sent=$1 received=$2; shift 2; tee "$sent" | "$@" | tee "$received""#;
        let head = ["sh", "-c", script, "witness"].map(str::to_owned);
        let words = head.into_iter().chain([file(SENT), file(RECEIVED)]).chain(words.iter().cloned());
        Ok(Self { target: Target::Stdio(words.collect()), record: Record::Stdio(scratch) })
    }

    fn of_url(url: &str) -> Outcome<Self> {
        let rest = url.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
        let (server, path) = rest.ok_or_else(|| Red::new(format!("{url} is no URL of a server on this machine")))?;
        let listener = TcpListener::bind(("127.0.0.1", 0));
        let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (relay, listener) = bound.map_err(|error| Red::new(format!("no port is free: {error}")))?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (record, over, server) = (Arc::clone(&seen), Arc::clone(&is_over), server.to_owned());
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                if let Ok(server) = TcpStream::connect(&server) {
                    // A connection that cannot be cloned is dropped, and its client says so.
                    let _ = pass_on(client, server, Arc::clone(&record));
                }
            }
        });
        let target = Target::Http(format!("http://{relay}/{path}"));
        Ok(Self { target, record: Record::Http { relay, seen, is_over } })
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if let Record::Http { relay, is_over, .. } = &self.record {
            is_over.store(true, Ordering::Relaxed);
            // A last connection, so that the thread that accepts looks up.
            let _ = TcpStream::connect(relay);
        }
    }
}

/// Passes bytes on in both directions on threads of their own, and keeps them.
fn pass_on(client: TcpStream, server: TcpStream, record: Arc<Mutex<Seen>>) -> io::Result<()> {
    let (answers, back) = (server.try_clone()?, client.try_clone()?);
    let (asked, answered) = (Arc::clone(&record), record);
    let keep = |record: &Mutex<Seen>, bytes: &[u8], side: fn(&mut Seen) -> &mut Vec<u8>| {
        side(&mut record.lock().expect("nobody panics while it holds the record")).extend_from_slice(bytes);
    };
    thread::spawn(move || copy(client, server, |bytes| keep(&asked, bytes, |seen| &mut seen.sent)));
    thread::spawn(move || copy(answers, back, |bytes| keep(&answered, bytes, |seen| &mut seen.received)));
    Ok(())
}

/// Copies until one side ends, and says so to the other.
fn copy(mut from: TcpStream, mut to: TcpStream, mut watch: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length) = from.read(&mut buffer) {
        let bytes = buffer.get(..length).unwrap_or_default();
        watch(bytes);
        if bytes.is_empty() || to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Finds the revision in the headers of the last request that has one.
fn in_headers(sent: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(sent);
    let mut values = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("mcp-protocol-version").then(|| value.trim().to_owned())
    });
    values.next_back()
}

/// Finds the revision in the handshake over HTTP with SSE, which knows no header for it. No other transport begins with
/// the event `endpoint`.
fn in_events(received: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(received);
    let is_sse = text.lines().any(|line| line == "event: endpoint");
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    is_sse.then(|| in_lines("", &lines.join("\n")))?
}

/// Finds the revision in the lines of both directions: a modern request says it, else the handshake has settled it.
fn in_lines(sent: &str, received: &str) -> Option<String> {
    let text = |value: &Value, pointer| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let messages = |lines: &str| -> Vec<Value> { lines.lines().flat_map(serde_json::from_str).collect() };
    let last = messages(sent).into_iter().rfind(|message| message.get("id").is_some() && message["method"].is_string());
    let modern = last.and_then(|request| text(&request, "/params/_meta/io.modelcontextprotocol~1protocolVersion"));
    modern.or_else(|| messages(received).iter().find_map(|message| text(message, "/result/protocolVersion")))
}

/// A folder that is gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes a folder of its own.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub(crate) fn new() -> Outcome<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("mcp-interop-{}-{number}", process::id()));
        let made = fs::create_dir_all(&folder);
        made.map_err(|error| Red::new(format!("cannot make {}: {error}", folder.display())))?;
        Ok(Self(folder))
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind in the folder for temporary files is the system's to clear.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The file of what a client sent.
const SENT: &str = "sent";
/// The file of what it received.
const RECEIVED: &str = "received";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_of_the_last_request_counts_over_http() {
        let sent = "POST /mcp HTTP/1.1\r\nMcp-Protocol-Version: 2026-07-28\r\n\r\n{}\
                    POST /mcp HTTP/1.1\r\nmcp-protocol-version:2025-11-25\r\n\r\n{\"a\":1}";
        assert_eq!(in_headers(sent.as_bytes()).as_deref(), Some("2025-11-25"));
        assert_eq!(in_headers(b"POST /mcp HTTP/1.1\r\n\r\n{}"), None);
    }

    #[test]
    fn the_revision_of_the_handshake_counts_over_http_with_sse() {
        let answer = "data: {\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\"}}\r\n\r\n";
        let stream = format!("event: endpoint\r\ndata: /message\r\n\r\nevent: message\r\n{answer}");
        assert_eq!(in_events(stream.as_bytes()).as_deref(), Some("2025-11-25"));
        assert_eq!(in_events(answer.as_bytes()), None);
    }

    #[test]
    fn a_modern_request_says_its_revision_and_a_legacy_one_has_that_of_the_handshake() {
        let probe = r#"{"id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let list = r#"{"id":3,"method":"tools/list","params":{}}"#;
        let last = r#"{"method":"notifications/cancelled","params":{}}"#;
        let answer = r#"{"id":2,"result":{"protocolVersion":"2025-11-25"}}"#;
        let revision = |sent: &[&str], received: &str| in_lines(&sent.join("\n"), received);
        assert_eq!(revision(&[probe], "").as_deref(), Some("2026-07-28"));
        assert_eq!(revision(&[probe, list, last], answer).as_deref(), Some("2025-11-25"));
        assert_eq!(revision(&[list], "no JSON"), None);
    }

    #[test]
    fn a_relay_passes_both_directions_on_and_keeps_what_was_sent() {
        let server = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/mcp", server.local_addr().unwrap());
        let witness = Witness::of(&Target::Http(url)).unwrap();
        let Record::Http { relay, .. } = &witness.record else { panic!("{witness:?}") };
        let mut client = TcpStream::connect(relay).unwrap();
        client.write_all(b"MCP-Protocol-Version: 2026-07-28\n").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        let mut text = String::new();
        accepted.read_to_string(&mut text).unwrap();
        accepted.write_all(b"answer").unwrap();
        drop(accepted);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "answer");
        assert_eq!(witness.revision().as_deref(), Some("2026-07-28"));
    }

    #[test]
    fn a_command_behind_a_witness_gets_its_words_as_they_are() {
        let words = ["printf", "%s|", "a b", "c'd"].map(str::to_owned);
        let witness = Witness::of(&Target::Stdio(words.to_vec())).unwrap();
        let Target::Stdio(words) = witness.target() else { panic!("{witness:?}") };
        let output = process::Command::new(&words[0]).args(&words[1..]).stdin(process::Stdio::null()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "a b|c'd|");
    }
}
