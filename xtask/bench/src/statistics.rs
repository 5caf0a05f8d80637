//! Percentiles of what was measured.

/// Returns the value below which `share` of `sorted` lies, by the nearest rank; 0 of nothing.
#[must_use]
pub fn percentile(sorted: &[u64], share: f64) -> u64 {
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).or(sorted.last()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let check = |values: &[u64], share, expected| assert_eq!(percentile(values, share), expected);
        check(&[], 0.5, 0);
        check(&[7], 0.99, 7);
        check(&[1, 2, 3, 4], 0.5, 2);
        check(&[1, 2, 3, 4], 0.99, 4);
        check(&[1, 2, 3, 4], 0.0, 1);
    }
}
