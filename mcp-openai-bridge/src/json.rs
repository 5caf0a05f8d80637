//! A JSON value that keeps what `serde_json::Value` loses: the order of members and the text of numbers.
//!
//! Published schemas follow the order of the server's schema, because the prompt caches of model providers compare
//! bytes. The `preserve_order` feature of `serde_json` would do the same for every crate of the user's program, so it is
//! not ours to turn on. The surprising thing: a duplicate key is an error here, as it is for arguments.

use std::collections::HashSet;
use std::fmt;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// The number as it was written.
    Number(String),
    String(String),
    Array(Vec<Self>),
    Object(Object),
}

/// The members of an object in their order; keys are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object(Vec<(String, Value)>);

impl Value {
    /// Parses exactly one value. The depth is bounded by [`DEPTH_LIMIT`].
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        parser.whitespace();
        if parser.at < text.len() {
            return Err(parser.fault(Fault::TrailingText));
        }
        Ok(value)
    }

    pub(crate) fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// What the value is, in the words of JSON Schema.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Returns the value at a JSON pointer (RFC 6901), which is empty or begins with `/`.
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| match value {
            Self::Object(object) => object.get(&token.replace("~1", "/").replace("~0", "~")),
            Self::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Counts how many containers stand in each other, this one included.
    pub(crate) fn levels(&self) -> usize {
        let deepest = match self {
            Self::Array(items) => items.iter().map(Self::levels).max(),
            Self::Object(members) => members.iter().map(|(_, value)| value.levels()).max(),
            _ => return 0,
        };
        1 + deepest.unwrap_or_default()
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(text) => out.push_str(text),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(object) => {
                out.push('{');
                for (index, (key, value)) in object.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl Object {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets a member where it stands, or adds it at the end.
    pub(crate) fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.get_mut(&key) {
            Some(slot) => *slot = value,
            None => self.0.push((key, value)),
        }
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Value> {
        let index = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(index).1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
}

impl<K: Into<String>, const N: usize> From<[(K, Value); N]> for Object {
    fn from(members: [(K, Value); N]) -> Self {
        Self(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

/// Takes members whose keys are known to be unique.
impl FromIterator<(String, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

/// Why a text is not one JSON value, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    /// The number of the byte, from zero.
    at: usize,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    BadNumber,
    BadString,
    DuplicateKey(String),
    NotANumber,
    TooDeep,
    TrailingText,
    Unexpected(&'static str),
    UnterminatedString,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::BadNumber => f.write_str("a number is malformed or out of range"),
            Fault::BadString => f.write_str("a string has a bad escape, a lone surrogate or a raw control character"),
            Fault::DuplicateKey(key) => write!(f, "the key {key:?} stands twice in one object"),
            Fault::NotANumber => f.write_str("NaN and Infinity are not JSON"),
            Fault::TooDeep => write!(f, "more than {DEPTH_LIMIT} levels of nesting"),
            Fault::TrailingText => f.write_str("there is more text after the end of the JSON value"),
            Fault::Unexpected(expected) => write!(f, "expected {expected}"),
            Fault::UnterminatedString => f.write_str("a string has no closing quote"),
        }?;
        write!(f, ", at byte {}", self.at)
    }
}

impl std::error::Error for ParseError {}

/// Finds the structure; the tokens themselves are decoded by `serde_json`.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, ParseError> {
        self.whitespace();
        if depth > DEPTH_LIMIT {
            return Err(self.fault(Fault::TooDeep));
        }
        match self.peek() {
            Some(b'{') => self.object(depth).map(Value::Object),
            Some(b'[') => self.array(depth).map(Value::Array),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Object, ParseError> {
        self.at += 1;
        let mut members: Vec<(String, Value)> = Vec::new();
        let mut keys = HashSet::new();
        self.whitespace();
        if self.eat(b'}') {
            return Ok(Object(members));
        }
        loop {
            self.whitespace();
            if self.peek() != Some(b'"') {
                return Err(self.fault(Fault::Unexpected("a key in double quotes")));
            }
            let at = self.at;
            let key = self.string()?;
            if !keys.insert(key.clone()) {
                return Err(ParseError { at, fault: Fault::DuplicateKey(key) });
            }
            self.whitespace();
            if !self.eat(b':') {
                return Err(self.fault(Fault::Unexpected("`:` after a key")));
            }
            members.push((key, self.value(depth + 1)?));
            self.whitespace();
            if self.eat(b'}') {
                return Ok(Object(members));
            }
            if !self.eat(b',') {
                return Err(self.fault(Fault::Unexpected("`,` or `}` in an object")));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, ParseError> {
        self.at += 1;
        let mut items = Vec::new();
        self.whitespace();
        if self.eat(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.whitespace();
            if self.eat(b']') {
                return Ok(items);
            }
            if !self.eat(b',') {
                return Err(self.fault(Fault::Unexpected("`,` or `]` in an array")));
            }
        }
    }

    fn string(&mut self) -> Result<String, ParseError> {
        let start = self.at;
        let mut escaped = false;
        for (offset, byte) in self.rest().bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let token = self.text.get(start..=start + offset).unwrap_or_default();
                    self.at = start + offset + 1;
                    return serde_json::from_str(token).map_err(|_| ParseError { at: start, fault: Fault::BadString });
                }
                _ => {}
            }
        }
        Err(self.fault(Fault::UnterminatedString))
    }

    fn number(&mut self) -> Result<Value, ParseError> {
        if self.rest().starts_with("-Infinity") {
            return Err(self.fault(Fault::NotANumber));
        }
        let rest = self.rest();
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let token = rest.get(..end).unwrap_or_default();
        if serde_json::from_str::<f64>(token).is_err() {
            return Err(self.fault(Fault::BadNumber));
        }
        self.at += end;
        Ok(Value::Number(token.to_owned()))
    }

    fn word(&mut self) -> Result<Value, ParseError> {
        let words = [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        let not_a_number = ["NaN", "Infinity"].iter().any(|word| self.rest().starts_with(word));
        Err(self.fault(if not_a_number { Fault::NotANumber } else { Fault::Unexpected("a JSON value") }))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn fault(&self, fault: Fault) -> ParseError {
        ParseError { at: self.at, fault }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Adds a token to a JSON pointer.
pub(crate) fn join(pointer: &str, token: &str) -> String {
    format!("{pointer}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// Levels of nesting that are read; the same as for every other message of the protocol.
pub(crate) const DEPTH_LIMIT: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        Value::parse(text).unwrap().to_string()
    }

    fn fault(text: &str) -> String {
        Value::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn members_stay_in_order_and_numbers_as_written() {
        let text = r#"{"z":1.0,"a":[18446744073709551617,-0,1e3],"m":{"y":null,"b":true}}"#;
        assert_eq!(round(text), text);
    }

    #[test]
    fn strings_survive_with_their_escapes() {
        assert_eq!(round(r#" "a\"\\\n\u00e9\ud83d\ude00\u0001" "#), "\"a\\\"\\\\\\né😀\\u0001\"");
    }

    #[test]
    fn what_is_not_one_json_value_is_refused_with_its_place() {
        assert_eq!(fault(r#"{"a":1}{"b":2}"#), "there is more text after the end of the JSON value, at byte 7");
        assert_eq!(fault(r#"{"text": "unterminated"#), "a string has no closing quote, at byte 9");
        assert_eq!(fault(r#"{"a":NaN}"#), "NaN and Infinity are not JSON, at byte 5");
        assert_eq!(fault(r#"{"a":-Infinity}"#), "NaN and Infinity are not JSON, at byte 5");
        assert_eq!(fault(r#"{"a":1,"a":2}"#), "the key \"a\" stands twice in one object, at byte 7");
        assert_eq!(fault(r#"{"a":1,"\u0061":2}"#), "the key \"a\" stands twice in one object, at byte 7");
        assert_eq!(fault(r#"{"a":1e400}"#), "a number is malformed or out of range, at byte 5");
        assert_eq!(
            fault(r#"{"a":"\ud800"}"#),
            "a string has a bad escape, a lone surrogate or a raw control character, at byte 5"
        );
        assert_eq!(fault("{'a':1}"), "expected a key in double quotes, at byte 1");
        assert_eq!(fault(r#"{"a":1,}"#), "expected a key in double quotes, at byte 7");
        assert_eq!(fault("[01]"), "a number is malformed or out of range, at byte 1");
        assert_eq!(fault("[1"), "expected `,` or `]` in an array, at byte 2");
        assert_eq!(fault(""), "expected a JSON value, at byte 0");
        assert_eq!(fault("{\"é"), "a string has no closing quote, at byte 1");
    }

    #[test]
    fn nesting_is_bounded_without_using_the_stack() {
        assert!(Value::parse(&format!("{}{}", "[".repeat(128), "]".repeat(128))).is_ok());
        assert_eq!(fault(&"[".repeat(100_000)), "more than 128 levels of nesting, at byte 129");
    }

    #[test]
    fn a_pointer_finds_its_value() {
        let value = Value::parse(r#"{"a":[{"b/c":1}]}"#).unwrap();
        assert_eq!(value.pointer("/a/0/b~1c"), Some(&Value::Number("1".to_owned())));
        assert_eq!(value.pointer("/a/1"), None);
        assert_eq!(value.pointer("a"), None);
    }
}
