//! The values of `Mcp-Name` and `Mcp-Param-*`: any text in the characters that a header may hold (H-34, H-35).
//!
//! Text that is safe stands for itself; other text is wrapped as `=?base64?…?=`. The surprising
//! thing: half a wrapper, or one in other letter case, is no error but literal text.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::OWS;

/// Why a header value cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueFault {
    /// The text between `=?base64?` and `?=` has a character that base64 does not use, or ends in bits
    /// that mean nothing.
    Alphabet,
    /// A character is outside of 0x20–0x7E and not a tab.
    Character,
    /// The text between `=?base64?` and `?=` lacks padding or has too much.
    Padding,
    /// The decoded bytes are not UTF-8.
    Utf8,
}

/// Returns the header value for a text: itself, or its wrapped form when a header cannot carry it (H-34).
///
/// The result has only the characters 0x20–0x7E, so CR and LF never reach the wire.
///
/// # Examples
///
/// ```
/// use mcp_transport::header::encode_value;
///
/// assert_eq!(encode_value("us west"), "us west");
/// assert_eq!(encode_value("Zürich"), "=?base64?WsO8cmljaA==?=");
/// ```
#[must_use]
pub fn encode_value(text: &str) -> Cow<'_, str> {
    let looks_wrapped = text.starts_with(PREFIX) && text.ends_with(SUFFIX);
    let is_safe = text.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) && text.trim_matches(OWS) == text;
    if is_safe && !looks_wrapped {
        return Cow::Borrowed(text);
    }
    let mut value = String::from(PREFIX);
    STANDARD.encode_string(text, &mut value);
    value.push_str(SUFFIX);
    Cow::Owned(value)
}

/// Returns the text that a header value stands for (H-35); white space around the value is ignored (H-10).
///
/// # Errors
///
/// Fails when the value has characters that a header must not have, and when a wrapped value is not
/// base64 with its padding, or not UTF-8.
pub fn decode_value(value: &str) -> Result<Cow<'_, str>, ValueFault> {
    let value = value.trim_matches(OWS);
    if !value.bytes().all(|byte| (0x20..=0x7E).contains(&byte) || byte == b'\t') {
        return Err(ValueFault::Character);
    }
    let Some(wrapped) = value.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)) else {
        return Ok(Cow::Borrowed(value));
    };
    let bytes = STANDARD.decode(wrapped).map_err(|_| base64_fault(wrapped))?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| ValueFault::Utf8)
}

/// Says what is wrong with text that does not decode.
fn base64_fault(wrapped: &str) -> ValueFault {
    let symbols = wrapped.trim_end_matches('=');
    let is_symbol = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let padding = wrapped.len() - symbols.len();
    if symbols.bytes().all(is_symbol) && (!wrapped.len().is_multiple_of(4) || padding > 2) {
        return ValueFault::Padding;
    }
    ValueFault::Alphabet
}

impl fmt::Display for ValueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alphabet => "is not standard base64 between `=?base64?` and `?=`",
            Self::Character => "has a character outside of 0x20-0x7E; wrap the text as `=?base64?...?=`",
            Self::Padding => "lacks the base64 padding between `=?base64?` and `?=`",
            Self::Utf8 => "does not decode to UTF-8",
        })
    }
}

impl std::error::Error for ValueFault {}

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_random::Random;

    fn check_encode(text: &str, expected: &str) {
        assert_eq!(encode_value(text), expected);
        assert_eq!(decode_value(expected).unwrap(), text);
    }

    fn check_decode(value: &str, expected: Result<&str, ValueFault>) {
        assert_eq!(decode_value(value).as_deref(), expected.as_ref().copied(), "{value:?}");
    }

    #[test]
    fn text_that_a_header_can_carry_stands_for_itself_h_34() {
        for text in ["", "us-west1", "a b  c", "!\"#$%&'()*+,-./~", "=?base64?", "?=", "=?BASE64?eA==?="] {
            check_encode(text, text);
        }
    }

    #[test]
    fn other_text_is_wrapped_h_34() {
        check_encode("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?=");
        check_encode(" padded ", "=?base64?IHBhZGRlZCA=?=");
        check_encode("\ttab", "=?base64?CXRhYg==?=");
        check_encode("a\tb", "=?base64?YQli?=");
        check_encode("line1\nline2", "=?base64?bGluZTEKbGluZTI=?=");
        check_encode("a\r\nX-Evil: 1", "=?base64?YQ0KWC1FdmlsOiAx?=");
        check_encode("\u{7f}", "=?base64?fw==?=");
        check_encode("=?base64?=", "=?base64?PT9iYXNlNjQ/PQ==?=");
        check_encode("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?=");
    }

    #[test]
    fn a_wrapper_needs_its_exact_prefix_and_suffix_h_35() {
        check_decode("=?base64?SGVsbG8=?=", Ok("Hello"));
        check_decode("=?base64??=", Ok(""));
        check_decode("=?base64?SGVsbG8=", Ok("=?base64?SGVsbG8="));
        check_decode("SGVsbG8=?=", Ok("SGVsbG8=?="));
        check_decode("=?base64?=", Ok("=?base64?="));
        check_decode("=?Base64?SGVsbG8=?=", Ok("=?Base64?SGVsbG8=?="));
        check_decode("x=?base64?SGVsbG8=?=", Ok("x=?base64?SGVsbG8=?="));
    }

    #[test]
    fn base64_is_strict_h_35() {
        check_decode("=?base64?SGVsbG8?=", Err(ValueFault::Padding));
        check_decode("=?base64?SGVsbG8==?=", Err(ValueFault::Padding));
        check_decode("=?base64?SGVsbA===?=", Err(ValueFault::Padding));
        check_decode("=?base64?=?=", Err(ValueFault::Padding));
        check_decode("=?base64?SGVs!!!bG8=?=", Err(ValueFault::Alphabet));
        check_decode("=?base64?SGVs bG8=?=", Err(ValueFault::Alphabet));
        check_decode("=?base64?SGVsbG9=?=", Err(ValueFault::Alphabet));
        check_decode("=?base64?_-8=?=", Err(ValueFault::Alphabet));
        check_decode("=?base64?/w==?=", Err(ValueFault::Utf8));
        check_decode("=?base64?7aCA?=", Err(ValueFault::Utf8));
    }

    #[test]
    fn characters_that_a_header_must_not_have_are_refused_h_9() {
        check_decode("a\tb", Ok("a\tb"));
        for value in ["é", "a\0b", "a\u{7f}", "a\nb", "a\r\n b"] {
            check_decode(value, Err(ValueFault::Character));
        }
    }

    #[test]
    fn white_space_around_a_value_is_ignored_h_10() {
        check_decode(" \t name \t ", Ok("name"));
        check_decode("  =?base64?SGVsbG8=?= ", Ok("Hello"));
        check_decode(" ", Ok(""));
    }

    #[test]
    fn every_text_comes_back_from_a_value_of_visible_ascii() {
        let parts = ["=?base64?", "?=", " ", "\t", "\r\n", "a", "=", "é", "\u{1f600}", "\0", "?"];
        let mut random = Random::new(4);
        for _ in 0..5_000 {
            let text: String = (0..random.below(7)).map(|_| parts[random.below(parts.len())]).collect();
            let value = encode_value(&text);
            assert!(value.bytes().all(|byte| (0x20..=0x7E).contains(&byte)), "{text:?}");
            assert_eq!(decode_value(&value).unwrap(), text);
        }
    }
}
