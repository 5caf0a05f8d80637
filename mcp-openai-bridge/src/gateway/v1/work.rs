//! One request that is worked on: the loop runs inside the response, and what it says leaves as it comes.
//!
//! The surprising thing: no task is spawned. The loop goes on when the client has taken what came before, and a client
//! that goes away drops it, with every call that is under way.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, Stream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Response, StatusCode};
use mcp_server::RouteBody;
use mcp_transport::sse::encode_comment;
use tokio::time::Sleep;

use super::deployment::Served;
use super::refusal::{Refusal, json_response};
use super::routed::Routed;
use crate::driver::{self, Driver, End, Event, Host, Model};
use crate::turn::approval::Approval;
use crate::turn::{Api, Call, Outcome, Rejected, Turn};

/// What a client of one API sees of a loop. It is told what happens, in its order, and writes what the client gets.
pub(super) trait Face<A: Api>: Send + 'static {
    /// The model is asked, for the next round.
    fn asking(&mut self);

    /// A piece of a reply came.
    fn chunk(&mut self, chunk: &A::Chunk, out: &mut BytesMut);

    /// A reply is complete.
    fn replied(&mut self, reply: &A::Reply, out: &mut BytesMut);

    /// A call has an outcome.
    fn answered(&mut self, call: &Call, outcome: &Outcome, out: &mut BytesMut);

    /// A call was not made.
    fn rejected(&mut self, rejected: &Rejected, out: &mut BytesMut);

    /// What the client said about a call before.
    fn decision(&self, call: &Call) -> Approval;

    /// The loop is at its end; returns the body of a response in one piece.
    fn end(&mut self, end: End<A>, turn: Turn<A>, out: &mut BytesMut) -> Result<Bytes, Refusal>;

    /// The loop failed, after the client had got something.
    fn fail(&mut self, refusal: &Refusal, out: &mut BytesMut);
}

/// One request that is worked on.
pub(super) struct Work<A: Api, F> {
    pub(super) model: Served,
    pub(super) tools: Routed,
    pub(super) turn: Turn<A>,
    pub(super) face: F,
    pub(super) streams: bool,
}

