//! The validating scan: one walk over the bytes of a JSON text.
//!
//! It proves what [`RawJson`](super::RawJson) promises: RFC 8259 grammar, UTF-8, at most [`MAX_DEPTH`] nested
//! containers, paired surrogates, numbers that fit an `f64`. `serde_json::value::RawValue` proves none of the last
//! three, which is why raw JSON in this workspace is never made from it directly.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;

/// The greatest number of containers that may be open at once.
pub const MAX_DEPTH: u32 = 128;

/// The place of a value in a scanned text, as byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    /// No value ends where the text begins, and an absent place takes no room of its own.
    end: NonZeroU32,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        // Texts above 4 GiB are refused before the scan starts, so neither conversion can saturate.
        let end = u32::try_from(end).ok().and_then(NonZeroU32::new);
        Self { start: u32::try_from(start).unwrap_or(u32::MAX), end: end.unwrap_or(NonZeroU32::MAX) }
    }

    /// Returns where the place begins.
    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end.get() as usize
    }

    /// Returns the place as a range of a text that begins at `start` of the one that was scanned.
    pub(crate) fn range_from(self, start: usize) -> Range<usize> {
        let Range { start: from, end: to } = self.range();
        from.saturating_sub(start)..to.saturating_sub(start)
    }
}

/// Why a text is not acceptable JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanError {
    kind: ScanErrorKind,
    offset: usize,
}

/// The rule that a text broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanErrorKind {
    /// A key that decides routing stands twice in its object.
    DuplicateKey,
    /// More than [`MAX_DEPTH`] containers are nested.
    Depth,
    /// The text ends inside a value.
    End,
    /// The value is not an object where one is wanted.
    NotAnObject,
    /// A number is too large for an `f64`.
    NumberRange,
    /// A `\u` escape names half of a surrogate pair.
    Surrogate,
    /// The bytes break the grammar of RFC 8259.
    Syntax,
    /// The text is longer than 4 GiB.
    TooLong,
    /// Something other than white space follows the value.
    Trailing,
    /// The bytes are not UTF-8.
    Utf8,
}

impl ScanError {
    /// Returns the rule that was broken.
    pub fn kind(&self) -> ScanErrorKind {
        self.kind
    }

    /// Returns the offset of the byte at which the rule was broken.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ScanErrorKind::DuplicateKey => "a routing key stands twice",
            ScanErrorKind::Depth => "more than 128 nested containers",
            ScanErrorKind::End => "the text ends inside a value",
            ScanErrorKind::NotAnObject => "not an object",
            ScanErrorKind::NumberRange => "a number too large for a double",
            ScanErrorKind::Surrogate => "half of a surrogate pair",
            ScanErrorKind::Syntax => "not JSON",
            ScanErrorKind::TooLong => "longer than 4 GiB",
            ScanErrorKind::Trailing => "something follows the value",
            ScanErrorKind::Utf8 => "not UTF-8",
        };
        write!(f, "{what} at byte {}", self.offset)
    }
}

impl Error for ScanError {}

/// Checks that `text` is exactly one JSON value under the rules of this module.
///
/// # Errors
///
/// Returns the first rule broken and the offset of the byte that broke it.
pub fn validate(text: &[u8]) -> Result<(), ScanError> {
    let mut scanner = Scanner::new(text)?;
    scanner.space();
    scanner.value(0)?;
    scanner.end()
}

/// A position in a text that is known to be UTF-8.
pub(crate) struct Scanner<'a> {
    pub(super) text: &'a [u8],
    at: usize,
}

/// An object key as it stands in the text, without its quotes.
#[derive(Clone, Copy)]
pub(crate) struct Key<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Key<'a> {
    /// Returns the key with its escapes resolved, so that `"meth\u006fd"` cannot pass for another key.
    #[inline]
    pub(crate) fn name(self) -> Cow<'a, [u8]> {
        if self.escaped { self.unescaped() } else { Cow::Borrowed(self.raw) }
    }

    #[cold]
    fn unescaped(self) -> Cow<'a, [u8]> {
        let mut quoted = Vec::with_capacity(self.raw.len() + 2);
        quoted.push(b'"');
        quoted.extend_from_slice(self.raw);
        quoted.push(b'"');
        match super::raw::read_scanned::<String>(&quoted) {
            Ok(name) => Cow::Owned(name.into_bytes()),
            Err(_) => Cow::Borrowed(self.raw),
        }
    }
}

impl<'a> Scanner<'a> {
    /// Starts at the first byte of `text`, after checking that all of it is UTF-8.
    pub(crate) fn new(text: &'a [u8]) -> Result<Self, ScanError> {
        if u32::try_from(text.len()).is_err() {
            return Err(ScanError { kind: ScanErrorKind::TooLong, offset: text.len() });
        }
        match std::str::from_utf8(text) {
            Ok(_) => Ok(Self { text, at: 0 }),
            Err(error) => Err(ScanError { kind: ScanErrorKind::Utf8, offset: error.valid_up_to() }),
        }
    }

