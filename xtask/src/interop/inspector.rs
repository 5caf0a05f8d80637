//! The command line of the Inspector in the matrix: one run for each check, which it judges by its own rules too.
//!
//! The surprising thing: it says which era it speaks only in a configuration file, so each cell writes one.

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    install,
    interop::{
        Check,
        cells::Era,
        install::Node,
        offer::{Call, Fault, Offer, Prompt, Refused, Resource},
        ours::{counted, expect_schema, expect_text, found, one, text_of},
        run::Target,
        wire::Scratch,
    },
    process::{Group, Line, Outcome, Red, tail},
};

/// Runs every check that the Inspector has a command for.
///
/// # Errors
///
/// When the configuration cannot be written.
pub(crate) fn check(node: &Node, offer: &Offer, target: &Target, era: Era, revision: &str) -> Outcome<Vec<Check>> {
    let scratch = Scratch::new()?;
    let inspector = Inspector { node, config: scratch.file("servers.json") };
    install::write(&inspector.config, &config(target, era).to_string())?;
    let mut checks = vec![
        Check::of("connect", inspector.connect(revision)),
        Check::of("list", inspector.list(offer)),
        Check::of("call", counted(offer.calls, "calls", |call| inspector.call(call))),
        Check::of("refuse", counted(offer.refused, "refusals", |refused| inspector.refuse(refused))),
    ];
    if let Some(resource) = &offer.resource {
        checks.push(Check::of("read", inspector.read(resource)));
    }
    if let Some(prompt) = &offer.prompt {
        checks.push(Check::of("prompt", inspector.prompt(prompt)));
    }
    Ok(checks)
}

fn config(target: &Target, era: Era) -> Value {
    let mut server = match target {
        Target::File(path) => json!({"type": "stdio", "command": path}),
        Target::Http(url) => json!({"type": "streamable-http", "url": url}),
        Target::Stdio(words) => {
            let (command, arguments) =
                words.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            json!({"type": "stdio", "command": command, "args": arguments})
        }
    };
    server["protocolEra"] = json!(era.name());
    json!({"mcpServers": {SERVER: server}})
}

struct Inspector<'a> {
    node: &'a Node,
    config: PathBuf,
}

impl Inspector<'_> {
    fn connect(&self, revision: &str) -> Outcome<String> {
        let result = self.run("initialize", &[])?.result(0)?;
        if result["protocolVersion"] == revision {
            return Ok(revision.to_owned());
        }
        Err(Red::new(format!("negotiated {}, expected {revision}", result["protocolVersion"])))
    }

    /// The tools, whose schemas every model must be able to take: `--strict` ends with another code when one is not so.
    fn list(&self, offer: &Offer) -> Outcome<String> {
        let tools = self.run("tools/list", &["--strict"])?.result(0)?["tools"].take();
        for tool in offer.tools {
            expect_schema(tool, &found(&tools, "/name", tool.name)?["inputSchema"])?;
        }
        if let Some(resource) = &offer.resource {
            found(&self.run("resources/list", &[])?.result(0)?["resources"], "/uri", resource.uri)?;
        }
        if let Some(prompt) = &offer.prompt {
            found(&self.run("prompts/list", &[])?.result(0)?["prompts"], "/name", prompt.name)?;
        }
        Ok(format!("{} tools", tools.as_array().map_or(0, Vec::len)))
    }

    fn call(&self, call: &Call) -> Outcome {
        let result = self.call_tool(call.tool, call.arguments)?.result(0)?;
        expect_text(call.answer, &text_of(&result["content"]))
    }

    fn call_tool(&self, tool: &str, arguments: &str) -> Outcome<Run> {
        self.run("tools/call", &["--tool-name", tool, "--tool-args-json", arguments])
    }

    /// A tool that failed is a result; a tool that is not there is known from the list, and nothing is called.
    fn refuse(&self, refused: &Refused) -> Outcome {
        let run = self.call_tool(refused.tool, refused.arguments)?;
        match &refused.fault {
            Fault::Arguments { answered, .. } | Fault::Tool { answered } => {
                let result = run.result(TOOL_FAILED)?;
                let said = text_of(&result["content"]);
                // It makes a number of what the schema says is one, and what is none becomes null on its way.
                let mut parts = answered.iter().map(|part| part.replace("got \"two\"", "got null"));
                let is_told = result["isError"] == true && parts.all(|part| said.contains(&part));
                if is_told { Ok(()) } else { Err(Red::new(format!("expected {answered:?}, got {result}"))) }
            }
            Fault::Unknown { .. } => run.refused("tool_not_found"),
        }
    }

    fn read(&self, resource: &Resource) -> Outcome<String> {
        let result = self.run("resources/read", &["--uri", resource.uri])?.result(0)?;
        let contents = one(&result["contents"])?;
        expect_text(resource.text, contents["text"].as_str().unwrap_or_default())?;
        Ok(contents["mimeType"].as_str().unwrap_or_default().to_owned())
    }

    fn prompt(&self, prompt: &Prompt) -> Outcome<String> {
        let arguments: Value = serde_json::from_str(prompt.arguments).unwrap_or_default();
        let pairs = arguments.as_object().into_iter().flatten();
        let pairs: Vec<String> =
            pairs.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
        let mut options = vec!["--prompt-name", prompt.name, "--prompt-args"];
        options.extend(pairs.iter().map(String::as_str));
        let result = self.run("prompts/get", &options)?.result(0)?;
        let message = one(&result["messages"])?;
        expect_text(prompt.text, message["content"]["text"].as_str().unwrap_or_default())?;
        Ok("1 message".to_owned())
    }

    fn run(&self, method: &str, options: &[&str]) -> Outcome<Run> {
        let mut command = Command::new(&self.node.program);
        command.arg(self.node.folder.join(PROGRAM)).args(["--cli", "--format", "json", "--quiet", "--config"]);
        command.arg(&self.config).args(["--server", SERVER, "--method", method]).args(options);
        // It keeps no secret of ours, and asks no keychain for one.
        command.env("MCP_INSPECTOR_SECRET_STORE", "memory");
        let (code, lines) = Group::start(&mut command)?.finish(PATIENCE)?;
        Ok(Run { name: format!("{method} {}", options.join(" ")), code, lines })
    }
}

