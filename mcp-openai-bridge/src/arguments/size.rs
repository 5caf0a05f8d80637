//! How large the validator of a schema becomes, found before it is built.
//!
//! The surprising thing: a validator is not as large as its schema. For each `unevaluatedProperties` and
//! `unevaluatedItems` it builds once more what is about the same value, anew on each way to it, so that three kilobytes
//! of references can be gigabytes.

use std::collections::HashMap;

use crate::json::{Object, Value};
use crate::schema::document::{Document, REFERENCES};
use crate::schema::keywords::{self, Place, Shape};

/// Checks that the validator of a schema that is one resource stays within [`LIMIT`]; returns why not.
pub(super) fn check(root: &Value) -> Result<(), String> {
    let document = &Document::new(root);
    let mut sizes = Sizes { document, memo: HashMap::new() };
    let mut size = sizes.of(Part::Built, root, 0)?;
    // What is referred to is built where it stands and once more for the references.
    let mut targets = Vec::new();
    collect_targets(root, document, &mut targets);
    targets.sort_unstable_by_key(|target| std::ptr::from_ref(*target));
    targets.dedup_by_key(|target| std::ptr::from_ref(*target));
    for target in targets {
        size = size.saturating_add(sizes.of(Part::Built, target, 0)?);
    }
    if size > LIMIT {
        return Err(format!("its validator would be larger than {LIMIT} schemas"));
    }
    Ok(())
}

/// What a validator has of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// The schema with all that stands in it. What it refers to is built once for all.
    Built,
    /// What tells which parts of a value were looked at, anew for each reference.
    Marked,
    /// What is read to find out by which member the branches of `anyOf` and `oneOf` differ.
    Pinned,
}

/// The sizes of schemas, which are known by their address, in schemas without anything in them.
struct Sizes<'d, 'a> {
    document: &'d Document<'a>,
    /// `None` while a size is being found.
    memo: HashMap<(Part, *const Value), Option<usize>>,
}

impl<'a> Sizes<'_, 'a> {
    fn of(&mut self, part: Part, schema: &'a Value, steps: usize) -> Result<usize, String> {
        let key = (part, std::ptr::from_ref(schema));
        match self.memo.get(&key) {
            Some(Some(size)) => return Ok(*size),
            // No value is right here before the one that is being found: a provisional one would stay in all others.
            Some(None) => return Err("what it asks to be unevaluated leads back to itself".to_owned()),
            None => {}
        }
        if steps > MAX_STEPS {
            return Err(format!("more than {MAX_STEPS} schemas about one value follow each other"));
        }
        let Some(members) = schema.as_object() else { return Ok(1) };
        self.memo.insert(key, None);
        let size = match part {
            Part::Built => self.built(schema, members, steps + 1)?,
            Part::Marked => self.marked(members, steps + 1)?,
            Part::Pinned => self.pinned(members, steps + 1)?,
        };
        self.memo.insert(key, Some(size));
        Ok(size)
    }

    fn built(&mut self, schema: &'a Value, members: &'a Object, steps: usize) -> Result<usize, String> {
        let mut size = own(members);
        for (place, part) in members.iter().flat_map(|(keyword, value)| parts(keyword, value)) {
            if place != Place::Apart {
                size = size.saturating_add(self.of(Part::Built, part, steps)?);
            }
        }
        for branch in ["anyOf", "oneOf"].iter().filter_map(|keyword| members.get(keyword)?.as_array()).flatten() {
            let pinned = self.of(Part::Pinned, branch, steps)?;
            // Each name is looked for in each schema.
            size = size.saturating_add(pinned).saturating_add(pinned.saturating_mul(pinned) / LOOKUPS_PER_SCHEMA);
        }
        for _ in UNEVALUATED.iter().filter(|keyword| members.contains_key(keyword)) {
            size = size.saturating_add(self.of(Part::Marked, schema, steps)?);
        }
        Ok(size)
    }

    fn marked(&mut self, members: &'a Object, steps: usize) -> Result<usize, String> {
        let names = members.get("properties").and_then(Value::as_object).map_or(0, |named| named.iter().count());
        let mut size = 1_usize.saturating_add(names);
        for (keyword, value) in members.iter() {
            for (place, part) in parts(keyword, value) {
                if place == Place::Here {
                    size = size.saturating_add(self.of(Part::Marked, part, steps)?);
                }
                if place == Place::Here || MARKED_INSIDE.contains(&keyword) {
                    size = size.saturating_add(self.of(Part::Built, part, steps)?);
                }
            }
        }
        for target in targets(members, self.document) {
            size = size.saturating_add(self.of(Part::Marked, target, steps)?);
        }
        Ok(size)
    }

    fn pinned(&mut self, members: &'a Object, steps: usize) -> Result<usize, String> {
        let required = members.get("required").and_then(Value::as_array).map_or(0, <[Value]>::len);
        let mut size = 1_usize.saturating_add(required);
        let target = members.get("$ref").and_then(|reference| Some(self.document.resolve(reference.as_str()?)?.1));
        let all = members.get("allOf").and_then(Value::as_array).unwrap_or_default();
        for part in target.into_iter().chain(all) {
            size = size.saturating_add(self.of(Part::Pinned, part, steps)?);
        }
        Ok(size)
    }
}

