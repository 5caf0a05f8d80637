//! Log messages from a server (*Logging*, T-110, T-111).
//!
//! The surprising thing: since 2026-07-28 the wanted level travels in the `_meta` of every request, and without it
//! nothing is logged.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::RawJson;
use crate::meta::{Meta, RequestMeta};
use crate::object::{Key, object};

/// How severe a log message is, least severe first; the levels of RFC 5424.
///
/// The set is closed: an unknown level is an error of the sender (T-26).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LoggingLevel {
    /// Details for finding a fault.
    Debug,
    /// Ordinary events.
    Info,
    /// Ordinary but significant events.
    Notice,
    /// Something may be wrong.
    Warning,
    /// Something is wrong.
    Error,
    /// A component has failed.
    Critical,
    /// Somebody must act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

impl LoggingLevel {
    /// Every level, least severe first.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// Returns the word as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}

impl fmt::Display for LoggingLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text names no logging level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownLoggingLevel;

impl fmt::Display for UnknownLoggingLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a logging level; known are debug, info, notice, warning, error, critical, alert and emergency")
    }
}

impl std::error::Error for UnknownLoggingLevel {}

impl FromStr for LoggingLevel {
    type Err = UnknownLoggingLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLoggingLevel> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or(UnknownLoggingLevel)
    }
}

impl Serialize for LoggingLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for LoggingLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Key(text) = Key::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

object! {
    /// The parameters of `logging/setLevel`; up to 2025-11-25.
    pub struct SetLevelRequestParams {
        required {
            /// The least severe level wanted.
            level: LoggingLevel = "level",
        }
        optional {
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The parameters of `notifications/message`.
    pub struct LoggingMessageNotificationParams {
        required {
            /// How severe it is.
            level: LoggingLevel = "level",
            /// What is logged: any JSON.
            data: RawJson = "data",
        }
        optional {
            /// The part of the server that logs.
            logger: String = "logger",
            /// What every notification may carry.
            meta: Meta = "_meta",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_by_severity() {
        assert!(LoggingLevel::ALL.is_sorted());
        assert!(LoggingLevel::Debug < LoggingLevel::Emergency);
    }

    #[test]
    fn an_unknown_level_is_an_error_that_names_the_known_ones() {
        let error = serde_json::from_str::<SetLevelRequestParams>(r#"{"level":"loud"}"#).unwrap_err().to_string();
        assert!(error.starts_with("`level`: not a logging level; known are debug"), "{error}");
        for level in LoggingLevel::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
        }
    }

    #[test]
    fn null_is_data_that_can_be_logged() {
        let text = r#"{"level":"info","data":null}"#;
        let message: LoggingMessageNotificationParams = serde_json::from_str(text).unwrap();
        assert!(message.data.is_null());
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
    }
}
