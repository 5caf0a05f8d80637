//! Arguments of a call: what the model wrote becomes a JSON object, or a list of faults that the model can act on.
//!
//! What cannot be read is never run as `{}`: a call with other arguments than the model meant may delete the wrong
//! thing. The surprising thing: the check uses the server's schema, not the one that was published, and the object that
//! goes to the server has the model's own bytes.

#[cfg(feature = "validate")]
mod check;
mod fault;
#[cfg(feature = "validate")]
mod resource;
#[cfg(feature = "validate")]
mod size;

use std::fmt;

use mcp_types::RawJson;

use crate::chat::Arguments;
use crate::json::Value;

#[cfg(feature = "validate")]
pub(crate) use check::Checker;
#[cfg(feature = "validate")]
pub use check::Unchecked;
pub use fault::{Fault, Problem};

/// Reads arguments as a JSON object. An empty text and absent arguments are an object without members.
///
/// # Errors
///
/// Refuses what is no JSON object: broken or truncated JSON, text after the object, `NaN` and `Infinity`, a key that
/// stands twice, any other JSON value.
pub fn read(arguments: &Arguments) -> Result<RawJson, Rejection> {
    let text = text_of(arguments);
    if text.is_empty() {
        return Ok(RawJson::empty_object());
    }
    let refuse = |got: String| Rejection::from(Fault::wrong("", "one JSON object", got));
    match Value::parse(text) {
        Ok(Value::Object(_)) => RawJson::parse(text.to_owned()).map_err(|error| refuse(error.to_string())),
        Ok(Value::Array(items)) => Err(refuse(format!("an array of {}", items.len()))),
        Ok(_) => Err(refuse(shortened(text))),
        Err(error) => Err(refuse(format!("{} ({error})", shortened(text)))),
    }
}

/// Returns whether there is nothing that [`read`] could read, and so an object without members.
pub(crate) fn is_blank(arguments: &Arguments) -> bool {
    text_of(arguments).is_empty()
}

/// The JSON of arguments, without white space around it.
fn text_of(arguments: &Arguments) -> &str {
    let text = match arguments {
        Arguments::Absent => "",
        Arguments::Json(value) => value.as_str(),
        Arguments::Text(text) => text,
    };
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// Why arguments were not accepted. Its text is written for the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    faults: Vec<Fault>,
    /// There are more faults than those that are listed.
    more: bool,
}

impl Rejection {
    /// Returns the faults, at most [`FAULT_LIMIT`].
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Returns whether there are more faults than are listed.
    pub fn has_more(&self) -> bool {
        self.more
    }
}

impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault], more: false }
    }
}

impl FromIterator<Fault> for Rejection {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        let mut faults: Vec<Fault> = faults.into_iter().take(FAULT_LIMIT + 1).collect();
        let more = faults.len() > FAULT_LIMIT;
        faults.truncate(FAULT_LIMIT);
        Self { faults, more }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the arguments were not accepted and the tool was not run. Correct this and call it again:")?;
        for fault in &self.faults {
            write!(f, "\n- {fault}")?;
        }
        if self.more {
            f.write_str("\n- and more")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}

/// The beginning of a text, enough to recognize it.
pub(crate) fn shortened(text: &str) -> String {
    shortened_to(text, SHOWN_CHARS)
}

fn shortened_to(text: &str, chars: usize) -> String {
    let mut short: String = text.chars().take(chars).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Faults that are listed at once.
pub const FAULT_LIMIT: usize = 16;

/// Characters of the model's text that are repeated to it.
const SHOWN_CHARS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(arguments: impl Into<Arguments>, expected: &str) {
        assert_eq!(read(&arguments.into()).unwrap().as_str(), expected);
    }

    fn refused(text: &str, expected: &str) {
        let rejection = read(&Arguments::from(text)).unwrap_err();
        assert_eq!(
            rejection.faults()[0].to_string(),
            format!("the arguments: expected one JSON object, got {expected}")
        );
    }

    #[test]
    fn a_text_an_object_and_nothing_are_objects() {
        accepted(r#"{"a":1}"#, r#"{"a":1}"#);
        accepted(Arguments::Json(RawJson::parse(r#"{"a":1}"#).unwrap()), r#"{"a":1}"#);
        accepted(Arguments::Absent, "{}");
        accepted("", "{}");
        accepted(" \n\t ", "{}");
    }

    #[test]
    fn white_space_around_an_object_is_dropped_and_inside_kept() {
        accepted(" \n{ \"a\" : 1 }\n", "{ \"a\" : 1 }");
    }

    #[test]
    fn numbers_keep_their_digits() {
        accepted(r#"{"a":100000000000000000000001,"b":1.10}"#, r#"{"a":100000000000000000000001,"b":1.10}"#);
    }

    #[test]
    fn truncated_json_is_refused() {
        refused(r#"{"text": "unterminated"#, r#"{"text": "unterminated (a string has no closing quote, at byte 9)"#);
        refused(r#"{"a":1"#, r#"{"a":1 (expected `,` or `}` in an object, at byte 6)"#);
    }

    #[test]
    fn text_after_the_object_is_refused() {
        refused(
            r#"{"a":1}{"b":2}"#,
            r#"{"a":1}{"b":2} (there is more text after the end of the JSON value, at byte 7)"#,
        );
    }

    #[test]
    fn a_value_that_is_no_object_is_refused() {
        refused("[1]", "an array of 1");
        refused("null", "null");
        refused("\"a\"", "\"a\"");
        refused("7", "7");
    }

    #[test]
    fn nan_and_infinity_are_refused() {
        refused(r#"{"a":NaN}"#, r#"{"a":NaN} (NaN and Infinity are not JSON, at byte 5)"#);
        refused(r#"{"a":-Infinity}"#, r#"{"a":-Infinity} (NaN and Infinity are not JSON, at byte 5)"#);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_every_depth() {
        refused(r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2} (the key "a" stands twice in one object, at byte 7)"#);
        refused(
            r#"{"b":[{"a":1,"a":2}]}"#,
            r#"{"b":[{"a":1,"a":2}]} (the key "a" stands twice in one object, at byte 13)"#,
        );
    }

    #[test]
    fn a_lone_surrogate_is_refused() {
        // Finding 3: forwarded, it kills the server.
        refused(
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\ud800"} (a string has a bad escape, a lone surrogate or a raw control character, at byte 5)"#,
        );
    }

    #[test]
    fn the_rejection_tells_the_model_what_to_do() {
        let rejection = Rejection::from_iter((0..20).map(|n| Fault::wrong(format!("/a/{n}"), "x", "y")));
        let text = rejection.to_string();
        assert!(text.starts_with("the arguments were not accepted and the tool was not run. Correct this and call it again:\n- `a[0]`: expected x, got y\n"));
        assert!(text.ends_with("\n- `a[15]`: expected x, got y\n- and more"));
    }
}
