//! What the client sends in headers and what a response means, without I/O (H-5 to H-7, H-17, H-20, HL-10, HL-11).
//!
//! The surprising thing: 401 and 403 are never read as an answer, even when their body is one, because whoever has to
//! authenticate needs the status and the challenge (V-63).

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use mcp_types::{ErrorCode, Features, Message, RequestId, Response, Revision, RpcError};

use crate::client::Outgoing;
use crate::era::legacy;
use crate::error::{Error, HttpFailure};
use crate::header::{
    LAST_EVENT_ID, MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, MCP_SESSION_ID, encode_value, is_session_id,
};

/// Names and values of headers.
pub(super) type Headers = Vec<(HeaderName, HeaderValue)>;

/// What was agreed on with the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Agreement {
    /// The revision, once it is known.
    pub(super) revision: Option<Revision>,
    /// The id of the legacy session, once there is one.
    pub(super) session: Option<HeaderValue>,
}

/// What the body of a response is, by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// One message.
    Json,
    /// A stream of messages.
    Events,
    /// Nothing.
    Nothing,
    /// Something that is not of the protocol.
    Foreign,
}

impl Agreement {
    /// Returns whether messages belong to a session, or to none that is modern.
    pub(super) fn is_legacy(&self, revision: Option<Revision>) -> bool {
        revision.or(self.revision).is_none_or(|revision| revision.features().has(Features::SESSION))
    }

    /// Returns the headers of a request, and takes out of it what they are made of.
    ///
    /// # Errors
    ///
    /// Fails when the request has something that cannot stand in a header.
    pub(super) fn of_request(&self, request: &mut Outgoing) -> Result<Headers, Error> {
        let revision = request.revision.or(self.revision);
        match revision {
            Some(revision) if !revision.features().has(Features::SESSION) => {
                let method = match &request.method {
                    Cow::Borrowed(method) => HeaderValue::from_maybe_shared(Bytes::from_static(method.as_bytes())),
                    Cow::Owned(method) => HeaderValue::try_from(method),
                };
                let mut headers = Headers::with_capacity(3 + request.param_headers.len());
                headers.push(version(revision));
                headers.push((METHOD, method.map_err(|_| unfit(MCP_METHOD))?));
                if let Some(name) = request.name.take() {
                    let encoded = match encode_value(&name) {
                        Cow::Borrowed(_) => None,
                        Cow::Owned(encoded) => Some(encoded),
                    };
                    let name = HeaderValue::try_from(encoded.unwrap_or(name)).map_err(|_| unfit(MCP_NAME))?;
                    headers.push((NAME, name));
                }
                for (name, value) in request.param_headers.drain(..) {
                    let value = HeaderValue::try_from(value).map_err(|_| unfit(&name))?;
                    headers.push((HeaderName::try_from(&name).map_err(|_| unfit(&name))?, value));
                }
                Ok(headers)
            }
            // `initialize` opens a session, so it belongs to none, and agrees on a version, so it has none.
            _ if legacy::opens(&request.method) => Ok(Headers::new()),
            _ => Ok(self.of_session()),
        }
    }

    /// Returns the headers of a notification (digest 9.1, 6).
    ///
    /// # Errors
    ///
    /// Fails when the method cannot stand in a header.
    pub(super) fn of_notification(&self, method: &str) -> Result<Headers, Error> {
        match self.revision {
            Some(revision) if !revision.features().has(Features::SESSION) => {
                let method = HeaderValue::try_from(method).map_err(|_| unfit(MCP_METHOD))?;
                Ok(vec![version(revision), (METHOD, method)])
            }
            _ => Ok(self.of_session()),
        }
    }

    /// Returns the headers of a message of a session, of its stream and of its end (HL-10, HL-11).
    pub(super) fn of_session(&self) -> Headers {
        let mut headers = Vec::new();
        if let Some(session) = &self.session {
            headers.push((SESSION_ID, session.clone()));
        }
        if let Some(revision) = self.revision
            && revision.features().has(Features::VERSION_HEADER)
        {
            headers.push(version(revision));
        }
        headers
    }

