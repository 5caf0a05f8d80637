//! What OpenAI's API takes, as a checker: tools, messages and input items, each with every fault it has.
//!
//! Written from the public rules (the guides to function calling and structured outputs, and the texts of the errors
//! that people report), not from our encoder, which it judges. Where the rules are unsure it is the stricter one.
//! The tests of the bridge include this file too, so it needs nothing but `serde_json`.

// The second path is relative to this file, so that both who include it find the same folder.
#[path = "openai_rules/conversation.rs"]
mod conversation;
#[path = "openai_rules/regex.rs"]
mod regex;
#[path = "openai_rules/schema.rs"]
mod schema;
#[path = "openai_rules/strict.rs"]
mod strict;

use std::{collections::BTreeSet, fmt};

use serde_json::{Map, Value};

pub(crate) use self::conversation::{check_messages, check_responses_input};

/// One thing that the API would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where, as the API writes it: `tools[3].function.parameters.properties.a`.
    pub(crate) at: String,
    /// What is wrong there.
    pub(crate) message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// Checks the `tools` of a request to `/v1/chat/completions`.
pub(crate) fn check_chat_tools(tools: &[Value]) -> Vec<Fault> {
    let mut check = Check::default();
    check.count("tools", tools.len(), MAX_TOOLS);
    for (index, tool) in tools.iter().enumerate() {
        let at = format!("tools[{index}]");
        let Some(tool) = check.object(&at, tool) else { continue };
        match tool.get("type").and_then(Value::as_str) {
            Some("function") => {
                check.only(&at, tool, &["type", "function"]);
                let at = format!("{at}.function");
                let Some(function) = check.object_at(&at, tool.get("function")) else { continue };
                check.only(&at, function, &["name", "description", "parameters", "strict"]);
                check.function(&at, function);
            }
            Some("custom") => {
                check.only(&at, tool, &["type", "custom"]);
                let at = format!("{at}.custom");
                let Some(custom) = check.object_at(&at, tool.get("custom")) else { continue };
                check.only(&at, custom, &["name", "description", "format"]);
                check.name(&at, custom);
                check.optional_text(&at, custom, "description");
            }
            _ => check.fault(format!("{at}.type"), "must be `function` or `custom`"),
        }
    }
    check.unique_names();
    check.faults
}

/// Checks the `tools` of a request to `/v1/responses`.
pub(crate) fn check_responses_tools(tools: &[Value]) -> Vec<Fault> {
    let mut check = Check::default();
    check.responses_tools("tools", tools);
    let is_search = |tool: &Value| tool["type"] == "tool_search";
    if check.deferred > 0 && !tools.iter().any(is_search) {
        check.fault("tools", "a tool with `defer_loading` needs a tool of the type `tool_search`");
    }
    let listed = check.listed;
    check.count("tools", listed, MAX_TOOLS);
    check.unique_names();
    check.faults
}

/// Checks `tool_choice` of Chat Completions against the tools of the request.
pub(crate) fn check_chat_tool_choice(choice: &Value, tools: &[Value]) -> Vec<Fault> {
    let mut check = Check::default();
    let named = |name: &Value| tools.iter().any(|tool| tool["function"]["name"] == *name);
    match (choice.as_str(), choice["type"].as_str()) {
        (Some("none" | "auto"), _) => {}
        (Some("required"), _) if !tools.is_empty() => {}
        (None, Some("function")) if named(&choice["function"]["name"]) => {}
        (None, Some("allowed_tools" | "custom")) => {}
        _ => check.fault("tool_choice", &format!("{choice} is no choice among {} tools", tools.len())),
    }
    check.faults
}

/// What a check has found so far.
#[derive(Debug, Default)]
struct Check {
    faults: Vec<Fault>,
    /// The namespace that is looked at; empty outside of all.
    namespace: String,
    /// The names of tools, each behind its namespace.
    names: Vec<(String, String)>,
    /// How many tools are loaded at once.
    listed: usize,
    /// How many tools wait to be found.
    deferred: usize,
}

impl Check {
    fn fault(&mut self, at: impl Into<String>, message: &str) {
        self.faults.push(Fault { at: at.into(), message: message.to_owned() });
    }

    fn count(&mut self, at: &str, count: usize, most: usize) {
        if count > most {
            self.fault(at, &format!("array too long: {count} of at most {most}"));
        }
    }

