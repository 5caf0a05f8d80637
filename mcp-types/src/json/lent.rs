//! The text of one value, as the parser has it.
//!
//! A `RawValue` is either borrowed, and then only some parsers can give it, or a copy. This is whichever the parser can
//! give. The surprising thing: it goes through the name by which `serde_json` passes raw values through serde, which is
//! private to it; a test fails when that is called something else.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The text of one value, without the white space around it. The grammar was checked, and nothing else.
pub(crate) struct Lent<'de>(pub(crate) Cow<'de, str>);

const RAW_VALUE: &str = "$serde_json::private::RawValue";

impl<'de> Deserialize<'de> for Lent<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RAW_VALUE, Value)
    }
}

struct Value;

impl<'de> Visitor<'de> for Value {
    type Value = Lent<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lent<'de>, A::Error> {
        // The only key is the name again.
        match map.next_entry::<IgnoredAny, Content<'de>>()? {
            Some((_, Content(text))) => Ok(Lent(text)),
            None => Err(A::Error::custom("a raw value has no text")),
        }
    }
}

/// The text as a string of serde.
struct Content<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Content<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let crate::object::Key(text) = Deserialize::deserialize(deserializer)?;
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_lent_by_a_parser_that_can_and_copied_by_one_that_cannot() {
        let text = r#" {"a": [1.50, "\u00e9"]} "#;
        let Lent(lent) = serde_json::from_str(text).unwrap();
        assert!(matches!(lent, Cow::Borrowed(found) if found == text.trim()));
        let Lent(copied) = Lent::deserialize(serde_json::json!({"a": 1})).unwrap();
        assert!(matches!(copied, Cow::Owned(found) if found == r#"{"a":1}"#));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "[1,]", "tru"] {
            assert!(serde_json::from_str::<Lent<'_>>(text).is_err(), "{text}");
        }
    }
}
