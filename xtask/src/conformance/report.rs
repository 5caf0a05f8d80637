//! Telling what came of a run: on the terminal, as JSON, and as a chapter of the book.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::conformance::{
    checks::Status,
    gate::{Skip, Verdict, is_passed_by_the_suite},
    official::Judged,
    scenarios::{Set, Side},
};

/// How many scenarios of one side, revision and set came out how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    passed: usize,
    /// Neither passed nor red.
    skipped: usize,
    total: usize,
    /// How many the suite itself counts as passed.
    by_the_suite: usize,
}

/// One line of the summary.
struct Line<'a> {
    side: Side,
    revision: &'a str,
    scored: Count,
    not_scored: Count,
}

impl Count {
    fn of<'a>(judged: impl Iterator<Item = &'a Judged>) -> Self {
        judged.fold(Self::default(), |count, judged| Self {
            passed: count.passed + usize::from(judged.verdict == Verdict::Passed),
            skipped: count.skipped + usize::from(judged.verdict == Verdict::Skipped),
            total: count.total + 1,
            by_the_suite: count.by_the_suite + usize::from(is_passed_by_the_suite(&judged.ran)),
        })
    }

    fn text(self) -> String {
        let Self { passed, skipped, total, .. } = self;
        match (total, skipped) {
            (0, _) => "-".to_owned(),
            (_, 0) => format!("{passed}/{total}"),
            _ => format!("{passed}/{total}, {skipped} skipped"),
        }
    }

    fn by_the_suite(self) -> String {
        if self.total == 0 { "-".to_owned() } else { format!("{}/{}", self.by_the_suite, self.total) }
    }

    fn json(self) -> Value {
        let Self { passed, skipped, total, by_the_suite } = self;
        json!({ "passed": passed, "skipped": skipped, "total": total, "passedByTheSuite": by_the_suite })
    }
}

fn lines(judged: &[Judged]) -> Vec<Line<'_>> {
    let mut keys: Vec<(Side, &str)> =
        judged.iter().map(|judged| (judged.scenario.side, judged.scenario.revision.as_str())).collect();
    keys.sort_unstable();
    keys.dedup();
    let count = |side, revision: &str, set| {
        let is_in = |judged: &&Judged| {
            let scenario = &judged.scenario;
            scenario.side == side && scenario.revision == revision && scenario.set == set
        };
        Count::of(judged.iter().filter(is_in))
    };
    let line = |(side, revision)| Line {
        side,
        revision,
        scored: count(side, revision, Set::Scored),
        not_scored: count(side, revision, Set::NotScored),
    };
    keys.into_iter().map(line).collect()
}

/// Writes one line for each side and revision.
pub(crate) fn summary(version: &str, judged: &[Judged]) -> String {
    let mut text = format!("\nofficial suite {version}, strict gate (in brackets: what the suite itself passes)\n");
    let row = |side: &str, revision: &str, scored: &str, not_scored: &str| {
        format!("{side:<8}{revision:<12}{scored:<22}{not_scored}\n")
    };
    text.push_str(&row("side", "revision", "scored", "not scored"));
    for line in lines(judged) {
        let cell = |count: Count| format!("{} ({})", count.text(), count.by_the_suite());
        text.push_str(&row(line.side.name(), line.revision, &cell(line.scored), &cell(line.not_scored)));
    }
    text
}

/// Writes every red scenario with its reasons, one reason per line.
pub(crate) fn failures(judged: &[Judged]) -> String {
    let mut text = String::new();
    for judged in judged {
        let Verdict::Red(reasons) = &judged.verdict else { continue };
        let _ = writeln!(text, "\nred: {} ({:.1} s)", judged.scenario, judged.time.as_secs_f64());
        for reason in reasons {
            let _ = writeln!(text, "  {}", shortened(reason).replace('\n', "\n  "));
        }
    }
    text
}

/// Writes the whole run for programs.
pub(crate) fn json(version: &str, judged: &[Judged]) -> String {
    let summary: Vec<Value> = lines(judged)
        .iter()
        .map(|line| {
            json!({
                "side": line.side.name(),
                "revision": line.revision,
                "scored": line.scored.json(),
                "notScored": line.not_scored.json(),
            })
        })
        .collect();
    let scenarios: Vec<Value> = judged.iter().map(scenario).collect();
    let report = json!({ "suite": version, "summary": summary, "scenarios": scenarios });
    format!("{report:#}\n")
}

fn scenario(judged: &Judged) -> Value {
    let (verdict, reasons) = words(&judged.verdict);
    let checks = judged.ran.checks.iter().filter(|check| check.status != Status::Info).map(
        |check| json!({ "id": check.id, "name": check.name, "status": check.status.name(), "message": check.message }),
    );
    json!({
        "side": judged.scenario.side.name(),
        "revision": judged.scenario.revision,
        "name": judged.scenario.name,
        "set": judged.scenario.set.name(),
        "verdict": verdict,
        "reasons": reasons,
        "seconds": judged.time.as_secs_f64(),
        "checks": checks.collect::<Vec<_>>(),
    })
}

