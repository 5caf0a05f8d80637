//! The choice of tools that a request makes, and how it is released after the first round.

use mcp_types::{JsonObject, RawJson};
use serde_json::Value;

use crate::chat::{object_json, text_json};

/// Returns the choice without what forces a call. A restriction to some tools stays.
pub(super) fn released(choice: &RawJson) -> RawJson {
    match choice.decode::<Value>() {
        Ok(Value::String(word)) if word == "required" => text_json("auto"),
        Ok(Value::Object(members)) => match members.get("type").and_then(Value::as_str) {
            Some("allowed_tools") => restricted(choice),
            _ => text_json("auto"),
        },
        _ => choice.clone(),
    }
}

/// Sets the mode of a restriction to `auto`; it stands beside `type` or in `allowed_tools`.
fn restricted(choice: &RawJson) -> RawJson {
    let Ok(mut members) = choice.decode::<JsonObject>() else { return choice.clone() };
    if let Some(Ok(mut inner)) = members.member("allowed_tools").map(RawJson::decode::<JsonObject>) {
        inner.insert("mode", text_json("auto"));
        members.insert("allowed_tools", object_json(&inner));
    } else {
        members.insert("mode", text_json("auto"));
    }
    object_json(&members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forced_choice_is_released_and_any_other_stays() {
        let check = |choice: &str, expected: &str| {
            assert_eq!(released(&RawJson::parse(choice.to_owned()).unwrap()).as_str(), expected);
        };
        check("\"auto\"", "\"auto\"");
        check("\"none\"", "\"none\"");
        check("\"required\"", "\"auto\"");
        check(r#"{"type":"function","function":{"name":"f"}}"#, "\"auto\"");
        check(
            r#"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[1.0]}}"#,
            r#"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[1.0]}}"#,
        );
        check(
            r#"{"type":"allowed_tools","mode":"required","tools":[]}"#,
            r#"{"type":"allowed_tools","mode":"auto","tools":[]}"#,
        );
    }
}
