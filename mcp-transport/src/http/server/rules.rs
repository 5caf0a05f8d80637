//! What an HTTP request must look like and what is answered with which status, without I/O (H-18, V-56, HL-10, HL-11).
//!
//! The checks of one header each are in [`header`](crate::header); here is their order and their status. The
//! surprising thing: a legacy answer is always 200, even an error, because clients of that era read no body of any
//! other status; 404 and 400 carry meaning on modern answers alone.

use std::time::Duration;

use mcp_types::{ErrorCode, Features, Malformed, RequestId, Revision, RpcError};

use super::table::Refused;
use crate::era::{Rejection, Served};
use crate::header::{
    Accept, HeaderField, HeaderView, HostFault, HostPolicy, MediaFault, OriginPolicy, check_accept, check_content_type,
    check_last_event_id, check_session_id,
};
use crate::limits::Limits;
use crate::replay;
use crate::service::Answer;

/// A request that is answered with a status and an error and reaches no handler.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The id of the request, when the body could be read that far.
    pub(crate) id: Option<RequestId>,
    pub(crate) error: Box<RpcError>,
    /// The methods that the path has, for 405.
    pub(crate) allow: Option<&'static str>,
    /// When to try again, for 429 and 503.
    pub(crate) retry_after: Option<Duration>,
    /// The rest of the request was not read, so it must be read away before the connection closes.
    pub(crate) is_unread: bool,
}

/// What the HTTP method of a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Sends a message.
    Post,
    /// Opens the standalone stream of a session.
    Get,
    /// Ends a session.
    Delete,
}

/// In which form a client takes the answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON, or an event stream when a notification comes first (H-13).
    Either,
    /// JSON; notifications are dropped.
    Json,
    /// An event stream, even for the answer alone.
    EventStream,
}

impl Refusal {
    pub(crate) fn new(status: u16, error: RpcError) -> Self {
        Self { status, id: None, error: Box::new(error), allow: None, retry_after: None, is_unread: false }
    }

    /// Refuses as invalid: HTTP knows the reason, JSON-RPC has no finer code for it.
    pub(crate) fn invalid(status: u16, message: impl Into<String>) -> Self {
        Self::new(status, RpcError::new(ErrorCode::INVALID_REQUEST, message.into()))
    }

    /// Refuses a body that is no message (T-6: with its id, when that could be read).
    pub(crate) fn malformed(malformed: Malformed) -> Self {
        Self { id: malformed.id, ..Self::new(400, malformed.error) }
    }

    /// Refuses for now; the client may try again.
    pub(crate) fn busy(status: u16, message: &'static str) -> Self {
        let error = RpcError::new(BUSY, message.to_owned());
        Self { retry_after: Some(RETRY_AFTER), ..Self::new(status, error) }
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let refusal = Self::invalid(413, format!("the body has more than {limit} bytes"));
        Self { is_unread: true, ..refusal }
    }

    pub(crate) fn too_slow() -> Self {
        Self { is_unread: true, ..Self::invalid(408, "the body did not arrive in time") }
    }

    pub(crate) fn with_id(self, id: &RequestId) -> Self {
        Self { id: Some(id.clone()), ..self }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::new(rejection.status, rejection.error)
    }
}

impl From<replay::Refusal> for Refusal {
    fn from(refusal: replay::Refusal) -> Self {
        Self::invalid(refusal.status(), refusal.to_string())
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::busy(503, "the server has too many sessions"),
            Refused::TooFast => Self::busy(429, "sessions are opened too fast"),
        }
    }
}

impl From<MediaFault> for Refusal {
    fn from(fault: MediaFault) -> Self {
        let status = if fault == MediaFault::NotAcceptable { 406 } else { 415 };
        Self::invalid(status, fault.to_string())
    }
}

impl Verb {
    /// Reads an HTTP method; GET and DELETE exist only for sessions, so not for a modern client (V-53, H-1).
    pub(crate) fn read(method: &str, view: &HeaderView<'_>, served: &Served) -> Result<Self, Refusal> {
        let has_sessions = may_have_session(view) && served.legacy().next().is_some();
        match method {
            "POST" => Ok(Self::Post),
            "GET" if has_sessions => Ok(Self::Get),
            "DELETE" if has_sessions => Ok(Self::Delete),
            _ => {
                let allow = if has_sessions { "POST, GET, DELETE" } else { "POST" };
                let refusal = Refusal::invalid(405, format!("this path takes {allow} only"));
                Err(Refusal { allow: Some(allow), ..refusal })
            }
        }
    }
}

