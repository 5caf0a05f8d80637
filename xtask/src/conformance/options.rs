//! The command line of the official suite.

use std::path::PathBuf;

use crate::{
    conformance::{
        outside::{Outside, Rule, divide},
        scenarios::{Scenario, Side, revisions},
    },
    process::{Outcome, Red},
};

/// What to run, and where to tell.
#[derive(Debug, Default)]
pub(crate) struct Options {
    revision: Option<String>,
    side: Option<Side>,
    /// What the name of a scenario must hold.
    only: String,
    /// Whether what is outside is run too.
    all: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) write_docs: bool,
    /// A server that runs already, instead of our fixture.
    pub(crate) server_url: Option<String>,
    /// A client that is not our fixture.
    pub(crate) client_command: Option<String>,
}

impl Options {
    /// Reads the arguments, `--official` among them.
    ///
    /// # Errors
    ///
    /// When one is not known, wants a value, or does not go with another.
    pub(crate) fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().cloned().ok_or_else(|| Red::usage(format!("`{argument}` wants a value")));
            match argument.as_str() {
                "--official" => {}
                "--revision" => options.revision = Some(value()?),
                "--side" => {
                    let word = value()?;
                    let side = Side::parse(&word);
                    options.side = Some(side.ok_or_else(|| Red::usage(format!("`{word}` is no side")))?);
                }
                "--only" => options.only = value()?,
                "--all" => options.all = true,
                "--json" => options.json = Some(PathBuf::from(value()?)),
                "--write-docs" => options.write_docs = true,
                "--server-url" => options.server_url = Some(value()?),
                "--client-command" => options.client_command = Some(value()?),
                other => return Err(Red::usage(format!("`conformance --official` does not know `{other}`"))),
            }
        }
        let is_whole = options.revision.is_none() && options.side.is_none() && options.only.is_empty();
        let is_ours = options.server_url.is_none() && options.client_command.is_none();
        if options.write_docs && !(is_whole && is_ours) {
            return Err(Red::usage("`--write-docs` reports a whole run of our own programs"));
        }
        Ok(options)
    }

    /// Takes what is to be run out of the table, and what would be but is outside. Who asks for all or by name gets
    /// both run.
    ///
    /// # Errors
    ///
    /// When nothing is to be run.
    pub(crate) fn choose(&self, table: &[Scenario], rules: &[Rule]) -> Outcome<(Vec<Scenario>, Vec<Outside>)> {
        let is_chosen = |scenario: &&Scenario| {
            self.revision.as_ref().is_none_or(|revision| *revision == scenario.revision)
                && self.side.is_none_or(|side| side == scenario.side)
                && scenario.name.contains(&self.only)
        };
        let wanted: Vec<Scenario> = table.iter().filter(is_chosen).cloned().collect();
        let rules = if self.all || !self.only.is_empty() { &[] } else { rules };
        let (chosen, outside) = divide(wanted, rules);
        if chosen.is_empty() {
            if !outside.is_empty() {
                return Err(Red::usage("all of these scenarios are outside; `--all` runs them too"));
            }
            let known = revisions(table).join(" and ");
            return Err(Red::usage(format!("no scenario is of this name, side and revision (there are {known})")));
        }
        Ok((chosen, outside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{outside::rules, scenarios::table};

    fn parse(line: &str) -> Outcome<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    const TABLE: &str =
        "r1 server scored ping\nr1 client scored tools\nr1 client scored auth/dpop\nr2 client scored auth/dpop\n";

    /// What is run, and how much is left out.
    fn chosen(line: &str) -> (Vec<String>, usize) {
        let table = table(TABLE).unwrap();
        let rules = rules("client | auth/* | no OAuth yet", &table).unwrap();
        let (chosen, outside) = parse(line).unwrap().choose(&table, &rules).unwrap();
        (chosen.iter().map(|it| it.name.clone()).collect(), outside.iter().map(|it| it.scenarios.len()).sum())
    }

    #[test]
    fn revision_side_and_name_narrow_what_is_run() {
        assert_eq!(chosen("--official --all").0.len(), 4);
        assert_eq!(chosen("--official --all --revision r1 --side client").0, ["tools", "auth/dpop"]);
        assert_eq!(chosen("--only ping --official").0, ["ping"]);
    }

    #[test]
    fn what_is_outside_is_counted_and_not_run_unless_it_is_asked_for() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(chosen("--official"), (names(&["ping", "tools"]), 2));
        assert_eq!(chosen("--official --side client --revision r1"), (names(&["tools"]), 1));
        assert_eq!(chosen("--official --side server"), (names(&["ping"]), 0));
        assert_eq!(chosen("--official --only auth/"), (names(&["auth/dpop", "auth/dpop"]), 0));
        assert_eq!(chosen("--official --all").1, 0);
    }

    #[test]
    fn a_run_of_nothing_but_what_is_outside_is_not_green() {
        let table = table(TABLE).unwrap();
        let rules = rules("client | auth/* | no OAuth yet", &table).unwrap();
        let error = parse("--official --revision r2").unwrap().choose(&table, &rules).unwrap_err();
        assert!(error.code == 2 && error.message.contains("--all"), "{error}");
    }

    #[test]
    fn a_choice_of_nothing_is_a_usage_error() {
        let table = table("r1 server scored ping\n").unwrap();
        assert_eq!(parse("--official --only pong").unwrap().choose(&table, &[]).unwrap_err().code, 2);
    }

    #[test]
    fn what_is_not_understood_is_a_usage_error() {
        for line in ["--official --only", "--official --side proxy", "--official --everything"] {
            assert_eq!(parse(line).unwrap_err().code, 2, "{line}");
        }
    }

    #[test]
    fn a_part_of_a_run_is_not_written_into_the_docs() {
        assert!(parse("--official --write-docs --json x").is_ok());
        for narrower in ["--only a", "--side client", "--revision r1", "--server-url a", "--client-command a"] {
            assert!(parse(&format!("--official --write-docs {narrower}")).is_err(), "{narrower}");
        }
    }
}
