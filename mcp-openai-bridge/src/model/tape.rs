//! A recorded conversation: one JSON document in each line, so that it can be read, compared and cut by hand.
//!
//! ```text
//! {"tape":{"version":1}}
//! {"tools":{"server":"time","tools":[…]}}
//! {"turn":{"api":"chat","settings":{…},"request":{…}}}
//! {"model":{"request":{…},"chunks":[…],"reply":{…}}}
//! {"call":{"server":"time","tool":"now","arguments":{…},"result":{…}}}
//! ```
//!
//! The surprising thing: no header is on a tape, because nothing that records sees one. What the model and the tools are
//! told is, so a tape is as secret as the conversation.

use std::error::Error as StdError;
use std::fmt;
use std::io::{BufRead, Read as _};
use std::path::Path;
use std::time::Duration;

use mcp_types::{CallToolResult, ProgressNotificationParams, RawJson, Tool};
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::turn::Failure;

/// One line of a tape.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    Approval(Approved),
    Call(Box<Call>),
    /// The turn was cancelled, with whatever was under way.
    Cancelled(Cancelled),
    Model(Asked),
    Tape(Head),
    Tools(Listed),
    Turn(Begun),
}

/// What kind of tape it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) version: u32,
}

/// The tools of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) server: String,
    pub(super) tools: Vec<Tool>,
}

/// The beginning of a turn, before tools were added to its request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) api: String,
    pub(super) settings: RawJson,
    pub(super) request: RawJson,
}

/// What somebody said about a call that was to be approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Approved {
    pub(super) call: String,
    /// Why the call was denied; absent when it was allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) denied: Option<String>,
}

/// The end of a turn that was cancelled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Cancelled {}

/// A request to a model, and what came of it: a reply or an error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) request: RawJson,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) chunks: Vec<RawJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply: Option<RawJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Fault>,
}

/// An error of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fault {
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    transient: bool,
}

impl From<&ModelError> for Fault {
    fn from(error: &ModelError) -> Self {
        let mut message = error.message().to_owned();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self {
            message,
            status: error.http_status(),
            code: error.provider_code().map(str::to_owned),
            retry_after_ms: error.wait().map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            transient: error.is_transient(),
        }
    }
}

impl From<Fault> for ModelError {
    fn from(fault: Fault) -> Self {
        let error = Self::new(fault.message);
        let error = fault.status.into_iter().fold(error, Self::status);
        let error = fault.code.into_iter().fold(error, Self::code);
        let error = fault.retry_after_ms.map(Duration::from_millis).into_iter().fold(error, Self::retry_after);
        if fault.transient { error.transient() } else { error }
    }
}

/// A call of a tool, and what came of it: a result or a failure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) server: String,
    pub(super) tool: String,
    pub(super) arguments: RawJson,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) progress: Vec<ProgressNotificationParams>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<CallToolResult>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failed>,
}

/// Why a call had no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Failed {
    Cancelled,
    Denied { reason: String },
    Panicked,
    Protocol { code: i64, message: String },
    TimedOut { after_ms: u64 },
    Transport { message: String },
}

impl From<&Failure> for Failed {
    fn from(failure: &Failure) -> Self {
        match failure.clone() {
            Failure::Cancelled => Self::Cancelled,
            Failure::Denied { reason } => Self::Denied { reason },
            Failure::Panicked => Self::Panicked,
            Failure::Protocol { code, message } => Self::Protocol { code, message },
            Failure::TimedOut { after } => {
                Self::TimedOut { after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) }
            }
            Failure::Transport { message } => Self::Transport { message },
        }
    }
}

impl From<Failed> for Failure {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Cancelled => Self::Cancelled,
            Failed::Denied { reason } => Self::Denied { reason },
            Failed::Panicked => Self::Panicked,
            Failed::Protocol { code, message } => Self::Protocol { code, message },
            Failed::TimedOut { after_ms } => Self::TimedOut { after: Duration::from_millis(after_ms) },
            Failed::Transport { message } => Self::Transport { message },
        }
    }
}

