//! `cargo xtask interop`: our programs against the official TypeScript, Python and Rust implementations, in both eras.
//!
//! `install.rs` brings the peers, `cells.rs` says who meets whom, `offer.rs` what they exchange, `run.rs` runs one
//! cell, `ours.rs` judges our own client, `wire.rs` sees which revision it speaks, `inspector.rs` asks the command
//! line of the Inspector, `gateway.rs` the paths of the second seed, `rules.rs` holds what goes to a model against the
//! rules of OpenAI, and `book.rs` runs the samples that follow the seeds. The drivers, in the languages of the peers, are
//! in `xtask/interop`.

mod book;
mod cells;
mod gateway;
mod inspector;
pub(crate) mod install;
mod offer;
mod ours;
mod rules;
mod run;
mod wire;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    interop::{
        cells::{Cell, Language},
        install::Peers,
    },
    process::{Outcome, Red, cargo, in_ci, is_installed, run as run_command},
    workers::for_all,
    workspace::{Workspace, root},
};

/// Installs the peers, runs the matrix, prints a table.
///
/// # Errors
///
/// When a cell is red; with `CI=true` also when a peer cannot be there.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments)?;
    let workspace = Workspace::load()?;
    let peers = Peers::install(&workspace.target_directory)?;
    skip_absent(peers.node.is_some(), "Node (npm)")?;
    skip_absent(peers.python.is_some(), "Python (python3)")?;
    let has_curl = is_installed("curl", "--version");
    skip_absent(has_curl, "curl")?;
    if options.install_only {
        return Ok(());
    }
    let mut cells = if options.control { cells::control() } else { cells::matrix() };
    cells.retain(|cell| cell.to_string().contains(&options.only));
    cells.retain(|cell| {
        cell.languages().all(|language| match language {
            Language::Curl => has_curl,
            Language::Node => peers.node.is_some(),
            Language::Python => peers.python.is_some(),
        })
    });
    let program = match (options.program, options.control) {
        (Some(program), _) => program,
        (None, true) => PathBuf::new(),
        (None, false) => build(&workspace)?,
    };
    let rows = run_all(&cells, |cell| run::run(cell, &peers, &program));
    report(&rows)
}

#[derive(Debug, Default)]
struct Options {
    install_only: bool,
    control: bool,
    /// What the name of a cell must hold.
    only: String,
    program: Option<PathBuf>,
}

impl Options {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().cloned().ok_or_else(|| Red::usage(format!("`{argument}` wants a value")));
            match argument.as_str() {
                "--install-only" => options.install_only = true,
                "--control" => options.control = true,
                "--only" => options.only = value()?,
                "--program" => options.program = Some(PathBuf::from(value()?)),
                other => return Err(Red::usage(format!("`interop` does not know `{other}`"))),
            }
        }
        Ok(options)
    }
}

/// What came of one check of a cell.
#[derive(Debug)]
struct Check {
    name: String,
    is_green: bool,
    detail: String,
}

impl Check {
    fn of(name: &str, outcome: Outcome<String>) -> Self {
        let is_green = outcome.is_ok();
        let detail = outcome.unwrap_or_else(|red| red.message);
        Self { name: name.to_owned(), is_green, detail }
    }

    /// The name, and what it proved in a few words.
    fn summary(&self) -> String {
        let Self { name, is_green, detail } = self;
        let is_remark = !detail.is_empty() && detail.len() <= REMARK && !detail.contains('\n');
        match is_green {
            true if is_remark => format!("{name} ({detail})"),
            true => name.clone(),
            false => format!("RED:{name}"),
        }
    }
}

/// How long a remark may be that stands behind the name of its check.
const REMARK: usize = 60;

/// One line of the table.
struct Row {
    cell: Cell,
    checks: Vec<Check>,
    time: Duration,
}

impl Row {
    fn is_green(&self) -> bool {
        self.checks.iter().all(|check| check.is_green)
    }
}

fn skip_absent(is_there: bool, what: &str) -> Outcome {
    if is_there {
        return Ok(());
    }
    if in_ci() {
        return Err(Red::new(format!("{what} is not on this machine; with CI=true the whole matrix is required")));
    }
    println!("skipped: {what} is not on this machine, so its cells are left out");
    Ok(())
}

/// Builds our program, in the profile that tests use.
fn build(workspace: &Workspace) -> Outcome<PathBuf> {
    let mut command = cargo();
    command.current_dir(root());
    run_command(command.args(["build", "--quiet", "--package", "mcp-openai-bridge", "--bin", "mcp-bridge"]))?;
    Ok(workspace.target_directory.join("debug").join("mcp-bridge"))
}

/// Runs the cells; a cell mostly waits for an interpreter to start.
fn run_all(cells: &[Cell], run: impl Fn(Cell) -> Outcome<Vec<Check>> + Sync) -> Vec<Row> {
    for_all(cells, |&cell| {
        let start = Instant::now();
        let checks = run(cell).unwrap_or_else(|red| vec![Check::of("run", Err(red))]);
        Row { cell, checks, time: start.elapsed() }
    })
}

fn report(rows: &[Row]) -> Outcome {
    for row in rows {
        let words: Vec<String> = row.checks.iter().map(Check::summary).collect();
        let verdict = if row.is_green() { "green" } else { "red" };
        println!("{verdict:<6} {:<54} {:>5.1} s  {}", row.cell.to_string(), row.time.as_secs_f64(), words.join(" "));
    }
    let red: Vec<&Row> = rows.iter().filter(|row| !row.is_green()).collect();
    for row in &red {
        for check in row.checks.iter().filter(|check| !check.is_green) {
            println!("\n{}: {}\n{}", row.cell, check.name, check.detail);
        }
    }
    println!("\ninterop: {} cells, {} red", rows.len(), red.len());
    match red.first() {
        None if rows.is_empty() => Err(Red::new("interop: no cell was run")),
        None => Ok(()),
        Some(first) => Err(Red::new(format!(
            "interop: {} of {} cells are red; alone: cargo xtask interop --only '{}'",
            red.len(),
            rows.len(),
            first.cell
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_without_its_value_is_a_usage_error() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(Options::parse(&words("--only python --control")).unwrap().only, "python");
        assert_eq!(Options::parse(&words("--only")).unwrap_err().code, 2);
        assert_eq!(Options::parse(&words("--all")).unwrap_err().code, 2);
    }

    #[test]
    fn a_run_without_cells_is_red() {
        assert!(report(&[]).is_err());
    }

    #[test]
    fn a_cell_that_cannot_start_is_red() {
        let cells = cells::control();
        let rows = run_all(&cells[..3], |_| Err(Red::new("no server")));
        assert_eq!(rows.len(), 3);
        assert!(report(&rows).unwrap_err().message.contains("3 of 3"));
    }
}
