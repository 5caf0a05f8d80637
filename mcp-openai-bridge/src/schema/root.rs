//! The root: alternatives, references and wrong types there become one plain object.
//!
//! A union at the root is widened: every argument of every alternative is offered, and only what all of them require is
//! required. Which combinations are legal is said in the description, and enforced by the original schema on the call.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::json::{Object, Value};

use super::bounds::Limits;
use super::document::{self, Document};
use super::keywords;
use super::report::{Bound, Quarantine, Rewrite, Rule};

/// Returns the root of `document` as an object schema without the members that a root may not have.
///
/// Its parts are those of the document, not yet repaired; its references still lead into the document.
pub(super) fn plain_object(
    document: &Document<'_>,
    limits: &Limits,
    rewrites: &mut Vec<Rewrite>,
) -> Result<Value, Quarantine> {
    let members = match document.root() {
        Value::Object(members) => members,
        // `true` allows every object, and who says nothing forbids nothing.
        Value::Bool(true) | Value::Null => &Object::default(),
        other => return Err(Quarantine::NotASchema { found: other.kind().to_owned() }),
    };
    let mut note = |rule| rewrites.push(Rewrite { path: String::new(), rule });
    match allowed_type(members) {
        RootType::Object => {}
        RootType::Absent => note(Rule::AddedRootType),
        RootType::List => note(Rule::NarrowedRootType),
        RootType::Other(found) => return Err(Quarantine::RootNotObject { found }),
    }
    let reference = plain_reference(document, members);
    for keyword in FORBIDDEN.into_iter().filter(|keyword| members.contains_key(keyword)) {
        note(match &reference {
            Some((reference, _)) => Rule::InlinedReference((*reference).to_owned()),
            None => Rule::MergedRoot(keyword.to_owned()),
        });
    }
    let mut merge = Merge { document, limits, visits: 0, names: 0, notes: Vec::new(), unresolved: Vec::new() };
    let flat = merge
        .flatten(document.root(), true)?
        .ok_or_else(|| Quarantine::RootNotObject { found: "none of its alternatives allows one".to_owned() })?;

    for reference in std::mem::take(&mut merge.unresolved) {
        note(Rule::UnresolvedReference(reference));
    }

    let mut out = Object::default();
    out.set("type", "object");
    for (keyword, value) in members.iter() {
        if !FORBIDDEN.contains(&keyword) && keyword != "type" {
            out.set(keyword, value.clone());
        }
    }
    if FORBIDDEN.iter().any(|keyword| members.contains_key(keyword)) {
        flat.write(&mut out);
        if let (Some((_, target)), false) = (reference, out.contains_key("description"))
            && let Some(text) = target.get("description").filter(|text| text.as_str().is_some())
        {
            out.set("description", text.clone());
        }
        describe(&mut out, &merge.notes);
    }
    match forbidden_member(&out) {
        Some(name) => Err(Quarantine::Unsatisfiable { name: name.to_owned() }),
        None => Ok(in_order_of(members, out)),
    }
}

/// The reference that is all there is at the root, when it leads to an object of which nothing is lost by merging.
fn plain_reference<'a>(document: &Document<'a>, members: &'a Object) -> Option<(&'a str, &'a Object)> {
    let (_, reference) = document::reference(members)?;
    let rules = ["allOf", "anyOf", "const", "else", "enum", "if", "not", "oneOf", "properties", "required", "then"];
    let target = document.resolve(reference)?.1.as_object()?;
    let is_kept = |keyword: &str| {
        matches!(keyword, "type" | "properties" | "required" | "$defs" | "definitions" | "$schema" | "$id" | "$comment")
            || matches!(keyword, "title" | "description")
            || keyword == "additionalProperties" && matches!(target.get(keyword), Some(Value::Bool(_)))
    };
    let is_alone = rules.iter().all(|keyword| !members.contains_key(keyword));
    (is_alone && target.iter().all(|(keyword, _)| is_kept(keyword))).then_some((reference, target))
}

/// A member that must be there and must not.
fn forbidden_member(out: &Object) -> Option<&str> {
    if out.get("additionalProperties") != Some(&Value::Bool(false)) || out.contains_key("patternProperties") {
        return None;
    }
    let properties = out.get("properties").and_then(Value::as_object);
    let required = out.get("required").and_then(Value::as_array).unwrap_or_default();
    let known = |name: &str| properties.is_some_and(|properties| properties.contains_key(name));
    required.iter().filter_map(Value::as_str).find(|name| !known(name))
}

enum RootType {
    Absent,
    List,
    Object,
    Other(String),
}

