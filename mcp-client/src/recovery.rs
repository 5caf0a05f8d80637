//! What to try once more, and what never (V-33, V-60, H-37, HL-10, F51).
//!
//! Pure. The surprising thing: after a lost session a new one is begun for every request, but only those that change
//! nothing are asked again; whether a tool ran before the session ended, nobody here can know.

use mcp_transport::Error as WireError;
use mcp_types::{ErrorCode, Features, Revision, method};

use crate::era::probe::{self, Medium, Outcome};
use crate::era::{choose, modern};

/// What can be done about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Ask again in this revision.
    Version(Revision),
    /// Read the list of tools again and mirror the arguments anew.
    ParamHeaders,
    /// Find out what the server speaks, which the caller was wrong about; ask again if it is the other era.
    Probe,
    /// Begin a new session; then ask again, when that is safe.
    Session { ask_again: bool },
}

/// Remembers which of the remedies were taken; each is taken once for one request.
#[derive(Debug, Default)]
pub(crate) struct Remedies {
    version: bool,
    param_headers: bool,
    probe: bool,
    session: bool,
}

/// What decides besides the outcome.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) method: &'a str,
    pub(crate) spoken: Revision,
    /// Whether the caller said so and nobody asked the server.
    pub(crate) is_assumed: bool,
    pub(crate) medium: Medium,
    /// The revisions that the client may speak.
    pub(crate) wanted: &'a [Revision],
}

impl Remedies {
    /// Returns what to do about an outcome; `None` when it is to be reported as it is.
    pub(crate) fn against(&mut self, outcome: &Outcome, situation: Situation<'_>) -> Option<Recovery> {
        match outcome {
            Ok(Err(error)) if error.code == ErrorCode::UNSUPPORTED_PROTOCOL_VERSION && !self.version => {
                let wanted: Vec<Revision> =
                    situation.wanted.iter().copied().filter(|revision| !has_session(*revision)).collect();
                let revision = choose(&modern::supported(error)?, &wanted)?;
                self.version = !has_session(situation.spoken);
                self.version.then_some(Recovery::Version(revision))
            }
            Ok(Err(error)) if error.code == ErrorCode::HEADER_MISMATCH && !self.param_headers => {
                self.param_headers = situation.method == "tools/call" && situation.medium == Medium::Http;
                self.param_headers.then_some(Recovery::ParamHeaders)
            }
            Err(WireError::SessionEnded) if !self.session => {
                self.session = has_session(situation.spoken);
                self.session.then(|| {
                    let ask_again = method::entry(situation.method).is_some_and(|entry| entry.is_repeatable);
                    Recovery::Session { ask_again }
                })
            }
            outcome if situation.is_assumed && !self.probe && probe::is_wrong_era(outcome, situation.medium) => {
                self.probe = true;
                Some(Recovery::Probe)
            }
            _ => None,
        }
    }
}

fn has_session(revision: Revision) -> bool {
    revision.features().has(Features::SESSION)
}

#[cfg(test)]
mod tests {
    use mcp_types::{RawJson, RpcError};

    use super::*;

    const R4: Revision = Revision::V2025_11_25;
    const R5: Revision = Revision::V2026_07_28;

    fn situation(method: &str, spoken: Revision) -> Situation<'_> {
        Situation { method, spoken, is_assumed: false, medium: Medium::Http, wanted: &Revision::ALL }
    }

    fn unsupported(versions: &[&str]) -> Outcome {
        let data = RawJson::parse(format!(r#"{{"supported":{versions:?},"requested":"x"}}"#)).unwrap();
        Ok(Err(RpcError::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, "x").data(data)))
    }

    #[test]
    fn an_unsupported_version_is_answered_once_by_a_mutual_modern_one() {
        let mut remedies = Remedies::default();
        let outcome = unsupported(&["2026-07-28", "2025-11-25"]);
        assert_eq!(remedies.against(&outcome, situation("tools/call", R5)), Some(Recovery::Version(R5)));
        assert_eq!(remedies.against(&outcome, situation("tools/call", R5)), None);
    }

    #[test]
    fn without_a_mutual_modern_version_the_error_is_reported() {
        let check = |versions: &[&str], spoken| {
            let found = Remedies::default().against(&unsupported(versions), situation("tools/list", spoken));
            assert_eq!(found, None, "{versions:?}");
        };
        check(&["2025-11-25"], R5);
        check(&["2031-01-01"], R5);
        check(&[], R5);
        check(&["2026-07-28"], R4);
    }

    #[test]
    fn a_header_mismatch_of_a_tool_call_over_http_is_answered_once_by_a_fresh_list() {
        let mismatch: Outcome = Ok(Err(RpcError::new(ErrorCode::HEADER_MISMATCH, "x")));
        let mut remedies = Remedies::default();
        let call = situation("tools/call", R5);
        assert_eq!(remedies.against(&mismatch, call), Some(Recovery::ParamHeaders));
        assert_eq!(remedies.against(&mismatch, call), None);
        assert_eq!(Remedies::default().against(&mismatch, situation("tools/list", R5)), None);
        let over_pipe = Situation { medium: Medium::Stream, ..call };
        assert_eq!(Remedies::default().against(&mismatch, over_pipe), None);
    }

    #[test]
    fn a_lost_session_is_begun_anew_once_and_only_safe_requests_are_repeated() {
        let check = |method, ask_again| {
            let mut remedies = Remedies::default();
            let lost: Outcome = Err(WireError::SessionEnded);
            assert_eq!(
                remedies.against(&lost, situation(method, R4)),
                Some(Recovery::Session { ask_again }),
                "{method}"
            );
            assert_eq!(remedies.against(&lost, situation(method, R4)), None, "{method}");
        };
        for method in ["tools/list", "prompts/list", "resources/list", "resources/read", "ping"] {
            check(method, true);
        }
        for method in ["tools/call", "vendor/thing", "tasks/cancel"] {
            check(method, false);
        }
    }

    #[test]
    fn a_refusal_of_a_server_that_nobody_asked_leads_to_the_probe_once() {
        let assumed = Situation { is_assumed: true, ..situation("tools/list", R5) };
        let mut remedies = Remedies::default();
        let refusal = || -> Outcome { Ok(Err(RpcError::invalid_request("not initialized"))) };
        assert_eq!(remedies.against(&refusal(), assumed), Some(Recovery::Probe));
        assert_eq!(remedies.against(&refusal(), assumed), None);
        assert_eq!(Remedies::default().against(&refusal(), situation("tools/list", R5)), None);
        let of_the_handler: Outcome = Ok(Err(RpcError::invalid_params("no such tool")));
        assert_eq!(Remedies::default().against(&of_the_handler, assumed), None, "it may have been carried out");
    }

    #[test]
    fn nothing_else_is_tried_twice() {
        let check = |outcome: Outcome| {
            assert_eq!(Remedies::default().against(&outcome, situation("tools/list", R4)), None, "{outcome:?}");
        };
        check(Ok(Ok(RawJson::empty_object())));
        check(Ok(Err(RpcError::internal("x"))));
        check(Err(WireError::Closed));
        assert_eq!(Remedies::default().against(&Err(WireError::SessionEnded), situation("tools/list", R5)), None);
    }
}
