//! Finds the `x-mcp-header` annotations of a tool's input schema (H-31).
//!
//! The surprising thing: a stray annotation makes the whole tool invalid, so the search goes through
//! all of the schema, also where an annotation could never take effect.

use std::fmt;

use serde_json::{Map, Value};

use super::param::{ParamHeader, ParamKind, push_token};
use super::{excerpt, is_token};

/// One way in which the annotations of a schema are invalid (H-31).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaFault {
    /// Where in the schema the annotated subschema is, as a JSON Pointer.
    pub path: String,
    /// What is wrong with the annotation.
    pub reason: SchemaFaultReason,
}

/// What is wrong with an `x-mcp-header` annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaFaultReason {
    /// Another annotation, at this JSON Pointer, has the same name, but perhaps for its letter case.
    Duplicate(String),
    /// The annotation is the empty string.
    Empty,
    /// The annotation, shown shortened and escaped, is not a token of RFC 9110.
    NotToken(String),
    /// The annotation is not a string.
    NotString,
    /// There are already [`MAX_PARAM_HEADERS`] annotations.
    TooMany,
    /// The `type` beside the annotation, if any, is not exactly `string`, `integer` or `boolean`.
    Type(Option<String>),
    /// The annotated subschema is not a property, or is reached by something else than `properties`.
    Unreachable,
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{ANNOTATION}` at `{}` ", self.path)?;
        match &self.reason {
            SchemaFaultReason::Duplicate(other) => {
                write!(f, "has the same name as the one at `{other}`; names must differ by more than letter case")
            }
            SchemaFaultReason::Empty => f.write_str("is empty; give it the name that follows `Mcp-Param-`"),
            SchemaFaultReason::NotToken(name) => {
                write!(f, "is `{name}`, which cannot be in the name of a header; use letters, digits and `-`")
            }
            SchemaFaultReason::NotString => f.write_str("is not a string"),
            SchemaFaultReason::TooMany => {
                write!(f, "is beyond the {MAX_PARAM_HEADERS} that a tool may have")
            }
            SchemaFaultReason::Type(Some(found)) => {
                write!(f, "is on a value of type {found}; only string, integer and boolean can be in a header")
            }
            SchemaFaultReason::Type(None) => {
                f.write_str("is on a value without a type; only string, integer and boolean can be in a header")
            }
            SchemaFaultReason::Unreachable => {
                f.write_str("is not on a property that is reached from the root by `properties` alone")
            }
        }
    }
}

impl std::error::Error for SchemaFault {}

/// Returns the annotated properties of a schema, or every fault, up to [`MAX_PARAM_HEADERS`].
pub(super) fn find_annotations(schema: &Value) -> Result<Vec<ParamHeader>, Vec<SchemaFault>> {
    let search = Search::run(schema);
    if !search.faults.is_empty() {
        return Err(search.faults);
    }
    Ok(search.found.into_iter().map(|(header, _)| header).collect())
}

/// The search for annotations: a list that grows while it is read, so that a deep schema costs no stack.
///
/// Places are kept as links to the parent and spelled out only for what is found, because a schema
/// can make the sum of all its pointers quadratic in its size.
struct Search<'s> {
    nodes: Vec<Node<'s>>,
    /// The headers, and where in the schema each was found.
    found: Vec<(ParamHeader, String)>,
    faults: Vec<SchemaFault>,
}

/// An object or array in the schema.
struct Node<'s> {
    value: &'s Value,
    /// The index of the node that this one is in; its own for the root.
    parent: usize,
    step: Step<'s>,
    /// Whether only `properties` lead here.
    is_reachable: bool,
}

/// What leads from a node to one in it.
#[derive(Clone, Copy)]
enum Step<'s> {
    Root,
    Keyword(&'s str),
    /// A keyword that holds a map, and a name in this map.
    Member(&'s str, &'s str),
    Element(usize),
}

impl<'s> Search<'s> {
    fn run(schema: &'s Value) -> Self {
        let root = Node { value: schema, parent: 0, step: Step::Root, is_reachable: true };
        let mut search = Self { nodes: vec![root], found: Vec::new(), faults: Vec::new() };
        let mut index = 0;
        while search.faults.len() < MAX_PARAM_HEADERS
            && let Some(node) = search.nodes.get(index)
        {
            search.visit(index, node.value, node.is_reachable);
            index += 1;
        }
        search
    }

    fn visit(&mut self, index: usize, value: &'s Value, is_reachable: bool) {
        match value {
            Value::Object(members) => {
                if let Some(annotation) = members.get(ANNOTATION) {
                    self.read(annotation, members, index);
                }
                for (keyword, value) in members {
                    self.enter(keyword, value, index, is_reachable);
                }
            }
            Value::Array(elements) => {
                for (position, element) in elements.iter().enumerate() {
                    self.push(element, index, Step::Element(position), false);
                }
            }
            _ => {}
        }
    }

    /// Queues what may hold further annotations below one keyword.
    fn enter(&mut self, keyword: &'s str, value: &'s Value, parent: usize, is_reachable: bool) {
        match keyword {
            // Values, not schemas: an `x-mcp-header` member in them is no annotation.
            ANNOTATION | "const" | "default" | "enum" | "examples" => {}
            // Maps from names to schemas: an `x-mcp-header` member is the name of a property or definition.
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies" => {
                let is_reachable = is_reachable && keyword == "properties";
                for (name, schema) in value.as_object().into_iter().flatten() {
                    self.push(schema, parent, Step::Member(keyword, name), is_reachable);
                }
            }
            _ => self.push(value, parent, Step::Keyword(keyword), false),
        }
    }

    fn push(&mut self, value: &'s Value, parent: usize, step: Step<'s>, is_reachable: bool) {
        if value.is_object() || value.is_array() {
            self.nodes.push(Node { value, parent, step, is_reachable });
        }
    }

    fn read(&mut self, annotation: &Value, members: &Map<String, Value>, index: usize) {
        let pointer = self.pointer(index);
        match self.parse(annotation, members, index) {
            Ok(header) => self.found.push((header, pointer)),
            Err(reason) => self.faults.push(SchemaFault { path: pointer, reason }),
        }
    }

    fn parse(
        &self,
        annotation: &Value,
        members: &Map<String, Value>,
        index: usize,
    ) -> Result<ParamHeader, SchemaFaultReason> {
        let path = self.property_path(index).ok_or(SchemaFaultReason::Unreachable)?;
        let name = annotation.as_str().ok_or(SchemaFaultReason::NotString)?;
        if name.is_empty() {
            return Err(SchemaFaultReason::Empty);
        }
        if !is_token(name) {
            return Err(SchemaFaultReason::NotToken(excerpt(name)));
        }
        let kind = ParamKind::parse(members.get("type"))?;
        let mut others = self.found.iter();
        if let Some((_, other)) = others.find(|(other, _)| other.name.eq_ignore_ascii_case(name)) {
            return Err(SchemaFaultReason::Duplicate(other.clone()));
        }
        if self.found.len() == MAX_PARAM_HEADERS {
            return Err(SchemaFaultReason::TooMany);
        }
        Ok(ParamHeader { name: name.to_owned(), path, kind })
    }

    /// Returns the property names that lead to a node; none for the root and what else is no property.
    fn property_path(&self, index: usize) -> Option<Vec<String>> {
        let steps = self.steps(index);
        let is_property = self.nodes.get(index).is_some_and(|node| node.is_reachable) && !steps.is_empty();
        let names = steps.into_iter().filter_map(|step| match step {
            Step::Member(_, name) => Some(name.to_owned()),
            Step::Root | Step::Keyword(_) | Step::Element(_) => None,
        });
        is_property.then(|| names.collect())
    }

    fn pointer(&self, index: usize) -> String {
        let mut pointer = String::new();
        for step in self.steps(index) {
            match step {
                Step::Root => {}
                Step::Keyword(keyword) => push_token(&mut pointer, keyword),
                Step::Member(keyword, name) => {
                    push_token(&mut pointer, keyword);
                    push_token(&mut pointer, name);
                }
                Step::Element(position) => push_token(&mut pointer, &position.to_string()),
            }
        }
        pointer
    }

    /// Returns the steps from the root to a node.
    fn steps(&self, mut index: usize) -> Vec<Step<'s>> {
        let mut steps = Vec::new();
        while let Some(node) = self.nodes.get(index).filter(|node| !matches!(node.step, Step::Root)) {
            steps.push(node.step);
            index = node.parent;
        }
        steps.reverse();
        steps
    }
}

impl ParamKind {
    fn parse(declared: Option<&Value>) -> Result<Self, SchemaFaultReason> {
        match declared.and_then(Value::as_str) {
            Some("boolean") => Ok(Self::Boolean),
            Some("integer") => Ok(Self::Integer),
            Some("string") => Ok(Self::String),
            _ => Err(SchemaFaultReason::Type(declared.map(|declared| excerpt(&declared.to_string())))),
        }
    }
}

/// How many arguments of one tool can be repeated in headers, and how many faults of a schema are told.
pub const MAX_PARAM_HEADERS: usize = 64;

const ANNOTATION: &str = "x-mcp-header";
