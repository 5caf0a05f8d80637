//! Proving that a value follows an ordinary schema while walking over its text once.
//!
//! The surprising thing: the answer is "proven" or "do not know", never "wrong". A shape understands the keywords that
//! derived schemas are made of; whatever it meets beyond them is left to the full validator.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mcp_types::RawJson;
use mcp_types::json::{Kind, Walk};
use serde_json::{Map, Value};

/// A schema as a graph of nodes; the first is the root.
pub(super) struct Shape {
    nodes: Vec<Node>,
}

/// The place of a node; [`ANY`] accepts everything.
type Place = usize;

const ANY: Place = usize::MAX;
/// The greatest number of required members that a node keeps track of.
const MAX_REQUIRED: usize = 64;
/// The levels down to which a schema is read, references followed; each takes its share of the stack.
const MAX_DEPTH: usize = 128;
/// Below it an `f64` tells whole numbers apart, so that bounds can be compared; 2^53 is also what 2^53 + 1 becomes.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[derive(Clone)]
struct Node {
    kinds: Kinds,
    /// By their names in UTF-8; shared by all that refer to them, as the words are.
    members: Arc<BTreeMap<Box<[u8]>, Member>>,
    /// The bits of all required members.
    required: u64,
    /// What members of other names must be; `None` when there may be none.
    rest: Option<Place>,
    items: Place,
    /// Sorted.
    words: Option<Arc<[Box<str>]>>,
    minimum: f64,
    maximum: f64,
}

#[derive(Clone, Copy)]
struct Member {
    place: Place,
    bit: u64,
}

/// A set of JSON types.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kinds(u8);

