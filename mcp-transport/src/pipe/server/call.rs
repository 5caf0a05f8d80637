//! One call: polled in place once, and a task from then on if it has to wait.
//!
//! The surprising thing: dropping the stream of a waiting call stops its task and closes its queue, so that cancelling
//! is nothing but dropping.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{AbortHandle, Abortable, Stream};
use mcp_types::{Request, RequestId, RpcError};
use tokio::task::JoinHandle;

use crate::limits::Limits;
use crate::outbox::{Batch, Outbox, outbox};
use crate::service::{Answer, Call, Caller, Service};

/// What became of a call when it was started.
pub(super) enum Started {
    /// It is answered; what it had to say before is in the queue.
    Ready(Outbox, Answer),
    /// It has to wait; the handle stops it, and nothing comes from it afterwards.
    Waiting(Waiting, AbortHandle),
}

/// What a waiting call says.
pub(super) enum Output {
    Notifications(Batch),
    /// The last one.
    Answer(Answer),
}

/// What a waiting call says, in order: the notifications, then the answer.
pub(super) type Waiting = Abortable<Saying>;

pub(super) struct Saying {
    id: RequestId,
    outbox: Outbox,
    task: JoinHandle<Answer>,
    /// The answer, while notifications that came before it are still in the queue.
    answer: Option<Answer>,
    over: bool,
}

pub(super) fn start<S: Service>(service: &Arc<S>, request: Request, caller: Caller, limits: &Limits) -> Started {
    let id = request.id.clone();
    let (notifier, outbox) = outbox(limits);
    let mut work = guarded(Arc::clone(service), Call::new(request, caller, notifier));
    // Nobody needs to be woken: if it has to wait it is polled again, by its task.
    match work.poll_unpin(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Started::Ready(outbox, answer),
        Poll::Pending => {
            let saying = Saying { id, outbox, task: tokio::spawn(work), answer: None, over: false };
            let (handle, registration) = AbortHandle::new_pair();
            Started::Waiting(Abortable::new(saying, registration), handle)
        }
    }
}

/// Turns a panic into an answer (invariant 5).
fn guarded<S: Service>(service: Arc<S>, call: Call) -> BoxFuture<'static, Answer> {
    let method = call.request.method.clone();
    let work = async move { service.call(call).await };
    AssertUnwindSafe(work)
        .catch_unwind()
        .map(move |outcome| match outcome {
            Ok(answer) => answer,
            // What it said is on stderr and may be nobody else's business.
            Err(_) => Err(RpcError::internal(format!("`{method}` failed: its handler panicked"))),
        })
        .boxed()
}

impl Stream for Saying {
    type Item = (RequestId, Output);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        if this.answer.is_none() {
            if let Poll::Ready(Some(batch)) = this.outbox.poll_batch(cx, WORTH_WRITING) {
                return Poll::Ready(Some((this.id.clone(), Output::Notifications(batch))));
            }
            let answer = ready!(this.task.poll_unpin(cx));
            this.answer = Some(answer.unwrap_or_else(|_| Err(RpcError::internal("the runtime ended the request"))));
        }
        // Between the two looks above more may have been said.
        if let Some(batch) = this.outbox.try_batch(WORTH_WRITING) {
            return Poll::Ready(Some((this.id.clone(), Output::Notifications(batch))));
        }
        this.over = true;
        Poll::Ready(this.answer.take().map(|answer| (this.id.clone(), Output::Answer(answer))))
    }
}

impl Drop for Saying {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// So much output, in bytes, is written before more is gathered.
pub(super) const WORTH_WRITING: usize = 64 * 1024;