    /// Starts at the first byte of `text` without the UTF-8 check, for reading what precedes a known fault.
    pub(crate) fn unchecked_utf8(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Returns the offset of the next byte, for [`since`](Self::since).
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    /// Returns what was walked over since `place`.
    pub(crate) fn since(&self, place: usize) -> Span {
        Span::new(place, self.at)
    }

    #[inline]
    pub(crate) fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Succeeds when only white space is left.
    pub(crate) fn end(&mut self) -> Result<(), ScanError> {
        self.space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault(ScanErrorKind::Trailing)),
        }
    }

    /// Leaves the text for one in which nothing can be read or ended, so that no one reads on in the midst of a value.
    #[cold]
    pub(crate) fn give_up(&mut self) {
        (self.text, self.at) = (b"!", 0);
    }

    /// Walks over one value and returns where it stands. `depth` counts the containers already open.
    pub(crate) fn value(&mut self, depth: u32) -> Result<Span, ScanError> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.object(depth, |scanner, _| scanner.value(depth + 1).map(drop))?,
            Some(b'[') => self.array(depth, |scanner| scanner.value(depth + 1).map(drop))?,
            Some(b'"') => drop(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            Some(_) => return Err(self.fault(ScanErrorKind::Syntax)),
            None => return Err(self.fault(ScanErrorKind::End)),
        }
        Ok(Span::new(start, self.at))
    }

    /// Walks over one value of a text whose grammar was checked before, and does not check what is in a container again.
    pub(crate) fn skip(&mut self, depth: u32) -> Result<Span, ScanError> {
        if !matches!(self.peek(), Some(b'{' | b'[')) {
            return self.value(depth);
        }
        let start = self.at;
        let mut open = 0_usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    continue;
                }
                Some(b'{' | b'[') => open += 1,
                Some(b'}' | b']') => open = open.saturating_sub(1),
                Some(_) => {}
                None => return Err(self.fault(ScanErrorKind::End)),
            }
            self.at += 1;
            if open == 0 {
                return Ok(Span::new(start, self.at));
            }
        }
    }

    /// Walks over an object; `member` is called at each value and must walk over it.
    pub(crate) fn object<F>(&mut self, depth: u32, mut member: F) -> Result<(), ScanError>
    where
        F: FnMut(&mut Self, Key<'a>) -> Result<(), ScanError>,
    {
        if self.enter(depth, b'}')? {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if self.separator(b'}')? {
                return Ok(());
            }
        }
    }

    /// Walks over an array; `item` is called at each value and must walk over it.
    pub(crate) fn array<F>(&mut self, depth: u32, mut item: F) -> Result<(), ScanError>
    where
        F: FnMut(&mut Self) -> Result<(), ScanError>,
    {
        if self.enter(depth, b']')? {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.separator(b']')? {
                return Ok(());
            }
        }
    }

    /// Walks into a container; returns whether it is empty, and then over its end.
    #[inline]
    pub(crate) fn enter(&mut self, depth: u32, close: u8) -> Result<bool, ScanError> {
        if depth >= MAX_DEPTH {
            return Err(self.fault(ScanErrorKind::Depth));
        }
        self.at += 1;
        self.space();
        let is_empty = self.peek() == Some(close);
        self.at += usize::from(is_empty);
        Ok(is_empty)
    }

    /// Walks over a key of an object, to its value.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Key<'a>, ScanError> {
        let key = self.string()?;
        self.space();
        self.byte(b':')?;
        self.space();
        Ok(key)
    }

    /// Walks over `,` or the closing byte; returns whether the container is closed.
    #[inline]
    pub(crate) fn separator(&mut self, close: u8) -> Result<bool, ScanError> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Err(self.fault(ScanErrorKind::Syntax)),
            None => Err(self.fault(ScanErrorKind::End)),
        }
    }

    /// Walks over a text.
    pub(crate) fn string(&mut self) -> Result<Key<'a>, ScanError> {
        self.byte(b'"')?;
        let rest = self.text.get(self.at..).unwrap_or_default();
        let plain = find_special(rest);
        match rest.split_at_checked(plain) {
            Some((raw, [b'"', ..])) => {
                self.at += plain + 1;
                Ok(Key { raw, escaped: false })
            }
            _ => self.string_with_escapes(plain),
        }
    }

    /// Walks over the rest of a string that has an escape after so many bytes, or no end.
    fn string_with_escapes(&mut self, plain: usize) -> Result<Key<'a>, ScanError> {
        let start = self.at;
        self.at += plain;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.fault(ScanErrorKind::Syntax)),
                None => return Err(self.fault(ScanErrorKind::End)),
            }
            self.at += find_special(self.text.get(self.at..).unwrap_or_default());
        }
        let raw = &self.text[start..self.at];
        self.at += 1;
        Ok(Key { raw, escaped: true })
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let first = self.code_unit()?;
                let paired = match first {
                    0xD800..=0xDBFF => {
                        self.peek() == Some(b'\\') && self.text.get(self.at + 1) == Some(&b'u') && {
                            self.at += 1;
                            matches!(self.code_unit()?, 0xDC00..=0xDFFF)
                        }
                    }
                    0xDC00..=0xDFFF => false,
                    _ => true,
                };
                if !paired {
                    return Err(ScanError { kind: ScanErrorKind::Surrogate, offset: start });
                }
            }
            Some(_) => return Err(self.fault(ScanErrorKind::Syntax)),
            None => return Err(self.fault(ScanErrorKind::End)),
        }
        Ok(())
    }

    /// Walks over `uXXXX` and returns the number.
    fn code_unit(&mut self) -> Result<u32, ScanError> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = match self.peek() {
                Some(byte) => char::from(byte).to_digit(16),
                None => return Err(self.fault(ScanErrorKind::End)),
            };
            let Some(digit) = digit else {
                return Err(self.fault(ScanErrorKind::Syntax));
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        let mut exponent = false;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            exponent = true;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        // Only an exponent or more than 308 digits can leave the range of an f64.
        if exponent || self.at - start > 308 {
            self.in_range(start)?;
        }
        Ok(())
    }

    fn in_range(&self, start: usize) -> Result<(), ScanError> {
        let number = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(()),
            _ => Err(ScanError { kind: ScanErrorKind::NumberRange, offset: start }),
        }
    }

    fn digits(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start {
            return Ok(());
        }
        match self.peek() {
            Some(_) => Err(self.fault(ScanErrorKind::Syntax)),
            None => Err(self.fault(ScanErrorKind::End)),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), ScanError> {
        for &expected in word {
            self.byte(expected)?;
        }
        Ok(())
    }

    #[inline]
    fn byte(&mut self, expected: u8) -> Result<(), ScanError> {
        match self.peek() {
            Some(byte) if byte == expected => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.fault(ScanErrorKind::Syntax)),
            None => Err(self.fault(ScanErrorKind::End)),
        }
    }

    fn fault(&self, kind: ScanErrorKind) -> ScanError {
        ScanError { kind, offset: self.at }
    }

    /// Returns a fault at the current place; for callers that refuse a key.
    pub(crate) fn duplicate(&self) -> ScanError {
        self.fault(ScanErrorKind::DuplicateKey)
    }

    /// Returns a fault at the current place; for callers that walk into objects only.
    pub(crate) fn not_an_object(&self) -> ScanError {
        self.fault(ScanErrorKind::NotAnObject)
    }
}

