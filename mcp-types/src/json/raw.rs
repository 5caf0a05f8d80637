//! A JSON value kept as the bytes it arrived in.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::{Buf as _, Bytes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::encode::{self, MAX_ENCODED_DEPTH};
use super::lent::Lent;
use super::scan::{self, MAX_DEPTH, ScanError, Scanner, Span};
use super::walk::Walk;
use super::write;
use crate::rpc::ProgressToken;

/// One valid JSON value, as text.
///
/// It can only be made by the [validating scan](super::scan) or from a Rust value under the same rules, so whoever holds
/// one need not check it again: it is UTF-8, at most 128 containers deep, its surrogates are paired and its numbers fit
/// an `f64`. Order of members, digits of numbers and unknown members stay as they were sent. Two values are equal when
/// their texts are equal.
///
/// # Cost
///
/// Cloning is cheap: the bytes are shared. What [`Message::parse`](crate::Message::parse), [`members`](Self::members)
/// and [`Params`](crate::Params) hand out are parts of the buffer that the message arrived in, which they keep alive;
/// nothing is copied, unless by [`copied`](Self::copied). As a member of a decoded struct the text goes through serde, which can lend nothing: `Deserialize`
/// walks over it twice (the parser finds its end, the scan checks it) and copies it once into a buffer of its own.
/// [`encode`](Self::encode) copies it into the output, and walks over a long one to know how deep it is; any other
/// serializer takes nothing raw unseen, and walks over all of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawJson(Bytes);

impl RawJson {
    /// Takes a text after checking it.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the text and where.
    pub fn parse(text: impl Into<Bytes>) -> Result<Self, ScanError> {
        let text = text.into();
        scan::validate(&text)?;
        Ok(Self(text))
    }

