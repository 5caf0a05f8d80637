//! What was changed in a schema, and why a tool is held back.
//!
//! A changed schema is narrower or wider than the server's; the report makes that visible, tool by tool. The surprising
//! thing: no rule here makes a call legal that the server's schema forbids, because arguments are checked against the
//! original.

use std::fmt;

/// One change of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrite {
    /// Where, as a JSON pointer into the server's schema, or, below a merged root, into the merged one.
    pub path: String,
    /// What was changed and by which rule.
    pub rule: Rule,
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the root" } else { &self.path };
        write!(f, "{path}: {}, because {}", self.rule, self.rule.reason())
    }
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// `items` was added to an array.
    AddedItems,
    /// A member that is required and was not described was added to `properties`.
    AddedProperty(String),
    /// `properties` was added to an object, or put in the place of what was no object.
    AddedProperties,
    /// `"type": "object"` was added at the root.
    AddedRootType,
    /// A boolean schema was written as an object.
    BooleanSchema,
    /// A definition that nothing refers to was left out.
    DroppedDefinition(String),
    /// A member whose value has the wrong type, or is empty where it must not be, was left out.
    DroppedMember(String),
    /// A pattern that not every engine compiles was left out; it is said in the description.
    DroppedPattern(String),
    /// A keyword that only names or identifies a schema was left out.
    DroppedIdentifier(String),
    /// Definitions that no longer stand where they were: they are at the root, under `$defs`.
    GatheredDefinitions,
    /// A reference beside other members was replaced by what it names.
    InlinedReference(String),
    /// The alternatives at the root were merged into one object.
    MergedRoot(String),
    /// A reference was pointed to where its schema is now.
    MovedReference(String),
    /// A reference beside other members was moved into an `allOf`, because it leads back to itself.
    NestedReference(String),
    /// The type list at the root became `"object"`.
    NarrowedRootType,
    /// A name that `required` has twice was left out once.
    RepeatedName,
    /// A keyword of an older draft was written in the words of 2020-12.
    Modernized(String),
    /// A type name that does not exist was left out.
    UnknownType(String),
    /// A reference that leads out of the document, or nowhere, was left out; anything is allowed there.
    UnresolvedReference(String),
}

impl Rule {
    /// Returns whether the schema still allows the same objects.
    pub fn keeps_meaning(&self) -> bool {
        !matches!(
            self,
            Self::DroppedMember(_)
                | Self::DroppedPattern(_)
                | Self::MergedRoot(_)
                | Self::UnknownType(_)
                | Self::UnresolvedReference(_)
        )
    }

    /// Returns why the rule exists.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::AddedItems => "an array needs `items`",
            Self::AddedProperty(_) => "what is required must be described",
            Self::AddedProperties => "an object needs `properties`",
            Self::AddedRootType | Self::NarrowedRootType => "arguments are always an object",
            Self::BooleanSchema => "a schema must be an object",
            Self::DroppedDefinition(_) => "nothing refers to it",
            Self::DroppedPattern(_) => "OpenAI refuses what its engine for patterns does not know",
            Self::DroppedMember(_) => "the whole request is refused for it",
            Self::DroppedIdentifier(_) => "a function's parameters are no document of their own",
            Self::GatheredDefinitions | Self::MovedReference(_) => "references must lead to `$defs`",
            Self::InlinedReference(_) | Self::NestedReference(_) => "nothing may stand beside a reference",
            Self::MergedRoot(_) => "the root must be a plain object",
            Self::RepeatedName => "each name is required once",
            Self::Modernized(_) => "parameters are read as JSON Schema 2020-12",
            Self::UnknownType(_) => "JSON Schema has no such type",
            Self::UnresolvedReference(_) => "nothing outside the schema is fetched",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddedItems => f.write_str("added `items`"),
            Self::AddedProperty(name) => write!(f, "added `{name}` to `properties`"),
            Self::AddedProperties => f.write_str("added `properties`"),
            Self::AddedRootType => f.write_str("added `\"type\": \"object\"`"),
            Self::BooleanSchema => f.write_str("wrote a boolean schema as an object"),
            Self::DroppedMember(keyword) | Self::DroppedIdentifier(keyword) => write!(f, "left out `{keyword}`"),
            Self::GatheredDefinitions => f.write_str("moved the definitions to `$defs` at the root"),
            Self::DroppedDefinition(name) => write!(f, "left out the definition `{name}`"),
            Self::DroppedPattern(pattern) => write!(f, "left out the pattern `{pattern}`"),
            Self::InlinedReference(reference) => write!(f, "replaced the reference `{reference}` by what it names"),
            Self::MergedRoot(keyword) => write!(f, "merged `{keyword}` into one object"),
            Self::MovedReference(reference) => write!(f, "pointed the reference `{reference}` to `$defs`"),
            Self::NestedReference(reference) => write!(f, "moved the reference `{reference}` into `allOf`"),
            Self::NarrowedRootType => f.write_str("narrowed the type list to `\"object\"`"),
            Self::RepeatedName => f.write_str("left out a name that stands twice in `required`"),
            Self::Modernized(keyword) => write!(f, "rewrote `{keyword}`"),
            Self::UnknownType(name) => write!(f, "left out the type `{name}`"),
            Self::UnresolvedReference(reference) => write!(f, "left out the reference `{reference}`"),
        }
    }
}

/// Why a tool is not offered to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quarantine {
    /// The server lists a tool of this name twice.
    DuplicateTool,
    /// References lead in a circle without entering a value, so that checking them does not end.
    EndlessReference,
    /// The schema is larger than a bound allows.
    Exceeds {
        /// What is bounded.
        bound: Bound,
        /// The greatest amount allowed.
        limit: usize,
    },
    /// The schema is no JSON object.
    NotASchema {
        /// What it is, or what is wrong with the text.
        found: String,
    },
    /// The schema allows no object, so that no arguments could satisfy it.
    RootNotObject {
        /// What it allows.
        found: String,
    },
    /// The schema requires a member that it forbids.
    Unsatisfiable {
        /// The name of the member.
        name: String,
    },
}

/// What is bounded in a schema; see [`Limits`](super::Limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// Alternatives at the root.
    Alternatives,
    /// Bytes of text.
    Bytes,
    /// Levels of nested schemas.
    Depth,
    /// Schemas after references are followed.
    Expansion,
    /// Levels of nested objects and arrays, whatever they are.
    Nesting,
    /// Schemas.
    Subschemas,
}

impl Quarantine {
    pub(super) fn exceeds(bound: Bound, limit: usize) -> Self {
        Self::Exceeds { bound, limit }
    }
}

impl fmt::Display for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateTool => f.write_str("the server lists a tool of this name twice; the first one is used"),
            Self::EndlessReference => f.write_str("references of the input schema lead in a circle"),
            Self::Exceeds { bound, limit } => write!(f, "the input schema has more than {limit} {bound}"),
            Self::NotASchema { found } => write!(f, "the input schema is not a JSON Schema object: {found}"),
            Self::RootNotObject { found } => {
                write!(f, "the input schema allows no object, and arguments are always one: {found}")
            }
            Self::Unsatisfiable { name } => write!(f, "the input schema requires `{name}` and forbids it"),
        }
    }
}

impl std::error::Error for Quarantine {}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alternatives => "alternatives at its root",
            Self::Bytes => "bytes",
            Self::Depth => "levels of schemas",
            Self::Expansion => "schemas when its references are followed",
            Self::Nesting => "levels of objects and arrays",
            Self::Subschemas => "schemas",
        })
    }
}