fn allowed_type(members: &Object) -> RootType {
    let object = Value::from("object");
    match members.get("type") {
        None => RootType::Absent,
        Some(value) if *value == object => RootType::Object,
        Some(Value::Array(names)) if names.contains(&object) => RootType::List,
        Some(Value::String(name)) if !SCALARS.contains(&name.as_str()) => RootType::Absent,
        Some(Value::Null) => RootType::Absent,
        Some(other) => RootType::Other(other.to_string()),
    }
}

/// Puts the members where the server had them; what is new stays at the end, and `type` at the beginning.
fn in_order_of(original: &Object, mut members: Object) -> Value {
    let mut out = Object::default();
    if !original.contains_key("type")
        && let Some(value) = members.remove("type")
    {
        out.set("type", value);
    }
    for (keyword, _) in original.iter() {
        if let Some(value) = members.remove(keyword) {
            out.set(keyword, value);
        }
    }
    for (keyword, value) in members.iter() {
        out.set(keyword, value.clone());
    }
    out.into()
}

/// What a schema says about the members of an object, with its alternatives merged.
#[derive(Default)]
struct Flat<'a> {
    properties: Vec<(String, Field<'a>)>,
    /// Where a property stands.
    places: HashMap<String, usize>,
    required: Vec<String>,
    /// No other members are allowed.
    closed: bool,
}

/// What is known about one member.
enum Field<'a> {
    All(Vec<Self>),
    Any(Vec<Self>),
    /// Some alternatives say this, and others leave it open.
    Hint(Vec<Self>),
    One(Cow<'a, Value>),
}

impl Field<'_> {
    /// Writes the field, each of equal parts once.
    fn write(&self) -> Value {
        let (keyword, fields) = match self {
            Self::All(fields) => ("allOf", fields),
            Self::Any(fields) | Self::Hint(fields) => ("anyOf", fields),
            Self::One(schema) => return schema.clone().into_owned(),
        };
        let mut seen = HashSet::new();
        let mut parts: Vec<Value> = fields.iter().map(Self::write).collect();
        parts.retain(|part| seen.insert(part.to_string()));
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                parts.extend(last);
                Object::from([(keyword, parts.into())]).into()
            }
        }
    }

    /// Whether both are the same schema of the document, as when alternatives share a definition.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(Cow::Borrowed(a)), Self::One(Cow::Borrowed(b))) => std::ptr::eq(*a, *b),
            _ => false,
        }
    }
}

impl<'a> Flat<'a> {
    /// Adds a property, or changes the one of this name.
    fn put(&mut self, name: String, field: Field<'a>, change: impl FnOnce(&mut Field<'a>, Field<'a>)) {
        match self.places.get(&name).and_then(|place| self.properties.get_mut(*place)) {
            Some((_, known)) => change(known, field),
            None => {
                self.places.insert(name.clone(), self.properties.len());
                self.properties.push((name, field));
            }
        }
    }

    /// Both must hold.
    fn and(&mut self, other: Self) {
        for (name, field) in other.properties {
            self.put(name, field, |known, field| match (&mut *known, field) {
                // What always holds says more than what sometimes does.
                (Field::Hint(fields), Field::Hint(more)) => fields.extend(more),
                (_, Field::Hint(_)) => {}
                (Field::Hint(_), field) => *known = field,
                (one, field) if one.is(&field) => {}
                (Field::All(fields), field) => fields.push(field),
                (_, field) => {
                    let first = std::mem::replace(known, Field::All(Vec::new()));
                    *known = Field::All(vec![first, field]);
                }
            });
        }
        let known: HashSet<&String> = self.required.iter().collect();
        let new: Vec<String> = other.required.iter().filter(|name| !known.contains(name)).cloned().collect();
        self.required.extend(new);
        self.closed |= other.closed;
    }

    /// One of them must hold.
    fn any(alternatives: Vec<Self>) -> Self {
        let mut merged = Self { closed: alternatives.iter().all(|flat| flat.closed), ..Self::default() };
        let mut names = alternatives.iter().map(|flat| &flat.required);
        if let Some(first) = names.next() {
            let others: Vec<HashSet<&String>> = names.map(|names| names.iter().collect()).collect();
            let shared = first.iter().filter(|name| others.iter().all(|other| other.contains(name)));
            merged.required = shared.cloned().collect();
        }
        let open = alternatives.iter().filter(|flat| !flat.closed);
        let open: Vec<HashSet<String>> = open.map(|flat| flat.places.keys().cloned().collect()).collect();
        for (name, field) in alternatives.into_iter().flat_map(|flat| flat.properties) {
            let field = match field {
                Field::Hint(fields) => Field::Hint(fields),
                field if open.iter().all(|names| names.contains(&name)) => Field::Any(vec![field]),
                field => Field::Hint(vec![field]),
            };
            merged.put(name, field, |known, new| {
                let is_hint = [&*known, &new].iter().any(|field| matches!(field, Field::Hint(_)));
                let (Field::Any(mut fields) | Field::Hint(mut fields)) =
                    std::mem::replace(known, Field::Any(Vec::new()))
                else {
                    return;
                };
                if let Field::Any(mut new) | Field::Hint(mut new) = new {
                    new.retain(|field| !fields.iter().any(|other| other.is(field)));
                    fields.append(&mut new);
                }
                *known = if is_hint { Field::Hint(fields) } else { Field::Any(fields) };
            });
        }
        merged
    }

