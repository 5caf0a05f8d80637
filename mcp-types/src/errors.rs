//! What `error.data` holds for the codes that give it a shape (digest 1.4).
//!
//! The surprising thing: an error with the right code and the wrong data is still that error, so reading the data gives
//! an `Option` and never fails.

use serde::de::DeserializeOwned;

use crate::capabilities::ClientCapabilities;
use crate::elicitation::ElicitRequestUrlParams;
use crate::json::RawJson;
use crate::object::object;
use crate::revision::ProtocolVersion;
use crate::rpc::{ErrorCode, RpcError};

object! {
    /// The data of −32021: what a client would have to declare; since 2026-07-28.
    pub struct MissingRequiredClientCapabilityError {
        required {
            /// The capabilities that are missing.
            required_capabilities: ClientCapabilities = "requiredCapabilities",
        }
    }
}

object! {
    /// The data of −32022: which versions are served; since 2026-07-28.
    pub struct UnsupportedProtocolVersionError {
        required {
            /// The versions that are served.
            supported: Vec<ProtocolVersion> = "supported",
            /// The version that was asked for.
            requested: ProtocolVersion = "requested",
        }
    }
}

object! {
    /// The data of −32042: what the user must visit first; 2025-11-25 only.
    pub struct UrlElicitationRequiredError {
        required {
            /// What to show the user, each with an `elicitationId`.
            elicitations: Vec<ElicitRequestUrlParams> = "elicitations",
        }
    }
}

object! {
    /// The data of −32002, and of −32602 for `resources/read` since 2026-07-28: what does not exist (T-101).
    pub struct ResourceNotFoundError {
        required {
            /// The URI that was asked for.
            uri: String = "uri",
        }
    }
}

/// Declares the code and the sentence that go with a shape of data.
macro_rules! coded {
    ($name:ident, $code:ident, $message:literal) => {
        impl $name {
            /// Reads the data of an error that has this code and this shape.
            pub fn from_error(error: &RpcError) -> Option<Self> {
                (error.code == ErrorCode::$code).then(|| data(error)).flatten()
            }
        }

        impl From<$name> for RpcError {
            fn from(data: $name) -> Self {
                let error = Self::new(ErrorCode::$code, $message);
                match RawJson::encode(&data) {
                    Ok(data) => error.data(data),
                    Err(_) => error,
                }
            }
        }
    };
}

coded!(
    MissingRequiredClientCapabilityError,
    MISSING_CLIENT_CAPABILITY,
    "the request needs a capability that the client did not declare"
);
coded!(UnsupportedProtocolVersionError, UNSUPPORTED_PROTOCOL_VERSION, "unsupported protocol version");
coded!(UrlElicitationRequiredError, URL_ELICITATION_REQUIRED, "the user must visit a URL first");
coded!(ResourceNotFoundError, RESOURCE_NOT_FOUND, "resource not found");

fn data<T: DeserializeOwned>(error: &RpcError) -> Option<T> {
    error.data.as_ref()?.decode().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capabilities::SamplingCapability;
    use crate::revision::Revision;

    #[test]
    fn data_goes_into_an_error_and_comes_out_again() {
        let missing =
            MissingRequiredClientCapabilityError::new(ClientCapabilities::new().sampling(SamplingCapability::new()));
        let error = RpcError::from(missing.clone());
        assert_eq!(error.data.as_ref().unwrap().as_str(), r#"{"requiredCapabilities":{"sampling":{}}}"#);
        assert_eq!(MissingRequiredClientCapabilityError::from_error(&error), Some(missing));
        assert_eq!(UnsupportedProtocolVersionError::from_error(&error), None);
    }

    #[test]
    fn wrong_data_is_no_data() {
        let error = RpcError::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, "no").data(RawJson::null());
        assert_eq!(UnsupportedProtocolVersionError::from_error(&error), None);
        let error = UnsupportedProtocolVersionError::new([Revision::LATEST.into()], "2030-01-01").into();
        let data = UnsupportedProtocolVersionError::from_error(&error).unwrap();
        assert_eq!((data.requested.known(), data.supported.len()), (None, 1));
    }
}
