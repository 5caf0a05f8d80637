//! An HTTP request for each call: the arguments are its JSON body or its query, and its answer is the result.
//!
//! The surprising thing: no argument has a say in where the request goes. The URL is that of the file, a redirect is not
//! followed, and what becomes part of the query is encoded (T-070, T-072).

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use mcp_client::Limits;
use mcp_transport::http::Fetch;
use mcp_types::{CallToolResult, RawJson};

use super::{Handler, outcome};
use crate::driver::CallContext;
use crate::gateway::config::HttpSpec;
use crate::json::Value;
use crate::turn::Failure;

/// A request that is made for each call.
pub(super) struct Requested {
    pub(super) spec: HttpSpec,
    pub(super) fetch: Fetch,
    pub(super) limits: Limits,
}

impl Requested {
    pub(super) fn new(spec: HttpSpec, limits: &Limits) -> Self {
        let fetch = Fetch::new(spec.tls.clone()).limits(limits.clone());
        Self { spec, fetch, limits: limits.clone() }
    }
}

#[async_trait]
impl Handler for Requested {
    async fn call(&self, arguments: RawJson, _: &CallContext<'_>) -> Result<CallToolResult, Failure> {
        let failed = |error: mcp_transport::Error| Failure::Transport { message: error.to_string() };
        let request = request(&self.spec, arguments).map_err(|message| Failure::Transport { message })?;
        let (head, body) = self.fetch.send(request).await.map_err(failed)?.into_parts();
        match body.read(self.limits.result_bytes).await {
            Ok(body) => Ok(result(&Response::from_parts(head, body))),
            Err(error) => outcome::unread(&error),
        }
    }
}

/// Makes the request of a call.
fn request(spec: &HttpSpec, arguments: RawJson) -> Result<Request<Bytes>, String> {
    let unfit = |error: http::Error| format!("the request cannot be made: {error}");
    let mut builder = Request::builder().method(spec.method.clone());
    builder = if spec.in_query {
        builder.uri(with_query(&spec.url, &arguments))
    } else {
        builder.uri(spec.url.as_str()).header(CONTENT_TYPE, JSON)
    };
    let body = if spec.in_query { Bytes::new() } else { arguments.into_bytes() };
    let mut request = builder.header(ACCEPT, ACCEPTED).body(body).map_err(unfit)?;
    // What the file says goes before what is usual.
    spec.headers.keys().for_each(|name| drop(request.headers_mut().remove(name)));
    let given = spec.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    request.headers_mut().extend(given);
    Ok(request)
}

/// Adds arguments to a URL: a text as it is, the items of a list one by one, all else as JSON.
fn with_query(url: &str, arguments: &RawJson) -> String {
    let mut query = String::new();
    let mut add = |name: &str, value: &Value| {
        let text = match value {
            Value::Null => return,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        query.push_str(if query.is_empty() { "" } else { "&" });
        encode(name, &mut query);
        query.push('=');
        encode(&text, &mut query);
    };
    if let Ok(Value::Object(members)) = Value::parse(arguments.as_str()) {
        for (name, value) in members.iter() {
            match value {
                Value::Array(items) => items.iter().for_each(|item| add(name, item)),
                value => add(name, value),
            }
        }
    }
    let url = url.split('#').next().unwrap_or(url);
    match (query.is_empty(), url.contains('?')) {
        (true, _) => url.to_owned(),
        (false, true) => format!("{url}&{query}"),
        (false, false) => format!("{url}?{query}"),
    }
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// Makes the result of an answer.
fn result(response: &Response<Bytes>) -> CallToolResult {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if status.is_success() {
        return outcome::of_bytes(response.body(), kind);
    }
    let hint = if status.is_redirection() { "; a redirect is not followed" } else { "" };
    let said = String::from_utf8_lossy(response.body());
    CallToolResult::error(outcome::ended(&format!("HTTP status {status}{hint}"), said.trim()))
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// JSON is preferred, and everything is taken.
const ACCEPTED: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.8");

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn spec(method: &str, url: &str, in_query: bool) -> HttpSpec {
        let (config, _) = crate::gateway::config::Config::parse(
            &format!(
                "mcp_tools: [{{name: t, description: d, handler: {{http: {{url: '{url}', method: {method}, arguments: {}, headers: {{Authorization: k, Content-Type: application/vnd.x+json}}}}}}}}]",
                if in_query { "query" } else { "body" }
            ),
            std::path::Path::new("/"),
            &|_| None,
        )
        .unwrap();
        let crate::gateway::config::HandlerSpec::Http(spec) = config.tools[0].handler.value.clone() else { panic!() };
        *spec
    }

    #[test]
    fn arguments_are_the_body_or_the_query() {
        let arguments = RawJson::parse(r#"{"a":1}"#).unwrap();
        let sent = request(&spec("PUT", "http://h/p", false), arguments.clone()).unwrap();
        assert_eq!((sent.method().as_str(), sent.uri().to_string().as_str()), ("PUT", "http://h/p"));
        assert_eq!(sent.body(), r#"{"a":1}"#);
        assert_eq!(sent.headers()["authorization"], "k");
        assert_eq!(sent.headers().get_all("content-type").iter().collect::<Vec<_>>(), ["application/vnd.x+json"]);
        let sent = request(&spec("GET", "http://h/p?k=v", true), arguments).unwrap();
        assert_eq!((sent.uri().to_string().as_str(), sent.body().len()), ("http://h/p?k=v&a=1", 0));
    }

    #[test]
    fn no_argument_has_a_say_in_where_the_request_goes() {
        #[track_caller]
        fn check(arguments: &str, expected: &str) {
            let arguments = RawJson::parse(arguments.to_owned()).unwrap();
            assert_eq!(with_query("http://h/p", &arguments), format!("http://h/p{expected}"));
        }
        check("{}", "");
        check(r#"{"a":null}"#, "");
        check(r#"{"a":"x y","b":true,"c":1.50}"#, "?a=x%20y&b=true&c=1.50");
        check(r#"{"a":["x","y"],"b":{"c":1}}"#, "?a=x&a=y&b=%7B%22c%22%3A1%7D");
        check(r#"{"a":"&b=c#/../?\r\nHost: evil"}"#, "?a=%26b%3Dc%23%2F..%2F%3F%0D%0AHost%3A%20evil");
        check(r#"{"a&b":"é"}"#, "?a%26b=%C3%A9");
    }

    #[test]
    fn a_status_that_is_no_success_is_a_tool_that_failed() {
        #[track_caller]
        fn check(status: u16, body: &'static str, expected: &str) {
            let mut response = Response::new(Bytes::from(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            let found = result(&response);
            assert_eq!((found.content[0].as_text(), found.failed()), (Some(expected), status >= 300));
        }
        check(200, "fine", "fine");
        check(404, "no such city\n", "HTTP status 404 Not Found: no such city");
        check(302, "", "HTTP status 302 Found; a redirect is not followed");
    }
}
