//! Each rule by hand-written cases: what the API takes has no fault, and what it refuses has the one that is named.

use serde_json::{Value, json};

use super::*;

/// Expects no fault for an empty text, else exactly one that holds it.
#[track_caller]
fn expect(faults: &[Fault], expected: &str, input: &Value) {
    let said: Vec<String> = faults.iter().map(Fault::to_string).collect();
    let is_right = match said.as_slice() {
        [] => expected.is_empty(),
        [one] => !expected.is_empty() && one.contains(expected),
        _ => false,
    };
    assert!(is_right, "expected {expected:?}, got {said:#?} for {input}");
}

fn function(parameters: &Value) -> Value {
    json!({"type": "function", "function": {"name": "f", "parameters": parameters}})
}

#[track_caller]
fn check_parameters(parameters: &Value, expected: &str) {
    expect(&check_chat_tools(&[function(parameters)]), expected, parameters);
}

/// A property beside nothing else.
#[track_caller]
fn check_property(property: &Value, expected: &str) {
    check_parameters(&json!({"type": "object", "properties": {"a": property}}), expected);
}

#[track_caller]
fn check_strict(parameters: &Value, expected: &str) {
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": parameters, "strict": true}});
    expect(&check_chat_tools(&[tool]), expected, parameters);
}

/// A required property of a closed object.
#[track_caller]
fn check_strict_property(property: &Value, expected: &str) {
    let parameters =
        json!({"type": "object", "properties": {"a": property}, "required": ["a"], "additionalProperties": false});
    check_strict(&parameters, expected);
}

#[test]
fn a_name_has_at_most_64_letters_digits_dashes_and_underscores() {
    for (name, expected) in [
        (json!("get_current_time"), ""),
        (json!("A-1_b"), ""),
        (json!("a".repeat(64)), ""),
        (json!("a".repeat(65)), "does not match"),
        (json!(""), "does not match"),
        (json!("a.b"), "does not match"),
        (json!("a/b"), "does not match"),
        (json!("a b"), "does not match"),
        (json!("é"), "does not match"),
        (json!(null), "must be a string"),
    ] {
        expect(&check_chat_tools(&[json!({"type": "function", "function": {"name": name}})]), expected, &name);
    }
}

#[test]
fn a_chat_tool_has_its_two_levels_and_no_unknown_parameter() {
    for (tool, expected) in [
        (json!({"type": "function", "function": {"name": "f"}}), ""),
        (json!({"type": "function", "function": {"name": "f", "description": "d", "strict": null}}), ""),
        (json!({"type": "custom", "custom": {"name": "f", "description": "d"}}), ""),
        (json!({"type": "function", "name": "f", "function": {"name": "f"}}), "tools[0].name: unknown parameter"),
        (json!({"type": "function", "function": {"name": "f", "title": "F"}}), "unknown parameter"),
        (json!({"type": "function", "function": {"name": "f", "description": null}}), "must be a string"),
        (json!({"type": "function", "function": {"name": "f", "strict": "no"}}), "must be a boolean"),
        (json!({"type": "function"}), "must be an object"),
        (json!({"type": "mcp"}), "must be `function`"),
        (json!("f"), "must be an object"),
    ] {
        expect(&check_chat_tools(std::slice::from_ref(&tool)), expected, &tool);
    }
}

#[test]
fn a_request_has_at_most_128_tools_of_different_names() {
    let tools = |count: usize| -> Vec<Value> {
        (0..count).map(|index| json!({"type": "function", "function": {"name": format!("f{index}")}})).collect()
    };
    expect(&check_chat_tools(&tools(128)), "", &Value::Null);
    expect(&check_chat_tools(&tools(129)), "array too long", &Value::Null);
    expect(&check_chat_tools(&[tools(1), tools(1)].concat()), "two tools have the name \"f0\"", &Value::Null);
}

