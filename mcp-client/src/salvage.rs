//! What can be read of a page of tools of which some cannot (T-80).
//!
//! Pure. The surprising thing: one tool that is written wrongly is left out and named, and the others stay. A list that
//! is lost as a whole would take every tool of the server with it, and say nothing of which one was at fault.

use mcp_types::{JsonObject, ListToolsResult, RawJson, Tool};

use crate::mirror::RefusedTool;

/// Reads a page of tools; those that cannot be read are left out and returned beside it.
///
/// # Errors
///
/// Fails when the page is no list of tools at all.
pub(crate) fn tools(page: &RawJson) -> Result<(ListToolsResult, Vec<RefusedTool>), serde_json::Error> {
    let strict = match page.decode() {
        Ok(page) => return Ok((page, Vec::new())),
        Err(error) => error,
    };
    let Ok(mut members) = page.decode::<JsonObject>() else { return Err(strict) };
    let Some(Ok(items)) = members.member("tools").map(RawJson::decode::<Vec<RawJson>>) else { return Err(strict) };
    let (mut readable, mut refused) = (Vec::new(), Vec::new());
    for (position, item) in items.into_iter().enumerate() {
        match item.decode::<Tool>() {
            Ok(_) => readable.push(item),
            Err(error) => refused.push(RefusedTool { name: name(&item, position), reason: error.to_string() }),
        }
    }
    members.insert("tools", RawJson::encode(&readable)?);
    let page = RawJson::encode(&members)?.decode()?;
    Ok((page, refused))
}

/// Returns what an item is called, or else where it stands.
fn name(item: &RawJson, position: usize) -> String {
    let named = item.decode::<JsonObject>().ok().and_then(|members| members.member("name")?.decode::<String>().ok());
    let mut name = named.unwrap_or_else(|| format!("(number {})", position.saturating_add(1)));
    if let Some((end, _)) = name.char_indices().nth(NAME_CHARS) {
        name.truncate(end);
    }
    name
}

/// How much is kept of a name that nothing is called by.
const NAME_CHARS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(page: &str, tools_read: &[&str], refused: &[&str]) {
        let (page, left_out) = tools(&RawJson::parse(page.to_owned()).unwrap()).unwrap();
        let read: Vec<&str> = page.tools.iter().map(|tool| tool.name.as_str()).collect();
        let named: Vec<&str> = left_out.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!((read.as_slice(), named.as_slice()), (tools_read, refused));
        assert!(left_out.iter().all(|tool| !tool.reason.is_empty()));
    }

    #[test]
    fn a_tool_that_cannot_be_read_does_no_harm_to_the_others() {
        let good = r#"{"name":"good","inputSchema":{"type":"object"}}"#;
        check(&format!(r#"{{"tools":[{good}]}}"#), &["good"], &[]);
        check(&format!(r#"{{"tools":[{{"name":"bare"}},{good}],"nextCursor":"2"}}"#), &["good"], &["bare"]);
        check(
            &format!(r#"{{"tools":[{good},7,null,{{"name":7,"inputSchema":{{}}}}]}}"#),
            &["good"],
            &["(number 2)", "(number 3)", "(number 4)"],
        );
        check(r#"{"tools":[{"name":"a","inputSchema":{},"description":[]}]}"#, &[], &["a"]);
    }

    #[test]
    fn what_else_the_page_says_stays() {
        let page = RawJson::parse(r#"{"tools":[{}],"nextCursor":"2","ttlMs":5,"_meta":{"a":1}}"#).unwrap();
        let (page, _) = tools(&page).unwrap();
        assert_eq!((page.next_cursor, page.ttl_ms, page.meta.is_some()), (Some("2".into()), Some(5), true));
    }

    #[test]
    fn what_is_no_list_of_tools_is_an_error() {
        for page in ["[]", "{}", r#"{"tools":{}}"#, r#"{"tools":[],"nextCursor":7}"#] {
            assert!(tools(&RawJson::parse(page).unwrap()).is_err(), "{page}");
        }
    }
}
