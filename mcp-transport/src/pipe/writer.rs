//! The way out of a byte stream: takes what a [`Peer`] has ready and writes it piece by piece.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::AsyncWrite;

use crate::peer::Peer;

/// A writer with what it is in the middle of.
pub(super) struct Writer {
    stream: Box<dyn AsyncWrite + Send + Unpin>,
    writing: Bytes,
    /// Whether something was written since the last flush.
    dirty: bool,
}

impl Writer {
    pub(super) fn new(stream: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { stream: Box::new(stream), writing: Bytes::new(), dirty: false }
    }

    /// Writes and flushes all that `peer` has to say; ready when there is nothing left.
    pub(super) fn poll_drain(&mut self, peer: &mut Peer, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.writing.is_empty() {
                match peer.poll_transmit() {
                    Some(lines) => self.writing = lines,
                    None => break,
                }
            }
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.writing))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.writing.advance(written);
            self.dirty = true;
        }
        // Else an empty piece would keep the memory of the large one it is the end of.
        self.writing = Bytes::new();
        if self.dirty {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Tells the other side that nothing follows.
    #[cfg(feature = "mux")]
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// Returns how many bytes taken from the peer are not written.
    pub(super) fn unwritten(&self) -> usize {
        self.writing.len()
    }

    /// Returns whether there is nothing left to do for it.
    pub(super) fn is_idle(&self) -> bool {
        self.writing.is_empty() && !self.dirty
    }
}
