//! Parameter headers in protocol words: H-30 to H-36.
#![expect(clippy::needless_pass_by_value, reason = "the expected values are literals")]

use serde_json::{Map, json};

use super::*;
use crate::header::{MAX_PARAM_HEADERS, SchemaFaultReason, ValueFault, excerpt};

fn tool(properties: Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

fn headers(properties: Value) -> ParamHeaders {
    ParamHeaders::from_schema(&tool(properties)).unwrap()
}

fn region_zone_and_dry() -> ParamHeaders {
    headers(json!({
        "region": { "type": "string", "x-mcp-header": "Region" },
        "count": { "type": "integer", "x-mcp-header": "Count" },
        "options": { "type": "object", "properties": { "dry": { "type": "boolean", "x-mcp-header": "Dry" } } },
        "query": { "type": "string" },
    }))
}

/// Finds the faults of a schema as "path reason".
fn check_schema(schema: &Value, expected: &[(&str, SchemaFaultReason)]) {
    let faults = ParamHeaders::from_schema(schema).err().unwrap_or_default();
    let faults: Vec<_> = faults.into_iter().map(|fault| (fault.path, fault.reason)).collect();
    let expected: Vec<_> = expected.iter().map(|(path, reason)| ((*path).to_owned(), reason.clone())).collect();
    assert_eq!(faults, expected, "{schema}");
}

fn check_property(schema: Value, expected: SchemaFaultReason) {
    check_schema(&tool(json!({ "a": schema })), &[("/properties/a", expected)]);
}

fn built(arguments: &Value) -> Vec<String> {
    let headers = region_zone_and_dry().build(Some(arguments)).unwrap();
    let mut lines: Vec<_> = headers.into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.sort();
    lines
}

/// Checks headers against arguments and returns each fault as (header, reason).
fn faults(lines: &[(&str, &str)], arguments: &Value) -> Vec<(String, HeaderFaultReason)> {
    let view = HeaderView::new(lines.iter().map(|(name, value)| (*name, value.as_bytes())));
    let faults = check_param_headers(&region_zone_and_dry(), &view, Some(arguments));
    faults.into_iter().map(|fault| (fault.header, fault.reason)).collect()
}

fn check_region(sent: &str, body: &str, expected: Option<HeaderFaultReason>) {
    let found = faults(&[("Mcp-Param-Region", sent)], &json!({ "region": body }));
    assert_eq!(found.into_iter().next().map(|(_, reason)| reason), expected, "{sent:?} for {body:?}");
}

fn mismatch(path: &str) -> HeaderFaultReason {
    HeaderFaultReason::MismatchedArgument { path: path.to_owned() }
}

#[test]
fn annotated_properties_are_found_with_their_path_and_type_h_30() {
    let headers = region_zone_and_dry();
    let mut found: Vec<_> =
        headers.iter().map(|header| (header.header_name(), header.pointer(), header.kind)).collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        ("Mcp-Param-Count", "/count", ParamKind::Integer),
        ("Mcp-Param-Dry", "/options/dry", ParamKind::Boolean),
        ("Mcp-Param-Region", "/region", ParamKind::String),
    ];
    assert_eq!(found, expected.map(|(name, path, kind)| (name.to_owned(), path.to_owned(), kind)));
    assert!(headers_of_nothing().is_empty());
}

fn headers_of_nothing() -> ParamHeaders {
    headers(json!({ "query": { "type": "string" } }))
}

#[test]
fn an_annotation_is_a_token_h_31() {
    check_property(json!({ "type": "string", "x-mcp-header": "" }), SchemaFaultReason::Empty);
    for value in [json!(7), json!(null), json!(true), json!(["A"]), json!({})] {
        check_property(json!({ "type": "string", "x-mcp-header": value }), SchemaFaultReason::NotString);
    }
    for name in ["My Region", "a:b", "a\r\nX", "é", "a/b", "(a)", "a\u{0}"] {
        let reason = SchemaFaultReason::NotToken(excerpt(name));
        check_property(json!({ "type": "string", "x-mcp-header": name }), reason);
    }
    let name = "!#$%&'*+-.^_`|~09azAZ";
    assert_eq!(headers(json!({ "a": { "type": "string", "x-mcp-header": name } })).headers[0].name, name);
}

