//! Parses an event stream, with bounded memory (WHATWG HTML, section 9.2.6; H-15, HL-9).
//!
//! CR, LF and CRLF all end a line, also mixed, and the input may be split anywhere. The surprising
//! thing: an event without data, which the standard drops, is reported when it carries an `id` or a
//! `retry`, because a server of revision 2025-11-25 primes a resumable stream with such an event.

use std::fmt;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::find_line_end;
use crate::limits::Limits;
use crate::read_buffer::ReadBuffer;

/// Parses an event stream, as it arrives, into events.
///
/// Bytes go in by [`space`](Self::space) or [`extend`](Self::extend); events come out by
/// [`next_event`](Self::next_event), until it returns `Ok(None)`. Comments and unknown fields are
/// dropped. Every byte is looked at once, however the input is split.
///
/// # Examples
///
/// ```
/// use mcp_transport::limits::Limits;
/// use mcp_transport::sse::SseDecoder;
///
/// let mut events = SseDecoder::new(&Limits::default());
/// events.extend(b": quiet\n\nid: 7\ndata: {}\n\ndata: {");
/// let event = events.next_event()?.expect("one event is complete");
/// assert_eq!(event.id.as_deref(), Some("7"));
/// assert_eq!(event.data, "{}");
/// assert_eq!(events.next_event()?, None);
/// # Ok::<(), mcp_transport::sse::SseError>(())
/// ```
#[derive(Debug)]
pub struct SseDecoder {
    buffer: ReadBuffer,
    max_event_bytes: usize,
    max_id_bytes: usize,
    max_retry: Duration,
    /// Nothing but a part of a byte order mark has come in yet.
    at_start: bool,
    /// The last line ended in CR, so that an LF that follows belongs to its end.
    after_cr: bool,
    /// The line at the front is a comment, of which the beginning may be gone.
    in_comment: bool,
    event: PartialEvent,
    last_event_id: Option<String>,
    retry: Option<Duration>,
    failed: Option<SseError>,
}

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SseEvent {
    /// The `id` that this event sets; an empty one withdraws the id before it.
    pub id: Option<String>,
    /// The `event` name; none, which means `message`, when it is absent or empty.
    pub name: Option<String>,
    /// The `data` lines, joined by `\n`; empty for an event that only primes the stream.
    pub data: Bytes,
    /// The `retry` that this event sets, cut to [`Limits::retry_max`].
    pub retry: Option<Duration>,
}

/// Why an event stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SseError {
    /// An event has more bytes than [`Limits::sse_event_bytes`].
    EventTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// An `id` has more bytes than [`Limits::sse_id_bytes`].
    IdTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl SseDecoder {
    /// Makes a decoder for the start of a stream, bounded by `sse_event_bytes`, `sse_id_bytes` and `retry_max`.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            buffer: ReadBuffer::default(),
            max_event_bytes: limits.sse_event_bytes,
            max_id_bytes: limits.sse_id_bytes,
            max_retry: limits.retry_max,
            at_start: true,
            after_cr: false,
            in_comment: false,
            event: PartialEvent::default(),
            last_event_id: None,
            retry: None,
            failed: None,
        }
    }

    /// Returns where to read the next bytes to; always has room.
    pub fn space(&mut self) -> impl BufMut + '_ {
        self.buffer.space()
    }

    /// Takes in bytes that were read elsewhere.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
    }

    /// Returns the next event, or `None` when more input is needed.
    ///
    /// Drain it after every read: undrained input is kept without a bound.
    ///
    /// # Errors
    ///
    /// Fails when an event or its id exceeds its limit, and then always with the same error.
    pub fn next_event(&mut self) -> Result<Option<SseEvent>, SseError> {
        if let Some(error) = self.failed {
            self.buffer.clear();
            return Err(error);
        }
        let result = self.read_lines();
        if let Err(error) = result {
            self.failed = Some(error);
            self.event = PartialEvent::default();
            self.buffer.clear();
        }
        result
    }

    /// Returns the id to resume the stream with: that of the last complete event which set one.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// Returns the wait before reconnecting that the server asked for last, cut to [`Limits::retry_max`].
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Says whether a part of an event is waiting for its end; at the end of a stream that part is lost.
    #[must_use]
    pub fn is_mid_event(&self) -> bool {
        !self.in_comment && (!self.buffer.is_empty() || self.event.size > 0)
    }

    fn read_lines(&mut self) -> Result<Option<SseEvent>, SseError> {
        if !self.skip_byte_order_mark() {
            return Ok(None);
        }
        loop {
            self.skip_second_half_of_line_end();
            if self.buffer.bytes().first() == Some(&b':') {
                self.in_comment = true;
            }
            let Some(end) = self.buffer.find(find_line_end) else {
                return self.keep_unfinished_line().map(|()| None);
            };
            self.after_cr = self.buffer.bytes().get(end) == Some(&b'\r');
            if std::mem::take(&mut self.in_comment) {
                self.buffer.skip(end + 1);
                continue;
            }
            if end > 0 {
                self.event.grow(end, self.max_event_bytes)?;
                let line = self.buffer.take(end);
                self.buffer.skip(1);
                self.read_field(&line)?;
                continue;
            }
            self.buffer.skip(1);
            if let Some(event) = self.dispatch() {
                return Ok(Some(event));
            }
        }
    }

    /// Returns false while it is not known whether the stream starts with one.
    fn skip_byte_order_mark(&mut self) -> bool {
        let start = self.buffer.bytes();
        if !self.at_start || (start.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(start)) {
            return !self.at_start;
        }
        self.at_start = false;
        if start.starts_with(BYTE_ORDER_MARK) {
            self.buffer.skip(BYTE_ORDER_MARK.len());
        }
        true
    }

    fn skip_second_half_of_line_end(&mut self) {
        let Some(first) = self.buffer.bytes().first() else {
            return;
        };
        if *first == b'\n' && self.after_cr {
            self.buffer.skip(1);
        }
        self.after_cr = false;
    }

    fn keep_unfinished_line(&mut self) -> Result<(), SseError> {
        if self.in_comment {
            self.buffer.clear();
            return Ok(());
        }
        self.event.fits(self.buffer.bytes().len(), self.max_event_bytes)
    }

    fn read_field(&mut self, line: &Bytes) -> Result<(), SseError> {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, rest) = line.split_at(colon);
        let value = rest.strip_prefix(b":").unwrap_or(rest);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.event.data.push(line.slice(line.len() - value.len()..)),
            b"event" => self.event.name = Some(text(value)),
            b"id" if value.len() > self.max_id_bytes => {
                return Err(SseError::IdTooLong { limit: self.max_id_bytes });
            }
            b"id" if !value.contains(&0) => self.event.id = Some(text(value)),
            b"retry" => {
                if let Some(retry) = milliseconds(value) {
                    let retry = retry.min(self.max_retry);
                    self.retry = Some(retry);
                    self.event.retry = Some(retry);
                }
            }
            // An `id` with NUL and any unknown field are ignored, as the standard says.
            _ => {}
        }
        Ok(())
    }

    /// Ends the event at a blank line; none if there was nothing in it.
    fn dispatch(&mut self) -> Option<SseEvent> {
        let event = std::mem::take(&mut self.event);
        if let Some(id) = &event.id {
            self.last_event_id = Some(id.clone()).filter(|id| !id.is_empty());
        }
        if event.id.is_none() && event.retry.is_none() && matches!(event.data, Payload::None) {
            return None;
        }
        Some(SseEvent {
            id: event.id,
            name: event.name.filter(|name| !name.is_empty()),
            data: event.data.into_bytes(),
            retry: event.retry,
        })
    }
}

