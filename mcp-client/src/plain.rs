//! Reading the usual result of a tool in one walk.
//!
//! Nearly all results are texts, perhaps with structured content beside them, and what a message brings is known to be
//! valid. The surprising thing: this decides nothing. It gives up at once at whatever it does not know, and then the
//! decoder of [`CallToolResult`] reads the result from its beginning, and says what is wrong if something is.

use mcp_types::json::{Kind, Walk};
use mcp_types::{CallToolResult, ContentBlock, RawJson, ResultType};

/// Reads a result whose content is texts; `None` when there is anything else in it.
pub(crate) fn read(result: &RawJson) -> Option<CallToolResult> {
    let mut read = CallToolResult::new();
    let mut content = None;
    result.walk().members(|value, key| match key {
        b"content" => put(&mut content, texts(value)?),
        b"isError" => put(&mut read.is_error, boolean(value)?),
        b"resultType" => put(&mut read.result_type, ResultType::from(&*string(value)?)),
        b"structuredContent" => put(&mut read.structured_content, value.raw()?),
        b"_meta" => put(&mut read.meta, value.raw()?.decode().ok()?),
        _ => None,
    })?;
    read.content = content?;
    Some(read)
}

fn texts(walk: &mut Walk<'_>) -> Option<Vec<ContentBlock>> {
    let mut blocks = Vec::new();
    walk.items(|item| {
        blocks.push(text(item)?);
        Some(())
    })?;
    Some(blocks)
}

fn text(walk: &mut Walk<'_>) -> Option<ContentBlock> {
    let (mut kind, mut text) = (None, None);
    walk.members(|value, key| match key {
        b"type" if *value.text()? == *b"text" => put(&mut kind, ()),
        b"text" => put(&mut text, string(value)?),
        _ => None,
    })?;
    kind.and(text).map(ContentBlock::text)
}

fn string(walk: &mut Walk<'_>) -> Option<String> {
    String::from_utf8(walk.text()?.into_owned()).ok()
}

fn boolean(walk: &mut Walk<'_>) -> Option<bool> {
    (walk.kind()? == Kind::Boolean).then_some(())?;
    Some(walk.raw()?.as_bytes().starts_with(b"t"))
}

/// Takes a member that was not there before.
fn put<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, is_plain: bool) {
        let raw = RawJson::parse(text.to_owned()).unwrap();
        let plain = read(&raw);
        assert_eq!(plain.is_some(), is_plain, "{text}");
        if let Some(plain) = plain {
            assert_eq!(plain, raw.decode().unwrap(), "{text}");
        }
    }

    #[test]
    fn texts_are_read_as_the_decoder_reads_them() {
        check(r#"{"content":[]}"#, true);
        check(
            r#" { "content" : [ { "text" : "a\n\u00e9\ud83d\ude00" , "type" : "text" } ] , "isError" : true } "#,
            true,
        );
        check(r#"{"isError":false,"content":[{"type":"text","text":""},{"\u0074ype":"te\u0078t","text":"b"}]}"#, true);
        check(r#"{"content":[],"structuredContent":{"a":[1.50]},"resultType":"complete"}"#, true);
        check(r#"{"content":[],"structuredContent":null,"resultType":"later","_meta":{"a/b":{"c":1}}}"#, true);
        let meta = r#"{"content":[],"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#;
        check(meta, true);
    }

    #[test]
    fn whatever_else_there_may_be_is_left_to_the_decoder() {
        for text in [
            "[]",
            "{}",
            "null",
            r#"{"content":null}"#,
            r#"{"content":{}}"#,
            r#"{"content":[],"content":[]}"#,
            r#"{"content":[],"isError":null}"#,
            r#"{"content":[],"isError":"true"}"#,
            r#"{"content":[],"resultType":7}"#,
            r#"{"content":[],"resultType":null}"#,
            r#"{"content":[],"_meta":7}"#,
            r#"{"content":[],"later":1}"#,
            r#"{"content":["a"]}"#,
            r#"{"content":[{"type":"text"}]}"#,
            r#"{"content":[{"text":"a"}]}"#,
            r#"{"content":[{"type":"text","text":7}]}"#,
            r#"{"content":[{"type":"image","data":"","mimeType":"image/png"}]}"#,
            r#"{"content":[{"type":"text","text":"a","annotations":{"priority":1}}]}"#,
            r#"{"content":[{"type":"text","type":"text","text":"a"}]}"#,
        ] {
            check(text, false);
        }
    }
}
