//! Repairs a schema at every depth, so that each part of it is legal.
//!
//! References are resolved against the document as it came and led to `$defs` at the root of the new one. The surprising
//! thing: a definition that stands anywhere else is gathered only when something refers to it.

use std::collections::{HashMap, HashSet};

use crate::arguments;
use crate::json::{self, Object, Value};

use super::bounds::Limits;
use super::document::{self, Document};
use super::keywords::{self, Shape};
use super::nullable::is_nullable;
use super::pattern::is_common;
use super::report::{Bound, Quarantine, Rewrite, Rule};

/// Repairs `root`, whose references lead into `document`.
pub(super) fn repair(
    document: &Document<'_>,
    root: &Value,
    limits: &Limits,
) -> Result<(Value, Vec<Rewrite>), Quarantine> {
    let mut repair = Repair {
        document,
        limits,
        count: 0,
        depth: 0,
        rewrites: Vec::new(),
        definitions: Vec::new(),
        names: HashMap::new(),
        taken: HashMap::new(),
        inlining: Vec::new(),
        inlined: 0,
    };
    repair.name_definitions(root);
    let mut published = repair.schema(root, "")?;
    let definitions = repair.definitions()?;
    if let Value::Object(members) = &mut published {
        if definitions.is_empty() {
            members.remove("$defs");
        } else {
            members.set("$defs", definitions);
        }
    }
    Ok((published, repair.rewrites))
}

struct Repair<'d, 'a> {
    document: &'d Document<'a>,
    limits: &'d Limits,
    /// Schemas written so far.
    count: usize,
    /// Schemas that are being written; inlining makes them deeper than the original.
    depth: usize,
    rewrites: Vec<Rewrite>,
    /// What may stand in `$defs`; it grows while references are met.
    definitions: Vec<Definition>,
    /// From a pointer to the name in `$defs`.
    names: HashMap<String, String>,
    /// The names in `$defs`, each with the last number that was put behind it.
    taken: HashMap<String, usize>,
    /// The pointers of the references that are being replaced by what they name.
    inlining: Vec<String>,
    /// Bytes of what has replaced references.
    inlined: usize,
}

/// A schema that references lead to.
struct Definition {
    name: String,
    /// Where it stands in the document.
    pointer: String,
    /// Whether something that is published refers to it.
    is_wanted: bool,
    written: Option<Value>,
}

impl Repair<'_, '_> {
    fn note(&mut self, path: &str, rule: Rule) {
        self.rewrites.push(Rewrite { path: path.to_owned(), rule });
    }

    fn schema(&mut self, schema: &Value, path: &str) -> Result<Value, Quarantine> {
        self.count += 1;
        if self.count > self.limits.subschemas {
            return Err(Quarantine::exceeds(Bound::Subschemas, self.limits.subschemas));
        }
        if self.depth >= self.limits.depth {
            return Err(Quarantine::exceeds(Bound::Depth, self.limits.depth));
        }
        self.depth += 1;
        let written = self.any_schema(schema, path);
        self.depth -= 1;
        written
    }

    fn any_schema(&mut self, schema: &Value, path: &str) -> Result<Value, Quarantine> {
        match schema {
            Value::Object(members) => match document::reference(members) {
                Some((keyword, reference)) => self.reference(members, keyword, reference, path),
                None => self.members(members, path).map(Value::Object),
            },
            Value::Bool(allowed) => {
                self.note(path, Rule::BooleanSchema);
                let mut members = Object::default();
                if !allowed {
                    members.set("not", Object::default());
                }
                Ok(members.into())
            }
            _ => {
                self.note(path, Rule::BooleanSchema);
                Ok(Object::default().into())
            }
        }
    }

