//! Templates of conversations (*Prompts*, T-103, T-104).
//!
//! The surprising thing: arguments of prompts are strings, whatever they mean; arguments of tools are any JSON.

use std::collections::BTreeMap;

use crate::base::{CacheScope, Cursor, ResultType};
use crate::content::{ContentBlock, Role};
use crate::implementation::Icon;
use crate::input_required::InputResponses;
use crate::meta::{Meta, RequestMeta, ResultMeta};
use crate::object::{Milliseconds, object};

object! {
    /// A template of a conversation.
    pub struct Prompt {
        required {
            /// The name for programs.
            name: String = "name",
        }
        optional {
            /// The name for humans; since 2025-06-18.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// What can be filled in.
            arguments: Vec<PromptArgument> = "arguments",
            /// Pictures of it; since 2025-11-25.
            icons: Vec<Icon> = "icons",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// Something that can be filled into a prompt.
    pub struct PromptArgument {
        required {
            /// The name for programs.
            name: String = "name",
        }
        optional {
            /// The name for humans; since 2025-06-18.
            title: String = "title",
            /// What it is for.
            description: String = "description",
            /// Whether it must be given.
            required: bool = "required",
        }
    }
}

object! {
    /// One message of a prompt, with one block of content in every revision.
    pub struct PromptMessage {
        required {
            /// Who speaks.
            role: Role = "role",
            /// What is said.
            content: ContentBlock = "content",
        }
    }
}

object! {
    /// Names a prompt in a completion request.
    pub struct PromptReference {
        tag "type" = "ref/prompt";
        required {
            /// The name for programs.
            name: String = "name",
        }
        optional {
            /// The name for humans; since 2025-06-18.
            title: String = "title",
        }
    }
}

object! {
    /// The answer to `prompts/list`.
    pub struct ListPromptsResult {
        required {
            /// One page of the prompts.
            prompts: Vec<Prompt> = "prompts",
        }
        optional {
            /// Where the next page begins; absent on the last one.
            next_cursor: Cursor = "nextCursor",
            /// For how many milliseconds it may be kept; since 2026-07-28.
            ttl_ms: u64 = "ttlMs" via Milliseconds,
            /// Who may share it; since 2026-07-28.
            cache_scope: CacheScope = "cacheScope",
            /// What kind of result it is; since 2026-07-28.
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

object! {
    /// The parameters of `prompts/get`.
    pub struct GetPromptRequestParams {
        required {
            /// Which prompt.
            name: String = "name",
        }
        optional {
            /// What is filled in.
            arguments: BTreeMap<String, String> = "arguments",
            /// What the client answers to an earlier `input_required` result; since 2026-07-28.
            input_responses: InputResponses = "inputResponses",
            /// The `requestState` of that result, unchanged; since 2026-07-28.
            request_state: String = "requestState",
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The answer to `prompts/get`.
    pub struct GetPromptResult {
        required {
            /// The conversation.
            messages: Vec<PromptMessage> = "messages",
        }
        optional {
            /// What the prompt is for.
            description: String = "description",
            /// What kind of result it is; since 2026-07-28.
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_prompts_are_strings() {
        let read = |text: &str| serde_json::from_str::<GetPromptRequestParams>(text);
        let params = read(r#"{"name":"p","arguments":{"b":"2","a":"1"}}"#).unwrap();
        assert_eq!(params.arguments.unwrap()["b"], "2");
        let error = read(r#"{"name":"p","arguments":{"a":1}}"#).unwrap_err().to_string();
        assert!(error.starts_with("`arguments`"), "{error}");
    }

    #[test]
    fn a_message_has_one_block_and_not_a_list() {
        assert!(serde_json::from_str::<PromptMessage>(r#"{"role":"user","content":[]}"#).is_err());
        assert!(
            serde_json::from_str::<PromptMessage>(r#"{"role":"user","content":{"type":"text","text":""}}"#).is_ok()
        );
    }
}
