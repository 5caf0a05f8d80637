//! Structured output where only objects are allowed: anything else is wrapped as `{"result": …}` (T-84).
//!
//! The surprising thing: whether a tool wraps is decided by its schema, so that `tools/list` and `tools/call` agree even
//! when one value happens to be an object. A server therefore calls
//! [`wrap_structured_content`](crate::CallToolResult::wrap_structured_content) before it projects the result of such a
//! tool; projecting alone wraps by the value.

use serde_json::{Map, Value};

use super::Project;
use crate::content::ContentBlock;
use crate::json::RawJson;
use crate::revision::Features;
use crate::tools::CallToolResult;

/// The member that holds what is wrapped.
const RESULT: &str = "result";

/// Keywords whose values are data and not schemas.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

/// Returns whether a schema says at its root that every value is an object.
pub fn is_object_schema(schema: &RawJson) -> bool {
    let Ok([Some(root)]) = schema.members(["type"]) else { return false };
    root.decode::<String>().is_ok_and(|root| root == "object")
}

/// Returns the schema of an object whose only member `result` follows `schema`.
///
/// Local references are moved along with what they point to. Of a schema that is too deep for that only the object is
/// left, whose `result` may be anything.
pub fn wrap_schema(schema: &RawJson) -> RawJson {
    let mut inner = schema.to_value().unwrap_or(Value::Bool(true));
    let dialect = inner.as_object_mut().and_then(|inner| inner.remove("$schema"));
    // A schema with an `$id` is a resource of its own, whose references begin at itself wherever it stands.
    if inner.get("$id").is_none() {
        move_references(&mut inner);
    }
    let mut outer = Map::new();
    if let Some(dialect) = dialect {
        outer.insert("$schema".to_owned(), dialect);
    }
    outer.insert("type".to_owned(), "object".into());
    outer.insert("properties".to_owned(), only_result(inner));
    outer.insert("required".to_owned(), Value::Array(vec![RESULT.into()]));
    RawJson::encode(&outer).unwrap_or_else(|_| {
        outer.insert("properties".to_owned(), only_result(Value::Bool(true)));
        outer.into()
    })
}

// By hand: an iterator of members is sorted first, and that is much code for one.
fn only_result(schema: Value) -> Value {
    let mut properties = Map::new();
    properties.insert(RESULT.to_owned(), schema);
    Value::Object(properties)
}

/// Returns `{"result": value}`.
///
/// A value that is too deep for another container stays as it is; the result that it belongs to is one, and is refused
/// when it is encoded.
pub fn wrap_value(value: &RawJson) -> RawJson {
    let wrapped = crate::JsonObject::from_iter([(RESULT, value.clone())]);
    RawJson::encode(&wrapped).unwrap_or_else(|_| value.clone())
}

fn move_references(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(move_references),
        Value::Object(members) => {
            for (key, value) in members.iter_mut().filter(|(key, _)| !DATA.contains(&key.as_str())) {
                move_reference(key, value);
            }
        }
        _ => {}
    }
}

fn move_reference(key: &str, value: &mut Value) {
    match value {
        Value::String(target) if key == "$ref" || key == "$dynamicRef" => {
            if let Some(pointer) = target.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                *target = format!("#/properties/{RESULT}{pointer}");
            }
        }
        Value::Object(inner) if inner.contains_key("$id") => {}
        other => move_references(other),
    }
}

impl CallToolResult {
    /// Wraps the structured content as `{"result": …}`, for a tool whose output schema [is wrapped](wrap_schema).
    pub fn wrap_structured_content(&mut self) {
        if let Some(content) = &mut self.structured_content {
            *content = wrap_value(content);
        }
    }
}

impl Project for CallToolResult {
    fn project(&mut self, features: Features) {
        self.content.project(features);
        structured_content(&mut self.structured_content, &mut self.content, features);
        super::result_type(&mut self.result_type, features);
        super::result_meta(&mut self.meta, features);
    }
}

