//! The connection under HTTP: it is closed when it is idle, or slow in its head or in taking an answer (F25, F26).
//!
//! HTTP knows where a head ends and an answer is out, the socket knows when bytes move; they meet in [`Activity`].
//! The surprising thing: the timer is set late and checked on waking, so that a busy connection never touches it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::limits::Limits;

/// A socket with the deadlines of a connection.
pub(super) struct Socket<T> {
    inner: T,
    activity: Arc<Activity>,
    /// The state that a deadline was set for, and the deadline.
    set: Option<(u32, Instant)>,
    /// Since when the peer takes no bytes.
    stalled: Option<Instant>,
    sleep: Pin<Box<Sleep>>,
    head_timeout: Duration,
    idle_timeout: Duration,
}

/// What a connection is doing, as seen by those who answer its requests.
///
/// The two lowest bits are the phase; the rest counts requests, so that two idle times are not taken for one.
#[derive(Debug)]
pub(super) struct Activity(AtomicU32);

/// Marks a connection as busy with a request until it is dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU32::new(HEAD)))
    }

    /// Notes that a head is complete.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        let next = self.state().wrapping_add(PHASES) & !PHASE;
        self.0.store(next | BUSY, Ordering::Release);
        Busy(Arc::clone(self))
    }

    /// Returns whether the next request has not come in wholly.
    pub(super) fn is_reading_head(&self) -> bool {
        self.is(HEAD)
    }

    fn enter(&self, phase: u32) {
        self.0.store((self.state() & !PHASE) | phase, Ordering::Release);
    }

    fn state(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    fn is(&self, phase: u32) -> bool {
        self.state() & PHASE == phase
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.enter(IDLE);
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    pub(super) fn new(inner: T, activity: Arc<Activity>, limits: &Limits) -> Self {
        Self {
            inner,
            activity,
            set: None,
            stalled: None,
            sleep: Box::pin(sleep_until(Instant::now() + limits.head_timeout)),
            head_timeout: limits.head_timeout,
            idle_timeout: limits.idle_timeout,
        }
    }

    /// Closes so that an answer which was sent while the peer was still sending reaches it: a socket closed with
    /// unread bytes makes the kernel take back what was not delivered yet.
    pub(super) async fn linger(mut self) {
        let drained = async {
            self.inner.shutdown().await?;
            let mut waste = vec![0; 16 * 1024];
            while self.inner.read(&mut waste).await? > 0 {}
            io::Result::Ok(())
        };
        // What does not come to its end in time is cut off.
        let _ = timeout(LINGER, drained).await;
    }

    /// Fails when the deadline of the phase passed; else sees to it that the task wakes at the deadline.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let state = self.activity.state();
        let deadline = match (self.stalled, self.set) {
            (Some(since), _) => since + self.idle_timeout,
            _ if state & PHASE == BUSY => return Ok(()),
            (None, Some((set, deadline))) if set == state => deadline,
            _ => {
                let wait = if state & PHASE == HEAD { self.head_timeout } else { self.idle_timeout };
                let deadline = Instant::now() + wait;
                self.set = Some((state, deadline));
                deadline
            }
        };
        while self.sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.sleep.as_mut().reset(deadline);
        }
        // An earlier wake-up does no harm, a later one would be too late.
        if self.sleep.deadline() > deadline {
            self.sleep.as_mut().reset(deadline);
            let _ = self.sleep.as_mut().poll(cx);
        }
        Ok(())
    }

    fn note_write<R>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        match written {
            Poll::Ready(_) => self.stalled = None,
            Poll::Pending => {
                self.stalled.get_or_insert_with(Instant::now);
                self.poll_deadline(cx)?;
            }
        }
        written
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(cx, buf) {
            if this.activity.is(IDLE) {
                this.activity.enter(HEAD);
            }
            return Poll::Ready(read);
        }
        this.poll_deadline(cx)?;
        Poll::Pending
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.note_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.note_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        // The last flush of an answer is where the wait for the next head begins; nothing reads before it.
        if self.activity.is(IDLE) {
            self.poll_deadline(cx)?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A head is being read.
const HEAD: u32 = 0;
/// A request is being answered.
const BUSY: u32 = 1;
/// The last answer is out and the next head has not begun.
const IDLE: u32 = 2;
/// The bits of the phase.
const PHASE: u32 = 3;
/// The number of phases that fit into them.
const PHASES: u32 = 4;

/// How long a refused peer may go on sending before it is cut off.
const LINGER: Duration = Duration::from_secs(3);