fn may_have_session(view: &HeaderView<'_>) -> bool {
    let version = view.protocol_version.value().and_then(|version| version.parse::<Revision>().ok());
    version.is_none_or(|revision| revision.features().has(Features::SESSION))
}

impl Form {
    /// Chooses the form for a method; `subscriptions/listen` has no answer to wait for, so it needs the stream (H-13).
    pub(crate) fn choose(accept: Accept, method: &str) -> Result<Self, Refusal> {
        match (accept.json(), accept.event_stream()) {
            (_, true) if method == LISTEN => Ok(Self::EventStream),
            (true, true) => Ok(Self::Either),
            (true, false) if method != LISTEN => Ok(Self::Json),
            (false, true) => Ok(Self::EventStream),
            _ => Err(MediaFault::NotAcceptable.into()),
        }
    }
}

/// Checks the length of the request target.
pub(crate) fn check_target_length(length: usize, limits: &Limits) -> Result<(), Refusal> {
    if length > limits.uri_bytes {
        return Err(Refusal::invalid(414, format!("the request target has more than {} bytes", limits.uri_bytes)));
    }
    Ok(())
}

/// Checks the path of the request target; a slash more or less at its end does not matter.
pub(crate) fn check_path(path: &str, endpoint: &str) -> Result<(), Refusal> {
    if bare(path) != bare(endpoint) {
        return Err(Refusal::invalid(404, format!("nothing is here; the path of the MCP endpoint is {endpoint}")));
    }
    Ok(())
}

fn bare(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// Where the transport of 2024-11-05 is (HS-1, HS-5).
#[cfg(feature = "sse-r1")]
#[derive(Clone, Debug)]
pub(crate) struct SsePaths {
    stream: String,
    messages: String,
    at_endpoint: bool,
}

/// What of the transport of 2024-11-05 a request is for.
#[cfg(feature = "sse-r1")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SsePlace<'a> {
    /// The stream, which opens a session.
    Stream,
    /// A message of the session with this id.
    Messages(&'a str),
}

#[cfg(feature = "sse-r1")]
impl SsePaths {
    pub(crate) fn new(stream: impl Into<String>) -> Self {
        let stream = stream.into();
        let messages = format!("{}/messages", bare(&stream));
        Self { stream, messages, at_endpoint: false }
    }

    pub(crate) fn at_endpoint(self) -> Self {
        Self { at_endpoint: true, ..self }
    }

    /// Returns where the client of a session posts.
    pub(crate) fn target(&self, session: &impl std::fmt::Display) -> String {
        format!("{}?{SESSION}={session}", self.messages)
    }

    /// Returns what a request is for, if it is for one of these places; `endpoint` is the path of the other transport,
    /// whose streams name their session.
    pub(crate) fn place<'a>(
        &self,
        method: &str,
        path: &str,
        query: Option<&'a str>,
        endpoint: &str,
        view: &HeaderView<'_>,
    ) -> Result<Option<SsePlace<'a>>, Refusal> {
        let (is_stream, is_messages) = (bare(path) == bare(&self.stream), bare(path) == self.messages);
        let is_shared = bare(path) == bare(endpoint);
        let opens_here = self.at_endpoint && is_shared && method == "GET" && view.session_id == HeaderField::Absent;
        match method {
            "GET" if opens_here && may_have_session(view) => Ok(Some(SsePlace::Stream)),
            "GET" if is_stream && !is_shared => Ok(Some(SsePlace::Stream)),
            "POST" if is_messages => {
                let id = query
                    .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix(SESSION)?.strip_prefix('=')));
                id.map(SsePlace::Messages).map(Some).ok_or_else(missing_session)
            }
            // Whoever tries the new transport here first must learn that it is the old one (HL-18).
            _ if is_messages || (is_stream && !is_shared) => {
                let allow = if is_messages { "POST" } else { "GET" };
                let refusal = Refusal::invalid(405, format!("this path takes {allow} only"));
                Err(Refusal { allow: Some(allow), ..refusal })
            }
            _ => Ok(None),
        }
    }
}

/// What names the session in the target of a POST.
#[cfg(feature = "sse-r1")]
const SESSION: &str = "session_id";

