//! Schemas: what is handed out is accepted, and what the server said is enforced.

use mcp_openai_bridge::chat::Arguments;
use mcp_openai_bridge::schema::Quarantine;
use mcp_openai_bridge::tools::{Profile, ToolSet};
use mcp_types::{RawJson, Tool};

fn tool(name: &str, schema: &str) -> Tool {
    Tool::new(name, RawJson::parse(schema.to_owned()).unwrap())
}

fn set(schema: &str) -> ToolSet {
    ToolSet::builder().server("lab", &[tool("t", schema)]).build()
}

fn check(schema: &str, expected: &str) {
    assert_eq!(set(schema).resolve("t").unwrap().parameters().as_str(), expected, "{schema}");
}

fn accepts(set: &ToolSet, arguments: &str) -> bool {
    set.resolve("t").unwrap().arguments(&Arguments::from(arguments)).is_ok()
}

#[test]
fn the_root_is_always_an_object() {
    for schema in ["{}", "true", "null", r#"{"type":["object","null"]}"#, r#"{"type":"object"}"#] {
        check(schema, r#"{"type":"object","properties":{}}"#);
    }
}

#[test]
fn missing_properties_and_items_are_added_at_every_depth() {
    check(
        r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"object"}},"b":{"anyOf":[{"type":"array"},{"type":"object","properties":null}]}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{}}},"b":{"anyOf":[{"type":"array","items":{}},{"type":"object","properties":{}}]}}}"#,
    );
}

#[test]
fn identifiers_are_dropped_and_definitions_have_one_place() {
    check(
        r##"{"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://lab.example/t","type":"object","properties":{"n":{"$ref":"#/definitions/node"}},"definitions":{"node":{"type":"object","properties":{"next":{"$ref":"#/definitions/node"}}}}}"##,
        r##"{"type":"object","properties":{"n":{"$ref":"#/$defs/node"}},"$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"}}}}}"##,
    );
}

#[test]
fn a_reference_is_kept_and_replaced_by_what_it_names_where_something_stands_beside_it() {
    check(
        r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/n"},"b":{"$ref":"#/$defs/n","description":"mine"}},"$defs":{"n":{"type":"string"}}}"##,
        r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/n"},"b":{"type":"string","description":"mine"}},"$defs":{"n":{"type":"string"}}}"##,
    );
}

