//! The size of a result: what is too long for the model loses its middle and says so.
//!
//! The budget is shared by all texts of a result, in their order. The surprising thing: the end is kept too, because
//! that is where programs say what went wrong.

use super::Part;

/// Cuts the texts so that together they have at most `limit` bytes, not counting the mark. The mark ends with `hint`.
pub(super) fn text(parts: &mut Vec<Part>, limit: usize, hint: &str) {
    let total = text_len(parts);
    if total <= limit {
        return;
    }
    let mut middle = Middle { head: limit - limit / 3, tail_from: total - limit / 3, at: 0, total, hint: Some(hint) };
    for part in parts.iter_mut() {
        if let Part::Text(text) = part {
            *text = middle.cut(text);
        }
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
}

/// The part of the joined texts that is left out.
struct Middle<'a> {
    /// Where it begins.
    head: usize,
    /// Where it ends.
    tail_from: usize,
    /// How much has been looked at.
    at: usize,
    total: usize,
    /// What the mark says beside the numbers; taken when it is written.
    hint: Option<&'a str>,
}

impl Middle<'_> {
    fn cut(&mut self, text: &str) -> String {
        let start = self.at;
        self.at += text.len();
        let head = floor(text, self.head.saturating_sub(start));
        let tail = ceil(text, self.tail_from.saturating_sub(start));
        if head >= tail {
            return text.to_owned();
        }
        let mut out = text.get(..head).unwrap_or_default().to_owned();
        if let Some(hint) = self.hint.take() {
            let left_out = self.tail_from - self.head;
            out.push_str(&format!("\n[… about {left_out} of {} bytes left out{hint} …]\n", self.total));
        }
        out.push_str(text.get(tail..).unwrap_or_default());
        out
    }
}

/// Media, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) count: usize,
    /// Of base64.
    pub(super) bytes: usize,
}

/// Describes the media that do not fit into `limit`, and returns what the others come to.
pub(super) fn media(parts: &mut [Part], limit: Load) -> Load {
    let mut used = Load::default();
    for part in parts {
        let (Part::Audio(media) | Part::File(media) | Part::Image(media)) = part else { continue };
        let size = media.data.len();
        let why = match () {
            () if used.bytes.saturating_add(size) > limit.bytes => "it is too large",
            () if used.count >= limit.count => "there are too many",
            () => {
                used = Load { count: used.count + 1, bytes: used.bytes + size };
                continue;
            }
        };
        let bytes = super::base64::decoded_len(&media.data);
        *part = Part::Text(format!("[{}, {bytes} bytes, not shown: {why}]", media.mime_type));
    }
    used
}

/// The bytes of all texts.
pub(super) fn text_len(parts: &[Part]) -> usize {
    parts.iter().map(length).sum()
}

fn length(part: &Part) -> usize {
    if let Part::Text(text) = part { text.len() } else { 0 }
}

/// The last character boundary at or before `at`.
pub(super) fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The first character boundary at or after `at`.
fn ceil(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], limit: usize, expected: &[&str]) {
        let mut parts: Vec<Part> = texts.iter().map(|text| Part::Text((*text).to_owned())).collect();
        text(&mut parts, limit, "");
        let expected: Vec<Part> = expected.iter().map(|text| Part::Text((*text).to_owned())).collect();
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_text_that_fits_is_kept() {
        check(&["123456"], 6, &["123456"]);
        check(&["123", "456"], 6, &["123", "456"]);
    }

    #[test]
    fn a_text_that_is_too_long_keeps_its_head_and_its_tail() {
        check(&["0123456789"], 6, &["0123\n[… about 4 of 10 bytes left out …]\n89"]);
    }

    #[test]
    fn the_mark_says_where_the_rest_is() {
        let mut parts = vec![Part::Text("0123456789".to_owned())];
        text(&mut parts, 6, "; it is in the cellar");
        let expected = "0123\n[… about 4 of 10 bytes left out; it is in the cellar …]\n89";
        assert_eq!(parts, [Part::Text(expected.to_owned())]);
    }

    #[test]
    fn several_texts_share_the_budget_and_have_one_mark() {
        check(&["0123456", "abc", "xyz"], 6, &["0123\n[… about 7 of 13 bytes left out …]\n", "yz"]);
    }

    #[test]
    fn characters_are_not_cut_in_two() {
        check(&["ééééé"], 6, &["éé\n[… about 4 of 10 bytes left out …]\né"]);
        check(&["a😀😀😀"], 6, &["a\n[… about 7 of 13 bytes left out …]\n"]);
    }
}
