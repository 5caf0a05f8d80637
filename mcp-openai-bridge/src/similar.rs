//! "Did you mean": the name among others that was most likely meant.
//!
//! Case, `_` and `-` do not count, so that `fileName` finds `file_name`.

/// Returns the candidate that `name` was most likely meant to be, if one is near enough.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(name);
    // Of one or two letters nothing is left after a mistake.
    let allowed = wanted.len() / 3;
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

/// Counts the insertions, deletions, replacements and swaps of neighbours that lead from one text to the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (index, &from) in a.iter().enumerate() {
        let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX / 2);
        let mut next = vec![index + 1];
        for (place, &to) in b.iter().enumerate() {
            let replaced = at(&row, place) + usize::from(from != to);
            let mut best = replaced.min(at(&row, place + 1) + 1).min(at(&next, place) + 1);
            let behind = place.checked_sub(1);
            if let Some(behind) = behind.filter(|behind| b.get(*behind) == Some(&from) && last == Some(to)) {
                best = best.min(at(&before, behind) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(from);
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
        assert_eq!(closest("ctiy", ["city", "days"]), Some("city"), "a swap is one mistake");
        assert_eq!(closest("path", names), None);
        assert_eq!(closest("x", ["r", "w"]), None);
        assert_eq!(closest("A", ["b", "a"]), Some("a"));
        assert_eq!(closest("", names), None);
        assert_eq!(closest("file_nam", ["file_named", "file_name"]), Some("file_name"));
    }
}
