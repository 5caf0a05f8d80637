//! The legacy era on the client's side: a handshake, and a session that remembers it (V-10 to V-23).
//!
//! The surprising thing: the server may answer with another version than the one asked for, and that is no error as
//! long as this client speaks it (V-12).

use std::collections::BTreeSet;

use mcp_types::{
    ErrorCode, InitializeRequestParams, InitializeResult, JsonObject, Params, ProgressToken, Project, ProtocolVersion,
    RawJson, Revision, RpcError, SetLevelRequestParams, SubscribeRequestParams, TASKS_EXTENSION, meta,
};

use super::meta::{Members, Wrapped};
use super::{Agreement, Disagreement, Identity, choose};
use crate::call::BareCall;

/// What a session has been told to remember, so that the next one can be told too (digest 9.2).
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// The parameters of the last `logging/setLevel`.
    level: Option<RawJson>,
    /// The URIs that are being watched.
    watched: BTreeSet<String>,
}

impl Memory {
    /// Begins with the log level that is wanted.
    ///
    /// # Errors
    ///
    /// Fails when the level cannot be encoded.
    pub(crate) fn new(identity: &Identity) -> Result<Self, serde_json::Error> {
        let encode = |level| RawJson::encode(&SetLevelRequestParams::new(level));
        Ok(Self { level: identity.log_level.map(encode).transpose()?, watched: BTreeSet::new() })
    }

    /// Returns whether requests of this method are remembered.
    pub(crate) fn concerns(method: &str) -> bool {
        matches!(method, "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe")
    }

    /// Takes note of a request that the server has carried out.
    pub(crate) fn note(&mut self, method: &str, params: &Params) {
        match (method, params.uri()) {
            ("logging/setLevel", _) => self.level = params.raw().cloned(),
            ("resources/subscribe", Some(uri)) if self.watched.len() < MAX_WATCHED => {
                self.watched.insert(uri.into_owned());
            }
            ("resources/unsubscribe", Some(uri)) => {
                self.watched.remove(&*uri);
            }
            _ => {}
        }
    }

    /// Returns the requests that tell a new session what the last one knew.
    pub(crate) fn replay(&self) -> Vec<(&'static str, RawJson)> {
        let level = self.level.iter().map(|params| ("logging/setLevel", params.clone()));
        let watched = self.watched.iter().filter_map(|uri| {
            let params = RawJson::encode(&SubscribeRequestParams::new(uri.as_str())).ok()?;
            Some(("resources/subscribe", params))
        });
        level.chain(watched).collect()
    }
}

/// How many resources are watched again in a new session.
const MAX_WATCHED: usize = 1_024;

/// Writes the parameters of `initialize` (V-10).
///
/// # Errors
///
/// Fails when the identity cannot be encoded.
pub(crate) fn initialize(revision: Revision, identity: &Identity) -> Result<RawJson, serde_json::Error> {
    let mut capabilities = identity.capabilities.clone();
    if let Some(extensions) = &mut capabilities.extensions {
        // The legacy era has other tasks, or none (XT-15).
        extensions.remove(TASKS_EXTENSION);
        capabilities.extensions = capabilities.extensions.filter(|extensions| !extensions.is_empty());
    }
    let mut params = InitializeRequestParams::new(revision, capabilities, identity.info.clone());
    params.project(revision.features());
    RawJson::encode(&params)
}

/// Reads the answer to `initialize`.
///
/// # Errors
///
/// Fails when it is no such answer, or when it names a version that is not wanted; a modern one never is (V-3).
pub(crate) fn agree(result: &RawJson, wanted: &[Revision]) -> Result<Agreement, Disagreement> {
    let initialized: InitializeResult = result.decode().map_err(|error| Disagreement::Unreadable(error.to_string()))?;
    let offered = [initialized.protocol_version];
    let Some(revision) = choose(&offered, wanted) else {
        return Err(Disagreement::NoCommon(offered.into()));
    };
    Ok(Agreement {
        revision,
        server_info: Some(initialized.server_info),
        capabilities: Some(initialized.capabilities),
        instructions: initialized.instructions,
    })
}

/// Returns the versions that a server names when it refuses to shake hands in the one asked for (V-36, T-52).
pub(crate) fn counter_offer(error: &RpcError) -> Option<Vec<ProtocolVersion>> {
    if !matches!(error.code, ErrorCode::INVALID_PARAMS | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION) {
        return None;
    }
    let data: JsonObject = error.data.as_ref()?.decode().ok()?;
    let listed: Vec<RawJson> = data.member("supported")?.decode().ok()?;
    Some(listed.iter().filter_map(|version| version.decode().ok()).collect())
}

