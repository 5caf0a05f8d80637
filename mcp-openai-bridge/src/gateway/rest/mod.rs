//! Plain HTTP beside MCP: LiteLLM's endpoints in LiteLLM's shapes, with the status that a request deserves.
//!
//! | path | what |
//! |---|---|
//! | `GET`, `POST` `/mcp/list_tools`, `GET` `/mcp-rest/tools/list` | every tool, or those of one server |
//! | `POST` `/mcp/call_tool`, `POST` `/mcp-rest/tools/call` | one call |
//! | `GET` `/health/liveliness`, `/health/readiness`, `/mcp/enabled` | for whoever watches the process |
//! | `/v1/…` | the APIs of OpenAI, by [`v1`](super::v1) |
//!
//! The surprising thing: a tool that failed is no failure of the request. It is answered with 200 and `isError`, as over
//! MCP; every other status says that the tool has not answered.

mod calls;
mod query;
mod reply;
mod tools;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use mcp_server::{RouteBody, Routes};
use serde_json::json;

use self::reply::{Refused, json_response};
use super::{Gateway, v1};

/// Answers every path that is not MCP's.
pub(super) struct Rest {
    gateway: Gateway,
}

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Call,
    Enabled,
    /// LiteLLM's own path, which takes one method only.
    List(&'static [Method]),
    Lively,
    OpenAi,
    Ready,
}

impl Rest {
    pub(super) fn new(gateway: Gateway) -> Self {
        Self { gateway }
    }
}

impl Routes for Rest {
    fn answer(&self, request: Request<Bytes>) -> BoxFuture<'static, Response<RouteBody>> {
        let gateway = self.gateway.clone();
        async move {
            match Place::of(request.uri().path()) {
                Some(Place::OpenAi) => v1::answer(gateway, request).await,
                place => answer(&gateway, place, request).await.unwrap_or_else(Refused::into_response),
            }
        }
        .boxed()
    }

    fn refuse(&self, head: &Parts, status: StatusCode, reason: &str) -> Response<RouteBody> {
        if Place::of(head.uri.path()) == Some(Place::OpenAi) {
            let error = json!({"message": reason, "type": "invalid_request_error", "param": null, "code": null});
            return json_response(status, &json!({ "error": error }));
        }
        let word = status.canonical_reason().unwrap_or("refused").to_ascii_lowercase().replace(' ', "_");
        Refused::new(status, word, reason).into_response()
    }
}

async fn answer(
    gateway: &Gateway,
    place: Option<Place>,
    request: Request<Bytes>,
) -> Result<Response<RouteBody>, Refused> {
    let (head, body) = request.into_parts();
    let Some(place) = place else {
        return Err(Refused::new(StatusCode::NOT_FOUND, "not_found", "nothing is here; MCP is at /mcp"));
    };
    place.check_method(&head.method)?;
    match place {
        Place::Call => {
            check_media(&head.headers)?;
            calls::answer(gateway, body).await
        }
        Place::List(_) => tools::answer(gateway, head.uri.query(), body).await,
        Place::Enabled => Ok(json_response(StatusCode::OK, &json!({"enabled": true}))),
        Place::Lively => Ok(json_response(StatusCode::OK, &json!("I'm alive!"))),
        Place::Ready => Ok(json_response(StatusCode::OK, &json!({"status": "healthy", "db": "Not connected"}))),
        Place::OpenAi => Ok(v1::answer(gateway.clone(), Request::from_parts(head, body)).await),
    }
}

impl Place {
    /// Returns what a path is for; a slash at its end does not matter.
    fn of(path: &str) -> Option<Self> {
        const EITHER: &[Method] = &[Method::GET, Method::POST];
        const GET: &[Method] = &[Method::GET];
        match path.strip_suffix('/').unwrap_or(path) {
            "/mcp/list_tools" => Some(Self::List(EITHER)),
            "/mcp-rest/tools/list" => Some(Self::List(GET)),
            "/mcp/call_tool" | "/mcp-rest/tools/call" => Some(Self::Call),
            "/mcp/enabled" => Some(Self::Enabled),
            "/health/liveliness" | "/health/liveness" => Some(Self::Lively),
            "/health/readiness" => Some(Self::Ready),
            "/chat/completions" | "/models" | "/responses" | "/v1" => Some(Self::OpenAi),
            path if path.starts_with("/v1/") => Some(Self::OpenAi),
            _ => None,
        }
    }

    /// Checks the method of a request; those of OpenAI's APIs are theirs to check.
    fn check_method(self, method: &Method) -> Result<(), Refused> {
        let allowed = match self {
            Self::Call => &[Method::POST][..],
            Self::List(methods) => methods,
            Self::Enabled | Self::Lively | Self::Ready => &[Method::GET],
            Self::OpenAi => return Ok(()),
        };
        // A server that answers GET answers HEAD (RFC 9110, section 9.1); the connection leaves the body out.
        let is_head = *method == Method::HEAD && allowed.contains(&Method::GET);
        if allowed.contains(method) || is_head { Ok(()) } else { Err(Refused::method(allowed)) }
    }
}

/// Checks that a body is JSON, as far as its sender says what it is.
fn check_media(headers: &HeaderMap) -> Result<(), Refused> {
    let Some(media) = headers.get(http::header::CONTENT_TYPE) else { return Ok(()) };
    let media = media.to_str().unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    let message = "send the body as `Content-Type: application/json`";
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}
