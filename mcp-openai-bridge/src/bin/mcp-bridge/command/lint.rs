//! `lint`: what a model's provider would say to the tools of a server.
//!
//! The surprising thing: the exit code is 5 only when a tool cannot be offered at all. What is repaired works, and is
//! said so that the server can be mended.

use mcp_openai_bridge::tools::{Finding, Strict, TOOL_LIMIT, ToolSet, Verdict};
use serde_json::{Value, json};

use crate::cli;
use crate::exit::{Failure, Kind};
use crate::output::{Output, counted};

use super::source::{self, Listed};

pub(super) async fn run(lint: cli::Lint, output: &Output) -> Result<(), Failure> {
    let listed = source::listed(lint.words, lint.child, lint.connect, USAGE, output).await?;
    let set = ToolSet::builder().server(&listed.label, &listed.tools).strict(Strict::Auto).build();
    let findings = set.lint();
    let summary = Summary::of(&findings, &listed, &set);
    if output.is_json() {
        let tools: Vec<Value> = findings.iter().map(document).chain(listed.refused.iter().map(unreadable)).collect();
        output.document(&json!({ "tools": tools, "summary": summary.document() }))?;
    } else {
        findings.iter().try_for_each(|finding| print(finding, output))?;
        for (name, why) in &listed.refused {
            output.print(&format!("{name}\n    held back: {why}"))?;
        }
        output.print(&summary.text())?;
    }
    match summary.held_back {
        0 => Ok(()),
        held_back => {
            let message = format!("{held_back} of {} cannot be offered to a model", counted(summary.tools, "tool"));
            Err(Failure::new(Kind::Tool, message))
        }
    }
}

/// The figures at the end.
struct Summary {
    tools: usize,
    legal: usize,
    repaired: usize,
    held_back: usize,
    strict: usize,
    tokens: usize,
    /// Tools that a request has no room for.
    left_out: usize,
}

impl Summary {
    fn of(findings: &[Finding], listed: &Listed, set: &ToolSet) -> Self {
        let offered = findings.iter().filter_map(Finding::offered);
        let legal = findings.iter().filter(|finding| finding.is_legal()).count();
        Self {
            tools: findings.len() + listed.refused.len(),
            legal,
            repaired: set.len() - legal,
            held_back: findings.len() - set.len() + listed.refused.len(),
            strict: offered.clone().filter(|tool| tool.strict()).count(),
            tokens: offered.map(mcp_openai_bridge::tools::ToolRef::tokens).sum(),
            left_out: set.report().left_out().count(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{}: {} legal, {} repaired, {} held back; {} with strict mode; about {} in a request",
            counted(self.tools, "tool"),
            self.legal,
            self.repaired,
            self.held_back,
            self.strict,
            counted(self.tokens, "token"),
        );
        if self.left_out > 0 {
            text.push_str(&format!(
                "\na request takes {TOOL_LIMIT} functions at most: {} wait for a search of the model",
                counted(self.left_out, "tool")
            ));
        }
        text
    }

    fn document(&self) -> Value {
        json!({
            "tools": self.tools,
            "legal": self.legal,
            "repaired": self.repaired,
            "held_back": self.held_back,
            "strict": self.strict,
            "tokens": self.tokens,
            "left_out": self.left_out,
        })
    }
}

fn print(finding: &Finding, output: &Output) -> Result<(), Failure> {
    let name = if finding.tool.is_empty() { "(without a name)" } else { &finding.tool };
    let tool = match &finding.verdict {
        Verdict::Offered(tool) => tool,
        Verdict::HeldBack(reason) => return output.print(&format!("{name}\n    held back: {reason}")),
        _ => return Ok(()),
    };
    let verdict = if finding.is_legal() { "legal" } else { "repaired" };
    let strict = if tool.strict() { "strict" } else { "not strict" };
    let mut lines = vec![name.to_owned(), format!("    {verdict}, {strict}, {}", counted(tool.tokens(), "token"))];
    if let Some(why) = finding.renamed() {
        lines.push(format!("    called `{}`: {why}", tool.name()));
    }
    lines.extend(finding.rewrites().map(|rewrite| format!("    {rewrite}")));
    lines.extend(finding.obstacle().map(|obstacle| format!("    not strict: {obstacle}")));
    lines.extend(finding.advice().iter().map(|advice| format!("    note: {advice}")));
    output.print(&lines.join("\n"))
}

fn document(finding: &Finding) -> Value {
    let head = json!({ "server": finding.server, "tool": finding.tool });
    let rest = match &finding.verdict {
        Verdict::HeldBack(reason) => json!({ "verdict": "held_back", "reason": reason.to_string() }),
        Verdict::Offered(tool) => json!({
            "verdict": if finding.is_legal() { "legal" } else { "repaired" },
            "name": tool.name(),
            "renamed": finding.renamed().map(|why| why.to_string()),
            "strict": tool.strict(),
            "obstacle": finding.obstacle().map(|obstacle| {
                json!({ "path": obstacle.path, "reason": obstacle.hindrance.to_string() })
            }),
            "tokens": tool.tokens(),
            "description_length": tool.description().map_or(0, |text| text.chars().count()),
            "rewrites": tool.rewrites().iter().map(|rewrite| {
                json!({ "path": rewrite.path, "change": rewrite.rule.to_string(), "reason": rewrite.rule.reason() })
            }).collect::<Vec<_>>(),
            "notes": finding.advice(),
        }),
        _ => Value::Null,
    };
    merged(head, rest)
}

/// A tool that is not even read.
fn unreadable((name, why): &(String, String)) -> Value {
    json!({ "tool": name, "verdict": "held_back", "reason": why })
}

fn merged(mut head: Value, rest: Value) -> Value {
    if let (Value::Object(head), Value::Object(rest)) = (&mut head, rest) {
        head.extend(rest);
    }
    head
}

const USAGE: &str = "mcp-bridge lint TARGET\nmcp-bridge lint FILE.json\nmcp-bridge lint -- COMMAND [ARG]...";
