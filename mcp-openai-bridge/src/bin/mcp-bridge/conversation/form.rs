//! The form of a server, field by field, as it is asked and answered in a terminal.
//!
//! The surprising thing: an empty line is an answer. It leaves the field out, and the form says whether that is allowed
//! and what stands there then.

use mcp_types::{
    EnumOption, JsonObject, NumberType, PrimitiveSchemaDefinition as Primitive, RawJson, RequestedSchema, StringFormat,
};
use serde_json::{Value, json};

/// One field of a form.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    name: &'a str,
    definition: Primitive,
    schema: &'a RequestedSchema,
}

/// Returns the fields of a form that can be asked for, in its order.
pub(crate) fn fields(schema: &RequestedSchema) -> Vec<Field<'_>> {
    schema.definitions().map(|(name, definition)| Field { name, definition, schema }).collect()
}

impl Field<'_> {
    pub(crate) fn name(&self) -> &str {
        self.name
    }

    /// Returns how the field is asked for.
    pub(crate) fn question(&self) -> String {
        let (title, description, kind) = self.described();
        let mut notes = vec![kind];
        let default = self.schema.defaults().member(self.name).map(|default| format!("default {default}"));
        notes.extend(default.or_else(|| (!self.is_required()).then(|| "optional".to_owned())));
        let title = title.map_or_else(String::new, |title| format!(" {title}"));
        let description = description.map_or_else(String::new, |text| format!(": {text}"));
        format!("{}{title} ({}){description}", self.name, notes.join(", "))
    }

    /// Reads an answer; `None` when the field is left out.
    ///
    /// # Errors
    ///
    /// Fails with what is wrong with it.
    pub(crate) fn read(&self, line: &str) -> Result<Option<RawJson>, String> {
        let line = line.trim();
        if line.is_empty() {
            let is_missing = self.is_required() && self.schema.defaults().member(self.name).is_none();
            return if is_missing { Err("is required".to_owned()) } else { Ok(None) };
        }
        let value = RawJson::from(self.value(line)?);
        let content: JsonObject = [(self.name, value.clone())].into_iter().collect();
        let faults = self.schema.check(&content);
        match faults.into_iter().find(|fault| fault.member.as_deref() == Some(self.name)) {
            Some(fault) => Err(fault.why),
            None => Ok(Some(value)),
        }
    }

    fn value(&self, line: &str) -> Result<Value, String> {
        match &self.definition {
            Primitive::Boolean(_) => match line.to_ascii_lowercase().as_str() {
                "y" | "yes" | "true" => Ok(Value::Bool(true)),
                "n" | "no" | "false" => Ok(Value::Bool(false)),
                _ => Err("must be yes or no".to_owned()),
            },
            Primitive::Number(_) => match serde_json::from_str(line) {
                Ok(number @ Value::Number(_)) => Ok(number),
                _ => Err("must be a number".to_owned()),
            },
            Primitive::UntitledMultiSelect(_) | Primitive::TitledMultiSelect(_) => {
                Ok(json!(line.split(',').map(str::trim).collect::<Vec<_>>()))
            }
            _ => Ok(Value::from(line)),
        }
    }

    fn is_required(&self) -> bool {
        self.schema.required.iter().flatten().any(|name| name == self.name)
    }

    /// Returns the title, the description and what may be answered.
    fn described(&self) -> (Option<&str>, Option<&str>, String) {
        macro_rules! told {
            ($schema:expr, $kind:expr) => {
                ($schema.title.as_deref(), $schema.description.as_deref(), $kind)
            };
        }
        match &self.definition {
            Primitive::String(schema) => told!(schema, format_of(schema.format.as_ref()).to_owned()),
            Primitive::Number(schema) if schema.kind == NumberType::Integer => told!(schema, "whole number".to_owned()),
            Primitive::Number(schema) => told!(schema, "number".to_owned()),
            Primitive::Boolean(schema) => told!(schema, "yes or no".to_owned()),
            Primitive::UntitledSingleSelect(schema) => told!(schema, format!("one of {}", schema.values.join(", "))),
            Primitive::LegacyTitledEnum(schema) => told!(schema, format!("one of {}", schema.values.join(", "))),
            Primitive::TitledSingleSelect(schema) => told!(schema, format!("one of {}", titled(&schema.one_of))),
            Primitive::UntitledMultiSelect(schema) => {
                told!(schema, format!("some of {}, with commas", schema.items.values.join(", ")))
            }
            Primitive::TitledMultiSelect(schema) => {
                told!(schema, format!("some of {}, with commas", titled(&schema.items.any_of)))
            }
            _ => (None, None, "text".to_owned()),
        }
    }
}

