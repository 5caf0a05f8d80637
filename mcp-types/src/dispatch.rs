//! Choosing the type of a value by one of its members, looked at before anything is decoded.
//!
//! This stands in for `serde(untagged)` and `serde(tag)`: those buffer the value as a document tree, and say only that
//! nothing matched.

use serde::de::{DeserializeOwned, Error};

use crate::json::RawJson;

/// Returns the text of the member that decides what an object is.
pub(crate) fn kind<E: Error>(raw: &RawJson, member: &'static str) -> Result<String, E> {
    let [found] = raw.members([member]).map_err(E::custom)?;
    let found = found.ok_or_else(|| E::missing_field(member))?;
    found.decode().map_err(|error| E::custom(format_args!("`{member}`: {error}")))
}

/// Says that the member that decides holds none of the words expected.
pub(crate) fn unknown_kind<E: Error>(member: &str, found: &str, expected: &str) -> E {
    E::custom(format_args!("`{member}`: {found:?} is none of {expected}"))
}

/// Decodes a value as the type that was chosen.
pub(crate) fn decode<T: DeserializeOwned, E: Error>(raw: &RawJson) -> Result<T, E> {
    raw.decode().map_err(E::custom)
}
