//! Other paths beside the endpoint, and the guard in front of everything.

use std::pin::pin;
use std::sync::Mutex;

use futures::FutureExt as _;
use futures::future::{BoxFuture, poll_fn};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::{Body, Frame};

use super::super::routes::{Guard, RouteBody, Routes};
use super::*;

/// Routes that do what their paths say, and remember what they were asked.
#[derive(Clone, Default)]
struct Paths(Arc<Seen>);

#[derive(Default)]
struct Seen {
    asked: Mutex<Vec<String>>,
    ended: AtomicUsize,
    go: Notify,
}

impl Paths {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.asked.lock().unwrap())
    }
}

impl Routes for Paths {
    fn answer(&self, request: HttpRequest<Bytes>) -> BoxFuture<'static, Response<RouteBody>> {
        let seen = Arc::clone(&self.0);
        let (head, body) = request.into_parts();
        seen.asked.lock().unwrap().push(format!("{} {} {}", head.method, head.uri, body.len()));
        async move {
            match head.uri.path() {
                "/wait" => {
                    let _ending = Ending(&seen.ended);
                    seen.go.notified().await;
                    Response::new(RouteBody::from("waited"))
                }
                "/stream" => {
                    let chunks = ["one ", "", "two ", "three"].map(Bytes::from);
                    Response::new(RouteBody::stream(stream::iter(chunks)))
                }
                "/endless" => Response::new(RouteBody::stream(stream::unfold(seen, |seen| async {
                    let _ending = Ending(&seen.ended);
                    seen.go.notified().await;
                    drop(_ending);
                    Some((Bytes::from("tick"), seen))
                }))),
                "/panic" => panic!("a route that panics"),
                _ => Response::new(RouteBody::from(body)),
            }
        }
        .boxed()
    }

    fn refuse(&self, head: &Parts, status: StatusCode, reason: &str) -> Response<RouteBody> {
        let mut response = Response::new(RouteBody::from(format!("{}: {reason}", head.uri.path())));
        *response.status_mut() = status;
        response
    }
}

/// Lets in who shows the key.
struct Key;

impl Guard for Key {
    fn admit(&self, head: &Parts) -> Result<(), Response<RouteBody>> {
        if head.headers.get("x-key").is_some_and(|key| key == "open") {
            return Ok(());
        }
        let mut response = Response::new(RouteBody::from("no key"));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        Err(response)
    }
}

fn with(routes: Option<&Paths>, guard: bool, limits: Limits) -> Server {
    let routes = routes.cloned().map(|routes| Arc::new(routes) as Arc<dyn Routes>);
    let guard = guard.then(|| Arc::new(Key) as Arc<dyn Guard>);
    Server::beside(limits, Served::default(), Beside { routes, guard })
}

fn request(method: &str, target: &str) -> http::request::Builder {
    HttpRequest::builder().method(method).uri(target).header("host", "localhost:1")
}

#[tokio::test]
async fn every_path_that_is_not_the_endpoints_is_a_route() {
    let paths = Paths::default();
    let server = with(Some(&paths), false, Limits::default());
    let check = async |method: &str, target: &str, expected: &[&str]| {
        let builder = request(method, target).header("content-type", "application/json");
        server.send(full(builder.header("accept", "application/json, text/event-stream"), "{}")).await;
        assert_eq!(paths.asked(), expected, "{method} {target}");
    };
    check("GET", "/", &["GET / 2"]).await;
    check("POST", "/mcp/list_tools?a=b", &["POST /mcp/list_tools?a=b 2"]).await;
    check("DELETE", "/mcpx", &["DELETE /mcpx 2"]).await;
    check("GET", "/mcp//", &["GET /mcp// 2"]).await;
    for target in ["/mcp", "/mcp/", "/mcp?x=1", "/mcp/?x=1"] {
        for method in ["POST", "GET", "DELETE", "PUT"] {
            check(method, target, &[]).await;
        }
    }
}

#[cfg(feature = "sse-r1")]
#[tokio::test]
async fn the_old_transport_keeps_its_paths_beside_routes() {
    let paths = Paths::default();
    let server = with(Some(&paths), false, Limits::default());
    for target in ["/sse", "/mcp/"] {
        let mut seen = server.send(full(request("GET", target).header("accept", "text/event-stream"), "")).await;
        assert!(seen.frame().await.starts_with("event: endpoint"), "{target}");
    }
    server
        .send(full(request("POST", "/sse/messages?session_id=1").header("content-type", "application/json"), ""))
        .await;
    assert!(paths.asked().is_empty());
}

#[tokio::test]
async fn a_route_is_asked_only_by_allowed_hosts_and_origins() {
    let paths = Paths::default();
    let server = with(Some(&paths), false, Limits::default());
    let check = async |host: &str, origin: Option<&str>, expected: u16| {
        let mut builder = HttpRequest::get("/echo").header("host", host);
        if let Some(origin) = origin {
            builder = builder.header("origin", origin);
        }
        assert_eq!(server.ask(full(builder, "")).await.status, expected, "{host} {origin:?}");
        assert_eq!(paths.asked().len(), usize::from(expected == 200), "{host} {origin:?}");
    };
    check("localhost", None, 200).await;
    check("127.0.0.1:9", Some("http://localhost:3"), 200).await;
    check("evil.example", None, 403).await;
    check("localhost", Some("http://evil.example"), 403).await;
    check("localhost", Some("null"), 403).await;
}

