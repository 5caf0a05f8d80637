//! `cargo xtask bench`: us, our peers and the limits, measured in turn, in one run.
//!
//! The load comes from a program of its own that knows no SDK. `rows` says what is measured, `programs` how each subject
//! is started, `measure` runs them, `judge` compares, `report` writes.

mod build;
mod callgrind;
mod gateway;
mod growth;
mod judge;
mod measure;
mod micro;
mod plot;
mod programs;
mod report;
mod row;
mod rows;

use std::time::Instant;

use crate::{
    bench::{
        judge::{Compared, Verdict, judge},
        measure::{Plan, measure},
        programs::{Programs, prepare},
        report::{Measured, Report},
        row::{Goal, Row},
        rows::ROWS,
    },
    process::{Outcome, Red},
    workspace::Workspace,
};

/// Measures what the arguments choose, and writes the report below the target directory.
///
/// # Errors
///
/// When the load generator cannot be built or the report not be written; with `--strict` when a target is missed.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    match arguments.split_first() {
        Some((first, rest)) if first == "callgrind" => return callgrind::run(rest),
        Some((first, [])) if first == "docs" => return write_docs(),
        Some((first, rest)) if first == "micro" => return micro::run(rest),
        _ => {}
    }
    let options = Options::read(arguments)?;
    if options.is_list {
        for row in ROWS {
            println!("{:<22} {} ({}, {})", row.name, row.work, row.mode, row.figure());
        }
        return Ok(());
    }
    let target = Workspace::load()?.target_directory;
    let begun = Instant::now();
    let programs = Programs::prepare(&target, &prepare::names(options.rows()), options.is_quick)?;
    println!("bench: built and installed in {:.0} s", begun.elapsed().as_secs_f64());
    if options.is_install_only {
        return Ok(());
    }
    let begun = Instant::now();
    let run = report::run_name(options.plan());
    let plan = options.plan();
    let mut all = Vec::new();
    for row in options.rows() {
        println!("\n== {}: {} ({})", row.name, row.work, row.figure());
        let verdicts = judge(row, &measure(row, &programs, plan));
        for verdict in &verdicts {
            println!("{}", line(row, verdict));
        }
        all.push(Measured { row, verdicts });
        // After each row, so that a run that is stopped has said what it found.
        report::write(programs.folder(), &all, &run)?;
    }
    if options.is_writing_docs {
        write_docs()?;
    }
    let missed: Vec<&str> =
        all.iter().filter(|measured| is_missed(measured)).map(|measured| measured.row.name).collect();
    let folder = programs.folder().display();
    println!(
        "\n{} rows in {:.0} s; {folder}/report.md, report.json and plots",
        all.len(),
        begun.elapsed().as_secs_f64()
    );
    if missed.is_empty() {
        return Ok(());
    }
    println!("targets missed: {}", missed.join(" "));
    if options.is_strict { Err(Red::new(format!("targets missed: {}", missed.join(" ")))) } else { Ok(()) }
}

/// Writes the chapters of the book from the last report.
fn write_docs() -> Outcome {
    report::write_docs(&Report::read(&Workspace::load()?.target_directory.join("bench"))?)
}

fn is_missed(measured: &Measured) -> bool {
    measured.verdicts.iter().any(|verdict| verdict.met == Some(false))
}

fn line(row: &Row, verdict: &Verdict) -> String {
    let point = if row.is_curve() { format!("{:>8} ", verdict.point) } else { String::new() };
    let subject = verdict.subject;
    let Some(best) = &verdict.best else { return format!("  {subject:<14}{point}missing: {}", verdict.note) };
    let ratio =
        |ratio: Option<Compared>| ratio.map_or_else(|| "     ".to_owned(), |ratio| format!("{:5.2}", ratio.median));
    let mut words = Vec::new();
    // What a goal bounds beside the figure is said, or nobody knows how far away it is.
    words.extend(row.goals.iter().filter_map(|goal| match goal {
        Goal::Most(detail, _) => Some(format!("{} {}", judge::detail_name(detail), best.told[*detail])),
        Goal::Flat(_) | Goal::Grows(_) | Goal::Ratio(..) => None,
    }));
    words.extend(verdict.growth.map(growth::words));
    words.extend((!verdict.note.is_empty()).then(|| verdict.note.clone()));
    words.extend((!verdict.target.is_empty()).then(|| verdict.target.clone()));
    words.extend(verdict.met.map(|met| if met { "yes" } else { "NO" }.to_owned()));
    words.extend(verdict.is_within_noise.then(|| "within the noise".to_owned()));
    format!(
        "  {subject:<14}{point}{:>12.2}  rounds differ by {:>3.0} %  × limit {}  × rmcp {}  {}",
        best.figure,
        verdict.spread * 100.0,
        ratio(verdict.to_limit),
        ratio(verdict.to_rmcp),
        words.join(", ")
    )
}

/// What is asked for.
#[derive(Debug, Default)]
struct Options {
    only: Vec<String>,
    is_install_only: bool,
    is_list: bool,
    is_quick: bool,
    is_strict: bool,
    is_writing_docs: bool,
}

impl Options {
    fn read(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--install-only" => options.is_install_only = true,
                "--list" => options.is_list = true,
                "--only" => {
                    let name = arguments.next().ok_or_else(|| Red::usage("`--only` names no row"))?;
                    options.only.push(name.clone());
                }
                "--quick" => options.is_quick = true,
                "--strict" => options.is_strict = true,
                "--write-docs" => options.is_writing_docs = true,
                other => return Err(Red::usage(format!("`bench` does not know `{other}`"))),
            }
        }
        if options.is_writing_docs && !options.only.is_empty() {
            return Err(Red::usage(
                "the book shows one run of all rows: `--write-docs` and `--only` exclude each other",
            ));
        }
        if let Some(name) = options.only.iter().find(|name| ROWS.iter().all(|row| !row.name.starts_with(*name))) {
            return Err(Red::usage(format!("no row is called `{name}`: `cargo xtask bench --list` names them")));
        }
        Ok(options)
    }

    fn plan(&self) -> &'static Plan {
        if self.is_quick { &QUICK } else { &FULL }
    }

    /// The rows whose name is named; if none is, those whose name begins so.
    fn rows(&self) -> impl Iterator<Item = &'static Row> {
        let is_exact = |name: &String| ROWS.iter().any(|row| row.name == name);
        ROWS.iter().filter(move |row| {
            let is_named =
                |name: &String| if is_exact(name) { row.name == name } else { row.name.starts_with(name.as_str()) };
            self.only.is_empty() || self.only.iter().any(is_named)
        })
    }
}

const QUICK: Plan = Plan { rounds: 3, seconds: 0.25, slow_warm: 1.5, calls: 5000, is_quick: true };
const FULL: Plan = Plan { rounds: 5, seconds: 0.5, slow_warm: 5.0, calls: 20_000, is_quick: false };

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Vec<&'static str> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Options::read(&words).unwrap().rows().map(|row| row.name).collect()
    }

    #[test]
    fn a_whole_name_chooses_one_row_and_the_beginning_of_names_all_of_them() {
        assert_eq!(names("--only http-echo"), ["http-echo"]);
        assert_eq!(names("--only gate --only start"), ["start", "gateway", "gateway-upstream"]);
        assert_eq!(names("--quick").len(), ROWS.len());
    }

    #[test]
    fn what_is_no_row_and_no_option_is_refused() {
        for line in ["--only nothing", "--only", "--fast", "--only http-echo --write-docs"] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(Options::read(&words).unwrap_err().code, 2);
        }
    }
}