/// The size of a schema without those in it: texts and lists are copied to each place where it is built.
fn own(members: &Object) -> usize {
    let is_copied = |keyword: &str| matches!(keywords::shape(keyword), Shape::Plain | Shape::Named(Place::Apart));
    let copied = members.iter().filter(|(keyword, _)| is_copied(keyword));
    1 + copied.map(|(_, value)| value.to_string().len()).sum::<usize>() / BYTES_PER_SCHEMA
}

/// The schemas that one keyword holds.
fn parts<'a>(keyword: &str, value: &'a Value) -> Vec<(Place, &'a Value)> {
    let (place, found): (Place, Vec<&Value>) = match (keywords::shape(keyword), value) {
        (Shape::One(place), value) => (place, vec![value]),
        (Shape::List(place), Value::Array(list)) => (place, list.iter().collect()),
        (Shape::OneOrList, Value::Array(list)) => (Place::Inside, list.iter().collect()),
        (Shape::OneOrList, value) => (Place::Inside, vec![value]),
        (Shape::Named(place), Value::Object(named)) => (place, named.iter().map(|(_, part)| part).collect()),
        _ => return Vec::new(),
    };
    found.into_iter().filter(|part| keywords::is_schema(part)).map(|part| (place, part)).collect()
}

/// The schemas that one refers to, by each of its references.
pub(super) fn targets<'a>(members: &Object, document: &Document<'a>) -> Vec<&'a Value> {
    let references = REFERENCES.iter().filter_map(|keyword| members.get(keyword)?.as_str());
    references.filter_map(|reference| Some(document.resolve(reference)?.1)).collect()
}

fn collect_targets<'a>(schema: &'a Value, document: &Document<'a>, found: &mut Vec<&'a Value>) {
    found.extend(schema.as_object().into_iter().flat_map(|members| targets(members, document)));
    keywords::each_subschema(schema, "", |_, _, part| collect_targets(part, document, found));
}

/// Schemas that a validator may be as large as: tens of megabytes.
const LIMIT: usize = 100_000;

/// Bytes of a schema's texts and lists that count as much as one schema without any.
const BYTES_PER_SCHEMA: usize = 64;

/// Names looked for that count as much as one schema.
const LOOKUPS_PER_SCHEMA: usize = 1024;

/// Schemas that follow each other; it bounds the use of the stack, here and where the validator is built.
const MAX_STEPS: usize = 128;

/// The keywords that ask which parts of a value were looked at.
pub(super) const UNEVALUATED: [&str; 2] = ["unevaluatedProperties", "unevaluatedItems"];

/// The keywords about parts of a value whose schemas tell which of them were looked at.
const MARKED_INSIDE: [&str; 5] =
    ["additionalProperties", "patternProperties", "unevaluatedProperties", "unevaluatedItems", "contains"];
