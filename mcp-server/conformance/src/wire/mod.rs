//! The bytes between client and server, written by hand, for what no client of ours would say.
//!
//! The surprising thing: nothing here is encoded or decoded by our own crates. What they get wrong in both directions
//! alike would not be seen otherwise.

mod http;
mod line;
mod reply;

use std::fmt;

use mcp_types::Features;
use serde_json::{Value, json};

use crate::setting::Setting;

pub(crate) use http::HttpWire;
pub(crate) use line::LineWire;
pub(crate) use reply::Reply;

/// A raw connection to a server.
pub(crate) struct Wire {
    setting: Setting,
    way: Way,
    /// The id of the last request.
    last_id: u64,
}

enum Way {
    Line(Box<LineWire>),
    Http(HttpWire),
}

/// What cannot be understood of what a server sends, or cannot be sent to it.
#[derive(Debug)]
pub(crate) enum WireError {
    /// The connection broke or could not be opened.
    Broken(std::io::Error),
    /// The server ended the connection where an answer must come.
    Ended,
    /// A line or an event is not JSON.
    NotJson { text: String, error: serde_json::Error },
    /// A response is not HTTP.
    NotHttp { text: String },
    /// Two messages came where one fits.
    OneTooMany { text: String },
}

impl Wire {
    pub(crate) fn over_lines(setting: Setting, line: LineWire) -> Self {
        Self { setting, way: Way::Line(Box::new(line)), last_id: 0 }
    }

    pub(crate) fn over_http(setting: Setting, http: HttpWire) -> Self {
        Self { setting, way: Way::Http(http), last_id: 0 }
    }

    /// Begins the session that a legacy revision needs, and returns the answer to `initialize`.
    pub(crate) async fn shake_hands(&mut self) -> Result<Option<Value>, WireError> {
        if !self.setting.is_legacy() {
            return Ok(None);
        }
        let reply = self.initialize(self.setting.revision.as_str()).await?;
        self.notify("notifications/initialized", None).await?;
        Ok(reply.response)
    }

    /// Sends `initialize` for a version and nothing after it.
    pub(crate) async fn initialize(&mut self, version: &str) -> Result<Reply, WireError> {
        let params = json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": { "name": "by hand", "version": "1" },
        });
        let text = self.request_text("initialize", Some(params));
        let reply = self.ask(&text).await?;
        if let Way::Http(http) = &mut self.way {
            http.keep_session(&reply, &self.setting);
        }
        Ok(reply)
    }

    /// Sends a request as the revision wants it, and waits for the answer.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Result<Reply, WireError> {
        let params = self.enveloped(params);
        let text = self.request_text(method, Some(params));
        self.ask(&text).await
    }

    /// Calls a tool.
    pub(crate) async fn call_tool(&mut self, name: &str, arguments: Value) -> Result<Reply, WireError> {
        self.request("tools/call", json!({ "name": name, "arguments": arguments })).await
    }

    /// Sends a notification.
    pub(crate) async fn notify(&mut self, method: &str, params: Option<Value>) -> Result<(), WireError> {
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if let (Some(params), Some(message)) = (params, message.as_object_mut()) {
            message.insert("params".to_owned(), params);
        }
        self.send(message.to_string().as_bytes()).await
    }

    /// Sends bytes as one message, and waits for the next answer.
    pub(crate) async fn ask(&mut self, text: impl AsRef<[u8]>) -> Result<Reply, WireError> {
        let text = text.as_ref();
        match &mut self.way {
            Way::Line(line) => {
                line.send(text).await?;
                line.answer().await
            }
            Way::Http(http) => http.post(text, &[]).await,
        }
    }

    /// Sends several messages before the first answer is read. The answers are in the order in which they came over a
    /// pipe, and in the order of the messages over HTTP.
    pub(crate) async fn ask_at_once<const N: usize>(&mut self, texts: [&str; N]) -> Result<Vec<Reply>, WireError> {
        match &mut self.way {
            Way::Line(line) => {
                for text in texts {
                    line.send(text.as_bytes()).await?;
                }
                let mut replies = Vec::with_capacity(N);
                for _ in texts {
                    replies.push(line.answer().await?);
                }
                Ok(replies)
            }
            Way::Http(http) => futures::future::try_join_all(texts.map(|text| http.post(text.as_bytes(), &[]))).await,
        }
    }

    /// Sends bytes as one message that is not answered.
    pub(crate) async fn send(&mut self, text: &[u8]) -> Result<(), WireError> {
        match &mut self.way {
            Way::Line(line) => line.send(text).await,
            Way::Http(http) => http.post(text, &[]).await.map(drop),
        }
    }

    /// Returns the wire as one of HTTP, for what has to do with headers.
    pub(crate) fn http(&mut self) -> Option<&mut HttpWire> {
        match &mut self.way {
            Way::Http(http) => Some(http),
            Way::Line(_) => None,
        }
    }

    /// Returns the wire as one of lines, for what has to do with a pipe.
    pub(crate) fn line(&mut self) -> Option<&mut LineWire> {
        match &mut self.way {
            Way::Http(_) => None,
            Way::Line(line) => Some(line),
        }
    }

    /// Writes a request with the next id and parameters as they are.
    pub(crate) fn request_text(&mut self, method: &str, params: Option<Value>) -> String {
        self.last_id += 1;
        let mut message = json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method });
        if let (Some(params), Some(message)) = (params, message.as_object_mut()) {
            message.insert("params".to_owned(), params);
        }
        message.to_string()
    }

    /// Returns parameters with the envelope that the revision wants (V-31).
    pub(crate) fn enveloped(&self, mut params: Value) -> Value {
        if !self.setting.has(Features::SESSION_META) {
            return params;
        }
        if let Some(params) = params.as_object_mut() {
            let meta = params.entry("_meta").or_insert_with(|| json!({}));
            if let Some(meta) = meta.as_object_mut() {
                for (key, value) in envelope(self.setting.revision.as_str()) {
                    meta.entry(key).or_insert(value);
                }
            }
        }
        params
    }
}

/// Returns what a modern request carries in `_meta` (T-24).
pub(crate) fn envelope(version: &str) -> [(&'static str, Value); 2] {
    [
        ("io.modelcontextprotocol/protocolVersion", json!(version)),
        ("io.modelcontextprotocol/clientCapabilities", json!({})),
    ]
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = |text: &str| text.chars().take(200).collect::<String>();
        match self {
            Self::Broken(_) => f.write_str("the connection broke"),
            Self::Ended => f.write_str("the server ended the connection where an answer must come"),
            Self::NotJson { text, .. } => write!(f, "not JSON: {:?}", head(text)),
            Self::NotHttp { text } => write!(f, "not an HTTP response: {:?}", head(text)),
            Self::OneTooMany { text } => write!(f, "a second answer in one response: {:?}", head(text)),
        }
    }
}

impl std::error::Error for WireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Broken(error) => Some(error),
            Self::NotJson { error, .. } => Some(error),
            Self::Ended | Self::NotHttp { .. } | Self::OneTooMany { .. } => None,
        }
    }
}

impl From<std::io::Error> for WireError {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error)
    }
}
