//! What can go wrong in a client, grouped by who is at fault.
//!
//! The surprising thing: a tool that failed is no error here. It is a result with `isError`, which belongs to the model
//! (T-87); [`ToolResult::into_ok`](crate::ToolResult::into_ok) makes a [`ToolFailed`] of it for programs that want one.

use std::error::Error as StdError;
use std::fmt;

use mcp_transport::{ChildExit, Deadline, Fault, HttpFailure, Malformed};
use mcp_types::{InputRequiredResult, ProtocolVersion, Revision, RpcError};

use crate::tool::ToolFailed;

/// Why a client could not do what it was asked for.
///
/// Its `Debug` is its message with those of its causes, because that is what `main` prints when it returns it.
#[non_exhaustive]
pub enum Error {
    /// The bytes: what arrived cannot be read as the protocol.
    Malformed(Malformed),
    /// The peer answered with an error.
    Rpc(RpcError),
    /// The peer broke a rule of the protocol.
    Misbehaved(PeerMisbehaved),
    /// The peer speaks no revision that this client may speak.
    Unsupported(Box<Unsupported>),
    /// The peer answered with an HTTP status that is not an answer of the protocol.
    Http(Box<HttpFailure>),
    /// The peer ended the session. A new one was begun if it could be; the request was not repeated, because it may
    /// have been carried out.
    SessionEnded,
    /// The peer needs something from this client before it goes on, and nothing here can give it (P-12).
    InputRequired(InputRequired),
    /// A hook of this program refused what the peer needs before it goes on (P-18).
    Refused(Refused),
    /// The task that the peer made of a call was cancelled (XT-8).
    TaskCancelled {
        /// Why, when the peer says so.
        why: Option<String>,
    },
    /// The tool failed; only made by [`ToolResult::into_ok`](crate::ToolResult::into_ok).
    ToolFailed(ToolFailed),
    /// The peer is a child process that ended.
    Exited(Box<ChildExit>),
    /// The connection was closed, there or here, before the answer came.
    Closed,
    /// A deadline passed.
    TimedOut(Timeout),
    /// The configuration: an address, a header or a command that cannot work.
    Config(Fault),
    /// The caller asked for what cannot be asked of this server.
    Misuse(Misuse),
    /// The environment: the network, the operating system, TLS.
    Environment(Fault),
}

/// A rule of the protocol that a server broke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// A result is of a kind that this request cannot have (T-41).
    ResultType {
        /// The method that was asked for.
        method: String,
        /// The kind of the result.
        found: String,
    },
    /// The peer asks back in a way that it may not (P-11, P-19).
    Questions {
        /// The method that was asked for.
        method: String,
        /// What is wrong.
        why: String,
    },
    /// A page of a list leads to a page that was there before (P-81).
    RepeatedCursor {
        /// The method that lists.
        method: &'static str,
        /// The cursor that came twice.
        cursor: String,
    },
    /// A list has more pages than [`Limits::pages`](mcp_transport::Limits::pages).
    TooManyPages {
        /// The method that lists.
        method: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A list has more items than [`Limits::items`](mcp_transport::Limits::items).
    TooManyItems {
        /// The method that lists.
        method: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// What a server wants from the client before it goes on (P-12).
#[derive(Clone, PartialEq)]
pub struct InputRequired {
    /// The questions, and the state to send back with their answers.
    pub result: Box<InputRequiredResult>,
}

/// What a hook of this program refused to answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// The method of the question, such as `sampling/createMessage`.
    pub method: &'static str,
    /// What the hook refused it with.
    pub error: RpcError,
}

/// There is no revision that both sides may speak (V-12, V-33).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unsupported {
    /// The revisions that this client may speak with this server.
    pub wanted: Vec<Revision>,
    /// The versions that the server names; empty when it names none.
    pub offered: Vec<ProtocolVersion>,
    /// What the server answered, when it was an error.
    pub answer: Option<RpcError>,
}

/// A deadline that passed, and what did not happen before it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeout {
    /// What was waited for, such as ``the answer to `tools/call` ``.
    pub waiting_for: String,
    /// The deadline.
    pub deadline: Deadline,
}

