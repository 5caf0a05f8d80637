//! The check of arguments against the server's schema, with every fault in words that a model can act on.
//!
//! The validator takes as long as schema and arguments together make it: with references, two kilobytes can be hours.
//! So the work is measured first, on the same two trees, and a check that would cost too much is left to the server.
//! The surprising thing: the validator collects all faults before it gives the first one, so that even listing them is
//! bounded by the measured work.

use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError, Validator};
use mcp_types::RawJson;
use serde_json::Value as Tree;

use super::fault::listed;
use super::size::{UNEVALUATED, targets};
use super::{Fault, Problem, Rejection, resource, shortened, size};
use crate::json::{self, Object, Value};
use crate::schema::document::Document;
use crate::schema::keywords::{self, Place, Shape};
use crate::schema::nullable;
use crate::similar::closest;

/// The compiled schema of a tool's arguments.
#[derive(Debug)]
pub(crate) struct Checker {
    validator: Validator,
    schema: Value,
}

/// Why arguments of a tool are not checked before the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    reason: String,
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arguments are checked by the server only: {}", self.reason)
    }
}

impl Checker {
    /// Compiles a schema that is within the bounds of [`schema::Limits`](crate::schema::Limits). Nothing is fetched.
    pub(crate) fn compile(schema: &RawJson) -> Result<Self, Unchecked> {
        let unchecked = |reason: String| Unchecked { reason };
        let schema = &nullable::said_plainly(schema);
        let tree: Tree = schema.decode().map_err(|error| unchecked(error.to_string()))?;
        let schema = Value::parse(schema.as_str()).map_err(|error| unchecked(error.to_string()))?;
        resource::check(&schema).map_err(unchecked)?;
        size::check(&schema).map_err(unchecked)?;
        if let Some(pattern) = long_pattern(&schema) {
            return Err(unchecked(format!("the pattern {} is too long", shortened(pattern))));
        }
        // The validator states its own invariants by panics; what a server sends must not end the process by them.
        let built = std::panic::catch_unwind(|| built(&tree));
        let built = built.unwrap_or_else(|_| Err("the validator cannot read the schema".to_owned()));
        let validator = built.map_err(unchecked)?;
        Ok(Self { validator, schema })
    }

    /// Checks arguments. What would be too much work is accepted, because the server checks too.
    pub(crate) fn check(&self, arguments: &RawJson) -> Result<(), Rejection> {
        let (Ok(tree), Ok(value)) = (arguments.decode::<Tree>(), Value::parse(arguments.as_str())) else {
            return Ok(());
        };
        let document = Document::new(&self.schema);
        let Some(visits) = Work::measure(&document, &value) else { return Ok(()) };
        if self.validator.is_valid(&tree) {
            return Ok(());
        }
        let faults: Vec<Fault> = if visits <= LISTED_VISITS {
            self.validator.iter_errors(&tree).take(super::FAULT_LIMIT + 1).flat_map(|e| self.faults(&e, 0)).collect()
        } else {
            self.validator.validate(&tree).err().iter().flat_map(|error| self.faults(error, 0)).collect()
        };
        let mut different: Vec<Fault> = Vec::new();
        for fault in faults {
            if !different.contains(&fault) {
                different.push(fault);
            }
        }
        forget_said_twice(&mut different);
        Err(different.into_iter().collect())
    }

