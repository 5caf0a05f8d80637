//! The least answer to a message: what a server of this protocol cannot do without.
//!
//! The limits parse the same JSON as everybody, to a `Value`, and make their answer from it. They check nothing.

use serde_json::{Value, json};

/// What a limit serves.
#[derive(Debug)]
pub struct Answers {
    /// The result of `tools/list`, rendered once.
    list: String,
}

impl Answers {
    /// Serves `echo`, `progress` and so many more tools.
    #[must_use]
    pub fn with_tools(more: usize) -> Self {
        let tool = |name: &str, property: &str, kind: &str| {
            json!({
                "name": name,
                "description": "Returns what it is given",
                "inputSchema": {
                    "type": "object",
                    "properties": {property: {"type": kind}},
                    "required": [property],
                    "additionalProperties": false,
                },
            })
        };
        let mut tools = vec![tool("echo", "text", "string"), tool("progress", "n", "integer")];
        tools.extend((0..more).map(|index| tool(&format!("tool_{index}"), "text", "string")));
        let list = json!({"tools": tools, "ttlMs": 0, "cacheScope": "private", "resultType": "complete"});
        Self { list: list.to_string() }
    }

    /// Writes the answer to one message, notifications before the result included, each by `emit`.
    ///
    /// A notification gets none. What is no JSON gets an error.
    pub fn answer(&self, message: &[u8], mut emit: impl FnMut(Vec<u8>)) {
        let Ok(mut message) = serde_json::from_slice::<Value>(message) else {
            emit(br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no JSON"}}"#.to_vec());
            return;
        };
        let [id, method, mut params] =
            ["id", "method", "params"].map(|name| message.get_mut(name).map(Value::take).unwrap_or_default());
        let (id, Some(method)) = (&id, method.as_str()) else { return };
        if id.is_null() {
            return;
        }
        match method {
            "tools/call" if params["name"] == "progress" => {
                let token = &params["_meta"]["progressToken"];
                let count = params["arguments"]["n"].as_u64().unwrap_or_default();
                for progress in 1..=count {
                    let params = json!({"progressToken": token, "progress": progress, "total": count});
                    let method = "notifications/progress";
                    emit(json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string().into_bytes());
                }
                emit(result(id, &text("done")).into_bytes());
            }
            "tools/call" => emit(result(id, &text(params["arguments"]["text"].take())).into_bytes()),
            "tools/list" => emit(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, self.list).into_bytes()),
            "initialize" => {
                let result_of = json!({
                    "protocolVersion": params["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "limit", "version": "0"},
                });
                emit(result(id, &result_of).into_bytes());
            }
            "server/discover" => {
                let result_of = json!({
                    "supportedVersions": [crate::script::MODERN],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "limit", "version": "0"},
                    "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
                });
                emit(result(id, &result_of).into_bytes());
            }
            "ping" => emit(result(id, &json!({})).into_bytes()),
            _ => emit(
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no such method"}})
                    .to_string()
                    .into_bytes(),
            ),
        }
    }
}

fn text(text: impl Into<Value>) -> Value {
    json!({"content": [{"type": "text", "text": text.into()}], "resultType": "complete"})
}

fn result(id: &Value, result: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
}