    fn write(&self, out: &mut Object) {
        let mut properties = Object::default();
        for (name, field) in &self.properties {
            properties.set(name, field.write());
        }
        out.set("properties", properties);
        if self.required.is_empty() {
            out.remove("required");
        } else {
            out.set("required", self.required.iter().cloned().map(Value::from).collect::<Vec<_>>());
        }
        if self.closed {
            out.set("additionalProperties", Value::Bool(false));
        }
    }
}

struct Merge<'d, 'a> {
    document: &'d Document<'a>,
    limits: &'d Limits,
    visits: usize,
    /// Names of members in what was visited.
    names: usize,
    /// What is said about alternatives.
    notes: Vec<String>,
    /// References that lead nowhere in the document.
    unresolved: Vec<String>,
}

impl<'a> Merge<'_, 'a> {
    /// Flattens a schema; `None` when it allows no object. References end, because [`bounds`](super::bounds) saw to it.
    fn flatten(&mut self, schema: &'a Value, is_root: bool) -> Result<Option<Flat<'a>>, Quarantine> {
        self.visits += 1;
        if self.visits > self.limits.alternatives {
            return Err(Quarantine::exceeds(Bound::Alternatives, self.limits.alternatives));
        }
        let members = match schema {
            Value::Object(members) => members,
            Value::Bool(true) | Value::Null if is_root || matches!(schema, Value::Bool(_)) => {
                return Ok(Some(Flat::default()));
            }
            _ => return Ok(None),
        };
        if matches!(allowed_type(members), RootType::Other(_)) {
            return Ok(None);
        }
        let mut flat = own(members);
        self.name_count(&flat)?;
        if let Some((_, reference)) = document::reference(members) {
            match self.document.resolve(reference) {
                None => self.unresolved.push(reference.to_owned()),
                Some((_, target)) => {
                    let Some(target) = self.flatten(target, is_root)? else { return Ok(None) };
                    flat.and(target);
                }
            }
        }
        for part in members.get("allOf").and_then(Value::as_array).unwrap_or_default() {
            let Some(part) = self.flatten(part, is_root)? else { return Ok(None) };
            flat.and(part);
        }
        for (keyword, words) in [("oneOf", "Exactly one"), ("anyOf", "At least one")] {
            let Some(alternatives) = members.get(keyword).and_then(Value::as_array) else { continue };
            let mut merged = Vec::new();
            let mut described = Vec::new();
            for alternative in alternatives.iter().filter(|value| keywords::is_schema(value)) {
                if let Some(alternative_flat) = self.flatten(alternative, false)? {
                    described.push(self.summary(alternative, &alternative_flat));
                    merged.push(alternative_flat);
                }
            }
            if merged.is_empty() && !alternatives.is_empty() {
                return Ok(None);
            }
            if is_root && described.len() > 1 {
                self.notes.push(format!("{words} of these must hold: {}.", described.join("; ")));
            }
            flat.and(Flat::any(merged));
        }
        if let (true, Some(not)) = (is_root, members.get("not").filter(|not| not.as_object().is_some()))
            && let Some(not_flat) = self.flatten(not, false)?
            && (!not_flat.required.is_empty() || !not_flat.properties.is_empty())
        {
            self.notes.push(format!("This must not hold: {}.", self.summary(not, &not_flat)));
        }
        if !self.conditions(members, &mut flat, is_root)? {
            return Ok(None);
        }
        let only = members.get("const").map(std::slice::from_ref);
        for values in members.get("enum").and_then(Value::as_array).into_iter().chain(only) {
            let objects: Vec<Flat<'_>> = values.iter().filter_map(Value::as_object).map(literal).collect();
            objects.iter().try_for_each(|object| self.name_count(object))?;
            if objects.is_empty() && !values.is_empty() {
                return Ok(None);
            }
            flat.and(Flat::any(objects));
        }
        Ok(Some(flat))
    }

    /// Adds what `then` and `else` say; `false` when neither allows an object.
    fn conditions(&mut self, members: &'a Object, flat: &mut Flat<'a>, is_root: bool) -> Result<bool, Quarantine> {
        let Some(condition) = members.get("if").filter(|value| keywords::is_schema(value)) else { return Ok(true) };
        let mut branches = Vec::new();
        let mut words = Vec::new();
        for (keyword, word) in [("then", "then"), ("else", "otherwise")] {
            match members.get(keyword).filter(|value| keywords::is_schema(value)) {
                None => branches.push(Flat::default()),
                Some(branch) => {
                    let Some(branch_flat) = self.flatten(branch, false)? else { continue };
                    words.push(format!("{word} {}", self.summary(branch, &branch_flat)));
                    branches.push(branch_flat);
                }
            }
        }
        if let (true, false, Some(when)) = (is_root, words.is_empty(), self.flatten(condition, false)?) {
            self.notes.push(format!("If {}, {}.", self.summary(condition, &when), words.join("; ")));
        }
        let is_possible = !branches.is_empty();
        flat.and(Flat::any(branches));
        Ok(is_possible)
    }

    /// Bounds the names in what is merged, because each is looked up in all alternatives.
    fn name_count(&mut self, flat: &Flat<'_>) -> Result<(), Quarantine> {
        self.names += flat.properties.len() + flat.required.len();
        if self.names > NAMES_PER_SCHEMA * self.limits.subschemas {
            return Err(Quarantine::exceeds(Bound::Alternatives, self.limits.alternatives));
        }
        Ok(())
    }

    /// Says in a few words when an alternative is meant.
    fn summary(&self, alternative: &Value, flat: &Flat<'_>) -> String {
        let members = alternative.as_object();
        let title = members.and_then(|members| members.get("title")).and_then(Value::as_str);
        let fixed = flat.properties.iter().filter_map(|(name, field)| {
            let Field::One(schema) = field else { return None };
            let schema = schema.as_object()?;
            let only = schema.get("enum").and_then(Value::as_array).filter(|values| values.len() == 1);
            let value = schema.get("const").or_else(|| only?.first())?;
            Some((name, format!("`{name}` is {value}")))
        });
        let (fixed, mut words): (Vec<&String>, Vec<String>) = fixed.unzip();
        let required = flat.required.iter().filter(|name| !fixed.contains(name));
        let required: Vec<String> = required.map(|name| format!("`{name}`")).collect();
        if !required.is_empty() {
            words.push(format!("{} given", required.join(", ")));
        }
        if words.is_empty() {
            words.extend(flat.properties.iter().map(|(name, _)| format!("`{name}` may be given")));
        }
        let words = if words.is_empty() { "anything".to_owned() } else { words.join(" and ") };
        title.map_or(words.clone(), |title| format!("{title}: {words}"))
    }
}