/// Checks where a request comes from and whom it means to reach (H-2, HL-12).
///
/// `authority` is that of a request target in absolute form, which replaces `Host` (RFC 9112, section 3.2.2).
pub(crate) fn check_sender(
    view: &HeaderView<'_>,
    authority: Option<&str>,
    hosts: &HostPolicy,
    origins: &OriginPolicy,
) -> Result<(), Refusal> {
    let check_host = |field| {
        hosts.check(field).map_err(|fault| {
            let status = if matches!(fault, HostFault::NotAllowed(_)) { 403 } else { 400 };
            Refusal::invalid(status, fault.to_string())
        })
    };
    check_host(view.host)?;
    if let Some(authority) = authority {
        check_host(HeaderField::Value(authority))?;
    }
    origins.check(view.origin).map_err(|fault| Refusal::invalid(403, fault.to_string()))
}

/// Checks how the body of a POST is packed and what the client takes (H-6).
pub(crate) fn check_media(view: &HeaderView<'_>, content_encoding: Option<&[u8]>) -> Result<(), Refusal> {
    check_content_type(view.content_type)?;
    check_encoding(content_encoding)?;
    Ok(check_accept(view.accept)?)
}

/// Checks that a body is as it is.
pub(crate) fn check_encoding(content_encoding: Option<&[u8]>) -> Result<(), Refusal> {
    if content_encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(Refusal::invalid(415, "content-encoding is not supported; send the body as it is"));
    }
    Ok(())
}

/// Checks that a client which opens a stream takes one (HL-6).
pub(crate) fn check_stream_accept(view: &HeaderView<'_>) -> Result<(), Refusal> {
    if view.accept.event_stream() {
        return Ok(());
    }
    Err(MediaFault::NotAcceptable.into())
}

/// Checks the version header of a message of a session; an absent one stands for the version of the session (HL-11).
pub(crate) fn check_legacy_version(view: &HeaderView<'_>, served: &Served) -> Result<(), Refusal> {
    let version = match view.protocol_version {
        HeaderField::Absent => return Ok(()),
        HeaderField::Value(version) => version,
        HeaderField::Duplicated | HeaderField::NotVisibleAscii => "",
    };
    if version.parse::<Revision>().is_ok_and(|revision| served.legacy().any(|one| one == revision)) {
        return Ok(());
    }
    let names: Vec<_> = served.legacy().map(Revision::as_str).collect();
    Err(Refusal::invalid(400, format!("mcp-protocol-version must be one of {}", names.join(", "))))
}

/// Returns the session that a message belongs to, when it names one.
pub(crate) fn read_session<'a>(view: &HeaderView<'a>) -> Result<Option<&'a str>, Refusal> {
    check_session_id(view.session_id).map_err(|fault| Refusal::invalid(400, fault.to_string()))
}

/// Returns the last event that a client has seen, when it comes back to a stream.
pub(crate) fn read_last_event_id<'a>(view: &HeaderView<'a>, limits: &Limits) -> Result<Option<&'a str>, Refusal> {
    check_last_event_id(view.last_event_id, limits).map_err(|fault| Refusal::invalid(400, fault.to_string()))
}

pub(crate) fn missing_session() -> Refusal {
    Refusal::invalid(400, "mcp-session-id is missing; send `initialize` first and repeat the id it answers with")
}

pub(crate) fn unknown_session() -> Refusal {
    Refusal::invalid(404, "the session does not exist or has ended; send `initialize` to start a new one")
}

/// Returns the status of a modern answer (H-18).
pub(crate) fn modern_status(answer: &Answer) -> u16 {
    match answer {
        Err(error) if error.code == ErrorCode::METHOD_NOT_FOUND => 404,
        Err(error) if error.code == ErrorCode::MISSING_CLIENT_CAPABILITY => 400,
        _ => 200,
    }
}

/// Returns the status of an answer of a session.
pub(crate) fn legacy_status(_answer: &Answer) -> u16 {
    LEGACY_STATUS
}

/// Returns how long a body may have taken when so many bytes of it have arrived.
pub(crate) fn body_patience(received: usize, limits: &Limits) -> Duration {
    let earned = received / limits.body_rate_bytes.max(1);
    let paced = limits.head_timeout.saturating_add(Duration::from_secs(u64::try_from(earned).unwrap_or(u64::MAX)));
    paced.min(limits.body_timeout)
}

