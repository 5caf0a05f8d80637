//! `cargo xtask bench micro`: the pure steps of a call, each by itself, under criterion.
//!
//! It compares with the run before on the same machine and judges nothing: what must not get worse is counted in
//! instructions, by `bench callgrind`.

use crate::{
    process::{Outcome, cargo, run as run_command},
    workspace::{Workspace, root},
};

/// Runs the benchmarks whose names hold the arguments; what else is among them is for criterion.
///
/// # Errors
///
/// When they cannot be built or one fails.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let target = Workspace::load()?.target_directory.join("bench").join("micro");
    let mut command = cargo();
    command.current_dir(root().join("xtask/bench/micro")).args(["bench", "--locked", "--bench", "micro"]);
    // Criterion keeps what it compares with below this one, and is told no other.
    command.env("CARGO_TARGET_DIR", target).arg("--").args(arguments);
    run_command(&mut command)
}
