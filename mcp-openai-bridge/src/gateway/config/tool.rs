//! `mcp_tools`: the tools of the file itself, and what runs when one of them is called.
//!
//! The surprising thing: an entry that is not complete is an error. Left out in silence it would be missed only when
//! somebody asks for the tool.

use std::path::Path;
use std::time::Duration;

use mcp_types::{RawJson, Tool as Definition, ToolAnnotations};

use super::handler::{self, HandlerSpec};
use super::place::Located;
use super::reader::{Members, Reader};
use super::yaml::Node;
use crate::json::{Object, Value};

/// A tool of the file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tool {
    /// The name to call it by.
    pub name: Located<String>,
    /// The name for humans.
    pub title: Option<String>,
    /// What it does, for the language model.
    pub description: String,
    /// The JSON Schema of its arguments; an object without members unless the file says more.
    pub input_schema: Located<RawJson>,
    /// The JSON Schema of its structured result.
    pub output_schema: Option<RawJson>,
    /// What it does to its surroundings.
    pub annotations: Option<ToolAnnotations>,
    /// What runs.
    pub handler: Located<HandlerSpec>,
    /// How long it may run.
    pub timeout: Option<Duration>,
}

impl Tool {
    /// Returns what MCP clients are told of it.
    pub fn definition(&self) -> Definition {
        let mut definition = Definition::new(self.name.value.clone(), self.input_schema.value.clone());
        definition.title.clone_from(&self.title);
        definition.description = Some(self.description.clone());
        definition.output_schema.clone_from(&self.output_schema);
        definition.annotations.clone_from(&self.annotations);
        definition
    }
}

/// Reads `mcp_tools`.
pub(super) fn tools(reader: &Reader<'_>, node: &Node, folder: &Path) -> Vec<Tool> {
    let read = |node: &Node, path: &str| tool(reader, reader.members(node, path)?, folder);
    let mut tools: Vec<Tool> = Vec::new();
    for tool in reader.list(node, "mcp_tools", read) {
        if let Some(other) = tools.iter().find(|other| other.name.value == tool.name.value) {
            let (name, line) = (&tool.name.value, other.name.place.line);
            reader.fault(tool.name.place, format!("the name `{name}` is taken by the tool of line {line}"));
            continue;
        }
        tools.push(tool);
    }
    tools
}

fn tool(reader: &Reader<'_>, entry: Members<'_>, folder: &Path) -> Option<Tool> {
    let name = entry.required("name", KEYS).and_then(|(node, path)| {
        let name = reader.name(node, &path)?;
        let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
        if name.value.len() > NAME_CHARS || !name.value.chars().all(is_legal) {
            let allowed = "letters, digits and `_`, `-`, `.`, `/`";
            reader.fault(node.place, format!("`{path}`: a tool's name has at most {NAME_CHARS} {allowed}"));
            return None;
        }
        Some(name)
    });
    let description = entry.required("description", KEYS).and_then(|(node, path)| reader.text(node, &path));
    let handler = entry
        .required("handler", KEYS)
        .and_then(|(node, path)| Some(Located::new(handler::spec(reader, node, &path, folder)?, node.place)));
    let title = entry.at("title").and_then(|(node, path)| reader.name(node, &path));
    let output_schema = entry.at("output_schema").and_then(|(node, path)| schema(reader, node, &path));
    let annotations = entry.at("annotations").and_then(|(node, path)| {
        let json = reader.json(node, &path)?;
        json.decode().map_err(|error| reader.fault(node.place, format!("`{path}`: {error}"))).ok()
    });
    let timeout = entry.at("timeout").and_then(|(node, path)| reader.seconds(node, &path));
    let input_schema = match entry.at("input_schema") {
        Some((node, path)) => schema(reader, node, &path).map(|schema| Located::new(schema, node.place)),
        None => RawJson::parse(NO_ARGUMENTS).ok().map(|schema| Located::new(schema, entry.place)),
    };
    entry.finish(&[]);
    Some(Tool {
        name: name?,
        title: title.map(|title| title.value),
        description: description?.value,
        input_schema: input_schema?,
        output_schema,
        annotations,
        handler: handler?,
        timeout,
    })
}

/// Reads a schema, whose root is of an object in MCP.
fn schema(reader: &Reader<'_>, node: &Node, path: &str) -> Option<RawJson> {
    let json = reader.json(node, path)?;
    let Ok(Value::Object(members)) = Value::parse(json.as_str()) else {
        reader.fault(node.place, format!("`{path}`: expected a JSON Schema, got {}", node.described()));
        return None;
    };
    match members.get("type") {
        Some(Value::String(kind)) if kind == "object" => Some(json),
        None => {
            let mut typed = Object::from([("type", Value::from("object"))]);
            members.iter().for_each(|(key, value)| typed.set(key, value.clone()));
            RawJson::parse(Value::Object(typed).to_string()).ok()
        }
        Some(_) => {
            reader.fault(node.place, format!("`{path}`: the `type` must be `object`, because arguments have names"));
            None
        }
    }
}

/// The keys of an entry.
const KEYS: &[&str] =
    &["annotations", "description", "handler", "input_schema", "name", "output_schema", "timeout", "title"];

/// Characters of a tool's name.
const NAME_CHARS: usize = 128;

const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;