/// What the members `properties`, `required` and `additionalProperties` say.
fn own(members: &Object) -> Flat<'_> {
    let properties = members.get("properties").and_then(Value::as_object);
    let required = members.get("required").and_then(Value::as_array).unwrap_or_default();
    let mut seen = HashSet::new();
    let mut flat = Flat {
        closed: members.get("additionalProperties") == Some(&Value::Bool(false))
            && !members.contains_key("patternProperties"),
        required: required
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| seen.insert(*name))
            .map(str::to_owned)
            .collect(),
        ..Flat::default()
    };
    for (name, schema) in properties.into_iter().flat_map(Object::iter) {
        flat.put(name.to_owned(), Field::One(Cow::Borrowed(schema)), |_, _| {});
    }
    flat
}

/// What an object that is allowed as it is says about its members.
fn literal(object: &Object) -> Flat<'_> {
    let required = object.iter().map(|(name, _)| name.to_owned()).collect();
    let mut flat = Flat { required, closed: true, ..Flat::default() };
    for (name, value) in object.iter() {
        let only = Object::from([("const", value.clone())]);
        flat.put(name.to_owned(), Field::One(Cow::Owned(only.into())), |_, _| {});
    }
    flat
}

/// Adds the rules that the schema no longer says to its description.
fn describe(out: &mut Object, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    let mut text = notes.join(" ");
    if text.len() > NOTE_LIMIT {
        let end = (0..=NOTE_LIMIT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    let description = match out.get("description").and_then(Value::as_str) {
        Some(own) if !own.is_empty() => format!("{own}\n{text}"),
        _ => text,
    };
    out.set("description", description);
}

/// What OpenAI refuses at the root or overlooks there, and a reference, which may not stand beside `type`.
const FORBIDDEN: [&str; 12] =
    ["anyOf", "oneOf", "allOf", "const", "enum", "not", "if", "then", "else", "$ref", "$dynamicRef", "$recursiveRef"];

/// Types that are no object.
const SCALARS: [&str; 6] = ["array", "boolean", "integer", "null", "number", "string"];

/// Names that are merged, for each schema that is allowed.
const NAMES_PER_SCHEMA: usize = 16;

/// Bytes of the note on alternatives.
const NOTE_LIMIT: usize = 2000;
