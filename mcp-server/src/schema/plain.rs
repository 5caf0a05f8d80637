//! Whether a schema is valid beyond doubt, without the schema of schemas.
//!
//! The surprising thing: reading the schema of schemas costs more than all else that a small server does before its first
//! answer. So the answer here is "certainly" or "ask the validator", never "no".

use std::collections::HashSet;

use serde_json::{Map, Value};

/// Returns whether a schema of 2020-12 is certainly valid; only the keywords that a [`Shape`](super::shape::Shape)
/// understands are known.
pub(super) fn is_valid(schema: &Value) -> bool {
    match schema {
        Value::Bool(_) => true,
        Value::Object(keywords) => keywords.iter().all(|(name, value)| is_valid_keyword(name, value)),
        _ => false,
    }
}

fn is_valid_keyword(name: &str, value: &Value) -> bool {
    match name {
        "additionalProperties" | "items" => is_valid(value),
        "anyOf" => value.as_array().is_some_and(|choices| !choices.is_empty() && choices.iter().all(is_valid)),
        "const" | "default" => true,
        "deprecated" | "readOnly" | "writeOnly" => value.is_boolean(),
        "enum" | "examples" => value.is_array(),
        "maximum" | "minimum" => value.is_number(),
        "properties" | "$defs" | "definitions" => value.as_object().is_some_and(are_valid),
        "required" => value.as_array().is_some_and(|names| are_distinct(names)),
        "title" | "description" | "format" | "$comment" => value.is_string(),
        "type" => match value {
            Value::Array(words) => !words.is_empty() && are_distinct(words) && words.iter().all(is_type),
            word => is_type(word),
        },
        "$ref" => value.as_str().is_some_and(is_pointer),
        "$schema" => value == "https://json-schema.org/draft/2020-12/schema",
        name => name.starts_with("x-"),
    }
}

fn are_valid(schemas: &Map<String, Value>) -> bool {
    schemas.values().all(is_valid)
}

fn are_distinct(texts: &[Value]) -> bool {
    let mut seen = HashSet::new();
    texts.iter().all(|text| text.as_str().is_some_and(|text| seen.insert(text)))
}

fn is_type(word: &Value) -> bool {
    const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
    word.as_str().is_some_and(|word| TYPES.contains(&word))
}

/// Returns whether a reference is a pointer into the same schema, of letters that a URI may have.
fn is_pointer(reference: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/$_-.~".contains(&byte);
    reference
        .strip_prefix('#')
        .is_some_and(|pointer| (pointer.is_empty() || pointer.starts_with('/')) && pointer.bytes().all(is_plain))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_certainly_valid_is_valid_for_the_validator_too() {
        let check = |schema: Value, is_certain: bool| {
            assert_eq!(is_valid(&schema), is_certain, "{schema}");
            let really = jsonschema::draft202012::meta::is_valid(&schema);
            assert!(really || !is_certain, "{schema}");
        };
        check(json!(true), true);
        check(json!({}), true);
        check(json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"]}), true);
        check(json!({"$defs": {"a": {"enum": ["x"]}}, "items": {"$ref": "#/$defs/a"}, "x-own": 1}), true);
        check(json!({"anyOf": [{"type": "null"}, {"minimum": 1, "maximum": 2.5}], "title": "t"}), true);
        check(json!({"additionalProperties": false, "default": null, "examples": [1], "deprecated": true}), true);
        for wrong in [
            json!(null),
            json!([]),
            json!({"type": "text"}),
            json!({"type": []}),
            json!({"type": ["null", "null"]}),
            json!({"required": ["a", "a"]}),
            json!({"required": [1]}),
            json!({"properties": {"a": 1}}),
            json!({"$defs": {"never used": {"type": 5}}}),
            json!({"items": [{}]}),
            json!({"anyOf": []}),
            json!({"enum": 1}),
            json!({"minimum": "1"}),
            json!({"title": 1}),
            json!({"deprecated": "yes"}),
            json!({"$ref": 1}),
            json!({"$ref": "#/a b"}),
            json!({"$schema": "https://json-schema.org/draft/2019-09/schema"}),
            json!({"pattern": "("}),
            json!({"$id": "https://example.com"}),
        ] {
            check(wrong, false);
        }
    }
}
