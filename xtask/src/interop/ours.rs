//! Our client program in the matrix: which commands it runs, and how its answers are judged.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    interop::{
        Check,
        cells::Era,
        offer::{Call, Fault, MODERN, Offer, Progress, Prompt, Refused, Resource, Text, Tool},
        run::Target,
        wire::{Scratch, Witness},
    },
    process::{Group, Outcome, Red, tail},
};

/// Runs every check of the offer, each as some runs of `mcp-bridge`. `revision` is the one that must be spoken.
pub(crate) fn check(program: &Path, offer: &Offer, target: &Target, era: Era, revision: &str) -> Vec<Check> {
    let bridge = Bridge { program, target, era, revision };
    let mut checks = vec![
        Check::of("connect", bridge.connect()),
        Check::of("list", bridge.list(offer)),
        Check::of("openai", bridge.openai(offer)),
        Check::of("call", counted(offer.calls, "calls", |call| bridge.call(call).map(drop))),
    ];
    if let Some(progress) = &offer.progress {
        checks.push(Check::of("progress", bridge.progress(progress)));
    }
    if let Some(tool) = offer.picture {
        checks.push(Check::of("picture", bridge.picture(tool)));
    }
    checks.push(Check::of("refuse", counted(offer.refused, "refusals", |refused| bridge.refuse(refused))));
    if let Some(resource) = &offer.resource {
        checks.push(Check::of("read", bridge.read(resource)));
    }
    if let Some(prompt) = &offer.prompt {
        checks.push(Check::of("prompt", bridge.prompt(prompt)));
    }
    checks
}

pub(crate) fn counted<T>(items: &[T], what: &str, check: impl FnMut(&T) -> Outcome) -> Outcome<String> {
    items.iter().try_for_each(check)?;
    Ok(format!("{} {what}", items.len()))
}

struct Bridge<'a> {
    program: &'a Path,
    target: &'a Target,
    era: Era,
    /// The revision that must be spoken.
    revision: &'a str,
}

