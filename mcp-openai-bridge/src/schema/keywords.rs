//! Where the subschemas of a JSON Schema stand, keyword by keyword (2020-12 and the drafts before it).
//!
//! The surprising thing: `items` and `dependencies` hold schemas in more than one form, depending on the draft.

use crate::json::{self, Value};

/// What the value of a keyword holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No schema: an annotation, a limit, or a value such as `default`.
    Plain,
    /// One schema about the same value, or about the values in it.
    One(Place),
    /// A list of schemas.
    List(Place),
    /// An object whose values are schemas.
    Named(Place),
    /// One schema, or a list of them up to draft 2019-09: `items`.
    OneOrList,
}

/// Which value a subschema is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The value that the schema itself is about.
    Here,
    /// A member, an item or a key of it.
    Inside,
    /// None until a reference names it.
    Apart,
}

pub(crate) fn shape(keyword: &str) -> Shape {
    match keyword {
        "allOf" | "anyOf" | "oneOf" => Shape::List(Place::Here),
        "not" | "if" | "then" | "else" => Shape::One(Place::Here),
        "dependentSchemas" | "dependencies" => Shape::Named(Place::Here),
        "properties" | "patternProperties" => Shape::Named(Place::Inside),
        "$defs" | "definitions" => Shape::Named(Place::Apart),
        "prefixItems" => Shape::List(Place::Inside),
        "items" => Shape::OneOrList,
        "additionalProperties"
        | "unevaluatedProperties"
        | "propertyNames"
        | "additionalItems"
        | "unevaluatedItems"
        | "contains"
        | "contentSchema" => Shape::One(Place::Inside),
        _ => Shape::Plain,
    }
}

/// Whether a value stands for a schema. Others, such as the key lists of `dependencies`, are left alone.
pub(crate) fn is_schema(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Bool(_))
}

/// Calls `visit` with the place and the pointer of each subschema of `schema`, which stands at `pointer`.
pub(crate) fn each_subschema<'a>(schema: &'a Value, pointer: &str, mut visit: impl FnMut(Place, String, &'a Value)) {
    let Some(members) = schema.as_object() else { return };
    for (keyword, value) in members.iter() {
        let at = json::join(pointer, keyword);
        match shape(keyword) {
            Shape::Plain => {}
            Shape::One(place) => {
                if is_schema(value) {
                    visit(place, at, value);
                }
            }
            Shape::OneOrList if is_schema(value) => visit(Place::Inside, at, value),
            Shape::OneOrList => each_item(value, &at, |at, item| visit(Place::Inside, at, item)),
            Shape::List(place) => each_item(value, &at, |at, item| visit(place, at, item)),
            Shape::Named(place) => {
                for (name, value) in value.as_object().into_iter().flat_map(json::Object::iter) {
                    if is_schema(value) {
                        visit(place, json::join(&at, name), value);
                    }
                }
            }
        }
    }
}

/// Returns the schema with each of its subschemas replaced by what `change` makes of it and of its pointer.
pub(crate) fn map_subschemas(schema: &Value, pointer: &str, change: &mut impl FnMut(&str, &Value) -> Value) -> Value {
    let Some(members) = schema.as_object() else { return schema.clone() };
    let mut changed = |keyword: &str, value: &Value| {
        let at = json::join(pointer, keyword);
        let mut part = |token: &str, value: &Value| {
            if is_schema(value) { change(&json::join(&at, token), value) } else { value.clone() }
        };
        match (shape(keyword), value) {
            (Shape::One(_) | Shape::OneOrList, value) if is_schema(value) => change(&at, value),
            (Shape::List(_) | Shape::OneOrList, Value::Array(items)) => {
                let items = items.iter().enumerate().map(|(index, item)| part(&index.to_string(), item));
                items.collect::<Vec<_>>().into()
            }
            (Shape::Named(_), Value::Object(named)) => {
                named.iter().map(|(name, value)| (name.to_owned(), part(name, value))).collect::<json::Object>().into()
            }
            (_, value) => value.clone(),
        }
    };
    members
        .iter()
        .map(|(keyword, value)| (keyword.to_owned(), changed(keyword, value)))
        .collect::<json::Object>()
        .into()
}

fn each_item<'a>(list: &'a Value, pointer: &str, mut visit: impl FnMut(String, &'a Value)) {
    for (index, item) in list.as_array().unwrap_or_default().iter().enumerate() {
        if is_schema(item) {
            visit(json::join(pointer, &index.to_string()), item);
        }
    }
}
