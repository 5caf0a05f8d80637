//! The modern side of the decision: what a request must say of itself (V-40 to V-44).

use mcp_types::{LoggingLevel, Request, RpcError, method};

use super::classify::{Rejection, Served};
use crate::service::{Caller, ModernCaller};

/// Checks a request that claims to be modern; `version` is the value of its `protocolVersion`, when that is a string.
pub(super) fn admit(request: &Request, version: Option<&str>, served: &Served) -> Result<Caller, Rejection> {
    let meta = request.params.meta();
    let Some(version) = version else {
        return Err(bad_envelope("`_meta` member io.modelcontextprotocol/protocolVersion must be a string"));
    };
    let capabilities = match meta.client_capabilities() {
        Some(capabilities) if capabilities.is_object() => capabilities,
        _ => return Err(bad_envelope("`_meta` member io.modelcontextprotocol/clientCapabilities must be an object")),
    };
    let Some(revision) = served.modern().find(|revision| revision.as_str() == version) else {
        return Err(served.unsupported(version));
    };
    let log_level = match meta.log_level() {
        None => None,
        Some(level) => match level.decode::<LoggingLevel>() {
            Ok(level) => Some(level),
            Err(_) => return Err(bad_envelope("`_meta` member io.modelcontextprotocol/logLevel is not a log level")),
        },
    };
    let exists = method::entry(&request.method).is_none_or(|entry| entry.exists_in(revision));
    if !exists {
        return Err(Rejection::new(404, RpcError::method_not_found(&request.method)));
    }
    // A malformed `clientInfo` is for display only and is no reason to refuse (digest 9.1, 22).
    let client_info = meta.client_info();
    Ok(Caller::modern(ModernCaller { revision, capabilities: capabilities.into(), client_info, log_level }))
}

fn bad_envelope(message: &'static str) -> Rejection {
    Rejection::new(400, RpcError::invalid_params(message))
}