    fn members(&mut self, members: &Object, path: &str) -> Result<Object, Quarantine> {
        let mut out = Object::default();
        for (keyword, value) in members.iter() {
            self.member(members, keyword, value, path, &mut out)?;
        }
        if has_type(&out, "object") && !out.contains_key("properties") {
            self.note(path, Rule::AddedProperties);
            out.set("properties", Object::default());
        }
        if has_type(&out, "array") && !out.contains_key("items") {
            self.note(path, Rule::AddedItems);
            out.set("items", Object::default());
        }
        self.describe_required(&mut out, path);
        Ok(out)
    }

    /// Adds the members of an object that are required and not described.
    fn describe_required(&mut self, out: &mut Object, path: &str) {
        let required: Vec<String> = match (has_type(out, "object"), out.get("required")) {
            (true, Some(Value::Array(names))) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => return,
        };
        let mut added = Vec::new();
        if let Some(Value::Object(properties)) = out.get_mut("properties") {
            for name in required {
                if !properties.contains_key(&name) {
                    properties.set(&name, Object::default());
                    added.push(name);
                }
            }
        }
        added.into_iter().for_each(|name| self.note(path, Rule::AddedProperty(name)));
    }

    fn member(
        &mut self,
        members: &Object,
        keyword: &str,
        value: &Value,
        path: &str,
        out: &mut Object,
    ) -> Result<(), Quarantine> {
        match (keyword, value) {
            ("$schema" | "$id" | "$vocabulary" | "$anchor" | "$dynamicAnchor" | "$recursiveAnchor", _) => {
                self.note(path, Rule::DroppedIdentifier(keyword.to_owned()));
            }
            ("$defs" | "definitions", _) => {
                if !path.is_empty() || keyword == "definitions" {
                    self.note(path, Rule::GatheredDefinitions);
                }
                if path.is_empty() {
                    // Their place; they are written last, when it is known what is referred to.
                    out.set("$defs", Object::default());
                }
            }
            ("type", kind) if !path.is_empty() && is_nullable(members) => {
                self.type_names(&vec![kind.clone(), "null".into()].into(), path, out);
            }
            ("type", _) => self.type_names(value, path, out),
            ("nullable", Value::Bool(_)) => {
                if is_nullable(members) {
                    self.note(path, Rule::Modernized("nullable".to_owned()));
                }
            }
            ("properties", value) if value.as_object().is_none() => {
                self.note(path, Rule::DroppedMember(keyword.to_owned()));
                self.note(path, Rule::AddedProperties);
                out.set("properties", Object::default());
            }
            ("items", Value::Array(items)) => {
                self.note(path, Rule::Modernized("items".to_owned()));
                out.set("prefixItems", self.list(items, &json::join(path, "items"))?);
                if !members.contains_key("additionalItems") {
                    out.set("items", Object::default());
                }
            }
            ("additionalItems", value) => {
                // Beside one schema for all items it means nothing.
                self.note(path, Rule::Modernized("additionalItems".to_owned()));
                if members.get("items").is_some_and(|items| items.as_array().is_some()) {
                    out.set("items", self.schema(value, &json::join(path, keyword))?);
                }
            }
            ("exclusiveMinimum" | "exclusiveMaximum" | "minimum" | "maximum", _) => {
                self.limit(members, keyword, value, path, out);
            }
            ("pattern", Value::String(pattern)) if !is_common(pattern) => {
                self.note(path, Rule::DroppedPattern(arguments::shortened(pattern)));
                if pattern.len() <= SAID_PATTERN
                    && members.get("description").is_none_or(|text| text.as_str().is_some())
                {
                    let own = out.get("description").or(members.get("description")).and_then(Value::as_str);
                    let own = own.map(|own| format!("{own} ")).unwrap_or_default();
                    out.set("description", format!("{own}It matches `{pattern}`."));
                }
            }
            // It may have been written together with a pattern.
            ("description", Value::String(_)) if out.contains_key("description") => {}
            ("patternProperties", Value::Object(patterns)) if patterns.iter().any(|(name, _)| !is_common(name)) => {
                let first = patterns.iter().map(|(name, _)| name).find(|name| !is_common(name)).unwrap_or_default();
                self.note(path, Rule::DroppedPattern(arguments::shortened(first)));
            }
            // Members that a pattern allowed would be forbidden without it.
            ("additionalProperties", _) if has_uncommon_names(members) => {}
            ("required", Value::Array(names)) if is_text_list(names) => {
                let mut once: Vec<Value> = Vec::new();
                let mut seen = HashSet::new();
                once.extend(names.iter().filter(|name| seen.insert(name.as_str())).cloned());
                if once.len() < names.len() {
                    self.note(path, Rule::RepeatedName);
                }
                out.set("required", once);
            }
            _ if is_malformed(keyword, value) => self.note(path, Rule::DroppedMember(keyword.to_owned())),
            _ => {
                let value = self.subschemas(keyword, value, path)?;
                out.set(keyword, value);
            }
        }
        Ok(())
    }

