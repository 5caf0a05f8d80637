//! What must be run: our table of scenarios, and the list that the suite itself gives.
//!
//! The table is ours so that a new version of the suite cannot drop a scenario unseen.

use std::{collections::BTreeSet, fmt};

use crate::process::{Outcome, Red};

/// Which of our programs is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Server,
    Client,
}

/// One scenario in one revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scenario {
    pub(crate) revision: String,
    pub(crate) side: Side,
    pub(crate) set: Set,
    pub(crate) name: String,
}

/// Whether a scenario counts for the conformance of the suite. Ours is red either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Set {
    Scored,
    NotScored,
}

impl Side {
    pub(crate) const ALL: [Self; 2] = [Self::Server, Self::Client];

    /// Reads the word for a side.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.name() == word)
    }

    /// The word for it: also the command of the suite.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl Set {
    pub(crate) const ALL: [Self; 2] = [Self::Scored, Self::NotScored];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::NotScored => "not-scored",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.revision, self.side.name(), self.set.name(), self.name)
    }
}

/// Reads our table.
///
/// # Errors
///
/// When a line is not a scenario, or the table has none.
pub(crate) fn table(text: &str) -> Outcome<Vec<Scenario>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let scenarios = lines.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        read(&words).ok_or_else(|| Red::new(format!("the table of scenarios has a line that is none: {line}")))
    });
    let scenarios: Vec<Scenario> = scenarios.collect::<Outcome<_>>()?;
    if scenarios.is_empty() {
        return Err(Red::new("the table of scenarios is empty"));
    }
    Ok(scenarios)
}

fn read(words: &[&str]) -> Option<Scenario> {
    let &[revision, side, set, name] = words else { return None };
    Some(Scenario {
        revision: revision.to_owned(),
        side: Side::parse(side)?,
        set: Set::ALL.into_iter().find(|known| known.name() == set)?,
        name: name.to_owned(),
    })
}

/// Returns the revisions of a table, in its order.
pub(crate) fn revisions(table: &[Scenario]) -> Vec<&str> {
    let mut revisions: Vec<&str> = table.iter().map(|scenario| scenario.revision.as_str()).collect();
    revisions.dedup();
    revisions
}

/// Reads what `list --requirements` prints: a heading for each revision, one for each side, and the scenarios that are
/// not scored at the end, with their side in brackets.
pub(crate) fn listed(text: &str) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    let (mut revision, mut side) = ("", None);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("Required for ") {
            revision = rest.split(' ').next().unwrap_or_default();
            side = None;
        } else if let Some(rest) = line.trim_start().strip_prefix("- ") {
            let (name, tag) = rest.split_once(" [").unwrap_or((rest, ""));
            let tagged = tag.strip_suffix(']').and_then(Side::parse);
            let set = if tagged.is_some() { Set::NotScored } else { Set::Scored };
            if let Some(side) = tagged.or(side) {
                scenarios.push(Scenario { revision: revision.to_owned(), side, set, name: name.to_owned() });
            }
        } else if line.starts_with("Server scenarios") {
            side = Some(Side::Server);
        } else if line.starts_with("Client scenarios") {
            side = Some(Side::Client);
        } else if line.starts_with("Run and reported") {
            side = None;
        }
    }
    scenarios
}

/// Holds our table against the list of the suite.
///
/// # Errors
///
/// Names every scenario that only one of them has.
pub(crate) fn compare(table: &[Scenario], listed: &[Scenario]) -> Outcome {
    let ours: BTreeSet<&Scenario> = table.iter().collect();
    let theirs: BTreeSet<&Scenario> = listed.iter().collect();
    let missing = theirs.difference(&ours).map(|scenario| format!("\n  only the suite has: {scenario}"));
    let gone = ours.difference(&theirs).map(|scenario| format!("\n  only our table has: {scenario}"));
    let differences: String = missing.chain(gone).collect();
    if differences.is_empty() && table.len() == ours.len() {
        return Ok(());
    }
    let message = if differences.is_empty() { "\n  a line of our table stands twice" } else { &differences };
    Err(Red::new(format!("our table of scenarios and the list of the suite disagree:{message}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "\
Required for 2025-11-25 (2 scenarios, frozen; run at the 2025-11-25 wire):

Server scenarios (test against a server):
  - ping

Client scenarios (test against a client):
  - auth/basic-cimd

Run and reported, but never scored:
  extension (1):
    - auth/dpop [client]
  pending (1):
    - server-sse-polling [server]

Required for 2026-07-28 (1 scenarios, frozen; run at the 2026-07-28 wire):

Server scenarios (test against a server):
  - caching
";

    const TABLE: &str = "\
# A comment.
2025-11-25 server scored ping
2025-11-25 server not-scored server-sse-polling
2025-11-25 client scored auth/basic-cimd
2025-11-25 client not-scored auth/dpop
2026-07-28 server scored caching
";

    #[test]
    fn the_list_of_the_suite_and_an_equal_table_agree() {
        let table = table(TABLE).unwrap();
        assert_eq!(compare(&table, &listed(LISTED)).map_err(|red| red.message), Ok(()));
        assert_eq!(revisions(&table), ["2025-11-25", "2026-07-28"]);
    }

    #[test]
    fn every_difference_is_named() {
        let table = table(&TABLE.replace("server scored ping", "server not-scored ping")).unwrap();
        let message = compare(&table, &listed(LISTED)).unwrap_err().message;
        assert!(message.contains("only the suite has: 2025-11-25 server scored ping"), "{message}");
        assert!(message.contains("only our table has: 2025-11-25 server not-scored ping"), "{message}");
    }

    #[test]
    fn a_list_in_a_form_that_we_do_not_know_agrees_with_nothing() {
        assert!(compare(&table(TABLE).unwrap(), &listed("* ping\n")).is_err());
    }

    #[test]
    fn a_line_that_stands_twice_is_an_error() {
        let twice = format!("{TABLE}2026-07-28 server scored caching\n");
        assert!(compare(&table(&twice).unwrap(), &listed(LISTED)).is_err());
    }

    #[test]
    fn a_line_that_is_no_scenario_is_an_error() {
        for line in ["2025-11-25 server ping", "2025-11-25 proxy scored ping", "2025-11-25 server perhaps ping", ""] {
            assert!(table(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_table_of_the_project_has_what_the_two_requirement_sets_count() {
        let table = table(include_str!("../../conformance/scenarios.txt")).unwrap();
        let count = |revision: &str, side, set| {
            let is_in = |entry: &&Scenario| entry.revision == revision && entry.side == side && entry.set == set;
            table.iter().filter(is_in).count()
        };
        assert_eq!(count("2025-11-25", Side::Server, Set::Scored), 30);
        assert_eq!(count("2025-11-25", Side::Client, Set::Scored), 18);
        assert_eq!(count("2026-07-28", Side::Server, Set::Scored), 37);
        assert_eq!(count("2026-07-28", Side::Client, Set::Scored), 32);
        assert_eq!(table.iter().filter(|entry| entry.set == Set::NotScored).count(), 30);
    }
}
