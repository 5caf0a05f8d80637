//! Choosing the type of a value by one of its members, looked at before anything is decoded.
//!
//! This stands in for `serde(untagged)` and `serde(tag)`: those buffer the value as a document tree, and say only that
//! nothing matched.

use std::borrow::Cow;

use serde::de::{DeserializeOwned, Error};

use crate::json::{RawJson, find_members, read_scanned};
use crate::object::Key;
use crate::rpc::text_of;

/// Returns the text of the member that decides what an object is.
pub(crate) fn kind<E: Error>(raw: &RawJson, member: &'static str) -> Result<String, E> {
    kind_of(raw.as_bytes(), member).map(Cow::into_owned)
}

/// Returns the text of the member that decides what an object is, lent where it has no escapes. What is read is known to
/// be UTF-8.
pub(crate) fn kind_of<'a, E: Error>(text: &'a [u8], member: &'static str) -> Result<Cow<'a, str>, E> {
    let [found] = find_members(text, [member]).map_err(E::custom)?;
    let found = found.and_then(|span| text.get(span.range())).ok_or_else(|| E::missing_field(member))?;
    if let Some(kind) = text_of(found) {
        return Ok(kind);
    }
    // It is no text; the decoder says what it is instead.
    let Key(kind) = read_scanned(found).map_err(|error| E::custom(format_args!("`{member}`: {error}")))?;
    Ok(kind)
}

/// Says that the member that decides holds none of the words expected.
pub(crate) fn unknown_kind<E: Error>(member: &str, found: &str, expected: &str) -> E {
    E::custom(format_args!("`{member}`: {found:?} is none of {expected}"))
}

/// Decodes a value as the type that was chosen.
pub(crate) fn decode<T: DeserializeOwned, E: Error>(raw: &RawJson) -> Result<T, E> {
    raw.decode().map_err(E::custom)
}
