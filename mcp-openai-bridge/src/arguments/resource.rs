//! Whether a schema is one resource, in which a reference means one thing to everyone.
//!
//! A part with an id of its own is read differently by every validator, and what the work is measured on must be what
//! the validator reads. So such a schema is left to the server. The surprising thing: the model still gets it, converted,
//! because there a reference that is read differently costs a word and not an hour.

use std::collections::{HashMap, HashSet};

use super::shortened;
use crate::json::Value;
use crate::schema::document::{Document, REFERENCES, percent_decode};
use crate::schema::keywords;

/// Checks that a schema is one resource and refers only to itself; returns why not.
pub(super) fn check(root: &Value) -> Result<(), String> {
    let members = |name: &str| root.as_object()?.get(name)?.as_str();
    let mut resource = Resource {
        root,
        id: members("$id"),
        dialect: members("$schema").map_or(DIALECT, |dialect| dialect.trim_end_matches('#')),
        anchors: HashMap::new(),
        schemas: HashSet::new(),
    };
    let is_dialect = |id: &str| percent_decode(id).is_none_or(|id| id.to_lowercase().contains("json-schema.org"));
    if let Some(name) = ["$id", "id"].into_iter().find(|name| members(name).is_some_and(is_dialect)) {
        return Err(format!("its `{name}` is that of a dialect of JSON Schema"));
    }
    resource.collect(root, "")?;
    resource.follow(root, "", &Document::new(root))
}

/// What a schema without `$schema` is written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

struct Resource<'a> {
    root: &'a Value,
    id: Option<&'a str>,
    dialect: &'a str,
    anchors: HashMap<&'a str, *const Value>,
    /// All subschemas, by where they lie in memory.
    schemas: HashSet<*const Value>,
}

impl<'a> Resource<'a> {
    fn collect(&mut self, schema: &'a Value, pointer: &str) -> Result<(), String> {
        self.schemas.insert(schema);
        let text = |name: &str| schema.as_object()?.get(name)?.as_str();
        let is_old = self.dialect.contains("draft-03") || self.dialect.contains("draft-04");
        let ids = [text("$id"), text("id").filter(|_| is_old)];
        if !pointer.is_empty() && ids.into_iter().flatten().any(|id| !id.starts_with('#')) {
            return Err(format!("{} has an id of its own", shortened(pointer)));
        }
        if text("$schema").is_some_and(|dialect| dialect.trim_end_matches('#') != self.dialect && !pointer.is_empty()) {
            return Err(format!("{} is written in another dialect", shortened(pointer)));
        }
        let anchors = ["$anchor", "$dynamicAnchor"].into_iter().filter_map(text);
        // Up to draft-07 an anchor is an id of this form.
        for anchor in anchors.chain(["$id", "id"].into_iter().filter_map(|name| text(name)?.strip_prefix('#'))) {
            if *self.anchors.entry(anchor).or_insert(schema) != std::ptr::from_ref(schema) {
                return Err(format!("two parts have the anchor {}", shortened(anchor)));
            }
        }
        each(schema, pointer, |at, part| self.collect(part, at))
    }

    /// Checks that each reference has one target, and that it is the one the work is measured on.
    fn follow(&self, schema: &'a Value, pointer: &str, document: &Document<'a>) -> Result<(), String> {
        for keyword in REFERENCES {
            let Some(reference) = schema.as_object().and_then(|members| members.get(keyword)?.as_str()) else {
                continue;
            };
            let measured = document.resolve(reference).map(|(_, target)| std::ptr::from_ref(target));
            let is_one = measured.is_some() && self.resolve(reference) == measured;
            // All else than `#` is no value of `$recursiveRef`, and what a validator makes of it is its own affair.
            if !is_one || (keyword == "$recursiveRef" && reference != "#") {
                return Err(format!("{} is no part of the schema", shortened(reference)));
            }
        }
        each(schema, pointer, |at, part| self.follow(part, at, document))
    }

    fn resolve(&self, reference: &str) -> Option<*const Value> {
        let own = self.id.and_then(|id| reference.strip_prefix(id.trim_end_matches('#')));
        let own = own.filter(|rest| rest.is_empty() || rest.starts_with('#'));
        let fragment = match own.unwrap_or(reference) {
            "" => "",
            reference => reference.strip_prefix('#')?,
        };
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return self.anchors.get(fragment).copied();
        }
        let target = std::ptr::from_ref(self.root.pointer(&percent_decode(fragment)?)?);
        self.schemas.contains(&target).then_some(target)
    }
}

/// Calls `visit` with each subschema and its pointer, up to the first error.
fn each<'a>(
    schema: &'a Value,
    pointer: &str,
    mut visit: impl FnMut(&str, &'a Value) -> Result<(), String>,
) -> Result<(), String> {
    let mut result = Ok(());
    keywords::each_subschema(schema, pointer, |_, at, part| {
        if result.is_ok() {
            result = visit(&at, part);
        }
    });
    result
}