impl Kinds {
    const NULL: Self = Self(1);
    const BOOLEAN: Self = Self(2);
    const INTEGER: Self = Self(4);
    const NUMBER: Self = Self(8 | 4);
    const STRING: Self = Self(16);
    const ARRAY: Self = Self(32);
    const OBJECT: Self = Self(64);
    const ALL: Self = Self(127);

    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" => Self::INTEGER,
            "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => return None,
        })
    }

    fn read(schema: &Map<String, Value>) -> Option<Self> {
        match schema.get("type") {
            None => Some(Self::ALL),
            Some(Value::String(word)) => Self::of(word),
            Some(Value::Array(words)) => {
                words.iter().try_fold(Self(0), |kinds, word| Some(Self(kinds.0 | Self::of(word.as_str()?)?.0)))
            }
            Some(_) => None,
        }
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Shape {
    /// Reads a schema; `None` when it has a keyword that a shape does not understand.
    pub(super) fn of(schema: &Value) -> Option<Self> {
        if schema.get("$schema").is_some_and(|dialect| dialect != "https://json-schema.org/draft/2020-12/schema") {
            return None;
        }
        // Below a second `$id`, `#` means another document; below a second `$schema`, all may.
        if parts(schema).any(begins_anew) {
            return None;
        }
        let mut reader = Reader { root: schema, nodes: Vec::new(), places: HashMap::new(), depth: 0 };
        let root = reader.place(schema)?;
        let nodes: Vec<Node> = reader.nodes.into_iter().collect::<Option<_>>()?;
        (root == 0).then_some(Self { nodes })
    }

    /// Returns whether the value certainly follows the schema.
    pub(super) fn proves(&self, value: &RawJson) -> bool {
        self.prove(0, &mut value.walk()).is_some()
    }
}

/// Reads the nodes of a shape out of a schema.
struct Reader<'a> {
    root: &'a Value,
    /// `None` while a node is being read.
    nodes: Vec<Option<Node>>,
    places: HashMap<*const Value, Place>,
    /// Nodes that are being read.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn place(&mut self, schema: &'a Value) -> Option<Place> {
        if let Some(place) = self.places.get(&std::ptr::from_ref(schema)) {
            return Some(*place);
        }
        match schema {
            Value::Bool(true) => return Some(ANY),
            Value::Object(keywords) if keywords.keys().all(|name| is_annotation(name)) && !self.nodes.is_empty() => {
                return Some(ANY);
            }
            _ => {}
        }
        let place = self.nodes.len();
        self.places.insert(schema, place);
        self.nodes.push(None);
        self.depth += 1;
        let node = if self.depth > MAX_DEPTH { None } else { self.node(schema.as_object()?) }?;
        self.depth -= 1;
        *self.nodes.get_mut(place)? = Some(node);
        Some(place)
    }

    fn node(&mut self, keywords: &'a Map<String, Value>) -> Option<Node> {
        if let Some(reference) = keywords.get("$ref") {
            let alone = keywords.keys().all(|name| name == "$ref" || is_annotation(name));
            return if alone { self.referred(reference.as_str()?) } else { None };
        }
        if let Some(choices) = keywords.get("anyOf") {
            let alone = keywords.keys().all(|name| name == "anyOf" || is_annotation(name));
            return if alone { self.nullable(choices.as_array()?) } else { None };
        }
        let mut node = Node { kinds: Kinds::read(keywords)?, ..Node::default() };
        for (name, value) in keywords {
            match name.as_str() {
                "type" | "required" => {}
                "properties" => self.members(&mut node, value.as_object()?)?,
                "additionalProperties" if value == &Value::Bool(false) => node.rest = None,
                "additionalProperties" => node.rest = Some(self.place(value)?),
                "items" => node.items = self.place(value)?,
                // Beside a `const` it may only narrow it, which is rare enough for the full validator.
                "enum" if !keywords.contains_key("const") => node.words = Some(words(value.as_array()?)?),
                "const" => node.words = Some([value.as_str()?.into()].into()),
                "minimum" => node.minimum = value.as_f64()?,
                "maximum" => node.maximum = value.as_f64()?,
                name if is_annotation(name) => {}
                _ => return None,
            }
        }
        if node.words.is_some() {
            // The words are strings, so nothing else can follow them, and not even they where the type is another one.
            node.kinds = Kinds(node.kinds.0 & Kinds::STRING.0);
        }
        require(&mut node, keywords.get("required"))?;
        Some(node)
    }

    fn members(&mut self, node: &mut Node, properties: &'a Map<String, Value>) -> Option<()> {
        for (name, schema) in properties {
            let place = self.place(schema)?;
            Arc::make_mut(&mut node.members).insert(name.as_bytes().into(), Member { place, bit: 0 });
        }
        Some(())
    }

    fn referred(&mut self, reference: &str) -> Option<Node> {
        let target = match reference.strip_prefix('#')? {
            "" => self.root,
            pointer if pointer.starts_with('/') && !pointer.contains('%') => self.root.pointer(pointer)?,
            _ => return None,
        };
        let place = self.place(target)?;
        // A node that is still being read refers to itself, which is rare enough for the full validator.
        self.nodes.get(place)?.clone()
    }

    /// Reads `anyOf` of something and `null`, which is what an optional structure becomes.
    fn nullable(&mut self, choices: &'a [Value]) -> Option<Node> {
        let [something, null] = choices else { return None };
        if null.as_object()?.len() != 1 || null.get("type")? != "null" {
            return None;
        }
        let place = self.place(something)?;
        let mut node = self.nodes.get(place)?.clone()?;
        node.kinds = Kinds(node.kinds.0 | Kinds::NULL.0);
        Some(node)
    }
}

impl Default for Node {
    fn default() -> Self {
        Self {
            kinds: Kinds::ALL,
            members: Arc::default(),
            required: 0,
            rest: Some(ANY),
            items: ANY,
            words: None,
            minimum: f64::NEG_INFINITY,
            maximum: f64::INFINITY,
        }
    }
}

fn require(node: &mut Node, names: Option<&Value>) -> Option<()> {
    let Some(names) = names else { return Some(()) };
    let names = names.as_array()?;
    if names.len() > MAX_REQUIRED {
        return None;
    }
    let rest = node.rest;
    let members = Arc::make_mut(&mut node.members);
    for (at, name) in names.iter().enumerate() {
        let bit = 1_u64 << at;
        let name = name.as_str()?.as_bytes();
        let member = match members.get_mut(name) {
            Some(member) => member,
            None => members.entry(name.into()).or_insert(Member { place: rest?, bit: 0 }),
        };
        member.bit |= bit;
        node.required |= bit;
    }
    Some(())
}