    /// Repairs the schemas in the value of a keyword.
    fn subschemas(&mut self, keyword: &str, value: &Value, path: &str) -> Result<Value, Quarantine> {
        let at = json::join(path, keyword);
        Ok(match (keywords::shape(keyword), value) {
            // A flag is legal here, and closes the object or leaves it open.
            (Shape::One(_), Value::Bool(flag))
                if keyword.starts_with("additional") || keyword.starts_with("uneval") =>
            {
                Value::Bool(*flag)
            }
            (Shape::One(_) | Shape::OneOrList, _) => self.schema(value, &at)?,
            (Shape::List(_), Value::Array(items)) => self.list(items, &at)?.into(),
            (Shape::Named(_), Value::Object(schemas)) => {
                let mut out = Object::default();
                for (name, schema) in schemas.iter() {
                    let is_key_list = keyword == "dependencies" && schema.as_array().is_some();
                    let schema =
                        if is_key_list { schema.clone() } else { self.schema(schema, &json::join(&at, name))? };
                    out.set(name, schema);
                }
                out.into()
            }
            _ => value.clone(),
        })
    }

    fn list(&mut self, items: &[Value], path: &str) -> Result<Vec<Value>, Quarantine> {
        let repaired = items.iter().enumerate();
        repaired.map(|(index, item)| self.schema(item, &json::join(path, &index.to_string()))).collect()
    }

    fn type_names(&mut self, value: &Value, path: &str, out: &mut Object) {
        let names = match value {
            Value::Array(names) => names.as_slice(),
            name => std::slice::from_ref(name),
        };
        let mut known = Vec::new();
        for name in names {
            match name.as_str() {
                Some(text) if TYPES.contains(&text) => {
                    if !known.contains(name) {
                        known.push(name.clone());
                    }
                }
                _ => self.note(path, Rule::UnknownType(name.to_string())),
            }
        }
        match (known.len(), value) {
            (0, _) => {}
            (_, Value::Array(_)) if known.len() > 1 => out.set("type", known),
            _ => known.into_iter().for_each(|name| out.set("type", name)),
        }
    }

    /// Writes the limit of a number; up to draft 4 an exclusive limit was a flag beside the other one.
    fn limit(&mut self, members: &Object, keyword: &str, value: &Value, path: &str, out: &mut Object) {
        let exclusive = if keyword.ends_with("inimum") { "exclusiveMinimum" } else { "exclusiveMaximum" };
        let flag = members.get(exclusive);
        match value {
            Value::Number(_) if keyword != exclusive && flag == Some(&Value::Bool(true)) => {
                out.set(exclusive, value.clone());
            }
            Value::Number(_) => out.set(keyword, value.clone()),
            Value::Bool(_) if keyword == exclusive => self.note(path, Rule::Modernized(keyword.to_owned())),
            _ => self.note(path, Rule::DroppedMember(keyword.to_owned())),
        }
    }

