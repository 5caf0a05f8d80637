//! What the results of a turn may still cost.
//!
//! The surprising thing: results are measured in the order of their calls, when all of a reply have one. Measured as they
//! arrive, the same conversation would be cut in another place every time.

use mcp_types::CallToolResult;

use super::budget::Load;
use super::pages::{Pages, READER};
use super::{Options, Part, Rendered, budget, parts};
use crate::chat::Arguments;

/// A result before it is measured.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    parts: Vec<Part>,
    /// What stands in front of it, and is never cut off.
    prefix: String,
    /// Whether it is shown as it is, whatever its size.
    is_exempt: bool,
}

impl Draft {
    pub(crate) fn result(result: &CallToolResult, options: &Options) -> Self {
        let prefix = if result.failed() { options.error_prefix.clone() } else { String::new() };
        Self { parts: parts(result), prefix, is_exempt: false }
    }

    /// The text of a failure, which may come from a server.
    pub(crate) fn failure(text: impl Into<String>, options: &Options) -> Self {
        Self { parts: vec![Part::Text(text.into())], prefix: options.error_prefix.clone(), is_exempt: false }
    }

    /// A text of the author of the request.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Text(text.into())], prefix: String::new(), is_exempt: true }
    }

    /// Describes the media that are too many or too large, and returns what the others come to.
    pub(super) fn limit_media(&mut self, limit: Load) -> Load {
        if self.is_exempt { Load::default() } else { budget::media(&mut self.parts, limit) }
    }

    /// Cuts the texts to a size; the mark ends with `hint`.
    pub(super) fn fitted(mut self, text_bytes: usize, hint: &str) -> Rendered {
        if !self.is_exempt {
            budget::text(&mut self.parts, text_bytes, hint);
        }
        if !self.prefix.is_empty() {
            match self.parts.first_mut() {
                Some(Part::Text(text)) => text.insert_str(0, &self.prefix),
                _ => self.parts.insert(0, Part::Text(self.prefix)),
            }
        }
        Rendered { parts: self.parts }
    }

    fn joined(&self) -> String {
        let texts = self.parts.iter().filter_map(Part::as_text);
        texts.collect::<Vec<_>>().join("\n")
    }
}

/// Measures the results of a turn, and keeps what is cut.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    text_used: usize,
    media_used: Load,
    pages: Pages,
    /// Whether something can be read on, or could be once.
    has_cut: bool,
}

impl Ledger {
    pub(crate) fn new(options: &Options) -> Self {
        Self { text_used: 0, media_used: Load::default(), pages: Pages::new(options.kept_bytes), has_cut: false }
    }

    /// Whether a result was cut that the model can read on.
    pub(crate) fn has_cut(&self) -> bool {
        self.has_cut
    }

    /// Measures a result. `reader` is the function that reads on what is cut.
    pub(crate) fn settle(&mut self, mut draft: Draft, call_id: &str, reader: &str, options: &Options) -> Rendered {
        let text_bytes = self.text_bytes(options);
        let media = draft.limit_media(Load {
            count: options.media_parts.min(options.turn_media_parts.saturating_sub(self.media_used.count)),
            bytes: options.media_bytes.min(options.turn_media_bytes.saturating_sub(self.media_used.bytes)),
        });
        self.media_used.count += media.count;
        self.media_used.bytes += media.bytes;
        let length = budget::text_len(&draft.parts);
        if draft.is_exempt || length <= text_bytes {
            self.text_used = self.text_used.saturating_add(length);
            return draft.fitted(text_bytes, "");
        }
        let hint = match self.pages.keep(call_id, draft.joined()) {
            Some(handle) => {
                self.has_cut = true;
                format!("; read them with {reader}, handle \"{handle}\"")
            }
            None => String::new(),
        };
        let rendered = draft.fitted(text_bytes, &hint);
        self.text_used = self.text_used.saturating_add(budget::text_len(&rendered.parts));
        rendered
    }

    /// Answers a call of the function that reads on.
    pub(crate) fn read(&mut self, arguments: &Arguments, options: &Options) -> Rendered {
        let text = match self.pages.read(arguments, self.text_bytes(options)) {
            Ok(page) => page,
            Err(why) => format!("{}{why}", options.error_prefix),
        };
        self.text_used = self.text_used.saturating_add(text.len());
        Rendered::text_only(text)
    }

