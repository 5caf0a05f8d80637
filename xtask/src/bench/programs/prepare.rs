//! Building and installing what is measured, below `target/bench`.
//!
//! The surprising thing: every program of a nested workspace is built by itself. Cargo gives one build the features that
//! all its programs need together, and a user's server has no client in it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    bench::row::{How, Row},
    install, interop,
    process::{Outcome, cargo, is_installed, run},
    workspace::root,
};

/// The names of the programs that some rows need.
pub(crate) fn names<'a>(rows: impl IntoIterator<Item = &'a Row>) -> BTreeSet<&'static str> {
    rows.into_iter().flat_map(names_of).collect()
}

fn names_of(row: &Row) -> Vec<&'static str> {
    match row.how {
        How::Build => Vec::new(),
        How::Client(..) => vec![LOAD_SIDE, "ours-client", "rmcp-client"],
        How::Gateway => vec![LOAD_SIDE, "mcp-bridge", "ours-server"],
        How::Loop => vec![LOAD_SIDE, "node", "ours-loop"],
        _ => {
            let server = |subject: &&'static str| match subject.split(' ').next()? {
                "ours" => Some("ours-server"),
                "rmcp" => Some("rmcp-server"),
                "typescript" => Some("node"),
                "python" => Some("python"),
                _ => None,
            };
            row.subjects.iter().filter_map(server).chain([LOAD_SIDE]).collect()
        }
    }
}

/// Builds the load generator and the limits.
///
/// # Errors
///
/// When they cannot be built.
pub(super) fn load_side(folder: &Path) -> Outcome {
    build(&root().join(SOURCES), &folder.join(LOAD_SIDE), &[])
}

/// Builds or installs a program, and returns where it is.
///
/// # Errors
///
/// Why it cannot be used.
pub(super) fn program(name: &str, target: &Path, folder: &Path, only_present: bool) -> Result<PathBuf, String> {
    let built = match name {
        "node" => return node(target, folder, only_present),
        "python" => return python(folder, only_present),
        // The gateway is the program that users install, with the profile of the workspace.
        "mcp-bridge" => {
            build(root(), target, &["--package", "mcp-openai-bridge", "--bin", name]).map(|()| target.into())
        }
        _ => {
            let (side, program) = name.split_once('-').ok_or_else(|| format!("there is no program `{name}`"))?;
            let target = folder.join(side);
            build(&root().join(SOURCES).join(side).join(program), &target, &[]).map(|()| target)
        }
    };
    let target: PathBuf = built.map_err(|red| red.message)?;
    let program = target.join("release").join(name);
    if program.is_file() { Ok(program) } else { Err(format!("{} was not built", program.display())) }
}

/// Builds a crate; cargo itself knows what is current.
fn build(sources: &Path, target: &Path, words: &[&str]) -> Outcome {
    let mut command = cargo();
    command.current_dir(sources).args(["build", "--release", "--quiet", "--locked"]).args(words);
    run(command.arg("--target-dir").arg(target))
}

fn node(target: &Path, folder: &Path, only_present: bool) -> Result<PathBuf, String> {
    let sources = root().join(SOURCES).join("node");
    if !sources.is_dir() {
        return Err(format!("{SOURCES}/node is not there"));
    }
    let folder = folder.join("node");
    if only_present && !folder.join("node_modules").is_dir() {
        return Err("it is not installed; `cargo xtask bench --install-only` does it".to_owned());
    }
    if !is_installed("npm", "--version") {
        return Err("there is no npm".to_owned());
    }
    let installed = install::node(target).and_then(|program| {
        install::packages(&folder, &sources)?;
        // Node looks for packages beside the script, so the scripts lie beside the packages.
        for script in ["server.mjs", "loop.mjs"] {
            if sources.join(script).is_file() {
                install::write(&folder.join(script), &install::read(&sources.join(script))?)?;
            }
        }
        Ok(program)
    });
    installed.map_err(|red| red.message)
}

fn python(folder: &Path, only_present: bool) -> Result<PathBuf, String> {
    let sources = root().join(SOURCES).join("python");
    if !sources.is_dir() {
        return Err(format!("{SOURCES}/python is not there"));
    }
    let folder = folder.join("python");
    if only_present && !folder.join("venv").is_dir() {
        return Err("it is not installed; `cargo xtask bench --install-only` does it".to_owned());
    }
    if !is_installed("python3", "--version") {
        return Err("there is no python3".to_owned());
    }
    let bin = interop::install::environment(&folder, &sources).map_err(|red| red.message)?;
    Ok(bin.join("python"))
}

/// Where the nested crates and the scripts are, below the top of the tree.
pub(super) const SOURCES: &str = "xtask/bench";
/// The name of the load generator and the limits, which are built together.
pub(crate) const LOAD_SIDE: &str = "limits";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rows::ROWS;

    fn check(row: &str, expected: &[&str]) {
        let row = ROWS.iter().filter(|candidate| candidate.name == row);
        assert_eq!(names(row), expected.iter().copied().collect());
    }

    #[test]
    fn a_row_needs_the_programs_of_its_subjects_and_no_other() {
        check("stdio-echo", &["limits", "node", "ours-server", "python", "rmcp-server"]);
        check("client-http", &["limits", "ours-client", "rmcp-client"]);
        check("gateway", &["limits", "mcp-bridge", "ours-server"]);
        check("build", &[]);
    }
}
