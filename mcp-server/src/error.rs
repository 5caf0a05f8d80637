//! What can go wrong with a server, grouped by who is at fault: who built it, or the transport.
//!
//! The surprising thing: `Debug` writes the same as `Display`, because a `main` that returns the error prints `Debug`.

use std::error::Error as StdError;
use std::fmt;

use crate::schema::SchemaFault;

/// Why a server could not be built or served.
#[non_exhaustive]
pub enum Error {
    /// The tools, resources, prompts or settings cannot work; every fault is listed.
    Build(Vec<Fault>),
    /// The way in could not be opened, or it broke.
    Transport(mcp_transport::Error),
}

/// Something that cannot work: what, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    owner: String,
    why: String,
}

impl Fault {
    pub(crate) fn new(owner: impl Into<String>, why: String) -> Self {
        Self { owner: owner.into(), why }
    }

    pub(crate) fn schema(owner: String, which: &str, fault: SchemaFault) -> Self {
        let SchemaFault(why) = fault;
        Self { owner, why: format!("its {which} is refused: {why}") }
    }

    /// Returns what cannot work, such as ``tool `add` ``.
    pub fn owner(&self) -> &str {
        &self.owner
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.owner, self.why)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(faults) => {
                f.write_str("the server cannot be built")?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
            Self::Transport(_) => f.write_str("the server stopped"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Build(_) => None,
            Self::Transport(error) => Some(error),
        }
    }
}

impl From<mcp_transport::Error> for Error {
    fn from(error: mcp_transport::Error) -> Self {
        Self::Transport(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_main_returns_is_printed_as_its_message_and_its_causes() {
        let io = std::io::Error::other("the address is in use");
        let error = Error::from(mcp_transport::Error::environment("cannot listen", io));
        assert_eq!(format!("{error:?}"), "the server stopped: cannot listen: the address is in use");
        let faults = ["a", "b"].map(|name| Fault::new(format!("tool `{name}`"), "its name stands twice".to_owned()));
        let error = Error::Build(faults.into());
        let told = "the server cannot be built\n  tool `a`: its name stands twice\n  tool `b`: its name stands twice";
        assert_eq!(format!("{error:?}"), told);
    }
}
