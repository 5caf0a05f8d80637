//! Identifiers that nobody can guess: whoever knows one may go on with what it names (T-11).

/// Makes an identifier of 128 random bits behind a prefix.
pub(super) fn new(prefix: &str) -> String {
    use std::fmt::Write as _;
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).expect("the system has random bits");
    let mut id = prefix.to_owned();
    for byte in bits {
        // Writing to a text does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// Returns what stands behind the prefix.
pub(super) fn tail(id: &str) -> &str {
    id.rsplit(['-', '_']).next().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_long_and_never_the_same() {
        let ids: std::collections::HashSet<String> = (0..100).map(|_| new("resp_")).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| tail(id).len() == 32));
    }
}
