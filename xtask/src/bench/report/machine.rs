//! What a reader must know of the machine, of the tools and of the subjects to make sense of a figure.

use std::{fs, process::Command, thread};

use crate::{install, process::capture, workspace::root};

/// How thoroughly, when and of which commit something was measured. No two runs have the same name.
pub(super) fn run(plan: &str) -> String {
    let date = said("date", &["-u", "+%Y-%m-%d at %H:%M:%S UTC"]);
    let commit = said("git", &["-C", &root().to_string_lossy(), "rev-parse", "--short", "HEAD"]);
    format!("{plan}; begun {date}, of commit {commit}")
}

/// One sentence for each fact.
pub(super) fn facts() -> Vec<String> {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let processor = processor.map_or("an unknown processor", |(_, name)| name);
    vec![
        format!("{cores} cores of {processor}, {} {}", said("uname", &["-s"]), said("uname", &["-r"])),
        format!(
            "{}; release builds with `lto = \"thin\"` and `codegen-units = 1`, ours as the peer's",
            said("rustc", &["--version"])
        ),
        versions(),
    ]
}

/// The peers, each at the version that its lock file pins.
fn versions() -> String {
    let read = |name: &str| install::read(&root().join("xtask/bench").join(name)).unwrap_or_default();
    let (packages, python, rust) =
        (read("node/package.json"), read("python/requirements.txt"), read("rmcp/Cargo.toml"));
    let node = |name: &str| quoted(&packages, &format!("\"{name}\": \""));
    format!(
        "rmcp {}; TypeScript SDK {} on Node {}; Python SDK {} on {}; AI SDK {}",
        quoted(&rust, "rmcp = { version = \"="),
        node("@modelcontextprotocol/server"),
        install::NODE,
        python.split("\nmcp==").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or("?"),
        said("python3", &["--version"]),
        node("ai"),
    )
}

/// What stands behind `before`, to the next quote.
fn quoted(text: &str, before: &str) -> String {
    text.split(before).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("?").to_owned()
}

/// What a program says in one line; a question mark when it is not there.
fn said(program: &str, words: &[&str]) -> String {
    let captured = capture(Command::new(program).args(words));
    captured.map_or_else(|_| "?".to_owned(), |captured| captured.stdout.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_has_a_version() {
        let versions = versions();
        assert!(!versions.replace("on ?", "").contains('?'), "{versions}");
    }
}
