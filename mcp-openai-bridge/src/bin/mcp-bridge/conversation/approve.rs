//! Which calls somebody must approve, as it is written on a command line, and how somebody is asked.
//!
//! The surprising thing: an answer that is neither yes nor no is a no with that text as its reason, which the model is
//! told. So whoever is asked can say what to do instead.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use mcp_openai_bridge::turn::Call;
use mcp_openai_bridge::turn::approval::{Approval, Policy, Rule};

use crate::exit::Failure;
use crate::lines::Lines;
use crate::output::{Output, shortened};

/// A policy, and how it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) written: String,
    pub(crate) policy: Policy,
}

impl Wanted {
    /// Reads rules and what is to be done about all other calls: `deny:bank,allow:files/read_file,writes`.
    pub(crate) fn parse(written: &str) -> Result<Self, Failure> {
        let mut words: Vec<&str> = written.split(',').map(str::trim).collect();
        let otherwise = match words.last() {
            Some(&word @ ("always" | "never" | "writes")) => {
                words.pop();
                word
            }
            _ => "never",
        };
        let policy = if otherwise == "never" { Policy::allow() } else { Policy::ask() };
        let policy = words.into_iter().try_fold(policy, |policy, word| Ok::<_, Failure>(policy.rule(rule(word)?)))?;
        let policy = if otherwise == "writes" { policy.rule(Rule::allow().read_only()) } else { policy };
        Ok(Self { written: written.to_owned(), policy })
    }
}

fn rule(word: &str) -> Result<Rule, Failure> {
    let wrong = || Failure::usage(format!("`{word}` of --approve is no rule")).hint(USAGE);
    let (verdict, place) = word.split_once(':').ok_or_else(wrong)?;
    let rule = match verdict {
        "allow" => Rule::allow(),
        "ask" => Rule::ask(),
        "deny" => Rule::deny("the user does not allow it"),
        _ => return Err(wrong()),
    };
    match place.split_once('/') {
        None if !place.is_empty() => Ok(rule.server(place)),
        Some((server, tool)) if !server.is_empty() && !tool.is_empty() => Ok(rule.server(server).tools([tool])),
        _ => Err(wrong()),
    }
}

const USAGE: &str =
    "write `always`, `writes` or `never`, with rules such as `deny:SERVER,allow:SERVER/TOOL,` before it";

/// Asks whoever is at standard input.
pub(crate) struct Asker {
    lines: Lines,
    output: Output,
    /// Tools that need no approval any more, by server and name.
    always: Mutex<BTreeSet<(String, String)>>,
}

impl Asker {
    pub(crate) fn new(lines: Lines, output: &Output) -> Self {
        Self { lines, output: *output, always: Mutex::default() }
    }

    /// Asks whether a call may be made.
    pub(crate) async fn ask(&self, call: &Call) -> Approval {
        let (server, tool) = (call.tool.server(), call.tool.tool());
        let place = (server.to_owned(), tool.to_owned());
        if self.always.lock().unwrap_or_else(PoisonError::into_inner).contains(&place) {
            return Approval::Allowed;
        }
        let arguments = shortened(call.arguments.as_str(), SHOWN_CHARS);
        self.output.insist(&format!(
            "? {tool} of {server} {arguments}\n  run it? [y]es, [n]o, [a]lways, or what to do instead:"
        ));
        let said = match self.lines.next().await {
            Ok(Some(said)) => said,
            Ok(None) => return Approval::denied("nobody could be asked, because standard input has ended"),
            Err(failure) => return Approval::denied(format!("nobody could be asked: {}", failure.message)),
        };
        match said.trim() {
            "y" | "yes" => Approval::Allowed,
            "a" | "always" => {
                self.always.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
                Approval::Allowed
            }
            "" | "n" | "no" => Approval::denied("the user does not want it"),
            reason => Approval::denied(reason),
        }
    }
}

/// Characters of arguments that are shown to whoever decides.
const SHOWN_CHARS: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_rules_and_what_is_done_otherwise() {
        let check = |written: &str, expected: Policy| assert_eq!(Wanted::parse(written).unwrap().policy, expected);
        check("never", Policy::allow());
        check("always", Policy::ask());
        check("writes", Policy::ask().rule(Rule::allow().read_only()));
        let bank = || Rule::deny("the user does not allow it").server("bank");
        check("deny:bank", Policy::allow().rule(bank()));
        check(
            "deny:bank, allow:files/read_file, writes",
            Policy::ask()
                .rule(bank())
                .rule(Rule::allow().server("files").tools(["read_file"]))
                .rule(Rule::allow().read_only()),
        );
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for written in ["", "sometimes", "never,always", "deny:", "deny:/x", "deny:x/", "forbid:x", "writes,deny:x,"] {
            assert!(Wanted::parse(written).is_err(), "{written}");
        }
    }
}