    /// Returns the headers of a request for the rest of a stream (HL-8).
    ///
    /// # Errors
    ///
    /// Fails when the id of the event cannot stand in a header.
    pub(super) fn of_resumption(&self, last_event_id: Option<&str>) -> Result<Headers, Error> {
        let mut headers = self.of_session();
        if let Some(id) = last_event_id {
            let id = HeaderValue::try_from(id).map_err(|_| unfit(LAST_EVENT_ID))?;
            headers.push((HeaderName::from_static(LAST_EVENT_ID), id));
        }
        Ok(headers)
    }
}

/// Returns whether all of [`OF_CALL`] are among the headers.
pub(super) fn has_all_of_call(headers: &Headers) -> bool {
    // The name stands behind the others, and no request has it without them.
    headers.get(OF_CALL.len() - 1).is_some_and(|(name, _)| *name == NAME)
}

/// Writes a number into a header.
pub(super) fn number(number: usize) -> HeaderValue {
    // A text as long as its memory becomes a value as it is.
    HeaderValue::try_from(number.to_string()).unwrap_or_else(|_| number.into())
}

/// Returns whether a message belongs to a session, by its headers.
pub(super) fn has_session(headers: &Headers) -> bool {
    headers.iter().any(|(name, _)| *name == SESSION_ID)
}

fn version(revision: Revision) -> (HeaderName, HeaderValue) {
    (PROTOCOL_VERSION, HeaderValue::from_static(revision.as_str()))
}

fn unfit(name: &str) -> Error {
    Error::config(format!("`{name}` is no header with a value that can be sent"))
}

impl Content {
    pub(super) fn read(status: u16, content_type: Option<&[u8]>) -> Self {
        if matches!(status, 202 | 204) {
            return Self::Nothing;
        }
        let essence = content_type.unwrap_or_default().split(|byte| *byte == b';').next().unwrap_or_default();
        match essence.trim_ascii() {
            essence if essence.eq_ignore_ascii_case(b"application/json") => Self::Json,
            essence if essence.eq_ignore_ascii_case(b"text/event-stream") => Self::Events,
            _ => Self::Foreign,
        }
    }
}

/// Returns the response that a body holds.
///
/// # Errors
///
/// Fails when it is no message, or none that answers this request.
pub(super) fn read_answer(id: &RequestId, text: Bytes) -> Result<Response, Error> {
    match Message::parse(text) {
        Ok(Message::Response(response)) if answers(&response, id) => Ok(response),
        Ok(Message::Response(_)) => Err(Error::malformed(RESPONSE, "it has the id of another request")),
        Ok(_) => Err(Error::malformed(RESPONSE, "the body is a message but not a response")),
        Err(malformed) => Err(Error::malformed(RESPONSE, malformed.error.message)),
    }
}

/// Returns whether a response answers this request; an error may come without an id (T-6).
pub(super) fn answers(response: &Response, id: &RequestId) -> bool {
    match &response.id {
        Some(answered) => answered == id,
        None => response.outcome.is_err(),
    }
}

/// Decides what a response with an error status means: the error that the server reports, or a failure (H-20, HL-10).
///
/// # Errors
///
/// Fails when the body is not an error of the protocol, when credentials are missing, and when the session is over.
pub(super) fn read_failure(id: Option<&RequestId>, has_session: bool, failure: HttpFailure) -> Result<RpcError, Error> {
    if matches!(failure.status, 401 | 403) {
        return Err(Error::Http(failure));
    }
    let reported = match Message::parse(failure.body.clone()) {
        Ok(Message::Response(Response { id, outcome: Err(error) })) => Some((id, error)),
        _ => None,
    };
    let is_lost = failure.status == 404 && has_session;
    match (reported, id) {
        // Of the errors with this status, only that of a method says nothing about the session (H-18).
        (Some((Some(answered), error)), Some(id))
            if answered == *id && (!is_lost || error.code == ErrorCode::METHOD_NOT_FOUND) =>
        {
            Ok(error)
        }
        _ if is_lost => Err(Error::SessionEnded),
        (Some((None, error)), Some(_)) => Ok(error),
        _ => Err(Error::Http(failure)),
    }
}