#[test]
fn the_root_of_parameters_is_an_object_without_a_union() {
    for (parameters, expected) in [
        (json!({"type": "object", "properties": {}}), ""),
        (json!(null), ""),
        (json!({"type": "object", "properties": {}, "$schema": "http://json-schema.org/draft-07/schema#"}), ""),
        (json!({"properties": {}}), "got type null"),
        (json!({"type": "string"}), "got type \"string\""),
        (json!({"type": ["object", "null"], "properties": {}}), "got type [\"object\",\"null\"]"),
        (json!({"type": "object"}), "object schema missing properties"),
        (json!({"type": "object", "properties": {}, "anyOf": [{}]}), "must not have `anyOf`"),
        (json!({"type": "object", "properties": {}, "oneOf": [{}]}), "must not have `oneOf`"),
        (json!({"type": "object", "properties": {}, "allOf": [{}]}), "must not have `allOf`"),
        (json!({"type": "object", "properties": {}, "not": {}}), "must not have `not`"),
        (json!({"type": "object", "properties": {}, "enum": [{}]}), "must not have `enum`"),
        (json!(true), "must be an object"),
    ] {
        check_parameters(&parameters, expected);
    }
}

#[test]
fn objects_have_properties_and_arrays_have_items_at_every_depth() {
    for (property, expected) in [
        (json!({}), ""),
        (json!(true), ""),
        (json!({"type": "object", "properties": {}}), ""),
        (json!({"type": "array", "items": {}}), ""),
        (json!({"type": "array", "items": {"type": "array"}}), "properties.a.items: array schema missing items"),
        (json!({"type": "object"}), "object schema missing properties"),
        (json!({"type": ["string", "array"]}), "array schema missing items"),
        (json!({"type": ["object", "null"]}), "object schema missing properties"),
        (json!({"type": "array", "prefixItems": [{}]}), "array schema missing items"),
        (json!({"anyOf": [{"type": "array"}]}), "anyOf.0: array schema missing items"),
        (json!({"not": {"type": "object"}}), "object schema missing properties"),
        (json!({"additionalProperties": {"type": "array"}}), "array schema missing items"),
    ] {
        check_property(&property, expected);
    }
    let defined = json!({"type": "object", "properties": {}, "$defs": {"T": {"type": "array"}}});
    check_parameters(&defined, "$defs.T: array schema missing items");
}

#[test]
fn every_keyword_has_a_value_of_its_type() {
    for (property, expected) in [
        (json!({"type": "any"}), "is not valid under any"),
        (json!({"type": []}), "is not valid under any"),
        (json!({"type": ["string", "string"]}), "is not valid under any"),
        (json!({"type": null}), "is not valid under any"),
        (json!(null), "null is not of type 'object', 'boolean'"),
        (json!([]), "[] is not of type 'object', 'boolean'"),
        (json!({"properties": null}), "null is not of type 'object'"),
        (json!({"properties": []}), "[] is not of type 'object'"),
        (json!({"required": null}), "null is not of type 'array"),
        (json!({"required": true}), "true is not of type 'array"),
        (json!({"required": ["a", "a"]}), "is not of type 'array of unique strings'"),
        (json!({"items": [{"type": "string"}]}), "is not of type 'object', 'boolean'"),
        (json!({"anyOf": []}), "array of at least one"),
        (json!({"oneOf": {}}), "array of at least one"),
        (json!({"enum": "a"}), "is not of type 'array'"),
        (json!({"minimum": 0, "exclusiveMinimum": true}), "true is not of type 'number'"),
        (json!({"exclusiveMaximum": 5, "multipleOf": 0.5}), ""),
        (json!({"multipleOf": 0}), "number above 0"),
        (json!({"minLength": -1}), "non-negative"),
        (json!({"maxItems": "3"}), "non-negative"),
        (json!({"minItems": 2.0}), ""),
        (json!({"uniqueItems": "yes"}), "boolean"),
        (json!({"description": 5}), "string"),
        (json!({"title": null}), "string"),
        (json!({"format": "uri"}), ""),
        (json!({"pattern": "^[a-z]+$"}), ""),
        (json!({"pattern": "^\\p{L}+$"}), "is not a 'regex'"),
        (json!({"pattern": "^(?!x)"}), "lookaround"),
        (json!({"patternProperties": {"(?<n>x)": {}}}), "is not a 'regex'"),
        (json!({"pattern": 5}), "string"),
        (json!({"dependentRequired": {"a": ["b"]}}), ""),
        (json!({"dependentRequired": {"a": "b"}}), "array of unique strings"),
        (json!({"dependencies": {"a": ["b"], "b": {"required": ["c"]}}}), ""),
        (json!({"dependentSchemas": {"a": []}}), "is not of type 'object', 'boolean'"),
        (json!({"x-unknown": [1], "nullable": true, "discriminator": {"propertyName": "k"}}), ""),
        (json!({"default": {"type": "array"}, "const": {"type": "array"}, "examples": [{"type": "array"}]}), ""),
    ] {
        check_property(&property, expected);
    }
}

