//! Writing Rust values as JSON, by a serializer of our own.
//!
//! `serde_json` looks at a text byte by byte and takes nothing raw without reading it again. Here what needs no escape is
//! copied as a whole, and [`RawJson`](super::RawJson) is put in as it is. What is rare (fractions, keys that are not
//! texts) is left to `serde_json`, so that the output is the same to the byte.
//!
//! The surprising thing: this serializer is recognised by raw JSON, which asks for a newtype of the name [`RAW`] to be
//! written and then meets a serializer that is not human readable. Every other serializer sees a `RawValue`.

use std::fmt::Display;

use serde::Serialize;
use serde::ser::{self, Error as _, SerializeMap, SerializeSeq};
use serde_json::Error;

use super::scan::{MAX_DEPTH, Scanner, find_special};

mod leaf;

use leaf::Leaf;

/// The name under which raw JSON asks to be put in as it is.
pub(super) const RAW: &str = "$mcp_types::RawJson";

/// What `serde_json` calls the structures by which it passes raw values and numbers of any precision through serde. A
/// test fails when it calls them something else.
const PRIVATE: &str = "$serde_json::private::";

/// Appends compact JSON to `out`; refuses what has more than [`MAX_DEPTH`] containers in each other.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// The containers that are open, those around the value included.
    depth: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, depth: u32) -> Self {
        Self { out, depth }
    }

    fn again(&mut self) -> Writer<'_> {
        Writer { out: self.out, depth: self.depth }
    }

    fn open(self, bracket: u8) -> Result<Container<'a>, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::custom(format_args!(
                "the value is nested too deep: a message has at most {MAX_DEPTH} containers in each other, its envelope \
                 among them"
            )));
        }
        self.out.push(bracket);
        Ok(Container { writer: Writer { out: self.out, depth: self.depth + 1 }, is_empty: true, more: b"" })
    }

    /// Opens `{"variant":` and then the container in it.
    fn open_variant(self, variant: &str, bracket: u8, close: &'static [u8]) -> Result<Container<'a>, Error> {
        let outer = self.open(b'{')?;
        put_string(outer.writer.out, variant);
        outer.writer.out.push(b':');
        let inner = outer.writer.open(bracket)?;
        Ok(Container { more: close, ..inner })
    }

    fn integer(self, magnitude: u64, is_negative: bool) {
        if is_negative {
            self.out.push(b'-');
        }
        with_digits(magnitude, |digits| self.out.extend_from_slice(digits));
    }

    /// Leaves a scalar to `serde_json`.
    fn scalar<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        serde_json::to_writer(self.out, value)
    }

    /// Puts in raw JSON: ours, which may be too deep at this place, or of somebody else, which proves little.
    fn raw(&mut self, text: &[u8], is_proven: bool) -> Result<(), Error> {
        let text = text.trim_ascii();
        if is_proven {
            check_depth(text, self.depth)?;
        } else {
            scan(Scanner::new(text).map_err(Error::custom)?, self.depth)?;
        }
        self.out.extend_from_slice(text);
        Ok(())
    }
}

/// Returns whether a text that is valid JSON can stand within so many containers.
pub(super) fn check_depth(text: &[u8], depth: u32) -> Result<(), Error> {
    // So short a text has no room for too many brackets.
    let is_shallow = (text.len() / 2).saturating_add(depth as usize) <= MAX_DEPTH as usize;
    if is_shallow { Ok(()) } else { scan(Scanner::unchecked_utf8(text), depth) }
}

fn scan(mut scanner: Scanner<'_>, depth: u32) -> Result<(), Error> {
    scanner.space();
    let refused = |error| Error::custom(format_args!("raw JSON in the value: {error}"));
    scanner.value(depth).map_err(refused)?;
    scanner.end().map_err(Error::custom)
}

/// Appends a string with its quotes.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    // With an eighth for escapes and for what follows: one byte too few would double the room, and move all of it.
    out.reserve(rest.len() + rest.len() / 8 + 2);
    out.push(b'"');
    loop {
        let (plain, special) = rest.split_at_checked(find_special(rest)).unwrap_or((rest, b""));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { break };
        put_escape(out, *byte);
        rest = after;
    }
    out.push(b'"');
}