/// Returns the offset of the first byte that does not stand for itself in a string: a quote, a backslash or a control
/// character; the length when there is none.
pub(crate) fn find_special(text: &[u8]) -> usize {
    // Most strings end soon. Of one that does not, blocks are looked at, which the compiler does by vectors.
    let Some((near, far)) = text.split_first_chunk::<BLOCK>() else { return find_in_words(text) };
    for (at, word) in near.as_chunks::<8>().0.iter().enumerate() {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    BLOCK + find_far(far)
}

/// Does as [`find_special`] does, by blocks.
#[inline(never)]
fn find_far(text: &[u8]) -> usize {
    let (blocks, _) = text.as_chunks::<BLOCK>();
    // No branch within a block, or it would go byte by byte.
    let is_plain = |block: &&[u8; BLOCK]| !block.iter().fold(false, |found, byte| found | is_special(*byte));
    let plain = blocks.iter().take_while(is_plain).count() * BLOCK;
    plain + find_in_words(text.get(plain..).unwrap_or_default())
}

fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Does as [`find_special`] does, a word at a time.
#[inline(never)]
fn find_in_words(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let before = text.len() - rest.len();
    // Two halves that overlap are a word, too: what both have in common, the first one has found.
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        let word = u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
        let found = specials(word);
        if found == 0 {
            return text.len();
        }
        let at = found.trailing_zeros() as usize / 8;
        return before + if at < 4 { at } else { at + rest.len() - 8 };
    }
    before + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}

/// Marks the special bytes of a word by their highest bits. A borrow can mark bytes above a special one too, so only the
/// lowest mark is sure.
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    // A byte is below `limit` when subtracting sets its highest bit, which it did not have.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & HIGHEST
}

