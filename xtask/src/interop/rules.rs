//! What goes to a model, held against the rules of OpenAI: the drivers print it, each as one line of JSON,
//! `{"record", "value"}`.

use serde_json::Value;

use crate::{
    interop::Check,
    openai_rules::{
        Fault, check_chat_tool_choice, check_chat_tools, check_messages, check_responses_input, check_responses_tools,
    },
    process::Red,
};

/// Judges every record among these lines; none makes no check.
pub(crate) fn check<'l>(lines: impl Iterator<Item = &'l str>) -> Option<Check> {
    let records: Vec<Value> = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    let records: Vec<&Value> = records.iter().filter(|record| record["record"].is_string()).collect();
    if records.is_empty() {
        return None;
    }
    let faults: Vec<String> = records.iter().flat_map(|record| judge(record)).collect();
    let outcome =
        if faults.is_empty() { Ok(format!("{} records", records.len())) } else { Err(Red::new(faults.join("\n"))) };
    Some(Check::of("rules", outcome))
}

fn judge(record: &Value) -> Vec<String> {
    let kind = record["record"].as_str().unwrap_or_default();
    let value = &record["value"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let faults: Vec<Fault> = match kind {
        "chat tools" => check_chat_tools(&list(value)),
        "chat request" => {
            let (tools, choice) = (list(&value["tools"]), &value["tool_choice"]);
            let chosen = if choice.is_null() { Vec::new() } else { check_chat_tool_choice(choice, &tools) };
            [check_chat_tools(&tools), check_messages(&list(&value["messages"])), chosen].concat()
        }
        "responses tools" => check_responses_tools(&list(value)),
        "responses request" => {
            // A text alone is one message of the user.
            [check_responses_tools(&list(&value["tools"])), check_responses_input(&list(&value["input"]))].concat()
        }
        _ => return vec![format!("there are no rules for a record of the kind {kind:?}")],
    };
    faults.iter().map(|fault| format!("{kind}: {fault}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn expect(records: &[Value], expected: Option<bool>) {
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        let check = check(lines.iter().map(String::as_str));
        assert_eq!(check.as_ref().map(|check| check.is_green), expected, "{check:?}");
    }

    #[test]
    fn every_record_is_judged_and_one_that_nobody_knows_is_red() {
        let user = json!({"role": "user", "content": "hello"});
        expect(&[], None);
        expect(&[json!({"check": "list", "ok": true, "detail": ""})], None);
        expect(&[json!({"record": "chat request", "value": {"messages": [user]}})], Some(true));
        expect(&[json!({"record": "chat request", "value": {"messages": []}})], Some(false));
        expect(&[json!({"record": "chat request", "value": {"messages": [user], "tool_choice": "any"}})], Some(false));
        expect(&[json!({"record": "responses request", "value": {"input": "hello"}})], Some(true));
        expect(&[json!({"record": "responses request", "value": {"input": [{"type": "teapot"}]}})], Some(false));
        expect(&[json!({"record": "chat tools", "value": [{"type": "function"}]})], Some(false));
        expect(&[json!({"record": "responses tools", "value": []})], Some(true));
        expect(&[json!({"record": "teapot", "value": []})], Some(false));
    }

    #[test]
    fn the_corpus_is_as_hostile_as_it_says() {
        let corpus: Vec<Value> = serde_json::from_str(include_str!("../../corpus/tools.json")).unwrap();
        let ids: std::collections::BTreeSet<&str> = corpus.iter().map(|case| case["id"].as_str().unwrap()).collect();
        assert!(ids.len() == corpus.len() && corpus.len() >= 80, "{} cases", corpus.len());
        let refused = corpus.iter().filter(|case| {
            let tool = &case["tool"];
            assert!(case["valid"].is_array() && case["invalid"].is_array() && case["source"].is_string(), "{case}");
            let function = json!({"name": tool["name"], "parameters": tool["inputSchema"]});
            !check_chat_tools(&[json!({"type": "function", "function": function})]).is_empty()
        });
        // The others are legal as they are, and lose something where a converter is careless.
        let refused = refused.count();
        assert!(refused >= 60, "{refused} of {}", corpus.len());
    }
}
