//! What can go wrong on the wire, grouped by who is at fault.
//!
//! A peer that answers with an error is not here: that is an answer ([`RpcError`](mcp_types::RpcError)). No local
//! condition ever has a wire code (T-51), so the two cannot be confused.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;

type Source = Box<dyn StdError + Send + Sync>;

/// Why a transport could not do what it was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The bytes: what arrived cannot be read as the protocol.
    Malformed(Malformed),
    /// The peer answered with an HTTP status that is not an answer of the protocol.
    Http(HttpFailure),
    /// The peer ended the session that a request belonged to; a new one must be initialized (HL-10).
    SessionEnded,
    /// The peer is a child process that ended.
    Exited(ChildExit),
    /// The peer closed the connection, or it was closed here, before the answer came.
    Closed,
    /// A deadline passed.
    TimedOut(Deadline),
    /// The configuration: an address, a header or a command that cannot work.
    Config(Fault),
    /// The environment: the network, the operating system, TLS.
    Environment(Fault),
}

/// Bytes that cannot be read, and what was expected.
#[derive(Debug)]
pub struct Malformed {
    /// What was being read, such as `an SSE event`.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// An HTTP response that is not an answer of the protocol.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpFailure {
    /// The status code.
    pub status: u16,
    /// The URL that was asked.
    pub url: String,
    /// The `WWW-Authenticate` values.
    pub challenges: Vec<String>,
    /// `Retry-After`, when it was given in seconds.
    pub retry_after: Option<Duration>,
    /// The first bytes of the body.
    pub body: Bytes,
}

/// The end of a child process.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChildExit {
    /// The command line, for humans.
    pub command: String,
    /// How it ended, such as `exit status: 1`; absent while it closed its output but still runs.
    pub status: Option<String>,
    /// The last lines it wrote to its standard error.
    pub stderr: Vec<String>,
}

/// The deadline that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadline {
    /// Connecting, with the TLS handshake.
    Connect(Duration),
    /// Waiting for the first or the next sign of life of one request.
    Idle(Duration),
    /// The whole of one request, however lively it is.
    Total(Duration),
}

/// Something that cannot work, where, and what to do.
#[derive(Debug)]
pub struct Fault {
    /// What failed and where, such as ``cannot connect to `127.0.0.1:4000` ``.
    pub what: String,
    /// The cause; also the `source()` of the error.
    pub cause: Option<Source>,
}

impl Error {
    /// Makes the error for bytes that cannot be read.
    pub fn malformed(what: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed(Malformed { what, why: why.into() })
    }

    /// Makes the error for a configuration that cannot work.
    pub fn config(what: impl Into<String>) -> Self {
        Self::Config(Fault { what: what.into(), cause: None })
    }

    /// Makes the error for something the network or the operating system refused.
    pub fn environment(what: impl Into<String>, cause: impl Into<Source>) -> Self {
        Self::Environment(Fault { what: what.into(), cause: Some(cause.into()) })
    }

    /// Returns whether the peer wants other credentials (401 or 403).
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Http(failure) if matches!(failure.status, 401 | 403))
    }

    /// Returns whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }
}

impl HttpFailure {
    /// Describes a response with a status and nothing else known.
    pub fn new(status: u16, url: impl Into<String>) -> Self {
        Self { status, url: url.into(), challenges: Vec::new(), retry_after: None, body: Bytes::new() }
    }
}

impl ChildExit {
    /// Describes the end of `command`.
    pub fn new(command: impl Into<String>, status: Option<String>, stderr: Vec<String>) -> Self {
        Self { command: command.into(), status, stderr }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(Malformed { what, why }) => write!(f, "cannot read {what} from the peer: {why}"),
            Self::Http(failure) => failure.fmt(f),
            Self::SessionEnded => f.write_str("the server ended the session; connect again to start a new one"),
            Self::Exited(exit) => exit.fmt(f),
            Self::Closed => f.write_str("the connection closed before the answer came"),
            Self::TimedOut(deadline) => deadline.fmt(f),
            Self::Config(fault) | Self::Environment(fault) => f.write_str(&fault.what),
        }
    }
}

impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered with HTTP status {}", self.url, self.status)?;
        match self.status {
            401 => f.write_str("; it wants credentials")?,
            403 => f.write_str("; it refuses these credentials or this origin")?,
            404 => f.write_str("; is the path of the MCP endpoint right?")?,
            _ => {}
        }
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim();
        if !text.is_empty() {
            let head: String = text.chars().take(200).collect();
            write!(f, ": {head:?}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ChildExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.status {
            Some(status) => write!(f, "`{}` ended ({status})", self.command)?,
            None => write!(f, "`{}` closed its output", self.command)?,
        }
        f.write_str(" before it answered")?;
        if !self.stderr.is_empty() {
            write!(f, "; its last words on stderr:\n  {}", self.stderr.join("\n  "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(limit) => write!(f, "no connection within {limit:?}"),
            Self::Idle(limit) => write!(f, "no answer and no progress within {limit:?}"),
            Self::Total(limit) => write!(f, "no answer within {limit:?} in all"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Config(fault) | Self::Environment(fault) => {
                fault.cause.as_ref().map(|cause| &**cause as &(dyn StdError + 'static))
            }
            _ => None,
        }
    }
}
