//! The decision table: modern, legacy or refused (V-40 to V-53, in the order of V-56).

use mcp_types::errors::UnsupportedProtocolVersionError;
use mcp_types::{Era, ErrorCode, Message, ProtocolVersion, Request, Revision, RpcError, method};

use super::modern;
use crate::header::{HeaderFault, HeaderField, HeaderView, MCP_PROTOCOL_VERSION, check_standard_headers};
use crate::service::Caller;

/// The revisions that a server serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served(Vec<Revision>);

impl Default for Served {
    /// Serves every revision.
    fn default() -> Self {
        Self(Revision::ALL.to_vec())
    }
}

impl FromIterator<Revision> for Served {
    fn from_iter<I: IntoIterator<Item = Revision>>(revisions: I) -> Self {
        let mut served: Vec<_> = revisions.into_iter().collect();
        served.sort_unstable();
        served.dedup();
        Self(served)
    }
}

impl Served {
    /// Returns the revisions that a request can claim in `_meta`, oldest first.
    pub fn modern(&self) -> impl Iterator<Item = Revision> {
        self.of(Era::Modern)
    }

    /// Returns the revisions that `initialize` can agree on, oldest first.
    pub fn legacy(&self) -> impl Iterator<Item = Revision> {
        self.of(Era::Legacy)
    }

    /// Returns the refusal of a version that is not served (V-32); it names what a request could claim (V-38) or, where
    /// none could be claimed, what `initialize` could agree on (V-65).
    pub fn unsupported(&self, requested: &str) -> Rejection {
        let mut supported: Vec<_> = self.modern().map(ProtocolVersion::from).collect();
        if supported.is_empty() {
            supported.extend(self.legacy().map(ProtocolVersion::from));
        }
        let data = UnsupportedProtocolVersionError::new(supported, ProtocolVersion::from(requested));
        let mut error = RpcError::new(
            ErrorCode::UNSUPPORTED_PROTOCOL_VERSION,
            format!("unsupported protocol version: {}", shortened(requested)),
        );
        error.data = mcp_types::RawJson::encode(&data).ok();
        Rejection::new(400, error)
    }

    fn of(&self, era: Era) -> impl Iterator<Item = Revision> {
        self.0.iter().copied().filter(move |revision| revision.era() == era)
    }
}

/// What a message is and what is to be done with it.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// A request that stands alone; everything about it is checked.
    Modern(Caller),
    /// A message of a legacy session.
    Legacy,
    /// A notification that nobody waits for; HTTP answers 202.
    Drop,
    /// A message to refuse.
    Reject(Rejection),
}

/// A refusal: what to answer, and with which HTTP status where there is one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// The error.
    pub error: RpcError,
}

impl Rejection {
    /// Makes a refusal.
    pub fn new(status: u16, error: RpcError) -> Self {
        Self { status, error }
    }

    /// Refuses a request whose headers do not say what its body says, naming every fault (H-8, H-9, H-36).
    pub fn header_mismatch<F: std::fmt::Display>(faults: &[F]) -> Self {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Self::new(400, RpcError::new(ErrorCode::HEADER_MISMATCH, format!("header mismatch: {}", faults.join("; "))))
    }
}

/// Decides what a message is. `headers` is what came with it on HTTP, and `None` on every other transport.
pub fn classify(message: &Message, headers: Option<&HeaderView<'_>>, served: &Served) -> Verdict {
    match message {
        Message::Request(request) => match classify_request(request, headers, served) {
            Ok(verdict) => verdict,
            Err(rejection) => Verdict::Reject(rejection),
        },
        Message::Notification(_) if headers.is_some_and(names_modern) => Verdict::Drop,
        Message::Response(_) if headers.is_some_and(names_modern) => {
            let error = RpcError::invalid_request("a 2026-07-28 server sends no requests, so it takes no responses");
            Verdict::Reject(Rejection::new(400, error))
        }
        Message::Notification(_) | Message::Response(_) => Verdict::Legacy,
    }
}

