//! Text that must never be printed (house 2.8).
//!
//! The surprising thing: there is no way to read it outside of this crate. It goes in by `From` and leaves only on the
//! wire, so no log line of an application can hold it by accident.

use std::fmt;
use std::sync::Arc;

/// A token, a key or any other text that identifies its owner.
///
/// # Examples
///
/// ```
/// use mcp_transport::Secret;
///
/// let token = Secret::from("open sesame");
/// assert_eq!(format!("{token:?}"), "Secret(…)");
/// assert_eq!(token.redact("no door says open sesame"), "no door says …");
/// ```
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Returns the text, for the one place that puts it on the wire.
    #[cfg(feature = "http-client")]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Puts a public word in front, such as the scheme of a credential.
    pub fn prefixed(&self, prefix: &str) -> Self {
        Self(format!("{prefix}{}", self.0).into())
    }

    /// Returns whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the text out of another one, such as the error of a server that repeats the key that it was given.
    pub fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&*self.0, "…") }
    }

    /// Makes the value of a header, marked as sensitive.
    ///
    /// # Errors
    ///
    /// Fails when a header cannot have the text, which the error does not repeat.
    #[cfg(feature = "http-client")]
    pub fn header_value(&self) -> Result<http::HeaderValue, crate::Error> {
        let mut value = http::HeaderValue::try_from(self.expose()).map_err(|_| {
            crate::Error::config("a secret has characters that a header cannot have, such as a line break")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// The time that a comparison takes tells the length of a text and nothing else.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), other.0.as_bytes());
        let difference = ours.iter().zip(theirs).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
        ours.len() == theirs.len() && difference == 0
    }
}

impl Eq for Secret {}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_when_all_their_bytes_are() {
        let check =
            |a: &str, b: &str, expected: bool| assert_eq!(Secret::from(a) == Secret::from(b), expected, "{a} {b}");
        check("", "", true);
        check("abc", "abc", true);
        check("abc", "abd", false);
        check("xbc", "abc", false);
        check("abc", "abcd", false);
        check("abcd", "abc", false);
    }

    #[test]
    fn nothing_is_taken_out_for_an_empty_secret() {
        assert_eq!(Secret::from("").redact("as it was"), "as it was");
        assert_eq!(Secret::from("k").redact("k, k"), "…, …");
    }

    #[cfg(feature = "http-client")]
    #[test]
    fn a_secret_that_no_header_can_have_is_not_repeated() {
        let error = Secret::from("hunter2\n").header_value().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert!(Secret::from("hunter2").header_value().unwrap().is_sensitive());
    }
}
