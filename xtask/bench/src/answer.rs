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

    /// Appends the answer to one message to `out`, notifications before the result included, and returns how it is
    /// framed.
    ///
    /// A notification gets none. What is no JSON gets an error.
    pub fn answer(&self, message: &[u8], frame: Frame, out: &mut Vec<u8>) -> Option<Frame> {
        let Ok(mut message) = serde_json::from_slice::<Value>(message) else {
            frame.write(out, |out| out.extend_from_slice(NO_JSON));
            return Some(frame);
        };
        let [id, method, mut params] =
            ["id", "method", "params"].map(|name| message.get_mut(name).map(Value::take).unwrap_or_default());
        let method = method.as_str().filter(|_| !id.is_null())?;
        let mut frame = frame;
        let result = match method {
            "tools/call" if params["name"] == "progress" => {
                // What comes before the result makes the answer a stream.
                frame = if frame == Frame::Json { Frame::Events } else { frame };
                let token = &params["_meta"]["progressToken"];
                let count = params["arguments"]["n"].as_u64().unwrap_or_default();
                for progress in 1..=count {
                    let params = json!({"progressToken": token, "progress": progress, "total": count});
                    let method = "notifications/progress";
                    frame.write(out, |out| {
                        append(out, &json!({"jsonrpc": "2.0", "method": method, "params": params}));
                    });
                }
                text("done".into())
            }
            "tools/call" => text(params["arguments"]["text"].take()),
            "tools/list" => {
                frame.write(out, |out| reply(out, &id, |out| out.extend_from_slice(self.list.as_bytes())));
                return Some(frame);
            }
            "initialize" => json!({
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "limit", "version": "0"},
            }),
            "server/discover" => json!({
                "supportedVersions": [crate::script::MODERN],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "limit", "version": "0"},
                "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
            }),
            "ping" => json!({}),
            _ => {
                let error = json!({"code": -32601, "message": "no such method"});
                frame.write(out, |out| append(out, &json!({"jsonrpc": "2.0", "id": id, "error": error})));
                return Some(frame);
            }
        };
        frame.write(out, |out| reply(out, &id, |out| append(out, &result)));
        Some(frame)
    }
}

/// What stands around each message of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// The fields of an event.
    Events,
    /// Nothing.
    Json,
    /// The end of a line.
    Line,
}

impl Frame {
    fn write(self, out: &mut Vec<u8>, message: impl FnOnce(&mut Vec<u8>)) {
        let (before, after): (&[u8], &[u8]) = match self {
            Self::Events => (b"event: message\ndata: ", b"\n\n"),
            Self::Json => (b"", b""),
            Self::Line => (b"", b"\n"),
        };
        out.extend_from_slice(before);
        message(out);
        out.extend_from_slice(after);
    }
}

fn reply(out: &mut Vec<u8>, id: &Value, result: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    append(out, id);
    out.extend_from_slice(br#","result":"#);
    result(out);
    out.push(b'}');
}

fn append(out: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(out, value).expect("a value is JSON, and memory takes it");
}

fn text(text: Value) -> Value {
    // The macro would copy the text.
    let block = [("type".to_owned(), "text".into()), ("text".to_owned(), text)].into_iter().collect();
    let content = Value::Array(vec![Value::Object(block)]);
    Value::Object([("content".to_owned(), content), ("resultType".to_owned(), "complete".into())].into_iter().collect())
}

const NO_JSON: &[u8] = br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no JSON"}}"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, frame: Frame, expected: Option<(&str, Frame)>) {
        let mut out = Vec::new();
        let framed = Answers::with_tools(0).answer(message.as_bytes(), frame, &mut out);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(framed.map(|frame| (out.as_str(), frame)), expected);
    }

    #[test]
    fn an_answer_is_framed_as_its_transport_wants_it() {
        let call = r#"{"id":7,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a\"b"}}}"#;
        let answer =
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"text":"a\"b","type":"text"}],"resultType":"complete"}}"#;
        check(call, Frame::Json, Some((answer, Frame::Json)));
        check(call, Frame::Line, Some((&format!("{answer}\n"), Frame::Line)));
        check(call, Frame::Events, Some((&format!("event: message\ndata: {answer}\n\n"), Frame::Events)));
    }

    #[test]
    fn a_notification_has_no_answer_and_what_comes_before_a_result_makes_a_stream() {
        check(r#"{"method":"notifications/initialized"}"#, Frame::Line, None);
        let mut out = Vec::new();
        let call = br#"{"id":1,"method":"tools/call","params":{"name":"progress","arguments":{"n":2}}}"#;
        assert_eq!(Answers::with_tools(0).answer(call, Frame::Json, &mut out), Some(Frame::Events));
        assert_eq!(String::from_utf8(out).unwrap().matches("data: ").count(), 3);
    }
}
