//! `cargo xtask conformance`: our own matrix, and with `--official` the official suite in its two requirement sets.
//!
//! The matrix is a program of its own that cargo builds and runs. The official suite is a Node program that judges one
//! side at a time: `suite.rs` installs and runs it, `scenarios.rs` says what must be run, `outside.rs` what
//! is left out of it, `peers.rs` starts what is
//! judged, `checks.rs` reads what came of it, `gate.rs` decides, `report.rs` tells. Our gate is stricter than that of
//! the suite, which forgives warnings, skipped checks, and a client that breaks off.

mod checks;
mod gate;
mod official;
mod options;
mod outside;
mod peers;
mod report;
mod scenarios;
mod suite;

use crate::{
    process::{Outcome, cargo, run as run_command},
    workspace::root,
};

/// Runs the official suite when `--official` is among the arguments, else the matrix with all of them.
///
/// # Errors
///
/// When a scenario is red or what is to be judged does not build.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if arguments.iter().any(|argument| argument == "--official") {
        return official::run(arguments);
    }
    let mut command = cargo();
    command.current_dir(root()).args(["run", "--quiet", "--package", "mcp-conformance", "--"]);
    run_command(command.args(arguments))
}