/// Drops structured content where there is none, leaving it as text if nothing else is left, and wraps it where it must
/// be an object.
pub(super) fn structured_content(
    structured: &mut Option<RawJson>,
    content: &mut Vec<ContentBlock>,
    features: Features,
) {
    if !features.has(Features::STRUCTURED_OUTPUT) {
        if let Some(gone) = structured.take()
            && content.is_empty()
        {
            content.push(ContentBlock::text(gone.as_str()));
        }
        return;
    }
    if let Some(value) = structured
        && !features.has(Features::STRUCTURED_ANY)
        && !value.is_object()
    {
        *value = wrap_value(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(value: Value) -> RawJson {
        value.into()
    }

    #[test]
    fn what_is_too_deep_to_be_wrapped_is_never_sent() {
        let nested = |depth: usize| RawJson::parse(format!("{}{}", "[".repeat(depth), "]".repeat(depth))).unwrap();
        for depth in [126, 127, 128] {
            let wrapped = wrap_value(&nested(depth));
            assert_eq!(wrapped.is_object(), depth == 126, "{depth}");
            assert!(RawJson::encode(&CallToolResult::new().structured_content(wrapped)).is_err(), "{depth}");
        }
        let deep = format!("{}{}", r#"{"not":"#.repeat(125), "{}".to_owned() + &"}".repeat(125));
        let wrapped = wrap_schema(&RawJson::parse(deep).unwrap());
        assert_eq!(wrapped.as_str(), r#"{"properties":{"result":true},"required":["result"],"type":"object"}"#);
    }

    #[test]
    fn a_wrapped_schema_still_finds_what_it_refers_to() {
        let schema = serde_json::json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "array",
            "items": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#"}, {"$ref": "#anchor"}, {"$ref": "other.json#/x"}]},
            "$defs": {"a": {"const": {"$ref": "#/kept"}}, "b": {"$id": "urn:b", "$ref": "#/own"}},
        });
        let wrapped: Value = wrap_schema(&raw(schema)).decode().unwrap();
        assert_eq!(wrapped["$schema"], "http://json-schema.org/draft-07/schema#");
        assert_eq!(wrapped["type"], "object");
        assert_eq!(wrapped["required"], serde_json::json!(["result"]));
        let inner = &wrapped["properties"]["result"];
        assert_eq!(inner["items"]["anyOf"][0]["$ref"], "#/properties/result/$defs/a");
        assert_eq!(inner["items"]["anyOf"][1]["$ref"], "#/properties/result");
        assert_eq!(inner["items"]["anyOf"][2]["$ref"], "#anchor");
        assert_eq!(inner["items"]["anyOf"][3]["$ref"], "other.json#/x");
        assert_eq!(inner["$defs"]["a"]["const"]["$ref"], "#/kept");
        assert_eq!(inner["$defs"]["b"]["$ref"], "#/own");
    }

    #[test]
    fn only_a_schema_that_says_object_is_one() {
        assert!(is_object_schema(&raw(serde_json::json!({"type": "object"}))));
        for schema in [serde_json::json!({}), serde_json::json!({"type": ["object", "null"]}), serde_json::json!(true)]
        {
            assert!(!is_object_schema(&raw(schema)));
        }
    }

    #[test]
    fn a_list_and_a_call_wrap_alike() {
        let schema = raw(serde_json::json!({"anyOf": [{"type": "object"}, {"type": "string"}]}));
        let wrapped = wrap_schema(&schema);
        assert!(is_object_schema(&wrapped));
        let mut result = CallToolResult::structured(serde_json::json!({"a": 1}));
        result.wrap_structured_content();
        result.project(Features::STRUCTURED_OUTPUT);
        assert_eq!(result.structured_content.unwrap().as_str(), r#"{"result":{"a":1}}"#);
    }

    #[test]
    fn structured_content_alone_becomes_text_where_there_is_none() {
        let mut result = CallToolResult::new().structured_content(serde_json::json!({"a": 1}));
        result.project(crate::Revision::V2024_11_05.features());
        assert_eq!(serde_json::to_string(&result).unwrap(), r#"{"content":[{"type":"text","text":"{\"a\":1}"}]}"#);
    }
}
