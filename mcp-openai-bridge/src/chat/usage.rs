//! Tokens used.
//!
//! Providers count different things in different depths. The surprising thing: all of them are summed, known or not.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson};
use serde::{Serialize, Serializer};
use serde_json::{Error, Value};

use crate::members::{Read, read_by_serde};

/// Tokens used, by kind, as the provider counts them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage(JsonObject);

impl Usage {
    /// Returns a count, such as `total_tokens`.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.0.member(name)?.decode().ok()
    }

    /// Adds another usage, kind by kind. What is no number keeps its last value.
    pub fn add(&mut self, other: &Self) {
        if self.0.is_empty() {
            return self.clone_from(other);
        }
        add_counts(&mut self.0, &other.0, 0);
    }
}

fn add_counts(sum: &mut JsonObject, other: &JsonObject, depth: usize) {
    for (name, value) in other.iter() {
        let value = match sum.member(name) {
            None => value.clone(),
            Some(_) if value.is_null() => continue,
            Some(known) => added(known, value, depth),
        };
        sum.insert(name, value);
    }
}

/// Adds two counts, or the counts in two objects. What is no number, or too deep to be written again, keeps its last value.
fn added(known: &RawJson, value: &RawJson, depth: usize) -> RawJson {
    let count = |value: &RawJson| value.as_str().parse::<u64>().ok();
    if let (Some(a), Some(b)) = (count(known), count(value)) {
        return Value::from(a.saturating_add(b)).into();
    }
    match (JsonObject::of(known), JsonObject::of(value)) {
        (Ok(mut a), Ok(b)) if depth < 4 => {
            add_counts(&mut a, &b, depth + 1);
            RawJson::encode(&a).unwrap_or_else(|_| value.clone())
        }
        _ => value.clone(),
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Read for Usage {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        JsonObject::read(value).map(Self)
    }
}

read_by_serde!(Usage);
