//! Completing an argument while it is typed (*Completion*, T-105, T-106).
//!
//! The surprising thing: a result holds at most 100 values, and says so when there are more.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::ResultType;
use crate::dispatch::{decode, kind, unknown_kind};
use crate::json::RawJson;
use crate::meta::{RequestMeta, ResultMeta};
use crate::object::object;
use crate::prompts::PromptReference;

object! {
    /// The parameters of `completion/complete`.
    pub struct CompleteRequestParams {
        required {
            /// Whose argument is completed.
            reference: CompletionReference = "ref",
            /// The argument, as far as it is typed.
            argument: CompletionArgument = "argument",
        }
        optional {
            /// What is known already; since 2025-06-18.
            context: CompletionContext = "context",
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

/// Whose argument is completed: a prompt's or a resource template's.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CompletionReference {
    /// A prompt, by name.
    Prompt(PromptReference),
    /// A resource template, by its URI template.
    Resource(ResourceTemplateReference),
}

impl From<PromptReference> for CompletionReference {
    fn from(prompt: PromptReference) -> Self {
        Self::Prompt(prompt)
    }
}

impl From<ResourceTemplateReference> for CompletionReference {
    fn from(template: ResourceTemplateReference) -> Self {
        Self::Resource(template)
    }
}

impl Serialize for CompletionReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Prompt(prompt) => prompt.serialize(serializer),
            Self::Resource(template) => template.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for CompletionReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::deserialize(deserializer)?;
        match &*kind(&raw, "type")? {
            "ref/prompt" => decode(&raw).map(Self::Prompt),
            "ref/resource" => decode(&raw).map(Self::Resource),
            other => Err(unknown_kind("type", other, "ref/prompt, ref/resource")),
        }
    }
}

object! {
    /// Names a resource template in a completion request.
    pub struct ResourceTemplateReference {
        tag "type" = "ref/resource";
        required {
            /// The URI, or the template of one.
            uri: String = "uri",
        }
    }
}

object! {
    /// The argument that is completed.
    pub struct CompletionArgument {
        required {
            /// Its name.
            name: String = "name",
            /// What is typed so far.
            value: String = "value",
        }
    }
}

object! {
    /// What is known while an argument is completed.
    pub struct CompletionContext {
        optional {
            /// The arguments that have their values already.
            arguments: BTreeMap<String, String> = "arguments",
        }
    }
}

object! {
    /// The answer to `completion/complete`.
    pub struct CompleteResult {
        required {
            /// The values found.
            completion: Completion = "completion",
        }
        optional {
            /// What kind of result it is; since 2026-07-28.
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

object! {
    /// Values that an argument may have.
    pub struct Completion {
        required {
            /// At most [`MAX_VALUES`](Completion::MAX_VALUES) of them, best first.
            values: Vec<String> = "values",
        }
        optional {
            /// How many there are in all.
            total: u64 = "total",
            /// Whether there are more than are given here.
            has_more: bool = "hasMore",
        }
    }
}

impl Completion {
    /// The greatest number of values in one result.
    pub const MAX_VALUES: usize = 100;

    /// Takes all values; gives the first 100, and says so when there are more (T-106).
    pub fn of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        let mut values: Vec<String> = values.into_iter().map(Into::into).collect();
        let total = values.len();
        values.truncate(Self::MAX_VALUES);
        let given = Self::new(values);
        if total <= Self::MAX_VALUES {
            return given;
        }
        given.total(total as u64).has_more(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_by_its_type() {
        let check = |text: &str| {
            let reference: CompletionReference = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&reference).unwrap(), text);
        };
        check(r#"{"type":"ref/prompt","name":"p"}"#);
        check(r#"{"type":"ref/resource","uri":"a:{b}"}"#);
        let error = serde_json::from_str::<CompletionReference>(r#"{"type":"ref/tool"}"#).unwrap_err();
        assert!(error.to_string().contains("ref/prompt, ref/resource"), "{error}");
        let error = serde_json::from_str::<CompletionReference>(r#"{"name":"p"}"#).unwrap_err();
        assert!(error.to_string().contains("`type`"), "{error}");
    }

    #[test]
    fn more_than_a_hundred_values_are_cut_and_said_so() {
        let of = |count: usize| Completion::of((0..count).map(|number| number.to_string()));
        assert_eq!((of(99).values.len(), of(99).has_more), (99, None));
        assert_eq!((of(100).values.len(), of(100).has_more), (100, None));
        let cut = of(101);
        assert_eq!((cut.values.len(), cut.has_more, cut.total), (100, Some(true), Some(101)));
    }
}
