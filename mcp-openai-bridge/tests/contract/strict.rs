//! Strict mode: off unless it is wanted, and then only where it says the same.

use mcp_openai_bridge::chat::Arguments;
use mcp_openai_bridge::tools::{Strict, ToolSet};
use mcp_types::{RawJson, Tool};
use serde_json::Value;

const CLOSED: &str = r#"{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","default":3},"note":{"type":["string","null"]}},"required":["city"],"additionalProperties":false}"#;

fn set(schema: &str, strict: Strict) -> ToolSet {
    let tool = Tool::new("t", RawJson::parse(schema.to_owned()).unwrap());
    ToolSet::builder().server("lab", &[tool]).strict(strict).build()
}

#[test]
fn strict_is_off_by_default_and_is_sent_as_false() {
    let tool = Tool::new("t", RawJson::parse(CLOSED).unwrap());
    let set = ToolSet::builder().server("lab", &[tool]).build();
    let (chat, responses): (Value, Value) = (set.chat()[0].decode().unwrap(), set.responses()[0].decode().unwrap());
    // When it is absent, the Responses API tries strict mode.
    assert_eq!((&chat["function"]["strict"], &responses["strict"]), (&Value::Bool(false), &Value::Bool(false)));
    assert_eq!(responses["parameters"].to_string().len(), CLOSED.len());
}

#[test]
fn automatic_strict_mode_makes_what_may_be_left_out_nullable_and_required() {
    let set = set(CLOSED, Strict::Auto);
    assert_eq!(
        set.responses()[0].as_str(),
        r#"{"type":"function","name":"t","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":["integer","null"],"description":"Default: 3"},"note":{"type":["string","null"]}},"required":["city","days","note"],"additionalProperties":false},"strict":true}"#
    );
}

#[test]
fn nulls_of_members_that_were_not_wanted_do_not_reach_the_server_and_others_do() {
    let set = set(CLOSED, Strict::Auto);
    let arguments = Arguments::from(r#"{"city":"Oslo","days":null,"note":null}"#);
    let arrived = set.resolve("t").unwrap().arguments(&arguments).unwrap();
    assert_eq!(arrived.as_str(), r#"{"city":"Oslo","note":null}"#);
}

#[test]
fn a_schema_that_strict_mode_cannot_say_stays_as_it_is_and_the_reason_is_told() {
    let check = |schema: &str, reason: &str| {
        let set = set(schema, Strict::Auto);
        let tool = set.resolve("t").unwrap();
        assert!(!tool.strict());
        assert_eq!(tool.obstacle().unwrap().to_string(), reason, "{schema}");
        assert!(set.chat()[0].as_str().ends_with(r#""strict":false}}"#));
    };
    check(
        r#"{"type":"object","properties":{}}"#,
        "the root: members are allowed that are not named, and strict mode needs `\"additionalProperties\": false`",
    );
    let with =
        |member: &str| format!(r#"{{"type":"object","properties":{{"x":{member}}},"additionalProperties":false}}"#);
    check(&with(r#"{"type":"string","maxLength":5}"#), "/properties/x: strict mode has no `maxLength`");
    check(&with("{}"), "/properties/x: any value is allowed here, and strict mode needs a type");
    check(
        &with(r#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#),
        "/properties/x: it cannot be told from the value which of the alternatives is meant",
    );
}