const LISTEN: &str = "subscriptions/listen";
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The code for a server that has too much to do; the specification has none, so it is one of the range that
/// JSON-RPC leaves to servers.
/// The status of every JSON-RPC answer of a session, whoever gives it.
pub(crate) const LEGACY_STATUS: u16 = 200;
const BUSY: ErrorCode = ErrorCode(-32000);

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> Accept {
        let mut accept = Accept::default();
        accept.add(value);
        accept
    }

    #[test]
    fn get_and_delete_exist_only_where_sessions_do_v_53() {
        let (modern, every) = ([Revision::V2026_07_28].into_iter().collect(), Served::default());
        let none = HeaderView::default();
        let named = HeaderView { protocol_version: HeaderField::Value("2026-07-28"), ..HeaderView::default() };
        assert_eq!(Verb::read("GET", &none, &every), Ok(Verb::Get));
        assert_eq!(Verb::read("DELETE", &none, &every), Ok(Verb::Delete));
        assert_eq!(Verb::read("POST", &named, &modern), Ok(Verb::Post));
        for (view, served) in [(&none, &modern), (&named, &every), (&named, &modern)] {
            for method in ["GET", "DELETE", "PUT", "OPTIONS", "post"] {
                let refusal = Verb::read(method, view, served).unwrap_err();
                assert_eq!((refusal.status, refusal.allow), (405, Some("POST")), "{method}");
            }
        }
    }

    #[test]
    fn the_form_follows_accept_and_a_listen_needs_a_stream_h_13() {
        let form = |value, method| Form::choose(accept(value), method).map_err(|refusal| refusal.status);
        assert_eq!(form("application/json, text/event-stream", "tools/call"), Ok(Form::Either));
        assert_eq!(form("application/json", "tools/call"), Ok(Form::Json));
        assert_eq!(form("text/event-stream", "tools/call"), Ok(Form::EventStream));
        assert_eq!(form("application/json, text/event-stream", "subscriptions/listen"), Ok(Form::EventStream));
        assert_eq!(form("application/json", "subscriptions/listen"), Err(406));
        assert_eq!(form("text/html", "tools/call"), Err(406));
    }

    #[test]
    fn a_legacy_message_may_name_any_served_legacy_version_or_none_hl_11() {
        let check = |field| {
            let view = HeaderView { protocol_version: field, ..HeaderView::default() };
            check_legacy_version(&view, &Served::default()).map_err(|refusal| refusal.status)
        };
        assert_eq!(check(HeaderField::Absent), Ok(()));
        assert_eq!(check(HeaderField::Value("2025-03-26")), Ok(()));
        assert_eq!(check(HeaderField::Value("1999-01-01")), Err(400));
        assert_eq!(check(HeaderField::Value("2026-07-28")), Err(400));
        assert_eq!(check(HeaderField::Duplicated), Err(400));
    }

    #[test]
    fn a_body_must_keep_its_pace_and_its_end_h_18() {
        let limits = Limits::default();
        assert_eq!(body_patience(0, &limits), Duration::from_secs(10));
        assert_eq!(body_patience(5 * 1024, &limits), Duration::from_secs(15));
        assert_eq!(body_patience(usize::MAX, &limits), Duration::from_secs(30));
    }

    #[test]
    fn only_two_errors_of_a_modern_handler_have_a_status_of_their_own_h_18() {
        let status = |code| modern_status(&Err(RpcError::new(code, String::new())));
        assert_eq!(status(ErrorCode::METHOD_NOT_FOUND), 404);
        assert_eq!(status(ErrorCode::MISSING_CLIENT_CAPABILITY), 400);
        assert_eq!(status(ErrorCode::INVALID_PARAMS), 200);
        assert_eq!(status(ErrorCode::INTERNAL), 200);
    }

    #[test]
    fn the_authority_of_an_absolute_target_is_checked_like_a_host_h_2() {
        let view = HeaderView { host: HeaderField::Value("localhost:80"), ..HeaderView::default() };
        let check = |authority| {
            let (hosts, origins) = (HostPolicy::default(), OriginPolicy::default());
            check_sender(&view, authority, &hosts, &origins).map_err(|refusal| refusal.status)
        };
        assert_eq!(check(None), Ok(()));
        assert_eq!(check(Some("127.0.0.1:80")), Ok(()));
        assert_eq!(check(Some("evil.example")), Err(403));
    }
}
