//! What stands in the place of the seal in a server without the feature `sealing`.
//!
//! The surprising thing: such a server asks clients of 2026-07-28 all the same, as long as one round is enough. What a
//! later round must know of an earlier one would have to travel with the client, and nobody could tell who wrote it.

use std::fmt;
use std::time::Duration;

use mcp_types::Params;

use super::refused::Refused;

/// What a server was told about its states: there is nothing to say.
#[derive(Debug, Default)]
pub(crate) struct Sealing;

/// Seals nothing and opens nothing.
#[derive(Clone, Debug)]
pub(crate) struct Sealer;

/// What a state would belong to.
#[derive(Debug)]
pub(crate) struct Binding;

/// Something was recorded, and there is no seal for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSeal;

impl Sealing {
    pub(crate) fn sealer(self) -> Result<Sealer, String> {
        Ok(Sealer)
    }
}

impl Binding {
    pub(crate) fn new(_: &str, _: &Params, _: Option<&str>) -> Self {
        Self
    }
}

impl Sealer {
    /// Seals nothing.
    ///
    /// # Errors
    ///
    /// Says what it would take.
    pub(crate) fn seal(&self, _: &[u8], _: &Binding, _: Duration) -> Result<String, NoSeal> {
        Err(NoSeal)
    }

    /// Opens nothing.
    ///
    /// # Errors
    ///
    /// Refuses every state: this server gave none.
    pub(crate) fn open(&self, _: &str, _: &Binding, _: Duration) -> Result<Vec<u8>, Refused> {
        Err(Refused::UnknownKey)
    }
}

impl fmt::Display for NoSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "this server cannot ask in a second round, or remember something for it; build it with the feature `sealing` \
             of mcp-server, or ask everything at once with `Cx::ask`",
        )
    }
}

impl std::error::Error for NoSeal {}
