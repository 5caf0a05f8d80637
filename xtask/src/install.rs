//! Programs of other languages that our checks run: installed below the target directory, each once.
//!
//! An installation is kept as long as the text that names it does not change.

use std::{
    env::consts,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::process::{Group, Outcome, Red, capture, line, tail};

/// Returns the node of this machine when it is new enough, else the one that is installed below `target`.
///
/// # Errors
///
/// When it cannot be installed.
pub(crate) fn node(target: &Path) -> Outcome<PathBuf> {
    let version = capture(Command::new("node").arg("--version")).map(|captured| captured.stdout).unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= OLDEST_NODE) {
        return Ok(PathBuf::from("node"));
    }
    let folder = target.join("node22");
    let package = format!("{}@{NODE}", node_package());
    let program = folder.join("node_modules").join(node_package()).join("bin").join("node");
    if !is_current(&folder, &package) {
        fresh(&folder)?;
        write(&folder.join("package.json"), "{\"private\": true}\n")?;
        run(npm(&folder).args(["install", "--ignore-scripts", &package]))?;
        mark_current(&folder, &package)?;
    }
    Ok(program)
}

/// Installs into `folder` what the `package.json` and `package-lock.json` of `sources` name, and nothing else.
///
/// # Errors
///
/// When they cannot be read, or a package is not the one that the lock file knows by its hash.
pub(crate) fn packages(folder: &Path, sources: &Path) -> Outcome {
    let named = [read(&sources.join("package.json"))?, read(&sources.join("package-lock.json"))?];
    if is_current(folder, &named.concat()) {
        return Ok(());
    }
    fresh(folder)?;
    write(&folder.join("package.json"), &named[0])?;
    write(&folder.join("package-lock.json"), &named[1])?;
    run(npm(folder).args(["ci", "--ignore-scripts"]))?;
    mark_current(folder, &named.concat())
}

/// The package that holds the program for this machine; the package `node` fetches it by an install script.
fn node_package() -> String {
    let platform = if consts::OS == "macos" { "darwin" } else { consts::OS };
    let architecture = match consts::ARCH {
        "aarch64" => "arm64",
        "x86_64" => "x64",
        other => other,
    };
    let prefix = if (platform, architecture) == ("darwin", "arm64") { "node-bin" } else { "node" };
    format!("{prefix}-{platform}-{architecture}")
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder).args(["--no-audit", "--no-fund", "--loglevel=error"]);
    command
}

/// Runs a step of an installation, and says so.
///
/// # Errors
///
/// When it does not succeed, in time.
pub(crate) fn run(command: &mut Command) -> Outcome {
    println!("install: {}", line(command));
    let (code, lines) = Group::start(command)?.finish(PATIENCE)?;
    if code == Some(0) {
        return Ok(());
    }
    Err(Red::new(format!("`{}` failed ({code:?}):\n{}", line(command), tail(&lines))))
}

/// Reads a file of the source tree.
///
/// # Errors
///
/// When it cannot be read.
pub(crate) fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| Red::new(format!("cannot read {}: {error}", path.display())))
}

/// Writes a file.
///
/// # Errors
///
/// When it cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| unwritable(path, &error))
}

/// Makes an empty folder in the place of what was there.
///
/// # Errors
///
/// When the old one cannot be removed or the new one not be made.
pub(crate) fn fresh(folder: &Path) -> Outcome {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))
}

/// Returns whether the installation in `folder` was finished, and made from `named`.
pub(crate) fn is_current(folder: &Path, named: &str) -> bool {
    fs::read_to_string(folder.join(MARK)).is_ok_and(|marked| marked == named)
}

/// Says that the installation in `folder` is finished, and made from `named`.
///
/// # Errors
///
/// When that cannot be written.
pub(crate) fn mark_current(folder: &Path, named: &str) -> Outcome {
    write(&folder.join(MARK), named)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Red {
    Red::new(format!("cannot write {}: {error}", path.display()))
}

/// How long one step of an installation may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// What a finished installation leaves behind: the names it was made from.
const MARK: &str = ".installed";
/// The major version that everything here is tested with.
const OLDEST_NODE: u32 = 22;
/// What is installed where the machine has none or an older one.
pub(crate) const NODE: &str = "22.23.3";
