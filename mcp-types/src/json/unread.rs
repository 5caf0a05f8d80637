//! Reading a JSON text in one walk, by who knows what may stand in it.
//!
//! The surprising thing: the walk that reads is the walk that checks. What is taken out raw is checked as it is walked
//! over, and so is what nobody wants, so that a text need not be checked before it is read.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde_json::Error;

use super::raw::read_scanned;
use super::scan::{self, ScanError, Scanner};
use super::{JsonObject, RawJson};

/// A value of a JSON text that a walk has come to and that is not read yet.
///
/// It is for a text of which nothing is known. What is a [`RawJson`] already was checked, and is walked over for less by
/// [`RawJson::walk`].
///
/// # Examples
///
/// ```
/// use mcp_types::json::Unread;
///
/// # fn main() -> Result<(), serde_json::Error> {
/// let (mut names, mut rest) = (Vec::new(), None);
/// Unread::walk(&r#"{"names": ["a", "b"], "rest": {"c": 1.10}}"#.into(), |value| {
///     value.members(|key, value| match key {
///         "names" => value.items(|name| Ok(names.push(name.decode::<String>()?))),
///         _ => Ok(rest = Some(value.raw()?)),
///     })
/// })?;
/// assert_eq!(names, ["a", "b"]);
/// assert_eq!(rest.unwrap().as_str(), r#"{"c": 1.10}"#);
/// # Ok(())
/// # }
/// ```
#[must_use = "a value is read by one of its methods"]
pub struct Unread<'r, 'a> {
    text: &'a Bytes,
    scanner: &'r mut Scanner<'a>,
    /// Containers that are open.
    depth: u32,
}

impl<'a> Unread<'_, 'a> {
    /// Reads a text that is exactly one JSON value under the rules of the [scan](crate::json::scan).
    ///
    /// # Errors
    ///
    /// Fails when the text breaks those rules, whatever `read` says of it, and otherwise when `read` fails.
    pub fn walk<T>(text: &'a Bytes, read: impl FnOnce(Unread<'_, 'a>) -> Result<T, Error>) -> Result<T, Error> {
        let mut scanner = Scanner::new(text).map_err(Error::custom)?;
        scanner.space();
        let value = read_one(text, &mut scanner, 0, read);
        let value = value.and_then(|value| scanner.end().map_err(Error::custom).map(|()| value));
        // Who reads may give up before the walk comes to what is wrong with the text.
        value.map_err(|error| scan::validate(text).err().map_or(error, Error::custom))
    }

    /// Reads what was checked before, by who reads other texts in the same way.
    ///
    /// # Errors
    ///
    /// Fails when `read` fails, also where it keeps that to itself within an object or an array.
    pub fn walk_raw<T>(raw: &'a RawJson, read: impl FnOnce(Unread<'_, 'a>) -> Result<T, Error>) -> Result<T, Error> {
        let mut scanner = Scanner::unchecked_utf8(raw.as_bytes());
        scanner.space();
        let value = read_one(raw.as_bytes(), &mut scanner, 0, read)?;
        scanner.end().map_err(|_| Error::custom("a part of the value was not read to its end"))?;
        Ok(value)
    }

    /// Returns whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.scanner.peek() == Some(b'n')
    }

    /// Returns whether the value is a text.
    pub fn is_string(&self) -> bool {
        self.scanner.peek() == Some(b'"')
    }

    /// Takes the value as a part of the text: nothing is copied.
    ///
    /// # Errors
    ///
    /// Fails when the value is no JSON.
    pub fn raw(self) -> Result<RawJson, Error> {
        let span = self.scanner.value(self.depth);
        let span = sound(self.scanner, span)?;
        Ok(RawJson::scanned(self.text, span))
    }

    /// Decodes the value.
    ///
    /// # Errors
    ///
    /// Fails when the value is no JSON, or not of the shape that `T` wants.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, Error> {
        let span = self.scanner.value(self.depth);
        let span = sound(self.scanner, span)?;
        read_scanned(self.text.get(span.range()).unwrap_or_default())
    }

    /// Reads a text.
    ///
    /// # Errors
    ///
    /// Fails when the value is no JSON text.
    pub fn string(self) -> Result<String, Error> {
        if !self.is_string() {
            return self.decode();
        }
        let key = self.scanner.string();
        let key = sound(self.scanner, key)?;
        String::from_utf8(key.name().into_owned()).map_err(Error::custom)
    }

    /// Walks over an object and gives each of its members to `member`, which may leave the value as it is.
    ///
    /// # Errors
    ///
    /// Fails when the value is no object, and when `member` fails.
    pub fn members(self, mut member: impl FnMut(&str, Unread<'_, 'a>) -> Result<(), Error>) -> Result<(), Error> {
        if self.scanner.peek() != Some(b'{') {
            // The words for what is no object are those of serde.
            return self.decode::<JsonObject>().map(drop);
        }
        let Self { text, scanner, depth } = self;
        let is_empty = scanner.enter(depth, b'}');
        if sound(scanner, is_empty)? {
            return Ok(());
        }
        loop {
            let key = scanner.key();
            let key = sound(scanner, key)?.name();
            let key = std::str::from_utf8(&key).map_err(Error::custom)?;
            read_one(text, scanner, depth + 1, |value| member(key, value))?;
            let is_last = scanner.separator(b'}');
            if sound(scanner, is_last)? {
                return Ok(());
            }
        }
    }

    /// Walks over an array and gives each of its items to `item`, which may leave the value as it is.
    ///
    /// # Errors
    ///
    /// Fails when the value is no array, and when `item` fails.
    pub fn items(self, mut item: impl FnMut(Unread<'_, 'a>) -> Result<(), Error>) -> Result<(), Error> {
        if self.scanner.peek() != Some(b'[') {
            return self.decode::<Vec<IgnoredAny>>().map(drop);
        }
        let Self { text, scanner, depth } = self;
        let is_empty = scanner.enter(depth, b']');
        if sound(scanner, is_empty)? {
            return Ok(());
        }
        loop {
            read_one(text, scanner, depth + 1, &mut item)?;
            let is_last = scanner.separator(b']');
            if sound(scanner, is_last)? {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Unread<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("at", &self.scanner.place()).finish_non_exhaustive()
    }
}

/// Reads one value, and walks over it when `read` has not.
fn read_one<'a, T>(
    text: &'a Bytes,
    scanner: &mut Scanner<'a>,
    depth: u32,
    read: impl FnOnce(Unread<'_, 'a>) -> Result<T, Error>,
) -> Result<T, Error> {
    let place = scanner.place();
    let value = match read(Unread { text, scanner, depth }) {
        Ok(value) => value,
        Err(error) => {
            // Whoever swallows the error must not read on in the midst of a value.
            scanner.give_up();
            return Err(error);
        }
    };
    if scanner.place() == place {
        let skipped = scanner.value(depth);
        sound(scanner, skipped)?;
    }
    Ok(value)
}

