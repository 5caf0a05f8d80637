//! Saying what is wrong with a value so that a language model can repair it.
//!
//! The surprising thing: of `anyOf` and `oneOf` only the closest alternative is told. All of them would be a page.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use crate::text::{did_you_mean, list, shorten};

/// Names listed as known in one fault.
const MAX_NAMES: usize = 24;
/// Characters of a value that are repeated to its sender.
const MAX_SHOWN: usize = 60;
/// Alternatives within alternatives that are looked into.
const MAX_DEPTH: usize = 4;

/// Describes one fault in one line.
pub(super) fn line(error: &ValidationError<'_>, schema: &Value) -> String {
    format!("- {}", describe(error, schema, MAX_DEPTH))
}

fn describe(error: &ValidationError<'_>, schema: &Value, depth: usize) -> String {
    let path = path(error.instance_path().as_str());
    let got = || shown(error.instance());
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unknown(&path, unexpected, &known(error, schema))
        }
        ValidationErrorKind::Required { property } => missing(&path, property, error, schema),
        ValidationErrorKind::Type { kind } => format!("{}: expected {}, got {}", at(&path), types(kind), got()),
        ValidationErrorKind::Enum { options } => {
            let options: Vec<_> = options.as_array().into_iter().flatten().map(shown).collect();
            let hint = error.instance().as_str().and_then(|word| hint(word, &options));
            let hint = hint.unwrap_or_default();
            format!("{}: expected one of {}, got {}{hint}", at(&path), list(&options, MAX_NAMES), got())
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("{}: expected {}, got {}", at(&path), shown(expected_value), got())
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } if depth > 0 => {
            match closest(context) {
                Some(nearest) => {
                    let told: Vec<_> = nearest.iter().take(4).map(|error| describe(error, schema, depth - 1)).collect();
                    format!("{}: follows none of its {} forms; closest: {}", at(&path), context.len(), told.join("; "))
                }
                None => format!("{}: follows none of its forms, got {}", at(&path), got()),
            }
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            format!("{}: follows more than one of its forms, got {}", at(&path), got())
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("{}: expected a text that matches `{}`, got {}", at(&path), shorten(pattern, 200), got())
        }
        // The other messages name the bound and the value, whose text may be long.
        _ => format!("{}: {}", at(&path), shorten(&error.to_string(), 240)),
    }
}

fn unknown(path: &str, unexpected: &[String], known: &[String]) -> String {
    let told: Vec<_> = unexpected
        .iter()
        .take(8)
        .map(|name| {
            let full = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            format!("`{}`: unknown{}", shorten(&full, 120), hint(name, known).unwrap_or_default())
        })
        .collect();
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    if known.is_empty() {
        return format!("{}; none are known here", told.join(", "));
    }
    format!("{}; known are {}", told.join(", "), list(&known, MAX_NAMES))
}

fn missing(path: &str, property: &Value, error: &ValidationError<'_>, schema: &Value) -> String {
    let name = property.as_str().unwrap_or_default();
    let full = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let wanted = owner(error, schema).and_then(|owner| owner.get("properties")?.get(name));
    let kind = wanted.and_then(|wanted| wanted.get("type")).map(|kind| match kind {
        Value::String(word) => with_article(word),
        other => other.to_string(),
    });
    match kind {
        Some(kind) => format!("`{full}`: missing, expected {kind}"),
        None => format!("`{full}`: missing"),
    }
}

/// Returns the subschema that a fault was found by.
fn owner<'a>(error: &ValidationError<'_>, schema: &'a Value) -> Option<&'a Value> {
    let location = error.schema_path().as_str();
    let (owner, keyword) = location.rsplit_once('/')?;
    // `required` is located by its keyword, and by some versions with an index behind it.
    let owner = if keyword.bytes().all(|byte| byte.is_ascii_digit()) { owner.rsplit_once('/')?.0 } else { owner };
    schema.pointer(owner).filter(|found| found.is_object()).or(Some(schema))
}

