//! `nullable`, a word of OpenAPI 3.0 that many servers use although JSON Schema does not know it.
//!
//! The surprising thing: it counts also where arguments are checked. A server that says it means it, and a model that
//! read it sends `null`.

use mcp_types::RawJson;

use crate::json::{Object, Value};

use super::keywords::{self, Shape};

/// Whether a schema says that it allows `null` beside its one type.
pub(super) fn is_nullable(members: &Object) -> bool {
    let has_one_type = members.get("type").and_then(Value::as_str).is_some_and(|name| name != "null");
    has_one_type && members.get("nullable") == Some(&Value::Bool(true))
}

/// Returns the schema as JSON Schema would say it.
#[cfg(feature = "validate")]
pub(crate) fn said_plainly(schema: &RawJson) -> RawJson {
    if !schema.as_str().contains("\"nullable\"") {
        return schema.clone();
    }
    let Ok(value) = Value::parse(schema.as_str()) else { return schema.clone() };
    RawJson::parse(rewritten(&value, 0).to_string()).unwrap_or_else(|_| schema.clone())
}

#[cfg(feature = "validate")]
fn rewritten(schema: &Value, depth: usize) -> Value {
    let Some(members) = schema.as_object() else { return schema.clone() };
    let part = |value: &Value| rewritten(value, depth + 1);
    let mut out = Object::default();
    for (keyword, value) in members.iter() {
        let value = match (keywords::shape(keyword), value) {
            (Shape::Plain, value) => value.clone(),
            (_, Value::Array(parts)) => parts.iter().map(part).collect::<Vec<_>>().into(),
            (Shape::Named(_), Value::Object(named)) => {
                let mut parts = Object::default();
                for (name, value) in named.iter() {
                    parts.set(name, part(value));
                }
                parts.into()
            }
            (_, value) => part(value),
        };
        out.set(keyword, value);
    }
    // The root is an object, whatever it says.
    if depth > 0 && is_nullable(members) {
        let kind = members.get("type").cloned().unwrap_or(Value::Null);
        out.set("type", vec![kind, "null".into()]);
    }
    out.into()
}