/// A recorded conversation, to be played by a [`Replayer`](super::Replayer).
///
/// # Examples
///
/// ```no_run
/// use mcp_openai_bridge::model::{Replayer, Tape};
///
/// let replayer = Replayer::new(Tape::read("conversation.jsonl")?);
/// # Ok::<(), mcp_openai_bridge::model::TapeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tape {
    /// Each with the number of its line.
    pub(super) entries: Vec<(usize, Entry)>,
}

impl Tape {
    /// Reads a tape from a file.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read, and as [`parse`](Self::parse) does; the error names the file and the line.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TapeError> {
        let path = path.as_ref();
        let named = |fault| TapeError { place: format!("`{}`", path.display()), line: None, fault };
        let file = std::fs::File::open(path).map_err(|error| named(TapeFault::Unreadable(error)))?;
        let mut text = String::new();
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        let read = std::io::BufReader::new(file).take(limit + 1).read_to_string(&mut text);
        read.map_err(|error| named(TapeFault::Unreadable(error)))?;
        Self::parse(&text).map_err(|error| TapeError { place: format!("`{}`", path.display()), ..error })
    }

    /// Reads a tape from its text. Empty lines are left out.
    ///
    /// # Errors
    ///
    /// Fails when a line is no entry of a tape, when the first one does not say that it is a tape of a version that is
    /// known, and when the text is too long.
    pub fn parse(text: &str) -> Result<Self, TapeError> {
        let at = |line, fault| TapeError { place: "the tape".to_owned(), line, fault };
        if text.len() > MAX_BYTES {
            return Err(at(None, TapeFault::TooLong));
        }
        let mut entries = Vec::new();
        for (index, line) in text.as_bytes().lines().enumerate() {
            let number = index + 1;
            let line = line.map_err(|error| at(Some(number), TapeFault::Unreadable(error)))?;
            if line.trim().is_empty() {
                continue;
            }
            let entry: Entry =
                serde_json::from_str(&line).map_err(|error| at(Some(number), TapeFault::Malformed(error)))?;
            match (&entry, entries.is_empty()) {
                (Entry::Tape(Head { version: VERSION }), true) => {}
                (Entry::Tape(Head { version }), true) => return Err(at(Some(number), TapeFault::Version(*version))),
                (_, true) => return Err(at(Some(number), TapeFault::Headless)),
                _ => {}
            }
            entries.push((number, entry));
        }
        if entries.is_empty() {
            return Err(at(None, TapeFault::Headless));
        }
        Ok(Self { entries })
    }

    /// Returns the servers whose tools were listed, each with the tools it had last.
    pub fn servers(&self) -> Vec<(&str, &[Tool])> {
        let mut servers: Vec<(&str, &[Tool])> = Vec::new();
        for (_, entry) in &self.entries {
            let Entry::Tools(Listed { server, tools }) = entry else { continue };
            match servers.iter_mut().find(|(label, _)| label == server) {
                Some(known) => known.1 = tools,
                None => servers.push((server, tools)),
            }
        }
        servers
    }

    /// Returns the turns that were begun, in order.
    pub fn turns(&self) -> impl Iterator<Item = RecordedTurn<'_>> {
        self.entries.iter().enumerate().filter_map(|(place, (line, entry))| {
            let Entry::Turn(Begun { api, settings, request }) = entry else { return None };
            Some(RecordedTurn { line: *line, api, settings, request, is_cancelled: self.is_cancelled(place) })
        })
    }

    /// Returns whether what stands at a place belongs to a turn that was cancelled.
    pub(super) fn is_cancelled(&self, place: usize) -> bool {
        let rest = self.entries.iter().skip(place + 1).map(|(_, entry)| entry);
        let mut ends = rest.filter(|entry| matches!(entry, Entry::Cancelled(_) | Entry::Turn(_)));
        matches!(ends.next(), Some(Entry::Cancelled(_)))
    }
}

