//! The build rows: the server of the README, built clean, with ours and with the peer.
//!
//! The source of ours is the README itself, so that what is measured is what is promised.

use std::{fs, path::Path, process::Command};

use serde_json::json;

use crate::{
    bench::{judge::Sample, programs::Programs, row::Row},
    install,
    process::{Outcome, Red, capture, cargo},
    workspace::root,
};

/// Builds a subject from nothing and says what it cost.
///
/// # Errors
///
/// When it does not build.
pub(crate) fn sample(row: &Row, subject: &str, programs: &Programs) -> Outcome<Sample> {
    let is_small = row.name == "build-small";
    let folder = programs.folder().join("build").join(format!("{}-{subject}", row.name));
    let (manifest, source) = match subject {
        "ours" => (ours_manifest(is_small), ours_source()?),
        _ => peer(subject)?,
    };
    install::fresh(&folder.join("src"))?;
    install::write(&folder.join("Cargo.toml"), &manifest)?;
    install::write(&folder.join("src").join("main.rs"), &source)?;
    // What the peer is built from is known to its lock file; ours takes the versions of the workspace.
    let lock = if subject == "ours" { root().join("Cargo.lock") } else { nested(subject).join("Cargo.lock") };
    fs::copy(&lock, folder.join("Cargo.lock")).map_err(|error| Red::new(format!("no {}: {error}", lock.display())))?;
    let target = folder.join("target");
    if target.exists() {
        install::fresh(&target)?;
    }
    capture(cargo().current_dir(&folder).args(["fetch", "--quiet"]))?;
    let crates = capture(cargo().current_dir(&folder).args(TREE))?.stdout;
    let mut crates: Vec<&str> = crates.lines().filter_map(|line| line.split(" (").next()).collect();
    crates.sort_unstable();
    crates.dedup();
    let cpu_s = build(&folder, &target)?;
    let program = target.join("release").join("readme-server");
    let stripped = folder.join("stripped");
    capture(Command::new("strip").arg("-o").arg(&stripped).arg(&program))?;
    let size = fs::metadata(&stripped).map_err(|error| Red::new(format!("no {}: {error}", stripped.display())))?.len();
    // It is as large as all dependencies together, and of no further use.
    install::fresh(&target)?;
    // The crate that is built does not count as one that it needs.
    let crates = crates.len().saturating_sub(1);
    let told = json!({"cpu_s": cpu_s, "crates": crates, "stripped_kib": size / 1024});
    Ok(Sample { figure: cpu_s, told })
}

/// Builds and returns the CPU seconds of cargo and all the compilers that it ran.
///
/// The shell's `times` tells them: its second line is about the children that have ended.
fn build(folder: &Path, target: &Path) -> Outcome<f64> {
    let mut command = Command::new("sh");
    let cargo = cargo();
    command.current_dir(folder).env("CARGO_INCREMENTAL", "0").args(["-c", SCRIPT, "build"]);
    let said = capture(command.arg(cargo.get_program()).arg(target))?.stdout;
    cpu_of_children(&said).ok_or_else(|| Red::new(format!("the shell does not tell the times: {said}")))
}

/// Reads the second line of `times`, such as `1m2.340s 0m3.500s`.
fn cpu_of_children(said: &str) -> Option<f64> {
    let line = said.lines().filter(|line| line.contains('m') && line.ends_with('s')).nth(1)?;
    let seconds = |word: &str| {
        let (minutes, seconds) = word.strip_suffix('s')?.split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    };
    line.split_whitespace().map(seconds).sum()
}

fn ours_manifest(is_small: bool) -> String {
    let path = root().join("mcp-server");
    let features = if is_small { "default-features = false" } else { "default-features = true" };
    let server = format!("mcp-server = {{ path = {:?}, {features} }}", path.to_string_lossy());
    manifest(&format!("{server}\nschemars = \"1\"\n"))
}

fn manifest(dependencies: &str) -> String {
    format!(
        "[workspace]\n\n[package]\nname = \"readme-server\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         {dependencies}serde = {{ version = \"1\", features = [\"derive\"] }}\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n"
    )
}

/// The first program of the README that serves.
fn ours_source() -> Outcome<String> {
    let readme = install::read(&root().join("README.md"))?;
    server_of(&readme).ok_or_else(|| Red::new("README.md has no program with `.serve(stdio())`"))
}

fn server_of(readme: &str) -> Option<String> {
    let programs = readme.split("```rust").skip(1).filter_map(|block| block.split("```").next());
    let program = programs.into_iter().find(|program| program.contains(".serve(stdio())"))?;
    Some(program.split_once('\n')?.1.to_owned())
}

/// What a peer's README has; it lies beside the programs of the peer.
fn peer(subject: &str) -> Outcome<(String, String)> {
    let folder = nested(subject).join("readme");
    let source = install::read(&folder.join("main.rs"))?;
    let dependencies = install::read(&folder.join("dependencies.toml"))?;
    Ok((manifest(&dependencies), source))
}

fn nested(subject: &str) -> std::path::PathBuf {
    root().join("xtask/bench").join(subject)
}

/// Prints one crate in a line: all that are compiled, for procedural macros and build scripts too.
const TREE: [&str; 8] = ["tree", "--edges", "normal,build", "--prefix", "none", "--no-dedupe", "--format", "{p}"];
const SCRIPT: &str = r#""$1" build --release --quiet --target-dir "$2" && times"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_the_children_stand_in_the_second_line() {
        assert_eq!(cpu_of_children("0m0.000s 0m0.010s\n1m2.500s 0m3.250s\n"), Some(65.75));
        assert_eq!(cpu_of_children("0m0.000s 0m0.010s\n"), None);
    }

    #[test]
    fn the_readme_has_a_server() {
        let readme = install::read(&root().join("README.md")).unwrap();
        assert!(server_of(&readme).unwrap().contains("fn main"));
        assert_eq!(server_of("```rust\nfn main() {}\n```"), None);
    }
}