fn parts(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn begins_anew(value: &Value) -> bool {
    value.get("$id").is_some() || value.get("$schema").is_some() || parts(value).any(begins_anew)
}

fn words(values: &[Value]) -> Option<Arc<[Box<str>]>> {
    let mut words: Vec<Box<str>> = values.iter().map(|value| value.as_str().map(Into::into)).collect::<Option<_>>()?;
    words.sort_unstable();
    Some(words.into())
}

/// Keywords that say nothing about which values are right. `format` is one of them in 2020-12.
fn is_annotation(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "title",
        "description",
        "default",
        "examples",
        "format",
        "deprecated",
        "readOnly",
        "writeOnly",
        "$comment",
        "$schema",
        "$defs",
        "definitions",
        "$id",
    ];
    NAMES.contains(&name) || name.starts_with("x-")
}

impl Node {
    /// Returns the node when a value may be of this kind.
    fn of_kind(&self, kind: Kinds) -> Option<&Self> {
        self.kinds.has(kind).then_some(self)
    }

    /// Proves a number by its text.
    fn number(&self, text: &str) -> Option<()> {
        let is_integer = text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
        self.of_kind(if is_integer { Kinds::INTEGER } else { Kinds::NUMBER })?;
        if self.minimum.is_finite() || self.maximum.is_finite() {
            // By the parser that reads the number for the validator, since two may differ in the last digit.
            let number: f64 = serde_json::from_str(text).ok()?;
            let is_right = number.abs() < EXACT && number >= self.minimum && number <= self.maximum;
            return is_right.then_some(());
        }
        Some(())
    }

    /// Proves a string.
    fn text(&self, walk: &mut Walk<'_>) -> Option<()> {
        let Some(words) = &self.of_kind(Kinds::STRING)?.words else { return walk.skip() };
        let text = walk.text()?;
        words.binary_search_by(|word| word.as_bytes().cmp(&text)).ok().map(drop)
    }
}

impl Shape {
    /// Proves the value that stands at `walk`; `None` means "not proven".
    fn prove(&self, place: Place, walk: &mut Walk<'_>) -> Option<()> {
        if place == ANY {
            return walk.skip();
        }
        let node = self.nodes.get(place)?;
        match walk.kind()? {
            Kind::Array => {
                let items = node.of_kind(Kinds::ARRAY)?.items;
                walk.items(|walk| self.prove(items, walk))
            }
            Kind::Boolean => node.of_kind(Kinds::BOOLEAN).and_then(|_| walk.skip()),
            Kind::Null => node.of_kind(Kinds::NULL).and_then(|_| walk.skip()),
            Kind::Number => node.number(walk.number()?),
            Kind::Object => self.prove_members(node.of_kind(Kinds::OBJECT)?, walk),
            Kind::String => node.text(walk),
        }
    }

    fn prove_members(&self, node: &Node, walk: &mut Walk<'_>) -> Option<()> {
        let mut found = 0_u64;
        walk.members(|walk, name| {
            let place = match node.members.get(name) {
                // A required member that stands twice is for the validator to judge.
                Some(member) if found & member.bit != 0 => return None,
                Some(member) => {
                    found |= member.bit;
                    member.place
                }
                None => node.rest?,
            };
            self.prove(place, walk)
        })?;
        (found == node.required).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape() -> Shape {
        Shape::of(&json!({
            "type": "object",
            "properties": {
                "a": {"type": "integer", "minimum": 0, "maximum": 255},
                "b": {"type": ["string", "null"]},
                "c": {"type": "array", "items": {"$ref": "#/$defs/point"}},
                "d": {"anyOf": [{"$ref": "#/$defs/point"}, {"type": "null"}]},
                "e": {"type": "string", "enum": ["x", "y"]},
                "f": {"type": "number"}
            },
            "required": ["a"],
            "additionalProperties": false,
            "$defs": {"point": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}}
        }))
        .unwrap()
    }

