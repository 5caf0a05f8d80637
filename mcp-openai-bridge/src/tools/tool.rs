//! One tool: what the server says of it, what the model sees of it, and how a call of it is read.
//!
//! The surprising thing: there are two schemas. The model sees one that its provider accepts; arguments are checked
//! against the server's own. What the model sees goes out in every round, and is written once.

use std::sync::OnceLock;

use mcp_types::{JsonObject, RawJson, ToolAnnotations};

use crate::arguments::{self, Rejection};
use crate::chat::{Arguments, object_json, text_json};
use crate::schema::{Obstacle, Rewrite, StrictParameters};

/// One tool of a set.
#[derive(Debug)]
pub struct ToolRef {
    pub(super) server: String,
    pub(super) tool: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) annotations: Option<ToolAnnotations>,
    pub(super) parameters: RawJson,
    pub(super) input_schema: RawJson,
    pub(super) output_schema: Option<RawJson>,
    pub(super) rewrites: Vec<Rewrite>,
    /// `None` when strict mode is not wanted.
    pub(super) strict: Option<Result<StrictParameters, Obstacle>>,
    /// Whether the published schema forbids nothing that the original allows.
    #[cfg(feature = "validate")]
    pub(super) is_wider: bool,
    /// The function as Chat Completions takes it, written when it is offered for the first time.
    pub(super) in_chat: OnceLock<RawJson>,
    /// The same for Responses, without what only [`Emit`](super::Emit) asks for.
    pub(super) in_responses: OnceLock<RawJson>,
    /// Compiled when the tool is called for the first time.
    #[cfg(feature = "validate")]
    pub(super) checker: OnceLock<Result<arguments::Checker, arguments::Unchecked>>,
}

impl ToolRef {
    /// Returns the label of the tool's server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Returns the name of the tool on its server.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// Returns the function name that the model sees.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the model is told about the tool.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns the schema that the model sees.
    pub fn parameters(&self) -> &RawJson {
        match &self.strict {
            Some(Ok(strict)) => strict.schema(),
            _ => &self.parameters,
        }
    }

    /// Returns whether the model is held to the [parameters](Self::parameters).
    pub fn strict(&self) -> bool {
        matches!(self.strict, Some(Ok(_)))
    }

    /// Returns why the model cannot be held to the parameters, when that is [wanted](super::Builder::strict).
    pub fn obstacle(&self) -> Option<&Obstacle> {
        self.strict.as_ref()?.as_ref().err()
    }

    /// Returns the schema of the server, unchanged.
    pub fn input_schema(&self) -> &RawJson {
        &self.input_schema
    }

    /// Returns the server's hints about what the tool does. They are worth as much as the server is trusted (T-85).
    pub fn annotations(&self) -> Option<&ToolAnnotations> {
        self.annotations.as_ref()
    }

    /// Returns what is different between the two schemas.
    pub fn rewrites(&self) -> &[Rewrite] {
        &self.rewrites
    }

    /// Estimates the tokens that the tool takes in every request.
    ///
    /// It is the length of its JSON: a token for four ASCII characters, and one for each other character. Tokenizers of
    /// models differ from that by a third and more, so it is good for comparing tools and not for a bill.
    pub fn tokens(&self) -> usize {
        let function = object_json(&self.function(&self.name));
        let ascii = function.as_str().chars().filter(char::is_ascii).count();
        ascii.div_ceil(4) + function.as_str().chars().count().saturating_sub(ascii)
    }

    /// Reads the arguments of a call and checks them against the server's schema. In strict mode each `null` that stands
    /// for a member that is not given is taken away first.
    ///
    /// Without the feature `validate` they are only read.
    ///
    /// # Errors
    ///
    /// Returns every fault, in words for the model.
    pub fn arguments(&self, arguments: &Arguments) -> Result<RawJson, Rejection> {
        let object = arguments::read(arguments)?;
        let object = match &self.strict {
            Some(Ok(strict)) => strict.strip(object),
            _ => object,
        };
        #[cfg(feature = "validate")]
        if let Ok(checker) = self.checker() {
            checker.check(&object)?;
        }
        Ok(object)
    }

    /// Returns why arguments are not checked against the schema, if they are not.
    #[cfg(feature = "validate")]
    pub fn unchecked(&self) -> Option<&arguments::Unchecked> {
        self.checker().as_ref().err()
    }

    #[cfg(feature = "validate")]
    fn checker(&self) -> &Result<arguments::Checker, arguments::Unchecked> {
        self.checker.get_or_init(|| {
            arguments::Checker::compile(&self.input_schema).or_else(|unchecked| {
                // A schema that is malformed in places is repaired there, and the rest of it can still be checked.
                let repaired = if self.is_wider { arguments::Checker::compile(&self.parameters).ok() } else { None };
                repaired.ok_or(unchecked)
            })
        })
    }

    /// The members that both APIs share, in the order of their documentation.
    pub(super) fn function(&self, name: &str) -> JsonObject {
        let mut members = JsonObject::new();
        members.insert("name", text_json(name));
        if let Some(description) = &self.description {
            members.insert("description", text_json(description));
        }
        members.insert("parameters", self.parameters().clone());
        members.insert("strict", serde_json::Value::Bool(self.strict()));
        members
    }
}