/// Something that cannot be asked of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// The method needs a capability that the server does not offer (V-16).
    NotOffered {
        /// The method.
        method: String,
        /// The capability, as it is named in the server's capabilities.
        capability: &'static str,
    },
    /// The method does not exist in the revision that is spoken.
    NotInRevision {
        /// The method.
        method: String,
        /// The revision.
        revision: Revision,
    },
    /// What a hook answers cannot be sent (T-135).
    Answer {
        /// The method of the question.
        method: &'static str,
        /// What is wrong with the answer.
        why: String,
    },
    /// The parameters or arguments cannot be sent.
    Params {
        /// The method.
        method: String,
        /// What is wrong with them.
        why: String,
    },
}

impl Error {
    /// Puts a failure of the transport in its group; `waiting_for` says what did not happen in time.
    pub(crate) fn of_transport(error: mcp_transport::Error, waiting_for: impl FnOnce() -> String) -> Self {
        use mcp_transport::Error as Wire;
        match error {
            Wire::Malformed(malformed) => Self::Malformed(malformed),
            Wire::Http(failure) => Self::Http(Box::new(failure)),
            Wire::SessionEnded => Self::SessionEnded,
            Wire::Exited(exit) => Self::Exited(Box::new(exit)),
            Wire::Closed => Self::Closed,
            Wire::TimedOut(deadline) => Self::TimedOut(Timeout { waiting_for: waiting_for(), deadline }),
            Wire::Config(fault) => Self::Config(fault),
            Wire::Environment(fault) => Self::Environment(fault),
            // A kind of failure that a later transport adds is the environment's until it has a group here.
            later => Self::Environment(Fault { what: later.to_string(), cause: Some(Box::new(later)) }),
        }
    }

    pub(crate) fn malformed(what: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed(Malformed { what, why: why.into() })
    }

    pub(crate) fn config(what: impl Into<String>) -> Self {
        Self::Config(Fault { what: what.into(), cause: None })
    }

    pub(crate) fn params(method: &str, why: impl fmt::Display) -> Self {
        Self::Misuse(Misuse::Params { method: method.to_owned(), why: why.to_string() })
    }

    /// Returns the error that the server answered with, when it did.
    pub fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc(error) => Some(error),
            _ => None,
        }
    }

    /// Returns whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }

    /// Returns whether the server wants other credentials (401 or 403).
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Http(failure) if matches!(failure.status, 401 | 403))
    }

    /// Returns whether the connection is gone, so that every further request will fail too.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed | Self::Exited(_))
    }
}

impl Unsupported {
    pub(crate) fn error(wanted: &[Revision], offered: Vec<ProtocolVersion>, answer: Option<RpcError>) -> Error {
        Error::Unsupported(Box::new(Self { wanted: wanted.to_vec(), offered, answer }))
    }
}

/// Puts what was refused while a client was configured, such as a file with certificates, in its group.
impl From<mcp_transport::Error> for Error {
    fn from(error: mcp_transport::Error) -> Self {
        Self::of_transport(error, || "the transport".to_owned())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(Malformed { what, why }) => write!(f, "cannot read {what} from the server: {why}"),
            Self::Rpc(error) => write_answer(f, error),
            Self::Misbehaved(fault) => fault.fmt(f),
            Self::Unsupported(unsupported) => unsupported.fmt(f),
            Self::Http(failure) => failure.fmt(f),
            Self::SessionEnded => f.write_str(
                "the server ended the session; the request was not repeated, as it may have been carried out",
            ),
            Self::InputRequired(required) => required.fmt(f),
            Self::Refused(refused) => refused.fmt(f),
            Self::TaskCancelled { why: None } => f.write_str("the task of the call was cancelled"),
            Self::TaskCancelled { why: Some(why) } => {
                write!(f, "the task of the call was cancelled: {}", excerpt(why))
            }
            Self::ToolFailed(failed) => failed.fmt(f),
            Self::Exited(exit) => exit.fmt(f),
            Self::Closed => f.write_str("the connection closed before the answer came"),
            Self::TimedOut(timeout) => write!(f, "{} while waiting for {}", timeout.deadline, timeout.waiting_for),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Config(fault) | Self::Environment(fault) => f.write_str(&fault.what),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, "; because {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Writes an error that the server answered with, as far as a log line can bear.
fn write_answer(f: &mut fmt::Formatter<'_>, error: &RpcError) -> fmt::Result {
    write!(f, "the server answered: {} (code {})", excerpt(&error.message), error.code)
}

/// Returns the start of a text of the peer.
fn excerpt(text: &str) -> String {
    let mut start: String = text.chars().take(EXCERPT_CHARS).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

/// How much of a text of the peer goes into a message.
const EXCERPT_CHARS: usize = 300;

/// Names what is wanted but not its content, which is the user's business, nor the state, which is opaque (P-14).
impl fmt::Display for InputRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server needs input before it goes on")?;
        for (position, (name, request)) in self.result.input_requests.iter().flat_map(|all| all.iter()).enumerate() {
            write!(f, "{} {:?} ({})", if position == 0 { ":" } else { "," }, excerpt(name), request.method())?;
        }
        f.write_str("; this client has no handler for it")
    }
}

impl fmt::Debug for InputRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = self.result.input_requests.iter().flat_map(|all| all.iter());
        f.debug_struct("InputRequired")
            .field("requests", &requests.map(|(name, request)| (name, request.method())).collect::<Vec<_>>())
            .field("has_state", &self.result.request_state.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a hook of this client refused the server's `{}`: {}", self.method, excerpt(&self.error.message))
    }
}

