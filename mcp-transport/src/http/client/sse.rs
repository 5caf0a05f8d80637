//! A client of HTTP with SSE, the transport of 2024-11-05: a stream down, POSTs up (HS-1 to HS-4).
//!
//! It is a pipe in two parts, so a [`Mux`] makes exchanges of it. The surprising thing: a POST says nothing but that it
//! arrived, so one that fails ends the connection, and whoever waits for an answer learns what the POST was refused with.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{BoxStream, FuturesUnordered, StreamExt as _};
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use mcp_types::{RawJson, RequestId, Revision, RpcError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::HttpOptions;
use super::events::RawEvents;
use super::rules::{Content, Headers};
use super::shared::Shared;
use super::target::Target;
use crate::client::{Event, Exchange, Incoming, Outgoing, Transport};
use crate::error::{Deadline, Error, HttpFailure};
use crate::limits::{Limits, UNBOUNDED};
use crate::line::{LineDecoder, LineEvent};
use crate::pipe::Mux;
use crate::sse::SseEvent;

/// A client's transport to a server that speaks HTTP with SSE, the only HTTP transport of 2024-11-05.
///
/// Any legacy revision can be agreed on over it. The session ends with the stream; nothing is resumed.
pub struct SseClient {
    mux: Mux,
    url: String,
    failure: Arc<Failure>,
}

/// Why the connection ended, when a POST or the stream told.
#[derive(Default)]
struct Failure(Mutex<Option<Cause>>);

enum Cause {
    Refused(HttpFailure),
    SessionEnded,
    Unreadable(String),
}

impl SseClient {
    /// Opens the stream and waits for the address to post to, within [`Limits::connect_timeout`].
    ///
    /// Whether a server speaks this transport is found out by trying: one that does not answers with an HTTP error, or
    /// with a stream that does not begin with an `endpoint` event (V-62, HL-18).
    ///
    /// # Errors
    ///
    /// Fails when the address or a header cannot be used, when the server cannot be reached or answers with anything but
    /// such a stream, and when the address to post to is on another server (HS-3).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub async fn connect(url: &str, options: HttpOptions) -> Result<Self, Error> {
        let target = Target::parse(url)?;
        let security = options.security(&target)?;
        let headers = options.header_map()?;
        // Nothing of the other transport is received.
        let (sender, _) = mpsc::channel(1);
        let shared = Arc::new(Shared::new(target, security, headers, options.limits, sender)?);
        let wait = shared.limits.connect_timeout;
        let (stream, place) =
            timeout(wait, open(&shared)).await.unwrap_or(Err(Error::TimedOut(Deadline::Connect(wait))))?;
        Ok(Self::over(shared, stream, place))
    }

    fn over(shared: Arc<Shared>, stream: RawEvents, place: Target) -> Self {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let mux = Mux::over(theirs, &shared.limits);
        let (url, failure) = (shared.target.to_string(), Arc::new(Failure::default()));
        let (reader, writer) = tokio::io::split(ours);
        let posts = Posts { shared, place, failure: Arc::clone(&failure) };
        let told = Arc::clone(&failure);
        // It ends when the mux is dropped, because its side of the pipe is then closed.
        tokio::spawn(async move {
            tokio::select! {
                () = posts.run(reader) => {}
                () = pass_on(stream, writer, &told) => {}
            }
        });
        Self { mux, url, failure }
    }
}

/// Opens the stream and reads the address to post to, which comes first.
async fn open(shared: &Arc<Shared>) -> Result<(RawEvents, Target), Error> {
    let mut request = shared.request(Method::GET, Headers::new());
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    let (connection, response) = shared.send(request).await?;
    let status = response.status();
    if !status.is_success() {
        return Err(Error::Http(shared.read_failure(connection, response).await?));
    }
    let media = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
    if Content::read(status.as_u16(), media) != Content::Events {
        return Err(Error::malformed(STREAM, format!("{} answers with something else", shared.target)));
    }
    let mut stream = RawEvents::new(connection, response, &shared.limits);
    loop {
        let Some(event) = stream.next().await? else { return Err(Error::Closed) };
        if event.name.as_deref() == Some("endpoint") {
            let place = String::from_utf8_lossy(&event.data).into_owned();
            return Ok((stream, shared.target.resolve(&place)?));
        }
        if is_message(&event) {
            return Err(Error::malformed(STREAM, "it does not begin with the address to post to"));
        }
    }
}

fn is_message(event: &SseEvent) -> bool {
    !event.is_priming() && event.name.as_deref().is_none_or(|name| name == "message")
}

