//! What a program serves beside the endpoint, and who may ask at all.
//!
//! `Host` and `Origin` are checked for a route exactly as for the endpoint, the body is read within the same bounds,
//! and its future lives inside the response: a client that goes away drops it. The surprising thing: where there are
//! routes, the guard is asked about every path, so that nobody learns without a key what is served.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt as _};
use futures::{FutureExt as _, future};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Request as HttpRequest, Response, StatusCode};

use super::body::{Frames, ReplyBody};
use super::load::Permit;
use super::stop::{Stage, Stop};

/// Answers requests for paths that are not the endpoint's.
///
/// An implementor answers every request, also one for a path that it does not know; it needs to know nothing of `Host`
/// and `Origin`, which were checked. The body was read, within [`Limits::body_bytes`](crate::Limits). Dropping the
/// future cancels the work: it happens when the client goes away and when the server has no more time to drain.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use futures::FutureExt as _;
/// use futures::future::{BoxFuture, ready};
/// use mcp_transport::http::{RouteBody, Routes};
///
/// struct Health;
///
/// impl Routes for Health {
///     fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'static, http::Response<RouteBody>> {
///         let status = if request.uri().path() == "/health" { 200 } else { 404 };
///         let mut response = http::Response::new(RouteBody::from("{}"));
///         *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
///         ready(response).boxed()
///     }
/// }
/// ```
pub trait Routes: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: HttpRequest<Bytes>) -> BoxFuture<'static, Response<RouteBody>>;

    /// Says in this program's own form that a request was refused before [`answer`](Self::answer) could see it, or
    /// that its answer failed: a body that is too large or too slow, a server that is too busy or is ending, a panic.
    /// By default the reason is the body, as text.
    fn refuse(&self, head: &Parts, status: StatusCode, reason: &str) -> Response<RouteBody> {
        let _ = head;
        let mut response = Response::new(RouteBody::from(format!("{reason}\n")));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

/// Decides who may ask.
///
/// It is asked about every request whose path, method, `Host` and `Origin` are allowed, before anything else of it is
/// looked at: for the endpoint, the old transport and the [`Routes`] alike. It sees the head alone; the body is not read.
pub trait Guard: Send + Sync + 'static {
    /// Lets a request in, or says what it is answered with.
    ///
    /// # Errors
    ///
    /// Returns the response to a request that is not let in, such as 401 with `WWW-Authenticate`.
    // The error is the usual case here, not a rare one that every caller carries.
    #[allow(clippy::result_large_err)]
    fn admit(&self, head: &Parts) -> Result<(), Response<RouteBody>>;
}

/// The body of the response of a route: whole, or a stream of chunks.
///
/// It is itself a stream of its chunks, so that one route can wrap another.
pub struct RouteBody(Content);

enum Content {
    Stream(BoxStream<'static, Bytes>),
    Whole(Bytes),
}

impl RouteBody {
    /// Writes each chunk when it is ready, and reads the next one only when the client has taken the one before; the
    /// stream is dropped when the client goes away.
    pub fn stream(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self(Content::Stream(chunks.boxed()))
    }
}

impl Default for RouteBody {
    /// Returns an empty body.
    fn default() -> Self {
        Self(Content::Whole(Bytes::new()))
    }
}

impl fmt::Debug for RouteBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Stream(_) => f.write_str("RouteBody::Stream"),
            Content::Whole(bytes) => write!(f, "RouteBody::Whole({} bytes)", bytes.len()),
        }
    }
}

impl From<Bytes> for RouteBody {
    fn from(bytes: Bytes) -> Self {
        Self(Content::Whole(bytes))
    }
}

impl From<String> for RouteBody {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl From<&'static str> for RouteBody {
    fn from(text: &'static str) -> Self {
        Self::from(Bytes::from_static(text.as_bytes()))
    }
}

impl Stream for RouteBody {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &mut self.0 {
            Content::Stream(chunks) => chunks.poll_next_unpin(cx),
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(std::mem::take(bytes))),
        }
    }
}

/// What stands beside an endpoint.
#[derive(Clone, Default)]
pub(super) struct Beside {
    pub(super) routes: Option<Arc<dyn Routes>>,
    pub(super) guard: Option<Arc<dyn Guard>>,
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (routes, guard) = (self.routes.is_some(), self.guard.is_some());
        f.debug_struct("Beside").field("routes", &routes).field("guard", &guard).finish()
    }
}

/// Lets a route answer, for as long as the server has time.
pub(super) async fn answered(
    routes: &dyn Routes,
    head: &Parts,
    body: Bytes,
    permit: Permit,
    stop: &Stop,
) -> Response<ReplyBody> {
    let request = HttpRequest::from_parts(head.clone(), body);
    let answer = AssertUnwindSafe(async { routes.answer(request).await }).catch_unwind().boxed();
    let response = match future::select(answer, stop.reached(Stage::Closing)).await {
        future::Either::Left((Ok(response), _)) => response,
        future::Either::Left((Err(_), _)) => {
            routes.refuse(head, StatusCode::INTERNAL_SERVER_ERROR, "what answers this path panicked")
        }
        future::Either::Right(_) => routes.refuse(head, StatusCode::SERVICE_UNAVAILABLE, "the server is ending"),
    };
    response.map(|body| match body.0 {
        Content::Stream(chunks) => {
            ReplyBody::events(Chunks { chunks, over: stop.reached(Stage::Closing), _permit: permit })
        }
        Content::Whole(bytes) => ReplyBody::whole(bytes),
    })
}

/// Makes a reply of a response for which the server need do nothing more.
pub(super) fn refused(response: Response<RouteBody>) -> Response<ReplyBody> {
    response.map(|body| match body.0 {
        Content::Stream(chunks) => ReplyBody::events(Chunks { chunks, over: future::pending().boxed(), _permit: () }),
        Content::Whole(bytes) => ReplyBody::whole(bytes),
    })
}

/// The chunks of a route on their way out.
struct Chunks<P> {
    chunks: BoxStream<'static, Bytes>,
    /// Ready when the server has no more time.
    over: BoxFuture<'static, ()>,
    /// The place in the load of the server, held to the last byte.
    _permit: P,
}

impl<P: Send + Unpin> Frames for Chunks<P> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match self.chunks.poll_next_unpin(cx) {
                // An empty chunk would be the end of the body on the wire.
                Poll::Ready(Some(chunk)) if chunk.is_empty() => {}
                Poll::Pending if self.over.poll_unpin(cx).is_ready() => return Poll::Ready(None),
                polled => return polled,
            }
        }
    }
}