#[test]
fn a_property_may_have_the_name_of_a_keyword() {
    let names = json!({"type": {"type": "string"}, "items": {"type": "string"}, "required": {"type": "boolean"}});
    check_parameters(&json!({"type": "object", "properties": names}), "");
}

#[test]
fn a_reference_points_into_the_schema_and_not_only_to_itself() {
    let definitions = json!({"T": {"type": "string"}, "a/b": {"type": "string"}, "tree": {"$ref": "#"},
        "one": {"$ref": "#/$defs/two"}, "two": {"$ref": "#/$defs/two"}});
    for (reference, expected) in [
        (json!("#"), ""),
        (json!("#/$defs/T"), ""),
        (json!("#/%24defs/T"), ""),
        (json!("#/$defs/a~1b"), ""),
        (json!("#/$defs/tree"), ""),
        (json!("#/$defs/none"), "not found"),
        (json!("#T"), "not found"),
        (json!("https://example.com/schema.json"), "not found"),
        (json!("#/$defs/two"), "leads to itself"),
        (json!(null), "not found"),
    ] {
        let mut definitions = definitions.clone();
        if expected != "leads to itself" {
            definitions["one"] = json!({});
            definitions["two"] = json!({});
        }
        let parameters = json!({"type": "object", "properties": {"a": {"$ref": reference}}, "$defs": definitions});
        let faults = check_chat_tools(&[function(&parameters)]);
        let said: Vec<String> = faults.iter().map(Fault::to_string).collect();
        let is_right =
            if expected.is_empty() { said.is_empty() } else { said.iter().any(|one| one.contains(expected)) };
        assert!(is_right, "{reference}: {said:?}");
    }
}

#[test]
fn a_strict_object_is_closed_and_requires_all_it_has() {
    let closed = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
    let text = json!({"type": "string"});
    for (parameters, expected) in [
        (closed(json!({}), json!([])), ""),
        (closed(json!({"a": text}), json!(["a"])), ""),
        (json!({"type": "object", "properties": {}, "additionalProperties": false}), ""),
        (closed(json!({"a": text}), json!([])), "missing 'a'"),
        (closed(json!({"a": text}), json!(["a", "b"])), "extra required key 'b'"),
        (json!({"type": "object", "properties": {}}), "required to be supplied and to be false"),
        (json!({"type": "object", "properties": {}, "additionalProperties": true}), "to be false"),
        (json!({"type": "object", "properties": {}, "additionalProperties": {}}), "to be false"),
    ] {
        check_strict(&parameters, expected);
    }
    check_strict_property(&json!({"type": "object", "properties": {}}), "to be false");
    check_strict_property(&json!({"type": ["object", "null"], "properties": {}}), "to be false");
}

#[test]
fn a_strict_schema_uses_the_subset_alone() {
    for (property, expected) in [
        (json!({"type": "string", "description": "d", "title": "t"}), ""),
        (json!({"type": ["string", "null"]}), ""),
        (json!({"type": "string", "pattern": "^a$", "format": "date-time"}), ""),
        (json!({"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.5}), ""),
        (json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2}), ""),
        (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), ""),
        (json!({"type": "string", "enum": ["a", "b"]}), ""),
        (json!({"type": "string", "const": "a"}), ""),
        (json!({"type": "string", "format": "uri"}), "'uri' is not a valid format"),
        (json!({"type": "string", "default": "a"}), "'default' is not permitted"),
        (json!({"type": "string", "minLength": 1}), "'minLength' is not permitted"),
        (json!({"type": "string", "examples": []}), "'examples' is not permitted"),
        (json!({"type": "string", "$defs": {}}), "'$defs' is not permitted"),
        (json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true}), "not permitted"),
        (json!({"anyOf": [{"type": "string", "not": {}}]}), "'not' is not permitted"),
        (json!({"type": "string", "allOf": [{}]}), "'allOf' is not permitted"),
        (json!({"type": "string", "oneOf": [{}]}), "'oneOf' is not permitted"),
        (json!({"type": "string", "if": {}}), "'if' is not permitted"),
        (json!({}), "must have a 'type' key"),
        (json!({"enum": ["a"], "description": "d", "type": "integer"}), "does not validate"),
        (json!({"type": "string", "enum": ["a", null]}), "enum value null does not validate"),
        (json!({"type": ["string", "null"], "enum": ["a", null]}), ""),
        (json!({"type": "array", "items": {}}), "must have a 'type' key"),
        (json!({"type": "array", "items": true}), "no schema of the strict subset"),
    ] {
        check_strict_property(&property, expected);
    }
}