fn words(verdict: &Verdict) -> (&'static str, &[String]) {
    match verdict {
        Verdict::Passed => ("passed", &[]),
        Verdict::Skipped => ("skipped", &[]),
        Verdict::Red(reasons) => ("red", reasons),
    }
}

/// Writes the chapter of the book. It has no times, so that it changes only when a result does.
pub(crate) fn markdown(version: &str, judged: &[Judged], skips: &[Skip]) -> String {
    let mut text = format!(
        "# Conformance report\n\nWritten by `cargo xtask conformance --official --write-docs` from a run of the official \
         suite, `@modelcontextprotocol/conformance` {version}, against the examples `everything_server` and \
         `everything_client`.\n\nA scenario passes here when no check of it is a failure or a warning, at least one is a \
         success, every skipped one is written down with a reason, and the client ends as the scenario allows, in time. \
         The suite itself asks only that nothing failed; its count is in brackets.\n\n\
         | side | revision | scored | not scored |\n|---|---|---|---|\n"
    );
    for line in lines(judged) {
        let cell = |count: Count| format!("{} ({})", count.text(), count.by_the_suite());
        let (side, revision) = (line.side.name(), line.revision);
        let _ = writeln!(text, "| {side} | {revision} | {} | {} |", cell(line.scored), cell(line.not_scored));
    }
    text.push_str(
        "\n## Scenarios\n\n| scenario | side | revision | set | checks | verdict |\n|---|---|---|---|---|---|\n",
    );
    for judged in judged {
        let scenario = &judged.scenario;
        let successes = judged.ran.checks.iter().filter(|check| check.status == Status::Success).count();
        let (name, side, revision, set) =
            (&scenario.name, scenario.side.name(), &scenario.revision, scenario.set.name());
        let verdict = words(&judged.verdict).0;
        let _ = writeln!(text, "| `{name}` | {side} | {revision} | {set} | {successes} | {verdict} |");
    }
    text.push_str("\n## What may be skipped\n\n");
    for skip in skips {
        let _ = writeln!(text, "- {skip}");
    }
    text
}

/// Cuts a reason that would fill the screen.
fn shortened(reason: &str) -> String {
    if reason.chars().count() <= REASON_CHARS {
        return reason.to_owned();
    }
    let start: String = reason.chars().take(REASON_CHARS).collect();
    format!("{start} ... (whole in report.json)")
}

/// How much of a reason is printed.
const REASON_CHARS: usize = 600;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::conformance::{checks::Check, gate::Ran, scenarios::Scenario};

    fn judged(side: Side, set: Set, name: &str, status: Status, verdict: Verdict) -> Judged {
        let check = Check { id: "a".to_owned(), name: "A".to_owned(), status, message: "why".to_owned() };
        let scenario = Scenario { revision: "2026-07-28".to_owned(), side, set, name: name.to_owned() };
        let ran = Ran { checks: vec![check], is_whole: true, troubles: Vec::new() };
        Judged { scenario, ran, verdict, time: Duration::from_millis(1500) }
    }

    fn some() -> Vec<Judged> {
        let red = Verdict::Red(vec!["WARNING a (A): why".to_owned()]);
        vec![
            judged(Side::Server, Set::Scored, "ping", Status::Success, Verdict::Passed),
            judged(Side::Server, Set::Scored, "caching", Status::Warning, red),
            judged(Side::Server, Set::NotScored, "tasks", Status::Skipped, Verdict::Skipped),
        ]
    }

    #[test]
    fn the_summary_counts_by_side_revision_and_set() {
        let text = summary("1", &some());
        let words: Vec<&str> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(words, ["server", "2026-07-28", "1/2", "(2/2)", "0/1,", "1", "skipped", "(1/1)"]);
    }

    #[test]
    fn a_red_scenario_is_told_with_its_reasons_and_a_green_one_is_not() {
        assert_eq!(failures(&some()), "\nred: 2026-07-28 server scored caching (1.5 s)\n  WARNING a (A): why\n");
    }

    #[test]
    fn the_json_report_holds_every_scenario_and_the_counts() {
        let report: Value = serde_json::from_str(&json("1", &some())).unwrap();
        assert_eq!(report["suite"], "1");
        assert_eq!(
            report["summary"][0]["scored"],
            json!({"passed": 1, "skipped": 0, "total": 2, "passedByTheSuite": 2})
        );
        assert_eq!(report["scenarios"][1]["verdict"], "red");
        assert_eq!(report["scenarios"][1]["reasons"], json!(["WARNING a (A): why"]));
        assert_eq!(report["scenarios"][2]["checks"][0]["status"], "SKIPPED");
    }

    #[test]
    fn the_chapter_has_every_scenario_and_no_time() {
        let text = markdown("1", &some(), &[]);
        assert!(text.contains("| server | 2026-07-28 | 1/2 (2/2) | 0/1, 1 skipped (1/1) |"), "{text}");
        assert!(text.contains("| `caching` | server | 2026-07-28 | scored | 0 | red |"), "{text}");
        assert!(!text.contains("1.5"), "{text}");
    }
}