impl Bridge<'_> {
    /// Looks at the wire while the tools are listed.
    fn connect(&self) -> Outcome<String> {
        let witness = Witness::of(self.target)?;
        Bridge { target: witness.target(), ..*self }.run(&["tools"], &[])?.document()?;
        match witness.revision() {
            Some(spoken) if spoken == self.revision => Ok(spoken),
            spoken => Err(Red::new(format!("spoke {spoken:?}, expected {}", self.revision))),
        }
    }

    fn list(&self, offer: &Offer) -> Outcome<String> {
        let tools = self.run(&["tools"], &["--format", "mcp"])?.document()?;
        for tool in offer.tools {
            expect_schema(tool, &found(&tools, "/name", tool.name)?["inputSchema"])?;
        }
        if let Some(resource) = &offer.resource {
            found(&self.run(&["resources"], &[])?.document()?, "/uri", resource.uri)?;
        }
        if let Some(prompt) = &offer.prompt {
            found(&self.run(&["prompts"], &[])?.document()?, "/name", prompt.name)?;
        }
        Ok(format!("{} tools", tools.as_array().map_or(0, Vec::len)))
    }

    /// The tools as functions of Chat Completions: each of the shape that the API takes, none lost.
    fn openai(&self, offer: &Offer) -> Outcome<String> {
        let functions = self.run(&["tools"], &[])?.document()?;
        for function in functions.as_array().into_iter().flatten() {
            expect_function(function).map_err(|why| Red::new(format!("{why}: {function}")))?;
        }
        for tool in offer.tools {
            let function = found(&functions, "/function/name", tool.name)?;
            expect_schema(tool, &function["function"]["parameters"])?;
        }
        Ok(format!("{} functions", functions.as_array().map_or(0, Vec::len)))
    }

    fn call(&self, call: &Call) -> Outcome<Run> {
        let run = self.run(&["call", call.tool], &["--args-json", call.arguments])?;
        expect_text(call.answer, &text_of(&run.document()?["content"]))?;
        Ok(run)
    }

    /// A call whose steps are told on standard error, in order, before the answer.
    fn progress(&self, progress: &Progress) -> Outcome<String> {
        let run = self.call(&progress.call)?;
        let told: Vec<&str> = run
            .said()
            .filter_map(|line| line.strip_prefix("progress "))
            .filter_map(|line| line.split(' ').next())
            .collect();
        let steps = progress.steps;
        let expected: Vec<String> = (1..=steps).map(|step| format!("{step}/{steps}")).collect();
        if told == expected {
            return Ok(format!("{steps} times"));
        }
        Err(Red::new(format!("told {told:?} of {expected:?}:\n{}", tail(&run.lines))))
    }

    /// A picture: in the result as it came, and in a file as its bytes.
    fn picture(&self, tool: &str) -> Outcome<String> {
        let result = self.run(&["call", tool], &[])?.document()?;
        let picture = found(&result["content"], "/type", "image")?;
        if picture["mimeType"] != "image/png" || !picture["data"].as_str().is_some_and(|data| data.starts_with("iVBOR"))
        {
            return Err(Red::new(format!("this is no picture: {picture}")));
        }
        let scratch = Scratch::new()?;
        let file = scratch.file("picture.png");
        self.run(&["call", tool], &["--output", &file.to_string_lossy()])?.succeeded()?;
        let bytes = fs::read(&file).map_err(|error| Red::new(format!("no picture was written: {error}")))?;
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Ok(format!("{} bytes", bytes.len()));
        }
        Err(Red::new(format!("the file of {} bytes is no PNG", bytes.len())))
    }

    /// A refused call ends with the exit code and the kind that say whose fault it is, and with every fault.
    fn refuse(&self, refused: &Refused) -> Outcome {
        let arguments = ["--args-json", refused.arguments];
        let run = self.run(&["call", refused.tool], &arguments)?;
        match &refused.fault {
            Fault::Arguments { listed, answered } => {
                let message = run.failure(1, "usage")?;
                let head = format!("wrong arguments for `{}`, which was not called:", refused.tool);
                expect_faults(&message, &head, listed)?;
                let sent = self.run(&["call", refused.tool], &[&arguments[..], &["--unchecked"]].concat())?;
                sent.tool_failure(answered)
            }
            Fault::Tool { answered } => run.tool_failure(answered),
            Fault::Unknown { .. } => {
                let message = run.failure(1, "usage")?;
                let expected = format!("there is no tool `{}`", refused.tool);
                if message.starts_with(&expected) { Ok(()) } else { Err(Red::new(message)) }
            }
        }
    }

    fn read(&self, resource: &Resource) -> Outcome<String> {
        let result = self.run(&["read", resource.uri], &[])?.document()?;
        let contents = one(&result["contents"])?;
        if contents["uri"] != resource.uri {
            return Err(Red::new(format!("these are contents of something else: {contents}")));
        }
        expect_text(resource.text, contents["text"].as_str().unwrap_or_default())?;
        // An error of the server itself, which no list could tell in advance.
        let message = self.run(&["read", "nowhere://nothing"], &[])?.failure(1, "refused")?;
        let [legacy, modern] = resource.absent;
        let code = if self.revision == MODERN { modern } else { legacy };
        if !message.ends_with(&format!("(code {code})")) {
            return Err(Red::new(format!("expected the code {code}: {message}")));
        }
        Ok(contents["mimeType"].as_str().unwrap_or_default().to_owned())
    }

    fn prompt(&self, prompt: &Prompt) -> Outcome<String> {
        let result = self.run(&["prompt", prompt.name], &["--args-json", prompt.arguments])?.document()?;
        let message = one(&result["messages"])?;
        if message["role"] != "user" {
            return Err(Red::new(format!("this is no message of a user: {message}")));
        }
        expect_text(prompt.text, message["content"]["text"].as_str().unwrap_or_default())?;
        Ok("1 message".to_owned())
    }

    /// Runs `mcp-bridge VERB [URL] WORDS… OPTIONS… [-- COMMAND…]`; `words` begins with the verb.
    fn run(&self, words: &[&str], options: &[&str]) -> Outcome<Run> {
        let mut command = Command::new(self.program);
        let (verb, words) = words.split_first().ok_or_else(|| Red::new("a run has no verb"))?;
        command.arg(verb);
        if let Target::Http(url) = self.target {
            command.arg(url);
        }
        command.args(words).args(options).args(["--json", "--era", self.era.name()]);
        if let Target::File(path) = self.target {
            command.arg(path);
        }
        if let Target::Stdio(server) = self.target {
            command.arg("--").args(server);
        }
        let name = [&[*verb], words, options].concat().join(" ");
        let (code, lines) = Group::start(&mut command)?.finish(PATIENCE)?;
        Ok(Run { name, code, lines })
    }
}

