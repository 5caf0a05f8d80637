//! What a provider says when it refuses a request.

use serde_json::Value;

use crate::output::shortened;

/// The body of an answer that is no success.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What the provider says, in one line.
    pub(super) message: String,
    /// Whether asking again cannot help, although the status says so.
    pub(super) is_final: bool,
}

impl Refusal {
    /// Reads `{"error": {"message": …, "code": …}}`, the forms that are nearly that, and any text.
    pub(super) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let Ok(value) = serde_json::from_str::<Value>(&text) else {
            return Self { message: shortened(&text, SHOWN_CHARS), is_final: false };
        };
        let error = value.get("error").unwrap_or(&value);
        let message = [error.get("message"), error.get("detail"), value.get("message"), Some(error)];
        let message = message.into_iter().flatten().find_map(Value::as_str);
        let code = error.get("code").or_else(|| error.get("type")).and_then(Value::as_str);
        Self {
            message: message.map_or_else(|| shortened(&text, SHOWN_CHARS), |message| shortened(message, SHOWN_CHARS)),
            is_final: code == Some("insufficient_quota"),
        }
    }
}

/// Characters of the message that are shown.
const SHOWN_CHARS: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_in_every_usual_form() {
        let check = |body: &str, message: &str| assert_eq!(Refusal::read(body.as_bytes()).message, message);
        check(r#"{"error":{"message":"bad tool","code":null}}"#, "bad tool");
        check(r#"{"error":"no model"}"#, "no model");
        check(r#"{"message":"not found"}"#, "not found");
        check("<html>\n Bad  Gateway</html>", "<html> Bad Gateway</html>");
        check("", "");
        assert_eq!(Refusal::read(&[0xff; 3]).message, "\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_spent_quota_does_not_come_back_by_asking_again() {
        assert!(Refusal::read(br#"{"error":{"message":"m","code":"insufficient_quota"}}"#).is_final);
        assert!(!Refusal::read(br#"{"error":{"message":"m","code":"rate_limit_exceeded"}}"#).is_final);
    }
}