fn known(error: &ValidationError<'_>, schema: &Value) -> Vec<String> {
    let properties = owner(error, schema).and_then(|owner| owner.get("properties")?.as_object());
    properties.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// Chooses the alternative that the value comes closest to: one whose fixed words all match, then the fewest faults.
fn closest<'a>(context: &'a [Vec<ValidationError<'static>>]) -> Option<&'a Vec<ValidationError<'static>>> {
    context.iter().filter(|faults| !faults.is_empty()).min_by_key(|faults| {
        let of_kind = |error: &&ValidationError<'_>| {
            matches!(error.kind(), ValidationErrorKind::Constant { .. } | ValidationErrorKind::Type { .. })
        };
        (faults.iter().filter(of_kind).count(), faults.len())
    })
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => with_article(&kind.to_string()),
        TypeKind::Multiple(kinds) => {
            let kinds: Vec<_> = kinds.iter().map(|kind| with_article(&kind.to_string())).collect();
            kinds.join(" or ")
        }
    }
}

fn with_article(kind: &str) -> String {
    match kind {
        "null" => "null".to_owned(),
        "array" | "integer" | "object" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn at(path: &str) -> String {
    if path.is_empty() { "the value".to_owned() } else { format!("`{}`", shorten(path, 120)) }
}

fn hint(word: &str, known: &[String]) -> Option<String> {
    let plain = known.iter().map(|name| name.trim_matches('"'));
    did_you_mean(word, plain).map(|name| format!(", did you mean `{name}`?"))
}

/// Shows a value with its type.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(members) => format!("an object of {}", members.len()),
        other => shorten(&other.to_string(), MAX_SHOWN),
    }
}

/// Turns a JSON Pointer into a path that reads like code.
fn path(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            out.push_str(&format!("[{part}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use mcp_transport::Limits;
    use mcp_types::RawJson;
    use serde_json::json;

    use super::super::Schema;

    #[track_caller]
    fn check(schema: serde_json::Value, value: serde_json::Value, expected: &[&str]) {
        let schema = Schema::new(schema.into(), &Limits::default(), true).unwrap();
        let told = schema.check(&RawJson::from(value)).unwrap_err();
        for part in expected {
            assert!(told.contains(part), "{part:?} is not in:\n{told}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once_with_path_expectation_and_hint() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"enum": ["celsius", "fahrenheit"]}
            },
            "required": ["city"],
            "additionalProperties": false
        });
        check(
            schema,
            json!({"ctiy": "Rome", "days": "3", "unit": "celcius"}),
            &[
                "`ctiy`: unknown, did you mean `city`?; known are `city`, `days`, `unit`",
                "`city`: missing, expected a string",
                "`days`: expected an integer, got \"3\"",
                "`unit`: expected one of \"celsius\", \"fahrenheit\", got \"celcius\", did you mean `celsius`?",
            ],
        );
    }

    #[test]
    fn the_path_leads_into_arrays_objects_and_references() {
        let schema = json!({
            "type": "object",
            "properties": {"points": {"type": "array", "items": {"$ref": "#/$defs/point"}}},
            "$defs": {"point": {"type": "object", "properties": {"x": {"type": "number"}}, "additionalProperties": false}}
        });
        check(
            schema,
            json!({"points": [{"x": 1}, {"xx": 1, "x": "a"}]}),
            &[
                "`points[1].x`: expected a number, got \"a\"",
                "`points[1].xx`: unknown, did you mean `x`?; known are `x`",
            ],
        );
    }

    #[test]
    fn of_alternatives_the_closest_is_told() {
        let form = |kind: &str, member: &str| {
            json!({
                "type": "object",
                "properties": {"kind": {"const": kind}, member: {"type": "integer"}},
                "required": ["kind", member]
            })
        };
        check(
            json!({"oneOf": [form("circle", "radius"), form("square", "side")]}),
            json!({"kind": "square"}),
            &["follows none of its 2 forms; closest: `side`: missing, expected an integer"],
        );
    }

    #[test]
    fn the_number_of_faults_is_bounded() {
        let schema = json!({"type": "array", "items": {"type": "string"}});
        let schema = Schema::new(schema.into(), &Limits::default(), true).unwrap();
        let told = schema.check(&RawJson::from(json!(vec![1; 100]))).unwrap_err();
        assert_eq!(told.lines().count(), 17);
        assert!(told.ends_with("- and more"));
    }
}