    /// Says what an error of the validator means; one error can be about several members.
    fn faults(&self, error: &ValidationError<'_>, depth: usize) -> Vec<Fault> {
        let path = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                vec![self.missing(error, property.as_str().unwrap_or_default())]
            }
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => self.unknown(error, unexpected),
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                vec![Fault::new(path, self.no_form(error, context, depth))]
            }
            kind => vec![Fault::new(path, wrong(kind, error))],
        }
    }

    fn missing(&self, error: &ValidationError<'_>, name: &str) -> Fault {
        let known = self.known_names(error);
        let instance = error.instance();
        let sent = instance.as_object().into_iter().flat_map(|members| members.keys().map(String::as_str));
        let unknown = sent.filter(|sent| !known.contains(sent));
        let sent_as = closest(name, unknown).map(str::to_owned);
        let member = self.properties(error).and_then(|properties| properties.get(name)).and_then(Value::as_object);
        let expected = match member.and_then(|member| member.get("type")) {
            Some(Value::String(kind)) => Some(article(kind)),
            Some(Value::Array(kinds)) => {
                Some(kinds.iter().filter_map(Value::as_str).map(article).collect::<Vec<_>>().join(" or "))
            }
            _ => None,
        };
        let path = json::join(error.instance_path().as_str(), name);
        Fault::new(path, Problem::Missing { expected, sent_as })
    }

    fn unknown(&self, error: &ValidationError<'_>, unexpected: &[String]) -> Vec<Fault> {
        let known = self.known_names(error);
        let instance = error.instance();
        let fault = |name: &String| {
            let missing = known.iter().copied().filter(|known| instance.get(known).is_none());
            let meant = closest(name, missing).map(str::to_owned);
            let path = json::join(error.instance_path().as_str(), name);
            Fault::new(path, Problem::Unknown { meant, known: None })
        };
        let mut faults: Vec<Fault> = unexpected.iter().map(fault).collect();
        if let Some(Fault { problem: Problem::Unknown { known: list, .. }, .. }) = faults.last_mut() {
            *list = Some(known.iter().map(|name| (*name).to_owned()).collect());
        }
        faults
    }

    /// The names of the members that the schema knows, where an error was found.
    fn known_names(&self, error: &ValidationError<'_>) -> Vec<&str> {
        self.properties(error).into_iter().flat_map(Object::iter).map(|(name, _)| name).collect()
    }

    /// The `properties` of the schema that an error was found by.
    fn properties(&self, error: &ValidationError<'_>) -> Option<&Object> {
        let keyword = error.schema_path().as_str();
        let parent = keyword.rfind('/').and_then(|end| keyword.get(..end)).unwrap_or_default();
        let schema = self.schema.pointer(parent).and_then(Value::as_object);
        schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object)
    }

    /// Explains the alternative that is nearest: the one with the fewest faults.
    fn no_form(
        &self,
        error: &ValidationError<'_>,
        alternatives: &[Vec<ValidationError<'static>>],
        depth: usize,
    ) -> Problem {
        let path = error.instance_path().as_str();
        // A fault below the value itself means that the alternative fits better than one of another type, and a fixed
        // word that differs means that another alternative was chosen.
        let nearest = alternatives.iter().min_by_key(|errors| {
            let other_type = errors.iter().any(|error| {
                matches!(error.kind(), ValidationErrorKind::Type { .. }) && error.instance_path().as_str() == path
            });
            let is_constant =
                |error: &&ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::Constant { .. });
            (other_type, errors.iter().filter(is_constant).count(), errors.len())
        });
        let forms = alternatives.len();
        let errors = nearest.filter(|errors| depth < FORM_DEPTH && !errors.is_empty());
        let Some(errors) = errors else {
            let got = described(error.instance().as_ref());
            return Problem::Wrong { expected: format!("one of {forms} forms"), got, meant: None };
        };
        let closest = errors.iter().flat_map(|error| self.faults(error, depth + 1)).take(FORM_FAULTS).collect();
        Problem::NoForm { forms, closest }
    }
}

fn built(schema: &Tree) -> Result<Validator, String> {
    let linear = PatternOptions::regex().size_limit(PATTERN_BYTES);
    let backtracking = PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT).size_limit(PATTERN_BYTES);
    // Only a pattern with look-around needs the engine that can be slow.
    jsonschema::options()
        .with_pattern_options(linear)
        .should_validate_formats(false)
        .build(schema)
        .or_else(|_| {
            jsonschema::options().with_pattern_options(backtracking).should_validate_formats(false).build(schema)
        })
        .map_err(|error| shortened(&error.to_string()))
}

/// Takes the guess out of a missing member when the unknown one says already what it should be called.
fn forget_said_twice(faults: &mut [Fault]) {
    let unknown = |fault: &Fault| matches!(&fault.problem, Problem::Unknown { meant: Some(_), .. });
    let said: Vec<String> = faults.iter().filter(|fault| unknown(fault)).map(|fault| fault.path.clone()).collect();
    for fault in faults {
        let parent = fault.path.rfind('/').and_then(|end| fault.path.get(..end)).unwrap_or_default();
        if let Problem::Missing { sent_as, .. } = &mut fault.problem {
            sent_as.take_if(|sent| said.contains(&json::join(parent, sent)));
        }
    }
}

