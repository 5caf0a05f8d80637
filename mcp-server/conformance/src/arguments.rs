//! What the command line says.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr as _;

use mcp_types::Revision;

use crate::fixture::Fixture;
use crate::hostile::Aim;
use crate::setting::Transport;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print how to use the program.
    Help,
    /// Print the scenarios and what they prove.
    List,
    /// Run the matrix.
    Matrix(Selection),
    /// Run the hostile probes instead of the matrix.
    Hostile(Selection),
    /// Be the server of one hostile probe.
    ServeHostile(Aim),
    /// Be the server that asks, over the standard streams, with the sealing key that other processes have too.
    ServeAsking(String),
    /// Be the server of one cell, over the standard streams.
    ServeStdio(Fixture),
}

/// Which part of the matrix to run, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) revisions: Vec<Revision>,
    pub(crate) transports: Vec<Transport>,
    /// Only scenarios whose name holds this text.
    pub(crate) only: Option<String>,
    /// Where to write the report as JSON.
    pub(crate) json: Option<PathBuf>,
    /// How many cells run at once.
    pub(crate) jobs: usize,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            revisions: vec![Revision::LATEST_LEGACY, Revision::LATEST],
            transports: Transport::ALL.to_vec(),
            only: None,
            json: None,
            jobs: JOBS,
        }
    }
}

/// Why a command line cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misuse {
    /// An argument that nobody knows.
    Unknown(String),
    /// An argument that needs a value stands last.
    NoValue(String),
    /// A value that the argument cannot have, and those that it can.
    Value { argument: &'static str, value: String, allowed: String },
}

/// The argument that makes the program the server of a cell; no user gives it.
pub(crate) const SERVE_STDIO: &str = "--serve-stdio";

/// The argument that makes the program the server that asks, with a sealing key; no user gives it.
pub(crate) const SERVE_ASKING: &str = "--serve-asking";

/// The argument that makes the program the server of a hostile probe; no user gives it.
pub(crate) const SERVE_HOSTILE: &str = "--serve-hostile";

/// Reads the arguments that follow the program's name.
pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Command, Misuse> {
    let mut arguments = arguments.into_iter();
    let mut selection = Selection::default();
    let mut is_hostile = false;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| Misuse::NoValue(argument.clone()));
        match argument.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--hostile" => is_hostile = true,
            "--list" => return Ok(Command::List),
            "--revisions" => selection.revisions = revisions(&value()?)?,
            "--transports" => selection.transports = transports(&value()?)?,
            "--only" => selection.only = Some(value()?),
            "--json" => selection.json = Some(value()?.into()),
            "--jobs" => selection.jobs = jobs(&value()?)?,
            SERVE_STDIO => {
                let name = value()?;
                let known = || Fixture::ALL.map(Fixture::as_str).join(", ");
                let misuse = || Misuse::Value { argument: SERVE_STDIO, value: name.clone(), allowed: known() };
                return Fixture::named(&name).ok_or_else(misuse).map(Command::ServeStdio);
            }
            SERVE_ASKING => return Ok(Command::ServeAsking(value()?)),
            SERVE_HOSTILE => {
                let name = value()?;
                let known = || Aim::ALL.map(Aim::as_str).join(", ");
                let misuse = || Misuse::Value { argument: SERVE_HOSTILE, value: name.clone(), allowed: known() };
                return Aim::named(&name).ok_or_else(misuse).map(Command::ServeHostile);
            }
            _ => return Err(Misuse::Unknown(argument)),
        }
    }
    Ok(if is_hostile { Command::Hostile(selection) } else { Command::Matrix(selection) })
}

fn revisions(value: &str) -> Result<Vec<Revision>, Misuse> {
    if value == "all" {
        return Ok(Revision::ALL.to_vec());
    }
    let allowed = || format!("all, {}", Revision::ALL.map(Revision::as_str).join(", "));
    let misuse = |_| Misuse::Value { argument: "--revisions", value: value.to_owned(), allowed: allowed() };
    value.split(',').map(|name| Revision::from_str(name).map_err(misuse)).collect()
}

fn transports(value: &str) -> Result<Vec<Transport>, Misuse> {
    let allowed = || Transport::ALL.map(Transport::as_str).join(", ");
    let misuse = || Misuse::Value { argument: "--transports", value: value.to_owned(), allowed: allowed() };
    value.split(',').map(|name| Transport::named(name).ok_or_else(misuse)).collect()
}

