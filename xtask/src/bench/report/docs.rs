//! The chapters of the book: a summary that is short, and every figure.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    bench::{
        plot::number,
        report::{Report, markdown, write_plots},
        row::{Goal, Row},
        rows::ROWS,
    },
    install,
    process::{Outcome, Red},
    workspace::root,
};

/// Writes the chapters from what was measured last.
///
/// # Errors
///
/// When a row was never measured, when rows are of more than one run, or a file cannot be written.
pub(crate) fn write(report: &Report) -> Outcome {
    let missing: Vec<&str> = ROWS.iter().filter(|row| report.of(row).is_empty()).map(|row| row.name).collect();
    if !missing.is_empty() {
        let missing = missing.join(" ");
        return Err(Red::new(format!(
            "the book shows whole reports, and these rows were not measured: {missing}; {HOW}"
        )));
    }
    let runs: Vec<&str> = report.runs().into_iter().collect();
    if runs.len() != 1 {
        let runs = runs.join(" | ");
        return Err(Red::new(format!("the book shows one run, and this report has rows of more: {runs}; {HOW}")));
    }
    let book = root().join("docs/src");
    install::fresh(&book.join(PLOTS))?;
    install::write(&book.join("speed.md"), &summary(report))?;
    install::write(&book.join("speed-figures.md"), &markdown::whole(report, &format!("{PLOTS}/")))?;
    write_plots(report, &book.join(PLOTS))
}

/// The chapter that everybody reads.
fn summary(report: &Report) -> String {
    let judged = || ROWS.iter().filter(|row| !row.goals.is_empty());
    let mut text = format!(
        "# Speed\n\n{}{INTRODUCTION}{}\n## Targets\n\n{TABLE_HEAD}",
        markdown::runs(report),
        markdown::about(report)
    );
    for row in judged() {
        report.of(row).into_iter().filter(|entry| entry["target"] != "").for_each(|entry| {
            text.push_str(&line(row, entry));
        });
    }
    for name in PICTURES {
        let _ = write!(text, "\n![{name}]({PLOTS}/{name}.svg)\n");
    }
    text.push_str("\n## Growth\n\n| work | with | ours | others |\n|---|---|---|---|\n");
    for row in ROWS.iter().filter(|row| row.is_curve()) {
        let entries = report.of(row);
        let grown = |is_ours: bool| {
            let entries = entries.iter().filter(|entry| (entry["subject"] == "ours") == is_ours);
            entries.filter_map(|entry| markdown::grown(entry)).collect::<Vec<_>>().join("; ")
        };
        let ours = grown(true);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            row.work,
            row.axis.label(),
            ours.trim_start_matches("ours "),
            grown(false)
        );
    }
    let missed: Vec<String> = judged()
        .filter(|row| report.of(row).iter().any(|entry| entry["met"] == false))
        .map(|row| format!("- [{}](speed-figures.md#{}): {}\n", row.work, row.name, reason(row)))
        .collect();
    if !missed.is_empty() {
        let _ = write!(text, "\n## What is missed, and why\n\n{}", missed.concat());
    }
    text.push_str(FAIRNESS);
    text
}

fn reason(row: &Row) -> &'static str {
    if row.missed.is_empty() { "no reason is known yet." } else { row.missed }
}

/// One target: our figure, what it is held against, and the verdict.
fn line(row: &Row, entry: &Value) -> String {
    let figure = entry["figure"].as_f64().map_or_else(
        || format!("not measured: {}", entry["note"].as_str().unwrap_or_default().replace('|', "/")),
        |figure| format!("{} {}", number(figure), unit(row)),
    );
    let details: String =
        row.goals.iter().filter_map(|goal| Some(format!(", {}", markdown::detail(goal, entry)?))).collect();
    let point =
        entry["point"].as_f64().map(|point| format!(", {} {}", number(point), row.axis.label())).unwrap_or_default();
    let named = |name: &str, ratio: &Value| ratio.as_f64().map(|ratio| format!("{} × {name}", markdown::times(ratio)));
    let mut ratios = vec![named("limit", &entry["ratio_to_limit"]), named("rmcp", &entry["ratio_to_rmcp"])];
    ratios.extend(row.goals.iter().filter_map(|goal| match goal {
        Goal::Ratio(base, _) if !["limit", "rmcp"].contains(base) => Some(named(base, &entry["ratios"][*base])),
        _ => None,
    }));
    let others = ["typescript", "python"];
    let is_steady = |name: &&str| entry["ratio_spreads"][*name].as_f64().is_some_and(|spread| spread <= MOST_SPREAD);
    ratios.extend(others.iter().filter(|name| is_steady(name)).map(|name| named(name, &entry["ratios"][*name])));
    let ratios: Vec<String> = ratios.into_iter().flatten().collect();
    let era = if row.era.is_empty() { String::new() } else { format!(", {}", row.era) };
    format!(
        "| [{}](speed-figures.md#{}) ({}{era}){point} | {figure}{details} | {} | {} | {} | {} |\n",
        row.work,
        row.name,
        row.mode,
        markdown::spread(entry),
        ratios.join(", "),
        entry["target"].as_str().unwrap_or_default(),
        markdown::met(entry)
    )
}

/// The unit alone.
fn unit(row: &Row) -> &'static str {
    match row.figure() {
        "CPU µs per request" => "CPU µs",
        "instructions per call" => "instructions",
        "CPU s of a clean build" => "CPU s",
        "ms to the first answer" => "ms",
        other => other,
    }
}

