//! What came of asking a server for its tools, and why it could not be asked.
//!
//! The surprising thing: a server that failed is no error of a listing. Its outcome stands beside those of the others.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use mcp_client::{Error as ClientError, RefusedTool};
use mcp_types::Tool;
use serde::{Serialize, Serializer};

use crate::tools::ToolSet;

/// The tools of all servers, as far as they could be had in time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listing {
    /// The tools as functions of a model. The same set is given out for as long as no server lists anything else.
    pub tools: Arc<ToolSet>,
    /// What came of each server, in the order in which they were added.
    pub outcomes: Vec<ServerOutcome>,
}

impl Listing {
    /// Returns the outcomes of the servers whose tools are missing, or may be old.
    pub fn failures(&self) -> impl Iterator<Item = &ServerOutcome> {
        self.outcomes.iter().filter(|outcome| outcome.status != Status::Ok)
    }
}

/// What came of asking one server for its tools.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOutcome {
    /// The label of the server.
    pub label: String,
    /// Whether its tools are there.
    pub status: Status,
    /// How many tools it has that may be used.
    pub tool_count: usize,
    /// What went wrong, without credentials. It may name hosts and commands, and is for whoever runs this program.
    pub error: Option<String>,
    /// Its tools that may be used, as it lists them.
    pub tools: Arc<[Tool]>,
    /// Its tools that could not be read or cannot be called, and why; the others are not harmed by them.
    pub left_out: Arc<[RefusedTool]>,
    pub(super) cause: Option<Arc<ClientError>>,
}

impl ServerOutcome {
    /// Returns what the client failed with, when it did; for whoever wants to know more than the text.
    pub fn client_error(&self) -> Option<&ClientError> {
        self.cause.as_deref()
    }
}

impl fmt::Display for ServerOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {} tools", self.label, self.status, self.tool_count)?;
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// Whether the tools of a server are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// They are, as the server has them now.
    Ok,
    /// They are not: the server answered, and does not give them.
    Refused,
    /// They are as the server had them some time ago.
    Stale,
    /// They are not: the server has not answered in time.
    Timeout,
    /// They are not: there is no connection to the server.
    Unreachable,
}

impl Status {
    /// Returns the word for it that stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
        }
    }

    /// Puts an error in its group.
    fn of(error: &ClientError) -> Self {
        match error {
            ClientError::TimedOut(_) => Self::Timeout,
            ClientError::Http(failure) if matches!(failure.status, 502..=504) => Self::Unreachable,
            ClientError::Http(_)
            | ClientError::InputRequired(_)
            | ClientError::Malformed(_)
            | ClientError::Misbehaved(_)
            | ClientError::Misuse(_)
            | ClientError::Refused(_)
            | ClientError::Rpc(_)
            | ClientError::Unsupported(_) => Self::Refused,
            _ => Self::Unreachable,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why a server cannot be asked. Cloning is cheap: whoever waited for the same attempt is told the same.
#[derive(Clone, Debug)]
pub struct Unavailable {
    label: String,
    why: Why,
}

#[derive(Clone, Debug)]
enum Why {
    Closed,
    Failed(Arc<ClientError>),
    Lost,
    Panicked,
    Unknown,
}

impl Unavailable {
    pub(super) fn closed(label: &str) -> Self {
        Self { label: label.to_owned(), why: Why::Closed }
    }

    pub(super) fn failed(label: &str, error: Arc<ClientError>) -> Self {
        Self { label: label.to_owned(), why: Why::Failed(error) }
    }

    pub(super) fn lost(label: &str) -> Self {
        Self { label: label.to_owned(), why: Why::Lost }
    }

    pub(super) fn panicked(label: &str) -> Self {
        Self { label: label.to_owned(), why: Why::Panicked }
    }

    pub(super) fn unknown(label: &str) -> Self {
        Self { label: label.to_owned(), why: Why::Unknown }
    }

    /// Returns the label that was asked for.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Returns the group of the failure: refused, not in time, or not reachable.
    pub fn status(&self) -> Status {
        match &self.why {
            Why::Failed(error) => Status::of(error),
            Why::Closed | Why::Lost | Why::Panicked | Why::Unknown => Status::Unreachable,
        }
    }

    /// Returns what the client failed with, when it did.
    pub fn client_error(&self) -> Option<&ClientError> {
        match &self.why {
            Why::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = &self.label;
        match &self.why {
            Why::Closed => write!(f, "the servers are closed, and `{label}` with them"),
            Why::Failed(_) => write!(f, "the server `{label}` is not available"),
            Why::Lost => write!(
                f,
                "the connection to the server `{label}` has ended, and nothing says how to open it again; add it with a way to connect"
            ),
            Why::Panicked => write!(f, "the code of this program that connects to the server `{label}` panicked"),
            Why::Unknown => write!(f, "there is no server `{label}`"),
        }
    }
}

impl StdError for Unavailable {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.why {
            Why::Failed(error) => Some(&**error),
            _ => None,
        }
    }
}

/// What went wrong while the tools of a server were read.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) status: Status,
    pub(super) text: String,
    pub(super) cause: Option<Arc<ClientError>>,
}

impl Fault {
    pub(super) fn timeout(text: String) -> Self {
        Self { status: Status::Timeout, text, cause: None }
    }
}

impl From<Arc<ClientError>> for Fault {
    fn from(error: Arc<ClientError>) -> Self {
        Self { status: Status::of(&error), text: with_causes(&*error), cause: Some(error) }
    }
}

impl From<&Unavailable> for Fault {
    fn from(unavailable: &Unavailable) -> Self {
        match &unavailable.why {
            // The label stands beside the text already.
            Why::Failed(error) => Arc::clone(error).into(),
            _ => Self { status: unavailable.status(), text: unavailable.to_string(), cause: None },
        }
    }
}

/// Writes an error and its causes, each once.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = error.source();
    }
    text
}
