//! Tools that have broken requests or converters: each is accepted by a checker of OpenAI's rules that knows nothing of
//! our conversion, and arguments reach the server exactly when its own schema allows them.
//!
//! It is no part of the package, because the tools and the checker belong to the workspace.

#![allow(dead_code, clippy::unwrap_used, reason = "the checker is shared, and it is part of tests")]

#[path = "../../xtask/src/openai_rules.rs"]
mod openai_rules;

use mcp_openai_bridge::chat::Arguments;
use mcp_openai_bridge::names::Prefix;
use mcp_openai_bridge::tools::{Emit, Resolved, Strict, ToolRef, ToolSet};
use mcp_types::{RawJson, Tool};
use serde_json::{Value, json};

/// One entry of the corpus.
struct Entry {
    id: String,
    tools: Vec<Tool>,
    valid: Vec<Value>,
    invalid: Vec<Value>,
    /// Nothing can be called, so that it may be held back.
    hopeless: bool,
}

fn corpus() -> Vec<Entry> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../xtask/corpus/tools.json");
    let text = std::fs::read_to_string(path).unwrap();
    // One entry on a line. What is nested deeper than any JSON of this workspace never becomes a tool.
    let lines = text.lines().map(|line| line.trim().trim_end_matches(',')).filter(|line| line.starts_with('{'));
    let entries: Vec<Value> =
        lines.filter(|line| nesting(line) <= 128).map(|line| serde_json::from_str(line).unwrap()).collect();
    let list = |entry: &Value, name: &str| entry[name].as_array().unwrap().clone();
    entries
        .iter()
        .map(|entry| Entry {
            id: entry["id"].as_str().unwrap().to_owned(),
            tools: (0..entry["repeat"].as_u64().unwrap_or(1)).map(|n| numbered(&entry["tool"], n)).collect(),
            valid: list(entry, "valid"),
            invalid: list(entry, "invalid"),
            hopeless: !entry["hopeless"].is_null(),
        })
        .collect()
}

/// Levels of a JSON text; brackets in strings count too, which makes no difference here.
fn nesting(text: &str) -> usize {
    let mut level = 0_usize;
    let levels = text.chars().map(|c| {
        match c {
            '{' | '[' => level += 1,
            '}' | ']' => level = level.saturating_sub(1),
            _ => {}
        }
        level
    });
    levels.max().unwrap_or_default()
}

fn numbered(tool: &Value, number: u64) -> Tool {
    // A tool without a schema is read as the client of this workspace reads it.
    let mut tool: Value = serde_json::from_str(&tool.to_string().replace("{n}", &number.to_string())).unwrap();
    tool.as_object_mut().unwrap().entry("inputSchema").or_insert(json!({}));
    let mut made = Tool::new(tool["name"].as_str().unwrap(), RawJson::from(tool["inputSchema"].clone()));
    made.description = tool["description"].as_str().map(str::to_owned);
    made.title = tool["title"].as_str().map(str::to_owned);
    made.output_schema = tool.get("outputSchema").map(|schema| RawJson::from(schema.clone()));
    made
}

fn decoded(tools: &[RawJson]) -> Vec<Value> {
    tools.iter().map(|tool| tool.decode().unwrap()).collect()
}

/// Everything that the checker says about a tool set, in each of its forms.
fn faults(set: &ToolSet) -> Vec<String> {
    let mut faults = openai_rules::check_chat_tools(&decoded(&set.chat()));
    let plain = Emit::new();
    for emit in [plain, plain.output_schema(), plain.namespaces(), plain.namespaces().output_schema().defer_loading()] {
        faults.extend(openai_rules::check_responses_tools(&decoded(&set.responses_with(&emit))));
    }
    faults.iter().map(|fault| format!("{}: {}", fault.at, fault.message)).collect()
}

/// Both forms in which arguments come.
fn forms(arguments: &Value) -> [Arguments; 2] {
    [Arguments::Text(arguments.to_string()), Arguments::Json(RawJson::from(arguments.clone()))]
}

