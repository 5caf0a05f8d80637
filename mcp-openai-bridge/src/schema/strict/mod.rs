//! Strict mode: where a schema says the same in OpenAI's strict subset, the model can be held to it.
//!
//! In strict mode every member is required, so one that may be left out becomes one that may be `null`, and that `null`
//! is taken away again before the call. The surprising thing: nothing is ever rounded off. A schema with one rule that
//! the subset cannot say stays as it is and is published with `strict: false`; what the obstacle is can be asked.

mod alternatives;
mod limits;
mod obstacle;
mod pieces;
mod strip;

use std::collections::HashSet;

use mcp_types::RawJson;

use crate::json::{self, Object, Value};

use super::bounds::{self, Limits};
use super::document::{self, Document};
use super::{LEVELS, Parameters};

pub use obstacle::{Hindrance, Obstacle};

/// The parameters of a function in strict mode, and the way back from arguments that follow them.
#[derive(Clone, Debug, PartialEq)]
pub struct StrictParameters {
    schema: RawJson,
    /// The schema before: it says which members may be left out.
    plain: Value,
}

impl StrictParameters {
    /// Returns the schema to publish with `strict: true`.
    pub fn schema(&self) -> &RawJson {
        &self.schema
    }

    /// Takes away each `null` that stands for a member that is not given, at every depth. Others stay.
    ///
    /// `arguments` that need no change come back with their own bytes.
    #[must_use]
    pub fn strip(&self, arguments: RawJson) -> RawJson {
        if !arguments.as_str().contains("null") {
            return arguments;
        }
        let Ok(mut value) = Value::parse(arguments.as_str()) else { return arguments };
        let document = Document::new(&self.plain);
        if !strip::strip(&document, &self.plain, &mut value) {
            return arguments;
        }
        // It was valid JSON with more in it.
        RawJson::parse(value.to_string()).unwrap_or(arguments)
    }
}

/// Writes converted parameters in the strict subset.
///
/// # Errors
///
/// Returns the first thing that the subset cannot say.
pub fn strict(parameters: &Parameters) -> Result<StrictParameters, Obstacle> {
    if let Some(rewrite) = &parameters.altered {
        return Err(Obstacle::new(&rewrite.path, Hindrance::Altered(rewrite.rule.clone())));
    }
    let malformed = |_| Obstacle::new("", Hindrance::AnyValue);
    let plain = Value::parse(parameters.schema.as_str()).map_err(malformed)?;
    limits::check_values(&plain)?;
    let document = Document::new(&plain);
    let few = Limits { expansion: ALTERNATIVES, ..Limits::default() };
    bounds::check(&document, &few)
        .map_err(|_| Obstacle::new("", Hindrance::Limit { what: "alternatives for one value", limit: ALTERNATIVES }))?;
    let root = Subset::new(&document).root()?;
    limits::check(&root)?;
    let root = Value::from(root);
    let nested = || Obstacle::new("", Hindrance::Limit { what: "levels", limit: LEVELS });
    if root.levels() > LEVELS {
        return Err(nested());
    }
    let schema = RawJson::parse(root.to_string()).map_err(|_| nested())?;
    Ok(StrictParameters { schema, plain })
}

/// Writes schemas of one document in the subset.
struct Subset<'d, 'a> {
    document: &'d Document<'a>,
    /// The pointers of definitions that are referred to.
    wanted: Vec<String>,
    seen: HashSet<String>,
}

impl<'d, 'a> Subset<'d, 'a> {
    fn new(document: &'d Document<'a>) -> Self {
        Self { document, wanted: Vec::new(), seen: HashSet::new() }
    }

    fn root(mut self) -> Result<Object, Obstacle> {
        let mut root = self.schema(self.document.root(), "")?;
        let mut definitions = Object::default();
        while let Some(pointer) = self.wanted.pop() {
            let Some(schema) = self.document.root().pointer(&pointer) else { continue };
            let name = pointer.strip_prefix("/$defs/").unwrap_or_default().replace("~1", "/").replace("~0", "~");
            definitions.set(name, self.schema(schema, &pointer)?);
        }
        if !definitions.is_empty() {
            root.set("$defs", definitions);
        }
        Ok(root)
    }

    fn schema(&mut self, schema: &'a Value, path: &str) -> Result<Object, Obstacle> {
        let Some(members) = schema.as_object().filter(|members| !members.is_empty()) else {
            return Err(Obstacle::new(path, Hindrance::AnyValue));
        };
        if let Some((_, reference)) = document::reference(members) {
            return self.reference(reference, path);
        }
        for (keyword, value) in members.iter() {
            if is_beyond(keyword, value) {
                return Err(Obstacle::new(path, Hindrance::Keyword(keyword.to_owned())));
            }
        }
        let combined = ["anyOf", "oneOf", "allOf"].into_iter().find(|keyword| members.contains_key(keyword));
        let mut out = match combined {
            Some(keyword) => self.alternatives(members, keyword, path)?,
            None => self.pieces(members, path)?,
        };
        for keyword in ["title", "description"] {
            if let Some(text) = members.get(keyword) {
                out.set(keyword, text.clone());
            }
        }
        Ok(out)
    }

