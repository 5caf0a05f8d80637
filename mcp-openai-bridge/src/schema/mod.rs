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
mod repair;
mod report;
mod root;

use mcp_types::RawJson;

use crate::json::Value;

pub use bounds::Limits;
pub use report::{Bound, Quarantine, Rewrite, Rule};

/// The parameters of a function, made from an input schema.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parameters {
    /// The schema to publish.
    pub schema: RawJson,
    /// What is different from the server's schema.
    pub rewrites: Vec<Rewrite>,
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
    let document = document::Document::new(&original);
    bounds::check(&document, limits)?;

    let mut rewrites = Vec::new();
    let plain = root::plain_object(&document, limits, &mut rewrites)?;
    let (published, repairs) = repair::repair(&document, &plain, limits)?;
    rewrites.extend(repairs);
    let schema = RawJson::parse(published.to_string()).map_err(|_| Quarantine::exceeds(Bound::Depth, limits.depth))?;
    Ok(Parameters { schema, rewrites })
}

#[cfg(test)]
mod tests;
