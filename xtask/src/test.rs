//! `cargo xtask test`: every test of the workspace.
//!
//! nextest runs each test in its own process and in parallel, but no doc tests; those run by themselves after it.

use crate::{
    process::{Outcome, cargo, is_installed, run as run_command},
    workspace::root,
};

/// Runs the tests; `arguments` (a filter, `--no-capture`) go to the runner.
///
/// # Errors
///
/// When a test is red or does not build.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let runner: &[&str] = if is_installed("cargo-nextest", "--version") {
        &["nextest", "run", "--no-tests", "pass"]
    } else {
        println!("cargo-nextest is not installed; cargo test does it");
        &["test", "--lib", "--bins", "--tests"]
    };
    let everything = ["--workspace", "--all-features"];
    run_command(cargo().current_dir(root()).args(runner).args(everything).args(arguments))?;
    run_command(cargo().current_dir(root()).args(runner).args(UNSEALED).args(arguments))?;
    if !arguments.is_empty() {
        println!("doc tests are not run for a part of the tests; alone: cargo test --doc --workspace --all-features");
        return Ok(());
    }
    run_command(cargo().current_dir(root()).args(["test", "--doc"]).args(everything))
}

/// A server that seals nothing has code and tests of its own, which the other features leave out.
const UNSEALED: [&str; 5] = ["--package", "mcp-server", "--no-default-features", "--features", "http,validate"];
