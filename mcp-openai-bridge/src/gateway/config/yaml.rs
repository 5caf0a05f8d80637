//! YAML text becomes a tree in which every value knows its place.
//!
//! What a hostile file could make large is bounded: its size, its depth, what its aliases expand to. The surprising
//! thing: `yes`, `no`, `on` and `off` are texts, as YAML 1.2 has it, so that a schema may list them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned};

use super::place::Place;
use crate::json::{Object, Value};

/// A value of the file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Bool(bool),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
    Null,
    /// The number as JSON writes it.
    Number(String),
    Text(String),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Place,
}

impl Node {
    /// Reads a text that holds one YAML document; an empty one is null.
    pub(super) fn parse(text: &str) -> Result<Self, (Option<Place>, String)> {
        // The parser goes down with the nesting, and takes more for a level than the stack of a worker has for all.
        let parse = || Self::parse_here(text);
        let no_room = |error| (None, format!("there is no room for the thread that reads it: {error}"));
        std::thread::scope(|scope| {
            let thread =
                std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, parse).map_err(no_room)?;
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn parse_here(text: &str) -> Result<Self, (Option<Place>, String)> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                flow_nesting_limit: MAX_DEPTH,
                max_aliases: MAX_ALIASES,
                max_anchors: MAX_ALIASES,
                max_depth: MAX_DEPTH,
                max_events: MAX_NODES,
                max_merge_keys: MAX_ALIASES,
                max_nodes: MAX_NODES,
                max_recorded_anchor_events: MAX_NODES,
            },
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_NODES },
            duplicate_keys: DuplicateKeyPolicy::Error,
            strict_booleans: true,
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| refused(&error))
    }

    /// Says what the value is, without showing it: it may be secret.
    pub(super) fn described(&self) -> &'static str {
        match &self.kind {
            Kind::Bool(_) => "a boolean",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Null => "nothing",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
        }
    }
}

impl Kind {
    /// The same as JSON.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::List(items) => Value::Array(items.iter().map(|item| item.kind.json()).collect()),
            Self::Map(entries) => {
                let mut object = Object::default();
                entries.iter().for_each(|(key, value)| object.set(key.name.as_str(), value.kind.json()));
                Value::Object(object)
            }
            Self::Null => Value::Null,
            Self::Number(text) => Value::Number(text.clone()),
            Self::Text(text) => Value::String(text.clone()),
        }
    }
}

/// Says why the parser refused the text, in our words where there are some.
fn refused(error: &serde_saphyr::Error) -> (Option<Place>, String) {
    use serde_saphyr::Error;
    let error = error.without_snippet();
    let place = error.location().filter(|location| location.line() > 0).map(place);
    let text = match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` stands twice in one map; keep one of them")
        }
        Error::DuplicateMappingKey { .. } => "a key stands twice in one map; keep one of them".to_owned(),
        Error::MultipleDocuments { .. } => "there is more than one YAML document; keep one".to_owned(),
        // The place where the alias stands is the one to look at.
        Error::AliasError { error, .. } => refused(error).1,
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => too_deep(),
        Error::Budget { .. } => format!("there are more than {MAX_NODES} values, or too many aliases"),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "the aliases expand to more than any configuration needs".to_owned()
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an alias stands inside of what it stands for".to_owned(),
        Error::NonFiniteFloat { .. } => "infinity and NaN are not numbers here".to_owned(),
        other => {
            let text = other.to_string();
            let first = text.lines().next().unwrap_or_default();
            // The place is said already.
            let first = first.split_once(" at line ").map_or(first, |(before, _)| before);
            let first = first.strip_prefix("error: ").unwrap_or(first);
            if first.contains("recursion limit") || first.contains("nesting") {
                too_deep()
            } else {
                format!("this is not YAML: {}", first.trim_end_matches([',', '.', ' ']))
            }
        }
    };
    (place, text)
}

fn too_deep() -> String {
    format!("lists and maps are nested deeper than {MAX_DEPTH} levels")
}

fn place(location: Location) -> Place {
    Place { line: location.line(), column: location.column() }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self { place: place(spanned.referenced), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { place: place(spanned.referenced), name: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Number(value.to_string()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Kind, E> {
        serde_json::to_string(&value).map(Kind::Number).map_err(E::custom)
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Kind, E> {
        Ok(Kind::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        Kind::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut map: Vec<(Key, Node)> = Vec::new();
        while let Some(entry) = entries.next_entry::<Key, Node>()? {
            if map.len() >= MAX_NODES {
                return Err(A::Error::custom("a map has too many keys"));
            }
            map.push(entry);
        }
        Ok(Kind::Map(map))
    }
}

/// Values of a file, after aliases are replaced.
const MAX_NODES: usize = 100_000;

/// Levels of lists and maps; a JSON Schema may have 64.
const MAX_DEPTH: usize = 80;

/// The stack of the thread that parses; a debug build uses up to 100 KiB for a level.
const STACK_BYTES: usize = 32 << 20;

/// Aliases, and what they stand for.
const MAX_ALIASES: usize = 1_000;