#[test]
fn an_annotated_property_is_a_string_an_integer_or_a_boolean_h_31() {
    for kind in ["number", "array", "object", "null"] {
        let reason = SchemaFaultReason::Type(Some(excerpt(&format!("\"{kind}\""))));
        check_property(json!({ "type": kind, "x-mcp-header": "A" }), reason);
    }
    let union = SchemaFaultReason::Type(Some(excerpt("[\"string\",\"null\"]")));
    check_property(json!({ "type": ["string", "null"], "x-mcp-header": "A" }), union);
    check_property(json!({ "x-mcp-header": "A" }), SchemaFaultReason::Type(None));
}

#[test]
fn names_are_unique_without_letter_case_also_in_nested_objects_h_31() {
    let schema = tool(json!({
        "a": { "type": "string", "x-mcp-header": "Name" },
        "b": { "type": "object", "properties": { "c": { "type": "string", "x-mcp-header": "NAME" } } },
    }));
    let reason = SchemaFaultReason::Duplicate("/properties/a".to_owned());
    check_schema(&schema, &[("/properties/b/properties/c", reason)]);
}

#[test]
fn an_annotation_anywhere_else_than_below_properties_makes_the_tool_invalid_h_31() {
    let annotated = json!({ "type": "string", "x-mcp-header": "A" });
    let object = json!({ "type": "object", "properties": { "b": annotated } });
    let mut root = tool(json!({}));
    root["x-mcp-header"] = json!("A");
    check_schema(&root, &[("", SchemaFaultReason::Unreachable)]);
    for (keyword, value, path) in [
        ("items", &object, "/properties/a/items/properties/b"),
        ("additionalProperties", &annotated, "/properties/a/additionalProperties"),
        ("not", &annotated, "/properties/a/not"),
        ("if", &object, "/properties/a/if/properties/b"),
        ("then", &annotated, "/properties/a/then"),
        ("else", &annotated, "/properties/a/else"),
        ("oneOf", &json!([true, annotated]), "/properties/a/oneOf/1"),
        ("anyOf", &json!([object]), "/properties/a/anyOf/0/properties/b"),
        ("allOf", &json!([annotated]), "/properties/a/allOf/0"),
        ("prefixItems", &json!([annotated]), "/properties/a/prefixItems/0"),
        ("patternProperties", &json!({ "^x/~": annotated }), "/properties/a/patternProperties/^x~1~0"),
        ("$defs", &json!({ "properties": annotated }), "/properties/a/$defs/properties"),
        ("definitions", &json!({ "d": object }), "/properties/a/definitions/d/properties/b"),
        ("dependentSchemas", &json!({ "d": annotated }), "/properties/a/dependentSchemas/d"),
        ("x-unknown", &json!([[annotated]]), "/properties/a/x-unknown/0/0"),
    ] {
        let schema = tool(json!({ "a": { "type": "object", keyword: value } }));
        check_schema(&schema, &[(path, SchemaFaultReason::Unreachable)]);
    }
}

#[test]
fn a_property_or_a_value_that_is_called_like_the_annotation_is_none() {
    let headers = headers(json!({
        "x-mcp-header": { "type": "string" },
        "a": { "type": "object", "default": { "x-mcp-header": "" }, "const": { "x-mcp-header": 1 },
               "enum": [{ "x-mcp-header": "A" }], "examples": [{ "x-mcp-header": "B" }] },
    }));
    assert!(headers.is_empty());
}

#[test]
fn all_faults_of_a_schema_are_told_at_once() {
    let schema = tool(json!({
        "a": { "type": "number", "x-mcp-header": "A" },
        "b": { "type": "string", "x-mcp-header": "" },
    }));
    let faults = ParamHeaders::from_schema(&schema).unwrap_err();
    assert_eq!(faults.len(), 2);
    for fault in faults {
        assert!(fault.to_string().starts_with(&format!("`x-mcp-header` at `{}` is ", fault.path)), "{fault}");
    }
}

