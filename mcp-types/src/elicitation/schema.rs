//! The forms of elicitation: flat objects of primitive members (T-130 to T-132).
//!
//! The surprising thing: five ways to say "one of these". What a member is, is told by which keywords it has.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dispatch::{decode, unknown_kind};
use crate::json::{JsonObject, RawJson};
use crate::object::{Number, object, words};

object! {
    /// A form: an object whose members are primitive.
    pub struct RequestedSchema {
        tag "type" = "object";
        lenient {
            /// The members by name, in the order in which to show them, each a [`PrimitiveSchemaDefinition`].
            properties: JsonObject = "properties",
        }
        optional {
            /// The members that must be filled in.
            required: Vec<String> = "required",
            /// The dialect of JSON Schema; since 2025-11-25.
            schema: String = "$schema",
        }
    }
}

impl RequestedSchema {
    /// Adds a member that may be left out.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, schema: impl Into<PrimitiveSchemaDefinition>) -> Self {
        self.properties.insert(name, RawJson::from(schema.into()));
        self
    }

    /// Adds a member that must be filled in.
    #[must_use]
    pub fn required_property(self, name: impl Into<String>, schema: impl Into<PrimitiveSchemaDefinition>) -> Self {
        let name = name.into();
        let mut form = self.property(name.clone(), schema);
        form.required.get_or_insert_default().push(name);
        form
    }

    /// Returns the members whose definition can be read.
    pub fn definitions(&self) -> impl Iterator<Item = (&str, PrimitiveSchemaDefinition)> {
        self.properties.iter().filter_map(|(name, raw)| Some((name, raw.decode().ok()?)))
    }

    /// Returns the defaults of the members that have one.
    pub fn defaults(&self) -> JsonObject {
        let default = |(name, raw): (&str, &RawJson)| {
            let [default] = raw.members(["default"]).ok()?;
            Some((name.to_owned(), default?))
        };
        self.properties.iter().filter_map(default).collect()
    }
}

/// # Panics
///
/// Panics when raw JSON was put into the form that makes it deeper than any message; what was decoded never does.
impl From<RequestedSchema> for RawJson {
    fn from(form: RequestedSchema) -> Self {
        Self::of(&form)
    }
}

/// What one member of a form is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PrimitiveSchemaDefinition {
    /// A text.
    String(StringSchema),
    /// A number.
    Number(NumberSchema),
    /// Yes or no.
    Boolean(BooleanSchema),
    /// One of these words.
    UntitledSingleSelect(UntitledSingleSelectEnumSchema),
    /// One of these words, each with a title; since 2025-11-25.
    TitledSingleSelect(TitledSingleSelectEnumSchema),
    /// Some of these words; since 2025-11-25.
    UntitledMultiSelect(UntitledMultiSelectEnumSchema),
    /// Some of these words, each with a title; since 2025-11-25.
    TitledMultiSelect(TitledMultiSelectEnumSchema),
    /// One of these words, with titles beside them; the older way.
    LegacyTitledEnum(LegacyTitledEnumSchema),
}

/// Declares that a schema can stand where any of them can.
macro_rules! primitive {
    ($($variant:ident($schema:ident);)+) => {
        $(
            impl From<$schema> for PrimitiveSchemaDefinition {
                fn from(schema: $schema) -> Self {
                    Self::$variant(schema)
                }
            }
        )+

        impl Serialize for PrimitiveSchemaDefinition {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( Self::$variant(schema) => schema.serialize(serializer), )+
                }
            }
        }
    };
}

primitive! {
    String(StringSchema);
    Number(NumberSchema);
    Boolean(BooleanSchema);
    UntitledSingleSelect(UntitledSingleSelectEnumSchema);
    TitledSingleSelect(TitledSingleSelectEnumSchema);
    UntitledMultiSelect(UntitledMultiSelectEnumSchema);
    TitledMultiSelect(TitledMultiSelectEnumSchema);
    LegacyTitledEnum(LegacyTitledEnumSchema);
}

/// # Panics
///
/// Panics when raw JSON was put into the definition that makes it deeper than any message; what was decoded never does.
impl From<PrimitiveSchemaDefinition> for RawJson {
    fn from(schema: PrimitiveSchemaDefinition) -> Self {
        Self::of(&schema)
    }
}