    /// Encodes a Rust value.
    ///
    /// # Errors
    ///
    /// Fails when the value has a map whose keys are not strings, when it has more than
    /// [`MAX_ENCODED_DEPTH`] containers in each other, when a `RawValue` in it breaks the rules
    /// of the scan, or when its own `Serialize` fails.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        encode::write(value, MAX_ENCODED_DEPTH).map(|text| Self(text.into()))
    }

    /// Writes the parameters of a `tools/call` by hand, as every call of a client needs them: with the token and the
    /// members of `meta`, which has no token, in their `_meta`, if there are any.
    ///
    /// # Errors
    ///
    /// Fails when `meta` is not an object, and when it or the arguments are nested too deep to be sent.
    pub fn call(
        name: &str,
        arguments: Option<&Self>,
        meta: Option<&Self>,
        token: Option<&ProgressToken>,
    ) -> Result<Self, serde_json::Error> {
        encode::write_call(name, arguments, meta, token).map(|text| Self(text.into()))
    }

    /// Encodes a Rust value that is written as an object, with one more member at its end.
    ///
    /// # Errors
    ///
    /// Fails as [`encode`](Self::encode) does, and when the value is not an object.
    pub fn encode_with<T>(value: &T, key: &'static str, member: &Self) -> Result<Self, serde_json::Error>
    where
        T: Serialize + ?Sized,
    {
        encode::write_with(value, MAX_ENCODED_DEPTH, key, member).map(|text| Self(text.into()))
    }

    /// Returns this object with one more member in front of its own. The caller knows that it has none of this name.
    ///
    /// # Errors
    ///
    /// Fails when the value is not an object, and when the member is nested too deep to stand in one.
    pub fn with_first(&self, key: &'static str, member: &Self) -> Result<Self, serde_json::Error> {
        encode::write_first(self, MAX_ENCODED_DEPTH, key, member).map(|text| Self(text.into()))
    }

    /// Encodes a value of this library that has no error of its own, such as a form.
    ///
    /// # Panics
    ///
    /// Panics when raw JSON was put into it that makes it deeper than any message.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        let text = encode::write(value, MAX_DEPTH);
        Self(text.expect("the value has string keys and at most 128 containers in each other").into())
    }

    /// Writes an integer.
    pub(crate) fn integer(number: i64) -> Self {
        Self(number.to_string().into())
    }

    /// Returns the empty object, `{}`.
    pub fn empty_object() -> Self {
        Self(Bytes::from_static(b"{}"))
    }

    /// Returns the value `null`.
    pub fn null() -> Self {
        Self(Bytes::from_static(b"null"))
    }

    /// Decodes the value into a Rust type.
    ///
    /// # Errors
    ///
    /// Fails when the value is not of the shape that `T` wants.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        // All is read from a `str`, which has each string looked at once for being UTF-8, and each type have one decoder.
        // Nothing can follow the value.
        T::deserialize(&mut serde_json::Deserializer::from_str(self.as_str()))
    }

    /// Decodes the value into a document tree.
    ///
    /// # Errors
    ///
    /// Fails when a part of the value is one that a tree does not hold.
    pub fn to_value(&self) -> Result<serde_json::Value, serde_json::Error> {
        self.decode()
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the scan proved that raw JSON is UTF-8")
    }

    /// Returns the text as shared bytes.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Returns the text as shared bytes.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Copies the text into a buffer of its own, for who keeps a part for longer than the whole that it came in.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// Begins a walk over the value, at its root.
    pub fn walk(&self) -> Walk<'_> {
        Walk::new(&self.0)
    }

    /// Returns whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.first() == Some(b'{')
    }

    /// Returns whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.first() == Some(b'n')
    }

    /// Finds members of an object by name without decoding the rest.
    ///
    /// # Errors
    ///
    /// Fails when the value is not an object, or when one of the members stands twice.
    pub fn members<const N: usize>(&self, names: [&str; N]) -> Result<[Option<Self>; N], ScanError> {
        let found = find_members(&self.0, names)?;
        Ok(found.map(|span| span.map(|span| Self::scanned(&self.0, span))))
    }

    /// Returns the items of an array, each as a part of its text; `None` when the value is not an array.
    pub fn items(&self) -> Option<Vec<Self>> {
        if self.first() != Some(b'[') {
            return None;
        }
        let mut items = Vec::new();
        // Raw JSON is UTF-8 already.
        let mut scanner = Scanner::unchecked_utf8(&self.0);
        scanner.space();
        let item = |scanner: &mut Scanner<'_>| {
            items.push(Self::scanned(&self.0, scanner.skip(1)?));
            Ok(())
        };
        scanner.array(0, item).expect("the scan proved that raw JSON is valid");
        Some(items)
    }

    fn first(&self) -> Option<u8> {
        self.0.iter().copied().find(|byte| !byte.is_ascii_whitespace())
    }

    /// Takes a part that the scan has walked over as one value; `None` when it is not within the text.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<Self> {
        (range.start <= range.end && range.end <= self.0.len()).then(|| Self(self.0.slice(range)))
    }

    /// Takes a part of a text that the scan has walked over as one value.
    pub(crate) fn scanned(text: &Bytes, span: Span) -> Self {
        Self(text.slice(span.range()))
    }

    /// Makes a text that part of it, as [`scanned`](Self::scanned) does: one who has the text need not share it.
    pub(crate) fn of_scanned(mut text: Bytes, span: Span) -> Self {
        let Range { start, end } = span.range();
        text.truncate(end);
        text.advance(start.min(text.len()));
        Self(text)
    }
}

/// Decodes a part of a text that the scan has walked over.
///
/// Like all else it is read from a `str`, so that each type has one decoder.
pub(crate) fn read_scanned<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, serde_json::Error> {
    let text = std::str::from_utf8(text).map_err(serde::de::Error::custom)?;
    serde_json::from_str(text)
}

/// Finds members of an object by name, in a text that is known to be JSON in UTF-8.
pub(crate) fn find_members<const N: usize>(text: &[u8], names: [&str; N]) -> Result<[Option<Span>; N], ScanError> {
    let mut found = [None; N];
    let mut scanner = Scanner::unchecked_utf8(text);
    scanner.space();
    if scanner.peek() != Some(b'{') {
        return Err(scanner.not_an_object());
    }
    scanner.object(0, |scanner, key| {
        let name = key.name();
        let slot = names.iter().position(|wanted| wanted.as_bytes() == &*name);
        let Some(slot) = slot.and_then(|at| found.get_mut(at)) else {
            return scanner.skip(1).map(drop);
        };
        if slot.is_some() {
            return Err(scanner.duplicate());
        }
        *slot = Some(scanner.skip(1)?);
        Ok(())
    })?;
    Ok(found)
}

