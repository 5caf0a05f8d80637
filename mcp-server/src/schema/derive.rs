//! Schemas of Rust types, in the form that clients and models understand best.
//!
//! The surprising thing: a derived schema is closed. serde ignores members it does not know, so a misspelt argument
//! would vanish without a word; here it is a fault, wherever the type says which members there are.

use std::collections::HashSet;

use mcp_types::{PromptArgument, RawJson};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Returns the schema of a tool without arguments.
pub(crate) fn no_arguments() -> RawJson {
    json!({"type": "object", "properties": {}, "additionalProperties": false}).into()
}

/// Returns the schema of the arguments `T`.
pub(crate) fn arguments_of<T: JsonSchema>() -> RawJson {
    let mut schema = derived::<T>(SchemaSettings::draft2020_12().for_deserialize());
    if let Value::Object(root) = &mut schema {
        // Enumerations have no `type` at their root, but every form of arguments is an object (T-81).
        if root.get("type") == Some(&"object".into()) {
            root.entry("properties").or_insert_with(|| Value::Object(Map::new()));
        }
        root.entry("type").or_insert_with(|| "object".into());
    }
    close(&mut schema);
    schema.into()
}

/// Returns the schema of the structured output `T`.
pub(crate) fn output_of<T: JsonSchema + ?Sized>() -> RawJson {
    derived::<T>(SchemaSettings::draft2020_12().for_serialize()).into()
}

/// Returns the arguments of a prompt from the members of `T`.
pub(crate) fn prompt_arguments_of<T: JsonSchema>() -> Vec<PromptArgument> {
    let schema = derived::<T>(SchemaSettings::draft2020_12().for_deserialize());
    let required: HashSet<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    members
        .map(|(name, member)| {
            let mut argument = PromptArgument::new(name.as_str()).required(required.contains(name.as_str()));
            argument.description = member.get("description").and_then(Value::as_str).map(str::to_owned);
            argument.title = member.get("title").and_then(Value::as_str).map(str::to_owned);
            argument
        })
        .collect()
}

fn derived<T: JsonSchema + ?Sized>(settings: SchemaSettings) -> Value {
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Value::Object(root) = &mut schema {
        // 2020-12 is what the absence of `$schema` means (T-95), and the title is only the name of the Rust type.
        root.remove("$schema");
        root.remove("title");
    }
    each(&mut schema, &mut |keywords| {
        // Formats such as `uint32` are not of JSON Schema, and some clients refuse the whole tool for them.
        let of_rust = |format: &Value| format.as_str().is_some_and(is_rust_number);
        if keywords.get("format").is_some_and(of_rust) {
            keywords.remove("format");
        }
    });
    schema
}

fn is_rust_number(format: &str) -> bool {
    format == "double"
        || format == "float"
        || format
            .strip_prefix('u')
            .unwrap_or(format)
            .strip_prefix("int")
            .is_some_and(|bits| bits.is_empty() || bits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Forbids unknown members wherever the schema lists the known ones and nothing beside it may list more.
fn close(schema: &mut Value) {
    let shared = composed(schema);
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        let whole = definitions.iter_mut().filter(|(name, _)| !shared.contains(*name));
        whole.for_each(|(_, definition)| close_one(definition));
    }
    close_one(schema);
}

fn close_one(schema: &mut Value) {
    let Value::Object(keywords) = schema else { return };
    let composes = ["allOf", "anyOf", "oneOf", "$ref", "if"].iter().any(|name| keywords.contains_key(*name));
    let lists = keywords.contains_key("properties");
    let open = ["additionalProperties", "unevaluatedProperties", "patternProperties"];
    if keywords.get("type") == Some(&"object".into()) && !open.iter().any(|name| keywords.contains_key(*name)) {
        if !composes && lists {
            keywords.insert("additionalProperties".to_owned(), false.into());
        } else if composes {
            // It sees through the forms beside it, which `additionalProperties` does not.
            keywords.insert("unevaluatedProperties".to_owned(), false.into());
            return close_members(keywords);
        }
    }
    if !lists {
        for forms in ["anyOf", "oneOf"] {
            keywords.get_mut(forms).and_then(Value::as_array_mut).into_iter().flatten().for_each(close_one);
        }
    }
    close_members(keywords);
}

fn close_members(keywords: &mut Map<String, Value>) {
    if let Some(properties) = keywords.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(close_one);
    }
    for inside in ["items", "additionalProperties"] {
        if let Some(schema) = keywords.get_mut(inside) {
            close_one(schema);
        }
    }
    keywords.get_mut("prefixItems").and_then(Value::as_array_mut).into_iter().flatten().for_each(close_one);
}