/// One run of `mcp-bridge` that has ended.
struct Run {
    name: String,
    code: Option<i32>,
    lines: Vec<crate::process::Line>,
}

impl Run {
    fn succeeded(&self) -> Outcome {
        if self.code == Some(0) { Ok(()) } else { Err(self.red("did not succeed")) }
    }

    /// Returns the one JSON document on standard output of a run that succeeded.
    fn document(&self) -> Outcome<Value> {
        self.succeeded()?;
        self.output()
    }

    fn output(&self) -> Outcome<Value> {
        let output: Vec<&str> =
            self.lines.iter().filter(|line| line.is_output).map(|line| line.text.as_str()).collect();
        serde_json::from_str(&output.join("\n")).map_err(|error| self.red(&format!("printed no JSON ({error})")))
    }

    /// The lines on standard error.
    fn said(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(|line| !line.is_output).map(|line| line.text.as_str())
    }

    /// Returns the message of the error that a run ended with: this exit code, this kind, the last line of JSON.
    fn failure(&self, code: i32, kind: &str) -> Outcome<String> {
        let error = self.said().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        let error = error.map(|line| line["error"].clone()).unwrap_or_default();
        match error["message"].as_str() {
            Some(message) if self.code == Some(code) && error["kind"] == kind => Ok(message.to_owned()),
            _ => Err(self.red(&format!("did not end with {code} and an error of the kind {kind}"))),
        }
    }

    /// A tool failed and said these texts, in its result and in the error.
    fn tool_failure(&self, answered: &[&str]) -> Outcome {
        let message = self.failure(5, "tool")?;
        let result = self.output()?;
        let said = text_of(&result["content"]);
        let is_told = answered.iter().all(|part| message.contains(part) && said.contains(part));
        if result["isError"] == true && is_told {
            Ok(())
        } else {
            Err(self.red("is no error of the tool that says why"))
        }
    }

    fn red(&self, why: &str) -> Red {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        Red::new(format!("`{}` {why}; it ended with {code} and printed:\n{}", self.name, tail(&self.lines)))
    }
}

/// Finds the one member of an array that has a text at a place.
pub(crate) fn found<'a>(array: &'a Value, pointer: &str, expected: &str) -> Outcome<&'a Value> {
    let has = |item: &&Value| item.pointer(pointer).and_then(Value::as_str) == Some(expected);
    let all: Vec<&Value> = array.as_array().into_iter().flatten().filter(has).collect();
    match all[..] {
        [item] => Ok(item),
        _ => Err(Red::new(format!("{} items have {pointer} = {expected}: {array}", all.len()))),
    }
}

pub(crate) fn one(array: &Value) -> Outcome<&Value> {
    match array.as_array().map(Vec::as_slice) {
        Some([item]) => Ok(item),
        _ => Err(Red::new(format!("this is not one item: {array}"))),
    }
}

