//! `key=value` words become the arguments of a tool, by the schema of the tool.
//!
//! The surprising thing: a value stays a text wherever a text is allowed and nothing else fits, so that a postal code
//! or a date needs no quotes, and `a=1` is a number where the tool wants a number.

use mcp_openai_bridge::chat::Arguments;
use mcp_openai_bridge::tools::ToolSet;
use mcp_types::{JsonObject, RawJson, Tool};
use serde_json::Value;

use crate::exit::Failure;
use crate::output::shortened;

/// Takes `key=value` apart.
pub(crate) fn pair(word: &str) -> Result<(&str, &str), Failure> {
    match word.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        _ => Err(Failure::usage(format!("`{word}` is not an argument: it has no `key=` in front"))
            .hint("arguments are written `key=value`; put quotes around a value with spaces: 'text=two words'")),
    }
}

/// Puts the arguments of a call together: those of `--args-json`, and the words over them.
pub(crate) fn typed(tool: &Tool, words: &[String], json: Option<&str>) -> Result<RawJson, Failure> {
    let schema: Value = tool.input_schema.decode().unwrap_or_default();
    let mut arguments = match json {
        Some(text) => object(text)?,
        None => JsonObject::new(),
    };
    let mut given: Vec<(&str, Vec<&str>)> = Vec::new();
    for word in words {
        let (key, value) = pair(word)?;
        match given.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => given.push((key, vec![value])),
        }
    }
    for (key, values) in given {
        let property = property(&schema, key);
        let value = value_of(key, &values, Types::of(property, &schema), property, &schema)?;
        arguments.insert(key, value);
    }
    RawJson::encode(&arguments).map_err(|error| Failure::usage(format!("the arguments are no JSON: {error}")))
}

/// Reads a JSON object that the caller wrote.
pub(crate) fn object(text: &str) -> Result<JsonObject, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("the arguments {:?} are not a JSON object: {why}", shortened(text, 60)))
            .hint("write them like --args-json '{\"a\": 1}'")
    };
    let raw = RawJson::parse(text.trim().to_owned()).map_err(|error| wrong(error.to_string()))?;
    if !raw.is_object() {
        return Err(wrong("it is another kind of value".to_owned()));
    }
    raw.decode().map_err(|error| wrong(error.to_string()))
}

/// Checks arguments against the schema of the tool, and lists every fault.
pub(crate) fn check(tool: &Tool, arguments: &RawJson) -> Result<(), Failure> {
    let tools = ToolSet::builder().server("", std::slice::from_ref(tool)).build();
    // A tool whose schema cannot be read is checked by its server only.
    let Some(known) = tools.iter().next() else { return Ok(()) };
    let Err(rejection) = known.arguments(&Arguments::Json(arguments.clone())) else { return Ok(()) };
    let mut message = format!("wrong arguments for `{}`, which was not called:", tool.name);
    for fault in rejection.faults() {
        message.push_str(&format!("\n- {fault}"));
    }
    if rejection.has_more() {
        message.push_str("\n- and more");
    }
    Err(Failure::usage(message).hint(format!("it takes {}; `--unchecked` sends them anyway", signature(tool))))
}

/// Returns the tool with a schema that knows no other members than it names, unless it says that it does.
///
/// By default JSON Schema allows any other member, and a mistyped key would be lost without a word.
pub(crate) fn closed(tool: &Tool) -> Tool {
    let mut tool = tool.clone();
    let Ok(mut schema) = tool.input_schema.decode::<JsonObject>() else { return tool };
    let names_some = schema.member("properties").is_some_and(|known| known.as_str().contains(':'));
    if names_some && !OPENING.iter().any(|word| schema.member(word).is_some()) {
        schema.insert("additionalProperties", Value::Bool(false));
        tool.input_schema = RawJson::encode(&schema).unwrap_or(tool.input_schema);
    }
    tool
}

/// Writes what a tool takes, like `a: number, b?: string`.
pub(crate) fn signature(tool: &Tool) -> String {
    let schema: Value = tool.input_schema.decode().unwrap_or_default();
    let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|known| !known.is_empty()) else {
        return "no arguments".to_owned();
    };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let described = |(name, property): (&String, &Value)| {
        let mark = if required.contains(&name.as_str()) { "" } else { "?" };
        format!("{name}{mark}: {}", Types::of(property, &schema).names())
    };
    // Those that must be given come first.
    let (first, rest): (Vec<_>, Vec<_>) = properties.iter().partition(|(name, _)| required.contains(&name.as_str()));
    first.into_iter().chain(rest).map(described).collect::<Vec<_>>().join(", ")
}

