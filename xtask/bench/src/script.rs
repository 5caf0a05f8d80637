//! The requests, as text.
//!
//! A request is made once and sent many times; only its id changes.

/// The revision of the requests without a session.
pub const MODERN: &str = "2026-07-28";
/// The revision of the requests in a session.
pub const LEGACY: &str = "2025-11-25";

/// How a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// After `initialize`, over HTTP with the id of a session.
    Legacy,
    /// Every request says all there is to say.
    Modern,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A call of any tool, by its name and its arguments as JSON; what comes back is not compared.
    Call(String, String),
    /// A call of `echo` with so many bytes of text.
    Echo(usize),
    /// The list of tools.
    List,
    /// A call of `progress` that sends so many notifications before its result.
    Progress(u64),
}

/// One request in two parts; its id stands between them.
#[derive(Debug)]
pub struct Script {
    head: String,
    tail: String,
    /// What stands in `Mcp-Method`.
    pub method: &'static str,
    /// What stands in `Mcp-Name`.
    pub name: Option<String>,
    /// The text that must come back.
    pub expected: Option<String>,
    /// How many notifications must come before the result.
    pub notifications: u64,
}

impl Script {
    /// Writes the request for a work.
    #[must_use]
    pub fn new(era: Era, work: &Work) -> Self {
        let (method, name, arguments, expected) = match work {
            Work::Call(name, arguments) => ("tools/call", Some(name.as_str()), Some(arguments.clone()), None),
            Work::Echo(size) => {
                let text = text(*size);
                ("tools/call", Some("echo"), Some(format!(r#"{{"text":"{text}"}}"#)), Some(text))
            }
            Work::List => ("tools/list", None, None, None),
            Work::Progress(count) => {
                ("tools/call", Some("progress"), Some(format!(r#"{{"n":{count}}}"#)), Some("done".to_owned()))
            }
        };
        let mut meta = Vec::new();
        if era == Era::Modern {
            meta.push(format!(r#""io.modelcontextprotocol/protocolVersion":"{MODERN}""#));
            meta.push(r#""io.modelcontextprotocol/clientInfo":{"name":"load","version":"0"}"#.to_owned());
            meta.push(r#""io.modelcontextprotocol/clientCapabilities":{}"#.to_owned());
        }
        let notifications = if let Work::Progress(count) = work { *count } else { 0 };
        if notifications > 0 {
            meta.push(r#""progressToken":"p""#.to_owned());
        }
        let mut params = Vec::new();
        params.extend(name.map(|name| format!(r#""name":"{name}""#)));
        params.extend((!meta.is_empty()).then(|| format!(r#""_meta":{{{}}}"#, meta.join(","))));
        params.extend(arguments.map(|arguments| format!(r#""arguments":{arguments}"#)));
        let tail = format!(r#","method":"{method}","params":{{{}}}}}"#, params.join(","));
        Self {
            head: r#"{"jsonrpc":"2.0","id":"#.to_owned(),
            tail,
            method,
            name: name.map(str::to_owned),
            expected,
            notifications,
        }
    }

    /// Appends the request with an id to `bytes`.
    pub fn write(&self, id: u64, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.head.as_bytes());
        bytes.extend_from_slice(id.to_string().as_bytes());
        bytes.extend_from_slice(self.tail.as_bytes());
    }
}

/// The requests that open a session: the first is answered, the second is not.
#[must_use]
pub fn opening() -> [String; 2] {
    let info = r#"{"name":"load","version":"0"}"#;
    [
        format!(
            r#"{{"jsonrpc":"2.0","id":"open","method":"initialize","params":{{"protocolVersion":"{LEGACY}","capabilities":{{}},"clientInfo":{info}}}}}"#
        ),
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
    ]
}

/// The request for a stream that stays open, of the era that has one as a request.
#[must_use]
pub fn listening(id: u64) -> String {
    let meta = format!(
        r#"{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientInfo":{{"name":"load","version":"0"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}"#
    );
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"subscriptions/listen","params":{{"_meta":{meta},"notifications":{{"toolsListChanged":true}}}}}}"#
    )
}

/// A text of so many bytes with nothing to escape, and no two lines alike.
fn text(size: usize) -> String {
    let words = (0u64..).map(|index| format!("{index:08x} "));
    words.flat_map(|word| word.into_bytes()).take(size).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(era: Era, work: &Work) -> Value {
        let mut bytes = Vec::new();
        Script::new(era, work).write(7, &mut bytes);
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_request_is_json_and_says_what_it_wants() {
        let echo = read(Era::Modern, &Work::Echo(32));
        assert_eq!(echo["id"], 7);
        assert_eq!(echo["params"]["arguments"]["text"].as_str().unwrap().len(), 32);
        assert_eq!(echo["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], MODERN);
        assert_eq!(read(Era::Legacy, &Work::Echo(0))["params"].get("_meta"), None);
        assert_eq!(read(Era::Legacy, &Work::Progress(3))["params"]["_meta"]["progressToken"], "p");
        assert_eq!(read(Era::Modern, &Work::List)["method"], "tools/list");
    }

    #[test]
    fn what_opens_and_listens_is_json() {
        for text in opening().into_iter().chain([listening(1)]) {
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["jsonrpc"], "2.0");
        }
    }
}
