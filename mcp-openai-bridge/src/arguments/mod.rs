//! Arguments of a call: what the model wrote becomes a JSON object, or a list of faults that the model can act on.
//!
//! What cannot be read is never run as `{}`: a call with other arguments than the model meant may delete the wrong
//! thing. The surprising thing: the check uses the server's schema, not the one that was published, and the object that
//! goes to the server has the model's own bytes.

#[cfg(feature = "validate")]
mod check;

use std::fmt;

use mcp_types::RawJson;

use crate::chat::Arguments;
use crate::json::Value;

#[cfg(feature = "validate")]
pub(crate) use check::Checker;
#[cfg(feature = "validate")]
pub use check::Unchecked;

/// Reads arguments as a JSON object. An empty text and absent arguments are an object without members.
///
/// # Errors
///
/// Refuses what is no JSON object: broken or truncated JSON, text after the object, `NaN` and `Infinity`, a key that
/// stands twice, any other JSON value.
pub fn read(arguments: &Arguments) -> Result<RawJson, Rejection> {
    let text = match arguments {
        Arguments::Absent => "",
        Arguments::Json(value) => value.as_str(),
        Arguments::Text(text) => text,
    };
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
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

/// One thing that is wrong with arguments. Its text is one line, in the words that servers of this workspace use too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Where, as a JSON pointer; empty for the arguments as a whole.
    pub path: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// It is required and not there.
    Missing {
        /// What is expected, such as `a string`, when the schema says so.
        expected: Option<String>,
        /// A name that is not known and was perhaps sent in its place.
        sent_as: Option<String>,
    },
    /// It follows none of several forms.
    NoForm {
        /// How many forms the schema allows.
        forms: usize,
        /// What is wrong by the form that is closest.
        closest: Vec<Fault>,
    },
    /// It is there and its name is not known.
    Unknown {
        /// The name that was probably meant.
        meant: Option<String>,
        /// The names that are known. Of several unknown names in one place only the last one says them.
        known: Option<Vec<String>>,
    },
    /// It is another than expected.
    Wrong {
        /// What is expected.
        expected: String,
        /// What stands there.
        got: String,
        /// The value that was probably meant.
        meant: Option<String>,
    },
}

impl Fault {
    /// Makes a fault.
    pub fn new(path: impl Into<String>, problem: Problem) -> Self {
        Self { path: path.into(), problem }
    }

    fn wrong(path: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::new(path, Problem::Wrong { expected: expected.into(), got: got.into(), meant: None })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str("the arguments")?;
        } else {
            write!(f, "`{}`", shortened_to(&readable(&self.path), PATH_CHARS))?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guess = |f: &mut fmt::Formatter<'_>, meant: &Option<String>| match meant {
            Some(meant) => write!(f, ", did you mean `{meant}`?"),
            None => Ok(()),
        };
        match self {
            Self::Missing { expected, sent_as } => {
                f.write_str("missing")?;
                if let Some(expected) = expected {
                    write!(f, ", expected {expected}")?;
                }
                match sent_as {
                    Some(sent) => write!(f, "; is it what you sent as `{}`?", shortened(sent)),
                    None => Ok(()),
                }
            }
            Self::NoForm { forms, closest } => {
                let closest: Vec<String> = closest.iter().map(Fault::to_string).collect();
                write!(f, "follows none of its {forms} forms; closest: {}", closest.join("; "))
            }
            Self::Unknown { meant, known } => {
                f.write_str("unknown")?;
                guess(f, meant)?;
                match known {
                    Some(known) if known.is_empty() => f.write_str("; none are known here"),
                    Some(known) => write!(f, "; known are {}", listed(known.iter().map(|name| format!("`{name}`")))),
                    None => Ok(()),
                }
            }
            Self::Wrong { expected, got, meant } => {
                write!(f, "expected {expected}, got {got}")?;
                guess(f, meant)
            }
        }
    }
}

/// Turns a JSON pointer into a path that reads like code.
fn readable(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{token}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&token);
        }
    }
    path
}

/// Lists words, and says how many there are when some are left out.
fn listed(words: impl ExactSizeIterator<Item = String>) -> String {
    let more = words.len().saturating_sub(LISTED_WORDS);
    let shown = words.take(LISTED_WORDS).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

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

/// Characters of a path that are shown.
const PATH_CHARS: usize = 120;

/// Names and values that are listed in one fault.
const LISTED_WORDS: usize = 24;

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
