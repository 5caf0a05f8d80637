//! Which tools of a server are offered and may be called.
//!
//! Pure. The surprising thing: what is denied stays denied, whatever allows it; and an empty list of allowed tools allows
//! none, because somebody wrote it down.

/// The tools of a server that are let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Patterns of which one must fit; `None` lets all through.
    allowed: Option<Vec<String>>,
    /// Patterns of which none may fit.
    denied: Vec<String>,
}

impl Filter {
    /// Allows what fits one of these patterns, besides what was allowed before.
    pub(crate) fn allow(&mut self, patterns: impl IntoIterator<Item = String>) {
        self.allowed.get_or_insert_default().extend(patterns);
    }

    /// Denies what fits one of these patterns.
    pub(crate) fn deny(&mut self, patterns: impl IntoIterator<Item = String>) {
        self.denied.extend(patterns);
    }

    /// Returns whether a tool of this name is let through.
    pub(crate) fn admits(&self, tool: &str) -> bool {
        let fits = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, tool));
        self.allowed.as_deref().is_none_or(fits) && !fits(&self.denied)
    }
}

/// Returns whether a name is of a form in which `*` stands for any text, also for none.
///
/// It takes the shortest text for each star and goes back to the last star only, so that it ends in the product of both
/// lengths whatever a server calls its tools.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(in_name) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(wanted) if wanted == byte => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((after, taken)) = star else { return false };
                star = Some((after, taken + 1));
                at = after + 1;
                in_name = taken + 1;
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let check =
            |pattern: &str, name: &str, expected: bool| assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        check("get_time", "get_time", true);
        check("get_time", "get_times", false);
        check("*", "", true);
        check("", "", true);
        check("", "a", false);
        check("get_*", "get_", true);
        check("get_*", "set_time", false);
        check("*_time", "get_time_time", true);
        check("*_time", "get_time_", false);
        check("a*b*c", "aXbXbYc", true);
        check("a*b*c", "aXc", false);
        check("a**c", "abc", true);
        check("*é*", "café au lait", true);
        check("a.c", "abc", false);
        check(&"*a".repeat(200), &"a".repeat(10_000), true);
        check(&format!("{}b", "*a".repeat(200)), &"a".repeat(10_000), false);
    }

    #[test]
    fn what_is_denied_is_denied_even_when_it_is_allowed() {
        let check = |allowed: Option<&[&str]>, denied: &[&str], admitted: &[&str]| {
            let mut filter = Filter::default();
            let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
            if let Some(allowed) = allowed {
                filter.allow(owned(allowed));
            }
            filter.deny(owned(denied));
            let found: Vec<&str> = ["read", "write", "delete"].into_iter().filter(|tool| filter.admits(tool)).collect();
            assert_eq!(found, admitted, "{filter:?}");
        };
        check(None, &[], &["read", "write", "delete"]);
        check(None, &["*e"], &["read"]);
        check(Some(&["read", "write"]), &[], &["read", "write"]);
        check(Some(&["*"]), &["delete"], &["read", "write"]);
        check(Some(&["read"]), &["read"], &[]);
        check(Some(&[]), &[], &[]);
    }
}
