//! `cargo xtask layers`: the arrows between the crates, what each must never reach, what each may cost, and that each
//! builds alone.
//!
//! `table.rs` holds every decision; the rest compares it with what cargo says.

mod edges;
mod table;

use std::collections::BTreeSet;

use crate::{
    layers::table::{BUDGETS, REACHES, ROOMS},
    process::{Outcome, Red, capture, cargo, line},
    workspace::{Package, Workspace, root},
};

/// Checks everything; with `--edges-only`, only what needs no compiler.
///
/// # Errors
///
/// When something does not fit the table or a crate does not build alone.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let builds = match arguments {
        [] => true,
        [only] if only == "--edges-only" => false,
        _ => return Err(Red::usage("`layers` takes `--edges-only` or nothing")),
    };
    let workspace = Workspace::load()?;
    let mut findings = edges::check(&workspace.packages, ROOMS);
    findings.extend(reaches()?);
    findings.extend(budgets()?);
    if builds && findings.is_empty() {
        findings.extend(builds_alone(&workspace)?);
    }
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() { Ok(()) } else { Err(Red::new(format!("layers: {} findings", findings.len()))) }
}

fn reaches() -> Outcome<Vec<String>> {
    let mut findings = Vec::new();
    for reach in REACHES {
        let reached = tree(reach.name, reach.features, &["--target", "all"])?;
        for name in reach.never.iter().filter(|&&name| reached.iter().any(|(crate_name, _)| crate_name == name)) {
            let features = reach.features.join(" ");
            let why = format!("cargo tree -p {} {features} -e normal --target all -i {name}", reach.name);
            findings.push(format!("{} {features} reaches {name}; the way: {why}", reach.name));
        }
    }
    Ok(findings)
}

fn budgets() -> Outcome<Vec<String>> {
    let mut findings = Vec::new();
    for budget in BUDGETS {
        let crates = tree(budget.name, budget.features, &[])?;
        let is_ours = |name: &str| ROOMS.iter().any(|room| room.name == name);
        let count = crates.iter().filter(|(name, _)| !is_ours(name)).count();
        println!("{:<32} {count:>4} of {} crates", budget.what, budget.at_most);
        if count > budget.at_most {
            let features = budget.features.join(" ");
            findings.push(format!(
                "{} costs {count} crates of others, at most {}: cargo tree -p {} {features} -e normal",
                budget.what, budget.at_most, budget.name
            ));
        }
    }
    Ok(findings)
}

/// Returns the name and version of every crate that a build of `name` needs, itself included.
fn tree(name: &str, features: &[&str], more: &[&str]) -> Outcome<BTreeSet<(String, String)>> {
    let mut command = cargo();
    command.current_dir(root()).args(["tree", "-p", name, "-e", "normal", "--prefix", "none"]);
    let answer = capture(command.args(features).args(more))?;
    let crates = answer.stdout.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    });
    Ok(crates.collect())
}

/// Builds each published crate and its tests by themselves with no features, with each single one, and with all: a
/// feature that only works because another crate turned something on is found here. The first that fails is enough to
/// read. The tests come second, because what they depend on turns more on.
fn builds_alone(workspace: &Workspace) -> Outcome<Option<String>> {
    for package in workspace.published() {
        for features in feature_sets(package) {
            for tests in [None, Some("--tests")] {
                let mut command = cargo();
                command.current_dir(root()).args(["check", "-p", &package.name]).args(&features).args(tests);
                println!("{}", line(&command));
                let captured = capture(&mut command)?;
                if warns(&captured.stderr) {
                    return Ok(Some(format!("`{}` warns:\n{}", line(&command), captured.stderr.trim_end())));
                }
            }
        }
    }
    Ok(None)
}

/// Whether the compiler warned about a crate of ours; cargo repeats the warnings of what it has built before.
fn warns(stderr: &str) -> bool {
    stderr.lines().any(|line| line.starts_with("warning: `mcp-") && line.contains("generated"))
}

fn feature_sets(package: &Package) -> Vec<Vec<String>> {
    let none = vec!["--no-default-features".to_owned()];
    let mut sets = vec![none.clone()];
    for feature in &package.features {
        sets.push([none.clone(), vec!["--features".to_owned(), feature.clone()]].concat());
    }
    if !package.features.is_empty() {
        sets.push(vec!["--all-features".to_owned()]);
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_of_ours_counts_and_one_of_others_does_not() {
        assert!(warns("warning: `mcp-server` (lib) generated 2 warnings\n"));
        assert!(!warns("warning: `other` (lib) generated 2 warnings\nwarning: unused manifest key\n"));
    }

    #[test]
    fn every_feature_is_built_alone_and_all_together() {
        let package = Package {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            is_published: true,
            features: vec!["http".to_owned(), "tls".to_owned()],
            dependencies: Vec::new(),
        };
        let sets: Vec<String> = feature_sets(&package).iter().map(|set| set.join(" ")).collect();
        assert_eq!(
            sets,
            [
                "--no-default-features",
                "--no-default-features --features http",
                "--no-default-features --features tls",
                "--all-features"
            ]
        );
    }
}