    fn reference(&mut self, members: &Object, keyword: &str, reference: &str, path: &str) -> Result<Value, Quarantine> {
        let mut siblings = members.clone();
        siblings.remove(keyword);
        for name in ["$comment", "$schema", "$id", "$defs", "definitions"] {
            siblings.remove(name);
        }
        let Some((pointer, target)) = self.document.resolve(reference) else {
            self.note(path, Rule::UnresolvedReference(reference.to_owned()));
            return self.members(&siblings, path).map(Value::Object);
        };
        if siblings.is_empty() {
            let moved = self.place(&pointer);
            if moved != reference || keyword != "$ref" {
                self.note(path, Rule::MovedReference(reference.to_owned()));
            }
            return Ok(Object::from([("$ref", moved.into())]).into());
        }
        let only_describes = siblings.iter().all(|(name, _)| ANNOTATIONS.contains(&name));
        if !only_describes || self.inlining.contains(&pointer) {
            self.note(path, Rule::NestedReference(reference.to_owned()));
            let nested = Object::from([("$ref", reference.into())]);
            let mut all = siblings.get("allOf").and_then(Value::as_array).map(<[_]>::to_vec).unwrap_or_default();
            all.push(nested.into());
            siblings.set("allOf", all);
            return self.members(&siblings, path).map(Value::Object);
        }
        self.note(path, Rule::InlinedReference(reference.to_owned()));
        self.inline(pointer, target, &siblings, path)
    }

    /// Writes what a reference names in its place, with the annotations that stood beside the reference.
    fn inline(
        &mut self,
        pointer: String,
        target: &Value,
        annotations: &Object,
        path: &str,
    ) -> Result<Value, Quarantine> {
        let mut merged = target.as_object().cloned().unwrap_or_default();
        if *target == Value::Bool(false) {
            merged.set("not", Object::default());
        }
        for (name, value) in annotations.iter() {
            merged.set(name, value.clone());
        }
        // The root keeps its definitions to itself.
        merged.remove("$defs");
        merged.remove("definitions");
        self.inlined += target.to_string().len();
        if self.inlined > self.limits.bytes {
            return Err(Quarantine::exceeds(Bound::Bytes, self.limits.bytes));
        }
        self.inlining.push(pointer);
        let written = self.schema(&merged.into(), path);
        self.inlining.pop();
        written
    }

    /// Returns the reference to the schema at `pointer`, which is gathered into `$defs` when it stands elsewhere.
    fn place(&mut self, pointer: &str) -> String {
        if pointer.is_empty() {
            return "#".to_owned();
        }
        let name = match self.names.get(pointer) {
            Some(name) => name.clone(),
            None => self.add_definition(pointer),
        };
        if let Some(definition) = self.definitions.iter_mut().find(|definition| definition.name == name) {
            definition.is_wanted = true;
        }
        json::join("#/$defs", &name)
    }

    fn add_definition(&mut self, pointer: &str) -> String {
        let last = pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        // A name is part of a reference, which is a URI.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let last: String = last.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        let mut name = last.clone();
        while self.taken.contains_key(&name) {
            let number = self.taken.entry(last.clone()).or_insert(1);
            *number += 1;
            name = format!("{last}_{number}");
        }
        self.taken.insert(name.clone(), 1);
        let definition =
            Definition { name: name.clone(), pointer: pointer.to_owned(), is_wanted: false, written: None };
        self.definitions.push(definition);
        self.names.insert(pointer.to_owned(), name.clone());
        name
    }

    /// Gives the definitions of the root their names, which are the ones they have.
    fn name_definitions(&mut self, root: &Value) {
        for keyword in ["$defs", "definitions"] {
            let found = self.document.root().as_object().and_then(|root| root.get(keyword)).and_then(Value::as_object);
            // A merged root may have lost them.
            let kept = root.as_object().is_some_and(|root| root.contains_key(keyword));
            for (name, schema) in found.into_iter().flat_map(Object::iter) {
                if kept && keywords::is_schema(schema) {
                    self.add_definition(&json::join(&json::join("", keyword), name));
                }
            }
        }
    }