impl Default for RawJson {
    /// Returns `null`.
    fn default() -> Self {
        Self::null()
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// For values that a program writes down, such as those of `json!`. What somebody else had a part in goes through
/// [`RawJson::encode`], which has an error.
///
/// # Panics
///
/// Panics when the value has more than 128 containers in each other. `serde_json` reads none that are so deep, so only a
/// program that builds or wraps them by itself can have one.
impl From<serde_json::Value> for RawJson {
    fn from(value: serde_json::Value) -> Self {
        Self::of(&value)
    }
}

/// Like that of a [`Value`](serde_json::Value), whose panic it shares.
impl From<serde_json::Map<String, serde_json::Value>> for RawJson {
    fn from(object: serde_json::Map<String, serde_json::Value>) -> Self {
        Self::of(&object)
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(write::RAW, &Text(self))
    }
}

/// The text of raw JSON, for the serializer that asked for it or for any other.
struct Text<'a>(&'a RawJson);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(&self.0.0);
        }
        let raw: &RawValue = serde_json::from_str(self.0.as_str()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    // One copy for all members of all objects.
    #[inline(never)]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lent::deserialize(deserializer)?.into_raw().map_err(serde::de::Error::custom)
    }
}

impl Lent<'_> {
    /// Makes it raw JSON after checking what the parser does not.
    pub(crate) fn into_raw(self) -> Result<RawJson, ScanError> {
        let text = match self.0 {
            Cow::Borrowed(text) => Bytes::copy_from_slice(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        RawJson::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::ScanErrorKind;

    #[test]
    fn digits_and_order_survive() {
        let text = r#"{"z":1.10,"a":100000000000000000000001}"#;
        let raw: RawJson = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&raw).unwrap(), text);
    }

    #[test]
    fn decoding_runs_the_scan() {
        assert!(serde_json::from_str::<RawJson>(r#""\ud800""#).is_err());
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert!(serde_json::from_str::<RawJson>(&deep).is_err());
    }

    #[test]
    fn members_are_found_without_decoding_the_rest() {
        let raw = RawJson::parse(r#" {"a":[1],"\u0062":{"a":2},"c":null}"#).unwrap();
        let texts = raw.members(["b", "a", "d"]).unwrap().map(|found| found.map(|found| found.as_str().to_owned()));
        assert_eq!(texts, [Some(r#"{"a":2}"#.to_owned()), Some("[1]".to_owned()), None]);
        let twice = RawJson::parse(r#"{"a":1,"\u0061":2,"b":1,"b":2}"#).unwrap();
        assert_eq!(twice.members(["a"]).unwrap_err().kind(), ScanErrorKind::DuplicateKey);
        assert!(twice.members(["c"]).is_ok());
        for text in ["[]", "null", "\"{}\""] {
            let error = RawJson::parse(text).unwrap().members(["a"]).unwrap_err();
            assert_eq!(error.kind(), ScanErrorKind::NotAnObject);
        }
    }

    #[test]
    fn the_items_of_an_array_are_parts_of_it() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let items = RawJson::parse(text.to_owned()).unwrap().items();
            let items = items.as_ref().map(|items| items.iter().map(RawJson::as_str).collect::<Vec<_>>());
            assert_eq!(items.as_deref(), expected, "{text}");
        };
        check("[]", Some(&[]));
        check(r#" [ 1 , "]", [2,[]], {"a":[3]} ] "#, Some(&["1", r#""]""#, "[2,[]]", r#"{"a":[3]}"#]));
        check("{}", None);
        check("null", None);
    }

    #[test]
    fn a_document_tree_becomes_raw_and_back() {
        let value = serde_json::json!({"a": [1, null]});
        assert_eq!(RawJson::from(value.clone()).decode::<serde_json::Value>().unwrap(), value);
    }

    #[test]
    fn whatever_serde_json_reads_becomes_raw() {
        let deepest = format!("{}{}", "[".repeat(127), "]".repeat(127));
        let value: serde_json::Value = serde_json::from_str(&deepest).unwrap();
        assert_eq!(RawJson::from(value).as_str(), deepest);
        assert!(serde_json::from_str::<serde_json::Value>(&format!("[{deepest}]")).is_err());
    }

    #[test]
    #[should_panic(expected = "at most 128 containers")]
    fn a_tree_that_nobody_could_read_does_not_become_raw() {
        let _raw: RawJson = (0..128).fold(serde_json::json!([]), |inner, _| serde_json::json!([inner])).into();
    }
}