    #[test]
    fn what_follows_the_schema_is_proven() {
        for text in [
            r#"{"a":0}"#,
            r#"{"a":255,"b":null,"c":[{"x":1.5},{"x":2,"y":{}}],"d":null,"e":"y","f":1}"#,
            r#"{"\u0061":7,"d":{"x":0}}"#,
            r#" { "a" : 1 , "e" : "\u0078", "f" : 1e0 } "#,
        ] {
            assert!(shape().proves(&RawJson::parse(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_does_not_follow_the_schema_is_never_proven() {
        for text in [
            "{}",
            "[]",
            r#"{"a":256}"#,
            r#"{"a":-1}"#,
            r#"{"a":1.5}"#,
            r#"{"a":1,"e":"\\u0078"}"#,
            r#"{"a":18446744073709551616}"#,
            r#"{"a":"1"}"#,
            r#"{"a":1,"z":1}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":1,"c":[{}]}"#,
            r#"{"a":1,"c":[[1]]}"#,
            r#"{"a":1,"d":{"x":"no"}}"#,
            r#"{"a":1,"e":"z"}"#,
            r#"{"a":1,"e":{"x":null}}"#,
            r#"{"a":1,"f":"1"}"#,
        ] {
            assert!(!shape().proves(&RawJson::parse(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn a_schema_with_other_keywords_has_no_shape() {
        for schema in [
            json!({"type": "string", "pattern": "a"}),
            json!({"oneOf": [{}]}),
            json!({"type": "object", "properties": {"a": {"not": {}}}}),
            json!({"enum": [1, 2]}),
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}),
            json!({"const": "a", "enum": ["a", "b"]}),
            json!({"properties": {"m": {"$schema": "http://json-schema.org/draft-07/schema#", "format": "email"}}}),
            json!({"$defs": {"a": {"$id": "https://x.example/a", "$defs": {"b": {"type": "integer"}}}}, "type": "object"}),
            json!(false),
        ] {
            assert!(Shape::of(&schema).is_none(), "{schema}");
        }
        assert!(Shape::of(&json!({"$id": "https://x.example/", "type": "object"})).is_some());
    }

    #[test]
    fn what_many_refer_to_is_kept_once() {
        let shape = Shape::of(&json!({
            "properties": {
                "a": {"$ref": "#/$defs/e"}, "b": {"anyOf": [{"$ref": "#/$defs/e"}, {"type": "null"}]},
                "c": {"$ref": "#/$defs/m"}, "d": {"anyOf": [{"$ref": "#/$defs/m"}, {"type": "null"}]}
            },
            "$defs": {"e": {"enum": ["z", "b", "a"]}, "m": {"properties": {"x": {}}, "required": ["x"]}}
        }))
        .unwrap();
        let words: Vec<_> = shape.nodes.iter().filter_map(|node| node.words.as_ref()).collect();
        assert!(words.len() > 2 && words.iter().all(|same| Arc::ptr_eq(same, words[0])));
        let members: Vec<_> = shape.nodes[1..].iter().map(|node| &node.members).filter(|all| !all.is_empty()).collect();
        assert!(members.len() > 2 && members.iter().all(|same| Arc::ptr_eq(same, members[0])));
    }

    #[test]
    fn one_of_many_words_is_found_wherever_it_stands() {
        let words: Vec<String> = (0..1_000).rev().map(|at| format!("w{at}")).collect();
        let shape = Shape::of(&json!({"enum": words})).unwrap();
        for word in &words {
            assert!(shape.proves(&RawJson::from(json!(word))), "{word}");
            assert!(!shape.proves(&RawJson::from(json!(format!("{word}x")))), "{word}x");
        }
    }

    #[test]
    fn a_schema_that_refers_too_deep_has_no_shape() {
        let chain = |levels: usize| {
            let level = |at: usize| json!({"properties": {"a": {"$ref": format!("#/$defs/d{}", at + 1)}}});
            let mut defs: Map<String, Value> = (0..levels).map(|at| (format!("d{at}"), level(at))).collect();
            defs.insert(format!("d{levels}"), json!({"type": "string"}));
            json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs})
        };
        assert!(Shape::of(&chain(50)).is_some());
        let deep = move || assert!(Shape::of(&chain(5_000)).is_none());
        // The stack of a tokio worker.
        std::thread::Builder::new().stack_size(2 << 20).spawn(deep).unwrap().join().unwrap();
    }

    #[test]
    fn words_beside_a_type_must_follow_both() {
        let check = |schema: Value, text: &'static str, expected: bool| {
            assert_eq!(
                Shape::of(&schema).unwrap().proves(&RawJson::parse(text).unwrap()),
                expected,
                "{text} for {schema}"
            );
        };
        check(json!({"type": "integer", "enum": ["x"]}), r#""x""#, false);
        check(json!({"type": ["string", "null"], "enum": ["x"]}), r#""x""#, true);
        check(json!({"type": ["string", "null"], "const": "x"}), "null", false);
    }

    #[test]
    fn a_bound_that_a_float_cannot_tell_from_its_neighbour_proves_nothing() {
        let near: Vec<i64> = (-3..=3).flat_map(|by| [(1 << 53) + by, -(1 << 53) + by]).collect();
        let mut proven = 0;
        for bound in &near {
            for schema in [json!({"type": "integer", "minimum": bound}), json!({"type": "number", "maximum": bound})] {
                let (shape, validator) = (Shape::of(&schema).unwrap(), jsonschema::draft202012::new(&schema).unwrap());
                for value in near.iter().map(|value| json!(value)) {
                    let is_proven = shape.proves(&RawJson::from(value.clone()));
                    assert!(!is_proven || validator.is_valid(&value), "{value} was proven for {schema}");
                    proven += usize::from(is_proven);
                }
            }
        }
        assert!(proven > 0);
        // The text is nearer to the bound than the number that is made of it.
        let schema: Value = serde_json::from_str(r#"{"type": "number", "minimum": 50.96484199901622}"#).unwrap();
        let value = RawJson::parse("50.964841999016219").unwrap();
        let is_valid = jsonschema::draft202012::new(&schema).unwrap().is_valid(&value.to_value().unwrap());
        assert_eq!(Shape::of(&schema).unwrap().proves(&value), is_valid);
    }

    /// A small generator (xorshift), so that every run tries the same cases.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % sides
        }

        fn schema(&mut self, depth: u32) -> Value {
            match self.roll(if depth == 0 { 6 } else { 10 }) {
                0 => json!({"type": "integer", "minimum": 0, "maximum": 3}),
                1 => json!({"type": ["string", "null"]}),
                2 => match self.roll(3) {
                    0 => json!({"enum": ["x", "y"]}),
                    1 => json!({"type": "integer", "enum": ["x", "y"]}),
                    _ => json!({"type": "string", "const": "x", "enum": ["x", "z"]}),
                },
                3 => json!({"type": "number", "format": "double"}),
                4 => json!({"type": "boolean", "description": "d"}),
                5 => json!(true),
                6 => json!({"type": "array", "items": self.schema(depth - 1)}),
                7 => json!({"anyOf": [self.schema(depth - 1), {"type": "null"}]}),
                _ => {
                    let rest = [json!(true), json!(false), json!({"type": "integer"})];
                    let rest = rest[self.roll(3) as usize].clone();
                    let required: &[&str] = [&[], &["a"][..], &["a", "b"]][self.roll(3) as usize];
                    json!({
                        "type": "object",
                        "properties": {"a": self.schema(depth - 1), "c": self.schema(depth - 1)},
                        "required": required,
                        "additionalProperties": rest,
                    })
                }
            }
        }

        fn value(&mut self, depth: u32) -> Value {
            match self.roll(if depth == 0 { 7 } else { 12 }) {
                0 => json!(null),
                1 => json!(self.roll(5)),
                2 => json!(1.5),
                3 => json!("x"),
                4 => json!("z"),
                5 => json!(true),
                6 => json!(-1),
                7 => Value::Array((0..self.roll(3)).map(|_| self.value(depth - 1)).collect()),
                _ => {
                    let names = ["a", "b", "c", "d"];
                    let members =
                        (0..self.roll(4)).map(|_| (names[self.roll(4) as usize].to_owned(), self.value(depth - 1)));
                    Value::Object(members.collect())
                }
            }
        }
    }

    #[test]
    fn what_is_proven_is_valid_for_the_full_validator_too() {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let (mut proven, mut missed) = (0, 0);
        for _ in 0..1_000 {
            let schema = dice.schema(3);
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            let Some(shape) = Shape::of(&schema) else { continue };
            for _ in 0..30 {
                let value = dice.value(3);
                let is_valid = validator.is_valid(&value);
                if shape.proves(&RawJson::from(value.clone())) {
                    assert!(is_valid, "{value} was proven for {schema}");
                    proven += 1;
                } else if is_valid {
                    missed += 1;
                }
            }
        }
        assert!(proven > 1_000, "only {proven} values were proven");
        assert_eq!(missed, 0, "valid values of ordinary schemas are proven");
    }
}