fn classify_request(
    request: &Request,
    headers: Option<&HeaderView<'_>>,
    served: &Served,
) -> Result<Verdict, Rejection> {
    if !request.params.meta().has_protocol_version() {
        return without_claim(request, headers, served);
    }
    let version = request.params.meta().version();
    let faults = headers.map_or_else(Vec::new, |view| {
        let name = method::entry(&request.method).and_then(|entry| entry.mirrored_name(&request.params));
        check_standard_headers(view, &request.method, name.as_deref(), version.as_deref())
    });
    let verdict = modern::admit(request, version.as_deref(), served);
    match verdict {
        // What is wrong inside the body comes before what is wrong between body and headers.
        Err(rejection) if rejection.error.code == ErrorCode::INVALID_PARAMS => Err(rejection),
        // Of the headers, only that of the version comes before the question whether it is served (V-49).
        Err(rejection)
            if rejection.error.code == ErrorCode::UNSUPPORTED_PROTOCOL_VERSION && !faults.iter().any(is_version) =>
        {
            Err(rejection)
        }
        _ if !faults.is_empty() => Err(Rejection::header_mismatch(&faults)),
        Err(rejection) => Err(rejection),
        Ok(caller) => Ok(Verdict::Modern(caller)),
    }
}

fn without_claim(request: &Request, headers: Option<&HeaderView<'_>>, served: &Served) -> Result<Verdict, Rejection> {
    let is_initialize = request.method == "initialize";
    if headers.is_some_and(names_modern) {
        if is_initialize {
            let fault = "MCP-Protocol-Version names a revision without `initialize`";
            return Err(Rejection::header_mismatch(&[fault]));
        }
        return Err(missing_envelope());
    }
    if served.legacy().next().is_some() {
        return Ok(Verdict::Legacy);
    }
    if is_initialize {
        // A modern-only server names its versions to a legacy client (V-36).
        let asked = request.params.raw().and_then(|raw| raw.decode::<mcp_types::InitializeRequestParams>().ok());
        let asked = asked.map_or_else(String::new, |params| params.protocol_version.as_str().to_owned());
        return Err(served.unsupported(&asked));
    }
    Err(missing_envelope())
}

fn missing_envelope() -> Rejection {
    let message =
        "`_meta` needs io.modelcontextprotocol/protocolVersion and io.modelcontextprotocol/clientCapabilities";
    Rejection::new(400, RpcError::invalid_params(message))
}

fn names_modern(headers: &HeaderView<'_>) -> bool {
    match headers.protocol_version {
        HeaderField::Value(version) => version.parse::<Revision>().is_ok_and(|revision| revision.era() == Era::Modern),
        _ => false,
    }
}

