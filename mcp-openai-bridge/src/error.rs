//! What can go wrong in a tool loop, by who is at fault.
//!
//! The surprising thing: nothing that a model or a tool does is an error here. A wrong call is answered to the model,
//! which can do better; an error means that the loop cannot go on.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Why a tool loop cannot go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The caller used the loop in the wrong order.
    Misuse(Misuse),
    /// The model could not be asked.
    Model(ModelError),
    /// The model's reply has no message.
    NoChoice,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misuse(_) => f.write_str("the tool loop was used in the wrong order"),
            Self::Model(_) => f.write_str("the model could not be asked"),
            Self::NoChoice => f.write_str("the reply of the model has no message: `choices` is empty"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Misuse(misuse) => Some(misuse),
            Self::Model(error) => Some(error),
            Self::NoChoice => None,
        }
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

/// How a caller used a loop in the wrong order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// An approval came for a call that is not waiting for one.
    NoApprovalExpected,
    /// A reply of the model came while none was waited for.
    NoReplyExpected,
    /// A result came for a call that is not waiting for one.
    NoResultExpected,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoApprovalExpected => {
                "an approval came for a call that does not wait for one; give each approval once"
            }
            Self::NoReplyExpected => "a reply of the model came while none was waited for; follow the last step",
            Self::NoResultExpected => "a result came for a call that does not wait for one; give each result once",
        })
    }
}

impl StdError for Misuse {}

/// Why a model could not be asked: the network, the provider, or a reply that cannot be read.
#[derive(Debug)]
pub struct ModelError {
    message: String,
    status: Option<u16>,
    code: Option<String>,
    retry_after: Option<Duration>,
    is_timeout: bool,
    is_transient: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ModelError {
    /// Makes an error from what went wrong, without its cause.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: None,
            code: None,
            retry_after: None,
            is_timeout: false,
            is_transient: false,
            source: None,
        }
    }

    /// Adds the HTTP status that the provider answered with.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds the provider's own word for what went wrong, such as `context_length_exceeded`.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Adds how long the provider wants to be left alone (`Retry-After`, `retry-after-ms`).
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Says that the request may be sent again: it did not come to the provider, or he says that it may.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.is_transient = true;
        self
    }

    /// Says that the provider took longer than it may.
    #[must_use]
    pub fn timed_out(mut self) -> Self {
        self.is_timeout = true;
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// Returns what went wrong, without the status and the cause.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the HTTP status that the provider answered with, if it did.
    pub fn http_status(&self) -> Option<u16> {
        self.status
    }

    /// Returns the provider's own word for what went wrong, if it gave one.
    pub fn provider_code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns how long the provider wants to be left alone, if it said so.
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns whether the provider took longer than it may.
    pub fn is_timeout(&self) -> bool {
        self.is_timeout
    }

    /// Returns whether the request may be sent again, whatever the status.
    pub fn is_transient(&self) -> bool {
        self.is_transient
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.status {
            Some(status) => write!(f, " (HTTP status {status})"),
            None => Ok(()),
        }
    }
}

impl StdError for ModelError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_leads_to_its_cause() {
        let error = Error::from(ModelError::new("the provider refused the request").status(400).because("bad tool"));
        let mut chain = Vec::new();
        let mut next: Option<&dyn StdError> = Some(&error);
        while let Some(error) = next {
            chain.push(error.to_string());
            next = error.source();
        }
        assert_eq!(
            chain,
            ["the model could not be asked", "the provider refused the request (HTTP status 400)", "bad tool"]
        );
    }
}
