//! The error object of JSON-RPC and the codes that the specification gives a meaning (T-5, digest 1.4).

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::object::object;

/// A number that says what kind of error a peer reports.
///
/// Codes from −32768 to −32000 belong to JSON-RPC and the specification; an application's own codes lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCode(pub i64);

impl ErrorCode {
    /// The message is not JSON.
    pub const PARSE: Self = Self(-32700);
    /// The message is JSON but not a JSON-RPC message.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// The method does not exist, or its capability is not offered.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The parameters are wrong: unknown tool, unknown prompt, bad cursor, missing `_meta` members.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// The receiver failed.
    pub const INTERNAL: Self = Self(-32603);
    /// The resource does not exist; up to 2025-11-25, and accepted from servers of any revision (T-101).
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
    /// The user must first visit a URL; 2025-11-25 only.
    pub const URL_ELICITATION_REQUIRED: Self = Self(-32042);
    /// An HTTP header is missing or does not say what the body says; since 2026-07-28.
    pub const HEADER_MISMATCH: Self = Self(-32020);
    /// The request needs a client capability that it did not declare; since 2026-07-28.
    pub const MISSING_CLIENT_CAPABILITY: Self = Self(-32021);
    /// The request names a protocol version that is not served; since 2026-07-28.
    pub const UNSUPPORTED_PROTOCOL_VERSION: Self = Self(-32022);
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<i64> for ErrorCode {
    fn from(code: i64) -> Self {
        Self(code)
    }
}

object! {
    /// An error that a peer reports in place of a result.
    ///
    /// Local conditions, such as a timeout or a closed connection, are never expressed as one (T-51).
    pub struct RpcError {
        required {
            /// What kind of error it is.
            code: ErrorCode = "code",
            /// One short sentence for a human.
            message: String = "message",
        }
        present {
            /// Anything more, in a shape that the code decides.
            data: "data",
        }
    }
}

impl RpcError {
    /// Reports that a message is not JSON (−32700).
    pub fn parse(message: impl Into<Cow<'static, str>>) -> Self {
        Self::coded(ErrorCode::PARSE, message)
    }

    /// Reports that a message is not a JSON-RPC message (−32600).
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::coded(ErrorCode::INVALID_REQUEST, message)
    }

    /// Reports that a method does not exist here (−32601).
    pub fn method_not_found(method: &str) -> Self {
        Self::coded(ErrorCode::METHOD_NOT_FOUND, format!("method not found: {method}"))
    }

    /// Reports that parameters are wrong (−32602).
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::coded(ErrorCode::INVALID_PARAMS, message)
    }

    /// Reports that the receiver failed (−32603).
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::coded(ErrorCode::INTERNAL, message)
    }

    fn coded(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code, message.into())
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl Error for RpcError {}