fn is_version(fault: &HeaderFault) -> bool {
    fault.header == MCP_PROTOCOL_VERSION
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

    fn message(method: &str, params: &str) -> Message {
        Message::parse(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#)).unwrap()
    }

    fn claiming(version: &str) -> String {
        ENVELOPE.replace("2026-07-28", version)
    }

    fn http<'a>(version: Option<&'a str>, method: &'a str, name: Option<&'a str>) -> HeaderView<'a> {
        let field = |value: Option<&'a str>| value.map_or(HeaderField::Absent, HeaderField::Value);
        HeaderView {
            protocol_version: field(version),
            method: field(Some(method)),
            name: field(name),
            ..HeaderView::default()
        }
    }

    fn word(verdict: &Verdict) -> String {
        match verdict {
            Verdict::Modern(_) => "modern".into(),
            Verdict::Legacy => "legacy".into(),
            Verdict::Drop => "drop".into(),
            Verdict::Reject(rejection) => format!("{}/{}", rejection.status, rejection.error.code),
        }
    }

    #[track_caller]
    fn decides(message: &Message, headers: Option<&HeaderView<'_>>, expected: &str) {
        assert_eq!(word(&classify(message, headers, &Served::default())), expected);
    }

    #[test]
    fn a_valid_envelope_of_a_served_version_is_modern() {
        decides(&message("tools/list", ENVELOPE), None, "modern");
        decides(&message("tools/list", ENVELOPE), Some(&http(Some("2026-07-28"), "tools/list", None)), "modern");
    }

    #[test]
    fn a_claim_that_is_no_text_or_lacks_capabilities_never_falls_back_to_legacy() {
        decides(&message("tools/list", r#""_meta":{"io.modelcontextprotocol/protocolVersion":7}"#), None, "400/-32602");
        let no_capabilities = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
        decides(&message("tools/list", no_capabilities), None, "400/-32602");
        let null = ENVELOPE.replace("{}", "null");
        decides(&message("initialize", &null), None, "400/-32602");
    }

    #[test]
    fn an_unknown_log_level_is_invalid_params() {
        let meta = ENVELOPE.replace("{}}", r#"{},"io.modelcontextprotocol/logLevel":"loud"}"#);
        decides(&message("tools/list", &meta), None, "400/-32602");
    }

    #[test]
    fn a_claim_of_another_version_is_unsupported_and_the_served_ones_are_named() {
        for version in ["2025-11-25", "2030-01-01", ""] {
            let message = message("tools/list", &claiming(version));
            decides(&message, None, "400/-32022");
            let Verdict::Reject(rejection) = classify(&message, None, &Served::default()) else {
                panic!("not refused");
            };
            let data: serde_json::Value = rejection.error.data.unwrap().decode().unwrap();
            assert_eq!(data, serde_json::json!({"supported": ["2026-07-28"], "requested": version}));
        }
    }

    #[test]
    fn methods_that_the_modern_era_removed_are_not_found() {
        for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"] {
            decides(&message(method, ENVELOPE), None, "404/-32601");
        }
    }

    #[test]
    fn without_a_claim_a_request_is_legacy() {
        decides(&message("initialize", ""), None, "legacy");
        decides(&message("tools/list", ""), None, "legacy");
        decides(&message("tools/list", ""), Some(&http(None, "tools/list", None)), "legacy");
        decides(&message("tools/list", ""), Some(&http(Some("2025-06-18"), "tools/list", None)), "legacy");
    }

    #[test]
    fn a_modern_header_without_a_claim_is_refused() {
        decides(&message("initialize", ""), Some(&http(Some("2026-07-28"), "initialize", None)), "400/-32020");
        decides(&message("tools/list", ""), Some(&http(Some("2026-07-28"), "tools/list", None)), "400/-32602");
    }

    #[test]
    fn a_legacy_only_server_names_what_initialize_could_agree_on() {
        let served: Served = [Revision::V2024_11_05, Revision::V2025_11_25].into_iter().collect();
        let data = served.unsupported("2026-07-28").error.data.unwrap();
        let data: serde_json::Value = data.decode().unwrap();
        assert_eq!(data["supported"], serde_json::json!(["2024-11-05", "2025-11-25"]));
    }

    #[test]
    fn a_missing_or_different_version_header_is_a_mismatch_and_beats_unsupported() {
        decides(&message("tools/list", ENVELOPE), Some(&http(None, "tools/list", None)), "400/-32020");
        decides(&message("tools/list", ENVELOPE), Some(&http(Some("2025-11-25"), "tools/list", None)), "400/-32020");
        let unknown = message("tools/list", &claiming("v999"));
        decides(&unknown, Some(&http(Some("2026-07-28"), "tools/list", None)), "400/-32020");
        decides(&unknown, Some(&http(Some("v999"), "tools/list", None)), "400/-32022");
        decides(&unknown, Some(&http(Some("v999"), "other", None)), "400/-32022");
    }

    #[test]
    fn every_fault_of_the_headers_is_named_at_once() {
        let call = message("tools/call", &format!(r#""name":"add",{ENVELOPE}"#));
        decides(&call, Some(&http(Some("2026-07-28"), "tools/call", Some("add"))), "modern");
        let verdict = classify(&call, Some(&http(None, "tools/list", Some("sub"))), &Served::default());
        let Verdict::Reject(rejection) = verdict else {
            panic!("not refused");
        };
        for header in ["mcp-protocol-version", "mcp-method", "mcp-name"] {
            assert!(rejection.error.message.contains(header), "{}", rejection.error.message);
        }
    }

    #[test]
    fn notifications_and_responses_follow_the_header() {
        let notification = Message::parse(r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#).unwrap();
        let response = Message::parse(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).unwrap();
        let modern = http(Some("2026-07-28"), "", None);
        decides(&notification, Some(&modern), "drop");
        decides(&notification, Some(&http(None, "", None)), "legacy");
        decides(&notification, None, "legacy");
        decides(&response, Some(&modern), "400/-32600");
        decides(&response, None, "legacy");
    }

    #[test]
    fn a_modern_only_server_names_its_versions_to_a_legacy_client() {
        let served: Served = [Revision::V2026_07_28].into_iter().collect();
        assert_eq!(word(&classify(&message("initialize", ""), None, &served)), "400/-32022");
        assert_eq!(word(&classify(&message("tools/list", ""), None, &served)), "400/-32602");
    }
}