    fn reference(&mut self, reference: &str, path: &str) -> Result<Object, Obstacle> {
        let Some((pointer, _)) = self.document.resolve(reference) else {
            return Err(Obstacle::new(path, Hindrance::AnyValue));
        };
        if !pointer.is_empty() && self.seen.insert(pointer.clone()) {
            self.wanted.push(pointer);
        }
        Ok(Object::from([("$ref", reference.into())]))
    }

    /// Writes an object: every member is required, and one that may be left out may be `null`.
    fn object(&mut self, members: &'a Object, path: &str) -> Result<Object, Obstacle> {
        if members.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Err(Obstacle::new(path, Hindrance::Open));
        }
        let properties = members.get("properties").and_then(Value::as_object);
        let required = names(members.get("required"));
        let known = |name: &&str| properties.is_some_and(|properties| properties.contains_key(name));
        if let Some(missing) = required.iter().find(|name| !known(name)) {
            return Err(Obstacle::new(path, Hindrance::UnknownRequired((*missing).to_owned())));
        }
        let mut out = Object::default();
        let mut all: Vec<Value> = Vec::new();
        let at = json::join(path, "properties");
        for (name, schema) in properties.into_iter().flat_map(Object::iter) {
            let mut member = self.schema(schema, &json::join(&at, name))?;
            if !required.contains(&name) {
                if !admits_null(self.document, schema) {
                    member = nullable(member);
                }
                describe_default(&mut member, schema);
            }
            out.set(name, member);
            all.push(name.into());
        }
        Ok(Object::from([
            ("type", "object".into()),
            ("properties", out.into()),
            ("required", all.into()),
            ("additionalProperties", Value::Bool(false)),
        ]))
    }
}

/// Whether a keyword forbids something that the subset cannot forbid. What is not known forbids nothing.
fn is_beyond(keyword: &str, value: &Value) -> bool {
    match keyword {
        "minLength" | "minProperties" | "minContains" => *value != Value::Number("0".to_owned()),
        "uniqueItems" | "unevaluatedProperties" | "unevaluatedItems" => {
            *value == Value::Bool(true) && keyword == "uniqueItems"
                || *value != Value::Bool(true) && keyword != "uniqueItems"
        }
        _ => BEYOND.contains(&keyword),
    }
}

/// Whether a schema allows `null`. References end, because the bounds of the conversion saw to it.
fn admits_null(document: &Document<'_>, schema: &Value) -> bool {
    let Some(members) = schema.as_object() else { return true };
    if let Some((_, reference)) = document::reference(members) {
        return document.resolve(reference).is_none_or(|(_, target)| admits_null(document, target));
    }
    let list = |keyword: &str| members.get(keyword).and_then(Value::as_array);
    let by_type = match members.get("type") {
        Some(Value::Array(names)) => names.iter().any(|name| name.as_str() == Some("null")),
        Some(name) => name.as_str() == Some("null"),
        None => true,
    };
    by_type
        && members.get("const").is_none_or(|value| *value == Value::Null)
        && list("enum").is_none_or(|values| values.contains(&Value::Null))
        && ["anyOf", "oneOf"].into_iter().filter_map(list).all(|any| any.iter().any(|one| admits_null(document, one)))
        && list("allOf").is_none_or(|all| all.iter().all(|one| admits_null(document, one)))
}

/// Allows `null` beside what a written schema allows.
fn nullable(mut member: Object) -> Object {
    let null = Value::from("null");
    let no_value = Value::from(Object::from([("type", null.clone())]));
    if let Some(Value::Array(alternatives)) = member.get_mut("anyOf") {
        alternatives.push(no_value);
        return member;
    }
    match member.get("type").and_then(Value::as_str) {
        Some(scalar) if scalar != "object" && scalar != "array" => {
            member.set("type", vec![Value::from(scalar), null]);
            if let Some(Value::Array(values)) = member.get_mut("enum") {
                values.push(Value::Null);
            }
            member
        }
        _ => {
            // What is said about the member is said outside.
            let mut out = Object::default();
            let notes = ["title", "description"].map(|keyword| member.remove(keyword).map(|text| (keyword, text)));
            out.set("anyOf", vec![Value::from(member), no_value]);
            for (keyword, text) in notes.into_iter().flatten() {
                out.set(keyword, text);
            }
            out
        }
    }
}

/// Says in words what happens when the member is not given, because `default` is not in the subset.
fn describe_default(member: &mut Object, schema: &Value) {
    let default = schema.as_object().and_then(|members| members.get("default"));
    let Some(default) = default.filter(|default| **default != Value::Null) else { return };
    let default = default.to_string();
    // Nothing may stand beside a reference.
    if default.len() > DEFAULT_BYTES || member.contains_key("$ref") {
        return;
    }
    let text = match member.get("description").and_then(Value::as_str) {
        Some(own) if !own.is_empty() => format!("{own} Default: {default}"),
        _ => format!("Default: {default}"),
    };
    member.set("description", text);
}

fn names(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_str).collect()
}

/// Keywords that forbid something and are not in the subset.
const BEYOND: [&str; 17] = [
    "additionalItems",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "maxLength",
    "maxProperties",
    "not",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "$dynamicRef",
    "$recursiveRef",
];

/// Alternatives for one value, references followed.
const ALTERNATIVES: usize = 1000;

/// Bytes of a default that is put into words.
const DEFAULT_BYTES: usize = 100;

#[cfg(test)]
mod tests;
