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
    use std::sync::OnceLock;

    use jsonschema::{Draft, PatternOptions, Validator};

    use super::{DepthLimit, RawJson, SchemaFault, Value};
    use crate::schema::{fault, plain, shape::Shape};

    /// Faults listed for one value; more would drown the first.
    const MAX_FAULTS: usize = 16;
    /// Steps that a pattern with look-around may take; others run in linear time.
    const BACKTRACK_LIMIT: usize = 10_000;

    pub(in crate::schema) struct Checker {
        schema: Value,
        /// What proves a value without a document tree; `None` for a schema with uncommon keywords.
        shape: Option<Shape>,
        /// Made when a value first needs it, where the schema is certainly valid: it costs more than all else that a
        /// small server does before its first answer.
        validator: OnceLock<Result<Validator, SchemaFault>>,
        depth: DepthLimit,
    }

    impl Checker {
        pub(in crate::schema) fn new(schema: Value, depth: DepthLimit) -> Result<Self, SchemaFault> {
            let shape = Shape::of(&schema);
            let can_wait = shape.is_some() && plain::is_valid(&schema);
            // What is wrong with a schema is found when the server is built.
            let validator = if can_wait { OnceLock::new() } else { OnceLock::from(Ok(build(&schema)?)) };
            Ok(Self { shape, validator, depth, schema })
        }

        pub(in crate::schema) fn check(&self, value: &RawJson) -> Result<(), String> {
            if self.shape.as_ref().is_some_and(|shape| shape.proves(value)) {
                return Ok(());
            }
            let value = value.to_value().map_err(|error| format!("- cannot be read: {error}"))?;
            if self.depth.is_some_and(|most| depth_of(&value) > most) {
                return Err("- nested too deeply to be checked; use a flatter value".to_owned());
            }
            let validator = self.validator.get_or_init(|| build(&self.schema));
            let validator = validator.as_ref().map_err(|SchemaFault(why)| format!("- cannot be checked: {why}"))?;
            let mut errors = validator.iter_errors(&value);
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
        // The validator states its own invariants by panics; a schema must not end the process by them.
        std::panic::catch_unwind(|| built(schema))
            .unwrap_or_else(|_| Err(SchemaFault("the validator cannot read it; write it in simpler words".to_owned())))
    }

    fn built(schema: &Value) -> Result<Validator, SchemaFault> {
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

    #[cfg(test)]
    mod tests {
        use serde_json::json;

        use super::*;

        #[test]
        fn the_validator_is_made_when_a_value_first_needs_it_unless_the_schema_is_in_doubt() {
            let check = |schema: Value, values: &[(&'static str, bool)]| {
                let checker = Checker::new(schema, None).unwrap();
                for (value, is_made) in values {
                    let _ = checker.check(&RawJson::parse(*value).unwrap());
                    assert_eq!(checker.validator.get().is_some(), *is_made, "{value}");
                }
            };
            check(json!({"type": "integer"}), &[("1", false), ("\"1\"", true), ("1", true)]);
            check(json!({"type": "string", "pattern": "^a"}), &[("\"a\"", true)]);
            check(json!({"type": "integer", "$id": "https://example.com/a"}), &[("1", true)]);
            assert!(Checker::new(json!({"type": "integer", "title": 1}), None).is_err());
        }
    }
}
