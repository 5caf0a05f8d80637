//! The handshake of the legacy era (*Lifecycle*); up to 2025-11-25.
//!
//! The surprising thing: `protocolVersion` in the result may differ from the one asked for, and that is no error.

use crate::capabilities::{ClientCapabilities, ServerCapabilities};
use crate::implementation::Implementation;
use crate::meta::{RequestMeta, ResultMeta};
use crate::object::object;
use crate::revision::ProtocolVersion;

object! {
    /// The parameters of `initialize`.
    pub struct InitializeRequestParams {
        required {
            /// The latest legacy version that the client speaks.
            protocol_version: ProtocolVersion = "protocolVersion",
            /// What the client can do.
            capabilities: ClientCapabilities = "capabilities",
            /// Who the client is.
            client_info: Implementation = "clientInfo",
        }
        optional {
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The answer to `initialize`.
    pub struct InitializeResult {
        required {
            /// The version that is spoken from here on.
            protocol_version: ProtocolVersion = "protocolVersion",
            /// What the server offers.
            capabilities: ServerCapabilities = "capabilities",
            /// Who the server is.
            server_info: Implementation = "serverInfo",
        }
        optional {
            /// How to use the server, for the language model.
            instructions: String = "instructions",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}
