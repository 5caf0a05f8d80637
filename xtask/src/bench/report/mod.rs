//! The reports: JSON for programs, Markdown with plots for readers, and the chapters of the book.
//!
//! The JSON is what the others are written from. Rows that were not measured this time stay in it as they were, so a
//! run of one row renews that row in a whole report.

mod docs;
mod machine;
mod markdown;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, from_str, json, to_string_pretty};

pub(crate) use self::docs::write as write_docs;
use crate::{
    bench::{
        judge::{Compared, Verdict},
        measure::Plan,
        row::Row,
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

/// What was measured so far: this time and before.
#[derive(Debug)]
pub(crate) struct Report {
    /// One entry for each subject and point, in the order of the rows.
    entries: Vec<Value>,
    /// What the measuring machine and the subjects are, one fact each.
    facts: Vec<String>,
}

impl Report {
    /// Reads what the last runs left in a folder.
    ///
    /// # Errors
    ///
    /// When there is nothing.
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let list = |name: &str| {
            let text = install::read(&folder.join(name))?;
            from_str::<Vec<Value>>(&text).map_err(|error| Red::new(format!("{name} is no report: {error}")))
        };
        let facts = list(FACTS)?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Self { entries: list(REPORT)?, facts })
    }

    /// The entries of a row; none when it was never measured.
    fn of(&self, row: &Row) -> Vec<&Value> {
        self.entries.iter().filter(|entry| entry["row"] == row.name).collect()
    }

    /// The names of the runs that the entries are from.
    fn runs(&self) -> BTreeSet<&str> {
        self.entries.iter().filter_map(|entry| entry["run"].as_str()).collect()
    }
}

/// Names a run that begins: every row that it measures has that name.
pub(crate) fn run_name(plan: &Plan) -> String {
    machine::run(&plan.words())
}

/// Writes `report.json`, `report.md` and the plots into a folder.
///
/// # Errors
///
/// When one cannot be written.
pub(crate) fn write(folder: &Path, measured: &[Measured], run: &str) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| Red::new(format!("cannot make {}: {error}", folder.display())))?;
    let old = fs::read_to_string(folder.join(REPORT)).ok();
    let old = old.and_then(|text| from_str::<Vec<Value>>(&text).ok()).unwrap_or_default();
    let report = Report { entries: merge(&old, measured, run), facts: machine::facts() };
    let text = |value: &Value| {
        to_string_pretty(value)
            .map_err(|error| Red::new(format!("cannot write the report: {error}")))
            .map(|text| text + "\n")
    };
    install::write(&folder.join(REPORT), &text(&json!(report.entries))?)?;
    install::write(&folder.join(FACTS), &text(&json!(report.facts))?)?;
    install::write(&folder.join("report.md"), &markdown::whole(&report, ""))?;
    write_plots(&report, folder)
}

fn write_plots(report: &Report, folder: &Path) -> Outcome {
    for row in ROWS {
        if let Some(svg) = markdown::plot(row, &report.of(row)) {
            install::write(&folder.join(format!("{}.svg", row.name)), &svg)?;
        }
    }
    Ok(())
}

/// The entries of rows that are measured now replace their old ones; all are in the order of the table.
fn merge(old: &[Value], measured: &[Measured], run: &str) -> Vec<Value> {
    let mut merged = Vec::new();
    for row in ROWS {
        match measured.iter().find(|measured| measured.row.name == row.name) {
            Some(measured) => merged.extend(measured.verdicts.iter().map(|verdict| entry(row, verdict, run))),
            None => merged.extend(old.iter().filter(|entry| entry["row"] == row.name).cloned()),
        }
    }
    merged
}

/// Writes a verdict as the report has it.
fn entry(row: &Row, verdict: &Verdict, run: &str) -> Value {
    let told = |name: &str| verdict.best.as_ref().map_or(Value::Null, |best| best.told[name].clone());
    let ratios: serde_json::Map<String, Value> =
        verdict.ratios.iter().map(|(subject, ratio)| ((*subject).to_owned(), json!(ratio.median))).collect();
    let best_mode = verdict.to_rmcp.iter().map(|ratio| ("rmcp", *ratio));
    let spreads = verdict.ratios.iter().copied().chain(best_mode);
    let spreads: serde_json::Map<String, Value> =
        spreads.map(|(subject, ratio)| (subject.to_owned(), json!(ratio.spread()))).collect();
    let median = |ratio: Option<Compared>| ratio.map(|ratio| ratio.median);
    json!({
        "row": row.name, "work": row.work, "subject": verdict.subject, "era": row.era, "mode": row.mode,
        "point": row.is_curve().then_some(verdict.point),
        "figure": verdict.best.as_ref().map(|best| best.figure), "unit": row.figure(),
        "cpu_us": told("cpu_us"), "spread": verdict.spread,
        "wall_us_p50": told("p50_us"), "wall_us_p99": told("p99_us"), "peak_kib": told("peak_kib"),
        "ratio_to_limit": median(verdict.to_limit), "ratio_to_rmcp": median(verdict.to_rmcp), "ratios": ratios,
        "ratio_spreads": spreads,
        "growth": verdict.growth.map(|growth| growth.exponent), "growth_points": verdict.growth.map(|growth| growth.points),
        "target": verdict.target, "met": verdict.met, "within_noise": verdict.is_within_noise,
        "note": verdict.note, "run": run,
        "told": verdict.best.as_ref().map(|best| best.told.clone()),
    })
}

const REPORT: &str = "report.json";
const FACTS: &str = "facts.json";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::judge::{Cell, Sample, judge};

    pub(super) fn measured(name: &str, figure: f64) -> Measured {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let told = json!({"cpu_us": figure, "p50_us": 1.5, "p99_us": 9.0, "peak_kib": 2048});
        let cells = row.points.iter().flat_map(|&point| {
            let told = &told;
            row.subjects.iter().map(move |&subject| {
                let sample = Sample { figure, told: told.clone() };
                let is_last = row.subjects.last() == Some(&subject);
                let (samples, missing) =
                    if is_last { (Vec::new(), Some("it is | not there".to_owned())) } else { (vec![sample], None) };
                Cell { subject, point, samples, missing }
            })
        });
        Measured { row, verdicts: judge(row, &cells.collect::<Vec<_>>()) }
    }

    pub(super) fn report(names: &[&str], figure: f64) -> Report {
        let all: Vec<Measured> = names.iter().map(|name| measured(name, figure)).collect();
        Report { entries: merge(&[], &all, "a quick run: today"), facts: vec!["one core".to_owned()] }
    }

    #[test]
    fn a_later_run_replaces_only_the_rows_that_it_measured() {
        let first = merge(&[], &[measured("http-echo", 1.0), measured("stdio-echo", 2.0)], "first");
        let second = merge(&first, &[measured("http-echo", 3.0)], "second");
        assert_eq!(second.len(), first.len());
        assert_eq!((&second[0]["cpu_us"], &second[0]["run"]), (&json!(3.0), &json!("second")));
        assert_eq!(second.last(), first.last());
    }

    #[test]
    fn an_entry_has_every_member_that_was_promised() {
        let entries = merge(&[], &[measured("http-echo", 1.0)], "");
        let promised =
            "work subject era mode cpu_us spread wall_us_p50 wall_us_p99 ratio_to_limit ratio_to_rmcp target met";
        for name in promised.split(' ') {
            assert!(entries.iter().all(|entry| entry.get(name).is_some()), "{name}");
        }
        assert_eq!(entries[1]["met"], false);
        assert_eq!(entries[1]["ratios"]["rmcp sse"], 1.0);
    }
}