/// Returns the definitions that stand for a part of an object only, because their reference has members beside it.
fn composed(schema: &mut Value) -> HashSet<String> {
    let mut found = HashSet::new();
    each(schema, &mut |keywords| {
        let beside = ["properties", "allOf", "anyOf", "oneOf", "additionalProperties", "patternProperties"];
        if beside.iter().any(|name| keywords.contains_key(*name)) {
            found.extend(keywords.get("$ref").and_then(definition));
        }
        let parts = keywords.get("allOf").and_then(Value::as_array).into_iter().flatten();
        found.extend(parts.filter_map(|part| definition(part.get("$ref")?)));
        if keywords.contains_key("properties") {
            for forms in ["anyOf", "oneOf"] {
                let forms = keywords.get(forms).and_then(Value::as_array).into_iter().flatten();
                found.extend(forms.filter_map(|form| definition(form.get("$ref")?)));
            }
        }
    });
    found
}

fn definition(reference: &Value) -> Option<String> {
    reference.as_str()?.strip_prefix("#/$defs/").map(|name| name.replace("~1", "/").replace("~0", "~"))
}

/// Visits every object in a schema; for the schemas that schemars makes that is precise enough.
fn each(schema: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match schema {
        Value::Object(keywords) => {
            visit(keywords);
            keywords.values_mut().for_each(|value| each(value, visit));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(dead_code)]

    use serde::Deserialize;

    use super::*;

    fn arguments<T: JsonSchema>() -> Value {
        arguments_of::<T>().decode().unwrap()
    }

    #[derive(Deserialize, JsonSchema)]
    struct Point {
        x: f64,
        y: u32,
    }

    #[test]
    fn a_structure_is_closed_and_has_no_rust_formats() {
        assert_eq!(
            arguments::<Point>(),
            json!({
                "type": "object",
                "properties": {"x": {"type": "number"}, "y": {"type": "integer", "minimum": 0}},
                "required": ["x", "y"],
                "additionalProperties": false
            })
        );
    }

    #[test]
    fn structures_inside_are_closed_too() {
        #[derive(Deserialize, JsonSchema)]
        struct Line {
            points: Vec<Point>,
            end: Option<Point>,
        }
        let schema = arguments::<Line>();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["$defs"]["Point"]["additionalProperties"], false);
    }

    #[test]
    fn a_structure_that_is_flattened_or_tagged_stays_open_for_what_is_beside_it() {
        #[derive(Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        enum Figure {
            Dot(Point),
            Word { text: String },
        }
        #[derive(Deserialize, JsonSchema)]
        struct Drawing {
            figure: Figure,
            plain: Point,
        }
        let schema = arguments::<Drawing>();
        assert_eq!(schema["$defs"]["Point"].get("additionalProperties"), None);
        let forms = &schema["$defs"]["Figure"]["oneOf"];
        assert_eq!(forms[0]["unevaluatedProperties"], false);
        assert_eq!(forms[1]["additionalProperties"], false);
    }

    #[test]
    fn a_map_stays_open_and_an_enumeration_becomes_an_object() {
        assert_eq!(arguments::<Map<String, Value>>()["additionalProperties"], true);
        assert_eq!(arguments::<Value>(), json!({"type": "object"}));
        #[derive(Deserialize, JsonSchema)]
        enum Command {
            Go { far: u8 },
            Stop {},
        }
        assert_eq!(arguments::<Command>()["type"], "object");
    }

    #[test]
    fn arguments_of_a_prompt_are_the_members_of_the_type() {
        #[derive(Deserialize, JsonSchema)]
        struct Review {
            /// What to review.
            code: String,
            style: Option<String>,
        }
        let arguments = prompt_arguments_of::<Review>();
        let told: Vec<_> = arguments.iter().map(|a| (a.name.as_str(), a.description.as_deref(), a.required)).collect();
        assert_eq!(told, [("code", Some("What to review."), Some(true)), ("style", None, Some(false))]);
    }
}