impl<'de> Deserialize<'de> for PrimitiveSchemaDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let raw = RawJson::deserialize(deserializer)?;
        let [kind, one_of, words, titles, items] =
            raw.members(["type", "oneOf", "enum", "enumNames", "items"]).map_err(D::Error::custom)?;
        let kind: String = decode(&kind.ok_or_else(|| D::Error::missing_field("type"))?)?;
        match kind.as_str() {
            "string" if one_of.is_some() => decode(&raw).map(Self::TitledSingleSelect),
            "string" if words.is_some() && titles.is_some() => decode(&raw).map(Self::LegacyTitledEnum),
            "string" if words.is_some() => decode(&raw).map(Self::UntitledSingleSelect),
            "string" => decode(&raw).map(Self::String),
            "number" | "integer" => decode(&raw).map(Self::Number),
            "boolean" => decode(&raw).map(Self::Boolean),
            "array" => {
                let items = items.ok_or_else(|| D::Error::missing_field("items"))?;
                let [any_of] = items.members(["anyOf"]).map_err(D::Error::custom)?;
                match any_of {
                    Some(_) => decode(&raw).map(Self::TitledMultiSelect),
                    None => decode(&raw).map(Self::UntitledMultiSelect),
                }
            }
            other => Err(unknown_kind("type", other, "string, number, integer, boolean, array")),
        }
    }
}

object! {
    /// A text.
    pub struct StringSchema {
        tag "type" = "string";
        optional {
            /// The name for humans.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// The least number of characters.
            min_length: u64 = "minLength",
            /// The greatest number of characters.
            max_length: u64 = "maxLength",
            /// What kind of text it is.
            format: StringFormat = "format",
            /// What it is unless filled in; since 2025-11-25.
            default: String = "default",
        }
    }
}

words! {
    /// What kind of text a member is.
    pub enum StringFormat {
        /// A day.
        Date = "date",
        /// A moment.
        DateTime = "date-time",
        /// An address for mail.
        Email = "email",
        /// A URI.
        Uri = "uri",
    }
}

object! {
    /// A number.
    pub struct NumberSchema {
        required {
            /// Whether it is whole.
            kind: NumberType = "type",
        }
        optional {
            /// The name for humans.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// The least value.
            minimum: f64 = "minimum" via Number,
            /// The greatest value.
            maximum: f64 = "maximum" via Number,
            /// What it is unless filled in; since 2025-11-25.
            default: f64 = "default" via Number,
        }
    }
}

impl NumberSchema {
    /// Makes a member that is any number.
    pub fn number() -> Self {
        Self::new(NumberType::Number)
    }

    /// Makes a member that is a whole number.
    pub fn integer() -> Self {
        Self::new(NumberType::Integer)
    }
}

words! {
    /// Whether a number is whole.
    pub enum NumberType {
        /// A whole number.
        Integer = "integer",
        /// Any number.
        Number = "number",
    }
}

object! {
    /// Yes or no.
    pub struct BooleanSchema {
        tag "type" = "boolean";
        optional {
            /// The name for humans.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// What it is unless filled in.
            default: bool = "default",
        }
    }
}

object! {
    /// One of some words.
    pub struct UntitledSingleSelectEnumSchema {
        tag "type" = "string";
        required {
            /// The words.
            values: Vec<String> = "enum",
        }
        optional {
            /// The name for humans.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// What it is unless filled in; since 2025-11-25.
            default: String = "default",
        }
    }
}

object! {
    /// One of some words, each with a title; since 2025-11-25.
    pub struct TitledSingleSelectEnumSchema {
        tag "type" = "string";
        required {
            /// The words and their titles.
            one_of: Vec<EnumOption> = "oneOf",
        }
        optional {
            /// The name for humans.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// What it is unless filled in.
            default: String = "default",
        }
    }
}

object! {
    /// A word and its title.
    pub struct EnumOption {
        required {
            /// The word.
            value: String = "const",
            /// The name for humans.
            title: String = "title",
        }
    }
}