/// Hands on what a step of the scanner found. Whoever swallows its fault must not read on where it stopped.
fn sound<T>(scanner: &mut Scanner<'_>, found: Result<T, ScanError>) -> Result<T, Error> {
    found.map_err(|fault| {
        scanner.give_up();
        Error::custom(fault)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads every object and array to its end, and all else raw.
    fn parts(value: Unread<'_, '_>, found: &mut Vec<String>) -> Result<(), Error> {
        match value.scanner.peek() {
            Some(b'{') => value.members(|key, value| {
                found.push(format!("{key}:"));
                parts(value, found)
            }),
            Some(b'[') => value.items(|value| parts(value, found)),
            _ => value.raw().map(|raw| found.push(raw.to_string())),
        }
    }

    #[test]
    fn a_text_is_read_member_by_member_and_item_by_item() {
        let check = |text: &'static str, expected: &[&str]| {
            let mut found = Vec::new();
            Unread::walk(&Bytes::from_static(text.as_bytes()), |value| parts(value, &mut found)).unwrap();
            assert_eq!(found, expected, "{text}");
        };
        check(
            r#" { "a" : [ 1.50 , [ ] , { } , "]" ] , "\u0062\n" : null , "a" : { "c" : "}" } } "#,
            &["a:", "1.50", "\"]\"", "b\n:", "null", "a:", "c:", "\"}\""],
        );
        check(" true ", &["true"]);
    }

    #[test]
    fn what_was_checked_before_is_read_in_the_same_way() {
        let raw = RawJson::parse(r#" {"a": [1.50, "]"], "b": {"c": null}} "#).unwrap();
        let (mut once, mut again) = (Vec::new(), Vec::new());
        Unread::walk(raw.as_bytes(), |value| parts(value, &mut once)).unwrap();
        Unread::walk_raw(&raw, |value| parts(value, &mut again)).unwrap();
        assert_eq!(once, again);
        assert_eq!(once, ["a:", "1.50", "\"]\"", "b:", "c:", "null"]);
    }

    #[test]
    fn what_nobody_reads_is_walked_over_and_checked() {
        let check = |text: &'static str, expected: Result<(), &str>| {
            let text = Bytes::from_static(text.as_bytes());
            let read = Unread::walk(&text, |value| value.members(|_, _| Ok(())));
            assert_eq!(read.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
        };
        check(r#"{"a": {"b": [1]}, "c": "d"}"#, Ok(()));
        check(r#"{"a": [1}}"#, Err("not JSON at byte 8"));
        check(r#"{"a": "\ud800"}"#, Err("half of a surrogate pair at byte 7"));
        check(r#"{"a": 1} x"#, Err("something follows the value at byte 9"));
        check(r#"{"a": 1"#, Err("the text ends inside a value at byte 7"));
        check("[]", Err("invalid type: sequence, expected an object at line 1 column 0"));
        let broken = Bytes::from_static(&[b'"', 0xff, b'"']);
        assert!(Unread::walk(&broken, |value| value.raw()).is_err());
    }

    #[test]
    fn what_is_wrong_with_a_text_goes_before_what_its_reader_does_not_like() {
        let text = Bytes::from_static(br#"{"a": 1, "b": }"#);
        let read = Unread::walk(&text, |value| value.members(|_, value| value.string().map(drop)));
        assert_eq!(read.unwrap_err().to_string(), "not JSON at byte 14");
        let text = Bytes::from_static(br#"{"a": 1, "b": 2}"#);
        let read = Unread::walk(&text, |value| value.members(|_, value| value.string().map(drop)));
        assert!(read.unwrap_err().to_string().starts_with("invalid type: integer `1`, expected a string"));
    }

    #[test]
    fn a_reader_that_swallows_a_fault_within_a_value_does_not_read_on() {
        // The rest of the inner object is none of the outer one, and nothing of either is lost in silence.
        let raw = RawJson::parse(r#"{"a": {"b": 1, "c": 2}, "d": 3}"#).unwrap();
        let within = |value: Unread<'_, '_>| value.members(|_, value| value.string().map(drop));
        let mut seen = Vec::new();
        let outer = |value: Unread<'_, '_>, seen: &mut Vec<String>| {
            value.members(|key, value| {
                seen.push(key.to_owned());
                let _ = within(value);
                Ok(())
            })
        };
        assert!(Unread::walk_raw(&raw, |value| outer(value, &mut seen)).is_err());
        assert!(Unread::walk(raw.as_bytes(), |value| outer(value, &mut seen)).is_err());
        assert_eq!(seen, ["a", "a"]);
        let swallow = |value: Unread<'_, '_>| {
            let _ = within(value);
            Ok(())
        };
        assert!(Unread::walk_raw(&raw, swallow).is_err());
        assert!(Unread::walk(raw.as_bytes(), swallow).is_err());
        let broken = Bytes::from_static(br#"{"a": 1, "b" nonsense"#);
        assert!(Unread::walk(&broken, swallow).is_err());
        // Where the inner walk stops the outer one could go on, and there would be nothing wrong with its end.
        let broken = Bytes::from_static(br#"{"a": {"k": 1,, "b": 2}"#);
        let read = Unread::walk(&broken, |value| {
            value.members(|_, value| {
                let _ = value.members(|_, _| Ok(()));
                Ok(())
            })
        });
        assert_eq!(read.unwrap_err().to_string(), "not JSON at byte 14");
    }

    #[test]
    fn no_more_containers_are_open_than_the_scan_allows() {
        let nested = |depth: usize| Bytes::from("[".repeat(depth) + &"]".repeat(depth));
        let read = |text: Bytes| Unread::walk(&text, |value| parts(value, &mut Vec::new()));
        assert!(read(nested(128)).is_ok());
        assert_eq!(read(nested(129)).unwrap_err().to_string(), "more than 128 nested containers at byte 128");
    }

    #[test]
    fn a_text_with_escapes_is_read_as_serde_reads_it() {
        let check = |text: &'static str, expected: &str| {
            assert_eq!(Unread::walk(&Bytes::from_static(text.as_bytes()), |value| value.string()).unwrap(), expected);
        };
        check(r#""""#, "");
        check(r#" "grün" "#, "grün");
        check(r#""\ud83d\ude00\"\/""#, "😀\"/");
    }
}