fn wrong(kind: &ValidationErrorKind, error: &ValidationError<'_>) -> Problem {
    let instance = error.instance();
    let meant = match (kind, instance.as_str()) {
        (ValidationErrorKind::Enum { options }, Some(word)) => {
            let options = options.as_array().into_iter().flatten().filter_map(Tree::as_str);
            closest(word, options).map(str::to_owned)
        }
        _ => None,
    };
    Problem::Wrong { expected: expected(kind, error), got: described(instance.as_ref()), meant }
}

fn expected(kind: &ValidationErrorKind, error: &ValidationError<'_>) -> String {
    match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(name) } => article(name.as_str()),
        ValidationErrorKind::Type { kind: TypeKind::Multiple(names) } => {
            let names: Vec<String> = names.iter().map(|name| article(name.as_str())).collect();
            names.join(" or ")
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            format!("one of {}", listed(options.iter().map(|option| shortened(&option.to_string()))))
        }
        ValidationErrorKind::Constant { expected_value } => shortened(&expected_value.to_string()),
        ValidationErrorKind::Minimum { limit } => format!("at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        ValidationErrorKind::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
        ValidationErrorKind::MinLength { limit } => format!("at least {}", counted(*limit, "character")),
        ValidationErrorKind::MaxLength { limit } => format!("at most {}", counted(*limit, "character")),
        ValidationErrorKind::MinItems { limit } => format!("at least {}", counted(*limit, "item")),
        ValidationErrorKind::MaxItems { limit } => format!("at most {}", counted(*limit, "item")),
        ValidationErrorKind::MinProperties { limit } => format!("at least {}", counted(*limit, "member")),
        ValidationErrorKind::MaxProperties { limit } => format!("at most {}", counted(*limit, "member")),
        ValidationErrorKind::Pattern { pattern } => format!("a text that matches `{}`", shortened(pattern)),
        ValidationErrorKind::UniqueItems => "items that differ from each other".to_owned(),
        ValidationErrorKind::FalseSchema => "nothing".to_owned(),
        ValidationErrorKind::Not { schema } => format!("what does not match {}", shortened(&schema.to_string())),
        ValidationErrorKind::OneOfMultipleValid { context } => {
            format!("exactly one of {} forms, not several", context.len())
        }
        // The rest is rare; the validator's own words, without the value, which may be long.
        _ => shortened(&error.masked().to_string()),
    }
}

