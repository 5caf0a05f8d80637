//! Puts responses together from what was decided elsewhere (H-12, H-13, H-15, H-18).

use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use mcp_types::rpc;

use super::body::{Frames, ReplyBody};
use super::rules::{Form, Refusal};
use super::stream::{EventStream, Outcome, Reply};
use super::table::SessionId;
use super::written::Written;

/// Accepts a message that has no answer (H-12).
pub(super) fn accepted() -> Response<ReplyBody> {
    with_status(202, ReplyBody::whole(Bytes::new()))
}

/// Confirms that a session ended.
pub(super) fn ended() -> Response<ReplyBody> {
    with_status(204, ReplyBody::whole(Bytes::new()))
}

pub(super) fn refused(refusal: &Refusal) -> Response<ReplyBody> {
    let mut message = BytesMut::new();
    rpc::error_response(&mut message, refusal.id.as_ref(), &refusal.error);
    let mut response = json(refusal.status, Written::Whole(message.freeze()));
    note(refusal, response.headers_mut());
    response
}

/// Says in headers what a client should do about a refusal.
pub(super) fn note(refusal: &Refusal, headers: &mut HeaderMap) {
    if let Some(allow) = refusal.allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if let Some(wait) = refusal.retry_after {
        headers.insert(RETRY_AFTER, wait.as_secs().max(1).into());
    }
    if refusal.is_unread {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Answers a request in the form that was chosen for it.
pub(super) fn answered(outcome: Outcome) -> Response<ReplyBody> {
    match outcome {
        Outcome::Whole(Some(reply)) => json(reply.status, reply.message),
        // A cancelled request has no answer (P-61), and an event stream is the only form that can be without one.
        Outcome::Whole(None) => told(Bytes::new()),
        Outcome::Told(events) => told(events),
        Outcome::Events(events) => event_stream(events),
        Outcome::Logged(events) => event_stream(events),
    }
}

/// Answers `initialize`, which has no notifications, and names the session that it opened.
pub(super) fn initialized(reply: Reply, form: Form, session: Option<&SessionId>) -> Response<ReplyBody> {
    let mut response = match form {
        Form::Either | Form::Json => json(reply.status, reply.message),
        Form::EventStream => told(EventStream::of_reply(reply)),
    };
    if let Some(session) = session {
        let id = HeaderValue::try_from(session.to_string()).expect("hexadecimal digits are a header value");
        response.headers_mut().insert(SESSION_ID, id);
    }
    response
}

/// Answers with events that are still to come.
pub(super) fn event_stream(events: impl Frames + 'static) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::events(events));
    // The connection keeps the room of its headers for as long as the stream is open.
    response.headers_mut().reserve(EVENT_HEADERS);
    of_events(response)
}

/// Answers with events that are there already.
fn told(events: Bytes) -> Response<ReplyBody> {
    of_events(with_status(200, ReplyBody::whole(events)))
}

fn of_events(mut response: Response<ReplyBody>) -> Response<ReplyBody> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

fn json(status: u16, message: Written) -> Response<ReplyBody> {
    let mut response = with_status(status, ReplyBody::written(message));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn with_status(status: u16, body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

const SESSION_ID: HeaderName = HeaderName::from_static(crate::header::MCP_SESSION_ID);
/// How many headers say that a body is events.
const EVENT_HEADERS: usize = 3;
/// Asks proxies to pass events on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
