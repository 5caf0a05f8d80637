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
/// let token = mcp_client::Secret::from("open sesame");
/// assert_eq!(format!("{token:?}"), "Secret(…)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Returns the text, for the one place that puts it on the wire.
    #[cfg_attr(not(feature = "http"), allow(dead_code, reason = "only HTTP has headers to put it in"))]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Puts a public word in front, such as the scheme of a credential.
    pub(crate) fn prefixed(&self, prefix: &str) -> Self {
        Self(format!("{prefix}{}", self.0).into())
    }
}

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