#[test]
fn a_strict_reference_stands_alone_and_points_to_the_root_or_a_definition_of_it() {
    let check = |property: Value, expected: &str| {
        let definitions = json!({"T": {"type": "string"}, "U": {"$ref": "#"}});
        check_strict(
            &json!({"type": "object", "properties": {"a": property}, "required": ["a"],
                "additionalProperties": false, "$defs": definitions}),
            expected,
        );
    };
    check(json!({"$ref": "#/$defs/T"}), "");
    check(json!({"$ref": "#"}), "");
    check(json!({"anyOf": [{"$ref": "#/$defs/U"}, {"type": "null"}]}), "");
    check(json!({"$ref": "#/$defs/T", "description": "d"}), "$ref cannot have keywords");
    check(json!({"anyOf": [{"$ref": "#/$defs"}]}), "top level of the schema");
}

#[test]
fn a_strict_schema_keeps_the_limits() {
    let nested = |levels: usize| {
        (1..levels).fold(json!({"type": "string"}), |inner, _| {
            json!({"type": "object", "properties": {"a": inner}, "required": ["a"], "additionalProperties": false})
        })
    };
    check_strict_property(&nested(10), "");
    check_strict_property(&nested(11), "11 levels");
    let values =
        |count: usize, length: usize| -> Vec<String> { (0..count).map(|index| format!("{index:0length$}")).collect() };
    check_strict_property(&json!({"type": "string", "enum": values(1000, 5)}), "");
    check_strict_property(&json!({"type": "string", "enum": values(1001, 5)}), "1001 values");
    check_strict_property(&json!({"type": "string", "enum": values(251, 60)}), "over 15000");
    check_strict_property(&json!({"type": "string", "enum": values(250, 60)}), "");
    check_strict_property(&json!({"type": "string", "const": "x".repeat(120_000)}), "characters of names");
    let names: Vec<String> = (0..5001).map(|index| format!("p{index}")).collect();
    let properties: Value = names.iter().map(|name| (name.clone(), json!({"type": "string"}))).collect();
    let wide = json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false});
    check_strict(&wide, "5001 properties");
}

#[test]
fn a_responses_function_is_flat_and_says_strict() {
    let parameters = json!({"type": "object", "properties": {}});
    for (tool, expected) in [
        (json!({"type": "function", "name": "f", "parameters": parameters, "strict": false}), ""),
        (json!({"type": "function", "name": "f", "parameters": null, "strict": null}), ""),
        (json!({"type": "function", "name": "f", "parameters": parameters}), "strict: must be there"),
        (json!({"type": "function", "name": "f", "strict": false}), "parameters: must be there"),
        (json!({"type": "function", "name": "f.g", "parameters": parameters, "strict": false}), "does not match"),
        (json!({"type": "function", "name": "f", "parameters": parameters, "strict": false, "title": ""}), "unknown"),
        (json!({"type": "function", "name": "f", "parameters": parameters, "strict": true}), "to be false"),
        (
            json!({"type": "function", "name": "f", "parameters": parameters, "strict": false,
                "output_schema": {"type": "array"}}),
            "output_schema: array schema missing items",
        ),
        (
            json!({"type": "function", "name": "f", "parameters": parameters, "strict": false, "defer_loading": true}),
            "needs a tool of the type `tool_search`",
        ),
        (json!({"type": "mcp", "server_label": "s"}), ""),
        (json!({"type": "mcp"}), "server_label"),
        (json!({"type": "web_search"}), ""),
        (json!({"type": "teapot"}), "no type of a tool"),
    ] {
        expect(&check_responses_tools(std::slice::from_ref(&tool)), expected, &tool);
    }
}

