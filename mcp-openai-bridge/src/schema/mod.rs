//! Input schemas: what an MCP server may publish becomes what OpenAI accepts as `parameters` with `strict: false`.
//!
//! The rules that OpenAI keeps without `strict`: the root is `"type": "object"` without `anyOf`, `oneOf`, `allOf`, `enum` or
//! `not`; every object has `properties`; every array has `items`; the rest is well-formed 2020-12. One tool that breaks
//! them makes the whole request fail, so every schema goes through here, and one that cannot be helped is held back with
//! its reason. The surprising thing: what is published is only advice to the model. The server's schema stays the law:
//! arguments are checked against it (see [`arguments`](crate::arguments)).
//!
//! Members keep the order of the server's schema, because prompt caches compare bytes. Objects that are open stay open.

mod bounds;
pub(crate) mod document;
pub(crate) mod keywords;
pub(crate) mod nullable;
mod pattern;
mod repair;
mod report;
mod root;
pub(crate) mod scope;
mod strict;

use mcp_types::RawJson;

use crate::json::{self, Object, Value};

pub use bounds::Limits;
pub use report::{Bound, Quarantine, Rewrite, Rule};
pub use strict::{Hindrance, Obstacle, StrictParameters, strict};

/// The parameters of a function, made from an input schema.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parameters {
    /// The schema to publish.
    pub schema: RawJson,
    /// What is different from the server's schema.
    pub rewrites: Vec<Rewrite>,
    /// A change after which the schema does not mean the same any more.
    altered: Option<Rewrite>,
}

impl Parameters {
    /// Returns whether alternatives at the root were merged. Then the schema may say more about a member than the server
    /// does, whose other alternatives leave it open; without it, the schema forbids nothing that the server's allows.
    pub fn merges_alternatives(&self) -> bool {
        self.rewrites.iter().any(|rewrite| matches!(rewrite.rule, Rule::MergedRoot(_)))
    }
}

/// Converts an input schema.
///
/// # Errors
///
/// Returns why the tool cannot be offered: the schema breaks a bound of `limits`, is no schema, or allows no object.
pub fn convert(input: &RawJson, limits: &Limits) -> Result<Parameters, Quarantine> {
    let text = input.as_str();
    if text.len() > limits.bytes {
        return Err(Quarantine::exceeds(Bound::Bytes, limits.bytes));
    }
    let original = Value::parse(text).map_err(|error| Quarantine::NotASchema { found: error.to_string() })?;
    let original = scope::settled(original);
    let document = document::Document::new(&original);
    bounds::check(&document, limits)?;

    let mut rewrites = Vec::new();
    let plain = root::plain_object(&document, limits, &mut rewrites)?;
    let (published, repairs) = repair::repair(&document, &plain, limits)?;
    rewrites.extend(repairs);
    let altered = rewrites.iter().find(|rewrite| !rewrite.rule.keeps_meaning()).cloned();
    Ok(Parameters { schema: raw(&published, limits)?, rewrites, altered })
}

/// Converts an input schema as LiteLLM 1.109 does, for [`Profile::LiteLlm`](crate::tools::Profile::LiteLlm): members that
/// are missing at the root are added, and nothing else (field/bridges 1.2).
///
/// An open object becomes a closed one by that, and an illegal schema stays illegal.
///
/// # Errors
///
/// Returns why the tool cannot be offered: the schema breaks a bound of `limits`, or is no object.
pub fn convert_like_litellm(input: &RawJson, limits: &Limits) -> Result<Parameters, Quarantine> {
    if input.as_str().len() > limits.bytes {
        return Err(Quarantine::exceeds(Bound::Bytes, limits.bytes));
    }
    let original = Value::parse(input.as_str()).map_err(|error| Quarantine::NotASchema { found: error.to_string() })?;
    let mut members = match original {
        Value::Object(members) => members,
        Value::Null | Value::Bool(false) => Object::default(),
        other => return Err(Quarantine::NotASchema { found: other.kind().to_owned() }),
    };
    bounds::check(&document::Document::new(&members.clone().into()), limits)?;
    let added = [
        ("type", Value::from("object")),
        ("properties", Object::default().into()),
        ("additionalProperties", Value::Bool(false)),
    ];
    for (keyword, value) in added {
        if !members.contains_key(keyword) {
            members.set(keyword, value);
        }
    }
    Ok(Parameters { schema: raw(&members.into(), limits)?, rewrites: Vec::new(), altered: None })
}

/// Writes a schema. Repairs may have added to it, so that it is measured again.
fn raw(schema: &Value, limits: &Limits) -> Result<RawJson, Quarantine> {
    let text = schema.to_string();
    if text.len() > limits.bytes.saturating_add(ADDED_BYTES) {
        return Err(Quarantine::exceeds(Bound::Bytes, limits.bytes));
    }
    let nested = || Quarantine::exceeds(Bound::Nesting, LEVELS);
    if schema.levels() > LEVELS {
        return Err(nested());
    }
    // It was valid JSON before, so that only its depth could be wrong now.
    RawJson::parse(text).map_err(|_| nested())
}

/// Levels of a schema that is published, of all its values: a request puts it into a namespace of a list, and has itself
/// no more than [`json::DEPTH_LIMIT`].
const LEVELS: usize = json::DEPTH_LIMIT - 8;

/// Bytes that a repair may add to a schema that is as large as allowed.
const ADDED_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests;
