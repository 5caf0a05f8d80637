//! Who may ask: whoever shows the key of the file, when it has one.
//!
//! The surprising thing: there is one key, and it opens everything. Keys for some users or some tools need a place to be
//! kept and withdrawn, and a file that is read once is none.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use mcp_client::Secret;
use mcp_server::{Guard, RouteBody};
use serde_json::json;

/// Lets in who shows the key, as `Authorization: Bearer` or in LiteLLM's own header.
pub(super) struct Key(pub(super) Secret);

impl Guard for Key {
    fn admit(&self, head: &Parts) -> Result<(), Response<RouteBody>> {
        if tells_health(head) {
            return Ok(());
        }
        let shown = shown(&head.headers);
        if shown.as_ref().is_some_and(|shown| *shown == self.0) {
            return Ok(());
        }
        Err(refused(if shown.is_some() { "the key is not the one of this gateway" } else { NO_KEY }))
    }
}

/// Whether a request only asks if the process lives: who watches over processes has no key, and is told nothing else.
fn tells_health(head: &Parts) -> bool {
    matches!(head.method, Method::GET | Method::HEAD) && HEALTH.contains(&head.uri.path())
}

/// Returns the key that a request shows. LiteLLM's own header goes before `Authorization`, which may then be meant for
/// somebody else; a header that stands twice shows none, because a proxy may have looked at the other one.
fn shown(headers: &HeaderMap) -> Option<Secret> {
    let name = if headers.contains_key(LITELLM_KEY) { LITELLM_KEY } else { AUTHORIZATION.as_str() };
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let text = value.to_str().ok()?;
    match text.split_once(' ') {
        None => Some(text.into()),
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Some(key.trim().into()),
        Some(_) => None,
    }
}

/// Answers as OpenAI's APIs do, which most clients of a gateway understand.
fn refused(why: &str) -> Response<RouteBody> {
    let body = json!({"error": {"message": why, "type": "auth_error", "param": null, "code": "401"}});
    let mut response = Response::new(RouteBody::from(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="mcp-bridge""#));
    response
}

/// The paths that say whether the gateway runs, and nothing more.
const HEALTH: [&str; 3] = ["/health/liveliness", "/health/liveness", "/health/readiness"];

const LITELLM_KEY: &str = "x-litellm-api-key";

const NO_KEY: &str = "this gateway has a key; send it as `Authorization: Bearer …` or as `x-litellm-api-key`";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)], expected: u16) {
        let mut request = http::Request::get("/mcp");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let status = Key(Secret::from("sk-right")).admit(&head).err().map_or(200, |response| {
            assert!(response.headers().contains_key("www-authenticate"));
            response.status().as_u16()
        });
        assert_eq!(status, expected, "{headers:?}");
    }

    #[test]
    fn the_key_is_shown_as_a_bearer_token_or_in_the_header_of_litellm() {
        check(&[("authorization", "Bearer sk-right")], 200);
        check(&[("authorization", "bearer  sk-right ")], 200);
        check(&[("authorization", "sk-right")], 200);
        check(&[("x-litellm-api-key", "sk-right")], 200);
        check(&[("x-litellm-api-key", "Bearer sk-right")], 200);
        check(&[("authorization", "Bearer of-somebody-else"), ("x-litellm-api-key", "sk-right")], 200);
    }

    #[test]
    fn whoever_watches_over_the_process_needs_no_key() {
        let is_open = |method: &str, path: &str| {
            let (head, ()) = http::Request::builder().method(method).uri(path).body(()).unwrap().into_parts();
            Key(Secret::from("sk-right")).admit(&head).is_ok()
        };
        assert!(HEALTH.iter().all(|path| is_open("GET", path) && is_open("HEAD", path)));
        for path in ["/health", "/health/liveliness/", "/health/liveliness/../mcp", "/mcp", "/v1/models"] {
            assert!(!is_open("GET", path), "{path}");
        }
        assert!(!is_open("POST", HEALTH[0]));
    }

    #[test]
    fn nothing_else_opens() {
        check(&[], 401);
        check(&[("authorization", "Bearer sk-wrong")], 401);
        check(&[("authorization", "Bearer sk-righ")], 401);
        check(&[("authorization", "Bearer ")], 401);
        check(&[("authorization", "Basic sk-right")], 401);
        check(&[("x-api-key", "sk-right")], 401);
        check(&[("authorization", "Bearer sk-right"), ("authorization", "Bearer sk-wrong")], 401);
        check(&[("authorization", "Bearer sk-right"), ("x-litellm-api-key", "sk-wrong")], 401);
        check(&[("x-litellm-api-key", "sk-right"), ("x-litellm-api-key", "sk-right")], 401);
    }
}
