//! The lines of a byte stream that carries messages, one per line (S-1, S-8; F14).
//!
//! The surprising thing: some programs write a byte order mark when they open a stream. It is not part of the first
//! message, so it is taken off there, and only there.

use bytes::{Buf as _, BufMut, Bytes};

use crate::limits::Limits;
use crate::line::{LineDecoder, LineEvent};

/// A [`LineDecoder`] that knows where its stream began.
#[derive(Debug)]
pub(super) struct Lines {
    decoder: LineDecoder,
    /// Whether a line was taken.
    has_begun: bool,
}

impl Lines {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { decoder: LineDecoder::new(limits), has_begun: false }
    }

    /// Keeps the memory of a large line until a small one comes.
    pub(super) fn keeping(self) -> Self {
        Self { decoder: self.decoder.keeping(), ..self }
    }

    /// Returns where to read the next bytes to; always has room.
    pub(super) fn space(&mut self) -> impl BufMut + '_ {
        self.decoder.space()
    }

    /// Returns the next line, or `None` when more input is needed.
    pub(super) fn next_line(&mut self) -> Option<LineEvent> {
        let line = self.decoder.next_line()?;
        self.begin(line).or_else(|| self.decoder.next_line())
    }

    /// Returns what is left at the end of the input, then `None`.
    pub(super) fn finish(&mut self) -> Option<LineEvent> {
        let line = self.decoder.finish()?;
        self.begin(line).or_else(|| self.decoder.finish())
    }

    /// Takes the mark off the first line; returns `None` when nothing is left of it.
    fn begin(&mut self, line: LineEvent) -> Option<LineEvent> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Some(line);
        }
        match line {
            LineEvent::Line(text) => Some(unmarked(text)).filter(|text| !text.is_empty()).map(LineEvent::Line),
            LineEvent::TooLong { head, limit } => Some(LineEvent::TooLong { head: unmarked(head), limit }),
        }
    }
}

fn unmarked(mut text: Bytes) -> Bytes {
    if text.starts_with(MARK) {
        text.advance(MARK.len());
    }
    text
}

/// U+FEFF in UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &[&str]) {
        let mut lines = Lines::new(&Limits::default().line_bytes(20));
        lines.space().put_slice(input.as_bytes());
        let text = |line| match line {
            LineEvent::Line(text) | LineEvent::TooLong { head: text, .. } => String::from_utf8(text.to_vec()).unwrap(),
        };
        let mut read: Vec<_> = std::iter::from_fn(|| lines.next_line()).map(text).collect();
        read.extend(std::iter::from_fn(|| lines.finish()).map(text));
        assert_eq!(read, expected);
    }

    #[test]
    fn one_mark_is_skipped_at_the_very_start() {
        check("\u{feff}one\ntwo\n", &["one", "two"]);
        check("\u{feff}one", &["one"]);
        check("\u{feff}\none\n", &["one"]);
        check("\u{feff}\r\n\u{feff}one", &["\u{feff}one"]);
        check("\u{feff}\u{feff}one\n", &["\u{feff}one"]);
        check("one\n\u{feff}two\n", &["one", "\u{feff}two"]);
    }

    #[test]
    fn the_mark_does_not_hide_the_head_of_a_line_that_is_too_long() {
        check("\u{feff}0123456789012345678901234\n", &["01234567890123456"]);
    }
}
