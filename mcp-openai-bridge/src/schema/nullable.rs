//! `nullable`, a word of OpenAPI 3.0 that many servers use although JSON Schema does not know it.
//!
//! The surprising thing: it counts also where arguments are checked. A server that says it means it, and a model that
//! read it sends `null`.

#[cfg(feature = "validate")]
use mcp_types::RawJson;

use crate::json::{Object, Value};

#[cfg(feature = "validate")]
use super::keywords;

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
    RawJson::parse(rewritten(&value, "").to_string()).unwrap_or_else(|_| schema.clone())
}

#[cfg(feature = "validate")]
fn rewritten(schema: &Value, pointer: &str) -> Value {
    let mut out = keywords::map_subschemas(schema, pointer, &mut |at, part| rewritten(part, at));
    // The root is an object, whatever it says.
    if let Value::Object(members) = &mut out
        && !pointer.is_empty()
        && is_nullable(members)
    {
        let kind = members.get("type").cloned().unwrap_or(Value::Null);
        members.set("type", vec![kind, "null".into()]);
    }
    out
}
