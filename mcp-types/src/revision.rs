//! The revisions of the protocol and what each of them has (digest 1.16).
//!
//! [`Revision::features`] is one of the four places that know versions; everything else asks for a [`Features`].

use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::object::Key;

/// A published revision of the Model Context Protocol, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05, the first.
    V2024_11_05,
    /// 2025-03-26: batches, audio, tool annotations, Streamable HTTP.
    V2025_03_26,
    /// 2025-06-18: structured output, elicitation, resource links.
    V2025_06_18,
    /// 2025-11-25: icons, URL elicitation, tools in sampling.
    V2025_11_25,
    /// 2026-07-28: stateless; no handshake, no session, no requests from the server.
    V2026_07_28,
}

/// The two ways in which a conversation can work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// Up to 2025-11-25: a session that begins with `initialize`.
    Legacy,
    /// Since 2026-07-28: every request stands alone.
    Modern,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Self; 5] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];

    /// The latest revision of the legacy era: what a server offers to a client that asks for one it does not know (V-11).
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;

    /// The latest revision.
    pub const LATEST: Self = Self::V2026_07_28;

    /// Returns the date that names the revision on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// Returns the era that the revision belongs to.
    pub const fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// Returns what an encoder for this revision may emit.
    pub const fn features(self) -> Features {
        let r1 = Features::SESSION.and(Features::SERVER_REQUESTS).and(Features::ROOTS_LIST_CHANGED);
        let r2 = r1
            .and(Features::AUDIO)
            .and(Features::TOOL_ANNOTATIONS)
            .and(Features::COMPLETIONS_CAPABILITY)
            .and(Features::PROGRESS_MESSAGE);
        let r3 = r2
            .and(Features::TITLE)
            .and(Features::ENTITY_META)
            .and(Features::LAST_MODIFIED)
            .and(Features::STRUCTURED_OUTPUT)
            .and(Features::RESOURCE_LINK)
            .and(Features::COMPLETION_CONTEXT)
            .and(Features::ELICITATION)
            .and(Features::VERSION_HEADER);
        let r4 = r3
            .and(Features::ICONS)
            .and(Features::IMPLEMENTATION_DETAILS)
            .and(Features::TOOL_EXECUTION)
            .and(Features::SAMPLING_TOOLS)
            .and(Features::ELICITATION_URL)
            .and(Features::ELICITATION_ID)
            .and(Features::ERROR_WITHOUT_ID)
            .and(Features::SSE_PRIMING)
            .and(Features::EXTENSIONS)
            .and(Features::TASKS);
        match self {
            Self::V2024_11_05 => r1,
            Self::V2025_03_26 => r2.and(Features::BATCH),
            Self::V2025_06_18 => r3,
            Self::V2025_11_25 => r4,
            Self::V2026_07_28 => r4
                .without(Features::SESSION)
                .without(Features::SERVER_REQUESTS)
                .without(Features::ROOTS_LIST_CHANGED)
                .without(Features::TOOL_EXECUTION)
                .without(Features::ELICITATION_ID)
                .without(Features::SSE_PRIMING)
                .without(Features::TASKS)
                .and(Features::STRUCTURED_ANY)
                .and(Features::RESULT_TYPE)
                .and(Features::RESULT_META)
                .and(Features::SESSION_META)
                .and(Features::CACHE_HINTS)
                .and(Features::INPUT_REQUIRED)
                .and(Features::RESOURCE_NOT_FOUND_IS_INVALID_PARAMS)
                .and(Features::PARAM_HEADERS),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text names no revision that this library knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRevision;

impl fmt::Display for UnknownRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not a revision of the protocol; known are 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28",
        )
    }
}

impl std::error::Error for UnknownRevision {}

impl FromStr for Revision {
    type Err = UnknownRevision;

    fn from_str(text: &str) -> Result<Self, UnknownRevision> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == text).ok_or(UnknownRevision)
    }
}

