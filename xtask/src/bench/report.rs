//! The reports: JSON for programs, Markdown with plots for the book.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, from_str, to_string_pretty};

use crate::{
    bench::{
        judge::{Verdict, entry},
        plot::{Bar, Line, bars, lines, number},
        row::{Axis, Goal, Row},
        rows::ROWS,
    },
    install,
    process::{Outcome, Red},
};

/// A row that was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) row: &'static Row,
    pub(crate) verdicts: Vec<Verdict>,
}

/// Writes `report.json`, `report.md` and the plots into a folder.
///
/// Rows that were not measured this time stay in the JSON as they were; the Markdown has what was measured now.
///
/// # Errors
///
/// When one cannot be written.
pub(crate) fn write(folder: &Path, measured: &[Measured]) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| Red::new(format!("cannot make {}: {error}", folder.display())))?;
    let json = folder.join("report.json");
    let old = fs::read_to_string(&json).ok().and_then(|text| from_str::<Vec<Value>>(&text).ok()).unwrap_or_default();
    let merged = merge(&old, measured);
    let text = to_string_pretty(&merged).map_err(|error| Red::new(format!("cannot write the report: {error}")))?;
    install::write(&json, &(text + "\n"))?;
    install::write(&folder.join("report.md"), &markdown(measured))?;
    for Measured { row, verdicts } in measured {
        if let Some(svg) = plot(row, verdicts) {
            install::write(&folder.join(format!("{}.svg", row.name)), &svg)?;
        }
    }
    Ok(())
}

/// The entries of rows that are measured now replace their old ones; all are in the order of the table.
fn merge(old: &[Value], measured: &[Measured]) -> Vec<Value> {
    let mut merged = Vec::new();
    for row in ROWS {
        match measured.iter().find(|measured| measured.row.name == row.name) {
            Some(measured) => merged.extend(measured.verdicts.iter().map(|verdict| entry(row, verdict))),
            None => merged.extend(old.iter().filter(|entry| entry["row"] == row.name).cloned()),
        }
    }
    merged
}

/// Writes the tables.
pub(crate) fn markdown(measured: &[Measured]) -> String {
    let mut text = String::from(
        "# Measured\n\nThe best of all rounds; behind ± how far the rounds lie apart. CPU time is that of the server's \
         threads, from the operating system (of a client: its own). Ratios compare figures of one run.\n",
    );
    for Measured { row, verdicts } in measured {
        let words = [row.era, row.mode].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
        let _ = write!(
            text,
            "\n## {}\n\n{}{}\n\n",
            row.name,
            row.work,
            if words.is_empty() { words } else { format!(" ({words})") }
        );
        let point = if row.is_curve() { format!(" {} |", row.axis.label()) } else { String::new() };
        let _ = writeln!(
            text,
            "| subject |{point} {} | ± | p50 µs | p99 µs | peak MiB | × limit | × rmcp | target | met |",
            row.figure()
        );
        text.push_str(if row.is_curve() { "|---" } else { "" });
        text.push_str("|---|---|---|---|---|---|---|---|---|---|\n");
        for verdict in verdicts {
            text.push_str(&table_line(row, verdict));
        }
        if plot(row, verdicts).is_some() {
            let _ = write!(text, "\n![{}]({}.svg)\n", row.work, row.name);
        }
    }
    text
}

fn table_line(row: &Row, verdict: &Verdict) -> String {
    let mut cells = vec![verdict.subject.to_owned()];
    cells.extend(row.is_curve().then(|| verdict.point.to_string()));
    let Some(best) = &verdict.best else {
        cells.push(format!("– {}", verdict.note.replace('|', "/")));
        cells.extend(["", "", "", "", "", ""].map(str::to_owned));
        cells.extend([verdict.target.clone(), met(verdict).to_owned()]);
        return format!("| {} |\n", cells.join(" | "));
    };
    let told = |name: &str, times: f64| best.told[name].as_f64().map(|value| number(value * times)).unwrap_or_default();
    let ratio = |ratio: Option<f64>| ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
    let bounded = row.goals.iter().filter_map(|goal| match goal {
        Goal::Most(detail, _) if *detail != "kib_each" && *detail != "cpu_s" => {
            Some(format!(" ({detail} {})", best.told[*detail]))
        }
        _ => None,
    });
    cells.push(number(best.figure) + &bounded.collect::<String>());
    cells.push(format!("{:.0} %", verdict.spread * 100.0));
    cells.extend([told("p50_us", 1.0), told("p99_us", 1.0), told("peak_kib", 1.0 / 1024.0)]);
    cells.extend([ratio(verdict.to_limit), ratio(verdict.to_rmcp), verdict.target.clone(), met(verdict).to_owned()]);
    format!("| {} |\n", cells.join(" | "))
}

