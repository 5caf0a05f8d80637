//! Our gate: what makes a scenario green.
//!
//! The suite counts a scenario as passed when nothing failed, so a client that does nothing passes some of them. Here a
//! scenario needs a success, has neither failure nor warning, and skips only what is written down with a reason.

use std::fmt;

use crate::{
    conformance::{
        checks::{Check, Status},
        scenarios::{Scenario, Side},
    },
    process::{Outcome, Red},
};

/// What came of running one scenario, before it is judged.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) checks: Vec<Check>,
    /// Whether the suite came to its end and wrote the checks.
    pub(crate) is_whole: bool,
    /// What went wrong beside the checks: a timeout, an exit code, a result that cannot be read.
    pub(crate) troubles: Vec<String>,
}

/// What we think of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// All that it has was skipped, and may be. It is neither passed nor red.
    Skipped,
    /// It is red, for these reasons.
    Red(Vec<String>),
}

/// A check that may be skipped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skip {
    revision: String,
    side: Side,
    scenario: String,
    /// The name of the check; its id may be that of others too.
    check: String,
    reason: String,
}

impl Skip {
    fn allows(&self, scenario: &Scenario, check: &Check) -> bool {
        self.is_of(scenario) && self.check == check.name
    }

    fn is_of(&self, scenario: &Scenario) -> bool {
        self.revision == scenario.revision && self.side == scenario.side && self.scenario == scenario.name
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, side, scenario, check, reason } = self;
        write!(f, "{revision} {} `{scenario}` {check}: {reason}", side.name())
    }
}

/// Reads the list of the checks that may be skipped.
///
/// # Errors
///
/// When a line is not of five parts, or gives no reason.
pub(crate) fn skips(text: &str) -> Outcome<Vec<Skip>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let skips = lines.map(|line| {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        skip(&parts).ok_or_else(|| Red::new(format!("the list of skips has a line that is none: {line}")))
    });
    skips.collect()
}

fn skip(parts: &[&str]) -> Option<Skip> {
    let &[revision, side, scenario, check, reason] = parts else { return None };
    let [revision, scenario, check, reason] = [revision, scenario, check, reason].map(str::to_owned);
    let side = Side::parse(side)?;
    (!reason.is_empty() && !check.is_empty()).then_some(Skip { revision, side, scenario, check, reason })
}

/// Judges one scenario.
pub(crate) fn judge(scenario: &Scenario, ran: &Ran, skips: &[Skip]) -> Verdict {
    let mut reasons = ran.troubles.clone();
    let mut successes = 0_usize;
    let mut forgiven = 0_usize;
    for check in &ran.checks {
        match check.status {
            Status::Success => successes += 1,
            Status::Info => {}
            Status::Skipped if skips.iter().any(|skip| skip.allows(scenario, check)) => forgiven += 1,
            Status::Failure | Status::Warning | Status::Skipped => reasons.push(describe(check)),
        }
    }
    if !reasons.is_empty() {
        return Verdict::Red(reasons);
    }
    match (successes, forgiven) {
        (0, 0) => Verdict::Red(vec!["no check of it is a success, so nothing is proven".to_owned()]),
        (0, _) => Verdict::Skipped,
        _ => Verdict::Passed,
    }
}

fn describe(check: &Check) -> String {
    let Check { id, name, status, message } = check;
    let message = message.trim();
    if id == name {
        format!("{} {id}: {message}", status.name())
    } else {
        format!("{} {id} ({name}): {message}", status.name())
    }
}

/// Returns whether the suite itself counts the scenario as passed: no check failed, whatever else happened.
pub(crate) fn is_passed_by_the_suite(ran: &Ran) -> bool {
    ran.is_whole && ran.checks.iter().all(|check| check.status != Status::Failure)
}

