//! When a request that the provider did not answer is sent again.
//!
//! The surprising thing: only refusals are repeated, and requests that never came to the provider. One whose answer was
//! lost may have been carried out, and paid for.

use std::time::Duration;

use crate::error::ModelError;

/// When a model is asked again after it could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// Attempts after the first. Default 3.
    pub attempts: u32,
    /// The wait before the first of them; it is doubled for each further one. Default half a second.
    pub first: Duration,
    /// The longest wait, also when the provider asks for more: then the error is final. Default 60 seconds.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, first: Duration::from_millis(500), longest: Duration::from_secs(60) }
    }
}

impl Retry {
    /// Asks once and never again.
    pub fn never() -> Self {
        Self { attempts: 0, ..Self::default() }
    }

    /// Returns how long to wait before the model is asked again; `None` when the error is final.
    ///
    /// `made` is the number of repeated attempts so far.
    pub fn wait(&self, made: u32, error: &ModelError) -> Option<Duration> {
        let may_repeat = error.http_status().map_or(error.is_transient(), is_temporary);
        let is_unpaid = matches!(error.provider_code(), Some("billing_hard_limit_reached" | "insufficient_quota"));
        if made >= self.attempts || !may_repeat || is_unpaid {
            return None;
        }
        match error.wait() {
            Some(asked) if asked > self.longest => None,
            Some(asked) => Some(asked.max(SHORTEST)),
            None => Some(self.first.saturating_mul(2_u32.saturating_pow(made)).min(self.longest)),
        }
    }
}

fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500..=599) && !matches!(status, 501 | 505)
}

/// The shortest wait that is kept when the provider asks for it.
const SHORTEST: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> ModelError {
        ModelError::new("no").status(status)
    }

    #[test]
    fn a_refusal_is_repeated_three_times_with_longer_and_longer_waits() {
        let waits = (0..4).map(|made| Retry::default().wait(made, &status(503)).map(|wait| wait.as_millis()));
        assert_eq!(waits.collect::<Vec<_>>(), [Some(500), Some(1000), Some(2000), None]);
    }

    #[test]
    fn the_wait_that_the_provider_asks_for_is_kept_within_bounds() {
        let wait = |asked| Retry::default().wait(0, &status(429).retry_after(Duration::from_secs(asked)));
        assert_eq!(wait(7), Some(Duration::from_secs(7)));
        assert_eq!(wait(0), Some(Duration::from_millis(50)));
        assert_eq!(wait(61), None);
    }

    #[test]
    fn the_wait_does_not_grow_beyond_its_bound() {
        let retry = Retry { attempts: 100, ..Retry::default() };
        assert_eq!(retry.wait(99, &status(500)), Some(Duration::from_secs(60)));
    }

    #[test]
    fn what_may_be_asked_again_is_temporary() {
        let check = |error: ModelError, expected: bool| {
            assert_eq!(Retry::default().wait(0, &error).is_some(), expected, "{error}");
        };
        for code in [408, 409, 429, 500, 502, 503, 504, 529] {
            check(status(code), true);
        }
        for code in [200, 400, 401, 403, 404, 413, 422, 501] {
            check(status(code), false);
        }
        check(ModelError::new("the stream broke off"), false);
        check(ModelError::new("connection refused").transient(), true);
        check(status(400).transient(), false);
        check(status(429).code("rate_limit_exceeded"), true);
        check(status(429).code("insufficient_quota"), false);
    }

    #[test]
    fn who_never_repeats_asks_once() {
        assert_eq!(Retry::never().wait(0, &status(503)), None);
    }
}