/// One run of the Inspector that has ended.
struct Run {
    name: String,
    code: Option<i32>,
    lines: Vec<Line>,
}

impl Run {
    /// Returns the result that a run printed which ended with this code.
    fn result(&self, code: i32) -> Outcome<Value> {
        let output = self.lines.iter().filter(|line| line.is_output).map(|line| line.text.as_str());
        let mut printed: Value = serde_json::from_str(&output.collect::<String>())
            .map_err(|error| self.red(&format!("printed no JSON ({error})")))?;
        if self.code == Some(code) && printed["result"].is_object() {
            return Ok(printed["result"].take());
        }
        Err(self.red(&format!("did not end with {code} and a result")))
    }

    /// A run printed nothing but an error with this code of its own.
    fn refused(&self, code: &str) -> Outcome {
        let error = self.lines.iter().rfind(|line| !line.is_output);
        let error = error.and_then(|line| serde_json::from_str::<Value>(&line.text).ok()).unwrap_or_default();
        if error["error"]["code"] == code && self.code == Some(TOOL_FAILED) {
            return Ok(());
        }
        Err(self.red(&format!("was not refused with {code}")))
    }

    fn red(&self, why: &str) -> Red {
        Red::new(format!("`{}` {why}; it ended with {:?} and printed:\n{}", self.name, self.code, tail(&self.lines)))
    }
}

/// Where its program lies, below the folder of the packages.
const PROGRAM: &str = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
/// The name of the server in the configuration.
const SERVER: &str = "peer";
/// The exit code for a tool that failed or is not there.
const TOOL_FAILED: i32 = 5;
/// How long one run may take.
const PATIENCE: Duration = Duration::from_secs(40);

#[cfg(test)]
mod tests {
    use super::*;

    fn run(code: i32, lines: &[(&str, bool)]) -> Run {
        let lines = lines.iter().map(|&(text, is_output)| Line { text: text.to_owned(), is_output });
        Run { name: "tools/call".to_owned(), code: Some(code), lines: lines.collect() }
    }

    #[test]
    fn the_configuration_names_the_era_and_every_word_of_a_command() {
        let words = ["server", "--stdio", "a b"].map(str::to_owned).to_vec();
        let server = config(&Target::Stdio(words), Era::Modern)["mcpServers"][SERVER].take();
        assert_eq!(
            server,
            json!({"type": "stdio", "command": "server", "args": ["--stdio", "a b"], "protocolEra": "modern"})
        );
        let server = config(&Target::Http("http://h/mcp".to_owned()), Era::Legacy)["mcpServers"][SERVER].take();
        assert_eq!(server, json!({"type": "streamable-http", "url": "http://h/mcp", "protocolEra": "legacy"}));
    }

    #[test]
    fn a_run_is_judged_by_its_code_and_by_what_it_printed() {
        let done = run(0, &[(r#"{"result":{"a":1}}"#, true), ("a warning", false)]);
        assert_eq!(done.result(0).unwrap()["a"], 1);
        assert!(done.result(5).is_err());
        assert!(run(0, &[("{}", true)]).result(0).is_err());
        assert!(run(0, &[]).result(0).is_err());
        let refused = run(5, &[(r#"{"error":{"code":"tool_not_found"}}"#, false)]);
        assert!(refused.refused("tool_not_found").is_ok());
        assert!(refused.refused("unreachable").is_err());
        assert!(run(1, &[(r#"{"error":{"code":"tool_not_found"}}"#, false)]).refused("tool_not_found").is_err());
    }
}
