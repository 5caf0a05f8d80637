//! HTTP with SSE, the transport of 2024-11-05: a stream down, POSTs up (HS-1 to HS-5).
//!
//! It is a pipe in two parts: what is posted becomes a line that comes in, a line that goes out becomes an event. The
//! surprising thing: any legacy revision can be agreed on here, because old transports have outlived old revisions.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Response;
use hyper::body::Body;
use mcp_types::Message;
use tokio::io::{AsyncRead, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::body::{Frames, ReplyBody, read_body};
use super::endpoint::Endpoint;
use super::logged::now;
use super::response;
use super::rules::{self, Refusal, SsePlace};
use super::stop::Stage;
use super::table::{SessionId, Table};
use crate::header::HeaderView;
use crate::limits::{Limits, UNBOUNDED};
use crate::line::{LineDecoder, LineEvent};
use crate::sse::{encode_comment, encode_event};

/// The way in to one session; the session ends when it is dropped.
pub(super) type Inlet = mpsc::Sender<Bytes>;

/// The reading end of a session: the messages that were posted, one a line.
pub(super) struct Posted {
    lines: mpsc::Receiver<Bytes>,
    line: Bytes,
}

/// The stream of one session; the session ends with it (HS-4).
struct SseEvents {
    id: SessionId,
    /// Where the session is known by its id.
    sessions: Arc<Mutex<Table<Inlet>>>,
    buffer: BytesMut,
    source: DuplexStream,
    lines: LineDecoder,
    session: AbortHandle,
    stopping: Option<BoxFuture<'static, ()>>,
    quiet: Pin<Box<Sleep>>,
    keep_alive: Duration,
    is_over: bool,
}

impl Endpoint {
    /// Answers at the paths of the old transport.
    pub(super) async fn take_sse<B: Body<Data = Bytes>>(
        &self,
        place: SsePlace<'_>,
        view: &HeaderView<'_>,
        body: B,
    ) -> Result<Response<ReplyBody>, Refusal> {
        match place {
            SsePlace::Stream => {
                rules::check_stream_accept(view)?;
                self.open_sse()
            }
            SsePlace::Messages(id) => {
                crate::header::check_content_type(view.content_type)?;
                self.post_sse(id, read_body(body, &self.config.limits).await?).await
            }
        }
    }

    /// Opens a session, which is initialized over its stream.
    fn open_sse(&self) -> Result<Response<ReplyBody>, Refusal> {
        let limits = &self.config.limits;
        // Every one of these sessions has its stream, so none makes room for another.
        let is_busy = |_: &Inlet| true;
        lock(&self.sse_sessions).admit(now(), is_busy)?;
        let mut random = [[0; 8]; 2];
        getrandom::fill(random.as_flattened_mut())
            .map_err(|_| Refusal::busy(503, "the server has no random numbers"))?;
        let id = SessionId::new(random.map(u64::from_be_bytes));
        let (inlet, lines) = mpsc::channel(WAITING_POSTS);
        let (source, sink) = tokio::io::duplex(PIPE_BYTES);
        let posted = Posted { lines, line: Bytes::new() };
        lock(&self.sse_sessions).insert(id.clone(), inlet, now(), is_busy)?;
        let session = tokio::spawn(Arc::clone(&self.service).serve_pipe(posted, sink, limits.clone())).abort_handle();
        let mut buffer = BytesMut::new();
        let target = self.config.sse.as_ref().map_or_else(String::new, |sse| sse.target(&id));
        encode_event(&mut buffer, None, None, Some("endpoint"), target.as_bytes());
        Ok(response::event_stream(SseEvents {
            id,
            sessions: Arc::clone(&self.sse_sessions),
            buffer,
            source,
            lines: LineDecoder::new(&Limits::default().line_bytes(UNBOUNDED)),
            session,
            stopping: Some(self.stop.reached(Stage::Draining)),
            quiet: Box::pin(sleep_until(Instant::now() + limits.keep_alive)),
            keep_alive: limits.keep_alive,
            is_over: false,
        }))
    }

    /// Takes a message of a session; what it is answered with comes on the stream (HS-2).
    async fn post_sse(&self, id: &str, text: Bytes) -> Result<Response<ReplyBody>, Refusal> {
        match Message::parse(text.clone()) {
            Ok(_) => {}
            // Whether there are batches is known to the session.
            Err(malformed) if malformed.batch => {}
            Err(malformed) => return Err(Refusal::malformed(malformed)),
        }
        let inlet = lock(&self.sse_sessions).find(id, now()).cloned().ok_or_else(rules::unknown_session)?;
        let sent = timeout(self.config.limits.body_timeout, inlet.send(line(&text)));
        match sent.await {
            Ok(Ok(())) => Ok(response::accepted()),
            Ok(Err(_)) => Err(rules::unknown_session()),
            Err(_) => Err(Refusal::busy(503, "too many messages of this session wait")),
        }
    }
}

fn lock(sessions: &Mutex<Table<Inlet>>) -> MutexGuard<'_, Table<Inlet>> {
    // Every change of the table is one call, so poisoning means nothing.
    sessions.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a line of a message: a line end can only be white space between its parts (T-13).
fn line(text: &[u8]) -> Bytes {
    let mut line = BytesMut::with_capacity(text.len() + 1);
    line.extend(text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    line.extend_from_slice(b"\n");
    line.freeze()
}

impl AsyncRead for Posted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.line.is_empty() {
            // Without another one this reads nothing, which is the end.
            self.line = ready!(self.lines.poll_recv(cx)).unwrap_or_default();
        }
        let length = self.line.len().min(buffer.remaining());
        buffer.put_slice(&self.line.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl SseEvents {
    /// Gathers the lines that the session has written.
    fn fill(&mut self, cx: &mut Context<'_>) {
        while self.buffer.len() < HIGH_WATER && !self.is_over {
            while let Some(LineEvent::Line(message)) = self.lines.next_line() {
                encode_event(&mut self.buffer, None, None, Some("message"), &message);
            }
            let mut chunk = [0; CHUNK];
            let mut chunk = ReadBuf::new(&mut chunk);
            match Pin::new(&mut self.source).poll_read(cx, &mut chunk) {
                Poll::Ready(Ok(())) if !chunk.filled().is_empty() => self.lines.extend(chunk.filled()),
                Poll::Ready(_) => self.is_over = true,
                Poll::Pending => return,
            }
        }
    }
}

impl Frames for SseEvents {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.stopping.as_mut().is_some_and(|stopping| stopping.poll_unpin(cx).is_ready()) {
            // Its input ends, so it answers what it was asked and ends too.
            self.stopping = None;
            self.forget();
        }
        self.fill(cx);
        if self.buffer.is_empty() {
            if self.is_over {
                return Poll::Ready(None);
            }
            ready!(self.quiet.as_mut().poll(cx));
            encode_comment(&mut self.buffer, "keep-alive");
        }
        self.quiet.as_mut().reset(Instant::now() + self.keep_alive);
        Poll::Ready(Some(self.buffer.split().freeze()))
    }
}

impl SseEvents {
    fn forget(&self) {
        lock(&self.sessions).remove(&self.id.to_string());
    }
}

impl Drop for SseEvents {
    fn drop(&mut self) {
        self.forget();
        self.session.abort();
    }
}

/// Messages that wait to be read by their session; whoever posts another waits.
const WAITING_POSTS: usize = 4;
/// As much as a pipe of the operating system holds.
const PIPE_BYTES: usize = 64 * 1024;
/// Bytes that are taken at once from what the session has written.
const CHUNK: usize = 8 * 1024;
/// Bytes of events that are gathered for one write.
const HIGH_WATER: usize = 64 * 1024;
