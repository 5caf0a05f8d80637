//! When a request that was refused is sent again.
//!
//! The surprising thing: only refusals are repeated. A request whose answer was lost may have been carried out, and
//! paid for.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The attempts of one request.
#[derive(Debug, Default)]
pub(super) struct Retries {
    made: u32,
}

impl Retries {
    /// Returns how long to wait before the next attempt; `None` when there is none.
    ///
    /// A wait that the provider asks for is kept, unless it is longer than anybody would wait for.
    pub(super) fn next(&mut self, status: u16, asked: Option<Duration>) -> Option<Duration> {
        if self.made >= MOST || !matches!(status, 408 | 409 | 429 | 500 | 502 | 503 | 504 | 529) {
            return None;
        }
        let usual = FIRST.saturating_mul(1 << self.made);
        self.made += 1;
        match asked {
            Some(asked) if asked > LONGEST => None,
            Some(asked) => Some(asked.max(SHORTEST)),
            None => Some(usual),
        }
    }
}

/// Reads how long the provider wants to be left alone, when it is said in seconds or milliseconds.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|milliseconds| milliseconds / 1000.0);
    let seconds = seconds.or_else(|| number(RETRY_AFTER.as_str()));
    Duration::try_from_secs_f64(seconds?).ok()
}

/// Attempts after the first.
const MOST: u32 = 3;
/// The wait before the first of them; it is doubled for each further one.
const FIRST: Duration = Duration::from_millis(500);
/// The shortest wait that is kept when the provider asks for it.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest wait that is kept when the provider asks for it.
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_refusal_is_repeated_three_times_with_longer_and_longer_waits() {
        let mut retries = Retries::default();
        let waits: Vec<_> = (0..4).map(|_| retries.next(503, None).map(|wait| wait.as_millis())).collect();
        assert_eq!(waits, [Some(500), Some(1000), Some(2000), None]);
    }

    #[test]
    fn the_wait_that_the_provider_asks_for_is_kept_within_bounds() {
        let next = |asked| Retries::default().next(429, Some(Duration::from_secs(asked)));
        assert_eq!(next(7), Some(Duration::from_secs(7)));
        assert_eq!(next(0), Some(Duration::from_millis(50)));
        assert_eq!(next(61), None);
    }

    #[test]
    fn a_request_that_is_wrong_is_not_repeated() {
        for status in [400, 401, 403, 404, 422] {
            assert_eq!(Retries::default().next(status, None), None);
        }
    }

    #[test]
    fn the_wait_is_read_in_seconds_and_in_milliseconds() {
        let check = |name: &'static str, value: &'static str, expected: Option<u64>| {
            let headers =
                HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_static(value))]);
            assert_eq!(retry_after(&headers), expected.map(Duration::from_millis));
        };
        check("retry-after", "2", Some(2000));
        check("retry-after-ms", "250", Some(250));
        check("retry-after", "Fri, 20 Nov 2026 07:00:00 GMT", None);
        check("retry-after", "-1", None);
        check("retry-after", "inf", None);
    }
}
