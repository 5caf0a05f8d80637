//! From what a program or an HTTP server gave to the result of a call.
//!
//! The surprising thing: a result of MCP is taken as one, so that a shell script can give an image, too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_types::{CallToolResult, ContentBlock, RawJson};

use crate::turn::Failure;

/// Makes a result of bytes, whose media type may be known.
pub(super) fn of_bytes(bytes: &[u8], media_type: Option<&str>) -> CallToolResult {
    let said = media_type.map(|kind| kind.split(';').next().unwrap_or(kind).trim().to_ascii_lowercase());
    let found = said.filter(|kind| is_media(kind)).or_else(|| sniffed(bytes).map(str::to_owned));
    if let Some(kind) = found {
        let data = STANDARD.encode(bytes);
        let block =
            if kind.starts_with("audio/") { ContentBlock::audio(data, kind) } else { ContentBlock::image(data, kind) };
        return CallToolResult::new().content([block]);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => of_text(text),
        Err(_) => CallToolResult::error(format!(
            "the tool gave {} bytes that are neither text nor an image that is known",
            bytes.len()
        )),
    }
}

/// Makes a result of a text: a result of MCP if it is one, structured content if it is an object.
fn of_text(text: &str) -> CallToolResult {
    // A program ends its output with a line end that belongs to no result.
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return CallToolResult::new();
    }
    let json = text.trim_start().starts_with('{').then(|| RawJson::parse(text.trim().to_owned()).ok()).flatten();
    let Some(json) = json else { return CallToolResult::text(text) };
    let [content] = json.members(["content"]).unwrap_or_default();
    if content.is_some_and(|content| content.as_str().starts_with('['))
        && let Ok(result) = json.decode::<CallToolResult>()
    {
        return result;
    }
    CallToolResult::text(text).structured_content(json)
}

/// What came of a call whose result could not be taken: output that is too long, or is nothing that can be read, is the
/// tool's own failure; all else means that the tool was not reached.
pub(super) fn unread(error: &mcp_transport::Error) -> Result<CallToolResult, Failure> {
    match error {
        mcp_transport::Error::Malformed(_) => Ok(CallToolResult::error(error.to_string())),
        error => Err(Failure::Transport { message: error.to_string() }),
    }
}

/// Says that something ended badly, and the end of what it said.
pub(super) fn ended(how: &str, said: &str) -> String {
    let skipped = said.chars().count().saturating_sub(SAID_CHARS);
    let tail: String = said.chars().skip(skipped).collect();
    match (tail.is_empty(), skipped) {
        (true, _) => how.to_owned(),
        (false, 0) => format!("{how}: {tail}"),
        (false, _) => format!("{how}: …{tail}"),
    }
}

fn is_media(kind: &str) -> bool {
    // A picture that is a text is more use as one.
    (kind.starts_with("image/") || kind.starts_with("audio/")) && kind != "image/svg+xml"
}

fn sniffed(bytes: &[u8]) -> Option<&'static str> {
    let starts = |start: &[u8]| bytes.starts_with(start);
    match bytes {
        _ if starts(b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        _ if starts(b"\xff\xd8\xff") => Some("image/jpeg"),
        _ if starts(b"GIF87a") || starts(b"GIF89a") => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Characters of what a program said before it failed.
const SAID_CHARS: usize = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], kind: Option<&str>, expected: &str) {
        assert_eq!(serde_json::to_string(&of_bytes(bytes, kind)).unwrap(), expected);
    }

    #[test]
    fn bytes_become_what_they_are() {
        check(b"12:30\n", None, r#"{"content":[{"type":"text","text":"12:30"}]}"#);
        check(b"a\r\n\n", None, r#"{"content":[{"type":"text","text":"a\r\n"}]}"#);
        check(b"", None, r#"{"content":[]}"#);
        check(b"\n", None, r#"{"content":[]}"#);
        check(b"[1]", None, r#"{"content":[{"type":"text","text":"[1]"}]}"#);
        check(b"{not json", None, r#"{"content":[{"type":"text","text":"{not json"}]}"#);
        check(
            br#"{"a":1}"#,
            Some("application/json"),
            r#"{"content":[{"type":"text","text":"{\"a\":1}"}],"structuredContent":{"a":1}}"#,
        );
        check(
            br#"{"content":[{"type":"text","text":"x"}],"isError":true}"#,
            None,
            r#"{"content":[{"type":"text","text":"x"}],"isError":true}"#,
        );
        // The page of a wiki has a content, too.
        check(
            br#"{"content":"x"}"#,
            None,
            r#"{"content":[{"type":"text","text":"{\"content\":\"x\"}"}],"structuredContent":{"content":"x"}}"#,
        );
        check(
            b"\x89PNG\r\n\x1a\n",
            None,
            r#"{"content":[{"type":"image","data":"iVBORw0KGgo=","mimeType":"image/png"}]}"#,
        );
        check(b"x", Some("Audio/WAV; q=1"), r#"{"content":[{"type":"audio","data":"eA==","mimeType":"audio/wav"}]}"#);
        check(b"<svg/>", Some("image/svg+xml"), r#"{"content":[{"type":"text","text":"<svg/>"}]}"#);
        check(
            b"\xff\xfe\x00",
            None,
            r#"{"content":[{"type":"text","text":"the tool gave 3 bytes that are neither text nor an image that is known"}],"isError":true}"#,
        );
    }

    #[test]
    fn output_that_cannot_be_taken_is_the_failure_of_the_tool_and_not_of_the_way_to_it() {
        let told =
            unread(&mcp_transport::Error::malformed("the output of `yes`", "it has more than 10 bytes")).unwrap();
        assert!(told.failed() && told.content[0].as_text().unwrap().contains("more than 10 bytes"));
        let lost = unread(&mcp_transport::Error::Closed).unwrap_err();
        assert!(matches!(lost, Failure::Transport { .. }), "{lost:?}");
    }

    #[test]
    fn of_much_that_was_said_the_end_is_told() {
        assert_eq!(ended("exit status: 1", ""), "exit status: 1");
        assert_eq!(ended("exit status: 1", "no such file"), "exit status: 1: no such file");
        let told = ended("exit status: 1", &format!("{}end", "x".repeat(10_000)));
        assert!(told.starts_with("exit status: 1: …x") && told.ends_with("xend"), "{told}");
        assert_eq!(told.chars().count(), "exit status: 1: …".chars().count() + SAID_CHARS);
    }
}