/// Refuses a redirect: a request with a body is not repeated elsewhere (T-021).
pub(super) fn redirected(url: &str, status: u16, location: Option<&[u8]>) -> Error {
    let location = location.map(String::from_utf8_lossy).unwrap_or_default();
    let location: String = location.chars().take(200).flat_map(char::escape_debug).collect();
    Error::config(format!(
        "{url} redirects to `{location}` (HTTP status {status}), and redirects are not followed; if that place is right, use its URL"
    ))
}

/// Returns the id of the session that a response opens, when it is one.
///
/// # Errors
///
/// Fails when it has characters that an id must not have.
pub(super) fn read_session_id(value: Option<&[u8]>) -> Result<Option<HeaderValue>, Error> {
    let Some(value) = value else { return Ok(None) };
    let id = std::str::from_utf8(value).ok().filter(|id| is_session_id(id));
    match id.and_then(|id| HeaderValue::try_from(id).ok()) {
        Some(id) => Ok(Some(id)),
        None => Err(Error::malformed("the Mcp-Session-Id header", "it is not visible ASCII")),
    }
}

/// Returns how long to wait before another request, when a response says so in seconds.
pub(super) fn retry_after(value: Option<&[u8]>) -> Option<Duration> {
    std::str::from_utf8(value?).ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Returns how long the server keeps a connection open, when it says so in `Keep-Alive`.
pub(super) fn keep_alive(value: Option<&[u8]>) -> Option<Duration> {
    let value = std::str::from_utf8(value?).ok()?;
    let seconds = value.split(',').find_map(|parameter| parameter.trim().strip_prefix("timeout="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// Returns a number that differs from client to client and from call to call; it keeps no secret.
pub(super) fn random() -> u32 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let number = std::hash::RandomState::new().build_hasher().finish();
    u32::try_from(number >> 32).unwrap_or(u32::MAX)
}

/// The headers of a modern call, in the order of [`Agreement::of_request`].
pub(super) const OF_CALL: [HeaderName; 3] = [PROTOCOL_VERSION, METHOD, NAME];
const RESPONSE: &str = "an HTTP response";

const METHOD: HeaderName = HeaderName::from_static(MCP_METHOD);
const NAME: HeaderName = HeaderName::from_static(MCP_NAME);
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static(MCP_PROTOCOL_VERSION);
const SESSION_ID: HeaderName = HeaderName::from_static(MCP_SESSION_ID);

#[cfg(test)]
mod tests {
    use mcp_types::RawJson;

    use super::*;

    fn request(method: &'static str, revision: Option<Revision>) -> Outgoing {
        Outgoing { revision, ..Outgoing::new(method, RawJson::empty_object()) }
    }

    fn names(headers: &Headers) -> Vec<&str> {
        headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn settled(revision: Revision) -> Agreement {
        Agreement { revision: Some(revision), session: Some(HeaderValue::from_static("s")) }
    }

    #[test]
    fn a_modern_request_repeats_version_method_name_and_parameters_h_7() {
        let mut call = request("tools/call", Some(Revision::LATEST));
        call.name = Some("zürich".to_owned());
        call.param_headers = vec![("Mcp-Param-Region".to_owned(), "eu".to_owned())];
        let headers = settled(Revision::LATEST_LEGACY).of_request(&mut call).unwrap();
        assert!(has_all_of_call(&headers));
        assert_eq!(names(&headers), ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-param-region"]);
        assert_eq!(headers[2].1, "=?base64?esO8cmljaA==?=");
    }

    #[test]
    fn a_legacy_request_names_session_and_version_since_2025_06_18_hl_10_hl_11() {
        let of = |revision| settled(revision).of_request(&mut request("tools/list", Some(revision))).unwrap();
        assert_eq!(names(&of(Revision::V2025_03_26)), ["mcp-session-id"]);
        assert_eq!(names(&of(Revision::V2025_06_18)), ["mcp-session-id", "mcp-protocol-version"]);
        assert_eq!(Agreement::default().of_request(&mut request("tools/list", None)).unwrap(), []);
        assert_eq!(settled(Revision::V2025_11_25).of_request(&mut request("initialize", None)).unwrap(), []);
    }

    #[test]
    fn notifications_follow_the_revision_that_was_agreed_on() {
        let modern = settled(Revision::LATEST).of_notification("notifications/cancelled").unwrap();
        assert_eq!(names(&modern), ["mcp-protocol-version", "mcp-method"]);
        let legacy = settled(Revision::V2025_06_18).of_notification("notifications/initialized").unwrap();
        assert_eq!(names(&legacy), ["mcp-session-id", "mcp-protocol-version"]);
    }

    #[test]
    fn the_head_says_what_the_body_is() {
        let read = |status, text: &str| Content::read(status, Some(text.as_bytes()));
        assert_eq!(read(200, "application/json; charset=utf-8"), Content::Json);
        assert_eq!(read(200, "Text/Event-Stream"), Content::Events);
        assert_eq!(read(200, "text/html"), Content::Foreign);
        assert_eq!(Content::read(200, None), Content::Foreign);
        assert_eq!(read(202, "application/json"), Content::Nothing);
    }

    fn failure(status: u16, body: &str) -> HttpFailure {
        HttpFailure { body: Bytes::from(body.to_owned()), ..HttpFailure::new(status, "http://x/") }
    }

    #[test]
    fn an_error_status_with_an_error_of_the_protocol_is_that_error_h_20() {
        let of_this = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#;
        let of_none = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"no"}}"#;
        let of_other = r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no"}}"#;
        let id = RequestId::from(1);
        let read = |status, body| read_failure(Some(&id), true, failure(status, body));
        assert_eq!(read(404, of_this).unwrap().code.0, -32601);
        assert_eq!(read(400, of_none).unwrap().code.0, -32601);
        assert!(matches!(read(404, of_none), Err(Error::SessionEnded)));
        let of_the_session = of_this.replace("-32601", "-32600");
        assert!(matches!(read(404, &of_the_session), Err(Error::SessionEnded)));
        assert_eq!(read(400, &of_the_session).unwrap().code.0, -32600);
        assert!(matches!(read(404, "gone"), Err(Error::SessionEnded)));
        assert!(matches!(read(400, of_other), Err(Error::Http(_))));
        assert!(matches!(read(500, "<html>"), Err(Error::Http(_))));
        assert!(matches!(read(401, of_this), Err(Error::Http(_))));
        assert!(matches!(read_failure(Some(&id), false, failure(404, "x")), Err(Error::Http(_))));
    }

    #[test]
    fn only_the_response_to_this_request_is_its_answer() {
        let read = |text: &str| read_answer(&1.into(), Bytes::from(text.to_owned()));
        assert!(read(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).is_ok());
        assert!(read(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#).is_ok());
        for text in [
            r#"{"jsonrpc":"2.0","id":"1","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":2,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            "<html>",
            "",
        ] {
            assert!(matches!(read(text), Err(Error::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn headers_with_times_are_read_leniently() {
        assert_eq!(retry_after(Some(b" 7 ")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(Some(b"Fri, 31 Dec 1999 23:59:59 GMT")), None);
        assert_eq!(keep_alive(Some(b"max=3, timeout=5")), Some(Duration::from_secs(5)));
        assert_eq!(keep_alive(Some(b"nonsense")), None);
    }
}