#[tokio::test]
async fn the_guard_stands_before_the_endpoint_and_the_routes_and_behind_host_and_origin() {
    let paths = Paths::default();
    let server = with(Some(&paths), true, Limits::default());
    for (target, methods) in [
        ("/mcp", &["GET", "POST", "DELETE"][..]),
        ("/mcp/", &["GET", "POST", "DELETE"]),
        ("/sse", &["GET"]),
        ("/sse/messages?session_id=1", &["POST"]),
        ("/echo", &["GET", "POST", "DELETE", "PUT"]),
        ("/nothing/here", &["GET", "POST", "DELETE", "PUT"]),
    ] {
        for method in methods {
            let answered = server.ask(full(request(method, target), "")).await;
            assert_eq!((answered.status, &*answered.text), (401, "no key"), "{method} {target}");
        }
        let foreign = HttpRequest::builder().method(methods[0]).uri(target).header("host", "evil.example");
        assert_eq!(server.ask(full(foreign, "")).await.status, 403, "{target}");
    }
    assert!(paths.asked().is_empty());
    assert_eq!(server.ask(full(request("GET", "/echo").header("x-key", "open"), "")).await.status, 200);
    let answered = server.ask(full(post().header("x-key", "open"), &initialize("2025-11-25"))).await;
    assert_eq!(answered.status, 200);
}

#[tokio::test]
async fn the_guard_refuses_before_a_body_is_read_and_the_connection_ends_then() {
    let server = with(None, true, Limits::default());
    let body = Untouched;
    let (mut head, body) = post().body(body).unwrap().into_parts();
    let response = server.endpoint.respond(&mut head, body).await;
    assert_eq!((response.status().as_u16(), &response.headers()["connection"]), (401, &"close".parse().unwrap()));
    let response = server.ask(full(request_without_body(), "")).await;
    assert!(!response.headers.contains_key("connection"));
}

fn request_without_body() -> http::request::Builder {
    request("GET", "/mcp")
}

/// A body that must not be read.
struct Untouched;

impl Body for Untouched {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        panic!("the body was read");
    }
}

#[tokio::test]
async fn what_a_route_may_be_sent_is_bounded_and_refused_in_the_words_of_the_routes() {
    let paths = Paths::default();
    let server = with(Some(&paths), false, Limits::default().body_bytes(10));
    let answered = server.ask(full(request("POST", "/echo"), "0123456789")).await;
    assert_eq!((answered.status, &*answered.text), (200, "0123456789"));
    paths.asked();
    let answered = server.ask(full(request("POST", "/echo"), "0123456789a")).await;
    assert_eq!((answered.status, &*answered.text), (413, "/echo: the body has more than 10 bytes"));
    assert_eq!(answered.headers["connection"], "close");
    let answered = server.ask(full(request("POST", "/echo").header("content-encoding", "gzip"), "")).await;
    assert_eq!(answered.status, 415);
    let long = format!("/{}", "x".repeat(Limits::default().uri_bytes));
    assert_eq!(server.ask(full(request("GET", &long), "")).await.status, 414);
    assert!(paths.asked().is_empty());
}

#[tokio::test]
async fn a_client_that_goes_away_drops_the_work_of_its_route() {
    let paths = Paths::default();
    let server = with(Some(&paths), false, Limits::default());
    {
        let mut waiting = pin!(server.send(full(request("GET", "/wait"), "")));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(paths.0.ended.load(Ordering::SeqCst), 0);
    }
    assert_eq!(paths.0.ended.load(Ordering::SeqCst), 1);

    let mut endless = server.send(full(request("GET", "/endless"), "")).await;
    paths.0.go.notify_one();
    assert_eq!(endless.frame().await, "tick");
    poll_fn(|cx| std::task::Poll::Ready(pin!(endless.body.frame()).poll_unpin(cx).is_pending())).await;
    let before = paths.0.ended.load(Ordering::SeqCst);
    drop(endless);
    assert_eq!(paths.0.ended.load(Ordering::SeqCst), before + 1);
}

#[tokio::test]
async fn a_streamed_body_comes_chunk_by_chunk_and_an_empty_chunk_does_not_end_it() {
    let server = with(Some(&Paths::default()), false, Limits::default());
    let mut seen = server.send(full(request("GET", "/stream"), "")).await;
    assert_eq!(seen.frame().await, "one ");
    assert_eq!(seen.frame().await, "two ");
    assert_eq!(seen.finish().await.text, "three");
}

#[tokio::test]
async fn a_route_that_panics_is_answered() {
    let server = with(Some(&Paths::default()), false, Limits::default());
    let answered = server.ask(full(request("GET", "/panic"), "")).await;
    assert_eq!((answered.status, &*answered.text), (500, "/panic: what answers this path panicked"));
}

#[tokio::test]
async fn routes_count_among_the_requests_in_flight_until_their_last_byte() {
    let server = with(Some(&Paths::default()), false, Limits::default().in_flight_total(1));
    let endless = server.send(full(request("GET", "/endless"), "")).await;
    let answered = server.ask(full(request("GET", "/echo"), "")).await;
    assert_eq!(answered.status, 503);
    assert!(answered.headers.contains_key("retry-after"));
    drop(endless);
    assert_eq!(server.ask(full(request("GET", "/echo"), "")).await.status, 200);
}

#[tokio::test]
async fn the_end_of_the_server_ends_routes_and_their_streams() {
    let server = with(Some(&Paths::default()), false, Limits::default());
    let endless = server.send(full(request("GET", "/endless"), "")).await;
    let end = async {
        settle().await;
        server.stage.send_replace(Stage::Closing);
    };
    let (answered, ()) = tokio::join!(server.ask(full(request("GET", "/wait"), "")), end);
    assert_eq!((answered.status, &*answered.text), (503, "/wait: the server is ending"));
    assert_eq!(endless.finish().await.text, "");
}
