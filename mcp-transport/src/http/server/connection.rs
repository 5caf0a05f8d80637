//! Serves one connection: HTTP/1.1 with the limits of its head, its times and its end (F26, F27).

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Request as HttpRequest;
use http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::endpoint::Endpoint;
use super::socket::{Activity, Socket};
use super::stop::Stage;
use crate::http::HYPER_HEADERS;
use crate::limits::Limits;

/// What a connection has in common with the requests that came on it.
struct Shared {
    endpoint: Arc<Endpoint>,
    /// Whether the rest of a request was left unread, which ends the connection.
    is_unread: AtomicBool,
}

/// Serves requests until the peer is done, is too slow, or the server stops.
pub(super) async fn serve_connection<T>(stream: T, endpoint: Arc<Endpoint>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let limits = &endpoint.config.limits;
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&activity), limits));
    let shared = Arc::new(Shared { endpoint: Arc::clone(&endpoint), is_unread: AtomicBool::new(false) });
    let (answering, reading) = (Arc::clone(&shared), Arc::clone(&activity));
    let service = service_fn(move |request: HttpRequest<Incoming>| {
        let (busy, shared) = (activity.begin(), Arc::clone(&answering));
        // Outside of the future, which would keep the place of the whole request beside those of its parts.
        let (mut head, body) = request.into_parts();
        async move {
            let mut response = shared.endpoint.respond(&mut head, body).await;
            response.body_mut().hold(busy);
            if response.headers().contains_key(CONNECTION) {
                shared.is_unread.store(true, Ordering::Release);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = builder(limits).serve_connection(socket, service);
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = endpoint.stop.reached(Stage::Draining) => {
            // Half a head is no request yet, so there is nothing to finish.
            if reading.is_reading_head() {
                return;
            }
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    // A peer that was told off while it still sends must be able to read why.
    if shared.is_unread.load(Ordering::Acquire) || outcome.is_err_and(|error| error.is_parse()) {
        // Boxed, or every connection would have room for it until its end.
        let lingering = Box::pin(connection.into_parts().io.into_inner().linger());
        lingering.await;
    }
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The socket has the deadlines: those here would also close a connection that is idle between requests.
    builder.header_read_timeout(None).max_header_size(limits.head_bytes).max_buf_size(limits.head_bytes.max(BUFFER));
    // To be told its own number costs hyper more than to know it: it then makes room for every request.
    if limits.head_count != HYPER_HEADERS {
        builder.max_headers(limits.head_count);
    }
    builder
}

/// How many bytes of a body are read at once, at most: a body of 64 KiB comes in one part with its head, and is not copied
/// to be joined.
const BUFFER: usize = 128 * 1024;