    /// Writes the definitions that are wanted, also those that are met while writing others.
    fn definitions(&mut self) -> Result<Object, Quarantine> {
        let is_open = |definition: &Definition| definition.is_wanted && definition.written.is_none();
        while let Some(next) = self.definitions.iter().position(is_open) {
            let pointer = self.definitions.get(next).map(|definition| definition.pointer.clone()).unwrap_or_default();
            let written = match self.document.root().pointer(&pointer) {
                Some(schema) => self.schema(schema, &pointer)?,
                None => Object::default().into(),
            };
            if let Some(definition) = self.definitions.get_mut(next) {
                definition.written = Some(written);
            }
        }
        let mut out = Object::default();
        for definition in std::mem::take(&mut self.definitions) {
            match definition.written {
                Some(schema) => out.set(definition.name, schema),
                None => self.note(&definition.pointer, Rule::DroppedDefinition(definition.name)),
            }
        }
        Ok(out)
    }
}

fn has_type(members: &Object, name: &str) -> bool {
    match members.get("type") {
        Some(Value::Array(names)) => names.iter().any(|other| other.as_str() == Some(name)),
        other => other.and_then(Value::as_str) == Some(name),
    }
}

fn is_text_list(names: &[Value]) -> bool {
    names.iter().all(|name| name.as_str().is_some())
}

/// Whether `patternProperties` cannot be said.
fn has_uncommon_names(members: &Object) -> bool {
    let patterns = members.get("patternProperties").and_then(Value::as_object);
    patterns.is_some_and(|patterns| patterns.iter().any(|(name, _)| !is_common(name)))
}

/// Whether the keyword cannot have that value, by the meta-schema.
fn is_malformed(keyword: &str, value: &Value) -> bool {
    let is_number = |least: f64| matches!(value, Value::Number(text) if text.parse().is_ok_and(|n: f64| n >= least));
    let is_whole = || matches!(value, Value::Number(text) if text.parse().is_ok_and(|n: f64| n.fract() == 0.0));
    match (keywords::shape(keyword), keyword) {
        (Shape::One(_), _) => !keywords::is_schema(value),
        (Shape::List(_), _) => value.as_array().is_none_or(<[_]>::is_empty),
        (Shape::Named(_), _) => value.as_object().is_none(),
        (_, "title" | "description" | "format" | "pattern" | "$comment" | "contentEncoding" | "contentMediaType") => {
            value.as_str().is_none()
        }
        (_, "$ref" | "$dynamicRef" | "$recursiveRef") => value.as_str().is_none(),
        (_, "required") => value.as_array().is_none_or(|names| !is_text_list(names)),
        (_, "enum") => value.as_array().is_none_or(<[_]>::is_empty),
        (_, "examples") => value.as_array().is_none(),
        (_, "dependentRequired") => value.as_object().is_none_or(|lists| {
            lists.iter().any(|(_, names)| names.as_array().is_none_or(|names| !is_text_list(names)))
        }),
        (_, "minLength" | "maxLength" | "minItems" | "maxItems") => !(is_whole() && is_number(0.0)),
        (_, "minProperties" | "maxProperties" | "minContains" | "maxContains") => !(is_whole() && is_number(0.0)),
        (_, "multipleOf") => !is_number(f64::MIN_POSITIVE),
        (_, "uniqueItems" | "deprecated" | "readOnly" | "writeOnly") => !matches!(value, Value::Bool(_)),
        _ => false,
    }
}

/// The types of JSON Schema.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// Members that describe a value and forbid none.
const ANNOTATIONS: [&str; 8] =
    ["title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly"];

/// Bytes of a pattern that is said in a description.
const SAID_PATTERN: usize = 200;
