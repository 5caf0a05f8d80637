//! The APIs of OpenAI with MCP servers behind them.
//!
//! | path | what |
//! |---|---|
//! | `POST /v1/chat/completions` | Chat Completions |
//! | `POST /v1/responses` | Responses |
//! | `GET /v1/models`, `GET /v1/models/NAME` | the models of the file |
//!
//! A request without MCP tools is passed to its provider as it is, and so is the answer. Tools `{"type": "mcp"}` are
//! called here, round by round, and the client gets one answer:
//!
//! ```text
//!   request ─► entry ─► plan ──► Turn ◄──► model        (deployment)
//!                                 │ ▲
//!                                 ▼ │      tools        (routed)
//!   answer ◄─ work ◄─ face ◄─── events
//! ```
//!
//! The surprising thing: `/v1` may be left out of the paths, because many clients add it by themselves and some do not.

mod chat;
mod deployment;
mod entry;
mod face;
mod ids;
mod input;
mod models;
mod plan;
mod refusal;
mod responses;
mod routed;
mod splice;
mod store;
mod work;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use mcp_server::RouteBody;
use mcp_types::RawJson;

use self::deployment::Deployments;
use self::refusal::Refusal;
use self::store::Store;
use super::Gateway;
use super::config::Config;

/// What is kept between two requests.
#[derive(Debug)]
pub(super) struct State {
    deployments: Deployments,
    store: Store,
}

impl State {
    pub(super) fn new(config: &Config) -> Self {
        Self { deployments: Deployments::new(config), store: Store::default() }
    }
}

/// Answers a request for one of OpenAI's APIs.
///
/// # Cancel safety
///
/// Dropping the future, or the body of its response, ends the request: the model is not listened to any more, and the
/// calls that are under way are cancelled.
pub async fn answer(gateway: Gateway, request: Request<Bytes>) -> Response<RouteBody> {
    let (head, body) = request.into_parts();
    routed(gateway, &head, body).await.unwrap_or_else(Refusal::into_response)
}

async fn routed(gateway: Gateway, head: &Parts, body: Bytes) -> Result<Response<RouteBody>, Refusal> {
    let path = head.uri.path();
    let path = path.strip_prefix("/v1").unwrap_or(path).trim_end_matches('/');
    match path {
        "/chat/completions" | "/responses" => {
            if head.method != Method::POST {
                return Err(Refusal::method("POST"));
            }
            check_media(head)?;
            let body = RawJson::parse(body)
                .map_err(|error| Refusal::unreadable(format!("the body is no JSON that is accepted here: {error}")))?;
            let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
            let state = gateway.v1();
            if path == "/responses" {
                responses::answer(gateway, state, host, &body).await
            } else {
                chat::answer(gateway, state, host, &body).await
            }
        }
        _ if path == "/models" || path.starts_with("/models/") => {
            if head.method != Method::GET && head.method != Method::HEAD {
                return Err(Refusal::method("GET"));
            }
            match path.strip_prefix("/models/") {
                Some(name) => models::one(gateway.config(), name),
                None => Ok(models::list(gateway.config())),
            }
        }
        _ => {
            let message = "nothing is here; there are /v1/chat/completions, /v1/responses and /v1/models";
            Err(Refusal::not_found("not_found", message))
        }
    }
}

/// Checks that a body is JSON, as far as its sender says what it is.
fn check_media(head: &Parts) -> Result<(), Refusal> {
    let Some(media) = head.headers.get(CONTENT_TYPE) else { return Ok(()) };
    let media = media.to_str().unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    let mut refusal = Refusal::unreadable("send the body as `Content-Type: application/json`");
    refusal.status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Err(refusal)
}

/// Keeps the state beside the gateway it belongs to.
pub(super) type Shared = std::sync::OnceLock<Arc<State>>;
