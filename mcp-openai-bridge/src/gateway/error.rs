//! Why a gateway cannot be built or served.

use std::error::Error as StdError;
use std::fmt;

use super::config::ConfigError;

/// Why a gateway cannot be built or served.
#[derive(Debug)]
#[non_exhaustive]
pub enum GatewayError {
    /// A tool of the file cannot work as it is written.
    Definition(ConfigError),
    /// A handler of the file cannot be started.
    Handler(ConfigError),
    /// The way in broke as a whole.
    Serve(mcp_server::transport::Error),
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definition(error) | Self::Handler(error) => error.fmt(f),
            Self::Serve(_) => f.write_str("serving ended"),
        }
    }
}

impl StdError for GatewayError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Definition(error) | Self::Handler(error) => error.source(),
            Self::Serve(error) => Some(error),
        }
    }
}