fn put_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Gives the decimal digits of a number to `put`.
pub(crate) fn with_digits(mut number: u64, put: impl FnOnce(&[u8])) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        // The remainder of a division by ten is one digit.
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        start = at;
        if number == 0 {
            break;
        }
    }
    put(digits.get(start..).unwrap_or_default());
}

/// An array or an object that is being written.
pub(super) struct Container<'a> {
    writer: Writer<'a>,
    is_empty: bool,
    /// What closes the object around a variant.
    more: &'static [u8],
}

impl Container<'_> {
    fn separate(&mut self) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.writer.out.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        value.serialize(self.writer.again())
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        self.separate();
        put_string(self.writer.out, key);
        self.writer.out.push(b':');
        value.serialize(self.writer.again())
    }

    fn close(self, bracket: u8) {
        self.writer.out.push(bracket);
        self.writer.out.extend_from_slice(self.more);
    }
}

/// A structure that is being written, or one by which `serde_json` passes something through.
pub(super) enum Structure<'a> {
    Members(Container<'a>),
    Private(Writer<'a>),
}

macro_rules! integers {
    ($($name:ident: $type:ty, $is_negative:expr;)+) => {$(
        fn $name(self, value: $type) -> Result<(), Error> {
            self.integer(u64::from(value.unsigned_abs()), $is_negative(value));
            Ok(())
        }
    )+};
}

macro_rules! naturals {
    ($($name:ident: $type:ty;)+) => {$(
        fn $name(self, value: $type) -> Result<(), Error> {
            self.integer(u64::from(value), false);
            Ok(())
        }
    )+};
}

macro_rules! scalars {
    ($($name:ident: $type:ty;)+) => {$(
        fn $name(self, value: $type) -> Result<(), Error> {
            self.scalar(&value)
        }
    )+};
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Container<'a>;
    type SerializeTuple = Container<'a>;
    type SerializeTupleStruct = Container<'a>;
    type SerializeTupleVariant = Container<'a>;
    type SerializeMap = Container<'a>;
    type SerializeStruct = Structure<'a>;
    type SerializeStructVariant = Container<'a>;

    integers! {
        serialize_i8: i8, i8::is_negative;
        serialize_i16: i16, i16::is_negative;
        serialize_i32: i32, i32::is_negative;
        serialize_i64: i64, i64::is_negative;
    }

    naturals! {
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
    }

    scalars! {
        serialize_i128: i128;
        serialize_u128: u128;
        serialize_f32: f32;
        serialize_f64: f64;
        serialize_char: char;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        put_string(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Error> {
        if name == RAW { value.serialize(Leaf::raw(self)) } else { value.serialize(self) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut object = self.open(b'{')?;
        object.member(variant, value)?;
        object.close(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Container<'a>, Error> {
        self.open(b'[')
    }

    fn serialize_tuple(self, _: usize) -> Result<Container<'a>, Error> {
        self.open(b'[')
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Container<'a>, Error> {
        self.open(b'[')
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'a>, Error> {
        self.open_variant(variant, b'[', b"}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Container<'a>, Error> {
        self.open(b'{')
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Structure<'a>, Error> {
        if name.starts_with(PRIVATE) {
            return Ok(Structure::Private(self));
        }
        self.open(b'{').map(Structure::Members)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'a>, Error> {
        self.open_variant(variant, b'{', b"}")
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.serialize_str(&value.to_string())
    }
}

impl SerializeSeq for Container<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close(b']');
        Ok(())
    }
}

impl ser::SerializeTuple for Container<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleStruct for Container<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleVariant for Container<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        SerializeSeq::end(self)
    }
}

impl SerializeMap for Container<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        key.serialize(Leaf::key(self.writer.again()))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.writer.out.push(b':');
        value.serialize(self.writer.again())
    }

    fn end(self) -> Result<(), Error> {
        self.close(b'}');
        Ok(())
    }
}

impl ser::SerializeStructVariant for Container<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), Error> {
        SerializeMap::end(self)
    }
}

impl ser::SerializeStruct for Structure<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        match self {
            Self::Members(container) => container.member(key, value),
            Self::Private(writer) => {
                // The only field is the text that is meant.
                let text: String = serde_json::from_slice(&serde_json::to_vec(value)?)?;
                writer.raw(text.as_bytes(), false)
            }
        }
    }

    fn end(self) -> Result<(), Error> {
        match self {
            Self::Members(container) => SerializeMap::end(container),
            Self::Private(_) => Ok(()),
        }
    }
}
