//! Why a `requestState` is not accepted, and what its sender is told (P-15).
//!
//! The surprising thing: it is told less than is known.

use std::fmt;

use mcp_types::{ErrorCode, RpcError};

/// Why a state is not accepted.
#[cfg_attr(not(feature = "sealing"), allow(dead_code, reason = "only a seal can be broken in these ways"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub(crate) enum Refused {
    /// It is too old.
    Expired,
    /// It was given to somebody else.
    ForeignPrincipal,
    /// It is not of the form that this server gives.
    Malformed,
    /// It belongs to a request with another method or other parameters.
    OtherRequest,
    /// It was changed.
    Tampered,
    /// It is longer than any that this server gives.
    TooLong,
    /// It was sealed with a key that this server does not have.
    UnknownKey,
}

impl Refused {
    /// Returns the word that stands for the reason in `error.data.reason`.
    fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            // Whether a state is somebody else's is told to nobody but the log.
            Self::ForeignPrincipal | Self::Malformed | Self::Tampered | Self::TooLong | Self::UnknownKey => "invalid",
            Self::OtherRequest => "other_request",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "`requestState` has expired",
            Self::ForeignPrincipal => "`requestState` was given to another principal",
            Self::Malformed => "`requestState` is not of this server",
            Self::OtherRequest => "`requestState` belongs to a request with another method or other parameters",
            Self::Tampered => "`requestState` was changed",
            Self::TooLong => "`requestState` is longer than any that this server gives",
            Self::UnknownKey => "`requestState` was sealed with a key that this server does not have",
        })
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for RpcError {
    /// Makes the error that the client is told (P-15): enough to know whether to begin again, nothing to learn from.
    fn from(refused: Refused) -> Self {
        let message = match refused {
            Refused::Expired | Refused::OtherRequest => format!("{refused}; send the request again without it"),
            _ => "`requestState` is not valid; send the request again without it".to_owned(),
        };
        let data = serde_json::json!({ "reason": refused.word() });
        Self::new(ErrorCode::INVALID_PARAMS, message).data(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_invalid_params_and_tells_an_attacker_nothing() {
        let told = |refused: Refused| {
            let error = RpcError::from(refused);
            assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
            (error.message, error.data.unwrap().as_str().to_owned())
        };
        assert_eq!(told(Refused::ForeignPrincipal), told(Refused::Tampered));
        assert_eq!(told(Refused::UnknownKey), told(Refused::Malformed));
        assert_eq!(told(Refused::Expired).1, r#"{"reason":"expired"}"#);
        assert_ne!(Refused::ForeignPrincipal.to_string(), Refused::Tampered.to_string(), "the log knows");
    }
}
