//! What every schema of a function must keep, strict or not.
//!
//! The surprising thing: the API checks a schema against the metaschema of 2020-12 whatever dialect it names, with the
//! format `regex` on, and then a few rules of its own: objects have `properties`, arrays have `items`, and no union
//! stands at the root.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Fault, regex};

/// Checks the parameters of a function.
pub(super) fn check_parameters(at: &str, root: &Value) -> Vec<Fault> {
    let mut walk = Walk { root, faults: Vec::new() };
    let Some(object) = root.as_object() else {
        walk.fault(at, "must be an object");
        return walk.faults;
    };
    if object.get("type").and_then(Value::as_str) != Some("object") {
        let found = object.get("type").unwrap_or(&Value::Null);
        walk.fault(at, &format!("schema must be a JSON Schema of type \"object\", got type {found}"));
    }
    for key in ["oneOf", "anyOf", "allOf", "enum", "not"] {
        if object.contains_key(key) {
            walk.fault(at, &format!("schema must not have `{key}` at the top level"));
        }
    }
    walk.node(at, root);
    walk.faults
}

/// Checks the schema of what a function returns, which may be of any type.
pub(super) fn check_output(at: &str, root: &Value) -> Vec<Fault> {
    let mut walk = Walk { root, faults: Vec::new() };
    walk.node(at, root);
    walk.faults
}

struct Walk<'v> {
    root: &'v Value,
    faults: Vec<Fault>,
}

impl Walk<'_> {
    fn fault(&mut self, at: &str, message: &str) {
        self.faults.push(Fault { at: at.to_owned(), message: message.to_owned() });
    }

    fn node(&mut self, at: &str, node: &Value) {
        let Value::Object(node) = node else {
            if !node.is_boolean() {
                self.fault(at, &format!("{node} is not of type 'object', 'boolean'"));
            }
            return;
        };
        let types = self.types(at, node.get("type"));
        if types.contains("object") && !node.contains_key("properties") {
            self.fault(at, "object schema missing properties");
        }
        if types.contains("array") && !node.contains_key("items") {
            self.fault(at, "array schema missing items");
        }
        for (key, value) in node {
            self.keyword(&format!("{at}.{key}"), key, value);
        }
    }

    fn types<'t>(&mut self, at: &str, types: Option<&'t Value>) -> BTreeSet<&'t str> {
        let names: Option<Vec<&str>> = match types {
            None => Some(Vec::new()),
            Some(Value::String(name)) => Some(vec![name]),
            Some(Value::Array(names)) if !names.is_empty() => names.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        let names = names.filter(|names| names.iter().all(|name| TYPES.contains(name)));
        let set: BTreeSet<&str> = names.iter().flatten().copied().collect();
        if names.is_none_or(|names| names.len() != set.len()) {
            let types = types.unwrap_or(&Value::Null);
            self.fault(&format!("{at}.type"), &format!("{types} is not valid under any of the given schemas"));
        }
        set
    }

    fn keyword(&mut self, at: &str, key: &str, value: &Value) {
        match key {
            "properties" | "$defs" | "definitions" | "dependentSchemas" | "patternProperties" => {
                self.schemas(at, key, value);
            }
            "items"
            | "contains"
            | "additionalProperties"
            | "propertyNames"
            | "not"
            | "if"
            | "then"
            | "else"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "contentSchema" => self.node(at, value),
            "anyOf" | "oneOf" | "allOf" | "prefixItems" => self.branches(at, value),
            "required" => self.names(at, value),
            "dependentRequired" => match value {
                Value::Object(lists) => lists.iter().for_each(|(name, list)| self.names(&format!("{at}.{name}"), list)),
                _ => self.wrong(at, value, "object"),
            },
            "dependencies" => match value {
                Value::Object(all) => all.iter().for_each(|(name, one)| self.dependency(&format!("{at}.{name}"), one)),
                _ => self.wrong(at, value, "object"),
            },
            "enum" | "examples" if !value.is_array() => self.wrong(at, value, "array"),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" if !value.is_number() => {
                self.wrong(at, value, "number");
            }
            "multipleOf" if value.as_f64().is_none_or(|step| step <= 0.0) => self.wrong(at, value, "number above 0"),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minContains"
            | "maxContains"
                if !is_count(value) =>
            {
                self.wrong(at, value, "non-negative integer");
            }
            "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" if !value.is_boolean() => {
                self.wrong(at, value, "boolean");
            }
            "title" | "description" | "format" | "contentEncoding" | "contentMediaType" | "$schema" | "$comment"
            | "$id" | "$anchor" | "$dynamicRef" | "$dynamicAnchor"
                if !value.is_string() =>
            {
                self.wrong(at, value, "string");
            }
            "pattern" => match value.as_str() {
                Some(pattern) => self.pattern(at, pattern),
                None => self.wrong(at, value, "string"),
            },
            "$ref" => self.reference(at, value),
            "$dynamicRef" => self.fault(at, "a dynamic reference cannot be resolved"),
            _ => {}
        }
    }

    fn wrong(&mut self, at: &str, value: &Value, wanted: &str) {
        self.fault(at, &format!("{value} is not of type '{wanted}'"));
    }

    fn schemas(&mut self, at: &str, key: &str, value: &Value) {
        let Value::Object(schemas) = value else { return self.wrong(at, value, "object") };
        for (name, schema) in schemas {
            let at = format!("{at}.{name}");
            if key == "patternProperties" {
                self.pattern(&at, name);
            }
            self.node(&at, schema);
        }
    }

    fn branches(&mut self, at: &str, value: &Value) {
        match value {
            Value::Array(branches) if !branches.is_empty() => {
                branches.iter().enumerate().for_each(|(index, one)| self.node(&format!("{at}.{index}"), one));
            }
            _ => self.wrong(at, value, "array of at least one schema"),
        }
    }

    fn names(&mut self, at: &str, value: &Value) {
        let names: Option<Vec<&str>> = value.as_array().and_then(|names| names.iter().map(Value::as_str).collect());
        let is_set = |names: &Vec<&str>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        if names.filter(is_set).is_none() {
            self.wrong(at, value, "array of unique strings");
        }
    }

    fn dependency(&mut self, at: &str, value: &Value) {
        if value.is_array() { self.names(at, value) } else { self.node(at, value) }
    }

    fn pattern(&mut self, at: &str, pattern: &str) {
        if let Err(why) = regex::check(pattern) {
            self.fault(at, &format!("{pattern:?} is not a 'regex': {why}"));
        }
    }

    /// A reference is a pointer into the same schema, to something that is there and is a schema.
    fn reference(&mut self, at: &str, value: &Value) {
        let pointer = value.as_str().and_then(|text| text.strip_prefix('#'));
        let target = pointer.and_then(|pointer| self.root.pointer(&decoded(pointer)));
        if target.is_none_or(|target| !target.is_object() && !target.is_boolean()) {
            self.fault(at, &format!("reference to component {value} which was not found in the schema"));
            return;
        }
        if leads_nowhere(self.root, value) {
            self.fault(at, &format!("the reference {value} leads to itself"));
        }
    }
}