impl<A: Api, F: Face<A>> Work<A, F>
where
    Served: Model<A>,
{
    /// Works, and answers.
    pub(super) async fn answer(self) -> Result<Response<RouteBody>, Refusal> {
        let outlet = Arc::new(Outlet::default());
        if !self.streams {
            let body = self.work(Watch::new(&outlet)).await?;
            return Ok(json_response(StatusCode::OK, body));
        }
        let work = self.work_on(Arc::clone(&outlet)).boxed();
        let mut frames = Frames { work: Some(work), outlet, quiet: None, refusal: None };
        // The status is that of what comes first: a provider that refuses does so before anything is said.
        let first = frames.next().await;
        if let Some(refusal) = frames.refusal.take() {
            return Err(refusal);
        }
        let mut response = Response::new(RouteBody::stream(stream::iter(first).chain(frames)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // A proxy that collects a stream before it passes it on makes it none.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Ok(response)
    }

    /// Works for a client that is told how it goes, and also how it fails once it was told anything.
    async fn work_on(self, outlet: Arc<Outlet>) -> Result<(), Refusal> {
        let watch = Watch::new(&outlet);
        let face = Arc::clone(&watch.face);
        let Err(refusal) = self.work(watch).await else { return Ok(()) };
        if !outlet.has_begun() {
            return Err(refusal);
        }
        let mut face = face.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(face) = &mut *face {
            outlet.write(|out| face.fail(&refusal, out));
        }
        Ok(())
    }

    async fn work(self, watch: Watch<F>) -> Result<Bytes, Refusal> {
        let Self { model, tools, mut turn, face, streams } = self;
        watch.with(|slot, _| *slot = Some(face));
        let options = driver::Options { retry: model.retry(), ..driver::Options::default() };
        let driver = Driver::new(&model, &tools).host(&watch).options(options).stream(streams);
        let end = driver.run(&mut turn).await?;
        let ended = watch.with(|face, out| Some(face.as_mut()?.end(end, turn, out)));
        ended.unwrap_or_else(|| Err(Refusal::internal("the response has no end")))
    }
}

/// Stands between the loop and its face.
struct Watch<F> {
    face: Arc<Mutex<Option<F>>>,
    outlet: Arc<Outlet>,
}

impl<F> Watch<F> {
    fn new(outlet: &Arc<Outlet>) -> Self {
        Self { face: Arc::default(), outlet: Arc::clone(outlet) }
    }

    fn with<T>(&self, tell: impl FnOnce(&mut Option<F>, &mut BytesMut) -> T) -> T {
        // A panic in a face ends its response; what is read afterwards is only what was written before.
        let mut face = self.face.lock().unwrap_or_else(PoisonError::into_inner);
        self.outlet.write(|out| tell(&mut face, out))
    }
}

#[async_trait]
impl<A: Api, F: Face<A>> Host<A> for Watch<F> {
    fn event(&self, event: Event<'_, A>) {
        self.with(|face, out| {
            let Some(face) = face else { return };
            match event {
                Event::Answered { call, outcome, .. } => face.answered(call, outcome, out),
                Event::Asking { .. } => face.asking(),
                Event::Chunk(chunk) => face.chunk(chunk, out),
                Event::Rejected(rejected) => face.rejected(rejected, out),
                Event::Replied(reply) => face.replied(reply, out),
                _ => {}
            }
        });
    }

    async fn approve(&self, call: &Call) -> Approval {
        self.with(|face, _| face.as_ref().map_or(Approval::Later, |face| face.decision(call)))
    }
}

/// What the client gets next.
#[derive(Debug, Default)]
struct Outlet(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    bytes: BytesMut,
    has_begun: bool,
}

impl Outlet {
    fn write<T>(&self, write: impl FnOnce(&mut BytesMut) -> T) -> T {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = write(&mut waiting.bytes);
        waiting.has_begun |= !waiting.bytes.is_empty();
        written
    }

    fn take(&self) -> Option<Bytes> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = waiting.bytes.split().freeze();
        (!bytes.is_empty()).then_some(bytes)
    }

    fn has_begun(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).has_begun
    }
}

/// What leaves as server-sent events.
struct Frames {
    work: Option<BoxFuture<'static, Result<(), Refusal>>>,
    outlet: Arc<Outlet>,
    /// Rings when nothing was said for a while.
    quiet: Option<Pin<Box<Sleep>>>,
    /// Why nothing leaves at all.
    refusal: Option<Refusal>,
}

impl Stream for Frames {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(out) = self.outlet.take() {
                self.quiet = None;
                return Poll::Ready(Some(out));
            }
            let Some(work) = &mut self.work else { return Poll::Ready(None) };
            match work.as_mut().poll(cx) {
                Poll::Ready(done) => {
                    self.work = None;
                    self.refusal = done.err();
                }
                Poll::Pending => match self.outlet.take() {
                    Some(out) => {
                        self.quiet = None;
                        return Poll::Ready(Some(out));
                    }
                    None => return self.poll_quiet(cx),
                },
            }
        }
    }
}

impl Frames {
    /// Says that the stream is alive, once it has begun, so that nobody on the way gives it up.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if !self.outlet.has_begun() {
            return Poll::Pending;
        }
        let quiet = self.quiet.get_or_insert_with(|| Box::pin(tokio::time::sleep(QUIET)));
        if quiet.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.quiet = None;
        let mut comment = BytesMut::new();
        encode_comment(&mut comment, "working");
        Poll::Ready(Some(comment.freeze()))
    }
}

/// How long nothing may be said.
const QUIET: Duration = Duration::from_secs(15);