/// Says what stands somewhere, as the server does.
fn described(value: &Tree) -> String {
    match value {
        Tree::Array(items) => format!("an array of {}", items.len()),
        Tree::Object(members) => format!("an object of {}", members.len()),
        other => shortened(&other.to_string()),
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn article(kind: &str) -> String {
    match kind {
        // The value says it all.
        "null" => kind.to_owned(),
        "array" | "integer" | "object" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

/// The first pattern that is longer than [`PATTERN_CHARS`].
fn long_pattern(schema: &Value) -> Option<&str> {
    let members = schema.as_object()?;
    let own = members.get("pattern").and_then(Value::as_str);
    let keys = members.get("patternProperties").and_then(Value::as_object);
    let keys = keys.into_iter().flat_map(Object::iter).map(|(pattern, _)| pattern);
    let mut found = own.into_iter().chain(keys).find(|pattern| pattern.len() > PATTERN_CHARS);
    keywords::each_subschema(schema, "", |_, _, subschema| {
        if found.is_none() {
            found = long_pattern(subschema);
        }
    });
    found
}

/// How many schemas a validator looks at, each time it does.
struct Work<'d, 'a> {
    document: &'d Document<'a>,
    visits: usize,
}

impl<'a> Work<'_, 'a> {
    /// Counts the visits; `None` when they are too many.
    fn measure(document: &Document<'_>, instance: &Value) -> Option<usize> {
        let mut work = Work { document, visits: 0 };
        work.visit(document.root(), instance, 0)?;
        Some(work.visits)
    }

    fn visit(&mut self, schema: &'a Value, instance: &Value, depth: usize) -> Option<()> {
        self.count(depth)?;
        let Some(members) = schema.as_object() else { return Some(()) };
        self.meet(members, instance, depth + 1)?;
        for _ in UNEVALUATED.iter().filter(|keyword| members.contains_key(keyword)) {
            self.mark(schema, instance, depth + 1)?;
        }
        Some(())
    }

    /// Counts what it takes to ask which parts of a value a schema has looked at: it checks all again, and asks each
    /// schema about the same value, which does as much.
    fn mark(&mut self, schema: &'a Value, instance: &Value, depth: usize) -> Option<()> {
        self.count(depth)?;
        let Some(members) = schema.as_object() else { return Some(()) };
        self.meet(members, instance, depth + 1)?;
        self.in_place(members).into_iter().try_for_each(|schema| self.mark(schema, instance, depth + 1))
    }

    fn count(&mut self, depth: usize) -> Option<()> {
        self.visits += 1;
        (self.visits <= CHECKED_VISITS && depth <= CHECKED_DEPTH).then_some(())
    }

    /// Visits every schema that a value or its parts meet by one schema.
    fn meet(&mut self, members: &'a Object, instance: &Value, depth: usize) -> Option<()> {
        self.in_place(members).into_iter().try_for_each(|schema| self.visit(schema, instance, depth))?;
        members.iter().try_for_each(|(keyword, value)| self.inside(keyword, value, instance, depth))
    }

    /// The schemas about the same value.
    fn in_place(&self, members: &'a Object) -> Vec<&'a Value> {
        let mut schemas = targets(members, self.document);
        for (keyword, value) in members.iter() {
            match (keywords::shape(keyword), value) {
                (Shape::One(Place::Here), schema) => schemas.push(schema),
                (Shape::List(Place::Here), Value::Array(list)) => schemas.extend(list),
                (Shape::Named(Place::Here), Value::Object(named)) => schemas.extend(named.iter().map(|(_, part)| part)),
                _ => {}
            }
        }
        schemas
    }

    /// Visits the schemas of one keyword that are about the parts of a value.
    fn inside(&mut self, keyword: &str, value: &'a Value, instance: &Value, depth: usize) -> Option<()> {
        match (keywords::shape(keyword), value) {
            (Shape::One(Place::Here) | Shape::List(Place::Here) | Shape::Named(Place::Here), _) => Some(()),
            (Shape::Named(Place::Inside), Value::Object(schemas)) if keyword == "properties" => {
                let Some(members) = instance.as_object() else { return Some(()) };
                members.iter().try_for_each(|(name, member)| match schemas.get(name) {
                    Some(schema) => self.visit(schema, member, depth),
                    None => Some(()),
                })
            }
            (Shape::Named(Place::Inside), Value::Object(schemas)) => {
                schemas.iter().try_for_each(|(_, schema)| self.visit_parts(schema, instance, depth))
            }
            (Shape::OneOrList | Shape::List(Place::Inside), Value::Array(schemas)) => {
                let items = instance.as_array().unwrap_or_default();
                schemas.iter().zip(items).try_for_each(|(schema, item)| self.visit(schema, item, depth))
            }
            (Shape::OneOrList | Shape::One(_), schema) => self.visit_parts(schema, instance, depth),
            _ => Some(()),
        }
    }

    /// Counts a schema that is about every member or item, or about some of them, which are not told apart here.
    fn visit_parts(&mut self, schema: &'a Value, instance: &Value, depth: usize) -> Option<()> {
        match instance {
            Value::Array(items) => items.iter().try_for_each(|item| self.visit(schema, item, depth)),
            Value::Object(members) => members.iter().try_for_each(|(_, member)| self.visit(schema, member, depth)),
            _ => Some(()),
        }
    }
}

/// Visits up to which all faults are listed: tens of milliseconds.
const LISTED_VISITS: usize = 20_000;

/// Visits up to which arguments are checked at all.
const CHECKED_VISITS: usize = 500_000;

/// Levels up to which arguments are checked; it bounds the validator's use of the stack.
const CHECKED_DEPTH: usize = 512;

/// Levels of alternatives in alternatives that are explained.
const FORM_DEPTH: usize = 2;

/// Faults of an alternative that are told.
const FORM_FAULTS: usize = 4;

/// Characters of a pattern.
const PATTERN_CHARS: usize = 1024;

/// Bytes of a compiled pattern.
const PATTERN_BYTES: usize = 1 << 20;

/// Steps back of a pattern with look-around, for each value.
const BACKTRACK_LIMIT: usize = 10_000;

#[cfg(test)]
mod tests;