#[test]
fn a_namespace_has_names_of_its_own_and_what_is_deferred_does_not_count() {
    let tool = |name: &str, is_deferred: bool| {
        let parameters = json!({"type": "object", "properties": {}});
        json!({"type": "function", "name": name, "parameters": parameters, "strict": false, "defer_loading": is_deferred})
    };
    let space =
        |name: &str, tools: Vec<Value>| json!({"type": "namespace", "name": name, "description": "d", "tools": tools});
    let names = |count: usize, is_deferred: bool| -> Vec<Value> {
        (0..count).map(|index| tool(&format!("f{index}"), is_deferred)).collect()
    };
    let search = json!({"type": "tool_search", "execution": "server"});
    for (tools, expected) in [
        (vec![space("a", vec![tool("f", false)]), space("b", vec![tool("f", false)]), tool("f", false)], ""),
        (vec![space("a", vec![tool("f", false), tool("f", false)])], "two tools have the name"),
        (vec![space("a", vec![])], "at least one tool"),
        (vec![json!({"type": "namespace", "name": "a", "tools": [tool("f", false)]})], "description"),
        (vec![space("a.b", vec![tool("f", false)])], "does not match"),
        (vec![space("a", vec![space("b", vec![tool("f", false)])])], "no type of a tool"),
        (vec![space("a", names(129, false))], "array too long"),
        (vec![space("a", names(300, true)), search], ""),
        (vec![space("a", names(300, true))], "tool_search"),
    ] {
        expect(&check_responses_tools(&tools), expected, &json!(tools));
    }
}

#[test]
fn a_choice_of_a_tool_names_one_that_is_there() {
    let tools = [json!({"type": "function", "function": {"name": "f"}})];
    for (choice, expected) in [
        (json!("auto"), ""),
        (json!("required"), ""),
        (json!({"type": "function", "function": {"name": "f"}}), ""),
        (json!({"type": "function", "function": {"name": "g"}}), "no choice"),
        (json!("any"), "no choice"),
    ] {
        expect(&check_chat_tool_choice(&choice, &tools), expected, &choice);
    }
    expect(&check_chat_tool_choice(&json!("required"), &[]), "no choice", &Value::Null);
}

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}})
}

#[test]
fn every_call_is_answered_once_before_any_other_message() {
    let asks = json!({"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]});
    let answer = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
    let user = json!({"role": "user", "content": "hello"});
    for (messages, expected) in [
        (json!([user, asks, answer("b"), answer("a"), user]), ""),
        (json!([user, asks, answer("b"), answer("a")]), ""),
        (json!([user, asks, answer("a"), user,]), "no response to {\"b\"}"),
        (json!([user, asks, answer("a")]), "no response to {\"b\"}"),
        (json!([user, asks, answer("a"), answer("b"), answer("b")]), "answers no call"),
        (json!([user, answer("a")]), "answers no call"),
        (json!([]), "array too short"),
    ] {
        expect(&check_messages(messages.as_array().unwrap()), expected, &messages);
    }
}

#[test]
fn each_role_has_its_parts() {
    let text = json!({"type": "text", "text": "x"});
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}});
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    let file = json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}});
    let ask = json!({"role": "assistant", "tool_calls": [call("a")]});
    let tool = |content: Value| json!([ask, {"role": "tool", "tool_call_id": "a", "content": content}]);
    for (messages, expected) in [
        (json!([{"role": "user", "content": [text, image, audio, file]}]), ""),
        (json!([{"role": "system", "content": [text]}]), ""),
        (json!([{"role": "system", "content": [image]}]), "not allowed here"),
        (json!([{"role": "assistant", "content": [image]}]), "not allowed here"),
        (json!([{"role": "assistant"}]), "must be a string or a list"),
        (json!([{"role": "assistant", "refusal": "no"}]), ""),
        (json!([{"role": "user", "content": null}]), "must be a string or a list"),
        (json!([{"role": "user", "content": []}]), "must be a string or a list"),
        (json!([{"role": "user", "content": "x", "extra": 1}]), "unknown parameter"),
        (json!([{"role": "teapot", "content": "x"}]), "no role"),
        (tool(json!([text])), ""),
        (tool(json!([image])), "not allowed here"),
        (tool(json!(null)), "must be a string or a list"),
        (json!([ask, {"role": "tool", "tool_call_id": "a", "content": "x", "name": "f"}]), "unknown parameter"),
        (
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///x"}}]}]),
            "an image is",
        ),
        (
            json!([{"role": "user", "content": [{"type": "image_url",
                "image_url": {"url": "data:image/svg+xml;base64,AAAA"}}]}]),
            "an image is",
        ),
        (
            json!([{"role": "user", "content": [{"type": "input_audio",
                "input_audio": {"data": "AAAA", "format": "ogg"}}]}]),
            "must be `wav`",
        ),
        (
            json!([{"role": "user", "content": [{"type": "input_audio",
                "input_audio": {"data": "A?", "format": "wav"}}]}]),
            "no base64",
        ),
        (
            json!([{"role": "user", "content": [{"type": "file",
                "file": {"file_data": "data:application/pdf;base64,AAAA"}}]}]),
            "needs `filename`",
        ),
    ] {
        expect(&check_messages(messages.as_array().unwrap()), expected, &messages);
    }
}

