//! The modern era on the client's side: an envelope on every request, and no memory between them (V-31, T-25, T-27).
//!
//! The surprising thing: *unsupported version* may name the very version that was asked for; asking once more is then
//! what the server wants (V-33).

use mcp_types::{
    DiscoverResult, ErrorCode, JsonObject, Params, ProgressToken, ProtocolVersion, RawJson, Revision, RpcError, meta,
};

use super::meta::{Members, Wrapped};
use super::{Agreement, Disagreement, Identity, choose};
use crate::call::BareCall;

/// The `_meta` that says who asks, in which version, and what the client can do.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    members: Members,
    /// Whether log messages are asked for.
    hears_logs: bool,
}

impl Envelope {
    /// Prepares the envelope of all requests in one revision.
    ///
    /// # Errors
    ///
    /// Fails when the identity cannot be encoded.
    pub(crate) fn new(revision: Revision, identity: &Identity) -> Result<Self, serde_json::Error> {
        let mut members = vec![
            (meta::PROTOCOL_VERSION, RawJson::encode(&revision.as_str())?),
            (meta::CLIENT_CAPABILITIES, RawJson::encode(&identity.capabilities)?),
            (meta::CLIENT_INFO, RawJson::encode(&identity.info)?),
        ];
        if let Some(level) = identity.log_level {
            members.push((meta::LOG_LEVEL, RawJson::encode(&level)?));
        }
        Ok(Self { members: Members::new(members)?, hears_logs: identity.log_level.is_some() })
    }

    /// Returns the parameters with the envelope in their `_meta`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the parameters when they are not an object.
    pub(crate) fn wrap(&self, params: &Params, token: Option<&ProgressToken>) -> Result<Wrapped, String> {
        let mut wrapped = super::meta::put(params, &self.members, token)?;
        wrapped.hearing.logs |= self.hears_logs;
        Ok(wrapped)
    }

    /// Returns the parameters of a call with the envelope in their `_meta`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with its arguments when they cannot be sent.
    pub(crate) fn wrap_call(&self, call: &BareCall, token: Option<&ProgressToken>) -> Result<Wrapped, String> {
        let mut wrapped = super::meta::put_around(call, &self.members, token)?;
        wrapped.hearing.logs = self.hears_logs;
        Ok(wrapped)
    }
}

/// Returns whether only a modern server can have answered with this error (V-61, V-64).
pub(crate) fn is_evidence(error: &RpcError) -> bool {
    matches!(
        error.code,
        ErrorCode::HEADER_MISMATCH | ErrorCode::MISSING_CLIENT_CAPABILITY | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
    )
}

/// Returns the versions that an *unsupported version* error names; none when it is another error.
pub(crate) fn supported(error: &RpcError) -> Option<Vec<ProtocolVersion>> {
    (error.code == ErrorCode::UNSUPPORTED_PROTOCOL_VERSION).then(|| named_versions(error))
}

/// Reads `data.supported`, leaving out what is not a version.
fn named_versions(error: &RpcError) -> Vec<ProtocolVersion> {
    let data: Option<JsonObject> = error.data.as_ref().and_then(|data| data.decode().ok());
    let listed: Option<Vec<RawJson>> = data.and_then(|data| data.member("supported")?.decode().ok());
    listed.unwrap_or_default().iter().filter_map(|version| version.decode().ok()).collect()
}

/// Reads the answer to `server/discover`.
///
/// # Errors
///
/// Fails when it is no such answer, or when it names no version that is wanted.
pub(crate) fn agree(result: &RawJson, wanted: &[Revision]) -> Result<Agreement, Disagreement> {
    let discovered: DiscoverResult = result.decode().map_err(|error| Disagreement::Unreadable(error.to_string()))?;
    let Some(revision) = choose(&discovered.supported_versions, wanted) else {
        return Err(Disagreement::NoCommon(discovered.supported_versions));
    };
    Ok(Agreement {
        revision,
        server_info: discovered.server_info(),
        capabilities: Some(discovered.capabilities),
        instructions: discovered.instructions,
    })
}

#[cfg(test)]
mod tests {
    use mcp_types::{ClientCapabilities, Implementation, LoggingLevel};

    use super::*;

    fn identity() -> Identity {
        Identity { info: Implementation::new("c", "1"), capabilities: ClientCapabilities::new(), log_level: None }
    }

    #[test]
    fn every_request_says_version_capabilities_and_name() {
        let envelope = Envelope::new(Revision::LATEST, &identity()).unwrap();
        let params = envelope.wrap(&Params::absent(), None).unwrap().params;
        assert_eq!(
            params.as_str(),
            concat!(
                r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
                r#""io.modelcontextprotocol/clientCapabilities":{},"#,
                r#""io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}}}"#
            )
        );
    }

    #[test]
    fn a_token_and_a_log_level_are_sent_only_when_there_are_some() {
        let wants_logs = Identity { log_level: Some(LoggingLevel::Warning), ..identity() };
        let envelope = Envelope::new(Revision::LATEST, &wants_logs).unwrap();
        let params = envelope.wrap(&Params::absent(), Some(&7.into())).unwrap();
        assert_eq!(params.hearing, mcp_transport::Hearing { token: Some(7.into()), logs: true });
        let params = params.params;
        let text = params.as_str();
        assert!(text.contains(r#""io.modelcontextprotocol/logLevel":"warning""#), "{text}");
        assert!(text.contains(r#""progressToken":7"#), "{text}");
    }

    #[test]
    fn a_list_of_versions_is_read_around_what_is_not_a_version() {
        let error = |data: &str| {
            RpcError::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, "x").data(RawJson::parse(data.to_owned()).unwrap())
        };
        let check = |data: &str, expected: &[&str]| {
            let found = supported(&error(data)).unwrap();
            assert_eq!(found.iter().map(ProtocolVersion::as_str).collect::<Vec<_>>(), expected, "{data}");
        };
        check(r#"{"supported":["2026-07-28","2031-01-01"]}"#, &["2026-07-28", "2031-01-01"]);
        check(r#"{"supported":[7,"2026-07-28",null]}"#, &["2026-07-28"]);
        check(r#"{"supported":"2026-07-28"}"#, &[]);
        check(r#"[]"#, &[]);
        assert_eq!(supported(&RpcError::invalid_params("x")), None);
    }
}