/// How a report comes about that the book can show.
const HOW: &str =
    "`cargo xtask bench --write-docs` measures all rows in one run and writes the book, with `--quick` roughly";
/// A ratio to an interpreted peer is left out of the summary when its rounds lie further apart.
const MOST_SPREAD: f64 = 0.5;
const PLOTS: &str = "speed";
/// The rows whose plots are shown to everybody.
const PICTURES: [&str; 3] = ["http-echo", "stdio-echo-modern-64", "sessions"];
const TABLE_HEAD: &str =
    "| work | ours | rounds differ by | in comparison | target | met |\n|---|---|---|---|---|---|\n";
const INTRODUCTION: &str = "What a request costs is measured, beside the official SDKs and beside a limit: a bare hyper, or a \
bare reader of lines, that parses the same JSON, checks nothing and answers. `cargo xtask bench` measures them in turn, in \
one run, with a load generator that knows no SDK and checks every answer. Server and load share one core. The figure is CPU \
time, since that is what a server costs and what a busy machine does not change much; [every figure](speed-figures.md) has \
its latencies beside it. *In comparison* is the median of the ratios of the rounds; it is left out for an interpreted peer \
whose ratios differ by more than 50 %. A target is judged by that median, and *within the noise* says that some rounds lie \
on its other side. \
Both chapters are written by `cargo xtask bench --write-docs`.\n";
const FAIRNESS: &str = r#"
## What is compared

- Ours is the server of the README with its default settings: arguments checked, limits on, names and headers looked at,
  both eras. It is built by itself, as a user builds it. Three settings differ: a page of a list holds
  all tools, so that the list is one answer as it is with the peers; and for counting memory alone new sessions are not paced
  (50 in a second are the default), and lists may change where streams are counted, since nobody listens otherwise.
- rmcp is written as its README does and, where that leaves a choice, in the faster way: a router made once, hyper without
  a framework, `TCP_NODELAY`, JSON answers without sessions beside its default, its faster pipes beside `stdio()`. Its best
  mode is what we are held against. It is built with the same profile and runs on the same runtime: Tokio with as many
  workers as it has cores, which is one.
- The SDKs for TypeScript and Python are at their defaults, each at its newest release; they are interpreted, and are warmed up
  for longer: once for each server that is started. The handler of the TypeScript SDK keeps no sessions unless a program does.
- Peers are not asked to do less: each answer is checked. They check less by themselves in places: rmcp holds arguments
  against no schema, but reads them into the type of the tool.
- A server and the load share one core, so that no figure depends on where the system puts them. The limits are no
  products: they keep nothing, and check nothing but that the client hears what it said. The line server and the client, each alone on a runtime without workers,
  write once for all that they have read, and the client's requests are text before the first is sent.
- Memory is what is resident, divided by how many there are, from the sixty-fifth on. A build is that of the program in the
  README with its dependencies, without the time to fetch them.
- Instructions are counted by valgrind's callgrind, without those of the kernel; `cargo xtask bench callgrind` holds them
  against committed counts, and more than 3 % above fails `cargo xtask ci`.
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::tests::report;

    #[test]
    fn the_summary_of_a_whole_report_is_short_and_leads_to_every_target() {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        let text = summary(&report(&names, 1.0));
        assert!(text.lines().count() <= 150, "{}", text.lines().count());
        for row in ROWS.iter().filter(|row| !row.goals.is_empty()) {
            assert!(text.contains(&format!("(speed-figures.md#{})", row.name)), "{}", row.name);
        }
        assert!(PICTURES.iter().all(|name| names.contains(name)));
        let bars = |line: &&str| line.matches('|').count();
        assert!(text.lines().filter(|line| line.starts_with('|')).all(|line| [5, 7].contains(&bars(&line))));
    }

    #[test]
    fn the_first_lines_say_which_run_it_is_and_a_row_that_failed_says_why() {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        let mut report = report(&names, 1.0);
        for text in [summary(&report), markdown::whole(&report, "")] {
            assert_eq!(text.lines().nth(2), Some("**Measured in a quick run: today.**"));
        }
        let ours = report.entries.iter_mut().find(|entry| entry["subject"] == "ours").unwrap();
        ours["figure"] = Value::Null;
        ours["met"] = Value::Null;
        ours["note"] = "it | fell".into();
        let text = summary(&report);
        assert!(text.contains("| not measured: it / fell |"), "{text}");
    }

    #[test]
    fn a_ratio_to_an_interpreted_peer_that_is_not_steady_is_left_out() {
        let mut report = report(&["http-echo"], 1.0);
        let ours = report.entries.iter_mut().find(|entry| entry["subject"] == "ours").unwrap();
        assert!(line(&ROWS[0], ours).contains("1.00 × typescript"));
        ours["ratio_spreads"]["typescript"] = 0.51.into();
        assert!(!line(&ROWS[0], ours).contains("typescript"));
    }

    #[test]
    fn rows_of_two_runs_are_no_chapter() {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        let mut report = report(&names, 1.0);
        report.entries[0]["run"] = "yesterday".into();
        let error = write(&report).unwrap_err();
        assert!(error.message.contains("yesterday") && error.message.contains("--write-docs"), "{error}");
    }

    #[test]
    fn a_report_with_a_row_missing_is_no_chapter() {
        let error = write(&report(&["http-echo"], 1.0)).unwrap_err();
        assert!(error.message.contains("stdio-echo"), "{error}");
    }
}
