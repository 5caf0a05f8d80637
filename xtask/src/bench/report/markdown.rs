//! The figures as Markdown tables, and their plots.

use std::fmt::Write as _;

use serde_json::Value;

use crate::bench::{
    growth::{self, Growth},
    judge,
    plot::{Bar, Line, bars, lines, number},
    report::Report,
    row::{Axis, Goal, Row},
    rows::ROWS,
};

/// Writes everything that was measured; plots lie below `folder`.
pub(super) fn whole(report: &Report, folder: &str) -> String {
    let mut text = format!("# Every figure\n\n{}{METHOD}\n{}", runs(report), about(report));
    for row in ROWS {
        let entries = report.of(row);
        if !entries.is_empty() {
            section(&mut text, row, &entries, folder);
        }
    }
    text
}

/// What the figures were measured with, as a list.
pub(super) fn about(report: &Report) -> String {
    let facts = report.facts.iter().map(|fact| format!("- {fact}\n"));
    ["\n".to_owned()].into_iter().chain(facts).collect()
}

/// Which run the figures are from, or which runs, for the first lines.
pub(super) fn runs(report: &Report) -> String {
    let runs: Vec<String> = report.runs().into_iter().map(|run| format!("**Measured in {run}.**\n\n")).collect();
    runs.concat()
}

fn section(text: &mut String, row: &Row, entries: &[&Value], folder: &str) {
    let words = [row.era, row.mode].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
    let words = if words.is_empty() { words } else { format!(" ({words})") };
    let _ = write!(text, "\n## {}\n\n{}{words}\n\n{}", row.name, row.work, table(row, entries));
    let grown: Vec<String> = entries.iter().filter_map(|entry| grown(entry)).collect();
    if !grown.is_empty() {
        let _ = write!(text, "\nGrowth with {}: {}.\n", row.axis.label(), grown.join(", "));
    }
    for line in remarks(row, entries) {
        let _ = write!(text, "\n{line}\n");
    }
    if plot(row, entries).is_some() {
        let _ = write!(text, "\n![{}]({folder}{}.svg)\n", row.work, row.name);
    }
}

/// What is said below a table: what is different, and why a target is missed.
pub(super) fn remarks(row: &Row, entries: &[&Value]) -> Vec<String> {
    let is_missed = entries.iter().any(|entry| entry["met"] == false);
    let missed = if row.missed.is_empty() { "the target is missed; there is no reason yet." } else { row.missed };
    let mut remarks = Vec::new();
    remarks.extend((!row.note.is_empty()).then(|| row.note.to_owned()));
    remarks.extend(is_missed.then(|| format!("**Missed**: {missed}")));
    remarks
}

pub(super) fn grown(entry: &Value) -> Option<String> {
    let points = usize::try_from(entry["growth_points"].as_u64()?).ok()?;
    let growth = Growth { exponent: entry["growth"].as_f64()?, points };
    Some(format!("{} {}", entry["subject"].as_str()?, growth::words(growth)))
}

/// A table with those columns that say something.
fn table(row: &Row, entries: &[&Value]) -> String {
    let heads = [
        "subject",
        row.axis.label(),
        row.figure(),
        "rounds differ by",
        "p50 µs",
        "p99 µs",
        "peak MiB",
        "× limit",
        "× rmcp",
        "× ours",
        "target",
        "met",
    ];
    let lines: Vec<[String; 12]> = entries.iter().map(|entry| cells(row, entry)).collect();
    let is_used = |column: usize| lines.iter().any(|line| !line[column].is_empty());
    let columns: Vec<usize> = (0..heads.len()).filter(|column| is_used(*column)).collect();
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(columns.iter().map(|&column| heads[column]).collect());
    text.push_str(&line(columns.iter().map(|_| "---").collect()));
    for cells in &lines {
        text.push_str(&line(columns.iter().map(|&column| cells[column].as_str()).collect()));
    }
    text
}

fn cells(row: &Row, entry: &Value) -> [String; 12] {
    let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let shown = |value: &Value, times: f64| value.as_f64().map(|value| number(value * times)).unwrap_or_default();
    let ratio = |value: &Value| value.as_f64().map(times).unwrap_or_default();
    let note = word("note").replace('|', "/");
    let figure = match entry["figure"].as_f64() {
        Some(figure) => {
            let details: Vec<String> = row
                .goals
                .iter()
                .filter_map(|goal| detail(goal, entry))
                .chain((!note.is_empty()).then_some(note))
                .collect();
            let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
            number(figure) + &details
        }
        None => format!("– {note}"),
    };
    [
        word("subject"),
        entry["point"].as_f64().map(number).unwrap_or_default(),
        figure,
        spread(entry),
        shown(&entry["wall_us_p50"], 1.0),
        shown(&entry["wall_us_p99"], 1.0),
        shown(&entry["peak_kib"], 1.0 / 1024.0),
        ratio(&entry["ratio_to_limit"]),
        ratio(&entry["ratio_to_rmcp"]),
        ratio(&entry["ratios"]["ours"]),
        word("target"),
        met(entry),
    ]
}

