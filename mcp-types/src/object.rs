//! The macros that declare the objects and words of the specification.
//!
//! `serde(flatten)` and `serde(untagged)` buffer, break raw values and give useless messages, so the two shapes that
//! the specification is made of are declared here once: an open object, and an open set of words.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::JsonObject;

/// Declares an object of the specification.
///
/// Members stand in sections, in this order, each of them optional:
/// - `tag "type" = "text";`: a member with only one value: always encoded, and refused when it has another value.
/// - `required { field: Type = "key", }`: decoding fails when it is absent; an argument of `new`.
/// - `lenient { field: Type = "key", }`: `Type::default()` when absent or null; always encoded.
/// - `optional { field: Type = "key", }`: an `Option<Type>`, `None` when absent or null; not encoded when `None`.
/// - `present { field: "key", }`: an `Option<RawJson>` that tells an absent member from one that is `null`.
///
/// `Type = "key" via Wire` reads and writes the member as a `Wire`, such as [`Number`].
///
/// Every object also has `extra`, the members it does not know, and a setter for each optional member.
macro_rules! object {
    (
        $(#[$attr:meta])*
        pub struct $name:ident {
            $( tag $tkey:literal = $tword:literal; )?
            $( required { $( $(#[$rattr:meta])* $rfield:ident : $rty:ty = $rkey:literal $(via $rvia:ty)?, )+ } )?
            $( lenient { $( $(#[$lattr:meta])* $lfield:ident : $lty:ty = $lkey:literal $(via $lvia:ty)?, )+ } )?
            $( optional { $( $(#[$oattr:meta])* $ofield:ident : $oty:ty = $okey:literal $(via $ovia:ty)?, )+ } )?
            $( present { $( $(#[$pattr:meta])* $pfield:ident : $pkey:literal, )+ } )?
        }
    ) => {
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($( $(#[$rattr])* pub $rfield: $rty, )+)?
            $($( $(#[$lattr])* pub $lfield: $lty, )+)?
            $($( $(#[$oattr])* pub $ofield: Option<$oty>, )+)?
            $($( $(#[$pattr])* pub $pfield: Option<$crate::RawJson>, )+)?
            /// Members that this library does not know, kept as they were sent.
            pub extra: $crate::JsonObject,
        }

        $crate::object::default_if_nothing_is_required!($name $($($rfield)+)?);

        impl $name {
            /// Makes the object from what it must have.
            pub fn new($($( $rfield: impl Into<$rty>, )+)?) -> Self {
                Self {
                    $($( $rfield: $rfield.into(), )+)?
                    $($( $lfield: <$lty>::default(), )+)?
                    $($( $ofield: None, )+)?
                    $($( $pfield: None, )+)?
                    extra: $crate::JsonObject::new(),
                }
            }

            $($(
                #[doc = concat!("Sets `", $lkey, "`.")]
                #[must_use]
                pub fn $lfield(mut self, value: impl Into<$lty>) -> Self {
                    self.$lfield = value.into();
                    self
                }
            )+)?
            $($(
                #[doc = concat!("Sets `", $okey, "`.")]
                #[must_use]
                pub fn $ofield(mut self, value: impl Into<$oty>) -> Self {
                    self.$ofield = Some(value.into());
                    self
                }
            )+)?
            $($(
                #[doc = concat!("Sets `", $pkey, "`.")]
                #[must_use]
                pub fn $pfield(mut self, value: impl Into<$crate::RawJson>) -> Self {
                    self.$pfield = Some(value.into());
                    self
                }
            )+)?
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $( map.serialize_entry($tkey, $tword)?; )?
                $($( map.serialize_entry($rkey, $crate::object::wire!(&self.$rfield $(, $rvia)?))?; )+)?
                $($( map.serialize_entry($lkey, $crate::object::wire!(&self.$lfield $(, $lvia)?))?; )+)?
                $($( if let Some(value) = &self.$ofield {
                    map.serialize_entry($okey, $crate::object::wire!(value $(, $ovia)?))?;
                } )+)?
                $($( if let Some(value) = &self.$pfield { map.serialize_entry($pkey, value)?; } )+)?
                if !self.extra.is_empty() {
                    $crate::object::extra(&mut map, &self.extra)?;
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Members;

                impl<'de> serde::de::Visitor<'de> for Members {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("an object (", stringify!($name), ")"))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        $($( let mut $rfield: Option<$rty> = None; )+)?
                        $($( let mut $lfield: Option<$lty> = None; )+)?
                        $($( let mut $ofield: Option<$oty> = None; )+)?
                        $($( let mut $pfield: Option<$crate::RawJson> = None; )+)?
                        let mut extra = $crate::JsonObject::new();
                        while let Some(key) = $crate::object::next_key(&mut map)? {
                            match &*key {
                                $( $tkey => $crate::object::tag(&mut map, $tkey, $tword)?, )?
                                $($( $rkey => $rfield = Some($crate::object::unwire!(map, $rkey $(, $rvia)?)), )+)?
                                $($( $lkey => $lfield = $crate::object::unwire!(map, $lkey, Option $(, $lvia)?), )+)?
                                $($( $okey => $ofield = $crate::object::unwire!(map, $okey, Option $(, $ovia)?), )+)?
                                $($( $pkey => $pfield = Some($crate::object::member(&mut map, $pkey)?), )+)?
                                _ => $crate::object::unknown(&mut map, key, &mut extra)?,
                            }
                        }
                        Ok($name {
                            $($( $rfield: $rfield.ok_or_else(|| serde::de::Error::missing_field($rkey))?, )+)?
                            $($( $lfield: $lfield.unwrap_or_default(), )+)?
                            $($( $ofield, )+)?
                            $($( $pfield, )+)?
                            extra,
                        })
                    }
                }

                deserializer.deserialize_map(Members)
            }
        }
    };
}

/// Declares an open set of words: the ones the specification names, and `Other` for what a later one may add.
macro_rules! words {
    (
        $(#[$attr:meta])*
        pub enum $name:ident { $( $(#[$vattr:meta])* $variant:ident = $word:literal, )+ }
    ) => {
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$vattr])* $variant, )+
            /// A word that this library does not know, kept as it was sent.
            Other(Box<str>),
        }

        impl $name {
            /// Returns the word as it stands on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $word, )+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $( $word => Self::$variant, )+
                    other => Self::Other(other.into()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let $crate::object::Key(word) = serde::Deserialize::deserialize(deserializer)?;
                Ok(Self::from(&*word))
            }
        }
    };
}

/// Gives the form in which a member is written.
macro_rules! wire {
    ($value:expr) => {
        $value
    };
    ($value:expr, $via:ty) => {
        &<$via>::from(*$value)
    };
}

/// Reads a member, by way of its wire form when it has one; `Option` stands for a member that may be null.
macro_rules! unwire {
    ($map:ident, $key:literal) => {
        $crate::object::member(&mut $map, $key)?
    };
    ($map:ident, $key:literal, Option) => {
        $crate::object::member(&mut $map, $key)?
    };
    ($map:ident, $key:literal, Option, $via:ty) => {
        $crate::object::member::<_, Option<$via>>(&mut $map, $key)?.map(Into::into)
    };
    ($map:ident, $key:literal, $via:ty) => {
        $crate::object::member::<_, $via>(&mut $map, $key)?.into()
    };
}

/// Implements `Default` for an object that is valid without any argument.
macro_rules! default_if_nothing_is_required {
    ($name:ident) => {
        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
    ($name:ident $($field:ident)+) => {};
}

pub(crate) use {default_if_nothing_is_required, object, unwire, wire, words};

/// A key or a word, borrowed from the text where it has no escapes.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text)))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

// What follows is the same in each of the some hundred objects, so it is compiled once for all of them: that is a third of
// the code of a decoder.

/// Reads the key of the next member.
#[inline(never)]
pub(crate) fn next_key<'de, A>(map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error>
where
    A: serde::de::MapAccess<'de>,
{
    Ok(map.next_key::<Key<'de>>()?.map(|Key(key)| key))
}

/// Writes the members that this library does not know.
#[inline(never)]
pub(crate) fn extra<M: serde::ser::SerializeMap>(map: &mut M, extra: &JsonObject) -> Result<(), M::Error> {
    extra.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))
}

/// Keeps a member that this library does not know.
#[inline(never)]
pub(crate) fn unknown<'de, A>(map: &mut A, key: Cow<'de, str>, extra: &mut JsonObject) -> Result<(), A::Error>
where
    A: serde::de::MapAccess<'de>,
{
    extra.push(key, map.next_value()?);
    Ok(())
}

/// Decodes the value of the member `key` and names it in the error, so that a message says which member is wrong.
#[inline(never)]
pub(crate) fn member<'de, A, T>(map: &mut A, key: &'static str) -> Result<T, A::Error>
where
    A: serde::de::MapAccess<'de>,
    T: Deserialize<'de>,
{
    map.next_value().map_err(|error| named(key, &error))
}

#[cold]
#[inline(never)]
fn named<E: Error>(key: &str, error: &E) -> E {
    E::custom(format_args!("`{key}`: {error}"))
}

/// Checks that the member `key`, which has only one value, has it.
pub(crate) fn tag<'de, A>(map: &mut A, key: &'static str, word: &'static str) -> Result<(), A::Error>
where
    A: serde::de::MapAccess<'de>,
{
    let Key(found) = member(map, key)?;
    if found == word {
        return Ok(());
    }
    Err(A::Error::custom(format_args!("`{key}`: must be \"{word}\", not {found:?}")))
}

/// A number that may be fractional; a whole one is written without a fraction, as it was most likely sent.
#[derive(Clone, Copy)]
pub(crate) struct Number(f64);

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self(number)
    }
}

impl From<Number> for f64 {
    fn from(number: Number) -> Self {
        number.0
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The greatest whole number below which an `f64` holds every whole number.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            // The check above makes the conversion exact.
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self)
    }
}

/// A time in milliseconds. Peers write `60000.0` and `6e4` too, and a negative one counts as zero (P-72).
#[derive(Clone, Copy)]
pub(crate) struct Milliseconds(u64);

impl From<u64> for Milliseconds {
    fn from(milliseconds: u64) -> Self {
        Self(milliseconds)
    }
}

impl From<Milliseconds> for u64 {
    fn from(milliseconds: Milliseconds) -> Self {
        milliseconds.0
    }
}

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyNumber;

        impl Visitor<'_> for AnyNumber {
            type Value = Milliseconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of milliseconds")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Milliseconds, E> {
                Ok(Milliseconds(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Milliseconds, E> {
                Ok(Milliseconds(u64::try_from(number).unwrap_or(0)))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Milliseconds, E> {
                // The conversion saturates: a negative number becomes zero, a huge one the greatest `u64`.
                Ok(Milliseconds(number as u64))
            }
        }

        deserializer.deserialize_any(AnyNumber)
    }
}

/// A time in milliseconds, or `null` for one without end.
#[derive(Clone, Copy)]
pub(crate) struct Endless(Option<Milliseconds>);

impl From<Option<u64>> for Endless {
    fn from(milliseconds: Option<u64>) -> Self {
        Self(milliseconds.map(Milliseconds))
    }
}

impl From<Endless> for Option<u64> {
    fn from(milliseconds: Endless) -> Self {
        milliseconds.0.map(u64::from)
    }
}

impl Serialize for Endless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Endless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Annotations, CallToolResult, Implementation, Resource, Role, ToolAnnotations};

    #[test]
    fn unknown_members_survive_and_null_is_absent() {
        let text = r#"{"name":"n","version":"1","x":{"a":[1.50]},"y":null}"#;
        let read: Implementation = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let read: Implementation = serde_json::from_str(r#"{"name":"n","version":"1","title":null}"#).unwrap();
        assert_eq!(read, Implementation::new("n", "1"));
    }

    #[test]
    fn an_error_names_the_member_that_is_wrong() {
        let check = |text: &str, part: &str| {
            let error = serde_json::from_str::<Resource>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        check(r#"{"name":"n"}"#, "missing field `uri`");
        check(r#"{"name":"n","uri":null}"#, "`uri`: invalid type: null");
        check(
            r#"{"name":"n","uri":"a:b","annotations":{"priority":"high"}}"#,
            "`annotations`: `priority`: invalid type",
        );
        check("[]", "an object (Resource)");
    }

    #[test]
    fn a_word_that_is_not_known_survives() {
        let read: Annotations = serde_json::from_str(r#"{"audience":["user","robot"],"priority":1}"#).unwrap();
        assert_eq!(read.audience.as_deref(), Some(&[Role::User, Role::Other("robot".into())][..]));
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"audience":["user","robot"],"priority":1}"#);
    }

    #[test]
    fn a_fraction_is_written_only_when_there_is_one() {
        let check = |number: f64, text: &str| {
            let written = serde_json::to_string(&Annotations::new().priority(number)).unwrap();
            assert_eq!(written, format!(r#"{{"priority":{text}}}"#));
        };
        check(0.0, "0");
        check(-3.0, "-3");
        check(0.5, "0.5");
        check(1e15, "1000000000000000");
        check(1e300, "1e+300");
    }

    #[test]
    fn an_object_is_made_from_what_it_must_have_and_set_member_by_member() {
        let tool = ToolAnnotations::new().title("t").read_only_hint(true);
        assert_eq!(serde_json::to_string(&tool).unwrap(), r#"{"title":"t","readOnlyHint":true}"#);
        assert_eq!(serde_json::to_string(&CallToolResult::new()).unwrap(), r#"{"content":[]}"#);
    }

    #[test]
    fn an_unknown_member_that_stands_twice_is_kept_twice() {
        let text = r#"{"content":[],"x":1,"x":2}"#;
        let read: CallToolResult = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}
