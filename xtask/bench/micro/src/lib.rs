//! The inputs of the benchmarks: messages as they come from a wire, and the hostile tools.

use std::{fs, path::Path};

use bytes::Bytes;
use mcp_types::{RawJson, Tool};
use serde_json::{Value, json};

/// A `tools/call` of 2026-07-28 that carries so many bytes of text.
#[must_use]
pub fn call(size: usize) -> Bytes {
    let message = json!({
        "jsonrpc": "2.0",
        "id": 1_000_000,
        "method": "tools/call",
        "params": {
            "name": "echo",
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "0"},
                "io.modelcontextprotocol/clientCapabilities": {},
            },
            "arguments": {"text": "0123456789abcdef".repeat(size.div_ceil(16))},
        },
    });
    message.to_string().into()
}

/// A `tools/call` as a session sends it.
#[must_use]
pub fn legacy_call() -> Bytes {
    let params = json!({"name": "echo", "arguments": {"text": "0123456789abcdef0123456789abcdef"}});
    json!({"jsonrpc": "2.0", "id": 1_000_000, "method": "tools/call", "params": params}).to_string().into()
}

/// So many tools as servers have them.
///
/// # Panics
///
/// Never: the schema is JSON.
#[must_use]
pub fn tools(count: usize) -> Vec<Tool> {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for", "minLength": 1},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
            "tags": {"type": "array", "items": {"type": "string"}},
            "range": {"anyOf": [{"$ref": "#/$defs/Range"}, {"type": "null"}]},
        },
        "required": ["query"],
        "$defs": {"Range": {"type": "object", "properties": {"from": {"type": "string"}, "to": {"type": "string"}}}},
    });
    let schema = RawJson::encode(&schema).expect("it is JSON");
    (0..count).map(|index| Tool::new(format!("search.index-{index}"), schema.clone())).collect()
}

/// The schemas of the corpus of hostile tools.
///
/// # Panics
///
/// When the corpus is not where it belongs.
#[must_use]
pub fn hostile_schemas() -> Vec<RawJson> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/tools.json");
    let text = fs::read(&path).expect("the corpus is in the source tree");
    let entries: Vec<Value> = serde_json::from_slice(&text).expect("the corpus is a list");
    let schemas = entries.iter().map(|entry| &entry["tool"]["inputSchema"]).filter(|schema| !schema.is_null());
    schemas.filter_map(|schema| RawJson::encode(schema).ok()).collect()
}

#[cfg(test)]
mod tests {
    use mcp_types::Message;

    use super::*;

    #[test]
    fn the_inputs_are_what_they_say() {
        for text in [call(32), legacy_call()] {
            let Ok(Message::Request(request)) = Message::parse(text) else { panic!("it is a request") };
            assert_eq!(request.params.name().as_deref(), Some("echo"));
        }
        assert_eq!(tools(3).len(), 3);
        assert!(hostile_schemas().len() > 100);
    }
}