#[test]
fn a_call_has_an_id_a_legal_name_and_arguments_as_text() {
    let with = |edit: fn(&mut Value)| {
        let mut call = call("a");
        edit(&mut call);
        json!([{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "a", "content": ""}])
    };
    for (messages, expected) in [
        (with(|_| {}), ""),
        (with(|call| call["function"]["arguments"] = json!({})), "arguments: must be a string"),
        (with(|call| call["function"]["name"] = json!("a.b")), "does not match"),
        (with(|call| call["index"] = json!(0)), "unknown parameter"),
        (with(|call| call["type"] = json!("tool")), "must be `function`"),
    ] {
        expect(&check_messages(messages.as_array().unwrap()), expected, &messages);
    }
    let long = "x".repeat(41);
    let messages = json!([{"role": "assistant", "tool_calls": [call(&long)]},
        {"role": "tool", "tool_call_id": long, "content": ""}]);
    expect(&check_messages(messages.as_array().unwrap()), "41 characters", &messages);
    let twice = json!([{"role": "assistant", "tool_calls": [call("a"), call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": ""}]);
    expect(&check_messages(twice.as_array().unwrap()), "two calls have the id", &twice);
    let none = json!([{"role": "assistant", "content": "x", "tool_calls": []}]);
    expect(&check_messages(none.as_array().unwrap()), "at least one call", &none);
}

#[test]
fn every_call_of_an_input_has_one_output() {
    let ask = json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"});
    let output = |output: Value| json!({"type": "function_call_output", "call_id": "a", "output": output});
    let user = json!({"role": "user", "content": "hello"});
    let image = json!({"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"});
    let file = json!({"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,AAAA"});
    let request =
        json!({"type": "mcp_approval_request", "id": "m", "server_label": "s", "name": "f", "arguments": "{}"});
    let approval = json!({"type": "mcp_approval_response", "approval_request_id": "m", "approve": true});
    let reasoning = json!({"type": "reasoning", "id": "r", "summary": []});
    for (input, expected) in [
        (json!([user, ask, output(json!("x"))]), ""),
        (json!([user, reasoning, ask, output(json!([{"type": "input_text", "text": "x"}, image, file]))]), ""),
        (json!([{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}]), ""),
        (json!([user, ask]), "no tool output found"),
        (json!([user, output(json!("x"))]), "no tool call found"),
        (json!([ask, output(json!("x")), output(json!("x"))]), "answered twice"),
        (json!([ask, ask, output(json!("x"))]), "two calls have the id"),
        (json!([ask, output(json!([{"type": "text", "text": "x"}]))]), "not allowed here"),
        (json!([ask, output(json!([{"type": "input_audio", "data": "AAAA"}]))]), "not allowed here"),
        (json!([ask, output(json!(null))]), "must be a string or a list"),
        (json!([ask, {"type": "function_call_output", "call_id": "a", "output": "x", "is_error": true}]), "unknown"),
        (json!([ask, {"type": "function_call_output", "call_id": "a", "output": "x", "status": "failed"}]), "status"),
        (json!([user, reasoning]), "required following item"),
        (json!([request, approval]), ""),
        (json!([approval]), "no open request"),
        (json!([{"type": "teapot"}]), "no type of an item"),
        (json!([{"role": "user", "content": [{"type": "text", "text": "x"}]}]), "not allowed here"),
        (json!([{"role": "user", "content": [{"type": "input_image"}]}]), "either `image_url` or `file_id`"),
    ] {
        expect(&check_responses_input(input.as_array().unwrap()), expected, &input);
    }
}