object! {
    /// Some of some words; since 2025-11-25.
    pub struct UntitledMultiSelectEnumSchema {
        tag "type" = "array";
        required {
            /// The words.
            items: UntitledItems = "items",
        }
        optional {
            /// The name for humans.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// The least number of words.
            min_items: u64 = "minItems",
            /// The greatest number of words.
            max_items: u64 = "maxItems",
            /// What it is unless filled in.
            default: Vec<String> = "default",
        }
    }
}

object! {
    /// The words of an [`UntitledMultiSelectEnumSchema`].
    pub struct UntitledItems {
        tag "type" = "string";
        required {
            /// The words.
            values: Vec<String> = "enum",
        }
    }
}

object! {
    /// Some of some words, each with a title; since 2025-11-25.
    pub struct TitledMultiSelectEnumSchema {
        tag "type" = "array";
        required {
            /// The words and their titles.
            items: TitledItems = "items",
        }
        optional {
            /// The name for humans.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// The least number of words.
            min_items: u64 = "minItems",
            /// The greatest number of words.
            max_items: u64 = "maxItems",
            /// What it is unless filled in.
            default: Vec<String> = "default",
        }
    }
}

object! {
    /// The words of a [`TitledMultiSelectEnumSchema`].
    pub struct TitledItems {
        required {
            /// The words and their titles.
            any_of: Vec<EnumOption> = "anyOf",
        }
    }
}

object! {
    /// One of some words, with titles beside them; the way of 2025-06-18.
    pub struct LegacyTitledEnumSchema {
        tag "type" = "string";
        required {
            /// The words.
            values: Vec<String> = "enum",
        }
        optional {
            /// The titles of the words, in the same order.
            enum_names: Vec<String> = "enumNames",
            /// The name for humans.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// What it is unless filled in; since 2025-11-25.
            default: String = "default",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PrimitiveSchemaDefinition as Primitive;

    #[test]
    fn a_member_is_told_by_its_keywords() {
        let check = |text: &str, expected: fn(&Primitive) -> bool| {
            let primitive: Primitive = serde_json::from_str(text).unwrap();
            assert!(expected(&primitive), "{primitive:?}");
            assert_eq!(serde_json::to_string(&primitive).unwrap(), text);
        };
        check(r#"{"type":"string","format":"email"}"#, |p| matches!(p, Primitive::String(_)));
        check(r#"{"type":"integer","default":1}"#, |p| matches!(p, Primitive::Number(_)));
        check(r#"{"type":"number","default":1.5}"#, |p| matches!(p, Primitive::Number(_)));
        check(r#"{"type":"boolean"}"#, |p| matches!(p, Primitive::Boolean(_)));
        check(r#"{"type":"string","enum":["a"]}"#, |p| matches!(p, Primitive::UntitledSingleSelect(_)));
        check(r#"{"type":"string","enum":["a"],"enumNames":["A"]}"#, |p| matches!(p, Primitive::LegacyTitledEnum(_)));
        check(r#"{"type":"string","oneOf":[{"const":"a","title":"A"}]}"#, |p| {
            matches!(p, Primitive::TitledSingleSelect(_))
        });
        check(r#"{"type":"array","items":{"type":"string","enum":["a"]}}"#, |p| {
            matches!(p, Primitive::UntitledMultiSelect(_))
        });
        check(r#"{"type":"array","items":{"anyOf":[{"const":"a","title":"A"}]}}"#, |p| {
            matches!(p, Primitive::TitledMultiSelect(_))
        });
        for text in [r#"{"type":"object"}"#, r#"{"type":"array"}"#, "{}", "true"] {
            assert!(serde_json::from_str::<Primitive>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_form_is_built_in_order() {
        let form = RequestedSchema::new()
            .required_property("z", StringSchema::new().min_length(1_u64))
            .property("a", BooleanSchema::new());
        assert_eq!(
            RawJson::from(form.clone()).as_str(),
            r#"{"type":"object","properties":{"z":{"type":"string","minLength":1},"a":{"type":"boolean"}},"required":["z"]}"#
        );
        let names: Vec<_> = form.definitions().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["z", "a"]);
    }
}
