//! Results that were cut, kept for the model to read on.
//!
//! The surprising thing: a result is known by the id of its call. A number would mean another result in the next turn,
//! and the model cannot know that a turn has ended.

use std::collections::VecDeque;

use mcp_types::RawJson;
use serde::Deserialize;

use super::budget::floor;
use crate::arguments;
use crate::chat::Arguments;

/// The function by which the model reads on.
pub(crate) const READER: &str = "read_result";

/// Says to the model what [`READER`] does.
pub(crate) fn reader_description() -> &'static str {
    "Reads on in a result of a tool that was too long to be shown whole. The mark in the result gives the handle."
}

/// The parameters of [`READER`].
pub(crate) fn reader_parameters() -> RawJson {
    serde_json::json!({
        "type": "object",
        "properties": {
            "handle": {"type": "string", "description": "The handle in the mark of the result."},
            "offset": {"type": "integer", "minimum": 0, "description": "The byte to begin at. Default 0."},
            "limit": {"type": "integer", "minimum": 1, "description": "The most bytes to read."},
        },
        "required": ["handle"],
        "additionalProperties": false,
    })
    .into()
}

/// The texts of results, within a number of bytes.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    kept: VecDeque<(String, String)>,
    bytes: usize,
    limit: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    handle: String,
    #[serde(default)]
    offset: Option<u64>,
    #[serde(default)]
    limit: Option<u64>,
}

impl Pages {
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: VecDeque::new(), bytes: 0, limit }
    }

    /// Keeps a text and returns its handle; the oldest texts make room. `None` when it is too large for all of it.
    pub(super) fn keep(&mut self, call_id: &str, text: String) -> Option<String> {
        if text.len() > self.limit {
            return None;
        }
        while self.bytes + text.len() > self.limit {
            let (_, oldest) = self.kept.pop_front()?;
            self.bytes -= oldest.len();
        }
        let mut handle = call_id.to_owned();
        let mut number = 2;
        while self.kept.iter().any(|(kept, _)| *kept == handle) {
            handle = format!("{call_id}_{number}");
            number += 1;
        }
        self.bytes += text.len();
        self.kept.push_back((handle.clone(), text));
        Some(handle)
    }

    /// Reads a page of at most `most` bytes, with what stands in front of it.
    pub(super) fn read(&self, arguments: &Arguments, most: usize) -> Result<String, String> {
        let object = arguments::read(arguments).map_err(|rejection| rejection.to_string())?;
        let wanted: Wanted = object.decode().map_err(|error| format!("nothing was read: {error}"))?;
        let Some((_, text)) = self.kept.iter().find(|(handle, _)| *handle == wanted.handle) else {
            let handle = arguments::shortened(&wanted.handle);
            return Err(format!("the result `{handle}` is not kept, or not any more; call its tool again for less"));
        };
        let asked = |value: Option<u64>, usual: usize| {
            value.map_or(usual, |value| usize::try_from(value).unwrap_or(usize::MAX))
        };
        let total = text.len();
        let from = floor(text, asked(wanted.offset, 0).min(total));
        if from == total {
            return Ok(format!("[the result ends at byte {total}]"));
        }
        let room = most.saturating_sub(HEADER_BYTES).max(1);
        let mut to = floor(text, from.saturating_add(asked(wanted.limit, room).clamp(1, room)).min(total));
        if to == from {
            // A character is larger than the page; it is shown whole, because otherwise nothing would ever be.
            to = text.get(from..).and_then(|rest| rest.chars().next()).map_or(total, |c| from + c.len_utf8());
        }
        let page = text.get(from..to).unwrap_or_default();
        let next = if to < total { format!("; go on with offset {to}") } else { "; this is the end".to_owned() };
        let header = format!("[bytes {from} to {to} of {total}{next}]\n");
        Ok(header + page)
    }
}

/// Room for what stands in front of a page.
const HEADER_BYTES: usize = 112;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pages: &Pages, arguments: &str, most: usize) -> String {
        pages.read(&Arguments::from(arguments), most).unwrap_or_else(|why| format!("ERROR {why}"))
    }

    #[test]
    fn a_text_is_read_page_by_page_to_its_end() {
        let mut pages = Pages::new(1000);
        assert_eq!(pages.keep("c1", "0123456789".to_owned()).as_deref(), Some("c1"));
        let check = |arguments: &str, expected: &str| assert_eq!(read(&pages, arguments, 116), expected);
        check(r#"{"handle":"c1"}"#, "[bytes 0 to 4 of 10; go on with offset 4]\n0123");
        check(r#"{"handle":"c1","offset":4,"limit":2}"#, "[bytes 4 to 6 of 10; go on with offset 6]\n45");
        check(r#"{"handle":"c1","offset":6,"limit":100}"#, "[bytes 6 to 10 of 10; this is the end]\n6789");
        check(r#"{"handle":"c1","offset":10}"#, "[the result ends at byte 10]");
        check(r#"{"handle":"c1","offset":99}"#, "[the result ends at byte 10]");
        check(r#"{"handle":"c1","offset":null,"limit":null}"#, "[bytes 0 to 4 of 10; go on with offset 4]\n0123");
    }

    #[test]
    fn characters_are_not_cut_in_two() {
        let mut pages = Pages::new(1000);
        pages.keep("c", "é😀é".to_owned());
        let check = |arguments: &str, expected: &str| assert_eq!(read(&pages, arguments, 200), expected);
        check(r#"{"handle":"c","limit":3}"#, "[bytes 0 to 2 of 8; go on with offset 2]\né");
        check(r#"{"handle":"c","offset":2,"limit":1}"#, "[bytes 2 to 6 of 8; go on with offset 6]\n😀");
        check(r#"{"handle":"c","offset":3,"limit":9}"#, "[bytes 2 to 8 of 8; this is the end]\n😀é");
    }

    #[test]
    fn the_oldest_texts_make_room_and_a_handle_stands_once() {
        let mut pages = Pages::new(10);
        assert_eq!(pages.keep("c", "aaaa".to_owned()).as_deref(), Some("c"));
        assert_eq!(pages.keep("c", "bbbb".to_owned()).as_deref(), Some("c_2"));
        assert_eq!(pages.keep("d", "cccc".to_owned()).as_deref(), Some("d"));
        assert_eq!(pages.keep("e", "x".repeat(11)), None);
        assert_eq!(
            read(&pages, r#"{"handle":"c"}"#, 500),
            "ERROR the result `c` is not kept, or not any more; call its tool again for less"
        );
        assert!(read(&pages, r#"{"handle":"c_2"}"#, 500).ends_with("\nbbbb"));
    }

    #[test]
    fn wrong_arguments_are_explained() {
        let check = |arguments: &str, expected: &str| {
            let said = read(&Pages::new(0), arguments, 500);
            assert!(said.starts_with(expected), "{said}");
        };
        check("{", "ERROR the arguments were not accepted");
        check("{}", "ERROR nothing was read: missing field `handle`");
        check(r#"{"handle":1}"#, "ERROR nothing was read: invalid type");
        check(r#"{"handle":"a","offset":-1}"#, "ERROR nothing was read: invalid value");
        check(r#"{"handle":"a","ofset":1}"#, "ERROR nothing was read: unknown field `ofset`");
    }
}
