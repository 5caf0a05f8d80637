//! Bodies: what is answered, and how a request's is read within its limits (F26, T-004).
//!
//! The surprising thing: the guard that says "this connection is busy" travels in the response body, because only its
//! drop tells that the last byte of an answer was handed over.

use std::array::IntoIter;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, timeout_at};

use super::rules::{self, Refusal};
use super::socket::Busy;
use super::written::Written;
use crate::http::whole::Whole;
use crate::limits::Limits;

/// The body of a response.
pub(super) struct ReplyBody {
    content: Content,
    /// Held until the body was written or given up.
    busy: Option<Busy>,
}

enum Content {
    /// What is left of it, in parts that are not empty.
    Whole(IntoIter<Bytes, 3>),
    Events(Box<dyn Frames>),
}

/// What an event stream is written from.
pub(super) trait Frames: Send {
    /// Returns what is ready to be written, as one frame; `None` at the end.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;
}

impl ReplyBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self::written(Written::Whole(bytes))
    }

    pub(super) fn written(message: Written) -> Self {
        let mut parts = message.into_parts().into_iter();
        while parts.as_slice().first().is_some_and(Bytes::is_empty) {
            parts.next();
        }
        Self { content: Content::Whole(parts), busy: None }
    }

    pub(super) fn events(events: impl Frames + 'static) -> Self {
        Self { content: Content::Events(Box::new(events)), busy: None }
    }

    pub(super) fn hold(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.content {
            Content::Whole(parts) => Poll::Ready(parts.next().map(|part| Ok(Frame::data(part)))),
            Content::Events(events) => events.poll_frame(cx).map(|frame| Some(Ok(Frame::data(frame?)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(parts) if parts.as_slice().is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(parts) => SizeHint::with_exact(parts.as_slice().iter().map(|part| part.len() as u64).sum()),
            Content::Events(_) => SizeHint::default(),
        }
    }
}

/// Reads a request body; one that is too large is refused before it is read (413), one that is too slow with 408.
pub(super) async fn read_body<B: Body<Data = Bytes>>(body: B, limits: &Limits) -> Result<Bytes, Refusal> {
    let mut body = pin!(body);
    let limit = limits.body_bytes;
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > limit {
        return Err(Refusal::too_large(limit));
    }
    let mut received = Whole::expecting(expected);
    let mut started = None;
    loop {
        // Usually the body came with the head; neither the clock nor a timer is needed then.
        let frame = match poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx))).await {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let started = *started.get_or_insert_with(Instant::now);
                let deadline = started + rules::body_patience(received.length(), limits);
                // Boxed, or the future of every request would have room for the timer.
                let frame = Box::pin(timeout_at(deadline, poll_fn(|cx| body.as_mut().poll_frame(cx))));
                frame.await.map_err(|_| Refusal::too_slow())?
            }
        };
        let Some(frame) = frame.transpose().map_err(|_| Refusal::invalid(400, "the body broke off"))? else {
            return Ok(received.into_bytes());
        };
        // Trailers mean nothing here.
        if let Ok(data) = frame.into_data() {
            received.push(data, limit).map_err(|_| Refusal::too_large(limit))?;
        }
    }
}