pub(crate) fn text_of(content: &Value) -> String {
    let blocks = content.as_array().into_iter().flatten();
    blocks.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

pub(crate) fn expect_text(expected: Text, text: &str) -> Outcome {
    if expected.fits(text) { Ok(()) } else { Err(Red::new(format!("expected {expected:?}, got {text:?}"))) }
}

/// The faults stand one in a line, in any order, and there are no others.
fn expect_faults(message: &str, head: &str, listed: &[&str]) -> Outcome {
    let mut lines = message.lines();
    let is_headed = lines.next() == Some(head);
    let mut faults: Vec<&str> = lines.map(|line| line.strip_prefix("- ").unwrap_or(line)).collect();
    faults.sort_unstable();
    if is_headed && faults == listed { Ok(()) } else { Err(Red::new(format!("expected {listed:?}, got {message:?}"))) }
}

/// A tool takes what it must take, and nothing else.
pub(crate) fn expect_schema(tool: &Tool, schema: &Value) -> Outcome {
    let properties = schema["properties"].as_object();
    let mut takes: Vec<(&str, &str)> = properties
        .into_iter()
        .flatten()
        .map(|(name, of)| (name.as_str(), of["type"].as_str().unwrap_or("?")))
        .collect();
    takes.sort_unstable();
    let mut required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    required.sort_unstable();
    if schema["type"] == "object" && takes == tool.takes && required == tool.required {
        return Ok(());
    }
    Err(Red::new(format!("expected {tool:?}, got {schema}")))
}

/// Checks a function as Chat Completions wants it.
fn expect_function(function: &Value) -> Result<(), &'static str> {
    let members = |value: &Value, allowed: &[&str]| {
        value.as_object().is_some_and(|members| members.keys().all(|name| allowed.contains(&name.as_str())))
    };
    if !members(function, &["type", "function"]) || function["type"] != "function" {
        return Err("this is no function");
    }
    let function = &function["function"];
    if !members(function, &["name", "description", "parameters", "strict"]) {
        return Err("a function has no such member");
    }
    let is_name = |name: &str| {
        (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    if !function["name"].as_str().is_some_and(is_name) {
        return Err("this is no name of a function");
    }
    let parameters = &function["parameters"];
    if parameters["type"] != "object" || !parameters["properties"].is_object() || parameters.get("$schema").is_some() {
        return Err("these are no parameters");
    }
    let is_strict = function.get("strict").unwrap_or(&json!(false)) == &json!(true);
    if is_strict && parameters["additionalProperties"] != false {
        return Err("strict parameters must be closed");
    }
    Ok(())
}

/// How long one run of our client may take, the start of a slow server included.
const PATIENCE: Duration = Duration::from_secs(40);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Line;

    const ADD: Tool = Tool { name: "add", takes: &[("a", "number"), ("b", "string")], required: &["a"] };

    fn run(code: i32, lines: &[(&str, bool)]) -> Run {
        let lines = lines.iter().map(|&(text, is_output)| Line { text: text.to_owned(), is_output });
        Run { name: "call".to_owned(), code: Some(code), lines: lines.collect() }
    }

    #[test]
    fn an_item_is_found_by_what_stands_at_a_place_and_must_be_the_only_one() {
        let tools = json!([{"name": "add", "title": "echo"}, {"name": "twice"}, {"name": "twice"}]);
        assert!(found(&tools, "/name", "add").is_ok());
        assert!(found(&tools, "/name", "echo").is_err());
        assert!(found(&tools, "/name", "twice").is_err());
    }

    #[test]
    fn a_schema_is_compared_by_names_types_and_what_is_required() {
        let schema = |b: &str, required: &[&str]| json!({"type": "object", "required": required, "properties": {"b": {"type": b}, "a": {"type": "number"}}});
        assert!(expect_schema(&ADD, &schema("string", &["a"])).is_ok());
        assert!(expect_schema(&ADD, &schema("number", &["a"])).is_err());
        assert!(expect_schema(&ADD, &schema("string", &["a", "b"])).is_err());
        assert!(expect_schema(&ADD, &json!({})).is_err());
    }

    #[test]
    fn faults_are_compared_without_their_order() {
        let message = "no:\n- /b: y\n- /a: x";
        assert!(expect_faults(message, "no:", &["/a: x", "/b: y"]).is_ok());
        assert!(expect_faults(message, "no:", &["/a: x"]).is_err());
        assert!(expect_faults(message, "yes:", &["/a: x", "/b: y"]).is_err());
    }

    #[test]
    fn a_function_is_of_the_shape_that_the_api_takes() {
        let function = |name: &str, parameters: &Value| json!({"type": "function", "function": {"name": name, "parameters": parameters, "strict": false}});
        let parameters = json!({"type": "object", "properties": {}});
        assert_eq!(expect_function(&function("get-sum", &parameters)), Ok(()));
        assert!(expect_function(&function("get.sum", &parameters)).is_err());
        assert!(expect_function(&function("a", &json!({"type": "object"}))).is_err());
        assert!(expect_function(&json!({"type": "function", "name": "a", "parameters": {}})).is_err());
    }

    #[test]
    fn an_error_is_judged_by_its_code_its_kind_and_its_result() {
        let error = r#"{"error":{"kind":"tool","message":"the tool failed: no Town"}}"#;
        let result = r#"{"isError":true,"content":[{"type":"text","text":"no Town"}]}"#;
        let failed = run(5, &[(result, true), ("progress 1", false), (error, false)]);
        assert!(failed.tool_failure(&["no Town"]).is_ok());
        assert!(failed.tool_failure(&["no City"]).is_err());
        assert!(failed.failure(1, "tool").is_err() && failed.failure(5, "usage").is_err());
        assert!(failed.document().is_err());
        assert!(run(5, &[("{}", true), (error, false)]).tool_failure(&[]).is_err());
    }
}
