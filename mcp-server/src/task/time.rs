//! Times as ISO 8601 writes them (XT-4). Pure.

use std::time::{Duration, SystemTime};

/// Returns the time since 1970; a clock before that counts as 1970.
pub(crate) fn since_1970(now: SystemTime) -> Duration {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Writes a time, in UTC and with milliseconds.
pub(crate) fn iso_8601(now: SystemTime) -> String {
    let since = since_1970(now);
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    let (year, month, day) = civil(seconds / 86_400);
    let clock = seconds % 86_400;
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Returns year, month and day of a day since 1970, in the Gregorian calendar.
///
/// Years are counted from March, so that the day that some years have more is their last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_iso_8601() {
        let check = |seconds: u64, expected: &str| {
            assert_eq!(iso_8601(SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1_000 + 7)), expected);
        };
        check(0, "1970-01-01T00:00:00.007Z");
        check(951_782_400, "2000-02-29T00:00:00.007Z");
        check(951_868_799, "2000-02-29T23:59:59.007Z");
        check(1_709_164_800, "2024-02-29T00:00:00.007Z");
        check(1_785_241_830, "2026-07-28T12:30:30.007Z");
        check(4_107_542_400, "2100-03-01T00:00:00.007Z");
    }
}