#[test]
fn every_tool_of_the_corpus_is_accepted_by_the_checker_alone_and_with_all_others() {
    let corpus = corpus();
    assert!(corpus.len() >= 60, "{}", corpus.len());
    let mut wrong = Vec::new();
    for strict in [Strict::Off, Strict::Auto] {
        for entry in &corpus {
            let set = ToolSet::builder().server("lab", &entry.tools).strict(strict).build();
            wrong.extend(faults(&set).into_iter().map(|fault| format!("{} {strict:?}: {fault}", entry.id)));
            if !entry.hopeless && set.len() != entry.tools.len() {
                wrong.push(format!("{}: {}", entry.id, set.report()));
            }
        }
        for prefix in [Prefix::Always, Prefix::Auto, Prefix::Never] {
            let all: Vec<Tool> = corpus.iter().flat_map(|entry| entry.tools.clone()).collect();
            let (first, second) = all.split_at(all.len() / 2);
            let set = ToolSet::builder().server("a", first).server("b é", second).server("c", first);
            let set = set.prefix(prefix).strict(strict).build();
            wrong.extend(faults(&set).into_iter().map(|fault| format!("all {strict:?} {prefix:?}: {fault}")));
            for tool in set.iter() {
                let found = set.resolve(tool.name()).unwrap();
                assert_eq!((found.server(), found.tool()), (tool.server(), tool.tool()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn arguments_reach_the_server_exactly_when_its_schema_allows_them() {
    let mut wrong = Vec::new();
    let (mut reached, mut refused) = (0, 0);
    for strict in [Strict::Off, Strict::Auto] {
        for entry in corpus() {
            let set = ToolSet::builder().server("lab", &entry.tools).strict(strict).build();
            for tool in set.iter().take(3) {
                let arrives = |form, expected: &Value| match set.resolve_call(tool.name(), &form) {
                    Resolved::Tool { arguments, .. } => Some(arguments.decode::<Value>().unwrap() == *expected),
                    Resolved::Refused(_) => None,
                    other => panic!("{}: {other:?}", entry.id),
                };
                let each = |list: &[Value]| -> Vec<(Value, Option<bool>)> {
                    let all = list.iter().flat_map(|one| forms(one).map(|form| (one.clone(), arrives(form, one))));
                    all.collect()
                };
                let (valid, invalid) = (each(&entry.valid), each(&entry.invalid));
                reached += valid.len();
                refused += invalid.len();
                let faults = valid.iter().filter(|(_, came)| *came != Some(true));
                wrong.extend(faults.map(|(one, _)| format!("{} {strict:?}: {one} did not arrive as it is", entry.id)));
                // In strict mode `null` is how a model says that it does not give a member.
                let is_meant = |one: &Value| tool.strict() && without_null(one) != *one;
                let faults = invalid.iter().filter(|(one, came)| came.is_some() && !is_meant(one));
                wrong.extend(faults.map(|(one, _)| format!("{} {strict:?}: {one} was accepted", entry.id)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
    assert!(reached > 200 && refused > 200, "{reached} {refused}");
}

#[test]
fn what_a_model_may_send_in_strict_mode_reaches_the_server_without_the_nulls_it_did_not_want() {
    let mut wrong = Vec::new();
    let (mut strict, mut sent) = (0, 0);
    for entry in corpus() {
        // Most servers leave objects open, which strict mode cannot say; so each tool is also tried with all of them closed.
        let open = entry.tools.first().unwrap().clone();
        let mut closed = open.clone();
        closed.name.push_str("_closed");
        let mut schema: Value = closed.input_schema.decode().unwrap();
        close(&mut schema);
        closed.input_schema = RawJson::from(schema);
        let set = ToolSet::builder().server("lab", &[open, closed]).strict(Strict::Auto).build();
        wrong.extend(faults(&set).into_iter().map(|fault| format!("{}: {fault}", entry.id)));
        for tool in set.iter().filter(|tool| tool.strict()) {
            strict += 1;
            let published: Value = tool.parameters().decode().unwrap();
            let validator = jsonschema::validator_for(&published).unwrap();
            let original: Value = tool.input_schema().decode().unwrap();
            // A schema that is none by its own dialect cannot judge; what its author meant is known anyway.
            let original = jsonschema::validator_for(&original).ok();
            let allows = |value: &Value| original.as_ref().is_none_or(|original| original.is_valid(value));
            for valid in entry.valid.iter().filter(|valid| allows(valid)) {
                let mut full = valid.clone();
                fill(&published, &published, &mut full);
                if !validator.is_valid(&full) {
                    wrong.push(format!("{}: the model cannot send {full}: {published}", entry.id));
                    continue;
                }
                sent += 1;
                let arrived = arrived(tool, &full);
                assert_eq!(without_null(&arrived), without_null(valid), "{}: {full}", entry.id);
                assert!(allows(&arrived), "{}: {arrived}", entry.id);
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
    assert!(strict > 40 && sent > 40, "{strict} strict tools, {sent} argument sets");
}

/// Closes every object that names members and does not say that it is open.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(members) => {
            if members.get("type") == Some(&json!("object")) && members.contains_key("properties") {
                members.entry("additionalProperties").or_insert(json!(false));
            }
            members
                .iter_mut()
                .filter(|(name, _)| *name != "enum" && *name != "const")
                .for_each(|(_, part)| close(part));
        }
        _ => {}
    }
}

fn arrived(tool: &ToolRef, arguments: &Value) -> Value {
    tool.arguments(&Arguments::Text(arguments.to_string())).unwrap().decode().unwrap()
}

/// Gives every member that is missing the value `null`, as strict mode makes a model do.
fn fill(schema: &Value, root: &Value, value: &mut Value) {
    if let Some(reference) = schema["$ref"].as_str() {
        return fill(root.pointer(reference.trim_start_matches('#')).unwrap(), root, value);
    }
    let meant =
        schema["anyOf"].as_array().into_iter().flatten().find(|alternative| knows_all(alternative, root, value));
    if let Some(meant) = meant {
        return fill(meant, root, value);
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fill(&schema["items"], root, item)),
        Value::Object(members) => {
            for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                fill(member, root, members.entry(name).or_insert(Value::Null));
            }
        }
        _ => {}
    }
}

/// Whether an alternative has the members of a value, or the value has none.
fn knows_all(schema: &Value, root: &Value, value: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return knows_all(root.pointer(reference.trim_start_matches('#')).unwrap(), root, value);
    }
    match value {
        Value::Object(members) => {
            schema["type"] == "object" && members.keys().all(|name| schema["properties"].get(name).is_some())
        }
        Value::Array(_) => schema["type"] == "array",
        _ => false,
    }
}

fn without_null(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_null).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, member)| !member.is_null());
            kept.map(|(name, member)| (name.clone(), without_null(member))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick(&mut self, options: &[Value]) -> Value {
        options[self.roll(options.len())].clone()
    }

    /// A schema with everything that servers get right and wrong.
    fn schema(&mut self, depth: usize) -> Value {
        if depth == 0 {
            return self.pick(&[
                json!({}),
                json!(true),
                json!(false),
                json!(null),
                json!({"type": "array"}),
                json!({"type": "object"}),
                json!({"type": "string"}),
                json!({"$ref": "#/definitions/a"}),
            ]);
        }
        let mut members = serde_json::Map::new();
        for keyword in KEYWORDS {
            if self.roll(6) == 0 {
                let value = self.value(keyword, depth);
                members.insert(keyword.to_owned(), value);
            }
        }
        Value::Object(members)
    }

    /// A closed object of parts that strict mode has, most of the time.
    fn tidy(&mut self, depth: usize) -> Value {
        let mut properties = serde_json::Map::new();
        for name in ["a", "b", "c d", "é"] {
            let inner = if depth > 1 { self.tidy(depth - 1) } else { json!({"const": "x"}) };
            let part = self.pick(&[
                json!({"type": "string", "pattern": "^[a-z]+$", "format": "email", "default": "a"}),
                json!({"type": ["integer", "null"], "minimum": 0}),
                json!({"enum": ["x", 1, null]}),
                json!({"type": "array", "items": inner, "minItems": 1}),
                json!({"oneOf": [inner, {"type": "string"}]}),
                json!({"anyOf": [inner, {"type": "null"}], "description": "d"}),
                json!({"$ref": "#/$defs/n"}),
                json!({"$ref": "#", "title": "t"}),
                json!({"type": "boolean", "nullable": true}),
                json!({"allOf": [inner]}),
                inner,
            ]);
            if self.roll(2) == 0 {
                properties.insert(name.to_owned(), part);
            }
        }
        let required: Vec<String> = properties.keys().filter(|_| self.roll(2) == 0).cloned().collect();
        let definition =
            json!({"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "additionalProperties": false});
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
            "$defs": {"n": definition}
        })
    }

    fn value(&mut self, keyword: &str, depth: usize) -> Value {
        let part = self.schema(depth - 1);
        let other = self.schema(depth - 1);
        match keyword {
            "type" => self.pick(&[
                json!("object"),
                json!("object"),
                json!("array"),
                json!("string"),
                json!(["object", "null"]),
                json!(["string", "integer"]),
                json!([]),
                json!("any"),
                json!(null),
            ]),
            "properties" | "patternProperties" | "dependentSchemas" => {
                let names = [["a", "b"], ["(?=x)", "^c"], ["", "é /"]][self.roll(3)];
                self.pick(&[json!({names[0]: part, names[1]: other}), json!(null), json!([part])])
            }
            "items" => self.pick(&[json!([part, other]), part, json!(null)]),
            "anyOf" | "allOf" | "oneOf" | "prefixItems" => {
                self.pick(&[json!([part, other]), json!([]), json!(null), part])
            }
            "required" => self.pick(&[json!(true), json!(["a"]), json!(["b", "b", "z"]), json!([1]), json!(null)]),
            "$ref" => self.pick(&[
                json!("#/definitions/a"),
                json!("#/$defs/b%20c"),
                json!("#/properties/a"),
                json!("#"),
                json!("http://h/"),
                json!(7),
            ]),
            "enum" => self.pick(&[json!([{"a": 1}]), json!([]), json!(["x", 1, null]), json!("x")]),
            "const" => self.pick(&[json!({"a": 1}), json!("x"), json!(null)]),
            "pattern" => self.pick(&[json!("^a$"), json!("(?<n>a)"), json!("[a"), json!(1)]),
            "minimum" | "exclusiveMinimum" => self.pick(&[json!(1), json!(true), json!("1")]),
            "minLength" | "maxItems" => self.pick(&[json!(1), json!(-1), json!("1"), json!(1.5)]),
            "title" | "description" | "format" | "$id" | "$schema" => {
                self.pick(&[json!("text"), json!(null), json!(["x"])])
            }
            "nullable" | "uniqueItems" => self.pick(&[json!(true), json!("yes")]),
            "additionalProperties" => self.pick(&[json!(false), json!(false), json!(true), part, json!(null)]),
            _ => part,
        }
    }
}

const KEYWORDS: [&str; 31] = [
    "type",
    "type",
    "properties",
    "properties",
    "items",
    "anyOf",
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "required",
    "$ref",
    "enum",
    "const",
    "pattern",
    "patternProperties",
    "dependentSchemas",
    "prefixItems",
    "minimum",
    "exclusiveMinimum",
    "minLength",
    "maxItems",
    "title",
    "description",
    "format",
    "nullable",
    "uniqueItems",
    "additionalProperties",
    "$id",
];

#[test]
fn whatever_a_server_publishes_is_accepted_by_the_checker_or_held_back() {
    let mut dice = Dice(5);
    let (mut offered, mut strict) = (0, 0);
    for round in 0..600 {
        let mut schema = if round % 3 == 0 { dice.tidy(3) } else { dice.schema(3) };
        if let (Value::Object(members), false) = (&mut schema, round % 3 == 0) {
            members.insert("definitions".to_owned(), json!({"a": dice.schema(2)}));
            members.insert("$defs".to_owned(), json!({"b c": dice.schema(2)}));
            if round % 2 == 0 {
                members.insert("type".to_owned(), json!("object"));
            }
        }
        let tool = Tool::new("t", RawJson::from(schema.clone()));
        let mut with_output = tool.clone();
        with_output.output_schema = Some(tool.input_schema.clone());
        let set = ToolSet::builder().server("lab", &[with_output]).strict(Strict::Auto).build();
        offered += set.len();
        strict += set.iter().filter(|tool| tool.strict()).count();
        let faults = faults(&set);
        assert!(faults.is_empty(), "{schema}\nbecame\n{:?}\n{}", set.chat(), faults.join("\n"));
    }
    assert!(offered > 300 && strict > 50, "{offered} {strict}");
}
