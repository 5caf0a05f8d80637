//! Which scenarios are outside of what is built, so that a run leaves them out and says so.
//!
//! The surprising thing: they stay in our table. So a new one of the suite is still seen, and is red until somebody
//! writes down that it is outside.

use crate::{
    conformance::scenarios::{Scenario, Side},
    process::{Outcome, Red},
};

/// A line of the list: the scenarios that it leaves out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) side: Side,
    /// A name, or what names begin with and a `*`.
    pub(crate) pattern: String,
    pub(crate) reason: String,
}

/// What one line left out of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) rule: Rule,
    /// At least one.
    pub(crate) scenarios: Vec<Scenario>,
}

impl Rule {
    fn holds(&self, scenario: &Scenario) -> bool {
        let is_named = match self.pattern.strip_suffix('*') {
            Some(start) => scenario.name.starts_with(start),
            None => scenario.name == self.pattern,
        };
        self.side == scenario.side && is_named
    }
}

/// Reads the list, and holds it against the whole table.
///
/// # Errors
///
/// When a line is not of three parts, gives no reason, leaves out a whole side, or no scenario needs it: there is none
/// of this name, or an earlier line has it already.
pub(crate) fn rules(text: &str, table: &[Scenario]) -> Outcome<Vec<Rule>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rules = lines.map(|line| {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        rule(&parts).ok_or_else(|| Red::new(format!("the list of what is outside has a line that is none: {line}")))
    });
    let rules: Vec<Rule> = rules.collect::<Outcome<_>>()?;
    let (_, outside) = divide(table.to_vec(), &rules);
    match rules.iter().find(|rule| outside.iter().all(|outside| outside.rule != **rule)) {
        None if outside.len() == rules.len() => Ok(rules),
        None => Err(Red::new("xtask/conformance/outside.txt has a line that stands twice")),
        Some(Rule { side, pattern, .. }) => Err(Red::new(format!(
            "xtask/conformance/outside.txt has a line that no scenario needs: {} | {pattern}",
            side.name()
        ))),
    }
}

fn rule(parts: &[&str]) -> Option<Rule> {
    let &[side, pattern, reason] = parts else { return None };
    let names_something = !pattern.trim_end_matches('*').is_empty();
    let side = Side::parse(side)?;
    (names_something && !reason.is_empty()).then(|| Rule {
        side,
        pattern: pattern.to_owned(),
        reason: reason.to_owned(),
    })
}

/// Divides scenarios into those that are to be run, and those that the first line which holds for them leaves out.
pub(crate) fn divide(scenarios: Vec<Scenario>, rules: &[Rule]) -> (Vec<Scenario>, Vec<Outside>) {
    let mut inside = scenarios;
    let mut outside = Vec::new();
    for rule in rules {
        let (left_out, rest) = inside.into_iter().partition(|scenario| rule.holds(scenario));
        inside = rest;
        outside.push(Outside { rule: rule.clone(), scenarios: left_out });
    }
    outside.retain(|outside| !outside.scenarios.is_empty());
    (inside, outside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::scenarios::table;

    const TABLE: &str = "\
r1 server scored auth/metadata
r1 client scored auth/dpop
r2 client scored auth/dpop
r1 client scored author
";

    fn refused(text: &str) -> String {
        rules(text, &table(TABLE).unwrap()).unwrap_err().message
    }

    #[test]
    fn a_line_leaves_out_what_begins_like_it_on_its_side_and_nothing_else() {
        let table = table(TABLE).unwrap();
        let rules = rules("# why\nclient | auth/* | no OAuth yet\n", &table).unwrap();
        let (inside, outside) = divide(table.clone(), &rules);
        assert_eq!(inside, [table[0].clone(), table[3].clone()]);
        assert_eq!(outside, [Outside { rule: rules[0].clone(), scenarios: table[1..3].to_vec() }]);
    }

    #[test]
    fn a_line_without_a_star_is_a_whole_name() {
        let table = table(TABLE).unwrap();
        let rules = rules("client | author | not now\n", &table).unwrap();
        assert_eq!(divide(table, &rules).1[0].scenarios.len(), 1);
        assert!(refused("client | auth | not now").contains("no scenario needs: client | auth"));
    }

    #[test]
    fn a_line_that_no_scenario_needs_is_an_error() {
        assert!(refused("client | tasks-* | not now").contains("no scenario needs: client | tasks-*"));
        let second = refused("client | auth/* | no OAuth yet\nclient | auth/dpop | not now");
        assert!(second.contains("no scenario needs: client | auth/dpop"), "{second}");
        let twice = refused("client | auth/* | no OAuth yet\nclient | auth/* | no OAuth yet");
        assert!(twice.contains("stands twice"), "{twice}");
    }

    #[test]
    fn a_line_without_a_reason_or_for_a_whole_side_is_an_error() {
        for line in ["client | auth/* |", "client | auth/*", "proxy | auth/* | a", "client | * | a", "client | | a"] {
            assert!(refused(line).contains("a line that is none"), "{line}");
        }
    }

    #[test]
    fn the_list_of_the_project_leaves_out_authorization_of_the_client_alone() {
        let table = table(include_str!("../../conformance/scenarios.txt")).unwrap();
        let rules = rules(include_str!("../../conformance/outside.txt"), &table).unwrap();
        let (inside, outside) = divide(table, &rules);
        assert!(inside.iter().all(|scenario| !scenario.name.starts_with("auth/")));
        let left_out: Vec<&Scenario> = outside.iter().flat_map(|outside| &outside.scenarios).collect();
        assert!(left_out.iter().all(|scenario| scenario.side == Side::Client && scenario.name.starts_with("auth/")));
        assert_eq!(left_out.len(), 51);
    }
}
