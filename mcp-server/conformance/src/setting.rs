//! Where a scenario runs: over which transport, in which revision.

use std::fmt;

use mcp_types::{Era, Features, Revision, method};

/// A transport of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    /// A pipe in this process.
    Memory,
    /// The standard streams of a child process.
    Stdio,
    /// Streamable HTTP on the loopback interface.
    Http,
}

/// A column of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Setting {
    pub(crate) transport: Transport,
    pub(crate) revision: Revision,
}

impl Transport {
    /// Every transport, in the order of the table.
    pub(crate) const ALL: [Self; 3] = [Self::Memory, Self::Stdio, Self::Http];

    /// Returns the name as the table and the arguments have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Stdio => "stdio",
            Self::Http => "http",
        }
    }

    /// Finds a transport by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.as_str() == name)
    }
}

impl Setting {
    /// Returns whether `method` is a message of its own here.
    pub(crate) fn has_method(&self, method: &str) -> bool {
        method::entry(method).is_some_and(|entry| entry.exists_in(self.revision))
    }

    /// Returns whether the revision has all of `features`.
    pub(crate) fn has(&self, features: Features) -> bool {
        self.revision.features().has(features)
    }

    /// Returns whether a conversation begins with a handshake here.
    pub(crate) fn is_legacy(&self) -> bool {
        self.revision.era() == Era::Legacy
    }

    /// Returns whether messages travel over HTTP here, and otherwise one to a line.
    pub(crate) fn is_http(&self) -> bool {
        self.transport == Transport::Http
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport.as_str(), self.revision)
    }
}

/// Returns the columns of the matrix: for every transport the revisions.
pub(crate) fn all(revisions: &[Revision]) -> Vec<Setting> {
    let of = |transport| revisions.iter().map(move |&revision| Setting { transport, revision });
    Transport::ALL.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_is_found_by_the_name_that_it_shows() {
        for transport in Transport::ALL {
            assert_eq!(Transport::named(transport.as_str()), Some(transport));
        }
        assert_eq!(Transport::named("telepathy"), None);
    }

    #[test]
    fn the_registry_says_what_exists() {
        let [legacy, modern] = [Revision::LATEST_LEGACY, Revision::LATEST]
            .map(|revision| Setting { transport: Transport::Memory, revision });
        assert!(legacy.is_legacy() && legacy.has_method("ping") && !legacy.has(Features::RESULT_TYPE));
        assert!(!modern.is_legacy() && !modern.has_method("ping") && modern.has(Features::RESULT_TYPE));
    }
}
