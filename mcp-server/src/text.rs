//! Words for messages: shortened, listed, guessed.
//!
//! The surprising thing: what a peer sent is never repeated whole, because a message must not grow with its cause.

/// Returns the text cut to a number of characters, with an ellipsis where something is missing.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

/// Lists the first words, and says how many there are when some are left out.
#[cfg(any(feature = "validate", test))]
pub(crate) fn list(words: &[String], most: usize) -> String {
    let shown = words.get(..most).unwrap_or(words).join(", ");
    match words.len().checked_sub(most) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// Returns the known word that a wrong one was most likely meant to be.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if wrong.len() > LONGEST {
        return None;
    }
    let allowed = wrong.chars().count().div_ceil(3).min(3);
    known
        .filter(|word| word.len() <= LONGEST)
        .map(|word| (distance(&plain(wrong), &plain(word)), word))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Takes away what writers of names disagree about: case, `_` and `-`.
fn plain(word: &str) -> Vec<char> {
    word.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// Counts the insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (i, &from) in a.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        let mut last_b = None;
        for (j, &to) in b.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&row, j) + usize::from(from != to);
            let mut best = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            if last_a == Some(to) && last_b == Some(from) && j > 0 {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
            last_b = Some(to);
        }
        before = std::mem::replace(&mut row, next);
        last_a = Some(from);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_guessed_and_a_far_one_is_not() {
        let check = |wrong: &str, expected: Option<&str>| {
            assert_eq!(did_you_mean(wrong, ["city", "max_results", "a"].into_iter()), expected, "{wrong}");
        };
        check("ctiy", Some("city"));
        check("City", Some("city"));
        check("maxResults", Some("max_results"));
        check("b", Some("a"));
        check("temperature", None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shorten("äöü", 2), "äö…");
        assert_eq!(shorten("äöü", 3), "äöü");
    }

    #[test]
    fn a_long_list_says_how_much_is_left_out() {
        let words: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(list(&words, 3), "a, b, c");
        assert_eq!(list(&words, 1), "a and 2 more");
    }
}
