//! Telling what came of a run: on the terminal, as JSON, and as a chapter of the book.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::conformance::{
    checks::Status,
    gate::{Skip, Verdict, is_passed_by_the_suite},
    official::Judged,
    outside::Outside,
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
    /// How many were not run, because they are outside.
    outside: usize,
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

fn lines<'a>(judged: &'a [Judged], outside: &'a [Outside]) -> Vec<Line<'a>> {
    let left_out: Vec<_> = outside.iter().flat_map(|outside| &outside.scenarios).collect();
    let scenarios = judged.iter().map(|judged| &judged.scenario).chain(left_out.iter().copied());
    let mut keys: Vec<(Side, &str)> = scenarios.map(|scenario| (scenario.side, scenario.revision.as_str())).collect();
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
        outside: left_out.iter().filter(|scenario| scenario.side == side && scenario.revision == revision).count(),
    };
    keys.into_iter().map(line).collect()
}

/// Writes one line for each side and revision, and one for each reason why scenarios were not run.
pub(crate) fn summary(version: &str, judged: &[Judged], outside: &[Outside]) -> String {
    let mut text = format!("\nofficial suite {version}, strict gate (in brackets: what the suite itself passes)\n");
    let row = |side: &str, revision: &str, scored: &str, not_scored: &str, outside: &str| {
        format!("{side:<8}{revision:<12}{scored:<22}{not_scored:<26}{outside}\n")
    };
    text.push_str(&row("side", "revision", "scored", "not scored", "outside"));
    for line in lines(judged, outside) {
        let cell = |count: Count| format!("{} ({})", count.text(), count.by_the_suite());
        let (scored, not_scored, outside) = (cell(line.scored), cell(line.not_scored), or_dash(line.outside));
        text.push_str(&row(line.side.name(), line.revision, &scored, &not_scored, &outside));
    }
    for Outside { rule, scenarios } in outside {
        let (side, pattern) = (rule.side.name(), &rule.pattern);
        let _ = writeln!(text, "outside: {} ({side} `{pattern}`: {})", scenarios.len(), rule.reason);
    }
    text
}

