//! `cargo xtask tidy`: the budgets and rules of the source tree, those that no lint keeps.
//!
//! `source.rs` lexes, `rules.rs` looks at one file, `tree.rs` at the tree, `scope.rs` says where each rule holds, and
//! `exceptions.rs` reads who is excused.

mod exceptions;
mod rules;
mod scope;
mod source;
#[cfg(test)]
mod tests;
mod tree;

use std::fs;

use crate::{
    process::{Outcome, Red},
    workspace::{Workspace, root},
};

/// Checks the whole tree and prints every finding.
///
/// # Errors
///
/// When there is a finding, or a file cannot be read.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(argument) = arguments.first() {
        return Err(Red::usage(format!("`tidy` does not know `{argument}`")));
    }
    let sources = tree::read(root())?;
    let mut findings: Vec<rules::Finding> =
        sources.iter().flat_map(|source| rules::RULES.iter().flat_map(|rule| rule.check(source))).collect();
    findings.extend(whole_tree(&sources)?);

    let text = fs::read_to_string(root().join(exceptions::FILE))
        .map_err(|error| Red::new(format!("cannot read {}: {error}", exceptions::FILE)))?;
    let exceptions = exceptions::parse(&text).map_err(Red::new)?;
    let mut findings = exceptions::apply(&exceptions, findings);
    findings.sort_by(|a, b| (&a.path, a.line, a.rule).cmp(&(&b.path, b.line, b.rule)));
    for finding in &findings {
        println!("{}:{}: [{}] {}", finding.path, finding.line, finding.rule, finding.message);
    }
    if findings.is_empty() {
        println!("tidy: {} files, {} exceptions", sources.len(), exceptions.len());
        return Ok(());
    }
    Err(Red::new(format!(
        "tidy: {} findings; mend them, or except one with a reason in {}",
        findings.len(),
        exceptions::FILE
    )))
}

fn whole_tree(sources: &[source::Source]) -> Outcome<Vec<rules::Finding>> {
    let names: Vec<String> = tree::entries(root())?.into_iter().map(|(name, _)| name).collect();
    let mut findings = tree::top_level(&names);
    let files: Vec<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    let workspace = Workspace::load()?;
    let crates: Vec<&str> = workspace.published().map(|package| package.name.as_str()).collect();
    findings.extend(tree::crate_files(&crates, &files));
    let tables = [
        ("DRIVERS", scope::DRIVERS),
        ("OWN_ERAS", scope::OWN_ERAS),
        ("PURE", scope::PURE),
        ("REAL_TIME", scope::REAL_TIME),
        ("VERSIONS", scope::VERSIONS),
        ("WIRE", scope::WIRE),
    ];
    findings.extend(tree::stale_scopes(&tables, &files));
    Ok(findings)
}
