//! How long a provider wants to be left alone: `retry-after-ms`, and `Retry-After` in both of its forms (RFC 9110,
//! section 10.2.3).
//!
//! The surprising thing: a date is measured against the `Date` of the same response and not against the clock here,
//! which may be wrong, and which pure code does not have.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// Reads the wait that a response asks for.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let seconds = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok();
    if let Some(wait) = text("retry-after-ms").and_then(seconds) {
        return Some(wait / 1000);
    }
    let after = text(RETRY_AFTER.as_str())?;
    seconds(after).or_else(|| {
        let (until, now) = (second(after)?, second(text(DATE.as_str())?)?);
        Some(Duration::from_secs(until.saturating_sub(now)))
    })
}

/// Reads a date such as `Sun, 06 Nov 1994 08:49:37 GMT`, as seconds since the year 0.
fn second(date: &str) -> Option<u64> {
    let words: Vec<&str> = date.split([' ', ':']).filter(|word| !word.is_empty()).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = words[..] else { return None };
    let number = |word: &str, most: u64| word.parse::<u64>().ok().filter(|number| *number <= most);
    let month = MONTHS.iter().position(|name| *name == month)? as u64;
    let (year, day) = (number(year, 9999)?, number(day, 31)?);
    // Counted from March, so that a leap day is the last of its year.
    let (year, month) = if month < 2 { (year.checked_sub(1)?, month + 10) } else { (year, month - 2) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    Some(((days * 24 + number(hour, 23)?) * 60 + number(minute, 59)?) * 60 + number(second, 60)?)
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn check(lines: &[(&'static str, &'static str)], expected: Option<u64>) {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers: HeaderMap = lines.iter().map(pair).collect();
        assert_eq!(retry_after(&headers), expected.map(Duration::from_millis), "{lines:?}");
    }

    #[test]
    fn the_wait_is_read_in_seconds_and_in_milliseconds() {
        check(&[("retry-after", "2")], Some(2000));
        check(&[("retry-after", " 0.5 ")], Some(500));
        check(&[("retry-after-ms", "250"), ("retry-after", "9")], Some(250));
        check(&[("retry-after-ms", "soon"), ("retry-after", "9")], Some(9000));
        for nonsense in ["-1", "inf", "NaN", "soon", "", "1e300"] {
            check(&[("retry-after", nonsense)], None);
        }
        check(&[], None);
    }

    #[test]
    fn the_wait_is_read_as_a_date_beside_the_date_of_the_response() {
        let at = |until, now| [("retry-after", until), ("date", now)];
        let noon = "Fri, 20 Nov 2026 12:00:00 GMT";
        check(&at("Fri, 20 Nov 2026 12:00:07 GMT", noon), Some(7000));
        check(&at("Fri, 20 Nov 2026 11:00:00 GMT", noon), Some(0));
        check(&at("Sat, 21 Nov 2026 00:00:00 GMT", noon), Some(43_200_000));
        check(&at("Wed, 01 Mar 2028 00:00:00 GMT", "Mon, 28 Feb 2028 00:00:00 GMT"), Some(2 * 86_400_000));
        check(&at("Fri, 01 Jan 2027 00:00:00 GMT", "Thu, 31 Dec 2026 23:59:59 GMT"), Some(1000));
        check(&at("Fri, 20 Foo 2026 12:00:07 GMT", noon), None);
        check(&at("Fri, 20 Nov 2026 99:00:07 GMT", noon), None);
        check(&[("retry-after", noon)], None);
    }
}
