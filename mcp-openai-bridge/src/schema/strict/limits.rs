//! The sizes that strict mode takes. OpenAI refuses the request when a schema is larger.

use crate::json::{Object, Value};
use crate::schema::document::{self, Document};
use crate::schema::keywords;

use super::{Hindrance, Obstacle};

/// Checks what bounds the work of writing a schema in the subset: each list of values is compared with others.
pub(super) fn check_values(plain: &Value) -> Result<(), Obstacle> {
    let mut size = Size::default();
    size.count(plain);
    check_each(&[(size.values, VALUES, VALUES_WHAT)])
}

/// Checks a schema in the subset.
pub(super) fn check(root: &Object) -> Result<(), Obstacle> {
    let root = Value::from(root.clone());
    let mut size = Size::default();
    size.count(&root);
    let document = Document::new(&root);
    let levels = 1 + Levels { document: &document, way: Vec::new(), visits: 0 }.below(&root, LEVELS);
    check_each(&[
        (size.properties, PROPERTIES, "members"),
        (size.characters, CHARACTERS, "characters in names and values"),
        (size.values, VALUES, VALUES_WHAT),
        (size.long_list, LONG_LIST_CHARACTERS, "characters in one list of values"),
        (levels, LEVELS, "levels"),
    ])
}

fn check_each(checks: &[(usize, usize, &'static str)]) -> Result<(), Obstacle> {
    match checks.iter().find(|(size, limit, _)| size > limit) {
        Some(&(_, limit, what)) => Err(Obstacle::new("", Hindrance::Limit { what, limit })),
        None => Ok(()),
    }
}

#[derive(Default)]
struct Size {
    properties: usize,
    characters: usize,
    values: usize,
    /// Characters of the largest of the long lists.
    long_list: usize,
}

impl Size {
    fn count(&mut self, schema: &Value) {
        let Some(members) = schema.as_object() else { return };
        for keyword in ["properties", "$defs"] {
            let named = members.get(keyword).and_then(Value::as_object);
            for (name, _) in named.into_iter().flat_map(Object::iter) {
                self.properties += usize::from(keyword == "properties");
                self.characters += name.chars().count();
            }
        }
        if let Some(values) = members.get("enum").and_then(Value::as_array) {
            let characters = values
                .iter()
                .map(|value| value.as_str().map_or_else(|| value.to_string().len(), |text| text.chars().count()))
                .sum();
            self.values += values.len();
            self.characters += characters;
            if values.len() > LONG_LIST {
                self.long_list = self.long_list.max(characters);
            }
        }
        keywords::each_subschema(schema, "", |_, _, subschema| self.count(subschema));
    }
}

/// Counts levels of schemas in schemas, references followed, each circle once.
struct Levels<'d, 'a> {
    document: &'d Document<'a>,
    way: Vec<*const Value>,
    visits: usize,
}

impl<'a> Levels<'_, 'a> {
    /// Counts the levels below a schema, no more than `most`. What is too much to count is too deep.
    fn below(&mut self, schema: &'a Value, most: usize) -> usize {
        self.visits += 1;
        if self.visits > VISITS {
            return most;
        }
        let Some(members) = schema.as_object() else { return 0 };
        if self.way.contains(&std::ptr::from_ref(schema)) {
            return 0;
        }
        self.way.push(schema);
        let target = document::reference(members).and_then(|(_, reference)| self.document.resolve(reference));
        let mut deepest = target.map_or(0, |(_, target)| self.below(target, most));
        keywords::each_subschema(schema, "", |place, _, subschema| {
            if place != keywords::Place::Apart && deepest < most {
                // An alternative is no level of its own.
                let own = usize::from(place == keywords::Place::Inside);
                deepest = deepest.max(own + self.below(subschema, most - own));
            }
        });
        self.way.pop();
        deepest
    }
}

/// Members of all objects together.
const PROPERTIES: usize = 5000;

/// Levels of members and items in others, the root included.
const LEVELS: usize = 10;

/// Characters of all names, and of all values in lists of values.
const CHARACTERS: usize = 120_000;

/// Values in all lists of values.
const VALUES: usize = 1000;
const VALUES_WHAT: &str = "values in lists of values";

/// Values from which on a list is long.
const LONG_LIST: usize = 250;

/// Characters of the values of a long list.
const LONG_LIST_CHARACTERS: usize = 15_000;

/// Schemas that are looked at to count levels.
const VISITS: usize = 100_000;
