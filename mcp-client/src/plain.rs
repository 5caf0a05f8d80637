//! Reading the usual result of a tool in one walk.
//!
//! Nearly all results are texts, perhaps with structured content beside them, and what a message brings is known to be
//! valid. The surprising thing: this decides nothing. It gives up at once at whatever it does not know, such as a result
//! that is not complete, and then [`Answer`](crate::answer::Answer) and the decoder of [`CallToolResult`] read it from its
//! beginning, and say what is wrong if something is.

use mcp_types::json::{Kind, Walk};
use mcp_types::meta::SERVER_INFO;
use mcp_types::{CallToolResult, ContentBlock, Implementation, RawJson, ResultMeta, ResultType};

/// Reads a result that is complete and whose content is texts; `None` when there is anything else in it.
pub(crate) fn read(result: &RawJson) -> Option<CallToolResult> {
    let mut read = CallToolResult::new();
    let mut content = None;
    result.walk().members(|value, key| match key {
        b"content" => put(&mut content, texts(value)?),
        b"isError" => put(&mut read.is_error, boolean(value)?),
        b"resultType" if *value.text()? == *b"complete" => put(&mut read.result_type, ResultType::Complete),
        // A copy, as by the decoder: who keeps the result should not keep all that arrived with it.
        b"structuredContent" => put(&mut read.structured_content, value.raw()?.copied()),
        b"_meta" => put(&mut read.meta, meta(value)?),
        _ => None,
    })?;
    read.content = content?;
    Some(read)
}

fn texts(walk: &mut Walk<'_>) -> Option<Vec<ContentBlock>> {
    // Most results have one, and a list that grows by itself begins with room for four.
    let mut blocks = Vec::with_capacity(1);
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

/// Reads what nearly always is nothing but who answers.
fn meta(walk: &mut Walk<'_>) -> Option<ResultMeta> {
    let raw = walk.raw()?;
    let mut meta = ResultMeta::new();
    let known = raw.walk().members(|value, key| {
        (*key == *SERVER_INFO.as_bytes()).then(|| put(&mut meta.server_info, Box::new(server(value)?)))?
    });
    known.map(|()| meta).or_else(|| raw.decode().ok())
}

fn server(walk: &mut Walk<'_>) -> Option<Implementation> {
    let (mut name, mut version) = (None, None);
    walk.members(|value, key| match key {
        b"name" => put(&mut name, string(value)?),
        b"version" => put(&mut version, string(value)?),
        _ => None,
    })?;
    Some(Implementation::new(name?, version?))
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
        check(r#"{"content":[],"structuredContent":null,"resultType":"compl\u0065te","_meta":{"a/b":{"c":1}}}"#, true);
        let answered_by = |server: &str| {
            check(&format!(r#"{{"content":[],"_meta":{{"io.modelcontextprotocol/serverInfo":{server}}}}}"#), true);
            let more = format!(r#"{{"io.modelcontextprotocol/serverInfo":{server},"a":1}}"#);
            check(&format!(r#"{{"content":[],"_meta":{more}}}"#), true);
        };
        answered_by(r#"{"name":"s","version":"1"}"#);
        answered_by(r#"{"version":"\n","name":"s","title":"S","later":[1.50]}"#);
        answered_by(r#"{"name":"s","name":"t","version":"1"}"#);
        answered_by("null");
    }

    #[test]
    fn a_result_does_not_keep_the_message_that_it_came_in() {
        let raw = RawJson::parse(r#"{"content":[],"structuredContent":{"a":1}}"#).unwrap();
        let structured = read(&raw).unwrap().structured_content.unwrap();
        assert_eq!(structured.as_str(), r#"{"a":1}"#);
        assert!(!raw.as_bytes().as_ptr_range().contains(&structured.as_bytes().as_ptr()));
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
            r#"{"content":[],"resultType":"later"}"#,
            r#"{"content":[],"resultType":"complete","resultType":"complete"}"#,
            r#"{"content":[],"resultType":null}"#,
            r#"{"content":[],"_meta":7}"#,
            r#"{"content":[],"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}}"#,
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
