//! Checks of the standard headers of one HTTP request (H-8 to H-11, HL-10, V-48, V-49).
//!
//! The surprising thing: a check never stops at the first fault, because a client that is told all of
//! them needs to be told once.

use std::fmt;

use super::view::{HeaderField, HeaderView, LAST_EVENT_ID, MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, MCP_SESSION_ID};
use super::{ValueFault, decode_value, excerpt};
use crate::limits::Limits;

/// One way in which a header is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderFault {
    /// The name of the header, in lower case but for what follows `mcp-param-`.
    pub header: String,
    /// What is wrong with it.
    pub reason: HeaderFaultReason,
}

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderFaultReason {
    /// The header is there more than once.
    Duplicated,
    /// The value cannot be decoded.
    Encoding(ValueFault),
    /// The body has a value that the header should repeat, and there is no header.
    Missing,
    /// The value differs from that in the body.
    Mismatch {
        /// The decoded value of the header, shortened and escaped.
        sent: String,
        /// The value in the body, shortened and escaped.
        body: String,
    },
    /// The value differs from the argument with this JSON Pointer; neither is shown, because arguments may be private.
    MismatchedArgument {
        /// Where in `arguments` the value is.
        path: String,
    },
    /// The value has characters that a header must not have.
    NotVisibleAscii,
    /// The value is not a session id: one or more of the characters 0x21–0x7E.
    SessionId,
    /// The value has more bytes than its limit.
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The header is there, and the argument with this JSON Pointer, which it repeats, is not.
    WithoutArgument {
        /// Where in `arguments` the value would be.
        path: String,
    },
}

/// Compares the standard headers of a request with its body (H-8 to H-11, V-48, V-49).
///
/// `body_version` is the version that the body claims: without a claim the version header is not
/// looked at here. `body_name` is the name, URI or task id of a method that has one: without it
/// `Mcp-Name` is ignored. The faults come in the order version, method, name.
///
/// Whether the version is served is not asked here: a version that is unknown but equal in both
/// places is no fault of the headers, and a difference comes before the question (V-49).
#[must_use]
pub fn check_standard_headers(
    view: &HeaderView<'_>,
    body_method: &str,
    body_name: Option<&str>,
    body_version: Option<&str>,
) -> Vec<HeaderFault> {
    let version = body_version.map(|body| (MCP_PROTOCOL_VERSION, check_repeated(view.protocol_version, body)));
    let method = Some((MCP_METHOD, check_repeated(view.method, body_method)));
    let name = body_name.map(|body| (MCP_NAME, check_name(view.name, body)));
    [version, method, name]
        .into_iter()
        .flatten()
        .filter_map(|(header, result)| Some(HeaderFault::new(header, result.err()?)))
        .collect()
}

/// Returns the session id that a request carries, if any (HL-10).
///
/// # Errors
///
/// Fails when there is more than one, or when it is not one or more characters of 0x21–0x7E; the status is 400.
pub fn check_session_id<'a>(field: HeaderField<'a>) -> Result<Option<&'a str>, HeaderFault> {
    let reason = match field.single() {
        Ok(Some(id)) if !is_session_id(id) => HeaderFaultReason::SessionId,
        Ok(id) => return Ok(id),
        Err(reason) => reason,
    };
    Err(HeaderFault::new(MCP_SESSION_ID, reason))
}

/// Says whether this may be a session id: one or more of the characters 0x21–0x7E (HL-10).
#[must_use]
pub fn is_session_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns the id of the last event that a client has seen, if it resumes a stream (HL-8).
///
/// # Errors
///
/// Fails when there is more than one, or when it has more bytes than [`Limits::sse_id_bytes`]; the status is 400.
pub fn check_last_event_id<'a>(field: HeaderField<'a>, limits: &Limits) -> Result<Option<&'a str>, HeaderFault> {
    let limit = limits.sse_id_bytes;
    let reason = match field.single() {
        Ok(Some(id)) if id.len() > limit => HeaderFaultReason::TooLong { limit },
        Ok(id) => return Ok(id.filter(|id| !id.is_empty())),
        Err(reason) => reason,
    };
    Err(HeaderFault::new(LAST_EVENT_ID, reason))
}

