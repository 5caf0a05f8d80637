//! What can go wrong between a client and its server, by who is at fault.

use std::error::Error as StdError;
use std::fmt;

use mcp_client::Error as ClientError;
use mcp_types::CallToolResult;

use crate::arguments::Rejection;
use crate::schema::Quarantine;

/// Why a client could not do what it was asked for. A tool that failed is no error: its result says so.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The model's arguments were not accepted, and nothing was run.
    Arguments(Rejection),
    /// The tool cannot be made a function that providers accept.
    Quarantined(Quarantine),
    /// The server, the way to it, or the settings of the client.
    Server(ClientError),
    /// The model called what does not exist, and nothing was run. The text says what there is.
    Unknown(String),
}

impl Error {
    /// Returns whether the server did not answer in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Server(error) if error.is_timeout())
    }

    /// Writes the error as the result of a tool that failed, for whoever shows failures to the model.
    ///
    /// What a server that cannot be reached is called here goes to the model with it.
    pub fn to_result(&self) -> CallToolResult {
        CallToolResult::error(crate::servers::with_causes(self))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(rejection) => rejection.fmt(f),
            Self::Quarantined(reason) => write!(f, "the tool cannot be offered to a model: {reason}"),
            Self::Server(_) => f.write_str("the MCP server did not do what it was asked for"),
            Self::Unknown(text) => f.write_str(text),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Server(error) => Some(error),
            Self::Arguments(_) | Self::Quarantined(_) | Self::Unknown(_) => None,
        }
    }
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        Self::Server(error)
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Arguments(rejection)
    }
}

impl From<Quarantine> for Error {
    fn from(reason: Quarantine) -> Self {
        Self::Quarantined(reason)
    }
}