/// A protocol version as a peer names it: an open set, because a peer may be newer than this library (V-1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProtocolVersion {
    /// A revision that this library knows.
    Known(Revision),
    /// Any other text.
    Other(Box<str>),
}

impl ProtocolVersion {
    /// Returns the text as it stands on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(revision) => revision.as_str(),
            Self::Other(text) => text,
        }
    }

    /// Returns the revision, when it is a known one.
    pub fn known(&self) -> Option<Revision> {
        match self {
            Self::Known(revision) => Some(*revision),
            Self::Other(_) => None,
        }
    }
}

impl From<Revision> for ProtocolVersion {
    fn from(revision: Revision) -> Self {
        Self::Known(revision)
    }
}

impl From<&str> for ProtocolVersion {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Other(text.into()), Self::Known)
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ProtocolVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProtocolVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Key(text) = Key::deserialize(deserializer)?;
        Ok(Self::from(&*text))
    }
}

/// A set of things that a revision has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Features(u64);

/// Declares one bit per feature.
macro_rules! features {
    ($( $(#[$attr:meta])* $name:ident = $bit:literal; )+) => {
        impl Features {
            $( $(#[$attr])* pub const $name: Self = Self(1 << $bit); )+
        }
    };
}

features! {
    /// JSON-RPC batches.
    BATCH = 0;
    /// Audio content.
    AUDIO = 1;
    /// `Tool.annotations`.
    TOOL_ANNOTATIONS = 2;
    /// The capability `completions`; before it, completion needs none.
    COMPLETIONS_CAPABILITY = 3;
    /// `message` in progress notifications.
    PROGRESS_MESSAGE = 4;
    /// `title` beside `name`.
    TITLE = 5;
    /// `_meta` on tools, resources, prompts and content.
    ENTITY_META = 6;
    /// `Annotations.lastModified`.
    LAST_MODIFIED = 7;
    /// `Tool.outputSchema` and `structuredContent`, both objects.
    STRUCTURED_OUTPUT = 8;
    /// `structuredContent` of any JSON type.
    STRUCTURED_ANY = 9;
    /// Content of type `resource_link`.
    RESOURCE_LINK = 10;
    /// `context` in completion requests.
    COMPLETION_CONTEXT = 11;
    /// Elicitation by form.
    ELICITATION = 12;
    /// The header `MCP-Protocol-Version`.
    VERSION_HEADER = 13;
    /// `icons`.
    ICONS = 14;
    /// `Implementation.description` and `websiteUrl`.
    IMPLEMENTATION_DETAILS = 15;
    /// `Tool.execution`.
    TOOL_EXECUTION = 16;
    /// Tools in sampling, and content lists in its messages.
    SAMPLING_TOOLS = 17;
    /// Elicitation by URL, defaults, and the enumerations with titles.
    ELICITATION_URL = 18;
    /// `elicitationId` in elicitation by URL.
    ELICITATION_ID = 19;
    /// Error responses without an id.
    ERROR_WITHOUT_ID = 20;
    /// A first empty event on SSE streams, and closing a stream that the client comes back to.
    SSE_PRIMING = 21;
    /// The capability `extensions`.
    EXTENSIONS = 22;
    /// `resultType`.
    RESULT_TYPE = 23;
    /// `_meta.io.modelcontextprotocol/serverInfo` on results.
    RESULT_META = 24;
    /// `ttlMs` and `cacheScope`.
    CACHE_HINTS = 25;
    /// `input_required` results, `inputResponses`, `requestState`.
    INPUT_REQUIRED = 26;
    /// An unknown resource is *invalid params* and no longer −32002.
    RESOURCE_NOT_FOUND_IS_INVALID_PARAMS = 27;
    /// Tool parameters mirrored into `Mcp-Param-*` headers.
    PARAM_HEADERS = 28;
    /// `roots.listChanged` and its notification.
    ROOTS_LIST_CHANGED = 29;
    /// The experimental tasks: `task` in parameters, `tasks` in capabilities, `related-task` in `_meta`.
    TASKS = 30;
    /// The `_meta` members that stand in for a session: version, capabilities and client of a request, log level,
    /// subscription of a notification.
    SESSION_META = 31;
    /// A conversation begins with `initialize` and remembers it; without it every request stands alone.
    SESSION = 32;
    /// Requests of the server, which the client answers by responses of its own.
    SERVER_REQUESTS = 33;
}

impl Features {
    /// Returns whether all of `other` is in the set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the set with `other` in it.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the set without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_survives_whether_it_is_known_or_not() {
        for text in ["2024-11-05", "2026-07-28", "2030-01-01", "DRAFT"] {
            let version: ProtocolVersion = serde_json::from_str(&format!("{text:?}")).unwrap();
            assert_eq!(version.as_str(), text);
            assert_eq!(serde_json::to_string(&version).unwrap(), format!("{text:?}"));
        }
    }

    #[test]
    fn dates_and_revisions_have_the_same_order() {
        assert!(Revision::ALL.is_sorted());
        assert!(Revision::ALL.map(Revision::as_str).is_sorted());
    }

    /// The table of digest 1.16, one row a feature: in which of the five revisions it exists.
    #[test]
    fn each_revision_has_what_the_specification_says() {
        let rows = [
            (Features::BATCH, "-x---"),
            (Features::RESULT_TYPE, "----x"),
            (Features::CACHE_HINTS, "----x"),
            (Features::ENTITY_META, "--xxx"),
            (Features::TITLE, "--xxx"),
            (Features::ICONS, "---xx"),
            (Features::IMPLEMENTATION_DETAILS, "---xx"),
            (Features::LAST_MODIFIED, "--xxx"),
            (Features::TOOL_ANNOTATIONS, "-xxxx"),
            (Features::STRUCTURED_OUTPUT, "--xxx"),
            (Features::STRUCTURED_ANY, "----x"),
            (Features::TOOL_EXECUTION, "---x-"),
            (Features::PARAM_HEADERS, "----x"),
            (Features::AUDIO, "-xxxx"),
            (Features::RESOURCE_LINK, "--xxx"),
            (Features::SAMPLING_TOOLS, "---xx"),
            (Features::PROGRESS_MESSAGE, "-xxxx"),
            (Features::COMPLETION_CONTEXT, "--xxx"),
            (Features::ELICITATION, "--xxx"),
            (Features::ELICITATION_URL, "---xx"),
            (Features::ELICITATION_ID, "---x-"),
            (Features::INPUT_REQUIRED, "----x"),
            (Features::ERROR_WITHOUT_ID, "---xx"),
            (Features::ROOTS_LIST_CHANGED, "xxxx-"),
            (Features::TASKS, "---x-"),
            (Features::SESSION_META, "----x"),
            (Features::SESSION, "xxxx-"),
            (Features::SERVER_REQUESTS, "xxxx-"),
            (Features::COMPLETIONS_CAPABILITY, "-xxxx"),
            (Features::VERSION_HEADER, "--xxx"),
            (Features::SSE_PRIMING, "---x-"),
            (Features::EXTENSIONS, "---xx"),
            (Features::RESULT_META, "----x"),
            (Features::RESOURCE_NOT_FOUND_IS_INVALID_PARAMS, "----x"),
        ];
        for (feature, expected) in rows {
            let found: String =
                Revision::ALL.iter().map(|r| if r.features().has(feature) { 'x' } else { '-' }).collect();
            assert_eq!(found, expected, "{feature:?}");
        }
        let all = rows.iter().fold(Features(0), |all, (feature, _)| all | *feature);
        let of_any = Revision::ALL.iter().fold(Features(0), |any, revision| any | revision.features());
        assert_eq!((all, rows.len()), (of_any, of_any.0.count_ones() as usize), "every feature is one row");
    }
}
