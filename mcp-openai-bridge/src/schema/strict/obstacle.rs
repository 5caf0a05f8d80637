//! Why a schema cannot be said in the strict subset, and where.
//!
//! The surprising thing: most obstacles are nobody's fault. An open object is one, and it is what JSON Schema makes of an
//! object of which nothing else is said.

use std::fmt;

use super::super::report::Rule;

/// Why a tool is published with `strict: false`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Obstacle {
    /// Where, as a JSON pointer into the converted schema.
    pub path: String,
    /// What cannot be said there.
    pub hindrance: Hindrance,
}

/// What the strict subset cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hindrance {
    /// The conversion changed what the schema means.
    Altered(Rule),
    /// Alternatives of which more than one can hold at once.
    Ambiguous,
    /// Any value is allowed.
    AnyValue,
    /// A keyword that is not in the subset.
    Keyword(String),
    /// More of something than strict mode takes.
    Limit {
        /// What is too much.
        what: &'static str,
        /// The greatest number allowed.
        limit: usize,
    },
    /// Members are allowed that are not named.
    Open,
    /// A member is required that is not described.
    UnknownRequired(String),
}

impl Obstacle {
    pub(super) fn new(path: impl Into<String>, hindrance: Hindrance) -> Self {
        Self { path: path.into(), hindrance }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the root" } else { &self.path };
        write!(f, "{path}: {}", self.hindrance)
    }
}

impl std::error::Error for Obstacle {}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered(rule) => write!(f, "the schema means something else since the conversion {rule}"),
            Self::Ambiguous => f.write_str("it cannot be told from the value which of the alternatives is meant"),
            Self::AnyValue => f.write_str("any value is allowed here, and strict mode needs a type"),
            Self::Keyword(keyword) => write!(f, "strict mode has no `{keyword}`"),
            Self::Limit { what, limit } => write!(f, "strict mode takes no more than {limit} {what}"),
            Self::Open => f.write_str(
                "members are allowed that are not named, and strict mode needs `\"additionalProperties\": false`",
            ),
            Self::UnknownRequired(name) => write!(f, "`{name}` is required and not described"),
        }
    }
}
