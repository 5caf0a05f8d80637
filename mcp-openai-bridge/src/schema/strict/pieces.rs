//! A schema without alternatives, taken apart by the types that it allows.
//!
//! The surprising thing: rules about another type than the value's hold for nothing. So a list of types is the same as an
//! alternative for each of them, which has only the rules about its own type.

use crate::json::{self, Object, Value};

use super::{Hindrance, Obstacle, Subset};

impl<'a> Subset<'_, 'a> {
    pub(super) fn pieces(&mut self, members: &'a Object, path: &str) -> Result<Object, Obstacle> {
        let obstacle = |hindrance| Obstacle::new(path, hindrance);
        let values = allowed_values(members);
        let types = types(members, values.as_deref()).ok_or_else(|| obstacle(Hindrance::AnyValue))?;
        if path.is_empty() && types != ["object"] {
            return Err(obstacle(Hindrance::AnyValue));
        }
        let mut pieces = Vec::new();
        for kind in types {
            let mut piece = match kind {
                "object" | "array" if values.is_some() => {
                    let keyword = if members.contains_key("enum") { "enum" } else { "const" };
                    return Err(obstacle(Hindrance::Keyword(keyword.to_owned())));
                }
                "object" => self.object(members, path)?,
                "array" => self.array(members, path)?,
                "string" => string(members),
                _ => Object::default(),
            };
            if matches!(kind, "integer" | "number") {
                copy(members, &NUMBER, &mut piece);
            }
            if let Some(values) = &values {
                let mut values: Vec<Value> = values.iter().filter(|value| is_of(value, kind)).cloned().collect();
                values.dedup();
                if values.is_empty() {
                    continue;
                }
                piece.set("enum", values);
            }
            pieces.push((kind, piece));
        }
        if pieces.is_empty() {
            return Err(obstacle(Hindrance::Keyword("enum".to_owned())));
        }
        Ok(joined(&pieces))
    }

    fn array(&mut self, members: &'a Object, path: &str) -> Result<Object, Obstacle> {
        let Some(items) = members.get("items") else {
            return Err(Obstacle::new(path, Hindrance::AnyValue));
        };
        let items = self.schema(items, &json::join(path, "items"))?;
        let mut piece = Object::from([("items", items.into())]);
        copy(members, &["minItems", "maxItems"], &mut piece);
        Ok(piece)
    }
}

/// Puts pieces together: one as it is, one beside `null` as a list of types where that is usual, others as alternatives.
fn joined(pieces: &[(&str, Object)]) -> Object {
    let only = pieces.iter().find(|(kind, _)| *kind != "null");
    let with_null = pieces.iter().any(|(kind, _)| *kind == "null");
    let scalar = |kind: &str| kind != "object" && kind != "array";
    match (pieces, only) {
        ([(kind, piece)], _) => typed(Value::from(*kind), piece),
        ([_, _], Some((kind, piece))) if with_null && scalar(kind) => {
            let mut piece = piece.clone();
            if let Some(Value::Array(values)) = piece.get_mut("enum") {
                values.push(Value::Null);
            }
            typed(vec![Value::from(*kind), "null".into()].into(), &piece)
        }
        _ => {
            let pieces = pieces.iter().map(|(kind, piece)| match *kind {
                "null" => Object::from([("type", "null".into())]).into(),
                kind => typed(kind.into(), piece).into(),
            });
            Object::from([("anyOf", pieces.collect::<Vec<Value>>().into())])
        }
    }
}

/// The piece with its type in front.
fn typed(kind: Value, piece: &Object) -> Object {
    let is_null = kind.as_str() == Some("null");
    let mut out = Object::from([("type", kind)]);
    for (keyword, value) in piece.iter().filter(|(keyword, _)| *keyword != "type" && !is_null) {
        out.set(keyword, value.clone());
    }
    out
}

fn string(members: &Object) -> Object {
    let mut piece = Object::default();
    if let Some(pattern) = members.get("pattern") {
        piece.set("pattern", pattern.clone());
    }
    // An unknown format is a note to the reader, and forbids nothing.
    if let Some(format) = members.get("format").and_then(Value::as_str).filter(|format| FORMATS.contains(format)) {
        piece.set("format", format);
    }
    piece
}

/// The types that a schema allows; `None` when it says nothing about them.
pub(super) fn types<'a>(members: &'a Object, values: Option<&[Value]>) -> Option<Vec<&'a str>> {
    match members.get("type") {
        Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).collect()),
        Some(name) => Some(vec![name.as_str()?]),
        None => {
            let mut kinds: Vec<&str> = Vec::new();
            for kind in values?.iter().map(Value::kind) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            Some(kinds)
        }
    }
}

/// The values of `enum` and `const`, when only those are allowed.
pub(super) fn allowed_values(members: &Object) -> Option<Vec<Value>> {
    let values = members.get("enum").and_then(Value::as_array).map(<[Value]>::to_vec);
    match (members.get("const"), values) {
        (Some(only), Some(mut values)) => {
            values.retain(|value| value == only);
            Some(values)
        }
        (Some(only), None) => Some(vec![only.clone()]),
        (None, values) => values,
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match value {
        // A number without a fraction is an integer, also when it is written with one.
        Value::Number(text) if kind == "integer" => text.parse::<f64>().is_ok_and(|number| number.fract() == 0.0),
        value => value.kind() == kind,
    }
}

fn copy(from: &Object, keywords: &[&str], to: &mut Object) {
    for keyword in keywords {
        if let Some(value) = from.get(keyword) {
            to.set(*keyword, value.clone());
        }
    }
}

const NUMBER: [&str; 5] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];

/// The formats of strict mode.
const FORMATS: [&str; 9] = ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"];
