//! `anyOf`, `oneOf` and `allOf` in the strict subset, which has only the first.
//!
//! The surprising thing: alternatives must be told apart by looking at a value. Only then is "one of them" the same as
//! "exactly one", and only then it is known which members of an alternative may be left out.

use std::collections::HashSet;

use crate::json::{self, Object, Value};
use crate::schema::document::{self, Document};
use crate::schema::keywords;

use super::pieces::{allowed_values, types};
use super::{Hindrance, Obstacle, Subset, names};

impl<'a> Subset<'_, 'a> {
    pub(super) fn alternatives(
        &mut self,
        members: &'a Object,
        keyword: &'static str,
        path: &str,
    ) -> Result<Object, Obstacle> {
        let obstacle = |hindrance| Obstacle::new(path, hindrance);
        if path.is_empty() || members.iter().any(|(other, _)| other != keyword && RULES.contains(&other)) {
            return Err(obstacle(Hindrance::Keyword(keyword.to_owned())));
        }
        let alternatives = members.get(keyword).and_then(Value::as_array).unwrap_or_default();
        if keyword == "allOf" && alternatives.len() > 1 {
            return Err(obstacle(Hindrance::Keyword(keyword.to_owned())));
        }
        let traits: Vec<Traits> = alternatives.iter().map(|one| Traits::of(self.document, one)).collect();
        for (index, (one, its)) in alternatives.iter().zip(&traits).enumerate() {
            for (other, others) in alternatives.iter().zip(&traits).skip(index + 1) {
                let may_overlap = keyword == "anyOf" && !its.leaves_a_choice(others);
                if !may_overlap && !are_apart(self.document, one, other) {
                    return Err(obstacle(Hindrance::Ambiguous));
                }
            }
        }
        let mut written = Vec::new();
        for (index, alternative) in alternatives.iter().enumerate() {
            let at = json::join(&json::join(path, keyword), &index.to_string());
            let schema = self.schema(alternative, &at)?;
            // Alternatives of an alternative are its own.
            match schema.get("anyOf").and_then(Value::as_array) {
                Some(inner) if !schema.contains_key("description") && !schema.contains_key("title") => {
                    written.extend_from_slice(inner);
                }
                _ => written.push(schema.into()),
            }
        }
        Ok(Object::from([("anyOf", written.into())]))
    }
}

/// What an alternative may be, as far as it matters for others beside it.
struct Traits {
    array: bool,
    object: bool,
    /// It has members that may be left out.
    optional: bool,
}

impl Traits {
    fn of(document: &Document<'_>, schema: &Value) -> Self {
        let may_be = |kind: &str| may_be(document, schema, kind);
        let optional = has_optional(document, schema, &mut HashSet::new());
        Self { array: may_be("array"), object: may_be("object"), optional }
    }

    /// Whether it matters which of two alternatives is meant: both can hold values of one kind that have members which
    /// may be left out.
    fn leaves_a_choice(&self, other: &Self) -> bool {
        (self.object && other.object || self.array && other.array) && (self.optional || other.optional)
    }
}

/// Whether no value follows both schemas.
pub(super) fn are_apart(document: &Document<'_>, one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (resolved(document, one), resolved(document, other)) else { return false };
    let (values, others) = (allowed_values(one), allowed_values(other));
    if let (Some(values), Some(others)) = (&values, &others) {
        return are_different(values, others);
    }
    let kinds = types(one, values.as_deref());
    let (Some(kinds), Some(other_kinds)) = (kinds, types(other, others.as_deref())) else { return false };
    let number = |kind: &str| matches!(kind, "integer" | "number");
    let shared =
        kinds.iter().any(|kind| other_kinds.iter().any(|other| kind == other || number(kind) && number(other)));
    !shared || kinds == ["object"] && other_kinds == ["object"] && have_different_tags(document, one, other)
}

/// Whether both objects require a member that can never have the same value in both.
fn have_different_tags(document: &Document<'_>, one: &Object, other: &Object) -> bool {
    let required = names(other.get("required"));
    names(one.get("required")).into_iter().filter(|name| required.contains(name)).any(|name| {
        let values = |object: &Object| {
            let member = object.get("properties").and_then(Value::as_object)?.get(name)?;
            allowed_values(resolved(document, member)?)
        };
        matches!((values(one), values(other)), (Some(a), Some(b)) if are_different(&a, &b))
    })
}

/// Whether two lists of values have none in common. Numbers are never told apart, because `1` and `1.0` are one.
fn are_different(values: &[Value], others: &[Value]) -> bool {
    let is_number = |value: &Value| matches!(value, Value::Number(_) | Value::Array(_) | Value::Object(_));
    let numbers = values.iter().any(is_number) && others.iter().any(is_number);
    !numbers && !values.iter().any(|value| others.contains(value))
}

/// Whether a value of this kind may follow the schema, as far as its types tell.
pub(super) fn may_be(document: &Document<'_>, schema: &Value, kind: &str) -> bool {
    let Some(members) = resolved(document, schema) else { return true };
    let lists = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|keyword| members.get(keyword)?.as_array());
    let values = allowed_values(members);
    let by_type = types(members, values.as_deref())
        .is_none_or(|kinds| kinds.contains(&kind) || kind == "number" && kinds.contains(&"integer"));
    by_type && lists.into_iter().all(|list| list.iter().any(|one| may_be(document, one, kind)))
}

/// Whether an object in the schema has a member that may be left out.
fn has_optional<'a>(document: &Document<'a>, schema: &'a Value, seen: &mut HashSet<*const Value>) -> bool {
    if !seen.insert(std::ptr::from_ref(schema)) {
        return false;
    }
    let Some(members) = schema.as_object() else { return false };
    if let Some((_, reference)) = document::reference(members) {
        return document.resolve(reference).is_some_and(|(_, target)| has_optional(document, target, seen));
    }
    let required = names(members.get("required"));
    let properties = members.get("properties").and_then(Value::as_object);
    if properties.into_iter().flat_map(Object::iter).any(|(name, _)| !required.contains(&name)) {
        return true;
    }
    let mut found = false;
    keywords::each_subschema(schema, "", |place, _, subschema| {
        found = found || place != keywords::Place::Apart && has_optional(document, subschema, seen);
    });
    found
}

/// The schema itself, or what its reference leads to in the end.
pub(super) fn resolved<'a>(document: &Document<'a>, schema: &'a Value) -> Option<&'a Object> {
    let mut members = schema.as_object()?;
    for _ in 0..REFERENCES {
        let Some((_, reference)) = document::reference(members) else { return Some(members) };
        members = document.resolve(reference)?.1.as_object()?;
    }
    None
}

/// Keywords that are rules of their own, beside which alternatives do not stand in the subset.
const RULES: [&str; 19] = [
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
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
    "oneOf",
    "pattern",
    "properties",
    "required",
    "type",
];

/// References in a row that are followed.
const REFERENCES: usize = 64;