impl fmt::Display for PeerMisbehaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResultType { method, found } => {
                let found = excerpt(found);
                write!(f, "the server answered `{method}` with a result of type {found:?}, which it cannot have")
            }
            Self::Questions { method, why } => {
                write!(f, "the server asks back wrongly for `{method}`: {}", excerpt(why))
            }
            Self::RepeatedCursor { method, cursor } => {
                let cursor = excerpt(cursor);
                write!(f, "the pages of `{method}` go in a circle: the cursor {cursor:?} came twice")
            }
            Self::TooManyPages { method, limit } => {
                write!(f, "`{method}` has more than {limit} pages; raise the limit `pages` or read page by page")
            }
            Self::TooManyItems { method, limit } => {
                write!(f, "`{method}` has more than {limit} items; raise the limit `items` or read page by page")
            }
        }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no common revision: this client may speak ")?;
        write_list(f, self.wanted.iter())?;
        if self.offered.is_empty() {
            f.write_str(", and the server names none")?;
        } else {
            f.write_str(", and the server speaks ")?;
            write_list(f, self.offered.iter())?;
        }
        if let Some(answer) = &self.answer {
            write!(f, "; it answered: {} (code {})", excerpt(&answer.message), answer.code)?;
        }
        f.write_str("; check the era mode and the revisions of the client")
    }
}

fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: impl ExactSizeIterator<Item = T>) -> fmt::Result {
    let more = items.len().saturating_sub(LISTED);
    if items.len() == 0 {
        return f.write_str("none");
    }
    for (position, item) in items.take(LISTED).enumerate() {
        write!(f, "{}{}", if position == 0 { "" } else { ", " }, excerpt(&item.to_string()))?;
    }
    if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
}

/// How many items of a list go into a message.
const LISTED: usize = 10;

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered { method, capability } => {
                write!(f, "the server does not offer `{capability}`, which `{method}` needs")
            }
            Self::NotInRevision { method, revision } => {
                write!(f, "`{method}` does not exist in revision {revision}, which this server speaks")
            }
            Self::Answer { method, why } => {
                write!(f, "the answer of a hook to `{method}` cannot be sent: {why}")
            }
            Self::Params { method, why } => write!(f, "the parameters of `{method}` cannot be sent: {why}"),
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

impl From<ToolFailed> for Error {
    fn from(failed: ToolFailed) -> Self {
        Self::ToolFailed(failed)
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<PeerMisbehaved> for Error {
    fn from(fault: PeerMisbehaved) -> Self {
        Self::Misbehaved(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_main_prints_is_the_message_with_its_causes() {
        let cause = std::io::Error::other("no route");
        let fault = Fault { what: "cannot connect to `a:1`".to_owned(), cause: Some(Box::new(cause)) };
        assert_eq!(format!("{:?}", Error::Environment(fault)), "cannot connect to `a:1`; because no route");
        assert_eq!(format!("{:?}", Error::Closed), Error::Closed.to_string());
    }
}
