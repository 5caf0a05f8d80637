//! One call: polled in place once, and a task from then on if it has to wait.
//!
//! The surprising thing: dropping the stream of a waiting call stops its task and closes its queue, so that cancelling
//! is nothing but dropping.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::Stream;
use mcp_types::{Request, RequestId, RpcError};
#[cfg(feature = "mux")]
use tokio::task::AbortHandle;
use tokio::task::JoinHandle;

use crate::limits::Limits;
use crate::outbox::{Batch, Notifier, Outbox, outbox};
use crate::service::{Answer, Call, Caller, Service};

/// What became of a call when it was started.
pub(crate) enum Started {
    /// It is answered, after what it had to say before.
    Ready(Option<Batch>, Answer),
    /// It has to wait.
    Waiting(Saying),
}

/// What a waiting call says.
pub(crate) enum Output {
    Notifications(Batch),
    /// The last one.
    Answer(Answer),
}

/// What a waiting call says, in order: the notifications, then the answer.
pub(crate) struct Saying {
    id: RequestId,
    outbox: Outbox,
    task: JoinHandle<Answer>,
    /// The answer, while notifications that came before it are still in the queue.
    answer: Option<Answer>,
    over: bool,
}

/// Starts calls, and keeps what one that was answered at once needed for the next one.
pub(crate) struct Starter {
    limits: Limits,
    idle: Option<(Notifier, Outbox)>,
    poll: Poller,
}

/// Polls a call once, or not yet.
type Poller = Box<dyn FnMut(Call, First) -> Polled + Send>;

/// Where a call is polled first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// Where it is started.
    Here,
    /// In its task, which has a stack of its own.
    #[cfg(feature = "mux")]
    InTask,
}

/// What came of polling a call once.
enum Polled {
    Ready(Answer),
    Pending(BoxFuture<'static, Answer>),
}

impl Starter {
    pub(crate) fn new<S: Service>(service: Arc<S>, limits: &Limits) -> Self {
        Self { limits: limits.clone(), idle: None, poll: Box::new(poller(service)) }
    }

    /// Starts a call.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime when the call has to wait.
    pub(crate) fn start(&mut self, request: Request, caller: Caller, first: First) -> Started {
        let id = request.id.clone();
        let (notifier, outbox) = self.idle.take().unwrap_or_else(|| outbox(&self.limits));
        match (self.poll)(Call::new(request, caller, notifier), first) {
            Polled::Ready(answer) => {
                // A queue that the call still has an end of is closed by this.
                let (said, idle) = outbox.finish();
                self.idle = idle;
                Started::Ready(said, answer)
            }
            Polled::Pending(work) => {
                Started::Waiting(Saying { id, outbox, task: tokio::spawn(work), answer: None, over: false })
            }
        }
    }
}

/// Returns what polls each call once, in a place that is used again unless a call has to wait, and then keeps it.
///
/// It is a closure because the type of that place has no name.
fn poller<S: Service>(service: Arc<S>) -> impl FnMut(Call, First) -> Polled + Send {
    let mut free = None;
    move |call, first| {
        let mut place = free.take().unwrap_or_else(|| Box::pin(None));
        place.set(Some(guarded(Arc::clone(&service), call)));
        // Nobody needs to be woken: if it has to wait it is polled again, by its task.
        let mut cx = Context::from_waker(Waker::noop());
        let polled = if first == First::Here { poll_in(&mut place, &mut cx) } else { Poll::Pending };
        match polled {
            Poll::Ready(answer) => {
                place.set(None);
                free = Some(place);
                Polled::Ready(answer)
            }
            Poll::Pending => Polled::Pending(poll_fn(move |cx| poll_in(&mut place, cx)).boxed()),
        }
    }
}

fn poll_in<F: Future>(place: &mut Pin<Box<Option<F>>>, cx: &mut Context<'_>) -> Poll<F::Output> {
    place.as_mut().as_pin_mut().map_or(Poll::Pending, |work| work.poll(cx))
}

/// Turns a panic into an answer (invariant 5).
async fn guarded<S: Service>(service: Arc<S>, call: Call) -> Answer {
    let method = call.request.method.clone();
    let work = AssertUnwindSafe(async { service.call(call).await }).catch_unwind();
    match work.await {
        Ok(answer) => answer,
        // What it said is on stderr and may be nobody else's business.
        Err(_) => Err(RpcError::internal(format!("`{method}` failed: its handler panicked"))),
    }
}

#[cfg(feature = "mux")]
impl Saying {
    /// Returns what stops the call without its stream.
    pub(crate) fn abort_handle(&self) -> AbortHandle {
        self.task.abort_handle()
    }
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
pub(crate) const WORTH_WRITING: usize = 64 * 1024;