/// How far the rounds lie apart; nothing when there were none.
pub(super) fn spread(entry: &Value) -> String {
    let spread = entry["spread"].as_f64().filter(|_| entry["figure"].is_number());
    spread.map_or_else(String::new, |spread| format!("{:.0} %", spread * 100.0))
}

/// Writes a ratio: a small one with as many digits as say something.
pub(super) fn times(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.3}") } else { format!("{ratio:.2}") }
}

/// What a goal bounds beside the figure.
pub(super) fn detail(goal: &Goal, entry: &Value) -> Option<String> {
    let Goal::Most(detail, _) = goal else { return None };
    let value = entry["told"][*detail].as_f64().filter(|value| Some(*value) != entry["figure"].as_f64())?;
    Some(format!("{} {}", judge::detail_name(detail), number(value)))
}

/// The verdict in a word.
pub(super) fn met(entry: &Value) -> String {
    let met = match (entry["met"].as_bool(), entry["target"] == "") {
        (Some(true), _) => "yes",
        (Some(false), _) => "**no**",
        (None, true) => "",
        (None, false) => "not measured",
    };
    if entry["within_noise"] == true { format!("{met}, within the noise") } else { met.to_owned() }
}

/// Draws a row; nothing when nothing was measured.
pub(super) fn plot(row: &Row, entries: &[&Value]) -> Option<String> {
    let drawn: Vec<(&str, u64, f64)> = entries
        .iter()
        .filter_map(|entry| {
            let point = entry["point"].as_u64().unwrap_or_default();
            Some((entry["subject"].as_str()?, point, entry["figure"].as_f64()?))
        })
        .collect();
    if drawn.is_empty() {
        return None;
    }
    let title = format!("{}{}", row.work, if row.mode.is_empty() { String::new() } else { format!(" ({})", row.mode) });
    if !row.is_curve() {
        let bar = |&(subject, _, value): &(&str, u64, f64)| Bar { label: subject.to_owned(), value };
        return Some(bars(&title, row.figure(), &drawn.iter().map(bar).collect::<Vec<_>>()));
    }
    let line = |subject: &&'static str| {
        let own = drawn.iter().filter(|(of, ..)| of == subject);
        let points = own.map(|&(_, point, figure)| (point as f64, growth::whole(row, point, figure)));
        Line { label: (*subject).to_owned(), points: points.collect() }
    };
    let all: Vec<Line> = row.subjects.iter().map(line).collect();
    // What is told of each session grows only when all of them grow faster than they should; the sum is the curve.
    let unit = if matches!(row.axis, Axis::Sessions | Axis::Streams) { "KiB in all" } else { row.figure() };
    Some(lines(&title, row.axis.label(), unit, &all))
}

/// How to read the tables.
const METHOD: &str = "Server and load share one core, so latencies hold the time of both. A figure is the best of all \
rounds; *rounds differ by* says how much more the worst of them was. CPU time is that of the server's threads, from the \
operating system (of a client: its own); threads that end while it is measured are not in it, and all subjects serve with \
threads that stay. `× limit`, `× rmcp` and `× ours` are each the median of the ratios of the rounds, in which the subjects \
take turns, so they are not always those of the figures; of rmcp its best mode counts. A target is judged by that median; \
*within the noise* says that some rounds lie on its other side. Whoever is above 1.00 in `× ours` needs more than we do.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::tests::report;

    #[test]
    fn every_line_of_a_table_has_as_many_cells_as_its_head() {
        for name in ["http-echo", "tools", "instructions"] {
            let text = whole(&report(&[name], 1.0), "speed/");
            let table: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
            let bars = |line: &str| line.matches('|').count();
            assert!(table.len() > 4 && table.iter().all(|line| bars(line) == bars(table[0])), "{text}");
        }
    }

    #[test]
    fn a_curve_says_how_it_grows_and_a_missed_target_why() {
        let text = whole(&report(&["http-echo", "tools"], 1.0), "");
        assert!(text.contains("Growth with registered tools: ours flat (exponent 0.00, 3 points)"), "{text}");
        assert_eq!(text.matches("**Missed**").count(), 1, "{text}");
    }
}