/// 1.2 of LiteLLM: an open object becomes a closed one, so that a tool with a free form can receive nothing.
#[test]
fn an_open_object_stays_open() {
    let open = set(r#"{"type":"object"}"#);
    assert!(!open.chat()[0].as_str().contains("additionalProperties"));
    assert!(accepts(&open, r#"{"anything":1}"#));
}

/// 1.2 of LiteLLM: with `properties` and `additionalProperties` beside it, a root `anyOf` can be met by nothing. That is
/// what broke agents when a server of Notion began to publish one.
#[test]
fn alternatives_at_the_root_are_offered_as_one_object_and_enforced_as_the_server_said() {
    let schema = r#"{"type":"object","anyOf":[{"properties":{"id":{"type":"string"}},"required":["id"]},{"properties":{"name":{"type":"string"}},"required":["name"]}]}"#;
    let union = set(schema);
    let published: serde_json::Value = union.resolve("t").unwrap().parameters().decode().unwrap();
    for keyword in ["anyOf", "oneOf", "allOf", "enum", "not", "$ref"] {
        assert!(published.get(keyword).is_none());
    }
    assert_eq!(
        (&published["properties"]["id"]["type"], &published["properties"]["name"]["type"]),
        (&"string".into(), &"string".into())
    );
    assert_eq!(published["description"], "At least one of these must hold: `id` given; `name` given.");
    assert!(accepts(&union, r#"{"id":"1"}"#) && accepts(&union, r#"{"name":"n"}"#));
    assert!(!accepts(&union, "{}"));
    assert!(!accepts(&union, r#"{"id":7}"#));
}

#[test]
fn every_rule_that_cannot_be_published_at_the_root_is_enforced_all_the_same() {
    let check = |schema: &str, allowed: &str, forbidden: &str| {
        let set = set(schema);
        assert!(accepts(&set, allowed), "{schema} forbids {allowed}");
        assert!(!accepts(&set, forbidden), "{schema} allows {forbidden}");
    };
    check(r#"{"oneOf":[{"required":["a"]},{"required":["b"]}]}"#, r#"{"a":1}"#, r#"{"a":1,"b":1}"#);
    check(r#"{"allOf":[{"required":["a"]},{"required":["b"]}]}"#, r#"{"a":1,"b":1}"#, r#"{"a":1}"#);
    check(r#"{"not":{"required":["a"]}}"#, "{}", r#"{"a":1}"#);
    check(r#"{"enum":[{"a":1}]}"#, r#"{"a":1}"#, r#"{"a":2}"#);
    check(r#"{"const":{"a":1}}"#, r#"{"a":1}"#, r#"{"a":2}"#);
    check(r##"{"$ref":"#/$defs/x","$defs":{"x":{"required":["a"]}}}"##, r#"{"a":1}"#, "{}");
    check(r#"{"if":{"required":["a"]},"then":{"required":["b"]}}"#, r#"{"a":1,"b":1}"#, r#"{"a":1}"#);
}

/// Fault 0.3 of others: one tool that cannot be helped, and the whole request fails.
#[test]
fn a_hopeless_tool_is_held_back_with_its_reason_and_the_others_are_offered() {
    let tools = [tool("good", "{}"), tool("bad", r#"{"type":"string"}"#), tool("loop", r##"{"$ref":"#"}"##)];
    let set = ToolSet::builder().server("lab", &tools).build();
    assert_eq!(set.chat().len(), 1);
    let reasons: Vec<_> = set.report().quarantined().iter().map(|held| (held.tool.as_str(), &held.reason)).collect();
    assert_eq!(
        reasons,
        [
            ("bad", &Quarantine::RootNotObject { found: "\"string\"".to_owned() }),
            ("loop", &Quarantine::EndlessReference)
        ]
    );
    assert!(set.unknown("bad").starts_with("the tool `bad` cannot be called and nothing was run: "));
}

#[test]
fn the_report_says_of_each_tool_what_was_changed_and_why() {
    let set = ToolSet::builder()
        .server("lab", &[tool("a.b", r#"{"$schema":"s","type":"object","properties":{"x":{"type":"array"}}}"#)])
        .build();
    let name = set.iter().next().unwrap().name();
    assert_eq!(
        set.report().to_string(),
        format!("lab/a.b: named {name}\nlab/a.b: /properties/x: added `items`, because an array needs `items`\n")
    );
    let tool = set.resolve(name).unwrap();
    assert_eq!(tool.rewrites().len(), 2, "what says nothing to a human is there for a program");
}

/// What LiteLLM makes of each schema of 1.2, and what it leaves.
#[test]
fn the_litellm_profile_has_its_exact_output() {
    let check = |schema: &str, expected: &str| {
        let set = ToolSet::builder().server("lab", &[tool("x", schema)]).profile(Profile::LiteLlm).build();
        let function = format!(r#""name":"x","description":"","parameters":{expected},"strict":false"#);
        assert_eq!(set.chat()[0].as_str(), format!(r#"{{"type":"function","function":{{{function}}}}}"#));
        assert_eq!(set.responses()[0].as_str(), format!(r#"{{"type":"function",{function}}}"#));
    };
    let nothing = r#"{"type":"object","properties":{},"additionalProperties":false}"#;
    check("{}", nothing);
    check("null", nothing);
    check(r#"{"type":"object"}"#, nothing);
    check(r#"{"type":"string"}"#, r#"{"type":"string","properties":{},"additionalProperties":false}"#);
    check(
        r#"{"type":["object","null"],"additionalProperties":true}"#,
        r#"{"type":["object","null"],"additionalProperties":true,"properties":{}}"#,
    );
    check(
        r#"{"$schema":"s","properties":null,"anyOf":[{}]}"#,
        r#"{"$schema":"s","properties":null,"anyOf":[{}],"type":"object","additionalProperties":false}"#,
    );
    let untouched =
        r##"{"type":"object","properties":{"l":{"type":"array"},"r":{"$ref":"#/x"}},"additionalProperties":false}"##;
    check(untouched, untouched);
}

/// 1.2 of LiteLLM: a title is dropped. A model that is told nothing else may as well have it.
#[test]
fn a_title_stands_in_for_a_description() {
    let set = ToolSet::builder().server("lab", &[tool("x", "{}").title("Adds numbers")]).build();
    assert_eq!(set.resolve("x").unwrap().description(), Some("Adds numbers"));
}
