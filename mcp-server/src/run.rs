//! Running a handler within its bounds: a place, a time, and no panic that gets out (F84).
//!
//! The surprising thing: waiting for a free place counts against the handler's time. A server that is too busy says so
//! rather than keeping everybody waiting.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, CatchUnwind, poll_fn};
use mcp_transport::Limits;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::context::Cx;

/// Told about a panic: the handler, and the message of the panic.
pub(crate) type PanicHook = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// The bounds that all handlers of a server share.
pub(crate) struct Bounds {
    places: Semaphore,
    time: Duration,
    hook: Option<PanicHook>,
}

/// The future of a handler that panics only in its output.
pub(crate) type Caught<T> = CatchUnwind<AssertUnwindSafe<BoxFuture<'static, T>>>;

/// Makes a handler panic only in its output.
pub(crate) fn caught<T>(handler: BoxFuture<'static, T>) -> Caught<T> {
    AssertUnwindSafe(handler).catch_unwind()
}

/// How the run of a handler ended.
pub(crate) enum Ended<T> {
    /// It met a question that only another round can answer; it was dropped.
    Asks,
    /// It wants to go on as a task.
    Detaches(Caught<T>),
    /// It returned.
    Returned(T),
}

/// What came of polling a handler once.
pub(crate) enum Begun<'a, T> {
    Over(Result<Ended<T>, Stopped>),
    /// It has to wait: for a place, or, in its place, for something of its own.
    Waits(Option<SemaphorePermit<'a>>),
}

/// Polls a handler once, and looks whether it can go on.
fn poll_run<T>(
    cx: &Cx,
    handler: &mut Option<Caught<T>>,
    task: &mut Context<'_>,
) -> Poll<Result<Ended<T>, Box<dyn Any + Send>>> {
    let Some(run) = handler else { return Poll::Pending };
    if let Poll::Ready(output) = run.poll_unpin(task) {
        return Poll::Ready(output.map(Ended::Returned));
    }
    let asking = cx.asking();
    // Before it is looked whether there is a question, so that one from elsewhere is not missed.
    asking.watch(task);
    if asking.is_suspended() {
        // Before the round is sealed, so that what it remembers when it is dropped is in it.
        *handler = None;
        return Poll::Ready(Ok(Ended::Asks));
    }
    match handler.take_if(|_| asking.wants_task()) {
        Some(run) => Poll::Ready(Ok(Ended::Detaches(run))),
        None => Poll::Pending,
    }
}

/// What is run: its kind and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    pub(crate) kind: &'static str,
    pub(crate) name: &'a str,
}

/// Why a handler gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// No place became free in time.
    Busy(Duration),
    /// It panicked.
    Panicked,
    /// It took too long and was dropped.
    TimedOut(Duration),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(time) => {
                write!(f, "was not started, because the server was too busy for {time:?}; try again later")
            }
            // What the panic said is for the log of the server and not for the peer.
            Self::Panicked => f.write_str("failed unexpectedly"),
            Self::TimedOut(time) => write!(f, "did not finish within {time:?} and was stopped"),
        }
    }
}

impl Bounds {
    pub(crate) fn new(limits: &Limits, hook: Option<PanicHook>) -> Self {
        let places = limits.handlers.min(Semaphore::MAX_PERMITS);
        Self { places: Semaphore::new(places), time: limits.handler_timeout, hook }
    }

    /// Runs the future of a handler; `what` names the handler for the panic hook.
    pub(crate) async fn run<T>(&self, cx: &Cx, what: Named<'_>, handler: Caught<T>) -> Result<Ended<T>, Stopped> {
        let mut handler = Some(handler);
        match poll_fn(|task| Poll::Ready(self.begin(cx, what, &mut handler, task))).await {
            Begun::Over(over) => over,
            Begun::Waits(place) => Box::pin(self.wait(cx, what, handler, place)).await,
        }
    }

    /// Polls a handler once, if there is a place for it. Most are done then, so only one that has to
    /// [wait](Self::wait) gets a timer.
    pub(crate) fn begin<T>(
        &self,
        cx: &Cx,
        what: Named<'_>,
        handler: &mut Option<Caught<T>>,
        task: &mut Context<'_>,
    ) -> Begun<'_, T> {
        let Ok(place) = self.places.try_acquire() else { return Begun::Waits(None) };
        match poll_run(cx, handler, task) {
            Poll::Ready(ended) => Begun::Over(self.ended(what, ended)),
            Poll::Pending => Begun::Waits(Some(place)),
        }
    }

    /// Runs a handler that has to wait: for a place, or, when it has one, for what it met when it was polled just now.
    pub(crate) async fn wait<T>(
        &self,
        cx: &Cx,
        what: Named<'_>,
        mut handler: Option<Caught<T>>,
        place: Option<SemaphorePermit<'_>>,
    ) -> Result<Ended<T>, Stopped> {
        let begun = Instant::now();
        let started = AtomicBool::new(place.is_some());
        let mut was_polled = place.is_some();
        let work = async {
            let _place = match place {
                Some(place) => place,
                None => self.place().await?,
            };
            started.store(true, Ordering::Relaxed);
            let ended = poll_fn(|task| match std::mem::take(&mut was_polled) {
                true => Poll::Pending,
                false => poll_run(cx, &mut handler, task),
            });
            self.ended(what, ended.await)
        };
        let mut work = pin!(work);
        let mut limit = pin!(sleep_until(begun + self.time));
        let ran = poll_fn(|task| {
            if let Poll::Ready(ran) = work.as_mut().poll(task) {
                return Poll::Ready(Some(ran));
            }
            while limit.as_mut().poll(task).is_ready() {
                // What the client takes to answer is not the handler's time.
                let end = begun + self.time + cx.asking().paused();
                if end <= Instant::now() {
                    return Poll::Ready(None);
                }
                limit.as_mut().reset(end);
            }
            Poll::Pending
        })
        .await;
        match ran {
            Some(ran) => ran,
            None if started.load(Ordering::Relaxed) => Err(Stopped::TimedOut(self.time)),
            None => Err(Stopped::Busy(self.time)),
        }
    }

    fn ended<T>(&self, what: Named<'_>, ended: Result<Ended<T>, Box<dyn Any + Send>>) -> Result<Ended<T>, Stopped> {
        ended.map_err(|panic| {
            self.report(what, &*panic);
            Stopped::Panicked
        })
    }

    /// Waits for a free place; it is no use any more when it becomes free at the deadline.
    async fn place(&self) -> Result<SemaphorePermit<'_>, Stopped> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let asked = Instant::now();
        let place = self.places.acquire().await.map_err(|_| Stopped::Busy(self.time))?;
        if asked.elapsed() >= self.time { Err(Stopped::Busy(self.time)) } else { Ok(place) }
    }

    pub(crate) fn report(&self, what: Named<'_>, panic: &(dyn Any + Send)) {
        let Some(hook) = &self.hook else { return };
        let message = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a value that is not a text");
        // A hook that panics too must not take the answer with it.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| hook(&format!("{} `{}`", what.kind, what.name), message)));
    }
}

impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounds").field("free", &self.places.available_permits()).field("time", &self.time).finish()
    }
}