impl SseEvent {
    /// Says whether the event carries no message and only primes the stream with its `id` or `retry` (HL-9).
    #[must_use]
    pub fn is_priming(&self) -> bool {
        self.data.is_empty()
    }
}

impl fmt::Display for SseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EventTooLong { limit } => {
                write!(
                    f,
                    "server-sent event of more than {limit} bytes; raise `sse_event_bytes` if the server is right"
                )
            }
            Self::IdTooLong { limit } => {
                write!(
                    f,
                    "server-sent event with an id of more than {limit} bytes; raise `sse_id_bytes` if the server is right"
                )
            }
        }
    }
}

impl std::error::Error for SseError {}

/// The fields of the event whose end has not come yet.
#[derive(Debug, Default)]
struct PartialEvent {
    id: Option<String>,
    name: Option<String>,
    data: Payload,
    retry: Option<Duration>,
    /// The bytes of its lines so far, without their ends.
    size: usize,
}

impl PartialEvent {
    fn fits(&self, more: usize, limit: usize) -> Result<(), SseError> {
        if self.size.saturating_add(more) > limit {
            return Err(SseError::EventTooLong { limit });
        }
        Ok(())
    }

    fn grow(&mut self, more: usize, limit: usize) -> Result<(), SseError> {
        self.fits(more, limit)?;
        self.size = self.size.saturating_add(more);
        Ok(())
    }
}

/// The data lines of an event; the usual single one is not copied.
#[derive(Debug, Default)]
enum Payload {
    #[default]
    None,
    Line(Bytes),
    Lines(BytesMut),
}

impl Payload {
    fn push(&mut self, line: Bytes) {
        *self = match std::mem::take(self) {
            Self::None => Self::Line(line),
            Self::Line(first) => {
                let mut lines = BytesMut::with_capacity(first.len() + 1 + line.len());
                lines.extend_from_slice(&first);
                Self::Lines(joined(lines, &line))
            }
            Self::Lines(lines) => Self::Lines(joined(lines, &line)),
        };
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::Line(line) => line,
            Self::Lines(lines) => lines.freeze(),
        }
    }
}

fn joined(mut lines: BytesMut, line: &[u8]) -> BytesMut {
    lines.put_u8(b'\n');
    lines.extend_from_slice(line);
    lines
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// Reads decimal digits; none if there is anything else. What does not fit is as long as can be.
fn milliseconds(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |sum: u64, byte: &u8| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
    Some(Duration::from_millis(value.iter().fold(0, digit)))
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests;