    /// What the next result may have.
    fn text_bytes(&self, options: &Options) -> usize {
        options.text_bytes.min(options.turn_text_bytes.saturating_sub(self.text_used).max(LEAST))
    }
}

/// The name of the function that reads on, unless it is taken.
pub(crate) fn reader_name(is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = READER.to_owned();
    let mut number = 2;
    while is_taken(&name) {
        name = format!("{READER}_{number}");
        number += 1;
    }
    name
}

/// Bytes that a result may have when the turn has used up its own.
const LEAST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options { text_bytes: 3000, turn_text_bytes: 4000, kept_bytes: 10_000, ..Options::default() }
    }

    fn settle(ledger: &mut Ledger, id: &str, length: usize) -> String {
        let draft = Draft::result(&CallToolResult::text("x".repeat(length)), &options());
        ledger.settle(draft, id, "read_result", &options()).text()
    }

    #[test]
    fn results_share_what_a_turn_may_cost_and_each_has_a_little() {
        let mut ledger = Ledger::new(&options());
        let mark = |left_out: usize, total: usize, handle: &str| {
            format!(
                "\n[… about {left_out} of {total} bytes left out; read them with read_result, handle \"{handle}\" …]\n"
            )
        };
        assert_eq!(settle(&mut ledger, "a", 2500), "x".repeat(2500));
        assert!(!ledger.has_cut());
        assert_eq!(
            settle(&mut ledger, "b", 2500),
            format!("{}{}{}", "x".repeat(1000), mark(1000, 2500, "b"), "x".repeat(500))
        );
        assert!(ledger.has_cut());
        let text = settle(&mut ledger, "c", 2500);
        assert!(text.contains(&mark(2500 - 1024, 2500, "c")), "{text}");
    }

    #[test]
    fn what_is_too_large_to_be_kept_has_a_mark_without_a_handle() {
        let mut ledger = Ledger::new(&options());
        let text = settle(&mut ledger, "a", 20_000);
        assert!(text.contains("\n[… about 17000 of 20000 bytes left out …]\n"), "{text}");
        assert!(!ledger.has_cut());
    }

    #[test]
    fn pages_cost_as_results_do() {
        let mut ledger = Ledger::new(&options());
        let _ = settle(&mut ledger, "a", 9000);
        let read = |ledger: &mut Ledger| ledger.read(&Arguments::from(r#"{"handle":"a"}"#), &options()).text().len();
        assert_eq!([read(&mut ledger), read(&mut ledger)], [960, 960], "what is left, at least a little");
    }

    #[test]
    fn media_share_what_a_turn_may_cost() {
        let options = Options { turn_media_bytes: 20, ..Options::default() };
        let mut ledger = Ledger::new(&options);
        let picture = CallToolResult::new().content([mcp_types::ContentBlock::image("iVBORw0KGgo=", "image/png")]);
        let mut settle = || ledger.settle(Draft::result(&picture, &options), "a", "r", &options).text();
        assert!(settle().starts_with("[image 1: image/png"));
        assert_eq!(settle(), "[image/png, 8 bytes, not shown: it is too large]");
    }

    #[test]
    fn media_are_counted_in_a_result_and_in_a_turn() {
        let options = Options { media_parts: 2, turn_media_parts: 3, ..Options::default() };
        let mut ledger = Ledger::new(&options);
        let picture = mcp_types::ContentBlock::image("AA==", "image/png");
        let pictures = CallToolResult::new().content(vec![picture; 3]);
        let mut shown = || {
            let rendered = ledger.settle(Draft::result(&pictures, &options), "a", "r", &options);
            rendered.parts().iter().filter(|part| part.as_text().is_none()).count()
        };
        assert_eq!([shown(), shown(), shown()], [2, 1, 0]);
        let text = ledger.settle(Draft::result(&pictures, &options), "a", "r", &options).text();
        assert!(text.starts_with("[image/png, 1 bytes, not shown: there are too many]\n"), "{text}");
    }

    #[test]
    fn what_the_author_of_the_request_says_is_never_cut() {
        let mut ledger = Ledger::new(&options());
        let rendered = ledger.settle(Draft::text("x".repeat(9000)), "a", "r", &options());
        assert_eq!(rendered.text().len(), 9000);
    }

    #[test]
    fn the_reader_has_a_name_of_its_own() {
        assert_eq!(reader_name(|_| false), "read_result");
        assert_eq!(reader_name(|name| name != "read_result_3"), "read_result_3");
    }
}
