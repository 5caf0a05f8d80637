//! Newline framing: cuts a byte stream into messages (specification: transports, stdio; S-1, S-8, S-10).
//!
//! It serves every byte stream: standard streams, sockets, in-memory pipes. The surprising thing: a
//! line that is too long is reported as soon as it is known to be, not when it ends, and its first
//! bytes come with the report, because the request in it may still be answered by its id.

use bytes::{BufMut, Bytes};

use crate::limits::Limits;
use crate::read_buffer::ReadBuffer;

/// Cuts a byte stream into lines, with bounded memory.
///
/// Bytes go in by [`space`](Self::space) or [`extend`](Self::extend); lines come out by
/// [`next_line`](Self::next_line), until it returns `None`. A line ends in `\n` or `\r\n`. Lines of
/// nothing but white space are skipped. The bytes of a line are not checked: that they are UTF-8, and
/// JSON, is the parser's to find out. Every byte is looked at once, however the input is split.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use mcp_transport::limits::Limits;
/// use mcp_transport::line::{LineDecoder, LineEvent};
///
/// let mut lines = LineDecoder::new(&Limits::default());
/// lines.extend(b"{\"jsonrpc\":\"2.0\"}\r\n{\"json");
/// assert_eq!(lines.next_line(), Some(LineEvent::Line(Bytes::from("{\"jsonrpc\":\"2.0\"}"))));
/// assert_eq!(lines.next_line(), None);
/// ```
#[derive(Debug)]
pub struct LineDecoder {
    buffer: ReadBuffer,
    max_bytes: usize,
    /// True after a line was reported as too long, until its end has gone by.
    discarding: bool,
}

/// What a [`LineDecoder`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineEvent {
    /// A line, without its end; never empty.
    Line(Bytes),
    /// A line of more than [`Limits::line_bytes`]; its rest is dropped, and decoding goes on after it.
    TooLong {
        /// The first bytes of the line, at most [`HEAD_BYTES`]: perhaps enough to read an id from.
        head: Bytes,
        /// The limit, in bytes.
        limit: usize,
    },
}

impl LineDecoder {
    /// Makes a decoder that takes lines of up to [`Limits::line_bytes`].
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { buffer: ReadBuffer::default(), max_bytes: limits.line_bytes, discarding: false }
    }

    /// Keeps the memory of a large line until a small one comes.
    #[cfg(feature = "pipe")]
    pub(crate) fn keeping(self) -> Self {
        Self { buffer: self.buffer.keeping(), ..self }
    }

    /// Returns where to read the next bytes to; always has room.
    pub fn space(&mut self) -> impl BufMut + '_ {
        self.buffer.space()
    }

    /// Takes in bytes that were read elsewhere.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
    }

    /// Returns the next line, or `None` when more input is needed.
    ///
    /// Drain it after every read: undrained input is kept without a bound.
    #[must_use]
    pub fn next_line(&mut self) -> Option<LineEvent> {
        loop {
            let end = self.buffer.find(find_newline);
            match (end, self.discarding) {
                (Some(end), true) => {
                    self.buffer.skip(end + 1);
                    self.discarding = false;
                }
                (None, true) => {
                    self.buffer.clear();
                    return None;
                }
                (Some(end), false) => {
                    let event = self.take_line(end, end + 1);
                    if event.is_some() {
                        return event;
                    }
                }
                (None, false) => return self.give_up_long_line(),
            }
        }
    }

    /// Returns what is left at the end of the input, then `None`: a last line may lack its end.
    #[must_use]
    pub fn finish(&mut self) -> Option<LineEvent> {
        let event = self.next_line().or_else(|| {
            let rest = self.buffer.bytes().len();
            self.take_line(rest, rest)
        });
        if event.is_none() {
            self.discarding = false;
        }
        event
    }

    /// Takes the line of `length` bytes at the front, and its `\n` when it is longer with it.
    fn take_line(&mut self, length: usize, with_end: usize) -> Option<LineEvent> {
        let line = self.buffer.bytes().get(..length).unwrap_or_default();
        let content = line.strip_suffix(b"\r").unwrap_or(line).len();
        if content > self.max_bytes {
            let event = self.too_long();
            self.buffer.skip(with_end);
            return Some(event);
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            self.buffer.skip(with_end);
            return None;
        }
        let mut line = self.buffer.take(with_end);
        line.truncate(content);
        Some(LineEvent::Line(line))
    }

    /// Reports the unfinished line at the front if it cannot become short enough.
    fn give_up_long_line(&mut self) -> Option<LineEvent> {
        let line = self.buffer.bytes();
        // A `\r` at the very end may turn out to be half of the line end.
        if line.strip_suffix(b"\r").unwrap_or(line).len() <= self.max_bytes {
            return None;
        }
        let event = self.too_long();
        self.buffer.clear();
        self.discarding = true;
        Some(event)
    }

    fn too_long(&self) -> LineEvent {
        // Not more than the limit, so that the head does not depend on how the input was split.
        let head = self.buffer.bytes().get(..HEAD_BYTES.min(self.max_bytes)).unwrap_or_default();
        // A copy, so that the head does not keep the whole line in memory.
        LineEvent::TooLong { head: Bytes::copy_from_slice(head), limit: self.max_bytes }
    }
}

/// How much of a line that is too long is handed out.
pub const HEAD_BYTES: usize = 4 * 1024;

fn find_newline(bytes: &[u8]) -> Option<usize> {
    find_end(bytes, |byte| *byte == b'\n')
}

/// Returns where the first byte is that ends a line.
pub(crate) fn find_end(bytes: &[u8], is_end: impl Fn(&u8) -> bool) -> Option<usize> {
    let mut start = 0;
    // Blocks without an early exit, so that the compiler compares many bytes at once.
    for block in bytes.chunks(64) {
        if block.iter().fold(false, |seen, byte| seen | is_end(byte)) {
            return block.iter().position(&is_end).map(|offset| start + offset);
        }
        start += block.len();
    }
    None
}

#[cfg(test)]
mod tests;