/// Makes lines of the events.
async fn pass_on(mut stream: RawEvents, mut writer: WriteHalf<DuplexStream>, failure: &Failure) {
    loop {
        match stream.next().await {
            Ok(Some(event)) if is_message(&event) => {
                let data = event.data;
                let mut line = BytesMut::with_capacity(data.len() + 1);
                // A line end in a message can only be white space between its parts (T-13).
                line.extend(data.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
                line.extend_from_slice(b"\n");
                if writer.write_all(&line).await.is_err() {
                    return;
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => {
                if let Error::Malformed(_) = &error {
                    failure.note(Cause::Unreadable(error.to_string()));
                }
                return;
            }
        }
    }
}

/// Posts the messages.
struct Posts {
    shared: Arc<Shared>,
    place: Target,
    failure: Arc<Failure>,
}

type Post = BoxFuture<'static, Result<(), Error>>;

impl Posts {
    /// Posts one line after the other, so that they arrive in order; one whose acknowledgement is late is not waited for,
    /// because a server may hold it back until it was answered a question of its own.
    async fn run(self, mut reader: ReadHalf<DuplexStream>) {
        let mut lines = LineDecoder::new(&Limits::default().line_bytes(UNBOUNDED));
        let mut late: FuturesUnordered<Post> = FuturesUnordered::new();
        loop {
            while let Some(LineEvent::Line(message)) = lines.next_line() {
                let mut post = self.post(message);
                let outcome = tokio::select! {
                    outcome = &mut post => Some(outcome),
                    () = sleep(ACKNOWLEDGEMENT) => None,
                };
                match outcome {
                    Some(Ok(())) => {}
                    Some(Err(error)) => return self.failure.of(error),
                    None => late.push(post),
                }
            }
            let mut space = lines.space();
            tokio::select! {
                read = reader.read_buf(&mut space) => if !matches!(read, Ok(1..)) { break },
                Some(outcome) = late.next() => if let Err(error) = outcome { return self.failure.of(error) },
            }
        }
        while late.next().await.is_some() {}
    }

    fn post(&self, message: Bytes) -> Post {
        let (shared, place) = (Arc::clone(&self.shared), self.place.path_and_query.clone());
        let wait = shared.limits.request_timeout;
        async move {
            let mut request = shared.post(Headers::new(), message);
            *request.uri_mut() = place.parse().map_err(|_| Error::config("the address to post to cannot be sent"))?;
            let posting = async {
                let (connection, response) = shared.send(request).await?;
                if response.status().is_success() {
                    shared.release(connection, response.into_body()).await;
                    return Ok(());
                }
                let failure = shared.read_failure(connection, response).await?;
                Err(if failure.status == 404 { Error::SessionEnded } else { Error::Http(failure) })
            };
            timeout(wait, posting).await.unwrap_or(Err(Error::Closed))
        }
        .boxed()
    }
}

impl Failure {
    fn note(&self, cause: Cause) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(cause);
    }

    fn of(&self, error: Error) {
        match error {
            Error::Http(failure) => self.note(Cause::Refused(failure)),
            Error::SessionEnded => self.note(Cause::SessionEnded),
            Error::Malformed(_) => self.note(Cause::Unreadable(error.to_string())),
            _ => {}
        }
    }

    /// Says why the connection closed, when more is known than that it did.
    fn explain(&self, error: Error) -> Error {
        if !matches!(error, Error::Closed) {
            return error;
        }
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Cause::Refused(failure)) => Error::Http(failure.clone()),
            Some(Cause::SessionEnded) => Error::SessionEnded,
            Some(Cause::Unreadable(why)) => Error::malformed(STREAM, why.clone()),
            None => error,
        }
    }
}

impl Transport for SseClient {
    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Exchange, Error>> {
        Box::pin(async move {
            let exchange = self.mux.open(request).await.map_err(|error| self.failure.explain(error))?;
            let (id, failure) = (exchange.id().clone(), Arc::clone(&self.failure));
            let explained = move |event: Result<Event, Error>| event.map_err(|error| failure.explain(error));
            Ok(Exchange::new(id, exchange.map(explained)))
        })
    }

    fn notify(&self, method: &'static str, params: Option<RawJson>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.mux.notify(method, params).await.map_err(|error| self.failure.explain(error)) })
    }

    fn answer(&self, id: RequestId, outcome: Result<RawJson, RpcError>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.mux.answer(id, outcome).await.map_err(|error| self.failure.explain(error)) })
    }

    fn inbound(&self) -> Option<BoxStream<'static, Incoming>> {
        self.mux.inbound()
    }

    fn settle(&self, revision: Revision) {
        self.mux.settle(revision);
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.mux.close()
    }
}

impl fmt::Debug for SseClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseClient").field("url", &self.url).finish_non_exhaustive()
    }
}

const STREAM: &str = "a stream of HTTP with SSE";
/// How long to wait for the acknowledgement of a POST before the next one goes out.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(1);
/// As much as a pipe of the operating system holds.
const PIPE_BYTES: usize = 64 * 1024;
