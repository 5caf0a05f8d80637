//! A run of the official suite, from the installation to the reports.

use std::{
    env::current_dir,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    conformance::{
        gate::{self, Ran, Skip, Verdict},
        options::Options,
        outside::{self, Outside},
        peers::{self, Peer},
        report,
        scenarios::{self, Scenario, Side},
        suite::Suite,
    },
    install,
    process::{Group, Outcome, Red, in_ci},
    workers::for_all,
    workspace::{Workspace, root},
};

/// One scenario, run and judged.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) scenario: Scenario,
    pub(crate) ran: Ran,
    pub(crate) verdict: Verdict,
    pub(crate) time: Duration,
}

/// Runs what the arguments choose, prints the tables and writes the reports.
///
/// # Errors
///
/// When a scenario is red, the suite requires something else than our table, or something cannot be built or installed.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments)?;
    let workspace = Workspace::load()?;
    let Some(suite) = Suite::install(&workspace.target_directory)? else {
        return skip();
    };
    let data = root().join("xtask/conformance");
    let table = scenarios::table(&install::read(&data.join("scenarios.txt"))?)?;
    let skips = gate::skips(&install::read(&data.join("skips.txt"))?)?;
    scenarios::compare(&table, &suite.list(&scenarios::revisions(&table))?)?;
    let rules = outside::rules(&install::read(&data.join("outside.txt"))?, &table)?;
    let (chosen, outside) = options.choose(&table, &rules)?;

    let folder = workspace.target_directory.join("conformance");
    let results = folder.join("results");
    install::fresh(&results)?;
    let run = Run { suite: &suite, skips: &skips, results: &results };
    let mut judged = Vec::new();
    for side in Side::ALL {
        let chosen: Vec<Scenario> = chosen.iter().filter(|scenario| scenario.side == side).cloned().collect();
        if chosen.is_empty() {
            continue;
        }
        judged.extend(match side {
            Side::Server => run.servers(&chosen, &options, &workspace)?,
            Side::Client => run.clients(&chosen, &options, &workspace)?,
        });
    }
    let version = suite.version()?;
    let json = report::json(&version, &judged, &outside);
    install::write(&folder.join("report.json"), &json)?;
    if let Some(file) = &options.json {
        install::write(file, &json)?;
    }
    if options.write_docs {
        write_docs(&version, &judged, &outside, &skips)?;
    }
    print!("{}{}", report::failures(&judged), report::summary(&version, &judged, &outside));
    conclude(&judged, &skips)
}

/// Says that nothing can be run here.
fn skip() -> Outcome {
    const WHY: &str = "the official suite needs Node (npm), which is not on this machine";
    if in_ci() {
        return Err(Red::new(format!("{WHY}; with CI=true it is required")));
    }
    println!("skipped: {WHY}");
    Ok(())
}

/// What every scenario of a run has in common.
struct Run<'a> {
    suite: &'a Suite,
    skips: &'a [Skip],
    results: &'a Path,
}

impl Run<'_> {
    /// Runs server scenarios one after the other: they change what one server offers.
    fn servers(&self, chosen: &[Scenario], options: &Options, workspace: &Workspace) -> Outcome<Vec<Judged>> {
        let (mut group, peer): (Option<Group>, Peer) = match &options.server_url {
            Some(url) => (None, Peer::Server { url: url.clone() }),
            None => {
                let (group, peer) = peers::server(workspace)?;
                (Some(group), peer)
            }
        };
        let judged = chosen.iter().map(|scenario| {
            let is_alive = |group: &mut Option<Group>| group.as_mut().map_or(Ok(()), Group::check_alive);
            self.one(scenario, &peer, || is_alive(&mut group))
        });
        Ok(judged.collect())
    }

    /// Runs client scenarios side by side: each has a client and a mock server of its own.
    fn clients(&self, chosen: &[Scenario], options: &Options, workspace: &Workspace) -> Outcome<Vec<Judged>> {
        let peer = match &options.client_command {
            Some(command) => {
                let folder =
                    current_dir().map_err(|error| Red::new(format!("cannot tell the current folder: {error}")))?;
                Peer::Client { command: command.clone(), folder }
            }
            None => peers::client(workspace)?,
        };
        Ok(for_all(chosen, |scenario| self.one(scenario, &peer, || Ok(()))))
    }

    /// Runs and judges one scenario; `is_alive` says whether what is judged still runs afterwards.
    fn one(&self, scenario: &Scenario, peer: &Peer, is_alive: impl FnOnce() -> Outcome) -> Judged {
        let start = Instant::now();
        let mut ran = self.suite.run(scenario, peer, self.results);
        if let Err(red) = is_alive() {
            ran.troubles.push(format!("the server does not run any more: {red}"));
        }
        let verdict = gate::judge(scenario, &ran, self.skips);
        Judged { scenario: scenario.clone(), ran, verdict, time: start.elapsed() }
    }
}

fn write_docs(version: &str, judged: &[Judged], outside: &[Outside], skips: &[Skip]) -> Outcome {
    let docs = root().join("docs");
    install::write(&docs.join("src").join(CHAPTER), &report::markdown(version, judged, outside, skips))?;
    for (file, what) in [("src/SUMMARY.md", "a line"), ("lib.rs", "a module")] {
        if !install::read(&docs.join(file))?.contains(CHAPTER) {
            println!("docs/{file} has no {CHAPTER} yet; give it {what}");
        }
    }
    Ok(())
}

/// # Errors
///
/// When a scenario is red, or a line of the list of skips is needed by none.
fn conclude(judged: &[Judged], skips: &[Skip]) -> Outcome {
    let settled = judged.iter().filter(|judged| !matches!(judged.verdict, Verdict::Red(_)));
    let unneeded: Vec<&Skip> =
        settled.flat_map(|judged| gate::unneeded(&judged.scenario, &judged.ran, skips)).collect();
    if let Some(skip) = unneeded.first() {
        return Err(Red::new(format!("xtask/conformance/skips.txt has a line that is not needed any more: {skip}")));
    }
    let red: Vec<&Judged> = judged.iter().filter(|judged| matches!(judged.verdict, Verdict::Red(_))).collect();
    match red.first() {
        None => Ok(()),
        Some(first) => Err(Red::new(format!(
            "conformance: {} of {} scenarios are red; alone: cargo xtask conformance --official --revision {} --side {} --only {}",
            red.len(),
            judged.len(),
            first.scenario.revision,
            first.scenario.side.name(),
            first.scenario.name
        ))),
    }
}

/// The page of the report.
const CHAPTER: &str = "conformance-report.md";