    fn object<'v>(&mut self, at: &str, value: &'v Value) -> Option<&'v Map<String, Value>> {
        self.object_at(at, Some(value))
    }

    fn object_at<'v>(&mut self, at: &str, value: Option<&'v Value>) -> Option<&'v Map<String, Value>> {
        let object = value.and_then(Value::as_object);
        if object.is_none() {
            self.fault(at, "must be an object");
        }
        object
    }

    /// The API refuses a parameter that it does not know.
    fn only(&mut self, at: &str, object: &Map<String, Value>, known: &[&str]) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            self.fault(format!("{at}.{key}"), "unknown parameter");
        }
    }

    fn required_text<'v>(&mut self, at: &str, object: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
        let text = object.get(key).and_then(Value::as_str);
        if text.is_none() {
            self.fault(format!("{at}.{key}"), "must be a string");
        }
        text
    }

    fn optional_text(&mut self, at: &str, object: &Map<String, Value>, key: &str) {
        if object.get(key).is_some_and(|value| !value.is_string()) {
            self.fault(format!("{at}.{key}"), "must be a string");
        }
    }

    fn optional_switch(&mut self, at: &str, object: &Map<String, Value>, key: &str) {
        if object.get(key).is_some_and(|value| !value.is_boolean() && !value.is_null()) {
            self.fault(format!("{at}.{key}"), "must be a boolean or null");
        }
    }

    fn name(&mut self, at: &str, object: &Map<String, Value>) {
        if let Some(name) = self.required_text(at, object, "name") {
            self.legal_name(&format!("{at}.name"), name);
            self.names.push((self.namespace.clone(), name.to_owned()));
        }
    }

    fn legal_name(&mut self, at: &str, name: &str) {
        if !is_name(name) {
            self.fault(at, &format!("{name:?} does not match ^[a-zA-Z0-9_-]{{1,64}}$"));
        }
    }

    /// What both APIs ask of a function.
    fn function(&mut self, at: &str, function: &Map<String, Value>) {
        self.name(at, function);
        self.optional_text(at, function, "description");
        self.optional_switch(at, function, "strict");
        let parameters = function.get("parameters").filter(|parameters| !parameters.is_null());
        let Some(parameters) = parameters else { return };
        let at = format!("{at}.parameters");
        let is_strict = function.get("strict") == Some(&Value::Bool(true));
        self.faults.extend(schema::check_parameters(&at, parameters));
        if is_strict {
            self.faults.extend(strict::check_parameters(&at, parameters));
        }
    }

    fn responses_tools(&mut self, at: &str, tools: &[Value]) {
        let is_outside = self.namespace.is_empty();
        for (index, tool) in tools.iter().enumerate() {
            let at = format!("{at}[{index}]");
            let Some(tool) = self.object(&at, tool) else { continue };
            let is_deferred = tool.get("defer_loading") == Some(&Value::Bool(true));
            self.deferred += usize::from(is_deferred);
            let kind = tool.get("type").and_then(Value::as_str);
            // What waits is not in the context, and a namespace is only the sum of what is in it.
            self.listed += usize::from(!is_deferred && kind != Some("namespace"));
            match kind {
                Some("function") => self.responses_function(&at, tool),
                Some("custom") => self.name(&at, tool),
                Some("namespace") if is_outside => self.namespace(&at, tool),
                Some("mcp") => drop(self.required_text(&at, tool, "server_label")),
                Some(kind) if is_outside && HOSTED_TOOLS.contains(&kind) => {}
                kind => self.fault(format!("{at}.type"), &format!("{kind:?} is no type of a tool here")),
            }
        }
    }

    fn responses_function(&mut self, at: &str, tool: &Map<String, Value>) {
        self.only(at, tool, &RESPONSES_FUNCTION);
        for key in ["parameters", "strict"] {
            // Without `strict` the API tries it, and changes the schema where it can.
            if !tool.contains_key(key) {
                self.fault(format!("{at}.{key}"), "must be there, if only as null");
            }
        }
        self.optional_switch(at, tool, "defer_loading");
        self.function(at, tool);
        if let Some(output) = tool.get("output_schema").filter(|output| !output.is_null()) {
            self.faults.extend(schema::check_output(&format!("{at}.output_schema"), output));
        }
    }

    fn namespace(&mut self, at: &str, tool: &Map<String, Value>) {
        self.only(at, tool, &["type", "name", "description", "tools"]);
        self.name(at, tool);
        self.required_text(at, tool, "description");
        match tool.get("tools").and_then(Value::as_array) {
            Some(tools) if !tools.is_empty() => {
                // Two namespaces may use one name, and none may be without one.
                self.namespace = tool.get("name").and_then(Value::as_str).unwrap_or("?").to_owned();
                self.responses_tools(&format!("{at}.tools"), tools);
                self.namespace.clear();
            }
            _ => self.fault(format!("{at}.tools"), "must be a list of at least one tool"),
        }
    }

    fn unique_names(&mut self) {
        let mut seen = BTreeSet::new();
        for name in std::mem::take(&mut self.names) {
            if !seen.insert(name.clone()) {
                self.fault("tools", &format!("two tools have the name {:?}", name.1));
            }
        }
    }
}

/// Whether the API takes it as the name of a function.
fn is_name(name: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=64).contains(&name.len()) && name.chars().all(is_legal)
}

/// How many tools a request may have.
const MAX_TOOLS: usize = 128;
/// What a function of the Responses API may have.
const RESPONSES_FUNCTION: [&str; 9] = [
    "type",
    "name",
    "description",
    "parameters",
    "strict",
    "output_schema",
    "defer_loading",
    "allowed_callers",
    "async",
];
/// The tools that OpenAI runs itself; they are not ours to check.
const HOSTED_TOOLS: [&str; 11] = [
    "apply_patch",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "file_search",
    "image_generation",
    "local_shell",
    "shell",
    "tool_search",
    "web_search",
    "web_search_preview",
];

#[cfg(test)]
#[path = "openai_rules/tests.rs"]
mod tests;
