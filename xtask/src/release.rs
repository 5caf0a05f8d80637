//! `cargo xtask release --dry-run`: packages every crate that is published, builds each package as its users would,
//! and checks what it holds.
//!
//! cargo packages them in the order of their dependencies and resolves each against the packages before it, so a crate
//! that only builds inside this workspace is found. The surprising thing: each run builds in a folder of its own, and
//! all of it anew. cargo keeps what it unpacked from an earlier package in its home, by the path of the build and the
//! version, and at the same path would hold today's crates against yesterday's.

use std::{
    fs,
    path::Path,
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    process::{Outcome, Red, capture, cargo, in_ci, run as run_command},
    workspace::{Package, Workspace, root},
};

/// Packages and checks; nothing is uploaded.
///
/// # Errors
///
/// When a package does not build or lacks a file.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if arguments != ["--dry-run"] {
        return Err(Red::usage("`release` takes `--dry-run`; publishing itself is `cargo publish`, by a person"));
    }
    let workspace = Workspace::load()?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let name = format!("release-dry-run-{since}-{}", process::id());
    let target = workspace.target_directory.join(name);
    let outcome = package(&workspace, &target);
    // A build of its own is large, and the next run makes another.
    let _ = fs::remove_dir_all(&target);
    outcome
}

fn package(workspace: &Workspace, target: &Path) -> Outcome {
    let mut command = cargo();
    command.current_dir(root()).arg("package").arg("--target-dir").arg(target);
    for package in workspace.published() {
        command.args(["-p", &package.name]);
    }
    // In CI the tree must be as it was committed, so that what is packaged is what is in git.
    if !in_ci() {
        command.arg("--allow-dirty");
    }
    run_command(&mut command)?;

    let mut missing = Vec::new();
    println!("{:<20} {:<9} {:>6} {:>9}", "package", "version", "files", "size");
    for package in workspace.published() {
        let files = files(package)?;
        missing.extend(absent(&package.name, &files));
        let archive = format!("{}-{}.crate", package.name, package.version);
        let path = target.join("package").join(archive);
        let size = fs::metadata(&path)
            .map_err(|error| Red::new(format!("there is no package {}: {error}", path.display())))?
            .len();
        let kilobytes = size.div_ceil(1024);
        println!("{:<20} {:<9} {:>6} {:>6} KB", package.name, package.version, files.len(), kilobytes);
        if kilobytes > MAX_KILOBYTES {
            missing.push(format!("{}: {kilobytes} KB, at most {MAX_KILOBYTES}: does it pack test data?", package.name));
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(Red::new(missing.join("\n"))) }
}

fn files(package: &Package) -> Outcome<Vec<String>> {
    let mut command = cargo();
    command.current_dir(root()).args(["package", "--list", "--allow-dirty", "-p", &package.name]);
    Ok(capture(&mut command)?.stdout.lines().map(str::to_owned).collect())
}

fn absent(name: &str, files: &[String]) -> Vec<String> {
    let absent = REQUIRED.iter().filter(|&&file| !files.iter().any(|present| present == file));
    absent.map(|file| format!("{name}: the package holds no {file}")).collect()
}

/// What every package holds.
const REQUIRED: &[&str] = &["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"];

/// The largest package, in KB as it is downloaded.
const MAX_KILOBYTES: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_a_licence_text_is_found() {
        let files = ["CHANGELOG.md", "LICENSE-MIT", "README.md", "src/lib.rs"].map(str::to_owned);
        assert_eq!(absent("a", &files), ["a: the package holds no LICENSE-APACHE"]);
    }
}