/// The verdict in a word.
pub(crate) fn met(verdict: &Verdict) -> &'static str {
    match (verdict.met, verdict.target.is_empty()) {
        (Some(true), _) => "yes",
        (Some(false), _) => "**no**",
        (None, true) => "",
        (None, false) => "not measured",
    }
}

fn plot(row: &Row, verdicts: &[Verdict]) -> Option<String> {
    let drawn: Vec<(&Verdict, f64)> =
        verdicts.iter().filter_map(|verdict| Some((verdict, verdict.best.as_ref()?.figure))).collect();
    if drawn.is_empty() {
        return None;
    }
    if !row.is_curve() {
        let bar = |&(verdict, value): &(&Verdict, f64)| Bar { label: verdict.subject.to_owned(), value };
        return Some(bars(row.work, row.figure(), &drawn.iter().map(bar).collect::<Vec<_>>()));
    }
    // What is told of each session grows only when all of them grow faster than they should; the sum is the curve.
    let is_sum = matches!(row.axis, Axis::Sessions | Axis::Streams);
    let line = |subject: &&'static str| {
        let own = drawn.iter().filter(|(verdict, _)| verdict.subject == *subject);
        let points = own.map(|(verdict, value)| {
            let point = verdict.point as f64;
            (point, if is_sum { value * point } else { *value })
        });
        Line { label: (*subject).to_owned(), points: points.collect() }
    };
    let all: Vec<Line> = row.subjects.iter().map(line).collect();
    let unit = if is_sum { "KiB in all" } else { row.figure() };
    Some(lines(row.work, row.axis.label(), unit, &all))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bench::judge::{Cell, Sample, judge};

    fn measured(name: &str, figure: f64) -> Measured {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let told = json!({"cpu_us": figure, "p50_us": 1.5, "p99_us": 9.0, "peak_kib": 2048});
        let cell = |subject: &&'static str| Cell {
            subject,
            point: row.points[0],
            samples: vec![Sample { figure, told: told.clone() }],
            missing: None,
        };
        let mut cells: Vec<Cell> = row.subjects.iter().map(cell).collect();
        if let Some(last) = cells.last_mut() {
            last.samples.clear();
            last.missing = Some("it is | not there".to_owned());
        }
        Measured { row, verdicts: judge(row, &cells) }
    }

    #[test]
    fn a_later_run_replaces_only_the_rows_that_it_measured() {
        let first = merge(&[], &[measured("http-echo", 1.0), measured("stdio-echo", 2.0)]);
        let second = merge(&first, &[measured("http-echo", 3.0)]);
        assert_eq!(second.len(), first.len());
        assert_eq!(second[0]["cpu_us"], 3.0);
        assert_eq!(second.last(), first.last());
    }

    #[test]
    fn an_entry_has_every_member_that_was_promised() {
        let entries = merge(&[], &[measured("http-echo", 1.0)]);
        let promised =
            "work subject era mode cpu_us spread wall_us_p50 wall_us_p99 ratio_to_limit ratio_to_rmcp target met";
        for name in promised.split(' ') {
            assert!(entries.iter().all(|entry| entry.get(name).is_some()), "{name}");
        }
        assert_eq!(entries[1]["met"], false);
    }

    #[test]
    fn every_line_of_a_table_has_as_many_cells_as_its_head() {
        for name in ["http-echo", "tools"] {
            let text = markdown(&[measured(name, 1.0)]);
            let table: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
            let bars = |line: &str| line.matches('|').count();
            assert!(table.len() > 4 && table.iter().all(|line| bars(line) == bars(table[0])), "{text}");
        }
    }
}