fn or_dash(count: usize) -> String {
    if count == 0 { "-".to_owned() } else { count.to_string() }
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
pub(crate) fn json(version: &str, judged: &[Judged], outside: &[Outside]) -> String {
    let summary: Vec<Value> = lines(judged, outside)
        .iter()
        .map(|line| {
            json!({
                "side": line.side.name(),
                "revision": line.revision,
                "scored": line.scored.json(),
                "notScored": line.not_scored.json(),
                "outside": line.outside,
            })
        })
        .collect();
    let scenarios: Vec<Value> = judged.iter().map(scenario).collect();
    let outside: Vec<Value> = outside.iter().map(left_out).collect();
    let report = json!({ "suite": version, "summary": summary, "scenarios": scenarios, "outside": outside });
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

fn left_out(Outside { rule, scenarios }: &Outside) -> Value {
    let scenarios: Vec<Value> =
        scenarios.iter().map(|it| json!({ "revision": it.revision, "name": it.name, "set": it.set.name() })).collect();
    json!({
        "side": rule.side.name(),
        "pattern": rule.pattern,
        "reason": rule.reason,
        "count": scenarios.len(),
        "scenarios": scenarios,
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
pub(crate) fn markdown(version: &str, judged: &[Judged], outside: &[Outside], skips: &[Skip]) -> String {
    let mut text = format!(
        "# Conformance report\n\nWritten by `cargo xtask conformance --official --write-docs` from a run of the official \
         suite, `@modelcontextprotocol/conformance` {version}, against the examples `everything_server` and \
         `everything_client`.\n\nA scenario passes here when no check of it is a failure or a warning, at least one is a \
         success, every skipped one is written down with a reason, and the client ends as the scenario allows, in time. \
         The suite itself asks only that nothing failed; its count is in brackets. What is outside was not run; the end \
         of the page says why.\n\n\
         | side | revision | scored | not scored | outside |\n|---|---|---|---|---|\n"
    );
    for line in lines(judged, outside) {
        let cell = |count: Count| format!("{} ({})", count.text(), count.by_the_suite());
        let (side, revision, outside) = (line.side.name(), line.revision, or_dash(line.outside));
        let (scored, not_scored) = (cell(line.scored), cell(line.not_scored));
        let _ = writeln!(text, "| {side} | {revision} | {scored} | {not_scored} | {outside} |");
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
    if !outside.is_empty() {
        text.push_str("\n## What is outside\n\n");
    }
    for Outside { rule, scenarios } in outside {
        let (side, pattern) = (rule.side.name(), &rule.pattern);
        let _ = writeln!(text, "- {} of {side} `{pattern}`: {}", scenarios.len(), rule.reason);
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
    use crate::conformance::{checks::Check, gate::Ran, outside::Rule, scenarios::Scenario};

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

    fn left_out() -> Vec<Outside> {
        let reason = "no OAuth yet".to_owned();
        let rule = Rule { side: Side::Client, pattern: "auth/*".to_owned(), reason };
        let of = |revision: &str, name: &str| Scenario {
            revision: revision.to_owned(),
            side: Side::Client,
            set: Set::Scored,
            name: name.to_owned(),
        };
        let scenarios = vec![of("2025-11-25", "auth/dpop"), of("2026-07-28", "auth/a"), of("2026-07-28", "auth/b")];
        vec![Outside { rule, scenarios }]
    }

    #[test]
    fn what_is_outside_is_counted_beside_the_others_and_its_reason_is_told() {
        let text = summary("1", &some(), &left_out());
        let rows: Vec<Vec<&str>> = text.lines().rev().take(3).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(text.lines().last(), Some("outside: 3 (client `auth/*`: no OAuth yet)"));
        assert_eq!(rows[1], ["client", "2026-07-28", "-", "(-)", "-", "(-)", "2"]);
        assert_eq!(rows[2], ["client", "2025-11-25", "-", "(-)", "-", "(-)", "1"]);

        let report: Value = serde_json::from_str(&json("1", &some(), &left_out())).unwrap();
        let outside = &report["outside"][0];
        assert_eq!((&outside["count"], &outside["reason"]), (&json!(3), &json!("no OAuth yet")));
        assert_eq!(outside["scenarios"][1], json!({"revision": "2026-07-28", "name": "auth/a", "set": "scored"}));
        assert_eq!(report["scenarios"].as_array().unwrap().len(), 3);
        let counts: Vec<&Value> = report["summary"].as_array().unwrap().iter().map(|line| &line["outside"]).collect();
        assert_eq!(counts, [&json!(0), &json!(1), &json!(2)]);

        let chapter = markdown("1", &some(), &left_out(), &[]);
        assert!(chapter.contains("| client | 2026-07-28 | - (-) | - (-) | 2 |"), "{chapter}");
        assert!(chapter.ends_with("## What is outside\n\n- 3 of client `auth/*`: no OAuth yet\n"), "{chapter}");
    }

    #[test]
    fn the_summary_counts_by_side_revision_and_set() {
        let text = summary("1", &some(), &[]);
        let words: Vec<&str> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(words, ["server", "2026-07-28", "1/2", "(2/2)", "0/1,", "1", "skipped", "(1/1)", "-"]);
    }

    #[test]
    fn a_red_scenario_is_told_with_its_reasons_and_a_green_one_is_not() {
        assert_eq!(failures(&some()), "\nred: 2026-07-28 server scored caching (1.5 s)\n  WARNING a (A): why\n");
    }

    #[test]
    fn the_json_report_holds_every_scenario_and_the_counts() {
        let report: Value = serde_json::from_str(&json("1", &some(), &[])).unwrap();
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
        let text = markdown("1", &some(), &[], &[]);
        assert!(text.contains("| server | 2026-07-28 | 1/2 (2/2) | 0/1, 1 skipped (1/1) | - |"), "{text}");
        assert!(text.contains("| `caching` | server | 2026-07-28 | scored | 0 | red |"), "{text}");
        assert!(!text.contains("1.5"), "{text}");
    }
}
