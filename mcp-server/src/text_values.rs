//! Reading a Rust type out of named texts: the arguments of prompts and the variables of templates.
//!
//! The surprising thing: `"3"` becomes a number when the type wants one, because the protocol has no other way to say
//! it there (T-103).

use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Decodes named texts; says what is wrong in words that the caller can act on.
pub(crate) fn decode<T: DeserializeOwned>(texts: &[(String, String)]) -> Result<T, String> {
    let members = texts.iter().map(|(name, text)| (name.as_str(), Text { name, text }));
    T::deserialize(Members(MapDeserializer::new(members))).map_err(|error: serde::de::value::Error| error.to_string())
}

/// The texts as one value: a map, or nothing at all for a type without members.
struct Members<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Members<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[derive(Clone, Copy)]
struct Text<'a> {
    name: &'a str,
    text: &'a str,
}

impl<'de, E: Error> IntoDeserializer<'de, E> for Text<'_> {
    type Deserializer = Value<'de, E>;

    fn into_deserializer(self) -> Value<'de, E> {
        Value { name: self.name.into(), text: self.text.into(), marker: std::marker::PhantomData }
    }
}

struct Value<'de, E> {
    name: Box<str>,
    text: Box<str>,
    marker: std::marker::PhantomData<(&'de (), E)>,
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty, $wanted:literal;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            match self.text.parse::<$type>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(self.unfit($wanted)),
            }
        }
    )+};
}

impl<E: Error> Value<'_, E> {
    fn unfit(&self, wanted: &str) -> E {
        let shown = crate::text::shorten(&self.text, 60);
        E::custom(format_args!("`{}`: expected {wanted}, got {shown:?}", self.name))
    }
}

impl<'de, E: Error> Deserializer<'de> for Value<'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_str(&self.text).map_err(|error: E| E::custom(format_args!("`{}`: {error}", self.name)))
    }

    parsed! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i8 visit_i8 i8, "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "a whole number of 16 bits";
        deserialize_i32 visit_i32 i32, "a whole number of 32 bits";
        deserialize_i64 visit_i64 i64, "a whole number of 64 bits";
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, "a whole number that is not negative";
        deserialize_u64 visit_u64 u64, "a whole number that is not negative";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        let text: StrDeserializer<'_, E> = (&*self.text).into_deserializer();
        text.deserialize_enum(name, variants, visitor)
            .map_err(|error| E::custom(format_args!("`{}`: {error}", self.name)))
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Unit {
        Day,
        Hour,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wanted {
        city: String,
        days: Option<u8>,
        unit: Option<Unit>,
    }

    fn read(texts: &[(&str, &str)]) -> Result<Wanted, String> {
        let texts: Vec<_> = texts.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        decode(&texts)
    }

    #[test]
    fn texts_become_what_the_type_wants() {
        assert_eq!(
            read(&[("city", "Rome"), ("days", "3"), ("unit", "hour"), ("other", "x")]),
            Ok(Wanted { city: "Rome".to_owned(), days: Some(3), unit: Some(Unit::Hour) })
        );
        assert_eq!(read(&[("city", "Rome")]), Ok(Wanted { city: "Rome".to_owned(), days: None, unit: None }));
        assert_eq!(decode::<()>(&[]), Ok(()));
    }

    #[test]
    fn a_text_that_does_not_fit_is_named() {
        assert_eq!(read(&[]).unwrap_err(), "missing field `city`");
        let error = read(&[("city", "Rome"), ("days", "many")]).unwrap_err();
        assert_eq!(error, "`days`: expected a whole number from 0 to 255, got \"many\"");
        let error = read(&[("city", "Rome"), ("unit", "year")]).unwrap_err();
        assert!(error.starts_with("`unit`: unknown variant `year`"), "{error}");
    }
}
