//! The two ways of holding a value against a schema: the walk along its shape, and the full validator.
//!
//! The surprising thing: without the feature `validate` there is no check at all, and decoding into the handler's own
//! type is what finds faults, one at a time.

use mcp_types::RawJson;
use serde_json::Value;

use super::budget::{DepthLimit, SchemaFault};

#[cfg(feature = "validate")]
pub(super) use full::Checker;

#[cfg(not(feature = "validate"))]
#[derive(Debug)]
pub(super) struct Checker;

#[cfg(not(feature = "validate"))]
impl Checker {
    #[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)]
    pub(super) fn new(_: Value, _: DepthLimit) -> Result<Self, SchemaFault> {
        Ok(Self)
    }

    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    pub(super) fn check(&self, _: &RawJson) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(feature = "validate")]
mod full {
    use std::fmt;

    use jsonschema::{Draft, PatternOptions, Validator};

    use super::{DepthLimit, RawJson, SchemaFault, Value};
    use crate::schema::{fault, shape::Shape};

    /// Faults listed for one value; more would drown the first.
    const MAX_FAULTS: usize = 16;
    /// Steps that a pattern with look-around may take; others run in linear time.
    const BACKTRACK_LIMIT: usize = 10_000;

    pub(in crate::schema) struct Checker {
        schema: Value,
        /// What proves a value without a document tree; `None` for a schema with uncommon keywords.
        shape: Option<Shape>,
        validator: Validator,
        depth: DepthLimit,
    }

    impl Checker {
        pub(in crate::schema) fn new(schema: Value, depth: DepthLimit) -> Result<Self, SchemaFault> {
            let validator = build(&schema)?;
            Ok(Self { shape: Shape::of(&schema), validator, depth, schema })
        }

        pub(in crate::schema) fn check(&self, value: &RawJson) -> Result<(), String> {
            if self.shape.as_ref().is_some_and(|shape| shape.proves(value)) {
                return Ok(());
            }
            let value: Value = value.decode().map_err(|error| format!("- cannot be read: {error}"))?;
            if self.depth.is_some_and(|most| depth_of(&value) > most) {
                return Err("- nested too deeply to be checked; use a flatter value".to_owned());
            }
            let mut errors = self.validator.iter_errors(&value);
            let faults: Vec<String> =
                errors.by_ref().take(MAX_FAULTS).map(|error| fault::line(&error, &self.schema)).collect();
            if faults.is_empty() {
                return Ok(());
            }
            let more = if errors.next().is_some() { "\n- and more" } else { "" };
            Err(faults.join("\n") + more)
        }
    }

    impl fmt::Debug for Checker {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Checker").field("shape", &self.shape.is_some()).finish_non_exhaustive()
        }
    }

    /// Builds the validator, with the linear engine for patterns when it can run all of them.
    fn build(schema: &Value) -> Result<Validator, SchemaFault> {
        // No `$schema` means 2020-12 (T-95).
        let options = || {
            let options = jsonschema::options();
            if schema.get("$schema").is_none() { options.with_draft(Draft::Draft202012) } else { options }
        };
        let linear = options().with_pattern_options(PatternOptions::regex().size_limit(1 << 20)).build(schema);
        linear
            .or_else(|_| {
                let patterns = PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT).size_limit(1 << 20);
                options().with_pattern_options(patterns).build(schema)
            })
            .map_err(|error| {
                let at = error.instance_path().to_string();
                let at = if at.is_empty() { "its root".to_owned() } else { format!("`{at}`") };
                SchemaFault(format!("it is not valid at {at}: {error}"))
            })
    }

    fn depth_of(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
            Value::Object(members) => 1 + members.values().map(depth_of).max().unwrap_or(0),
            _ => 0,
        }
    }
}
