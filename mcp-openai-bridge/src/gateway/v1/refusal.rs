//! Why a request is not answered with what it asked for, in the words of OpenAI's APIs.
//!
//! The surprising thing: a status of the provider stays what it is. A client that knows how to wait after 429, or what to
//! shorten after 400, does the same behind the gateway.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use mcp_server::RouteBody;
use serde_json::{Value, json};

use crate::Error;

/// A request that is not answered with what it asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
    kind: &'static str,
    param: Option<Box<str>>,
    pub(super) code: Option<String>,
    retry_after: Option<Duration>,
    /// The methods that the path takes.
    allow: Option<&'static str>,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), kind, param: None, code: None, retry_after: None, allow: None }
    }

    /// Refuses what the client sent.
    pub(super) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into().into_boxed_str()), ..Self::new(StatusCode::BAD_REQUEST, INVALID, message) }
    }

    /// Refuses a body that cannot be read.
    pub(super) fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID, message)
    }

    /// Refuses a path, a model, or whatever else is not there.
    pub(super) fn not_found(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, INVALID, message).code(code)
    }

    /// Refuses a method where the path takes others.
    pub(super) fn method(allow: &'static str) -> Self {
        let message = format!("this path takes {allow} only");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, INVALID, message) }
    }

    /// Says that what the request depends on is not there.
    pub(super) fn dependency(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FAILED_DEPENDENCY, "external_connector_error", message).code("http_error")
    }

    /// Says that the gateway itself failed.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, SERVER, message)
    }

    #[must_use]
    pub(super) fn code(self, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// Returns the member `error` of an answer.
    pub(super) fn error(&self) -> Value {
        json!({"message": self.message, "type": self.kind, "param": self.param, "code": self.code})
    }

    pub(super) fn into_response(self) -> Response<RouteBody> {
        let mut response = json_response(self.status, json!({ "error": self.error() }).to_string());
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

/// Why a loop ended early: the provider, as a rule.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let Error::Model(error) = error else {
            let message = format!("the model's reply cannot be used: {error}");
            return Self::new(StatusCode::BAD_GATEWAY, SERVER, message);
        };
        let status = error.http_status().and_then(|status| StatusCode::from_u16(status).ok());
        // A status that says that all is well, or that something is elsewhere, says nothing to this client.
        let status = status.filter(|status| status.is_client_error() || status.is_server_error());
        let status = status.unwrap_or(StatusCode::BAD_GATEWAY);
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "authentication_error",
            status if status.is_client_error() => INVALID,
            _ => SERVER,
        };
        let refusal = Self { retry_after: error.wait(), ..Self::new(status, kind, error.message()) };
        match error.provider_code() {
            Some(code) => refusal.code(code),
            None => refusal,
        }
    }
}

/// Answers with JSON.
pub(super) fn json_response(status: StatusCode, body: impl Into<Bytes>) -> Response<RouteBody> {
    let mut response = Response::new(RouteBody::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";
