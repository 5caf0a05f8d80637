//! What stands where only a leaf may: the key of a member, or the text of raw JSON.
//!
//! The surprising thing: nothing else is human readable here. That is how raw JSON knows that its bytes are taken.

use serde::Serialize;
use serde::ser::{Error as _, Impossible, Serializer};
use serde_json::Error;

use super::{PRIVATE, Structure, Writer, put_string};

/// Writes one leaf.
pub(super) struct Leaf<'a> {
    writer: Writer<'a>,
    is_key: bool,
}

impl<'a> Leaf<'a> {
    /// Writes the key of a member.
    pub(super) fn key(writer: Writer<'a>) -> Self {
        Self { writer, is_key: true }
    }

    /// Puts in the text of raw JSON.
    pub(super) fn raw(writer: Writer<'a>) -> Self {
        Self { writer, is_key: false }
    }

    /// Writes a key that is no text as `serde_json` writes it.
    fn other<T: Serialize + ?Sized>(self, key: &T) -> Result<(), Error> {
        /// The key with nothing under it.
        struct Alone<'k, T: ?Sized>(&'k T);

        impl<T: Serialize + ?Sized> Serialize for Alone<'_, T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([(self.0, ())])
            }
        }

        let alone = serde_json::to_string(&Alone(key))?;
        let key = alone.strip_prefix('{').and_then(|rest| rest.strip_suffix(":null}"));
        self.writer.out.extend_from_slice(key.ok_or_else(refused)?.as_bytes());
        Ok(())
    }
}

fn refused() -> Error {
    Error::custom("key must be a string")
}

macro_rules! others {
    ($($name:ident: $type:ty;)+) => {$(
        fn $name(self, value: $type) -> Result<(), Error> {
            self.other(&value)
        }
    )+};
}

macro_rules! containers {
    ($($name:ident($($argument:ty),*) -> $container:ident;)+) => {$(
        fn $name(self, $(_: $argument),*) -> Result<Self::$container, Error> {
            Err(refused())
        }
    )+};
}

impl<'a> Serializer for Leaf<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Structure<'a>;
    type SerializeStructVariant = Impossible<(), Error>;

    fn is_human_readable(&self) -> bool {
        self.is_key
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        put_string(self.writer.out, value);
        Ok(())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), Error> {
        if self.is_key { Err(refused()) } else { self.writer.raw(value, true) }
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.other(&Some(value))
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.other(&None::<()>)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.other(&())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.other(&())
    }

    /// Takes what serde kept aside before it came here (`flatten` and the like): raw JSON in the form for others.
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Structure<'a>, Error> {
        if !self.is_key && name.starts_with(PRIVATE) { Ok(Structure::Private(self.writer)) } else { Err(refused()) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(refused())
    }

    others! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
        serialize_f32: f32;
        serialize_f64: f64;
        serialize_char: char;
    }

    containers! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }
}
