//! Reading and writing objects of which only some members are known.
//!
//! The types of both APIs keep what they do not know: an object is walked over once, the known members are read where they
//! stand, and the others are kept raw. An object whose kind decides what is known of it is read as the list of its members
//! first, from which the known ones are taken.
//!
//! The surprising thing: of a member that stands twice, the last one counts, as in most readers of JSON; a provider that
//! says two things must not be understood in two ways. What is read where it stands must be readable each time.

use mcp_types::json::Unread;
use mcp_types::{JsonObject, RawJson, ToolAnnotations};
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde_json::Error;

/// What is read from JSON in one walk.
///
/// What is raw stays a part of the text: it is not copied, as it would be by serde, which can lend nothing.
pub(crate) trait Read: Sized {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error>;

    fn read_raw(value: &RawJson) -> Result<Self, Error> {
        Unread::walk_raw(value, Self::read)
    }
}

impl Read for RawJson {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        value.raw()
    }

    fn read_raw(value: &Self) -> Result<Self, Error> {
        Ok(value.clone())
    }
}

impl Read for String {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        value.string()
    }
}

impl Read for JsonObject {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut object = Self::new();
        value.members(|name, value| keep(&mut object, name, value))?;
        Ok(object)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
        let mut items = Self::new();
        value.items(|item| {
            items.push(T::read(item)?);
            Ok(())
        })?;
        Ok(items)
    }
}

macro_rules! read_as_decoded {
    ($($type:ty),+) => {$(
        impl Read for $type {
            fn read(value: Unread<'_, '_>) -> Result<Self, Error> {
                value.decode()
            }
        }
    )+};
}

read_as_decoded!(bool, i64, u64, ToolAnnotations);

/// Lets serde read what is [`Read`].
macro_rules! read_by_serde {
    ($($type:ty),+ $(,)?) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <mcp_types::RawJson as serde::Deserialize>::deserialize(deserializer)?;
                $crate::members::Read::read_raw(&value).map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(crate) use read_by_serde;

/// Reads a member that is known; `null` counts as absent.
pub(crate) fn known<T: Read>(name: &str, value: Unread<'_, '_>) -> Result<Option<T>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    T::read(value).map(Some).map_err(|error| in_member(name, &error))
}

/// Keeps a member that is not known.
pub(crate) fn keep(others: &mut JsonObject, name: &str, value: Unread<'_, '_>) -> Result<(), Error> {
    others.push(name, value.raw()?);
    Ok(())
}

/// Takes a member out and reads it; `null` counts as absent.
pub(crate) fn optional<T: Read>(members: &mut JsonObject, name: &str) -> Result<Option<T>, Error> {
    match members.take(name) {
        Some(value) if !value.is_null() => T::read_raw(&value).map(Some).map_err(|error| in_member(name, &error)),
        _ => Ok(None),
    }
}

/// Takes a member out that must be there.
pub(crate) fn required<T: Read>(members: &mut JsonObject, name: &'static str) -> Result<T, Error> {
    there(optional(members, name)?, name)
}

/// Returns a member that must be there.
pub(crate) fn there<T>(member: Option<T>, name: &'static str) -> Result<T, Error> {
    member.ok_or_else(|| Error::missing_field(name))
}

fn in_member(name: &str, error: &Error) -> Error {
    Error::custom(format_args!("`{name}`: {error}"))
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
