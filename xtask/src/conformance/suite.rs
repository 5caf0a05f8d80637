//! The official suite: a pinned npm package, run once for each scenario.
//!
//! Every scenario is a run of its own, because only then the suite looks at the exit code of a client, and a deadline
//! can end one scenario without the others. `--force` is needed: without it a scenario outside of its window prints
//! that it was skipped, and succeeds.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use crate::{
    conformance::{
        checks::{self, Check, Status},
        gate::Ran,
        peers::Peer,
        scenarios::{self, Scenario},
    },
    install,
    process::{Group, Line, Outcome, Red, is_installed, tail},
    workspace::root,
};

/// The installed suite.
#[derive(Debug)]
pub(crate) struct Suite {
    node: PathBuf,
    package: PathBuf,
}

impl Suite {
    /// Installs the suite below the folder `conformance` of `target`; `None` when this machine has no npm.
    ///
    /// # Errors
    ///
    /// When the installation fails.
    pub(crate) fn install(target: &Path) -> Outcome<Option<Self>> {
        if !is_installed("npm", "--version") {
            return Ok(None);
        }
        let node = install::node(target)?;
        let folder = target.join("conformance").join("suite");
        install::packages(&folder, &sources())?;
        let package = folder.join("node_modules").join("@modelcontextprotocol").join("conformance");
        Ok(Some(Self { node, package }))
    }

    /// Returns the version of the suite.
    ///
    /// # Errors
    ///
    /// When the package does not say.
    pub(crate) fn version(&self) -> Outcome<String> {
        let text = install::read(&self.package.join("package.json"))?;
        let described: Option<Value> = serde_json::from_str(&text).ok();
        let version = described.as_ref().and_then(|package| package["version"].as_str());
        version.map(str::to_owned).ok_or_else(|| Red::new("the suite does not say its version"))
    }

    /// Asks the suite what it requires of these revisions.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub(crate) fn list(&self, revisions: &[&str]) -> Outcome<Vec<Scenario>> {
        let mut command = self.command();
        command.args(["list", "--requirements", &revisions.join(",")]);
        let (code, lines) = Group::start(&mut command)?.finish(DEADLINE)?;
        if code != Some(0) {
            return Err(Red::new(format!("the suite does not list its scenarios ({code:?}):\n{}", tail(&lines))));
        }
        let text: Vec<&str> = lines.iter().filter(|line| line.is_output).map(|line| line.text.as_str()).collect();
        Ok(scenarios::listed(&text.join("\n")))
    }

    /// Runs one scenario; what keeps it from being run is a trouble of it.
    pub(crate) fn run(&self, scenario: &Scenario, peer: &Peer, results: &Path) -> Ran {
        let folder = results.join(&scenario.revision).join(scenario.side.name()).join(scenario.name.replace('/', "-"));
        self.try_run(scenario, peer, &folder)
            .unwrap_or_else(|red| Ran { troubles: vec![red.message], ..Ran::default() })
    }

    fn try_run(&self, scenario: &Scenario, peer: &Peer, folder: &Path) -> Outcome<Ran> {
        install::fresh(folder)?;
        let mut command = self.command();
        command.args([scenario.side.name(), "--scenario", &scenario.name, "--spec-version", &scenario.revision]);
        command.args(["--force", "--timeout", &TIMEOUT.as_millis().to_string(), "--output-dir"]).arg(folder);
        match peer {
            Peer::Server { url } => command.args(["--url", url]),
            Peer::Client { command: words, folder } => command.current_dir(folder).args(["--command", words]),
        };
        let (code, lines) = Group::start(&mut command)?.finish(DEADLINE)?;
        let checks = read_checks(folder)
            .map_err(|red| Red::new(format!("{red}; the suite ended with {code:?} and printed:\n{}", tail(&lines))))?;
        let troubles = troubles(code, &lines, &checks);
        Ok(Ran { checks, is_whole: true, troubles })
    }

    /// The mock servers of the suite listen on every interface; what is loaded first makes them listen on loopback.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.arg("--require").arg(sources().join("loopback.js")).arg(self.package.join("dist").join("index.js"));
        command
    }
}