impl HeaderFault {
    pub(super) fn new(header: impl Into<String>, reason: HeaderFaultReason) -> Self {
        Self { header: header.into(), reason }
    }
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "header {} ", self.header)?;
        match &self.reason {
            HeaderFaultReason::Duplicated => f.write_str("is there more than once; send it once"),
            HeaderFaultReason::Encoding(fault) => fault.fmt(f),
            HeaderFaultReason::Missing => f.write_str("is missing; repeat the value of the body in it"),
            HeaderFaultReason::Mismatch { sent, body } => {
                write!(f, "says `{sent}` and the body `{body}`; send the same value in both")
            }
            HeaderFaultReason::MismatchedArgument { path } => {
                write!(f, "differs from the argument at `{path}`; send the same value in both")
            }
            HeaderFaultReason::NotVisibleAscii => {
                f.write_str("has a character that is not visible ASCII, space or tab")
            }
            HeaderFaultReason::SessionId => {
                f.write_str("is not a session id; send the id that the server gave, unchanged")
            }
            HeaderFaultReason::TooLong { limit } => write!(f, "has more than {limit} bytes"),
            HeaderFaultReason::WithoutArgument { path } => {
                write!(f, "repeats the argument at `{path}`, which the body does not have; leave the header out")
            }
        }
    }
}

impl std::error::Error for HeaderFault {}

fn check_repeated(field: HeaderField<'_>, body: &str) -> Result<(), HeaderFaultReason> {
    compare(field.single()?.ok_or(HeaderFaultReason::Missing)?, body)
}

fn check_name(field: HeaderField<'_>, body: &str) -> Result<(), HeaderFaultReason> {
    let value = field.single()?.ok_or(HeaderFaultReason::Missing)?;
    compare(&decode_value(value).map_err(HeaderFaultReason::Encoding)?, body)
}

