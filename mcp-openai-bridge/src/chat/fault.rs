//! Why a stream does not make a reply.

use std::error::Error;
use std::fmt;

/// Why a stream does not make a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFault {
    /// A call has arguments that are an object and arguments that are a text.
    MixedArguments {
        /// The name of the function.
        name: String,
    },
    /// The last event of a stream carries no response.
    NoResponse,
    /// The provider gave up and said why.
    Provider {
        /// What it said.
        message: String,
    },
    /// The stream has more of something than is held.
    TooLong {
        /// What there is too much of.
        what: &'static str,
        /// How much of it is held.
        limit: usize,
    },
    /// The stream ended before the reply did.
    Unfinished,
    /// Arguments came for a call, or an event for an item, that has not begun.
    Unknown {
        /// What came.
        what: &'static str,
    },
}

impl fmt::Display for StreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MixedArguments { name } => {
                write!(f, "the stream gives the call of \"{name}\" arguments that are a text and an object at once")
            }
            Self::NoResponse => f.write_str("the end of the stream carries no response"),
            Self::Provider { message } => write!(f, "the provider ended its stream with an error: {message}"),
            Self::TooLong { what, limit } => write!(f, "the stream has more than {limit} {what}, which is the limit"),
            Self::Unfinished => f.write_str("the stream ended before the reply did; ask again"),
            Self::Unknown { what } => write!(f, "the stream has {what} that has not begun"),
        }
    }
}

impl Error for StreamFault {}

/// Reads the error that a provider put into a stream, in the forms that are in use.
pub(crate) fn provider(error: &mcp_types::RawJson) -> StreamFault {
    let text = |value: &mcp_types::RawJson| value.decode::<String>().ok();
    let named = || text(error.decode::<mcp_types::JsonObject>().ok()?.member("message")?);
    let message = text(error).or_else(named).unwrap_or_else(|| error.as_str().to_owned());
    StreamFault::Provider { message: message.chars().take(MESSAGE_CHARS).collect() }
}

const MESSAGE_CHARS: usize = 2000;
