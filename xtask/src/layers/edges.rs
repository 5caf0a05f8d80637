//! The edges that are there against the edges that the table allows. Pure: cargo was asked already.

use crate::{
    layers::table::Room,
    workspace::{Kind, Package},
};

/// Returns what the crates have and the table does not, and the other way round.
pub(crate) fn check(packages: &[Package], rooms: &[Room]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages {
        match rooms.iter().find(|room| room.name == package.name) {
            Some(room) => check_room(package, room, &mut findings),
            None => findings.push(format!("{} is not in the table of rooms", package.name)),
        }
    }
    for room in rooms.iter().filter(|room| !packages.iter().any(|package| package.name == room.name)) {
        findings.push(format!("the table has a room {}, the workspace has no such crate", room.name));
    }
    findings
}

fn check_room(package: &Package, room: &Room, findings: &mut Vec<String>) {
    let has = |is_ours: bool, in_tests: bool| {
        let dependencies = package.dependencies.iter();
        let chosen =
            dependencies.filter(move |line| line.is_ours == is_ours && (line.kind == Kind::Development) == in_tests);
        let mut names: Vec<&str> = chosen.map(|line| line.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    compare(room.name, "depends on", &has(true, false), room.ours, findings);
    compare(room.name, "depends on", &has(false, false), room.others, findings);
    compare(room.name, "depends in its tests on", &has(true, true), room.ours_in_tests, findings);
}

fn compare(room: &str, verb: &str, has: &[&str], may: &[&str], findings: &mut Vec<String>) {
    for name in has.iter().filter(|name| !may.contains(name)) {
        findings.push(format!("{room} {verb} {name}, which its room in xtask/src/layers/table.rs does not allow"));
    }
    for name in may.iter().filter(|name| !has.contains(name)) {
        findings.push(format!("{room} no longer {verb} {name}: take it out of xtask/src/layers/table.rs"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    const ROOM: Room = Room { name: "a", ours: &["b"], others: &["serde"], ours_in_tests: &[] };

    fn package(dependencies: &[(&str, Kind, bool)]) -> Package {
        let dependencies =
            dependencies.iter().map(|&(name, kind, is_ours)| Dependency { name: name.to_owned(), kind, is_ours });
        Package {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            is_published: true,
            features: Vec::new(),
            dependencies: dependencies.collect(),
        }
    }

    const ALLOWED: [(&str, Kind, bool); 2] = [("b", Kind::Normal, true), ("serde", Kind::Normal, false)];

    fn findings(more: &[(&str, Kind, bool)]) -> Vec<String> {
        check(&[package(&[&ALLOWED, more].concat())], &[ROOM])
    }

    #[test]
    fn the_edges_of_the_table_are_allowed_and_so_is_any_foreign_crate_in_tests() {
        assert_eq!(findings(&[]), Vec::<String>::new());
        assert_eq!(findings(&[("tempfile", Kind::Development, false)]), Vec::<String>::new());
    }

    #[test]
    fn an_edge_that_is_not_in_the_table_is_found() {
        assert!(findings(&[("tokio", Kind::Normal, false)])[0].starts_with("a depends on tokio"));
        assert!(findings(&[("cc", Kind::Build, false)])[0].starts_with("a depends on cc"));
        assert!(findings(&[("c", Kind::Normal, true)])[0].starts_with("a depends on c,"));
        assert!(findings(&[("c", Kind::Development, true)])[0].starts_with("a depends in its tests on c"));
    }

    #[test]
    fn an_edge_of_the_table_that_is_gone_is_found() {
        let findings = check(&[package(&ALLOWED[..1])], &[ROOM]);
        assert!(findings[0].starts_with("a no longer depends on serde"));
    }

    #[test]
    fn a_crate_without_a_room_and_a_room_without_a_crate_are_found() {
        assert_eq!(check(&[package(&[])], &[]).len(), 1);
        assert_eq!(check(&[], &[ROOM]).len(), 1);
    }
}
