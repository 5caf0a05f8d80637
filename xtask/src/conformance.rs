//! `cargo xtask conformance`: the conformance matrix, a program of its own that cargo builds and runs.

use crate::{
    process::{Outcome, cargo, run as run_command},
    workspace::root,
};

/// Runs the matrix; `arguments` go to it, and its exit code becomes ours.
///
/// # Errors
///
/// When a scenario is red or the matrix does not build.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut command = cargo();
    command
        .current_dir(root())
        .args(["run", "--quiet", "--package", "mcp-conformance", "--"]);
    run_command(command.args(arguments))
}