#[test]
fn a_tool_has_no_more_headers_than_the_limit() {
    let properties = |count: usize| {
        let property =
            |index| (format!("a{index:03}"), json!({ "type": "string", "x-mcp-header": format!("A{index}") }));
        tool((0..count).map(property).collect())
    };
    for count in [MAX_PARAM_HEADERS - 1, MAX_PARAM_HEADERS] {
        assert_eq!(ParamHeaders::from_schema(&properties(count)).unwrap().iter().count(), count);
    }
    let path = format!("/properties/a{MAX_PARAM_HEADERS:03}");
    check_schema(&properties(MAX_PARAM_HEADERS + 1), &[(&path, SchemaFaultReason::TooMany)]);
}

#[test]
fn a_schema_with_a_fault_at_every_place_is_not_answered_with_a_book() {
    let bad = json!({ "x-mcp-header": 0 });
    let members: Map<String, Value> = (0..20_000).map(|index| (index.to_string(), bad.clone())).collect();
    let schema = tool(json!({ "x".repeat(100_000): { "properties": members } }));
    assert_eq!(ParamHeaders::from_schema(&schema).unwrap_err().len(), MAX_PARAM_HEADERS);
}

#[test]
fn a_deep_property_is_found_at_its_full_path() {
    let mut schema = json!({ "type": "string", "x-mcp-header": "Deep" });
    for _ in 0..500 {
        schema = tool(json!({ "a": schema }));
    }
    let headers = ParamHeaders::from_schema(&schema).unwrap();
    assert_eq!(headers.headers[0].path.len(), 500);
}

#[test]
fn a_header_is_built_for_each_argument_that_is_there_and_not_null_h_33() {
    assert_eq!(built(&json!({ "region": "eu", "query": "x" })), ["Mcp-Param-Region: eu"]);
    assert_eq!(built(&json!({ "region": null, "count": 3 })), ["Mcp-Param-Count: 3"]);
    assert_eq!(built(&json!({ "options": { "dry": false } })), ["Mcp-Param-Dry: false"]);
    assert!(built(&json!({ "dry": true, "options": { "region": "eu" } })).is_empty(), "only at the exact path");
    assert!(built(&json!({ "options": null })).is_empty());
    assert!(built(&json!([])).is_empty());
    assert_eq!(region_zone_and_dry().build(None), Ok(vec![]));
}

#[test]
fn values_are_built_as_text_decimals_and_words_h_34() {
    assert_eq!(built(&json!({ "region": "" })), ["Mcp-Param-Region: "]);
    assert_eq!(built(&json!({ "region": "a\r\nb" })), ["Mcp-Param-Region: =?base64?YQ0KYg==?="]);
    assert_eq!(built(&json!({ "count": -7 })), ["Mcp-Param-Count: -7"]);
    assert_eq!(built(&json!({ "count": 42.0 })), ["Mcp-Param-Count: 42"]);
    assert_eq!(built(&json!({ "count": 9_007_199_254_740_991_u64 })), ["Mcp-Param-Count: 9007199254740991"]);
    assert_eq!(built(&json!({ "options": { "dry": true } })), ["Mcp-Param-Dry: true"]);
}

#[test]
fn what_a_header_cannot_repeat_is_an_error_with_all_places_h_31() {
    let faults = region_zone_and_dry()
        .build(Some(&json!({ "region": ["eu"], "count": 9_007_199_254_740_992_u64, "options": { "dry": {} } })))
        .unwrap_err();
    let mut faults: Vec<_> = faults.into_iter().map(|fault| (fault.path, fault.reason)).collect();
    faults.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        ("/count", ParamFaultReason::NotSafeInteger),
        ("/options/dry", ParamFaultReason::NotPrimitive),
        ("/region", ParamFaultReason::NotPrimitive),
    ];
    assert_eq!(faults, expected.map(|(path, reason)| (path.to_owned(), reason)));
    assert!(region_zone_and_dry().build(Some(&json!({ "count": 1.5 }))).is_err());
}

#[test]
fn what_the_client_builds_the_server_accepts() {
    for arguments in [
        json!({}),
        json!({ "region": "ü", "count": 42.0, "options": { "dry": true } }),
        json!({ "region": " =?base64??=", "count": -0.0, "options": {} }),
        json!({ "region": "", "count": null }),
    ] {
        let headers = region_zone_and_dry().build(Some(&arguments)).unwrap();
        let lines: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(faults(&lines, &arguments), [], "{arguments}");
    }
}