/// So many bytes are looked at together in a long string.
const BLOCK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_stands() {
        for length in (0..40).chain(60..70).chain([127, 128, 129, 200]) {
            let plain: Vec<u8> =
                (0..length).map(|at| [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff][at % 8]).collect();
            assert_eq!(find_special(&plain), length);
            for at in 0..length {
                for special in [b'"', b'\\', 0, b'\n', 0x1f] {
                    let mut text = plain.clone();
                    text[at] = special;
                    assert_eq!(find_special(&text), at, "{special:#x} in {length}");
                    text[length - 1] = special;
                    assert_eq!(find_special(&text), at, "the first of two");
                }
            }
        }
    }

    #[track_caller]
    fn accepts(text: &str) {
        assert_eq!(validate(text.as_bytes()), Ok(()), "{text}");
        serde_json::from_str::<serde_json::Value>(text).unwrap();
    }

    #[track_caller]
    fn refuses(text: &[u8], kind: ScanErrorKind) {
        assert_eq!(validate(text).map_err(|error| error.kind()), Err(kind), "{:?}", String::from_utf8_lossy(text));
    }

    #[test]
    fn the_grammar_of_rfc_8259_is_accepted() {
        for text in [
            "null",
            " true ",
            "[]",
            "{}",
            "[1,2]",
            "\"\"",
            "0",
            "-0",
            "1.5e-3",
            "1E+2",
            "{\"a\":{\"b\":[null]}}",
            "\"\\u00e9\\n\\/\"",
            "\"\\ud83d\\ude00\"",
            "\"\u{2028}\u{7f}\"",
            "18446744073709551616",
            "[ 1 , 2 ]\r\n",
        ] {
            accepts(text);
        }
    }

    #[test]
    fn every_prefix_of_a_message_is_refused() {
        let text = br#"{"jsonrpc":"2.0","id":-1.5e2,"params":{"a":[true,false,null,"\u00e9\ud83d\ude00"]}}"#;
        assert_eq!(validate(text), Ok(()));
        for end in 0..text.len() {
            assert!(validate(&text[..end]).is_err(), "accepted {end} bytes");
        }
    }

    #[test]
    fn broken_grammar_is_refused() {
        for text in [
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "+1",
            ".5",
            "1.",
            "1e",
            "nul ",
            "tru1",
            "'a'",
            "\"\\x\"",
            "\"\\u12g4\"",
            "{\"a\" 1}",
            "[1 2]",
            "\"\n\"",
            "\u{feff}1",
            "-",
            "NaN",
            "Infinity",
            "\"\0\"",
        ] {
            assert!(validate(text.as_bytes()).is_err(), "accepted {text:?}");
        }
        refuses(b"1 2", ScanErrorKind::Trailing);
        refuses(b"", ScanErrorKind::End);
    }

    #[test]
    fn half_a_surrogate_pair_is_refused() {
        for text in [r#""\ud800""#, r#""\udc00\ud800""#, r#""\ud800x""#, r#""\ud800\n""#, r#""\ud800\ud800""#] {
            refuses(text.as_bytes(), ScanErrorKind::Surrogate);
        }
    }

    #[test]
    fn invalid_utf8_is_refused_wherever_it_stands() {
        let text = br#"{"a":"bcd"}"#;
        for at in 0..text.len() {
            let mut broken = text.to_vec();
            broken[at] = 0xff;
            refuses(&broken, ScanErrorKind::Utf8);
        }
    }

    #[test]
    fn a_value_that_was_checked_is_skipped_to_where_it_ends() {
        for text in [
            "7 ",
            "null,",
            "\"a]}\\\"\",1",
            "{},",
            "[ ] ]",
            r#"{"a":[1,{"b":"}]\\"},"\u00e9\"["],"c":-1e3}]"#,
            "[[[\"\\\\\"]],{}] }",
        ] {
            let walk = |walk: fn(&mut Scanner<'_>) -> Result<Span, ScanError>| {
                walk(&mut Scanner::new(text.as_bytes()).unwrap()).unwrap()
            };
            assert_eq!(walk(|scanner| scanner.skip(0)), walk(|scanner| scanner.value(0)), "{text}");
        }
        for text in ["[", "{\"a\":[}", "[\"", ""] {
            assert!(Scanner::new(text.as_bytes()).unwrap().skip(0).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        accepts(&nested(127));
        assert_eq!(validate(nested(128).as_bytes()), Ok(()));
        refuses(nested(129).as_bytes(), ScanErrorKind::Depth);
        refuses(nested(100_000).as_bytes(), ScanErrorKind::Depth);
    }

    #[test]
    fn numbers_must_fit_a_double() {
        accepts("1e308");
        refuses(b"1e400", ScanErrorKind::NumberRange);
        refuses(b"-1e400", ScanErrorKind::NumberRange);
        refuses("9".repeat(400).as_bytes(), ScanErrorKind::NumberRange);
        accepts("1e-400");
    }
}
