//! What the client knows of revisions (house 2.3): the probe that finds the era, and one module for each era.
//!
//! `modern` and `legacy` do not import each other; when legacy ends, deleting it is deleting files. Everything here is
//! pure: requests to send come out, what came back goes in.

pub(crate) mod legacy;
pub(crate) mod meta;
pub(crate) mod modern;
pub(crate) mod probe;

use mcp_types::{ClientCapabilities, Implementation, LoggingLevel, ProtocolVersion, Revision, ServerCapabilities};

/// How a client finds out which era a server belongs to (V-66).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EraMode {
    /// Ask by `server/discover`, and fall back to `initialize` when the answer says that the server is older.
    #[default]
    Auto,
    /// Speak only the modern era; fail when the server does not.
    Modern,
    /// Speak only the legacy era: send `initialize` and nothing before it.
    Legacy,
}

/// What a client says of itself, in every request or in the handshake.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) info: Implementation,
    pub(crate) capabilities: ClientCapabilities,
    /// The least severe log message wanted; `None` wants none.
    pub(crate) log_level: Option<LoggingLevel>,
}

/// What was agreed on with a server, and what the server said of itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Agreement {
    pub(crate) revision: Revision,
    pub(crate) server_info: Option<Implementation>,
    /// `None` when the probe was skipped: then nothing is known and everything is tried.
    pub(crate) capabilities: Option<ServerCapabilities>,
    pub(crate) instructions: Option<String>,
}

/// Why an answer to the probe or the handshake is no agreement.
#[derive(Debug, PartialEq)]
pub(crate) enum Disagreement {
    /// The answer is not of the shape that the method has.
    Unreadable(String),
    /// None of the versions that the server names is wanted.
    NoCommon(Vec<ProtocolVersion>),
}

impl Agreement {
    /// What is agreed on when the caller knows the revision and nothing is asked.
    pub(crate) fn assumed(revision: Revision) -> Self {
        Self { revision, server_info: None, capabilities: None, instructions: None }
    }
}

/// Returns the best revision that is both wanted and named by the server.
pub(crate) fn choose(offered: &[ProtocolVersion], wanted: &[Revision]) -> Option<Revision> {
    offered.iter().filter_map(ProtocolVersion::known).filter(|revision| wanted.contains(revision)).max()
}
