//! Reading and writing objects of which only some members are known.
//!
//! The types of both APIs keep what they do not know, so each of them is read as the list of its members, from which the
//! known ones are taken. The surprising thing: of a member that stands twice, the last one counts, as in most readers of
//! JSON; a provider that says two things must not be understood in two ways.

use mcp_types::{JsonObject, RawJson, ToolAnnotations};
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde_json::Error;

/// What is read from JSON of which the text was checked as a whole.
///
/// Its parts stay parts of that text: nothing raw is copied, and nothing is checked a second time, as it would be by
/// serde, which can lend nothing.
pub(crate) trait Read: Sized {
    fn read(value: RawJson) -> Result<Self, Error>;
}

impl Read for RawJson {
    fn read(value: Self) -> Result<Self, Error> {
        Ok(value)
    }
}

impl Read for JsonObject {
    fn read(value: RawJson) -> Result<Self, Error> {
        // The words for what is no object are those of serde.
        Self::of(&value).or_else(|_| value.decode())
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: RawJson) -> Result<Self, Error> {
        let items = value.items().map_or_else(|| value.decode(), Ok)?;
        items.into_iter().map(T::read).collect()
    }
}

macro_rules! read_as_decoded {
    ($($type:ty),+) => {$(
        impl Read for $type {
            fn read(value: RawJson) -> Result<Self, Error> {
                value.decode()
            }
        }
    )+};
}

read_as_decoded!(bool, i64, u64, String, ToolAnnotations);

/// Lets serde read what is [`Read`].
macro_rules! read_by_serde {
    ($($type:ty),+ $(,)?) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <mcp_types::RawJson as serde::Deserialize>::deserialize(deserializer)?;
                $crate::members::Read::read(value).map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(crate) use read_by_serde;

/// Takes a member out and reads it; `null` counts as absent.
pub(crate) fn optional<T: Read>(members: &mut JsonObject, name: &str) -> Result<Option<T>, Error> {
    match members.take(name) {
        Some(value) if !value.is_null() => match T::read(value) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(Error::custom(format_args!("`{name}`: {error}"))),
        },
        _ => Ok(None),
    }
}

/// Takes a member out that must be there.
pub(crate) fn required<T: Read>(members: &mut JsonObject, name: &'static str) -> Result<T, Error> {
    optional(members, name)?.ok_or_else(|| Error::missing_field(name))
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
