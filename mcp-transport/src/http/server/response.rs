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
    let mut response = json(refusal.status, Written::Whole(message.freeze()), HeaderMap::new());
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

/// Answers a request in the form that was chosen for it, in the room of its headers, which nobody reads any more.
pub(super) fn answered(outcome: Outcome, asked: HeaderMap) -> Response<ReplyBody> {
    match outcome {
        Outcome::Whole(Some(reply)) => json(reply.status, reply.message, emptied(asked)),
        // A cancelled request has no answer (P-61), and an event stream is the only form that can be without one.
        Outcome::Whole(None) => told(Bytes::new(), emptied(asked)),
        Outcome::Told(events) => told(events, emptied(asked)),
        Outcome::Events(events) => event_stream(events),
        Outcome::Logged(events) => event_stream(events),
    }
}

/// Answers `initialize`, which has no notifications, and names the session that it opened.
pub(super) fn initialized(reply: Reply, form: Form, session: Option<&SessionId>) -> Response<ReplyBody> {
    let mut response = match form {
        Form::Either | Form::Json => json(reply.status, reply.message, HeaderMap::new()),
        Form::EventStream => told(EventStream::of_reply(reply), HeaderMap::new()),
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
fn told(events: Bytes, headers: HeaderMap) -> Response<ReplyBody> {
    let mut response = with_status(200, ReplyBody::whole(events));
    *response.headers_mut() = headers;
    of_events(response)
}

fn of_events(mut response: Response<ReplyBody>) -> Response<ReplyBody> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

fn json(status: u16, message: Written, headers: HeaderMap) -> Response<ReplyBody> {
    let mut response = with_status(status, ReplyBody::written(message));
    *response.headers_mut() = headers;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Takes all headers out and keeps their room: hyper reads the next request into the room of this answer, so a connection
/// makes it once. That of an unusually large head is given back.
fn emptied(mut headers: HeaderMap) -> HeaderMap {
    if headers.len() > USUAL_HEADERS || headers.capacity() > USUAL_HEADERS {
        return HeaderMap::new();
    }
    headers.clear();
    headers
}

fn with_status(status: u16, body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

const SESSION_ID: HeaderName = HeaderName::from_static(crate::header::MCP_SESSION_ID);
/// How many headers say that a body is events.
const EVENT_HEADERS: usize = 3;
/// Up to how many headers there is room for in 32 places: what clients and browsers send.
const USUAL_HEADERS: usize = 24;
/// Asks proxies to pass events on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

#[cfg(test)]
mod tests {
    use mcp_types::RpcError;

    use super::*;

    /// Answers a request that had so many names of headers, each so often; sees that none of them comes back, and returns
    /// for how many headers the answer has room.
    fn room(names: usize, times: usize) -> usize {
        let mut asked = HeaderMap::new();
        for number in 0..names * times {
            let name = HeaderName::try_from(format!("x-{}", number % names.max(1))).unwrap();
            asked.append(name, HeaderValue::from_static("secret"));
        }
        let reply = Reply::new(1.into(), Err(RpcError::internal("no")), 200);
        let response = answered(Outcome::Whole(Some(reply)), asked);
        assert!(response.headers().iter().map(|(name, _)| name).eq([CONTENT_TYPE]), "{:?}", response.headers());
        response.headers().capacity()
    }

    #[test]
    fn an_answer_has_the_room_of_its_requests_headers_and_none_of_them() {
        assert_eq!(room(9, 1), 12);
        assert_eq!(room(USUAL_HEADERS, 1), USUAL_HEADERS);
    }

    #[test]
    fn the_room_of_an_unusually_large_head_is_given_back() {
        let least = room(0, 1);
        assert_eq!(room(USUAL_HEADERS + 1, 1), least);
        // Values of a name that is repeated have a room of their own.
        assert_eq!(room(1, USUAL_HEADERS), room(1, 1));
        assert_eq!(room(1, USUAL_HEADERS + 1), least);
    }
}
