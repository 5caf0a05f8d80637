//! `_meta` and the keys that the specification reserves in it (T-20 to T-30).

use crate::capabilities::ClientCapabilities;
use crate::implementation::Implementation;
use crate::json::JsonObject;
use crate::logging::LoggingLevel;
use crate::object::object;
use crate::revision::ProtocolVersion;
use crate::rpc::{ProgressToken, RequestId};

/// The protocol version of a request; required since 2026-07-28.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The capabilities of the client that sends a request; required since 2026-07-28.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The name and version of the client that sends a request.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// The name and version of the server that sends a result.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// The least severe log message that a request wants to see.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// The id of the `subscriptions/listen` request that a notification belongs to.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// The token by which progress is reported.
pub const PROGRESS_TOKEN: &str = "progressToken";

/// The `_meta` of an entity, a result or a notification: an open object.
pub type Meta = JsonObject;

object! {
    /// The `_meta` of a request.
    pub struct RequestMeta {
        optional {
            /// Asks for progress notifications under this token.
            progress_token: ProgressToken = "progressToken",
            /// The version that the request is written in.
            protocol_version: ProtocolVersion = "io.modelcontextprotocol/protocolVersion",
            /// What the client can do for the server while this request runs.
            client_capabilities: ClientCapabilities = "io.modelcontextprotocol/clientCapabilities",
            /// Who asks; for display and logs only (T-28).
            client_info: Implementation = "io.modelcontextprotocol/clientInfo",
            /// The least severe log message wanted.
            log_level: LoggingLevel = "io.modelcontextprotocol/logLevel",
        }
    }
}

object! {
    /// The `_meta` of a result.
    pub struct ResultMeta {
        optional {
            /// Who answers; for display and logs only (T-28). Boxed, because it is large and seldom there.
            server_info: Box<Implementation> = "io.modelcontextprotocol/serverInfo",
            /// The `subscriptions/listen` request that ended.
            subscription_id: RequestId = "io.modelcontextprotocol/subscriptionId",
        }
    }
}

/// Returns whether `key` has the grammar of a `_meta` key: an optional prefix of labels and a name (T-20).
pub fn is_valid_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => prefix.split('.').all(is_label) && is_name(name),
        None => is_name(key),
    }
}

/// Returns whether the prefix of `key` is kept for the specification (T-21).
pub fn is_reserved_key(key: &str) -> bool {
    key.split_once('/')
        .and_then(|(prefix, _)| prefix.split('.').nth(1))
        .is_some_and(|label| label == "modelcontextprotocol" || label == "mcp")
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return true;
    };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_of_keys_is_kept() {
        for key in ["a", "", "a.b_c-d", "com.example/x", "io.modelcontextprotocol/serverInfo", "a-b.c/"] {
            assert!(is_valid_key(key), "{key}");
        }
        for key in ["-a", "a-", "1a.b/x", "a..b/x", "/x", "a b", "a/b/c", "com.example-/x", "é"] {
            assert!(!is_valid_key(key), "{key}");
        }
    }

    #[test]
    fn the_second_label_reserves_a_prefix() {
        for key in ["io.modelcontextprotocol/x", "dev.mcp/x", "com.mcp.tools/x"] {
            assert!(is_reserved_key(key), "{key}");
        }
        for key in ["com.example.mcp/x", "mcp/x", "progressToken", "modelcontextprotocol.io/x"] {
            assert!(!is_reserved_key(key), "{key}");
        }
    }
}
