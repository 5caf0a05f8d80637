//! The subset of JSON Schema that a strict function may use, and its limits.
//!
//! What `schema.rs` finds is not repeated here. Where the guide lists what is supported, everything else is a fault.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Fault, schema::children};

/// Checks the parameters of a strict function.
pub(super) fn check_parameters(at: &str, root: &Value) -> Vec<Fault> {
    let mut walk = Walk::default();
    walk.node(at, root, Place { level: 1, is_root: true });
    let totals = [
        (walk.properties, 5_000, "properties"),
        (walk.characters, 120_000, "characters of names and values"),
        (walk.values, 1_000, "values of enums"),
    ];
    for (count, most, what) in totals {
        if count > most {
            walk.fault(at, &format!("{count} {what} in all exceed the limit of {most}"));
        }
    }
    walk.faults
}

#[derive(Debug, Default)]
struct Walk {
    faults: Vec<Fault>,
    /// How many properties there are in all.
    properties: usize,
    /// How many characters all names of properties and definitions, and all values of enums and constants have.
    characters: usize,
    /// How many values all enums have.
    values: usize,
}

/// Where a schema stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// How many objects and arrays are around it, with itself.
    level: usize,
    is_root: bool,
}

impl Walk {
    fn fault(&mut self, at: &str, message: &str) {
        self.faults.push(Fault { at: at.to_owned(), message: message.to_owned() });
    }

    fn node(&mut self, at: &str, node: &Value, place: Place) {
        let Value::Object(node) = node else {
            self.fault(at, &format!("{node} is no schema of the strict subset"));
            return;
        };
        for key in node.keys() {
            let is_known = KEYWORDS.contains(&key.as_str()) || (place.is_root && ROOT_KEYWORDS.contains(&key.as_str()));
            if !is_known {
                self.fault(at, &format!("'{key}' is not permitted"));
            }
        }
        if let Some(reference) = node.get("$ref") {
            self.reference(at, node, reference);
            return;
        }
        if !node.contains_key("type") && !node.contains_key("anyOf") {
            self.fault(at, "schema must have a 'type' key");
        }
        let is_container = ["object", "array"].iter().any(|name| has_type(node, name));
        if place.level > MAX_LEVELS && is_container {
            self.fault(at, &format!("{} levels of nesting exceed the limit of {MAX_LEVELS}", place.level));
            return;
        }
        if has_type(node, "object") {
            self.object(at, node);
        }
        self.values(at, node);
        let format = node.get("format").and_then(Value::as_str);
        if let Some(format) = format.filter(|format| !FORMATS.contains(format)) {
            self.fault(at, &format!("'{format}' is not a valid format"));
        }
        for (at, child) in children(at, node) {
            let is_definition = at.contains(".$defs.") || at.contains(".definitions.");
            let level = if place.is_root && is_definition { 1 } else { place.level + usize::from(is_container) };
            self.node(&at, child, Place { level, is_root: false });
        }
    }

    /// A reference stands alone, and points to the root or to a definition of the root.
    fn reference(&mut self, at: &str, node: &Map<String, Value>, reference: &Value) {
        if node.len() > 1 {
            let others: Vec<&String> = node.keys().filter(|key| *key != "$ref").collect();
            self.fault(at, &format!("$ref cannot have keywords {others:?}"));
        }
        let text = reference.as_str().unwrap_or_default();
        let definition = text.strip_prefix("#/$defs/").or_else(|| text.strip_prefix("#/definitions/"));
        if text != "#" && definition.is_none_or(|name| name.contains('/')) {
            self.fault(at, "reference can only point to definitions defined at the top level of the schema");
        }
    }

    fn object(&mut self, at: &str, node: &Map<String, Value>) {
        if node.get("additionalProperties") != Some(&Value::Bool(false)) {
            self.fault(at, "'additionalProperties' is required to be supplied and to be false");
        }
        let names: BTreeSet<&str> = node
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        self.properties += names.len();
        self.characters += names.iter().map(|name| name.chars().count()).sum::<usize>();
        let required = node.get("required").and_then(Value::as_array);
        let required: BTreeSet<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
        for missing in names.difference(&required) {
            self.fault(at, &format!("'required' must include every key in properties; missing '{missing}'"));
        }
        for extra in required.difference(&names) {
            self.fault(at, &format!("extra required key '{extra}' supplied"));
        }
    }

    fn values(&mut self, at: &str, node: &Map<String, Value>) {
        let definitions = ["$defs", "definitions"].into_iter().filter_map(|key| node.get(key)?.as_object());
        self.characters += definitions.flat_map(Map::keys).map(|name| name.chars().count()).sum::<usize>();
        if let Some(constant) = node.get("const") {
            self.characters += text_length(constant);
            self.value_of_type(at, node, constant);
        }
        let Some(values) = node.get("enum").and_then(Value::as_array) else { return };
        if values.is_empty() {
            self.fault(at, "enum has no value");
        }
        self.values += values.len();
        let characters: usize = values.iter().map(text_length).sum();
        self.characters += characters;
        if values.len() > 250 && characters > 15_000 {
            self.fault(at, &format!("an enum of {} values has {characters} characters, over 15000", values.len()));
        }
        for value in values {
            self.value_of_type(at, node, value);
        }
    }

    fn value_of_type(&mut self, at: &str, node: &Map<String, Value>, value: &Value) {
        let names: &[&str] = match value {
            Value::Null => &["null"],
            Value::Bool(_) => &["boolean"],
            Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {
                &["integer", "number"]
            }
            Value::Number(_) => &["number"],
            Value::String(_) => &["string"],
            Value::Array(_) | Value::Object(_) => &[],
        };
        if !names.iter().any(|name| has_type(node, name)) {
            self.fault(at, &format!("enum value {value} does not validate against the type"));
        }
    }
}

fn has_type(node: &Map<String, Value>, name: &str) -> bool {
    match node.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}

fn text_length(value: &Value) -> usize {
    value.as_str().map_or_else(|| value.to_string().len(), |text| text.chars().count())
}

/// What any schema may say.
const KEYWORDS: [&str; 20] = [
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
];
/// What the root may say besides; `$ref` is looked at first.
const ROOT_KEYWORDS: [&str; 3] = ["$defs", "$schema", "definitions"];
/// The formats of a string.
const FORMATS: [&str; 9] = ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"];
/// How deep objects and arrays may lie in each other.
const MAX_LEVELS: usize = 10;
