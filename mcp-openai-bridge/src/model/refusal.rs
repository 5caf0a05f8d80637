//! What a provider says when it cannot answer: in a body with an error status, in one without, and inside a stream.

use serde_json::Value;

use crate::error::ModelError;

/// The reason of a provider.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What it says, in one line.
    pub(super) message: String,
    /// Its own word for what went wrong.
    pub(super) code: Option<String>,
    /// The HTTP status that it names, where it has no other way to.
    pub(super) status: Option<u16>,
}

impl Refusal {
    /// Reads `{"error": {"message": …, "code": …}}`, the forms that are nearly that, and any text.
    pub(super) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match serde_json::from_str::<Value>(&text) {
            // Some send a list with one error.
            Ok(Value::Array(all)) if all.len() == 1 => all.first().map(Self::of).unwrap_or_default(),
            Ok(value) => Self::of(&value),
            Err(_) => Self { message: line(&text), ..Self::default() },
        }
    }

    /// Reads the refusal in a document that may be none: an answer with status 200, or an event of a stream.
    pub(super) fn within(document: &[u8]) -> Option<Self> {
        // Most are none, and are not read twice.
        if !std::str::from_utf8(document).is_ok_and(|text| text.contains("\"error\"")) {
            return None;
        }
        let value: Value = serde_json::from_slice(document).ok()?;
        let is_event = value.get("type").and_then(Value::as_str) == Some("error");
        // A response of the Responses API has an error of its own when it failed, and says more than that.
        let is_reply =
            ["choices", "output", "response"].iter().any(|name| value.get(name).is_some_and(|it| !it.is_null()));
        let has_error = value.get("error").is_some_and(|error| !error.is_null());
        (is_event || (has_error && !is_reply)).then(|| Self::of(&value))
    }

    fn of(value: &Value) -> Self {
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let message = [error.get("message"), error.get("detail"), value.get("message"), Some(error)];
        let message = message.into_iter().flatten().find_map(Value::as_str);
        let code = [error.get("code"), error.get("type")].into_iter().flatten().find_map(Value::as_str);
        let status = [error.get("code"), error.get("status")].into_iter().flatten().find_map(Value::as_u64);
        Self {
            message: message.map_or_else(|| line(&value.to_string()), line),
            code: code.map(line),
            status: status.and_then(|status| u16::try_from(status).ok()).filter(|status| (400..600).contains(status)),
        }
    }

    /// Makes an error of it, with what it says behind a text of ours.
    pub(super) fn into_error(self, what: String) -> ModelError {
        let message = if self.message.is_empty() { what } else { format!("{what}: {}", self.message) };
        let error = ModelError::new(message);
        let error = self.code.into_iter().fold(error, ModelError::code);
        self.status.into_iter().fold(error, ModelError::status)
    }
}

/// Brings a text into one line of a length that can be shown.
fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Characters of a message that are kept.
const SHOWN_CHARS: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_in_every_usual_form() {
        let check = |body: &str, message: &str, code: Option<&str>, status: Option<u16>| {
            let expected = Refusal { message: message.to_owned(), code: code.map(str::to_owned), status };
            assert_eq!(Refusal::read(body.as_bytes()), expected, "{body}");
        };
        check(
            r#"{"error":{"message":"bad tool","code":null,"type":"invalid_request_error"}}"#,
            "bad tool",
            Some("invalid_request_error"),
            None,
        );
        check(
            r#"{"error":{"message":"m","code":"context_length_exceeded","type":"x"}}"#,
            "m",
            Some("context_length_exceeded"),
            None,
        );
        check(r#"{"error":{"message":"upstream","code":502}}"#, "upstream", None, Some(502));
        check(r#"{"error":"no model"}"#, "no model", None, None);
        check(r#"{"message":"not found"}"#, "not found", None, None);
        check(r#"{"detail":"not found"}"#, "not found", None, None);
        check(r#"[{"error":{"message":"bad","status":"INVALID","code":400}}]"#, "bad", None, Some(400));
        check("<html>\n Bad  Gateway</html>", "<html> Bad Gateway</html>", None, None);
        check("", "", None, None);
        assert_eq!(Refusal::read(&[0xff; 3]).message, "\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(Refusal::read("ä".repeat(9999).as_bytes()).message.chars().count(), 501);
    }

    #[test]
    fn an_error_in_place_of_an_answer_is_told_from_an_answer() {
        let check = |document: &str, expected: Option<&str>| {
            assert_eq!(
                Refusal::within(document.as_bytes()).map(|refusal| refusal.message).as_deref(),
                expected,
                "{document}"
            );
        };
        check(r#"{"error":{"message":"busy"}}"#, Some("busy"));
        check(r#"{"type":"error","code":"server_error","message":"busy"}"#, Some("busy"));
        check(r#"{"type":"error","error":{"message":"busy"}}"#, Some("busy"));
        check(r#"{"choices":[],"error":null}"#, None);
        check(r#"{"choices":[{"delta":{"content":"\"error\""}}]}"#, None);
        check(r#"{"output":[],"status":"failed","error":{"message":"busy"}}"#, None);
        check(r#"{"type":"response.failed","response":{"error":{"message":"busy"}}}"#, None);
        check(r#"{"type":"response.output_text.delta","delta":"error"}"#, None);
    }
}