#[test]
fn a_value_in_the_body_needs_its_header_and_a_header_needs_its_value_h_36() {
    let region = || "mcp-param-Region".to_owned();
    assert_eq!(faults(&[], &json!({ "region": "eu" })), [(region(), HeaderFaultReason::Missing)]);
    let without = HeaderFaultReason::WithoutArgument { path: "/region".to_owned() };
    assert_eq!(faults(&[("mcp-param-region", "eu")], &json!({})), [(region(), without.clone())]);
    assert_eq!(faults(&[("mcp-param-region", "")], &json!({ "region": null })), [(region(), without)]);
    assert_eq!(faults(&[], &json!({ "region": null })), []);
}

#[test]
fn headers_are_decoded_before_they_are_compared_h_35_h_36() {
    check_region("eu", "eu", None);
    check_region("  eu ", "eu", None);
    check_region("=?base64?SGVsbG8=?=", "Hello", None);
    check_region("=?base64?SGVsbG8=", "=?base64?SGVsbG8=", None);
    check_region("SGVsbG8=?=", "SGVsbG8=?=", None);
    check_region("EU", "eu", Some(mismatch("/region")));
    check_region("=?base64?SGVsbG8?=", "Hello", Some(HeaderFaultReason::Encoding(ValueFault::Padding)));
    check_region("=?base64?SGVs!!!bG8=?=", "Hello", Some(HeaderFaultReason::Encoding(ValueFault::Alphabet)));
    check_region("é", "é", Some(HeaderFaultReason::NotVisibleAscii));
}

#[test]
fn integers_are_compared_by_value_and_booleans_by_word_h_36() {
    let check = |name: &str, sent: &str, arguments: Value, fine: bool| {
        assert_eq!(faults(&[(name, sent)], &arguments).is_empty(), fine, "{sent} for {arguments}");
    };
    check("mcp-param-count", "42.0", json!({ "count": 42 }), true);
    check("mcp-param-count", "42", json!({ "count": 42.0 }), true);
    check("mcp-param-count", "042", json!({ "count": 42 }), false);
    check("mcp-param-count", "43", json!({ "count": 42 }), false);
    check("mcp-param-count", "", json!({ "count": 0 }), false);
    check("mcp-param-count", "9007199254740993", json!({ "count": 9_007_199_254_740_993_u64 }), true);
    check("mcp-param-count", "9007199254740992", json!({ "count": 9_007_199_254_740_993_u64 }), false);
    check("mcp-param-dry", "true", json!({ "options": { "dry": true } }), true);
    check("mcp-param-dry", "True", json!({ "options": { "dry": true } }), false);
    check("mcp-param-dry", "1", json!({ "options": { "dry": true } }), false);
    check("mcp-param-region", "42.0", json!({ "region": "42" }), false);
}

#[test]
fn all_faults_of_the_headers_are_told_at_once_and_unknown_headers_are_ignored_h_36() {
    let lines = [("mcp-param-region", "a"), ("mcp-param-region", "a"), ("mcp-param-other", "x")];
    let arguments = json!({ "region": "a", "count": 1, "options": { "dry": true } });
    let mut found = faults(&lines, &arguments);
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        ("mcp-param-Count", HeaderFaultReason::Missing),
        ("mcp-param-Dry", HeaderFaultReason::Missing),
        ("mcp-param-Region", HeaderFaultReason::Duplicated),
    ];
    assert_eq!(found, expected.map(|(name, reason)| (name.to_owned(), reason)));
}

#[test]
fn an_array_without_a_header_is_the_fault_of_the_arguments() {
    assert_eq!(faults(&[], &json!({ "region": [] })), []);
    let sent = [("mcp-param-region", "[]")];
    assert_eq!(faults(&sent, &json!({ "region": [] })), [("mcp-param-Region".to_owned(), mismatch("/region"))]);
}

#[test]
fn a_private_argument_is_not_repeated_in_the_message() {
    let view = HeaderView::new([("mcp-param-region", &b"hunter1"[..])]);
    let arguments = json!({ "region": "hunter2" });
    let faults = check_param_headers(&region_zone_and_dry(), &view, Some(&arguments));
    assert_eq!(faults.len(), 1);
    assert!(!faults[0].to_string().contains("hunter"), "{}", faults[0]);
}
