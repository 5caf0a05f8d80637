//! Tokens used.
//!
//! Providers count different things in different depths. The surprising thing: all of them are summed, known or not.

use mcp_types::{JsonObject, RawJson};
use serde::{Serialize, Serializer};
use serde_json::Error;

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
        add_counts(&mut self.0, &other.0, 0);
    }
}

fn add_counts(sum: &mut JsonObject, other: &JsonObject, depth: usize) {
    for (name, value) in other.iter() {
        let known = sum.member(name);
        let count = |value: Option<&RawJson>| value.and_then(|value| value.decode::<u64>().ok());
        let object = |value: Option<&RawJson>| value.and_then(|value| value.decode::<JsonObject>().ok());
        let value = if let (Some(a), Some(b)) = (count(known), count(Some(value))) {
            RawJson::from(serde_json::Value::from(a.saturating_add(b)))
        } else if let (Some(mut a), Some(b), true) = (object(known), object(Some(value)), depth < 4) {
            add_counts(&mut a, &b, depth + 1);
            // What is too deep to be written again keeps its last value.
            RawJson::encode(&a).unwrap_or_else(|_| value.clone())
        } else if value.is_null() && known.is_some() {
            continue;
        } else {
            value.clone()
        };
        sum.insert(name, value);
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Read for Usage {
    fn read(value: RawJson) -> Result<Self, Error> {
        JsonObject::read(value).map(Self)
    }
}

read_by_serde!(Usage);