fn jobs(value: &str) -> Result<usize, Misuse> {
    let allowed = || "a number from 1".to_owned();
    let misuse = || Misuse::Value { argument: "--jobs", value: value.to_owned(), allowed: allowed() };
    value.parse().ok().filter(|jobs| *jobs > 0).ok_or_else(misuse)
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(argument) => write!(f, "unknown argument `{argument}`; `--help` names those that there are"),
            Self::NoValue(argument) => write!(f, "`{argument}` needs a value"),
            Self::Value { argument, value, allowed } => {
                write!(f, "`{argument}` cannot be `{value}`; it can be: {allowed}")
            }
        }
    }
}

impl std::error::Error for Misuse {}

/// How to use the program.
pub(crate) const HELP: &str = "\
cargo xtask conformance [ARGUMENTS]

Runs our client against our server: every scenario, over every transport, in every revision.
It exits with 1 when a cell is red, and with 2 when it cannot begin.

  --revisions all|A,B,…   the revisions (the latest of each era)
  --transports A,B,…      of memory, stdio and http (all)
  --only TEXT             only scenarios whose name holds TEXT
  --json FILE             also write the report as JSON
  --jobs N                how many cells run at once (8)
  --list                  print the scenarios and what they prove
  --hostile               instead: what no client would send, to a server in a process of its own
                          (with --only and --json)
";

/// More than there are cores, because most of a cell is waiting.
const JOBS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, Misuse> {
        super::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn nothing_means_the_latest_revision_of_each_era_over_everything() {
        let Ok(Command::Matrix(selection)) = read("") else { panic!("not a matrix") };
        assert_eq!(selection.revisions, [Revision::LATEST_LEGACY, Revision::LATEST]);
        assert_eq!(selection.transports, Transport::ALL);
    }

    #[test]
    fn a_part_of_the_matrix_can_be_chosen() {
        let line = format!("--revisions all --transports http,memory --only ping --jobs 3 --json {}", "r.json");
        let expected = Selection {
            revisions: Revision::ALL.to_vec(),
            transports: vec![Transport::Http, Transport::Memory],
            only: Some("ping".to_owned()),
            json: Some("r.json".into()),
            jobs: 3,
        };
        assert_eq!(read(&line), Ok(Command::Matrix(expected)));
    }

    #[test]
    fn what_is_not_understood_is_named_with_what_could_stand_there() {
        assert_eq!(
            read("--fast").unwrap_err().to_string(),
            "unknown argument `--fast`; `--help` names those that there are"
        );
        assert_eq!(read("--only").unwrap_err().to_string(), "`--only` needs a value");
        let misuse = read("--transports memory,smoke").unwrap_err().to_string();
        assert_eq!(misuse, "`--transports` cannot be `memory,smoke`; it can be: memory, stdio, http");
        for line in ["--revisions 2020-01-01", "--jobs 0", "--jobs many", "--serve-stdio nothing"] {
            assert!(matches!(read(line), Err(Misuse::Value { .. })), "{line}");
        }
    }

    #[test]
    fn the_hostile_run_can_be_narrowed_and_asks_for_its_servers() {
        let Ok(Command::Hostile(selection)) = read("--only F01 --hostile --json r.json") else { panic!("not hostile") };
        assert_eq!((selection.only.as_deref(), selection.json), (Some("F01"), Some("r.json".into())));
        for aim in Aim::ALL {
            assert_eq!(read(&format!("{SERVE_HOSTILE} {}", aim.as_str())), Ok(Command::ServeHostile(aim)));
        }
        assert!(read("--serve-hostile nobody").is_err());
    }

    #[test]
    fn the_server_that_asks_is_given_its_sealing_key() {
        assert_eq!(read("--serve-asking secret"), Ok(Command::ServeAsking("secret".to_owned())));
        assert_eq!(read("--serve-asking"), Err(Misuse::NoValue(SERVE_ASKING.to_owned())));
    }

    #[test]
    fn a_cell_can_ask_for_the_server_of_any_fixture() {
        for fixture in Fixture::ALL {
            let line = format!("{SERVE_STDIO} {}", fixture.as_str());
            assert_eq!(read(&line), Ok(Command::ServeStdio(fixture)));
        }
    }
}
