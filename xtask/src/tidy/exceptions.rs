//! `xtask/exceptions.txt`: who may break which rule, and why.
//!
//! One exception per line: a path, the name of a rule, and the reason, which is the rest of the line. It holds for the
//! whole file. An exception that nothing needs is an error, so the list only shrinks.

use crate::tidy::rules::Finding;

/// One line of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    path: String,
    rule: String,
    line: usize,
}

/// Reads the file.
///
/// # Errors
///
/// A line without a rule, or without a reason, as a message.
pub(crate) fn parse(text: &str) -> Result<Vec<Exception>, String> {
    let mut exceptions = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (Some(path), Some(rule), Some(_reason)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("{FILE}:{}: a line is a path, a rule and a reason", index + 1));
        };
        exceptions.push(Exception { path: path.to_owned(), rule: rule.to_owned(), line: index + 1 });
    }
    Ok(exceptions)
}

/// Takes out what the exceptions allow, and puts in the exceptions that allowed nothing.
pub(crate) fn apply(exceptions: &[Exception], findings: Vec<Finding>) -> Vec<Finding> {
    let allows =
        |exception: &Exception, finding: &Finding| exception.path == finding.path && exception.rule == finding.rule;
    let unused = exceptions.iter().filter(|exception| !findings.iter().any(|finding| allows(exception, finding)));
    let unused: Vec<Finding> = unused
        .map(|exception| Finding {
            path: FILE.to_owned(),
            line: exception.line,
            rule: "exceptions",
            message: format!("`{} {}` is not needed (any more): delete it", exception.path, exception.rule),
        })
        .collect();
    let mut left: Vec<Finding> =
        findings.into_iter().filter(|finding| !exceptions.iter().any(|exception| allows(exception, finding))).collect();
    left.extend(unused);
    left
}

/// Where the exceptions are.
pub(crate) const FILE: &str = "xtask/exceptions.txt";
