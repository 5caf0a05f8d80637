//! The conformance matrix: our client against our server, every scenario over every transport in every revision.
//!
//! The surprising thing: the program is its own server. Over stdio a cell starts it again with a hidden argument.

mod arguments;
mod failure;
mod fixture;
mod hostile;
mod prelude;
mod report;
mod runner;
mod scenario;
mod scenarios;
mod setting;
mod stage;
mod user;
mod wire;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use mcp_server::{KeyRing, Limits, SealingKey, Server};
use tokio::runtime::Builder;

use crate::arguments::{Command, HELP, Selection};
use crate::fixture::Fixture;
use crate::runner::Plan;
use crate::setting::Setting;

fn main() -> ExitCode {
    let outcome = arguments::read(std::env::args().skip(1)).map_err(Into::into).and_then(follow);
    outcome.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "conformance: {error}");
        ExitCode::from(2)
    })
}

fn follow(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Help => print(HELP),
        Command::List => {
            let lines = scenarios::ALL.iter().map(|(name, scenario)| format!("{name}\n    {}\n", scenario.proves));
            print(&lines.collect::<String>())
        }
        Command::Matrix(selection) => run_matrix(&selection),
        Command::Hostile(selection) => run_hostile(&selection),
        Command::ServeAsking(key) => serve_asking(&key),
        Command::ServeStdio(fixture) => serve_stdio(&fixture.build()?, fixture.limits()),
        Command::ServeHostile(aim) => hostile::serve(aim).map(|()| ExitCode::SUCCESS),
    }
}

fn run_matrix(selection: &Selection) -> Result<ExitCode, Box<dyn Error>> {
    runner::quiet_panics();
    let report = Builder::new_multi_thread().enable_all().build()?.block_on(runner::run(&plan(selection)));
    if let Some(path) = &selection.json {
        std::fs::write(path, format!("{:#}\n", report.to_json()))?;
    }
    print(&format!("{report}\n"))?;
    Ok(ExitCode::from(report.exit_code()))
}

fn run_hostile(selection: &Selection) -> Result<ExitCode, Box<dyn Error>> {
    let run = hostile::run(selection.only.as_deref());
    let report = Builder::new_multi_thread().enable_all().build()?.block_on(run);
    if let Some(path) = &selection.json {
        std::fs::write(path, format!("{:#}\n", report.to_json()))?;
    }
    print(&format!("{report}\n"))?;
    Ok(ExitCode::from(report.exit_code()))
}

fn plan(selection: &Selection) -> Plan {
    let wanted = |name: &str| selection.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let settings = setting::all(&selection.revisions);
    let is_selected = |setting: &Setting| selection.transports.contains(&setting.transport);
    Plan {
        scenarios: scenarios::ALL.iter().copied().filter(|(name, _)| wanted(name)).collect(),
        settings: settings.into_iter().filter(is_selected).collect(),
        jobs: selection.jobs,
        deadline: DEADLINE,
    }
}

fn serve_asking(key: &str) -> Result<ExitCode, Box<dyn Error>> {
    let keys = KeyRing::new(SealingKey::new(key.as_bytes())?, []);
    let server = Fixture::Asking.builder().state_keys(keys).build()?;
    serve_stdio(&server, Fixture::Asking.limits())
}

fn serve_stdio(server: &Server, limits: Limits) -> Result<ExitCode, Box<dyn Error>> {
    runner::quiet_panics();
    let way_in = mcp_server::stdio().limits(limits);
    Builder::new_current_thread().enable_all().build()?.block_on(server.serve(way_in))?;
    Ok(ExitCode::SUCCESS)
}

fn print(text: &str) -> Result<ExitCode, Box<dyn Error>> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// How long one cell may take. Nothing waits in a scenario, so only what hangs comes near it.
const DEADLINE: Duration = Duration::from_secs(20);