/// Returns the lines of the list that a scenario did not need, though it is not red.
pub(crate) fn unneeded<'a>(scenario: &Scenario, ran: &Ran, skips: &'a [Skip]) -> Vec<&'a Skip> {
    let is_needed =
        |skip: &Skip| ran.checks.iter().any(|check| check.status == Status::Skipped && skip.allows(scenario, check));
    skips.iter().filter(|skip| skip.is_of(scenario) && !is_needed(skip)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::scenarios::Set;

    fn scenario() -> Scenario {
        Scenario {
            revision: "2026-07-28".to_owned(),
            side: Side::Client,
            set: Set::Scored,
            name: "http-standard-headers".to_owned(),
        }
    }

    fn ran(statuses: &[(&str, Status)]) -> Ran {
        let checks = statuses.iter().map(|&(name, status)| Check {
            id: "sep".to_owned(),
            name: name.to_owned(),
            status,
            message: "why".to_owned(),
        });
        Ran { checks: checks.collect(), is_whole: true, troubles: Vec::new() }
    }

    fn allowed() -> Vec<Skip> {
        skips("# why\n2026-07-28 | client | http-standard-headers | Row | there is no such row\n").unwrap()
    }

    fn judged(statuses: &[(&str, Status)]) -> Verdict {
        judge(&scenario(), &ran(statuses), &allowed())
    }

    #[test]
    fn successes_and_remarks_are_green() {
        assert_eq!(judged(&[("A", Status::Success), ("B", Status::Info)]), Verdict::Passed);
    }

    #[test]
    fn one_failure_or_warning_is_red_beside_any_number_of_successes() {
        for status in [Status::Failure, Status::Warning] {
            let expected = Verdict::Red(vec![format!("{} sep (B): why", status.name())]);
            assert_eq!(judged(&[("A", Status::Success), ("B", status), ("C", Status::Success)]), expected);
        }
    }

    #[test]
    fn a_scenario_without_a_success_is_red_even_when_nothing_failed() {
        assert!(matches!(judged(&[]), Verdict::Red(_)));
        assert!(matches!(judged(&[("A", Status::Info)]), Verdict::Red(_)));
    }

    #[test]
    fn a_skipped_check_is_red_unless_the_list_names_it_for_this_scenario() {
        assert!(matches!(judged(&[("A", Status::Success), ("B", Status::Skipped)]), Verdict::Red(_)));
        assert_eq!(judged(&[("A", Status::Success), ("Row", Status::Skipped)]), Verdict::Passed);
        let other = Scenario { revision: "2025-11-25".to_owned(), ..scenario() };
        let ran = ran(&[("A", Status::Success), ("Row", Status::Skipped)]);
        assert!(matches!(judge(&other, &ran, &allowed()), Verdict::Red(_)));
    }

    #[test]
    fn a_scenario_that_is_all_skipped_is_not_passed() {
        assert_eq!(judged(&[("Row", Status::Skipped)]), Verdict::Skipped);
    }

    #[test]
    fn trouble_beside_the_checks_is_red() {
        let mut ran = ran(&[("A", Status::Success)]);
        ran.troubles.push("not done in 60 s".to_owned());
        assert_eq!(judge(&scenario(), &ran, &[]), Verdict::Red(vec!["not done in 60 s".to_owned()]));
        assert!(is_passed_by_the_suite(&ran));
    }

    #[test]
    fn a_run_that_was_cut_off_is_passed_by_nobody() {
        let ran = Ran { troubles: vec!["not done in 60 s".to_owned()], ..Ran::default() };
        assert!(!is_passed_by_the_suite(&ran));
        assert!(matches!(judge(&scenario(), &ran, &[]), Verdict::Red(_)));
    }

    #[test]
    fn a_line_of_the_list_that_nothing_needs_is_found() {
        let skips = allowed();
        let needed = ran(&[("A", Status::Success), ("Row", Status::Skipped)]);
        assert_eq!(unneeded(&scenario(), &needed, &skips), Vec::<&Skip>::new());
        let outgrown = ran(&[("A", Status::Success), ("Row", Status::Success)]);
        assert_eq!(unneeded(&scenario(), &outgrown, &skips), [&skips[0]]);
    }

    #[test]
    fn a_skip_without_a_reason_is_an_error() {
        for line in ["2026-07-28 | client | a | B |", "2026-07-28 | client | a | B", "2026-07-28 | proxy | a | B | c"] {
            assert!(skips(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_list_of_the_project_names_only_scenarios_that_are_run() {
        use crate::conformance::scenarios::table;
        let table = table(include_str!("../../conformance/scenarios.txt")).unwrap();
        for skip in skips(include_str!("../../conformance/skips.txt")).unwrap() {
            assert!(table.iter().any(|scenario| skip.is_of(scenario)), "{skip:?}");
        }
    }
}