/// What the schema says of a member; nothing of one that it does not name.
fn property<'a>(schema: &'a Value, key: &str) -> &'a Value {
    let named = schema.get("properties").and_then(|properties| properties.get(key));
    named.or_else(|| schema.get("additionalProperties")).unwrap_or(&Value::Null)
}

fn value_of(key: &str, values: &[&str], types: Types, property: &Value, schema: &Value) -> Result<RawJson, Failure> {
    match values {
        [value] if !types.array || types.fits(value).is_some() => Ok(types.read(value)),
        [_] if types.string => Ok(types.read(values.first().copied().unwrap_or_default())),
        values if types.array => {
            let items = property.get("items").unwrap_or(&Value::Null);
            let items = Types::of(items, schema);
            let items: Vec<RawJson> = values.iter().map(|value| items.read(value)).collect();
            RawJson::encode(&items).map_err(|error| Failure::usage(format!("`{key}`: {error}")))
        }
        _ => Err(Failure::usage(format!("the argument `{key}` is given {} times and is no array", values.len()))
            .hint("give it once")),
    }
}

/// The JSON types that a schema allows; all of them when it does not say.
#[derive(Clone, Copy, Debug, Default)]
struct Types {
    array: bool,
    boolean: bool,
    null: bool,
    number: bool,
    object: bool,
    string: bool,
}

impl Types {
    fn of(property: &Value, root: &Value) -> Self {
        let mut types = Self::default();
        types.collect(property, root, 0);
        types
    }

    fn collect(&mut self, schema: &Value, root: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match schema.get("type") {
            Some(Value::String(name)) => self.add(name),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).for_each(|name| self.add(name)),
            _ => {}
        }
        let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        for value in listed.chain(schema.get("const")).filter(|_| schema.get("type").is_none()) {
            self.add_type_of(value);
        }
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix('#'));
        if let Some(target) = target.and_then(|pointer| root.pointer(pointer)) {
            self.collect(target, root, depth + 1);
        }
        for word in ["anyOf", "oneOf", "allOf"] {
            for schema in schema.get(word).and_then(Value::as_array).into_iter().flatten() {
                self.collect(schema, root, depth + 1);
            }
        }
    }

    fn add(&mut self, name: &str) {
        match name {
            "array" => self.array = true,
            "boolean" => self.boolean = true,
            "integer" | "number" => self.number = true,
            "null" => self.null = true,
            "object" => self.object = true,
            "string" => self.string = true,
            _ => {}
        }
    }

    fn add_type_of(&mut self, value: &Value) {
        self.add(match value {
            Value::Array(_) => "array",
            Value::Bool(_) => "boolean",
            Value::Null => "null",
            Value::Number(_) => "number",
            Value::Object(_) => "object",
            Value::String(_) => "string",
        });
    }

    /// Reads a value as JSON, when it is JSON of a type that is allowed and no text.
    fn fits(self, value: &str) -> Option<RawJson> {
        let raw = RawJson::parse(value.to_owned()).ok()?;
        let allowed = match raw.decode::<Value>().ok()? {
            Value::Array(_) => self.array,
            Value::Bool(_) => self.boolean,
            Value::Null => self.null,
            Value::Number(_) => self.number,
            Value::Object(_) => self.object,
            Value::String(_) => false,
        };
        allowed.then_some(raw)
    }

    /// Reads a value as what fits, and as a text when nothing does; the check of the arguments says what is wrong then.
    fn read(self, value: &str) -> RawJson {
        self.fits(value).unwrap_or_else(|| RawJson::from(Value::from(value)))
    }

    fn names(self) -> String {
        let known = [
            (self.string, "string"),
            (self.number, "number"),
            (self.boolean, "true|false"),
            (self.array, "array"),
            (self.object, "object"),
            (self.null, "null"),
        ];
        let names: Vec<&str> = known.into_iter().filter(|(allowed, _)| *allowed).map(|(_, name)| name).collect();
        if names.is_empty() { "any".to_owned() } else { names.join("|") }
    }
}

/// Words with which a schema says something of members that `properties` does not name.
const OPENING: [&str; 8] =
    ["$ref", "additionalProperties", "allOf", "anyOf", "if", "oneOf", "patternProperties", "unevaluatedProperties"];

