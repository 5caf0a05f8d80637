//! The two voices of the program: data on standard output, talk on standard error.
//!
//! The surprising thing: what a server says is not trusted with a terminal. Control characters, which could move the
//! cursor or rewrite what stands there, are shown as `\u{1b}`; into a pipe everything goes as it came.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use crate::exit::Failure;
use crate::pretty::{escaped, pretty};

/// Where the program writes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    is_terminal: bool,
    talks_to_terminal: bool,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let (is_terminal, talks_to_terminal) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self { json, quiet, is_terminal, talks_to_terminal }
    }

    /// Whether one JSON document is wanted.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a human sees the data.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether a human sees the talk, and wants it.
    pub(crate) fn is_lively(&self) -> bool {
        self.talks_to_terminal && !self.quiet && !self.json
    }

    /// Prints text as data, with an end of line if it has none.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let text = if self.is_terminal { shown(text) } else { Cow::Borrowed(text) };
        let end = if text.ends_with('\n') { "" } else { "\n" };
        written(|out| write!(out, "{text}{end}"))
    }

    /// Prints a part of a text as data, at once. Whoever does not read any more has read enough.
    pub(crate) fn print_part(&self, text: &str) {
        let text = if self.is_terminal { shown(text) } else { Cow::Borrowed(text) };
        let _ = written(|out| out.write_all(text.as_bytes()));
    }

    /// Prints bytes as data, as they are.
    pub(crate) fn print_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        written(|out| out.write_all(bytes))
    }

    /// Prints a document: on one line with `--json`, otherwise indented.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document);
        let text = text.map_err(|error| Failure::unreachable(format!("cannot write the result as JSON: {error}")))?;
        let text = if self.json { text } else { pretty(&text) };
        let text = if self.is_terminal { escaped(&text) } else { text };
        written(|out| writeln!(out, "{text}"))
    }

    /// Says something to a human who may want to know; not with `--quiet`.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            self.insist(text);
        }
    }

    /// Says how to go on, to a human who has a terminal.
    pub(crate) fn hint(&self, text: &str) {
        if self.is_lively() {
            self.insist(text);
        }
    }

    /// Waits for a human on a terminal to type.
    pub(crate) fn prompt(&self, text: &str) {
        if self.is_lively() && io::stdin().is_terminal() {
            let mut talk = io::stderr().lock();
            let _ = write!(talk, "{text}").and_then(|()| talk.flush());
        }
    }

    /// Says something that must be known.
    pub(crate) fn insist(&self, text: &str) {
        // There is nobody left to tell when standard error is closed.
        let _ = writeln!(io::stderr().lock(), "{}", shown(text));
    }

    /// Says why the program ends.
    pub(crate) fn fail(&self, failure: &Failure) {
        if self.json {
            let _ = writeln!(io::stderr().lock(), "{}", escaped(&failure.json()));
            return;
        }
        self.insist(&format!("error: {}", failure.message.replace('\n', "\n  ")));
        if let Some(hint) = &failure.hint {
            self.insist(&format!("  hint: {}", hint.replace('\n', "\n  ")));
        }
    }
}

fn written(write: impl FnOnce(&mut io::StdoutLock<'_>) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        // Whoever read has read enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::unreachable(format!("cannot write to standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Shows control characters, but for the end of a line and the tabulator.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let chars = text.chars().map(|c| if is_unsafe(c) { c.escape_unicode().to_string() } else { c.to_string() });
    Cow::Owned(chars.collect())
}

/// Whether a terminal would do something else with a character than show it.
pub(crate) fn is_unsafe(c: char) -> bool {
    let turns_lines = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns_lines || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Writes a number of things, one of them or several.
pub(crate) fn counted(number: impl fmt::Display, what: &str) -> String {
    let number = number.to_string();
    let end = if number == "1" { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// Cuts a text for a line of talk.
pub(crate) fn shortened(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_move_the_cursor() {
        assert_eq!(shown("a\u{1b}[2Jb\r\u{9b}31m\n\tc"), "a\\u{1b}[2Jb\\u{d}\\u{9b}31m\n\tc");
        assert_eq!(shown("abc\u{202e}cod"), "abc\\u{202e}cod");
        assert!(matches!(shown("plain\ntext ü"), Cow::Borrowed(_)));
    }

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!(
            [counted(1, "second"), counted(0, "second"), counted(1.5, "second")],
            ["1 second", "0 seconds", "1.5 seconds"]
        );
    }

    #[test]
    fn a_line_of_talk_is_cut_between_characters() {
        assert_eq!(shortened("a  b\n c", 10), "a b c");
        assert_eq!(shortened("äöü", 2), "äö…");
    }
}
