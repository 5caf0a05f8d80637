//! JSON Schemas: derived from Rust types, kept in bounds, and held against values (T-81 to T-98).
//!
//! The surprising thing: on the good path no document tree is built. A schema made of the ordinary keywords becomes a
//! [`Shape`](shape) that a value is walked along; only what the shape cannot prove meets the full validator, which
//! then finds every fault, and which is not even made before.

mod budget;
mod checker;
mod derive;
#[cfg(feature = "validate")]
mod fault;
mod form;
#[cfg(feature = "validate")]
mod plain;
#[cfg(feature = "validate")]
mod shape;

use mcp_transport::Limits;
use mcp_types::RawJson;

pub(crate) use budget::SchemaFault;
pub(crate) use derive::{arguments_of, no_arguments, output_of, prompt_arguments_of};
pub(crate) use form::form_of;

use checker::Checker;

/// A schema that is published and that values are checked against.
#[derive(Debug)]
pub(crate) struct Schema {
    raw: RawJson,
    /// `None` for a schema that is only published.
    checker: Option<Checker>,
}

impl Schema {
    /// Takes a schema after checking that it is one and stays in its budget; one that is not `checked` is only published.
    pub(crate) fn new(raw: RawJson, limits: &Limits, checked: bool) -> Result<Self, SchemaFault> {
        if raw.as_bytes().len() > limits.schema_bytes {
            return Err(SchemaFault(format!("it is larger than {} bytes", limits.schema_bytes)));
        }
        if !checked {
            return Ok(Self { raw, checker: None });
        }
        let value = raw.to_value().map_err(|error| SchemaFault(format!("it cannot be read: {error}")))?;
        if !value.is_object() && !value.is_boolean() {
            return Err(SchemaFault("it must be an object".to_owned()));
        }
        let depth = budget::check(&value, limits)?;
        Ok(Self { raw, checker: Some(Checker::new(value, depth)?) })
    }

    /// Takes the schema of a tool's arguments, whose root must be of type `object` (T-81).
    pub(crate) fn of_arguments(raw: RawJson, limits: &Limits, checked: bool) -> Result<Self, SchemaFault> {
        let kind = raw.members(["type"]).ok().and_then(|[kind]| kind?.decode::<String>().ok());
        if kind.as_deref() != Some("object") {
            return Err(SchemaFault("its root must have `\"type\": \"object\"`".to_owned()));
        }
        Self::new(raw, limits, checked)
    }

    /// Returns the schema as it is published.
    pub(crate) fn raw(&self) -> &RawJson {
        &self.raw
    }

    /// Checks a value.
    ///
    /// # Errors
    ///
    /// Returns the faults, one a line, in words that a language model can act on. Without the feature `validate`
    /// nothing is checked here.
    pub(crate) fn check(&self, value: &RawJson) -> Result<(), String> {
        self.checker.as_ref().map_or(Ok(()), |checker| checker.check(value))
    }
}