fn compare(sent: &str, body: &str) -> Result<(), HeaderFaultReason> {
    if sent == body {
        return Ok(());
    }
    Err(HeaderFaultReason::Mismatch { sent: excerpt(sent), body: excerpt(body) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "2026-07-28";

    fn view<'a>(lines: &[(&'a str, &'a str)]) -> HeaderView<'a> {
        HeaderView::new(lines.iter().map(|(name, value)| (*name, value.as_bytes())))
    }

    /// Checks the headers of a `tools/call` of `add` and returns each fault as "header: reason".
    fn faults(lines: &[(&str, &str)]) -> Vec<String> {
        let faults = check_standard_headers(&view(lines), "tools/call", Some("add"), Some(VERSION));
        faults.iter().map(|fault| format!("{}: {:?}", fault.header, fault.reason)).collect()
    }

    fn check(lines: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(faults(lines), expected, "{lines:?}");
    }

    #[test]
    fn headers_that_repeat_the_body_have_no_fault_h_8_h_9() {
        check(&[("MCP-Protocol-Version", VERSION), ("Mcp-Method", "tools/call"), ("Mcp-Name", "add")], &[]);
    }

    #[test]
    fn names_are_compared_without_letter_case_and_white_space_is_trimmed_h_10() {
        check(&[("mcp-PROTOCOL-version", " 2026-07-28\t"), ("MCP-METHOD", "tools/call "), ("mcp-name", "  add ")], &[]);
    }

    #[test]
    fn values_are_compared_with_letter_case_h_10() {
        check(
            &[("mcp-protocol-version", VERSION), ("mcp-method", "Tools/call"), ("mcp-name", "add")],
            &["mcp-method: Mismatch { sent: \"Tools/call\", body: \"tools/call\" }"],
        );
    }

    #[test]
    fn all_faults_are_told_at_once() {
        check(&[], &["mcp-protocol-version: Missing", "mcp-method: Missing", "mcp-name: Missing"]);
        check(
            &[
                ("mcp-protocol-version", "2025-11-25"),
                ("mcp-method", "tools/call"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "ädd"),
            ],
            &[
                "mcp-protocol-version: Mismatch { sent: \"2025-11-25\", body: \"2026-07-28\" }",
                "mcp-method: Duplicated",
                "mcp-name: NotVisibleAscii",
            ],
        );
    }

    #[test]
    fn the_name_is_decoded_before_it_is_compared_h_11() {
        let check_name = |sent: &str, body: &str, fine: bool| {
            let lines = [("mcp-method", "resources/read"), ("mcp-name", sent)];
            let faults = check_standard_headers(&view(&lines), "resources/read", Some(body), None);
            assert_eq!(faults.is_empty(), fine, "{sent}: {faults:?}");
        };
        check_name("=?base64?ZmlsZTovLy/DpA==?=", "file:///ä", true);
        check_name("=?base64?YWRk?=", "add", true);
        check_name("=?base64?YWRk", "=?base64?YWRk", true);
        check_name("=?base64?YWRk?=", "=?base64?YWRk?=", false);
        check_name("=?base64?SGVsbG8?=", "Hello", false);
        check_name("=?base64?SGVs!!!bG8=?=", "Hello", false);
    }

    #[test]
    fn a_name_header_on_a_method_without_a_name_is_ignored_h_9() {
        let lines = [("mcp-method", "tools/list"), ("mcp-name", "whatever")];
        assert_eq!(check_standard_headers(&view(&lines), "tools/list", None, None), []);
    }

    #[test]
    fn an_unknown_version_is_no_fault_of_the_headers_when_both_say_it_v_49() {
        let check_version = |lines: &[(&str, &str)], body: &str| {
            let mut lines = lines.to_vec();
            lines.push(("mcp-method", "tools/list"));
            check_standard_headers(&view(&lines), "tools/list", None, Some(body)).len()
        };
        assert_eq!(check_version(&[("mcp-protocol-version", "v999")], "v999"), 0);
        assert_eq!(check_version(&[("mcp-protocol-version", VERSION)], "v999"), 1);
        assert_eq!(check_version(&[], VERSION), 1, "V-48");
    }

    #[test]
    fn a_mismatch_is_told_short_and_on_one_line() {
        let sent = "x".repeat(10_000);
        let lines = [("mcp-method", "tools/list"), ("mcp-name", sent.as_str())];
        let faults = check_standard_headers(&view(&lines), "tools/list", Some("a\nb\u{202e}"), None);
        let message = faults[0].to_string();
        assert!(message.len() < 300, "{message}");
        assert!(message.contains("a\\nb\\u{202e}"), "{message}");
    }

    #[test]
    fn a_session_id_is_visible_ascii_and_there_once_hl_10() {
        let check_id = |lines: &[(&str, &str)], expected: Result<Option<&str>, HeaderFaultReason>| {
            let found = check_session_id(view(lines).session_id).map_err(|fault| fault.reason);
            assert_eq!(found, expected, "{lines:?}");
        };
        check_id(&[], Ok(None));
        check_id(&[("MCP-Session-Id", "!~")], Ok(Some("!~")));
        check_id(&[("mcp-session-id", "")], Err(HeaderFaultReason::SessionId));
        check_id(&[("mcp-session-id", "a b")], Err(HeaderFaultReason::SessionId));
        check_id(&[("mcp-session-id", "a\tb")], Err(HeaderFaultReason::SessionId));
        check_id(&[("mcp-session-id", "a\u{7f}")], Err(HeaderFaultReason::NotVisibleAscii));
        check_id(&[("mcp-session-id", "a"), ("Mcp-Session-Id", "a")], Err(HeaderFaultReason::Duplicated));
    }

    #[test]
    fn a_last_event_id_of_the_limit_is_taken_and_one_byte_more_is_not() {
        let limits = Limits::default().sse_id_bytes(4);
        let id = |value: &'static str| check_last_event_id(HeaderField::Value(value), &limits);
        assert_eq!(id(""), Ok(None));
        assert_eq!(id("123"), Ok(Some("123")));
        assert_eq!(id("1234"), Ok(Some("1234")));
        assert_eq!(id("12345").map_err(|fault| fault.reason), Err(HeaderFaultReason::TooLong { limit: 4 }));
        assert_eq!(check_last_event_id(HeaderField::Absent, &limits), Ok(None));
        assert!(check_last_event_id(HeaderField::Duplicated, &limits).is_err());
    }
}
