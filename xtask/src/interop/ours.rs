//! Our client program in the matrix: which commands it runs, and how its answers are judged.

use std::{path::Path, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    interop::{
        Check,
        cells::Era,
        offer::{Call, Offer},
        run::Target,
    },
    process::{Group, Outcome, Red, tail},
};

/// Runs every check of the offer, each as one run of `mcp-bridge`.
pub(crate) fn check(program: &Path, offer: &Offer, target: &Target, era: Era) -> Vec<Check> {
    let bridge = Bridge {
        program,
        target,
        era,
    };
    let mut checks = vec![
        Check::of("list", bridge.list(offer)),
        Check::of(
            "call",
            offer
                .calls
                .iter()
                .try_for_each(|call| bridge.call(call))
                .map(|()| String::new()),
        ),
        Check::of("refuse", bridge.refuse(offer.refused)),
    ];
    if let Some(resource) = &offer.resource {
        let answer = bridge.answer(&["read"], &[resource.uri]);
        checks.push(Check::of(
            "read",
            answer.and_then(|answer| expect_text(&answer, resource.text)),
        ));
    }
    if let Some(prompt) = &offer.prompt {
        let answer = bridge.answer(&["prompt"], &[prompt.name, "--args", prompt.arguments]);
        checks.push(Check::of(
            "prompt",
            answer.and_then(|answer| expect_text(&answer, prompt.text)),
        ));
    }
    checks
}

struct Bridge<'a> {
    program: &'a Path,
    target: &'a Target,
    era: Era,
}

impl Bridge<'_> {
    fn list(&self, offer: &Offer) -> Outcome<String> {
        let tools = self.answer(&["tools"], &[])?;
        for name in offer.tools {
            expect_member(&tools, "name", name)?;
        }
        if let Some(resource) = &offer.resource {
            expect_member(&self.answer(&["resources"], &[])?, "uri", resource.uri)?;
        }
        if let Some(prompt) = &offer.prompt {
            expect_member(&self.answer(&["prompts"], &[])?, "name", prompt.name)?;
        }
        Ok(String::new())
    }

    fn call(&self, call: &Call) -> Outcome {
        let answer = self.answer(&["call"], &[call.tool, "--args", call.arguments])?;
        expect_text(&answer, call.answer).map(drop)
    }

    /// A refused call ends with an exit code that says so and does not hang.
    fn refuse(&self, refused: &[Call]) -> Outcome<String> {
        let mut codes = Vec::new();
        for call in refused {
            let (code, lines) = self.run(&["call"], &[call.tool, "--args", call.arguments])?;
            match code {
                Some(code) if REFUSALS.contains(&code) => codes.push(format!("exit {code}")),
                code => {
                    let printed = tail(&lines);
                    return Err(Red::new(format!(
                        "{} was not refused ({code:?}):\n{printed}",
                        call.tool
                    )));
                }
            }
        }
        Ok(codes.join(", "))
    }

    /// Runs a command that must succeed and returns the JSON that it printed, one value per line or one in all.
    fn answer(&self, verb: &[&str], rest: &[&str]) -> Outcome<Vec<Value>> {
        let (code, lines) = self.run(verb, rest)?;
        if code != Some(0) {
            return Err(Red::new(format!(
                "{} {rest:?} ended with {code:?}:\n{}",
                verb.join(" "),
                tail(&lines)
            )));
        }
        let output: Vec<&str> = lines
            .iter()
            .filter(|line| line.is_output)
            .map(|line| line.text.as_str())
            .collect();
        let text = output.join("\n");
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&text)
            .into_iter()
            .collect();
        match values {
            Ok(values) if !values.is_empty() => Ok(values),
            _ => Err(Red::new(format!(
                "{} {rest:?} printed no JSON:\n{}",
                verb.join(" "),
                tail(&lines)
            ))),
        }
    }

    fn run(
        &self,
        verb: &[&str],
        rest: &[&str],
    ) -> Outcome<(Option<i32>, Vec<crate::process::Line>)> {
        let mut command = Command::new(self.program);
        command.args(verb);
        match self.target {
            Target::Http(url) => {
                command
                    .arg(url)
                    .args(rest)
                    .args(["--json", "--era", self.era.name()])
            }
            Target::Stdio(words) => command.arg(shell_words(words)).args(rest).args([
                "--json",
                "--era",
                self.era.name(),
            ]),
        };
        Group::start(&mut command)?.finish(PATIENCE)
    }
}

/// Writes a command line as one argument.
fn shell_words(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let is_plain = word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-=@:".contains(c));
        if is_plain {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Looks for an object that has `expected` as its member `name`, at any depth.
fn expect_member(values: &[Value], name: &str, expected: &str) -> Outcome {
    fn holds(value: &Value, name: &str, expected: &str) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| holds(item, name, expected)),
            Value::Object(members) => {
                members.get(name).and_then(Value::as_str) == Some(expected)
                    || members.values().any(|member| holds(member, name, expected))
            }
            _ => false,
        }
    }
    if values.iter().any(|value| holds(value, name, expected)) {
        return Ok(());
    }
    Err(Red::new(format!(
        "nothing has the {name} {expected}: {values:?}"
    )))
}

/// Looks for a member `text` that holds `expected`, at any depth.
fn expect_text(values: &[Value], expected: &str) -> Outcome<String> {
    fn holds(value: &Value, expected: &str) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| holds(item, expected)),
            Value::Object(members) => {
                members
                    .get("text")
                    .and_then(Value::as_str)
                    .is_some_and(|text| text.contains(expected))
                    || members.values().any(|member| holds(member, expected))
            }
            _ => false,
        }
    }
    if values.iter().any(|value| holds(value, expected)) {
        return Ok(String::new());
    }
    Err(Red::new(format!("no text holds {expected:?}: {values:?}")))
}

/// How long one run of our client may take, the start of a slow server included.
const PATIENCE: Duration = Duration::from_secs(40);

/// The exit codes of a call that a server refused: the tool failed, or the call was wrong.
const REFUSALS: [i32; 2] = [1, 5];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_is_found_at_any_depth_and_only_under_its_name() {
        let tools = [json!({"tools": [{"name": "add", "description": "echo"}]})];
        assert!(expect_member(&tools, "name", "add").is_ok());
        assert!(expect_member(&tools, "name", "echo").is_err());
    }

    #[test]
    fn a_text_is_found_in_content_and_not_elsewhere() {
        let result = [json!({"content": [{"type": "text", "text": "it is 42"}], "id": "43"})];
        assert!(expect_text(&result, "42").is_ok());
        assert!(expect_text(&result, "43").is_err());
    }

    #[test]
    fn a_word_with_a_space_or_a_quote_is_quoted() {
        let words = ["/a/b", "c d", "e'f"].map(str::to_owned);
        assert_eq!(shell_words(&words), r"/a/b 'c d' 'e'\''f'");
    }
}
