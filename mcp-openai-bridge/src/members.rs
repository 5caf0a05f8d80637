//! Reading and writing objects of which only some members are known.
//!
//! The types of both APIs keep what they do not know, so each of them is read as the list of its members, from which the
//! known ones are taken. The surprising thing: of a member that stands twice, the last one counts, as in most readers of
//! JSON; a provider that says two things must not be understood in two ways.

use mcp_types::{JsonObject, RawJson};
use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;

/// Takes a member out and decodes it; `null` counts as absent.
pub(crate) fn optional<T: DeserializeOwned, E: serde::de::Error>(
    members: &mut JsonObject,
    name: &str,
) -> Result<Option<T>, E> {
    match members.take(name) {
        Some(value) if !value.is_null() => match value.decode() {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(E::custom(format_args!("`{name}`: {error}"))),
        },
        _ => Ok(None),
    }
}

/// Takes a member out that must be there.
pub(crate) fn required<T: DeserializeOwned, E: serde::de::Error>(
    members: &mut JsonObject,
    name: &'static str,
) -> Result<T, E> {
    optional(members, name)?.ok_or_else(|| E::missing_field(name))
}

/// Ends an object with the members that are not known.
pub(crate) fn with_extra<M: SerializeMap>(mut map: M, members: &JsonObject) -> Result<M::Ok, M::Error> {
    for (name, value) in members.iter() {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// Encodes a text as JSON.
pub(crate) fn text_json(text: impl Into<String>) -> RawJson {
    serde_json::Value::String(text.into()).into()
}

/// Encodes an object as JSON, one whose values were written here or were decoded from a message as a whole.
///
/// # Panics
///
/// Panics when a value is as deep as raw JSON may be, for then the object is deeper. Use
/// [`RawJson::encode`] for what a provider sent.
pub(crate) fn object_json(object: &JsonObject) -> RawJson {
    RawJson::encode(object).expect("an object of raw JSON can be encoded")
}
