//! What came back: the answer, what was told before it, and how.

use mcp_types::ErrorCode;
use serde_json::Value;

use super::WireError;

/// The answer to one message, with what came before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reply {
    /// The HTTP status; `None` on a pipe.
    pub(crate) status: Option<u16>,
    /// The HTTP headers, their names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The notifications, and on a pipe requests of the server, that came before the answer.
    pub(crate) before: Vec<Value>,
    /// The JSON-RPC response; `None` when HTTP answered without one.
    pub(crate) response: Option<Value>,
    /// The response as it came.
    pub(crate) text: String,
}

impl Reply {
    /// Takes a message; returns whether it is the answer.
    pub(super) fn take(&mut self, text: &str) -> Result<bool, WireError> {
        let message: Value =
            serde_json::from_str(text).map_err(|error| WireError::NotJson { text: text.to_owned(), error })?;
        if message.get("method").is_some() {
            self.before.push(message);
            return Ok(false);
        }
        if self.response.is_some() {
            return Err(WireError::OneTooMany { text: text.to_owned() });
        }
        self.text = text.to_owned();
        self.response = Some(message);
        Ok(true)
    }

    /// Returns the result.
    pub(crate) fn result(&self) -> Option<&Value> {
        self.response.as_ref()?.get("result")
    }

    /// Returns the error.
    pub(crate) fn error(&self) -> Option<&Value> {
        self.response.as_ref()?.get("error")
    }

    /// Returns the code of the error.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        self.error()?.get("code")?.as_i64().map(ErrorCode)
    }

    /// Returns the id that the answer is for, `null` for none.
    pub(crate) fn id(&self) -> Value {
        self.response.as_ref().and_then(|response| response.get("id")).cloned().unwrap_or_default()
    }

    /// Returns what stands at a JSON pointer in the result, `null` for nothing.
    pub(crate) fn at(&self, pointer: &str) -> Value {
        self.result().and_then(|result| result.pointer(pointer)).cloned().unwrap_or_default()
    }

    /// Returns the first header of a name, given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}
