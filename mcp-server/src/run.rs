//! Running a handler within its bounds: a place, a time, and no panic that gets out (F84).
//!
//! The surprising thing: waiting for a free place counts against the handler's time. A server that is too busy says so
//! rather than keeping everybody waiting.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use mcp_transport::Limits;
use tokio::sync::Semaphore;

use crate::context::Cx;

/// Told about a panic: the handler, and the message of the panic.
pub(crate) type PanicHook = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// The bounds that all handlers of a server share.
pub(crate) struct Bounds {
    places: Semaphore,
    time: Duration,
    hook: Option<PanicHook>,
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
            Self::Busy(time) => write!(f, "was not started, because the server was too busy for {time:?}; try again later"),
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
    pub(crate) async fn run<T>(
        &self,
        cx: &Cx,
        what: fmt::Arguments<'_>,
        handler: impl Future<Output = T>,
    ) -> Result<T, Stopped> {
        // Dropped with this future, so the call ends for its clones however it ends.
        let _ending = cx.ending();
        let mut started = false;
        let work = async {
            // The semaphore is never closed, so there is always a place to wait for.
            let _place = self.places.acquire().await;
            started = true;
            AssertUnwindSafe(handler).catch_unwind().await
        };
        match tokio::time::timeout(self.time, work).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(panic)) => {
                self.report(what, &*panic);
                Err(Stopped::Panicked)
            }
            Err(_) if started => Err(Stopped::TimedOut(self.time)),
            Err(_) => Err(Stopped::Busy(self.time)),
        }
    }

    fn report(&self, what: fmt::Arguments<'_>, panic: &(dyn Any + Send)) {
        let Some(hook) = &self.hook else { return };
        let message = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a value that is not a text");
        // A hook that panics too must not take the answer with it.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| hook(&what.to_string(), message)));
    }
}

impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounds").field("free", &self.places.available_permits()).field("time", &self.time).finish()
    }
}
