//! The standard error of a child: read for as long as it writes, so that it never blocks, and the end of it kept
//! (F23, F24).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// The last bytes of a stream.
#[derive(Debug)]
pub(super) struct Ring {
    max_bytes: usize,
    bytes: Mutex<VecDeque<u8>>,
    /// Becomes true at the end of the stream.
    ended: watch::Sender<bool>,
}

impl Ring {
    /// Reads a stream to its end, in a task.
    pub(super) fn drain(
        mut stream: impl AsyncRead + Send + Unpin + 'static,
        max_bytes: usize,
    ) -> (Arc<Self>, AbortHandle) {
        let ring = Arc::new(Self::new(max_bytes));
        let filled = Arc::clone(&ring);
        let task = tokio::spawn(async move {
            let mut chunk = vec![0; CHUNK_BYTES];
            while let Ok(read @ 1..) = stream.read(&mut chunk).await {
                filled.push(chunk.get(..read).unwrap_or_default());
            }
            filled.ended.send_replace(true);
        });
        (ring, task.abort_handle())
    }

    fn new(max_bytes: usize) -> Self {
        Self { max_bytes, bytes: Mutex::default(), ended: watch::Sender::new(false) }
    }

    /// Waits for the end of the stream.
    pub(super) async fn ended(&self) {
        // It fails when the sender is gone, which is ourselves.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Returns the last lines, readable and short.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let mut bytes = self.lock();
        let text = String::from_utf8_lossy(bytes.make_contiguous());
        let mut lines: Vec<_> = text.lines().rev().map(shown).filter(|line| !line.is_empty()).take(LINES).collect();
        lines.reverse();
        lines
    }

    fn push(&self, chunk: &[u8]) {
        let mut bytes = self.lock();
        let kept = chunk.get(chunk.len().saturating_sub(self.max_bytes)..).unwrap_or_default();
        let excess = (bytes.len() + kept.len()).saturating_sub(self.max_bytes);
        let excess = excess.min(bytes.len());
        bytes.drain(..excess);
        bytes.extend(kept);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the line without what would move the cursor of a terminal, and not all of it when it is long.
fn shown(line: &str) -> String {
    line.trim_end().chars().filter(|char| *char == '\t' || !char.is_control()).take(LINE_CHARS).collect()
}

/// How many lines are shown.
const LINES: usize = 20;
/// How many characters of a line are shown.
const LINE_CHARS: usize = 500;
/// How much is read at once.
const CHUNK_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_the_beginning_is_not() {
        let ring = Ring::new(8);
        ring.push(b"one\n");
        ring.push(b"two\n");
        ring.push(b"three\n");
        assert_eq!(ring.last_lines(), ["o", "three"]);
        ring.push(b"a chunk above the limit\n");
        assert_eq!(ring.last_lines(), ["e limit"]);
        assert_eq!(ring.lock().len(), 8);
    }

    #[test]
    fn what_is_shown_is_readable_and_short() {
        let ring = Ring::new(64 * 1024);
        ring.push(b"\x1b[31mred\xff\x07\r\n\n");
        ring.push("x".repeat(10_000).as_bytes());
        let lines = ring.last_lines();
        assert_eq!(lines[0], "[31mred\u{fffd}");
        assert_eq!(lines[1].len(), LINE_CHARS);
    }

    #[test]
    fn no_more_than_twenty_lines_are_shown() {
        let ring = Ring::new(64 * 1024);
        (0..100).for_each(|n| ring.push(format!("{n}\n").as_bytes()));
        let lines = ring.last_lines();
        assert_eq!((lines.len(), &*lines[0], &*lines[19]), (20, "80", "99"));
    }

    #[tokio::test]
    async fn a_stream_is_read_to_its_end_whatever_is_in_it() {
        let flood = vec![0xff; 1 << 20];
        let (ring, _) = Ring::drain(std::io::Cursor::new(flood), 1024);
        ring.ended().await;
        assert_eq!(ring.lock().len(), 1024);
    }
}
