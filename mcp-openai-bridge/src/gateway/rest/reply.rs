//! Responses in LiteLLM's shape: what was asked for, or `{"detail": {"error": …, "message": …}}`.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use mcp_server::RouteBody;
use mcp_types::{JsonObject, RawJson};
use serde_json::{Value, json};

/// A request that is not answered with what it asked for.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    /// Boxed, because most requests are not refused and all of them carry the room for it.
    detail: Box<Detail>,
}

#[derive(Debug)]
struct Detail {
    /// A word for programs.
    error: Cow<'static, str>,
    /// A sentence for humans.
    message: String,
    /// What else there is to say.
    more: Option<(&'static str, Value)>,
    /// The methods that the path takes.
    allow: Option<String>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, error: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let detail = Detail { error: error.into(), message: message.into(), more: None, allow: None };
        Self { status, detail: Box::new(detail) }
    }

    /// Refuses a method.
    pub(super) fn method(allowed: &[Method]) -> Self {
        let allow = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("this path takes {allow} only");
        let mut refused = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        refused.detail.allow = Some(allow);
        refused
    }

    /// Adds a member to the detail.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.detail.more = Some((name, value.into()));
        self
    }

    pub(super) fn into_response(self) -> Response<RouteBody> {
        let Detail { error, message, more, allow } = *self.detail;
        let mut detail = json!({"error": error, "message": message});
        if let (Some((name, value)), Some(detail)) = (more, detail.as_object_mut()) {
            detail.insert(name.to_owned(), value);
        }
        let mut response = json_response(self.status, &json!({ "detail": detail }));
        if let Some(allow) = allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}

/// Answers with JSON that was written here.
pub(super) fn json_response(status: StatusCode, body: &Value) -> Response<RouteBody> {
    raw_response(status, Bytes::from(body.to_string()))
}

/// Answers with JSON in which values of servers stand: their digits and the order of their members stay as they were.
pub(super) fn object_response(body: &JsonObject) -> Result<Response<RouteBody>, Refused> {
    let body = RawJson::encode(body).map_err(|_| {
        Refused::new(StatusCode::BAD_GATEWAY, "too_deep", "the answer of the server is nested too deep to be passed on")
    })?;
    Ok(raw_response(StatusCode::OK, body.into_bytes()))
}

fn raw_response(status: StatusCode, body: Bytes) -> Response<RouteBody> {
    let mut response = Response::new(RouteBody::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
