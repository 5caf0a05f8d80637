//! Which calls somebody must approve, as it is written on a command line, and how somebody is asked, about calls and by
//! servers.
//!
//! The surprising thing: an answer that is neither yes nor no is a no with that text as its reason, which the model is
//! told. So whoever is asked can say what to do instead.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use mcp_openai_bridge::turn::Call;
use mcp_openai_bridge::turn::approval::{Approval, Policy, Rule};

use mcp_types::{ElicitRequestFormParams, ElicitRequestParams, ElicitResult, JsonObject, RequestedSchema};
use tokio::sync::Mutex as Desk;

use super::form;
use crate::exit::Failure;
use crate::lines::Lines;
use crate::output::{Output, shortened};

/// A policy, and how it is written in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) written: String,
    pub(crate) policy: Policy,
}

impl Wanted {
    /// Reads rules and what is to be done about all other calls: `deny:bank,allow:files/read_file,writes`. Rules alone
    /// leave the others to `otherwise`, one of `always`, `never` and `writes`.
    pub(crate) fn parse(written: &str, otherwise: &str) -> Result<Self, Failure> {
        let mut words: Vec<&str> = written.split(',').map(str::trim).collect();
        let (otherwise, written) = match words.last() {
            Some(&word @ ("always" | "never" | "writes")) => {
                words.pop();
                (word, written.to_owned())
            }
            _ => (otherwise, format!("{written},{otherwise}")),
        };
        let policy = if otherwise == "never" { Policy::allow() } else { Policy::ask() };
        let policy = words.into_iter().try_fold(policy, |policy, word| Ok::<_, Failure>(policy.rule(rule(word)?)))?;
        let policy = if otherwise == "writes" { policy.rule(Rule::allow().read_only()) } else { policy };
        Ok(Self { written, policy })
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
    /// Whoever asks holds it, so that the questions of two do not mix.
    desk: Desk<()>,
    /// Tools that need no approval any more, by server and name.
    always: Mutex<BTreeSet<(String, String)>>,
}

impl Asker {
    pub(crate) fn new(lines: Lines, output: &Output) -> Self {
        Self { lines, output: *output, desk: Desk::default(), always: Mutex::default() }
    }

    /// Asks whether a call may be made.
    pub(crate) async fn ask(&self, call: &Call) -> Approval {
        let _desk = self.desk.lock().await;
        let (server, tool) = (call.tool.server(), call.tool.tool());
        let place = (server.to_owned(), tool.to_owned());
        if self.always.lock().unwrap_or_else(PoisonError::into_inner).contains(&place) {
            return Approval::Allowed;
        }
        // A name with a line break in it could write the question of another call.
        let tool = shortened(tool, SHOWN_CHARS);
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

    /// Asks what a server wants to know.
    pub(crate) async fn elicit(&self, server: &str, question: &ElicitRequestParams) -> ElicitResult {
        let _desk = self.desk.lock().await;
        let message = shortened(question.message(), SHOWN_CHARS);
        let action = match question {
            ElicitRequestParams::Form(form) => {
                self.output.insist(&format!("? {server} asks: {message}\n  /decline and /cancel are answers, too"));
                return self.fill(form).await;
            }
            ElicitRequestParams::Url(place) => {
                let url = shortened(&place.url, SHOWN_CHARS);
                self.output.insist(&format!("? {server} asks you to open {url}: {message}\n  done? [y]es, [n]o:"));
                match self.line().await.as_deref() {
                    Some("y" | "yes") => "accept",
                    Some("/cancel") | None => "cancel",
                    Some(_) => "decline",
                }
            }
            _ => "decline",
        };
        ElicitResult::new(action)
    }

    /// Asks for each field of a form until it can be taken.
    async fn fill(&self, form: &ElicitRequestFormParams) -> ElicitResult {
        let Ok(schema) = form.requested_schema.decode::<RequestedSchema>() else {
            self.output.say("  it cannot be shown, and was declined");
            return ElicitResult::new("decline");
        };
        let mut content = JsonObject::new();
        for field in form::fields(&schema) {
            self.output.insist(&format!("  {}", shortened(&field.question(), SHOWN_CHARS)));
            loop {
                let line = match self.line().await {
                    Some(line) if line == "/decline" => return ElicitResult::new("decline"),
                    Some(line) if line != "/cancel" => line,
                    _ => return ElicitResult::new("cancel"),
                };
                match field.read(&line) {
                    Ok(Some(value)) => {
                        content.insert(field.name(), value);
                        break;
                    }
                    Ok(None) => break,
                    Err(why) => self.output.insist(&format!("  {} {why}; again:", field.name())),
                }
            }
        }
        let mut result = ElicitResult::new("accept").content(content);
        result.fill_defaults(&schema);
        result
    }

    /// Asks whether a server may ask the model.
    pub(crate) async fn may_sample(&self, server: &str, asked: &str) -> bool {
        let _desk = self.desk.lock().await;
        let asked = shortened(asked, SHOWN_CHARS);
        self.output.insist(&format!("? {server} wants the model to answer: {asked}\n  may it? [y]es, [n]o:"));
        matches!(self.line().await.as_deref(), Some("y" | "yes"))
    }

    /// Returns the next line; `None` when there is nobody.
    async fn line(&self) -> Option<String> {
        self.lines.next().await.ok().flatten().map(|line| line.trim().to_owned())
    }
}

/// Characters of arguments that are shown to whoever decides.
const SHOWN_CHARS: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_rules_and_what_is_done_otherwise() {
        let check =
            |written: &str, expected: Policy| assert_eq!(Wanted::parse(written, "never").unwrap().policy, expected);
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
    fn rules_alone_change_nothing_for_the_other_calls() {
        for otherwise in ["always", "never", "writes"] {
            let alone = Wanted::parse("deny:bank", otherwise).unwrap();
            assert_eq!(alone, Wanted::parse(&format!("deny:bank,{otherwise}"), "never").unwrap());
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for written in ["", "sometimes", "never,always", "deny:", "deny:/x", "deny:x/", "forbid:x", "writes,deny:x,"] {
            assert!(Wanted::parse(written, "never").is_err(), "{written}");
        }
    }
}
