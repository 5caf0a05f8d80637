//! `cargo xtask ci`: every check in order, each timed; the first red one stops.

use std::time::{Duration, Instant};

use crate::{
    bench, conformance, interop, layers,
    process::{Outcome, Red, cargo, in_ci, is_installed, run as run_command},
    release, test, tidy,
    workspace::root,
};

/// Runs every step but those that `--without` names.
///
/// # Errors
///
/// The first red step: which, and how to run it alone.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let skipped = without(arguments)?;
    let mut table = String::new();
    let start = Instant::now();
    for step in STEPS.iter().filter(|step| !skipped.contains(&step.name)) {
        println!("\n== {}", step.name);
        let step_start = Instant::now();
        let outcome = (step.run)();
        let verdict = outcome.as_ref().map_or("red", |verdict| verdict.word());
        table.push_str(&row(step.name, verdict, step_start.elapsed()));
        if let Err(red) = outcome {
            println!("\n{table}");
            let message = format!("{}\nci is red at `{}`; alone: {}", red.message, step.name, step.alone);
            return Err(Red { message, ..red });
        }
    }
    println!("\n{table}{}", row("ci", "green", start.elapsed()));
    Ok(())
}

fn row(name: &str, verdict: &str, time: Duration) -> String {
    format!("{name:<12} {verdict:<8} {:>7.1} s\n", time.as_secs_f64())
}

/// How a step that is not red ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Green,
    Skipped,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Skipped => "skipped",
        }
    }
}

struct Step {
    name: &'static str,
    /// The command line that runs this step and nothing else.
    alone: &'static str,
    run: fn() -> Outcome<Verdict>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", alone: "cargo fmt --all --check", run: || green(run_cargo(&["fmt", "--all", "--check"])) },
    Step {
        name: "clippy",
        alone: "cargo clippy --workspace --all-targets --all-features -- -D warnings",
        run: || green(run_cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])),
    },
    Step { name: "tidy", alone: "cargo xtask tidy", run: || green(tidy::run(&[])) },
    Step { name: "layers", alone: "cargo xtask layers", run: || green(layers::run(&[])) },
    Step { name: "test", alone: "cargo xtask test", run: || green(test::run(&[])) },
    Step { name: "doc", alone: "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --all-features", run: doc },
    Step { name: "deny", alone: "cargo deny check", run: deny },
    Step {
        name: "release",
        alone: "cargo xtask release --dry-run",
        run: || green(release::run(&["--dry-run".to_owned()])),
    },
    Step { name: "callgrind", alone: "cargo xtask bench callgrind", run: callgrind },
    Step { name: "conformance", alone: "cargo xtask conformance", run: || green(conformance::run(&[])) },
    Step { name: "interop", alone: "CI=true cargo xtask interop", run: interop },
];

fn green(outcome: Outcome) -> Outcome<Verdict> {
    outcome.map(|()| Verdict::Green)
}

fn run_cargo(arguments: &[&str]) -> Outcome {
    run_command(cargo().current_dir(root()).args(arguments))
}

fn doc() -> Outcome<Verdict> {
    let mut command = cargo();
    command.current_dir(root()).env("RUSTDOCFLAGS", "-D warnings");
    green(run_command(command.args(["doc", "--workspace", "--no-deps", "--all-features"])))
}

/// Licences, bans and advisories. cargo-deny is not everywhere, and it needs the advisory database, so it is not
/// required even in CI; `cargo xtask layers` keeps the bans that matter most without it.
fn deny() -> Outcome<Verdict> {
    if !is_installed("cargo-deny", "--version") {
        println!("skipped: cargo-deny is not installed (cargo install --locked cargo-deny)");
        return Ok(Verdict::Skipped);
    }
    green(run_cargo(&["deny", "check"]))
}

/// Instructions and allocations of an echo, held against the committed ones.
fn callgrind() -> Outcome<Verdict> {
    if !is_installed("valgrind", "--version") && !in_ci() {
        println!("skipped: valgrind is not installed, so no instructions are counted; with CI=true that is red");
        return Ok(Verdict::Skipped);
    }
    green(bench::run(&["callgrind".to_owned()]))
}

fn interop() -> Outcome<Verdict> {
    if !in_ci() {
        println!("skipped: it installs programs from the network, so it runs with CI=true or by itself");
        return Ok(Verdict::Skipped);
    }
    green(interop::run(&[]))
}

fn without(arguments: &[String]) -> Outcome<Vec<&'static str>> {
    let mut skipped = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let name = match argument.as_str() {
            "--without" => arguments.next().ok_or_else(|| Red::usage("`--without` names no step"))?,
            other => return Err(Red::usage(format!("`ci` does not know `{other}`"))),
        };
        let step = STEPS.iter().find(|step| step.name == name);
        skipped.push(step.ok_or_else(|| Red::usage(format!("`ci` has no step `{name}`")))?.name);
    }
    Ok(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_step_can_be_left_out_by_its_name() {
        assert_eq!(without(&words(&["--without", "test", "--without", "interop"])).unwrap(), ["test", "interop"]);
    }

    #[test]
    fn a_step_that_does_not_exist_cannot_be_left_out() {
        assert_eq!(without(&words(&["--without", "tests"])).unwrap_err().code, 2);
        assert_eq!(without(&words(&["--without"])).unwrap_err().code, 2);
        assert_eq!(without(&words(&["test"])).unwrap_err().code, 2);
    }
}