/// A turn on a tape.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RecordedTurn<'a> {
    /// Where it begins.
    pub line: usize,
    /// The API, `chat` or `responses`.
    pub api: &'a str,
    /// The settings of whoever recorded it.
    pub settings: &'a RawJson,
    /// The request, before tools were added to it.
    pub request: &'a RawJson,
    /// Whether it was cancelled. Then it cannot be played, because when that happened is not on the tape.
    pub is_cancelled: bool,
}

/// Why a tape cannot be read.
#[derive(Debug)]
pub struct TapeError {
    place: String,
    line: Option<usize>,
    fault: TapeFault,
}

#[derive(Debug)]
enum TapeFault {
    Headless,
    Malformed(serde_json::Error),
    TooLong,
    Unreadable(std::io::Error),
    Version(u32),
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}", self.place)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        match &self.fault {
            TapeFault::Headless => f.write_str(": it does not begin as a recorded conversation does"),
            TapeFault::Malformed(error) => write!(f, ": {error}"),
            TapeFault::TooLong => write!(f, ": it has more than {MAX_BYTES} bytes"),
            TapeFault::Unreadable(error) => write!(f, ": {error}"),
            TapeFault::Version(version) => write!(f, ": it is of version {version}, and only {VERSION} is known"),
        }
    }
}

impl StdError for TapeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.fault {
            TapeFault::Malformed(error) => Some(error),
            TapeFault::Unreadable(error) => Some(error),
            TapeFault::Headless | TapeFault::TooLong | TapeFault::Version(_) => None,
        }
    }
}

pub(super) const VERSION: u32 = 1;
/// Bytes of a tape that are read.
const MAX_BYTES: usize = 256 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tape_says_where() {
        let check = |text: &str, expected: &str| {
            assert!(Tape::parse(text).unwrap_err().to_string().starts_with(expected), "{text}");
        };
        check("", "cannot read the tape: it does not begin");
        check("\n{\"call\":{}}", "cannot read the tape, line 2: missing field");
        check("{\"tools\":{\"server\":\"a\",\"tools\":[]}}", "cannot read the tape, line 1: it does not begin");
        check("{\"tape\":{\"version\":2}}", "cannot read the tape, line 1: it is of version 2, and only 1 is known");
        check("{\"tape\":{\"version\":1}}\n\n{\"cal\":1}", "cannot read the tape, line 3: unknown variant");
        let error = Tape::read("/nowhere/tape").unwrap_err();
        assert!(error.to_string().starts_with("cannot read `/nowhere/tape`: ") && error.source().is_some());
    }

    #[test]
    fn an_error_of_a_model_is_the_same_after_it_was_recorded() {
        let check = |error: ModelError| {
            let fault = Fault::from(&error);
            let text = serde_json::to_string(&fault).unwrap();
            let back = ModelError::from(serde_json::from_str::<Fault>(&text).unwrap());
            assert_eq!(Fault::from(&back), fault);
            assert_eq!(back.to_string(), error.to_string());
        };
        check(ModelError::new("no"));
        check(ModelError::new("no").status(429).code("slow_down").retry_after(Duration::from_millis(1500)));
        check(ModelError::new("no").transient());
        let caused = Fault::from(&ModelError::new("no").because("why"));
        assert_eq!(ModelError::from(caused).to_string(), "no: why");
    }

    #[test]
    fn a_failure_of_a_call_is_the_same_after_it_was_recorded() {
        for failure in [
            Failure::Cancelled,
            Failure::Denied { reason: "no".to_owned() },
            Failure::Panicked,
            Failure::Protocol { code: -32602, message: "bad".to_owned() },
            Failure::TimedOut { after: Duration::from_secs(3) },
            Failure::Transport { message: "gone".to_owned() },
        ] {
            let text = serde_json::to_string(&Failed::from(&failure)).unwrap();
            assert_eq!(Failure::from(serde_json::from_str::<Failed>(&text).unwrap()), failure);
        }
    }
}
