//! What a call knows of its questions while its handler runs (P-16, P-17, P-24).
//!
//! The surprising thing: a handler that waits for an answer in the modern era waits for ever. Whoever runs it sees that
//! it asked, drops it, and answers the call with the questions; the next round runs it from its start.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::AtomicWaker;
use tokio::time::Instant;

use crate::input::Answers;
use crate::task::Running;

/// The questions of one call.
#[derive(Debug)]
pub(crate) struct Asking {
    /// Boxed and made when they are first asked for, because nearly every call brings none and asks for none.
    answers: OnceLock<Box<Mutex<Answers>>>,
    /// Whether the run met a question that only another round can answer.
    suspended: AtomicBool,
    /// Whether the handler wants to go on as a task.
    detaches: AtomicBool,
    /// The task that the call became.
    task: OnceLock<Arc<Running>>,
    /// Who polls the handler, to be woken by questions from elsewhere.
    runner: AtomicWaker,
    /// Who waits to go on as a task.
    detached: AtomicWaker,
    pauses: Mutex<Pauses>,
}

/// How long a handler waited for the client, which does not count against its time.
#[derive(Debug, Default)]
struct Pauses {
    open: usize,
    since: Option<Instant>,
    total: Duration,
}

impl Asking {
    pub(crate) fn new(answers: Option<Answers>) -> Self {
        let answers = answers.map(|answers| OnceLock::from(Box::new(Mutex::new(answers))));
        Self {
            answers: answers.unwrap_or_default(),
            suspended: AtomicBool::new(false),
            detaches: AtomicBool::new(false),
            task: OnceLock::new(),
            runner: AtomicWaker::new(),
            detached: AtomicWaker::new(),
            pauses: Mutex::default(),
        }
    }

    pub(crate) fn answers(&self) -> MutexGuard<'_, Answers> {
        // Every change of the answers is whole before anything can panic.
        self.answers.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes everything that is known of the questions out.
    pub(crate) fn take(&self) -> Answers {
        std::mem::take(&mut self.answers())
    }

    /// Notes that only another round can go on.
    pub(crate) fn suspend(&self) {
        self.suspended.store(true, Ordering::Release);
        self.runner.wake();
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.suspended.load(Ordering::Acquire)
    }

    /// Returns whether the handler wants to go on as a task, and is none yet.
    pub(crate) fn wants_task(&self) -> bool {
        self.detaches.load(Ordering::Acquire) && self.task.get().is_none()
    }

    /// Notes who polls the handler.
    pub(crate) fn watch(&self, cx: &Context<'_>) {
        self.runner.register(cx.waker());
    }

    /// Returns the task that the call became.
    pub(crate) fn task(&self) -> Option<&Arc<Running>> {
        self.task.get()
    }

    /// Notes that the call became a task.
    pub(crate) fn become_task(&self, task: Arc<Running>) {
        // A call becomes a task once.
        let _ = self.task.set(task);
        self.detached.wake();
    }

    /// Asks to go on as a task, and waits for it.
    pub(crate) async fn detach(&self) {
        self.detaches.store(true, Ordering::Release);
        self.runner.wake();
        poll_fn(|cx| {
            self.detached.register(cx.waker());
            if self.task.get().is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Stops the handler's time until the guard is dropped.
    pub(crate) fn pause(&self) -> Pause<'_> {
        let mut pauses = self.pauses();
        if pauses.open == 0 {
            pauses.since = Some(Instant::now());
        }
        pauses.open += 1;
        Pause { asking: self }
    }

    /// Returns for how long the handler has waited for the client so far.
    pub(crate) fn paused(&self) -> Duration {
        let pauses = self.pauses();
        pauses.total + pauses.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn pauses(&self) -> MutexGuard<'_, Pauses> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The handler waits for the client while this is there.
pub(crate) struct Pause<'a> {
    asking: &'a Asking,
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let mut pauses = self.asking.pauses();
        pauses.open = pauses.open.saturating_sub(1);
        if pauses.open == 0
            && let Some(since) = pauses.since.take()
        {
            pauses.total += since.elapsed();
        }
    }
}
