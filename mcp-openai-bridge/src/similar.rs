//! "Did you mean": the name among others that was most likely meant.
//!
//! Case, `_` and `-` do not count, so that `fileName` finds `file_name`.

/// Returns the candidate that `name` was most likely meant to be, if one is near enough.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(name);
    let allowed = (wanted.len() / 3).max(1);
    candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter_map(|candidate| {
            let other = folded(candidate);
            // The length bounds the work and the distance.
            (other.len().abs_diff(wanted.len()) <= allowed).then(|| (distance(&wanted, &other), candidate))
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn folded(name: &str) -> Vec<char> {
    let chars = name.chars().filter(|c| !matches!(c, '_' | '-' | '.' | '/' | ' '));
    chars.flat_map(char::to_lowercase).take(MAX_CHARS).collect()
}

/// The Levenshtein distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, x) in a.iter().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            left = if x == y { diagonal } else { 1 + diagonal.min(above).min(left) };
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

/// Candidates that are compared.
const MAX_CANDIDATES: usize = 1000;

/// Characters of a name that are compared.
const MAX_CHARS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_distant_one_is_not() {
        let names = ["file_name", "content", "overwrite"];
        assert_eq!(closest("fileName", names), Some("file_name"));
        assert_eq!(closest("contents", names), Some("content"));
        assert_eq!(closest("overwirte", names), Some("overwrite"));
        assert_eq!(closest("path", names), None);
        assert_eq!(closest("", names), None);
        assert_eq!(closest("file_nam", ["file_named", "file_name"]), Some("file_name"));
    }
}
