//! A walk over one value, for whoever looks at each part of it once and builds nothing.
//!
//! The surprising thing: nothing here says what is wrong. Raw JSON is known to be valid, so a walk ends early only when
//! its caller ends it, by `None`. A text of which nothing is known is read by [`Unread`](super::Unread).

use std::borrow::Cow;

use bytes::Bytes;

use super::RawJson;
use super::scan::Scanner;

/// A place in a value of raw JSON; [`RawJson::walk`](super::RawJson::walk) begins at its root.
///
/// One call of [`skip`](Self::skip), [`raw`](Self::raw), [`number`](Self::number), [`text`](Self::text), [`items`](Self::items) or
/// [`members`](Self::members) walks over the value that stands here. A second one finds none, and returns `None`.
///
/// # Examples
///
/// ```
/// use mcp_types::RawJson;
/// use mcp_types::json::{Kind, Walk};
///
/// fn sum(walk: &mut Walk<'_>) -> Option<f64> {
///     match walk.kind()? {
///         Kind::Number => walk.number()?.parse().ok(),
///         Kind::Array => {
///             let mut all = 0.0;
///             walk.items(|item| sum(item).map(|one| all += one))?;
///             Some(all)
///         }
///         _ => None,
///     }
/// }
/// let sum = |text| sum(&mut RawJson::parse(text).unwrap().walk());
/// assert_eq!(sum("[1, [2, 3.5]]"), Some(6.5));
/// assert_eq!(sum("[1, null]"), None);
/// ```
pub struct Walk<'a> {
    text: &'a Bytes,
    scanner: Scanner<'a>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `[…]`.
    Array,
    /// `true` or `false`.
    Boolean,
    /// `null`.
    Null,
    /// A number.
    Number,
    /// `{…}`.
    Object,
    /// `"…"`.
    String,
}

impl<'a> Walk<'a> {
    /// Begins at the root of a text that is known to be JSON in UTF-8.
    pub(super) fn new(text: &'a Bytes) -> Self {
        let mut scanner = Scanner::unchecked_utf8(text);
        scanner.space();
        Self { text, scanner }
    }

    /// Returns what stands here; `None` behind the value.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self.scanner.peek()? {
            b'[' => Kind::Array,
            b't' | b'f' => Kind::Boolean,
            b'n' => Kind::Null,
            b'-' | b'0'..=b'9' => Kind::Number,
            b'{' => Kind::Object,
            b'"' => Kind::String,
            _ => return None,
        })
    }

    /// Walks over the value, whatever it is.
    pub fn skip(&mut self) -> Option<()> {
        self.scanner.skip(0).ok().map(drop)
    }

    /// Walks over the value, whatever it is, and returns it as a part of the text: nothing is copied.
    pub fn raw(&mut self) -> Option<RawJson> {
        let span = self.scanner.skip(0).ok()?;
        Some(RawJson::scanned(self.text, span))
    }

    /// Walks over a number and returns its text.
    pub fn number(&mut self) -> Option<&'a str> {
        if self.kind() != Some(Kind::Number) {
            return None;
        }
        let span = self.scanner.value(0).ok()?;
        std::str::from_utf8(self.scanner.text.get(span.range())?).ok()
    }

    /// Walks over a string and returns its text in UTF-8, with its escapes resolved.
    pub fn text(&mut self) -> Option<Cow<'a, [u8]>> {
        self.scanner.string().ok().map(|text| text.name())
    }

    /// Walks over an array; `item` is called at each item and must walk over it.
    pub fn items(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.kind() != Some(Kind::Array) {
            return None;
        }
        if self.scanner.enter(0, b']').ok()? {
            return Some(());
        }
        loop {
            item(self)?;
            if self.scanner.separator(b']').ok()? {
                return Some(());
            }
        }
    }

    /// Walks over an object; `member` is called at each value, with the key in UTF-8, and must walk over it.
    pub fn members(&mut self, mut member: impl FnMut(&mut Self, &[u8]) -> Option<()>) -> Option<()> {
        if self.kind() != Some(Kind::Object) {
            return None;
        }
        if self.scanner.enter(0, b'}').ok()? {
            return Some(());
        }
        loop {
            let key = self.scanner.key().ok()?;
            member(self, &key.name())?;
            if self.scanner.separator(b'}').ok()? {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::json::{Kind, RawJson, Walk};

    /// Writes what a walk meets.
    fn told(walk: &mut Walk<'_>, out: &mut String) -> Option<()> {
        match walk.kind()? {
            Kind::Array => {
                out.push('[');
                walk.items(|item| told(item, out))?;
                out.push(']');
            }
            Kind::Object => {
                out.push('{');
                walk.members(|value, key| {
                    out.push_str(&format!("{}:", String::from_utf8_lossy(key)));
                    told(value, out)
                })?;
                out.push('}');
            }
            Kind::Number => out.push_str(&format!("{} ", walk.number()?)),
            Kind::String => out.push_str(&format!("{} ", String::from_utf8_lossy(&walk.text()?))),
            kind => {
                walk.skip()?;
                out.push_str(&format!("{kind:?} "));
            }
        }
        Some(())
    }

    #[test]
    fn a_value_is_taken_as_a_part_of_the_text() {
        let raw = RawJson::parse(r#" {"a": [1.50, "]"] , "b":null} "#).unwrap();
        let mut parts = Vec::new();
        raw.walk().members(|value, _| value.raw().map(|part| parts.push(part))).unwrap();
        assert_eq!(parts.iter().map(RawJson::as_str).collect::<Vec<_>>(), [r#"[1.50, "]"]"#, "null"]);
        assert!(parts.iter().all(|part| raw.as_str().as_bytes().as_ptr_range().contains(&part.as_bytes().as_ptr())));
    }

    #[test]
    fn a_walk_meets_every_part_once_and_in_order() {
        let check = |text: &'static str, expected: &str| {
            let mut out = String::new();
            assert_eq!(told(&mut RawJson::parse(text).unwrap().walk(), &mut out), Some(()), "{text}");
            assert_eq!(out, expected, "{text}");
        };
        check(" null ", "Null ");
        check("[]", "[]");
        check(
            r#"{ "a" : [ 1.50, -0, true ], "\u0062\n" : { } , "c":"\ud83d\ude00\"" }"#,
            "{a:[1.50 -0 Boolean ]b\n:{}c:\u{1f600}\" }",
        );
    }

    #[test]
    fn a_walk_ends_where_its_caller_ends_it_or_does_not_walk() {
        let walks = |text: &'static str, look: fn(&mut Walk<'_>) -> Option<()>| {
            look(&mut RawJson::parse(text).unwrap().walk()).is_some()
        };
        assert!(walks("[1,2]", |walk| walk.items(|item| item.skip())));
        assert!(!walks("[1,2]", |walk| walk.items(|_| None)));
        assert!(!walks("[1,2]", |walk| walk.items(|_| Some(()))), "an item was not walked over");
        assert!(!walks("[1]", |walk| walk.skip().and_then(|()| walk.skip())), "there is only one value");
        for (text, its_own) in [("1", 0), ("{}", 1), ("[]", 2), ("\"\"", 3)] {
            let others: [fn(&mut Walk<'_>) -> bool; 4] = [
                |walk| walk.number().is_some(),
                |walk| walk.members(|_, _| None).is_some(),
                |walk| walk.items(|_| None).is_some(),
                |walk| walk.text().is_some(),
            ];
            for (at, other) in others.into_iter().enumerate() {
                assert_eq!(other(&mut RawJson::parse(text).unwrap().walk()), at == its_own, "{text}");
            }
        }
    }
}
