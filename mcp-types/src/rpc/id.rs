//! Request ids and progress tokens: a string or an integer (T-2, T-24).

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::RawJson;

/// The greatest length of a textual id or token, in bytes.
const MAX_TEXT: usize = 256;

/// Declares an identifier that is a string or an integer on the wire and keeps which of the two it was.
macro_rules! identifier {
    ($(#[$attr:meta])* $name:ident) => {
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            /// An integer.
            Number(i64),
            /// A string of at most 256 bytes.
            Text(Box<str>),
        }

        impl $name {
            /// Reads a value that the scan has walked over; `None` when it is neither.
            pub(crate) fn read(value: &[u8]) -> Option<Self> {
                match small_number(value) {
                    Some(number) => Some(Self::Number(number)),
                    None => $crate::json::read_scanned(value).ok(),
                }
            }
        }

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                Self::Number(number)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::Text(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::Text(text.into())
            }
        }

        impl From<&$name> for RawJson {
            fn from(id: &$name) -> Self {
                match id {
                    $name::Number(number) => Self::integer(*number),
                    $name::Text(text) => Self::of(text),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Number(number) => number.fmt(f),
                    Self::Text(text) => write!(f, "{text:?}"),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Number(number) => serializer.serialize_i64(*number),
                    Self::Text(text) => serializer.serialize_str(text),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextOrInteger;

                impl Visitor<'_> for TextOrInteger {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string of at most 256 bytes or an integer of at most 64 bits")
                    }

                    fn visit_i64<E: Error>(self, number: i64) -> Result<$name, E> {
                        Ok($name::Number(number))
                    }

                    fn visit_u64<E: Error>(self, number: u64) -> Result<$name, E> {
                        i64::try_from(number)
                            .map($name::Number)
                            .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        if text.len() > MAX_TEXT {
                            return Err(E::invalid_length(text.len(), &self));
                        }
                        Ok($name::Text(text.into()))
                    }
                }

                deserializer.deserialize_any(TextOrInteger)
            }
        }
    };
}

identifier! {
    /// The id of a request. `1` and `"1"` are different ids, and an answer repeats the one that was asked with.
    RequestId
}

identifier! {
    /// The token by which progress notifications name the request they belong to (P-50).
    ProgressToken
}

/// Reads a whole number of few digits, as nearly all ids are.
fn small_number(value: &[u8]) -> Option<i64> {
    if value.is_empty() || value.len() > SURE_DIGITS {
        return None;
    }
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    value.iter().try_fold(0, |number, byte| Some(number * 10 + digit(byte)?))
}

/// So many decimal digits fit an `i64`, whatever they are.
const SURE_DIGITS: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_json_type() {
        for text in [
            "0",
            "999999999999999999",
            "1000000000000000000",
            "-9223372036854775808",
            "9223372036854775807",
            r#""""#,
            r#""1""#,
            "1",
        ] {
            let id: RequestId = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), text);
            assert_eq!(RawJson::from(&id).as_str(), text);
            assert_eq!(RequestId::read(text.as_bytes()), Some(id));
        }
        assert_ne!(RequestId::from(1), RequestId::from("1"));
    }

    #[test]
    fn what_is_neither_text_nor_integer_is_no_id() {
        for text in ["null", "1.5", "1.0", "true", "{}", "[]", "9223372036854775808", "1180591620717411303424"] {
            assert!(serde_json::from_str::<RequestId>(text).is_err(), "accepted {text}");
            assert_eq!(RequestId::read(text.as_bytes()), None);
        }
    }

    #[test]
    fn a_textual_id_ends_at_256_bytes() {
        let of = |length: usize| serde_json::from_str::<RequestId>(&format!("{:?}", "x".repeat(length)));
        assert!(of(255).is_ok());
        assert!(of(256).is_ok());
        assert!(of(257).is_err());
    }
}
