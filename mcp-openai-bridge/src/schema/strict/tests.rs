//! What becomes strict and how, what does not and why, and that arguments for the one are arguments for the other.

use mcp_types::RawJson;

use super::*;
use crate::schema::{Limits, convert};

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

fn converted(schema: &str) -> Result<StrictParameters, Obstacle> {
    strict(&convert(&raw(schema), &Limits::default()).unwrap())
}

/// A closed object with one required member.
fn around(member: &str) -> String {
    format!(r#"{{"type":"object","properties":{{"x":{member}}},"required":["x"],"additionalProperties":false}}"#)
}

/// A closed object with one member that may be left out.
fn around_optional(member: &str) -> String {
    format!(r#"{{"type":"object","properties":{{"x":{member}}},"additionalProperties":false}}"#)
}

fn check(member: &str, expected: &str) {
    assert_eq!(converted(&around(member)).unwrap().schema().as_str(), around(expected), "{member}");
}

fn check_optional(member: &str, expected: &str) {
    assert_eq!(converted(&around_optional(member)).unwrap().schema().as_str(), around(expected), "{member}");
}

fn refused(schema: &str, path: &str, expected: &str) {
    let obstacle = converted(schema).unwrap_err();
    assert_eq!((obstacle.path.as_str(), obstacle.hindrance.to_string().as_str()), (path, expected), "{schema}");
}

fn stripped(schema: &str, arguments: &str, expected: &str) {
    assert_eq!(converted(schema).unwrap().strip(raw(arguments)).as_str(), expected, "{schema}");
}

#[test]
fn a_schema_that_is_strict_already_stays_byte_for_byte() {
    for member in [
        r#"{"type":"string","pattern":"^[a-z]+$","format":"email"}"#,
        r#"{"type":"integer","minimum":1,"exclusiveMaximum":9,"multipleOf":2}"#,
        r#"{"type":["string","null"],"title":"t","description":"d"}"#,
        r#"{"type":"string","enum":["a","b"]}"#,
        r#"{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3}"#,
        r#"{"anyOf":[{"type":"string"},{"type":"number"}]}"#,
        r##"{"$ref":"#"}"##,
        r#"{"type":"object","properties":{},"required":[],"additionalProperties":false}"#,
    ] {
        check(member, member);
    }
}

#[test]
fn a_member_that_may_be_left_out_becomes_one_that_may_be_null() {
    check_optional(r#"{"type":"string"}"#, r#"{"type":["string","null"]}"#);
    check_optional(r#"{"type":"string","enum":["a"]}"#, r#"{"type":["string","null"],"enum":["a",null]}"#);
    check_optional(
        r#"{"type":"array","items":{"type":"null"},"description":"d"}"#,
        r#"{"anyOf":[{"type":"array","items":{"type":"null"}},{"type":"null"}],"description":"d"}"#,
    );
    check_optional(
        r#"{"anyOf":[{"type":"string"},{"type":"number"}]}"#,
        r#"{"anyOf":[{"type":"string"},{"type":"number"},{"type":"null"}]}"#,
    );
    check_optional(r##"{"$ref":"#"}"##, r##"{"anyOf":[{"$ref":"#"},{"type":"null"}]}"##);
    // What may be null already is not changed.
    check_optional(r#"{"type":["string","null"]}"#, r#"{"type":["string","null"]}"#);
    check_optional(r#"{"type":"string","nullable":true}"#, r#"{"type":["string","null"]}"#);
}

#[test]
fn a_default_is_said_in_words() {
    check_optional(
        r#"{"type":"integer","default":5,"description":"How many."}"#,
        r#"{"type":["integer","null"],"description":"How many. Default: 5"}"#,
    );
    check_optional(r#"{"type":"string","default":""}"#, r#"{"type":["string","null"],"description":"Default: \"\""}"#);
    check_optional(r#"{"type":"string","default":null}"#, r#"{"type":["string","null"]}"#);
}

#[test]
fn values_and_types_are_written_in_the_words_of_the_subset() {
    check(r#"{"const":"a"}"#, r#"{"type":"string","enum":["a"]}"#);
    check(r#"{"enum":["a",null]}"#, r#"{"type":["string","null"],"enum":["a",null]}"#);
    check(r#"{"enum":["a",1]}"#, r#"{"anyOf":[{"type":"string","enum":["a"]},{"type":"number","enum":[1]}]}"#);
    check(r#"{"type":"integer","enum":[1,1.5,2.0,"a"]}"#, r#"{"type":"integer","enum":[1,2.0]}"#);
    check(
        r#"{"type":["string","integer"],"minimum":1,"pattern":"a"}"#,
        r#"{"anyOf":[{"type":"string","pattern":"a"},{"type":"integer","minimum":1}]}"#,
    );
    check(r#"{"allOf":[{"type":"string"}],"description":"d"}"#, r#"{"anyOf":[{"type":"string"}],"description":"d"}"#);
}

#[test]
fn what_forbids_nothing_is_left_out() {
    check(
        r#"{"type":"string","format":"uri","examples":["a"],"x-order":1,"deprecated":true,"minLength":0,"$comment":"c"}"#,
        r#"{"type":"string"}"#,
    );
    check(
        r#"{"type":"array","items":{"type":"null"},"uniqueItems":false}"#,
        r#"{"type":"array","items":{"type":"null"}}"#,
    );
}

#[test]
fn exactly_one_of_several_is_any_of_them_when_they_are_told_apart() {
    let tagged = |keyword: &str| {
        let one = |tag: &str, name: &str| {
            format!(
                r#"{{"type":"object","properties":{{"kind":{{"type":"string","enum":["{tag}"]}},"{name}":{{"type":"string"}}}},"required":["kind","{name}"],"additionalProperties":false}}"#
            )
        };
        format!(r#"{{"{keyword}":[{},{}]}}"#, one("a", "x"), one("b", "y"))
    };
    check(&tagged("oneOf"), &tagged("anyOf"));
    check(r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#, r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#);
    let ambiguous = "it cannot be told from the value which of the alternatives is meant";
    for member in [
        r#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#,
        r#"{"oneOf":[{"const":1},{"const":1.0}]}"#,
        r#"{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false},{"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"],"additionalProperties":false}]}"#,
    ] {
        refused(&around(member), "/properties/x", ambiguous);
    }
}

#[test]
fn what_the_subset_cannot_say_is_an_obstacle_with_its_place() {
    let x = "/properties/x";
    let open = "members are allowed that are not named, and strict mode needs `\"additionalProperties\": false`";
    let any = "any value is allowed here, and strict mode needs a type";
    refused("{}", "", open);
    refused(r#"{"type":"object","additionalProperties":{"type":"string"}}"#, "", open);
    refused(&around(r#"{"type":"object","properties":{}}"#), x, open);
    refused(&around(r#"{"type":"array","items":{"type":"object"}}"#), "/properties/x/items", open);
    refused(&around("{}"), x, any);
    refused(&around(r#"{"type":"array"}"#), "/properties/x/items", any);
    refused(&around(r#"{"description":"d"}"#), x, any);
    refused(&around(r#"{"type":"string","minLength":1}"#), x, "strict mode has no `minLength`");
    refused(
        &around(r#"{"type":"array","items":{"type":"null"},"uniqueItems":true}"#),
        x,
        "strict mode has no `uniqueItems`",
    );
    refused(&around(r#"{"type":"string","not":{"const":"a"}}"#), x, "strict mode has no `not`");
    refused(&around(r#"{"type":"string","anyOf":[{"pattern":"a"}]}"#), x, "strict mode has no `anyOf`");
    refused(&around(r#"{"enum":[{"a":1}]}"#), x, "strict mode has no `enum`");
    refused(&around(r#"{"type":"string","enum":[1]}"#), x, "strict mode has no `enum`");
    refused(
        &around(r#"{"type":"string","pattern":"^(?!a)b"}"#),
        x,
        "the schema means something else since the conversion left out the pattern `^(?!a)b`",
    );
    refused(
        &around(r#"{"type":"string","description":1}"#),
        x,
        "the schema means something else since the conversion left out `description`",
    );
    refused(
        r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false,"anyOf":[{"required":["a"]}]}"#,
        "",
        "the schema means something else since the conversion merged `anyOf` into one object",
    );
}

#[test]
fn a_root_that_only_refers_to_an_object_is_that_object() {
    let schema = r##"{"$ref":"#/definitions/A","definitions":{"A":{"type":"object","description":"d","properties":{"next":{"$ref":"#/definitions/A"}},"additionalProperties":false}}}"##;
    assert_eq!(
        converted(schema).unwrap().schema().as_str(),
        r##"{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/A"},{"type":"null"}]}},"required":["next"],"additionalProperties":false,"description":"d","$defs":{"A":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/A"},{"type":"null"}]}},"required":["next"],"additionalProperties":false,"description":"d"}}}"##
    );
}

#[test]
fn the_limits_of_strict_mode_hold() {
    let limit =
        |schema: &str, expected: &str| refused(schema, "", &format!("strict mode takes no more than {expected}"));
    let members = |count: usize, name: &str| {
        let members: Vec<String> = (0..count).map(|n| format!(r#""{name}{n}":{{"type":"null"}}"#)).collect();
        format!(r#"{{"type":"object","properties":{{{}}},"additionalProperties":false}}"#, members.join(","))
    };
    // The conversion allows fewer schemas than strict mode allows members, so that names are the way to this limit.
    limit(&members(2000, &"n".repeat(60)), "120000 characters in names and values");
    let values = |count: usize, text: &str| {
        let values: Vec<String> = (0..count).map(|n| format!("\"{text}{n}\"")).collect();
        around(&format!(r#"{{"type":"string","enum":[{}]}}"#, values.join(",")))
    };
    assert!(converted(&values(1000, "")).is_ok());
    limit(&values(1001, ""), "1000 values in lists of values");
    // Before alternatives are compared with each other, which would be so many texts that it takes seconds.
    let one = |n: usize| {
        format!(r#"{{"enum":[{}]}}"#, (0..250).map(|v| format!("\"{n}-{v}\"")).collect::<Vec<_>>().join(","))
    };
    let alternatives: Vec<String> = (0..100).map(one).collect();
    let one_of = format!(r#"{{"oneOf":[{},{{}}]}}"#, alternatives.join(","));
    limit(&around(&one_of), "1000 values in lists of values");
    limit(&values(251, &"v".repeat(60)), "15000 characters in one list of values");
    assert!(converted(&values(250, &"v".repeat(60))).is_ok());
    let nested = |levels: usize| (0..levels).fold(r#"{"type":"null"}"#.to_owned(), |inner, _| around(&inner));
    assert!(converted(&nested(9)).is_ok());
    limit(&nested(10), "10 levels");
    assert!(converted(&around_optional(r##"{"$ref":"#"}"##)).is_ok(), "a circle is no depth");
}

#[test]
fn null_for_a_member_that_is_not_given_is_taken_away_at_every_depth() {
    let tree = r##"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":["string","null"]},"c":{"type":"array","items":{"$ref":"#/$defs/n"}}},"required":["c"],"additionalProperties":false,"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"n":{"$ref":"#/$defs/n"}},"additionalProperties":false}}}"##;
    stripped(
        tree,
        r#"{"a":null,"b":null,"c":[{"v":null,"n":{"v":1.0,"n":null}},{"v":2,"n":null}]}"#,
        r#"{"b":null,"c":[{"n":{"v":1.0}},{"v":2}]}"#,
    );
    // Nothing to take away: the bytes stay.
    stripped(tree, r#"{ "a" : "null", "b":null, "c":[] }"#, r#"{ "a" : "null", "b":null, "c":[] }"#);
}

#[test]
fn null_is_taken_away_in_the_alternative_that_is_meant() {
    let one = |tag: &str, other: &str| {
        format!(
            r#"{{"type":"object","properties":{{"kind":{{"const":"{tag}"}},"v":{other}}},"required":["kind"],"additionalProperties":false}}"#
        )
    };
    let schema = around(&format!(
        r#"{{"oneOf":[{},{},{{"type":"null"}}]}}"#,
        one("a", r#"{"type":"string"}"#),
        one("b", r#"{"type":["string","null"]}"#)
    ));
    stripped(&schema, r#"{"x":{"kind":"a","v":null}}"#, r#"{"x":{"kind":"a"}}"#);
    stripped(&schema, r#"{"x":{"kind":"b","v":null}}"#, r#"{"x":{"kind":"b","v":null}}"#);
    stripped(&schema, r#"{"x":null}"#, r#"{"x":null}"#);
}

#[cfg(feature = "validate")]
mod equivalence {
    use serde_json::{Value as Tree, json};

    use super::*;

    /// Numbers that look random and are the same in every run.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % sides
        }

        /// A schema of which much can be said in the subset, and some cannot.
        fn schema(&mut self, depth: usize) -> Tree {
            match self.roll(if depth == 0 { 6 } else { 11 }) {
                0 => json!({"type": "string"}),
                1 => json!({"type": ["integer", "null"], "minimum": 0}),
                2 => json!({"enum": ["a", "b", null]}),
                3 => json!({"type": "boolean", "nullable": true}),
                4 => json!({"const": 7}),
                5 => json!({"$ref": "#/$defs/d"}),
                6 => json!({"type": "array", "items": self.schema(depth - 1), "minItems": 1}),
                7 => json!({"anyOf": [self.schema(depth - 1), self.schema(depth - 1)]}),
                8 => {
                    json!({"oneOf": [self.object(depth - 1, Some("p")), self.object(depth - 1, Some("q")), {"type": "null"}]})
                }
                _ => self.object(depth - 1, None),
            }
        }

        fn object(&mut self, depth: usize, tag: Option<&str>) -> Tree {
            let mut properties = serde_json::Map::new();
            let mut required = Vec::new();
            if let Some(tag) = tag {
                properties.insert("tag".to_owned(), json!({"const": tag}));
                required.push("tag");
            }
            for name in ["a", "b", "c"] {
                let (is_there, is_required) = (self.roll(2) == 0, self.roll(2) == 0);
                if is_there {
                    properties.insert(name.to_owned(), self.schema(depth));
                }
                if is_there && is_required {
                    required.push(name);
                }
            }
            json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
        }

        /// A value that follows a schema of the subset; `None` when it would become too deep.
        fn value(&mut self, schema: &Tree, root: &Tree, depth: usize) -> Option<Tree> {
            if depth == 0 {
                return None;
            }
            if let Some(reference) = schema["$ref"].as_str() {
                return self.value(root.pointer(reference.strip_prefix('#')?)?, root, depth - 1);
            }
            if let Some(alternatives) = schema["anyOf"].as_array() {
                let first = self.roll(alternatives.len());
                let mut order = (0..alternatives.len()).map(|n| &alternatives[(first + n) % alternatives.len()]);
                return order.find_map(|one| self.value(one, root, depth - 1));
            }
            if let Some(values) = schema["enum"].as_array() {
                return Some(values[self.roll(values.len())].clone());
            }
            let kind = match &schema["type"] {
                Tree::Array(kinds) => kinds[self.roll(kinds.len())].as_str()?,
                kind => kind.as_str()?,
            };
            Some(match kind {
                "string" => json!("text"),
                "integer" | "number" => json!(self.roll(9)),
                "boolean" => json!(true),
                "null" => Tree::Null,
                "array" => {
                    let count = self.roll(2) + 1;
                    Tree::Array(
                        (0..count).map(|_| self.value(&schema["items"], root, depth - 1)).collect::<Option<_>>()?,
                    )
                }
                _ => {
                    let members = schema["properties"].as_object()?.iter();
                    let members: Option<serde_json::Map<String, Tree>> = members
                        .map(|(name, member)| Some((name.clone(), self.value(member, root, depth - 1)?)))
                        .collect();
                    Tree::Object(members?)
                }
            })
        }
    }

    /// Whatever the model may send in strict mode is accepted by the server's schema once it is stripped, and a member
    /// that is not given is not given.
    #[test]
    fn arguments_of_the_strict_schema_are_arguments_of_the_servers_schema() {
        let mut dice = Dice(11);
        let (mut strict, mut checked, mut changed) = (0, 0, 0);
        for _ in 0..600 {
            let mut schema = dice.object(3, None);
            schema["$defs"] = json!({"d": dice.object(1, None)});
            let Ok(parameters) = convert(&raw(&schema.to_string()), &Limits::default()) else { continue };
            let Ok(converted) = super::strict(&parameters) else { continue };
            strict += 1;
            let original = crate::schema::nullable::said_plainly(&raw(&schema.to_string()));
            let original = jsonschema::validator_for(&original.decode().unwrap()).unwrap();
            let published: Tree = converted.schema().decode().unwrap();
            let validator = jsonschema::validator_for(&published).unwrap();
            for _ in 0..8 {
                let Some(value) = dice.value(&published, &published, 12) else { continue };
                assert!(validator.is_valid(&value), "{published}\n{value}");
                let stripped: Tree = converted.strip(raw(&value.to_string())).decode().unwrap();
                assert!(original.is_valid(&stripped), "{schema}\nbecame\n{published}\n{value}\nbecame\n{stripped}");
                checked += 1;
                changed += usize::from(stripped != value);
            }
        }
        assert!(strict > 100 && checked > 800 && changed > 200, "{strict} {checked} {changed}");
    }
}