/// Levels of references and alternatives that are followed.
const MAX_DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(schema: &str) -> Tool {
        Tool::new("t", RawJson::parse(schema.to_owned()).unwrap())
    }

    fn typed_as(schema: &str, words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match typed(&tool(schema), &words, None) {
            Ok(arguments) => arguments.to_string(),
            Err(failure) => format!("{} | {}", failure.message, failure.hint.unwrap_or_default()),
        }
    }

    const SCHEMA: &str = r##"{"type":"object","properties":{
        "n":{"type":"number"},"s":{"type":"string"},"b":{"type":"boolean"},"l":{"type":"array","items":{"type":"integer"}},
        "o":{"$ref":"#/$defs/o"},"m":{"anyOf":[{"type":"integer"},{"type":"null"}]},"x":{},
        "file_name":{"type":["string","null"]}},"$defs":{"o":{"type":"object"}}}"##;

    #[test]
    fn a_value_becomes_what_the_schema_wants() {
        let check = |word: &str, expected: &str| assert_eq!(typed_as(SCHEMA, &[word]), expected);
        check("n=1.50", r#"{"n":1.50}"#);
        check("n=12345678901234567890", r#"{"n":12345678901234567890}"#);
        check("s=1", r#"{"s":"1"}"#);
        check("s=a=b", r#"{"s":"a=b"}"#);
        check("s=", r#"{"s":""}"#);
        check("b=true", r#"{"b":true}"#);
        check("o={\"a\":[1]}", r#"{"o":{"a":[1]}}"#);
        check("m=null", r#"{"m":null}"#);
        check("m=7", r#"{"m":7}"#);
        check("x=7", r#"{"x":"7"}"#);
        check("file_name=\"q\"", r#"{"file_name":"\"q\""}"#);
        check("l=[1,2]", r#"{"l":[1,2]}"#);
        check("l=1", r#"{"l":[1]}"#);
        assert_eq!(typed_as(SCHEMA, &["l=1", "l=2"]), r#"{"l":[1,2]}"#);
    }

    #[test]
    fn a_key_that_does_not_exist_is_refused_with_what_was_meant() {
        let check = |schema: &str, word: &str| {
            let arguments = typed(&tool(schema), &[word.to_owned()], None).unwrap();
            check(&closed(&tool(schema)), &arguments).map_err(|failure| failure.message)
        };
        let message = check(SCHEMA, "fileName=a").unwrap_err();
        assert!(message.contains("fileName") && message.contains("did you mean `file_name`?"), "{message}");
        assert!(
            check(r#"{"type":"object","properties":{"a":{}},"additionalProperties":{"type":"number"}}"#, "z=1").is_ok()
        );
        assert!(check(r#"{"type":"object"}"#, "z=1").is_ok());
    }

    #[test]
    fn a_word_without_a_key_or_given_twice_is_refused() {
        assert!(typed_as(SCHEMA, &["hello"]).starts_with("`hello` is not an argument: it has no `key=` in front | "));
        assert_eq!(
            typed_as(SCHEMA, &["n=1", "n=2"]),
            "the argument `n` is given 2 times and is no array | give it once"
        );
    }

    #[test]
    fn words_stand_over_the_json() {
        let words = ["n=2".to_owned()];
        let arguments = typed(&tool(SCHEMA), &words, Some(r#"{"n":1,"s":"x"}"#)).unwrap();
        assert_eq!(arguments.as_str(), r#"{"n":2,"s":"x"}"#);
        assert!(typed(&tool(SCHEMA), &[], Some("[1]")).is_err());
        assert!(typed(&tool(SCHEMA), &[], Some("{\"n\":")).is_err());
    }

    #[test]
    fn every_fault_is_listed_before_anything_is_sent() {
        let schema =
            r#"{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"boolean"}},"required":["a"]}"#;
        let wrong = RawJson::parse(r#"{"b":"maybe"}"#).unwrap();
        let failure = check(&tool(schema), &wrong).unwrap_err();
        assert!(failure.message.contains("`a`: missing") && failure.message.contains("`b`: "), "{}", failure.message);
        assert_eq!(failure.hint.unwrap(), "it takes a: number, b?: true|false; `--unchecked` sends them anyway");
        assert!(check(&tool(schema), &RawJson::parse(r#"{"a":1}"#).unwrap()).is_ok());
    }
}