/// Finds what is wrong beside the checks. The suite says on its standard error that a client timed out or, where that
/// is not allowed, ended with an error, and both are in its exit code.
fn troubles(code: Option<i32>, lines: &[Line], checks: &[Check]) -> Vec<String> {
    let told = lines.iter().map(|line| line.text.trim_start_matches(|c: char| !c.is_ascii_alphabetic()));
    let told: Vec<String> = told
        .filter(|text| CLIENT_TROUBLES.iter().any(|trouble| text.starts_with(trouble)))
        .map(str::to_owned)
        .collect();
    let is_explained = checks.iter().any(|check| matches!(check.status, Status::Failure | Status::Warning));
    if told.is_empty() && code != Some(0) && !is_explained {
        return vec![format!("the suite ended with {code:?} though no check failed; it printed:\n{}", tail(lines))];
    }
    told
}

/// Reads the one `checks.json` that a run leaves somewhere below its folder.
fn read_checks(folder: &Path) -> Outcome<Vec<Check>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let unreadable = |error| Red::new(format!("cannot read {}: {error}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("checks.json") {
                found.push(path);
            }
        }
    }
    match found.as_slice() {
        [one] => checks::parse(&install::read(one)?),
        several => Err(Red::new(format!("the suite wrote its checks {} times", several.len()))),
    }
}

fn sources() -> PathBuf {
    root().join("xtask/conformance")
}

/// How the lines begin that tell of a client.
const CLIENT_TROUBLES: [&str; 2] = ["CLIENT TIMED OUT", "CLIENT EXITED WITH ERROR"];
/// How long the suite gives a scenario.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long we give the suite, which waits for what a client leaves behind.
const DEADLINE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line> {
        text.lines().map(|line| Line { text: line.to_owned(), is_output: false }).collect()
    }

    fn check(status: Status) -> Check {
        Check { id: "a".to_owned(), name: "A".to_owned(), status, message: String::new() }
    }

    #[test]
    fn a_client_that_broke_off_or_hung_is_trouble_even_when_every_check_is_a_success() {
        let checks = [check(Status::Success)];
        let exited =
            lines("Test Results:\n\u{26a0}\u{fe0f}  CLIENT EXITED WITH ERROR (code 3) - Test may be incomplete\n");
        assert_eq!(troubles(Some(1), &exited, &checks), ["CLIENT EXITED WITH ERROR (code 3) - Test may be incomplete"]);
        let hung = lines("\u{26a0}\u{fe0f}  CLIENT TIMED OUT - Test incomplete\n");
        assert_eq!(troubles(Some(1), &hung, &checks), ["CLIENT TIMED OUT - Test incomplete"]);
    }

    #[test]
    fn the_checks_of_a_run_are_found_below_its_folder_when_they_are_there_once() {
        let folder = std::env::temp_dir().join(format!("xtask-checks-{}", std::process::id()));
        let write = |place: &str| {
            install::fresh(&folder.join(place)).unwrap();
            let text = r#"[{"id": "a", "name": "A", "status": "INFO"}]"#;
            install::write(&folder.join(place).join("checks.json"), text).unwrap();
        };
        install::fresh(&folder).unwrap();
        let none = read_checks(&folder);
        write("auth/dpop-2026");
        let one = read_checks(&folder);
        write("auth/dpop-2027");
        let two = read_checks(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert!(none.is_err());
        assert_eq!(one.unwrap(), [check(Status::Info)]);
        assert!(two.unwrap_err().message.contains("2 times"));
    }

    #[test]
    fn an_exit_code_is_trouble_unless_a_check_explains_it() {
        assert_eq!(troubles(Some(0), &[], &[check(Status::Success)]), Vec::<String>::new());
        assert_eq!(troubles(Some(1), &[], &[check(Status::Failure)]), Vec::<String>::new());
        assert_eq!(troubles(Some(1), &[], &[check(Status::Success)]).len(), 1);
        assert_eq!(troubles(None, &[], &[check(Status::Success)]).len(), 1);
    }
}