fn format_of(format: Option<&StringFormat>) -> &'static str {
    match format {
        Some(StringFormat::Date) => "date such as 2026-07-28",
        Some(StringFormat::DateTime) => "time such as 2026-07-28T09:30:00Z",
        Some(StringFormat::Email) => "email address",
        Some(StringFormat::Uri) => "URI",
        _ => "text",
    }
}

fn titled(options: &[EnumOption]) -> String {
    let shown = options.iter().map(|option| match option.title.as_str() {
        title if title == option.value || title.is_empty() => option.value.clone(),
        title => format!("{} ({title})", option.value),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> RequestedSchema {
        serde_json::from_str(
            r#"{
                "type": "object",
                "required": ["name", "size", "sure"],
                "properties": {
                    "name": { "type": "string", "title": "Your name", "description": "as on the door", "minLength": 2 },
                    "age": { "type": "integer", "minimum": 0 },
                    "size": { "type": "string", "enum": ["s", "m"], "default": "m" },
                    "sure": { "type": "boolean" },
                    "pets": {
                        "type": "array",
                        "items": { "anyOf": [{ "const": "c", "title": "Cat" }, { "const": "d", "title": "Dog" }] }
                    }
                }
            }"#,
        )
        .unwrap()
    }

    #[test]
    fn a_field_says_what_may_be_answered() {
        let schema = schema();
        let asked: Vec<String> = fields(&schema).iter().map(Field::question).collect();
        assert_eq!(
            asked,
            [
                "name Your name (text): as on the door",
                "age (whole number, optional)",
                "size (one of s, m, default \"m\")",
                "sure (yes or no)",
                "pets (some of c (Cat), d (Dog), with commas, optional)",
            ]
        );
    }

    #[test]
    fn an_answer_becomes_what_the_field_is() {
        let schema = schema();
        let check = |name: &str, line: &str, expected: Result<Option<Value>, &str>| {
            let fields = fields(&schema);
            let field = fields.iter().find(|field| field.name() == name).unwrap();
            let read = field.read(line).map(|value| value.map(|value| value.decode::<Value>().unwrap()));
            match (read, expected) {
                (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{name} {line}"),
                (Err(why), Err(part)) => assert!(why.contains(part), "{name} {line}: {why}"),
                (read, expected) => panic!("{name} {line}: {read:?}, expected {expected:?}"),
            }
        };
        check("name", " Ada ", Ok(Some(json!("Ada"))));
        check("name", "", Err("is required"));
        check("name", "A", Err("characters"));
        check("age", "", Ok(None));
        check("age", "36", Ok(Some(json!(36))));
        check("age", "3.5", Err("whole number"));
        check("age", "old", Err("must be a number"));
        check("age", "-1", Err("at least 0"));
        check("size", "", Ok(None));
        check("size", "xl", Err("must be one of"));
        check("sure", "Yes", Ok(Some(json!(true))));
        check("sure", "maybe", Err("yes or no"));
        check("pets", "c, d", Ok(Some(json!(["c", "d"]))));
        check("pets", "c, x", Err("must be one of"));
    }
}
