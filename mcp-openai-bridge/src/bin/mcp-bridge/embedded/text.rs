//! Tools that work on text.

use mcp_server::{Args, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

// What `echo` and `count_text` take.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Text {
    /// The text
    text: String,
}

/// Returns a text as it is.
pub(super) async fn echo(Args(Text { text }): Args<Text>) -> String {
    text
}

// What `count_text` gives.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Counts {
    /// Unicode characters
    characters: usize,
    /// Runs of characters between white space
    words: usize,
    /// Lines, with the last one also when it has no end
    lines: usize,
    /// Bytes in UTF-8
    bytes: usize,
}

/// Counts what a text consists of.
pub(super) async fn count_text(Args(Text { text }): Args<Text>) -> Json<Counts> {
    Json(count(&text))
}

fn count(text: &str) -> Counts {
    Counts {
        characters: text.chars().count(),
        words: text.split_whitespace().count(),
        lines: text.lines().count(),
        bytes: text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_in_characters_and_in_bytes() {
        assert_eq!(count("für  dich\nund mich"), Counts { characters: 18, words: 4, lines: 2, bytes: 19 });
        assert_eq!(count(""), Counts { characters: 0, words: 0, lines: 0, bytes: 0 });
    }
}