/// Whether references follow each other in a circle that no schema is in.
fn leads_nowhere(root: &Value, reference: &Value) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = reference.as_str();
    while let Some(text) = next {
        if !seen.insert(text) {
            return true;
        }
        let target = text.strip_prefix('#').and_then(|pointer| root.pointer(&decoded(pointer)));
        next = target.and_then(|target| target.get("$ref")).and_then(Value::as_str);
    }
    false
}

/// Undoes the percent signs of a fragment.
fn decoded(pointer: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = pointer.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_count(value: &Value) -> bool {
    value.as_u64().is_some() || value.as_f64().is_some_and(|number| number >= 0.0 && number.fract() == 0.0)
}

/// The keywords below which another schema lies, for who walks one.
pub(super) fn children<'v>(at: &str, node: &'v Map<String, Value>) -> Vec<(String, &'v Value)> {
    let mut found = Vec::new();
    for (key, value) in node {
        match (key.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(schemas)) => {
                found.extend(schemas.iter().map(|(name, schema)| (format!("{at}.{key}.{name}"), schema)));
            }
            ("anyOf", Value::Array(branches)) => {
                let numbered = branches.iter().enumerate();
                found.extend(numbered.map(|(index, schema)| (format!("{at}.{key}.{index}"), schema)));
            }
            ("items", schema) => found.push((format!("{at}.{key}"), schema)),
            _ => {}
        }
    }
    found
}

/// The names that `type` may have.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