/// Returns the parameters as a legacy server may see them: without what only the modern era knows (T-24, T-42).
///
/// # Errors
///
/// Says what is wrong with the parameters when they are not an object.
pub(crate) fn wrap(params: &Params, token: Option<&ProgressToken>) -> Result<Wrapped, String> {
    let is_modern = params.resumes() || params.meta().raw().is_some_and(|meta| meta.as_str().contains(PREFIX));
    if !is_modern {
        return super::meta::put(params, &Members::default(), token);
    }
    let raw = params.raw().cloned().unwrap_or_else(RawJson::empty_object);
    let stripped = super::meta::strip(&raw, &MODERN_PARAMS, &MODERN_META)?;
    super::meta::put(&Params::from_raw(stripped).map_err(|error| error.to_string())?, &Members::default(), token)
}

/// Returns the parameters of a call as a legacy server may see them.
///
/// # Errors
///
/// Says what is wrong with its arguments when they cannot be sent.
pub(crate) fn wrap_call(call: &BareCall, token: Option<&ProgressToken>) -> Result<Wrapped, String> {
    super::meta::put_around(call, &Members::default(), token)
}

/// Members of parameters that answer an `input_required` result.
const MODERN_PARAMS: [&str; 2] = ["inputResponses", "requestState"];

const MODERN_META: [&str; 4] = [meta::PROTOCOL_VERSION, meta::CLIENT_CAPABILITIES, meta::CLIENT_INFO, meta::LOG_LEVEL];

/// What the names in [`MODERN_META`] begin with.
const PREFIX: &str = "io.modelcontextprotocol/";

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawJson {
        RawJson::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn a_legacy_server_sees_nothing_of_the_modern_envelope() {
        let check = |params: &str, expected: &str| {
            let params = Params::from_raw(raw(params)).unwrap();
            assert_eq!(wrap(&params, Some(&1.into())).unwrap().params, raw(expected), "{params:?}");
        };
        check(r#"{"name":"t"}"#, r#"{"_meta":{"progressToken":1},"name":"t"}"#);
        check(
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","k":1},"name":"t","requestState":"s"}"#,
            r#"{"name":"t","_meta":{"k":1,"progressToken":1}}"#,
        );
    }

    #[test]
    fn parameters_that_need_no_change_keep_their_text() {
        let text = r#"{"b":1.0,"a":{"inputResponses":1}}"#;
        let params = Params::from_raw(raw(text)).unwrap();
        assert_eq!(wrap(&params, None).unwrap().params.as_str(), text);
    }

    #[test]
    fn a_session_remembers_the_last_level_and_what_is_still_watched() {
        let mut memory = Memory::default();
        for (method, params) in [
            ("resources/subscribe", r#"{"uri":"a:1"}"#),
            ("logging/setLevel", r#"{"level":"info"}"#),
            ("resources/subscribe", r#"{"uri":"a:2"}"#),
            ("resources/unsubscribe", r#"{"uri":"a:1"}"#),
            ("logging/setLevel", r#"{"level":"error"}"#),
            ("resources/read", r#"{"uri":"a:3"}"#),
        ] {
            memory.note(method, &Params::from_raw(raw(params)).unwrap());
        }
        assert_eq!(
            memory.replay(),
            [("logging/setLevel", raw(r#"{"level":"error"}"#)), ("resources/subscribe", raw(r#"{"uri":"a:2"}"#)),]
        );
    }

    #[test]
    fn a_handshake_never_agrees_on_a_modern_revision() {
        let answer = |version: &str| {
            raw(&format!(
                r#"{{"protocolVersion":"{version}","capabilities":{{}},"serverInfo":{{"name":"s","version":"1"}}}}"#
            ))
        };
        let wanted = [Revision::V2024_11_05, Revision::V2025_11_25];
        assert_eq!(agree(&answer("2024-11-05"), &wanted).unwrap().revision, Revision::V2024_11_05);
        assert_eq!(
            agree(&answer("2026-07-28"), &wanted),
            Err(Disagreement::NoCommon(vec![Revision::V2026_07_28.into()]))
        );
        assert!(matches!(agree(&raw("{}"), &wanted), Err(Disagreement::Unreadable(_))));
    }
}
