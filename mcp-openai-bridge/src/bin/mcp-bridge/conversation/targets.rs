//! The servers of a command line, each with a name of its own.

use std::collections::BTreeSet;
use std::ffi::OsString;

use crate::exit::Failure;
use crate::target::Target;

/// The targets of a conversation, with their labels.
pub(crate) type Targets = Vec<(String, Target)>;

/// Reads the targets: those with a name, those that are words, and the command after `--`.
pub(crate) fn read(words: &[String], command: Vec<OsString>, named: &[String]) -> Result<Targets, Failure> {
    let mut targets = Vec::new();
    for word in named {
        let Some((name, target)) = word.split_once('=').filter(|(name, _)| is_label(name)) else {
            return Err(Failure::usage(format!("`{word}` is no server with a name"))
                .hint("write it like --server weather=https://host/mcp; a name has letters, digits, `-` and `_`"));
        };
        targets.push((name.to_owned(), Target::parse(target)?));
    }
    for word in words {
        let target = Target::parse(word)?;
        targets.push((target.label(), target));
    }
    if !command.is_empty() {
        let target = Target::Command(command);
        targets.push((target.label(), target));
    }
    make_unique(&mut targets);
    Ok(targets)
}

fn is_label(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Numbers servers of the same name, because the tools of two servers are told apart by it.
fn make_unique(targets: &mut Targets) {
    let mut seen = BTreeSet::new();
    for (label, _) in targets {
        let natural = label.clone();
        let mut number = 2;
        while !seen.insert(label.clone()) {
            *label = format!("{natural}-{number}");
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(words: &[&str], command: &[&str], named: &[&str]) -> Result<Vec<String>, String> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let targets = read(&owned(words), command.iter().map(Into::into).collect(), &owned(named));
        let targets = targets.map_err(|failure| failure.message)?;
        Ok(targets.into_iter().map(|(label, _)| label).collect())
    }

    #[test]
    fn targets_have_names_of_their_own() {
        let check = |words: &[&str], command: &[&str], named: &[&str], expected: &[&str]| {
            assert_eq!(labels(words, command, named).unwrap(), expected);
        };
        check(&[], &[], &[], &[]);
        check(&["embedded"], &[], &[], &["embedded"]);
        check(&[], &["node", "x.js"], &[], &["node"]);
        check(&["http://h/a", "http://h/b"], &[], &["w=embedded"], &["w", "h", "h-2"]);
    }

    #[test]
    fn a_server_without_a_name_or_a_target_is_refused() {
        assert!(labels(&[], &[], &["no name"]).unwrap_err().contains("is no server with a name"));
        assert!(labels(&[], &[], &["n m=embedded"]).unwrap_err().contains("is no server with a name"));
        assert!(labels(&["what"], &[], &[]).unwrap_err().contains("is no target"));
    }
}
