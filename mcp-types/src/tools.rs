//! What a language model can call (*Tools*, T-80 to T-92).
//!
//! The surprising thing: schemas are raw JSON. Any typed form would lose a keyword of somebody's dialect (T-89).

use crate::base::{CacheScope, Cursor, ResultType};
use crate::content::ContentBlock;
use crate::implementation::Icon;
use crate::input_required::InputResponses;
use crate::json::RawJson;
use crate::legacy_tasks::TaskMetadata;
use crate::meta::{Meta, RequestMeta, ResultMeta};
use crate::object::{Milliseconds, object, words};

object! {
    /// Something that a language model can call.
    pub struct Tool {
        required {
            /// The name to call it by.
            name: String = "name",
            /// The JSON Schema of its arguments; the root has `"type": "object"` (T-81).
            input_schema: RawJson = "inputSchema",
        }
        optional {
            /// The name for humans; since 2025-06-18.
            title: String = "title",
            /// What it does, for the language model.
            description: String = "description",
            /// The JSON Schema of `structuredContent`; since 2025-06-18, of any type since 2026-07-28 (T-82).
            output_schema: RawJson = "outputSchema",
            /// What it does to its surroundings; since 2025-03-26.
            annotations: ToolAnnotations = "annotations",
            /// Whether it may run as a task; 2025-11-25 only.
            execution: ToolExecution = "execution",
            /// Pictures of it; since 2025-11-25.
            icons: Vec<Icon> = "icons",
            /// Anything more; since 2025-06-18.
            meta: Meta = "_meta",
        }
    }
}

impl Tool {
    /// Returns the name for humans: `title`, then `annotations.title`, then `name` (T-71).
    pub fn display_name(&self) -> &str {
        let annotated = || self.annotations.as_ref().and_then(|annotations| annotations.title.as_deref());
        self.title.as_deref().or_else(annotated).unwrap_or(&self.name)
    }
}

object! {
    /// What a tool does to its surroundings. Hints, and from an untrusted server worth nothing (T-85).
    pub struct ToolAnnotations {
        optional {
            /// The name for humans.
            title: String = "title",
            /// It changes nothing.
            read_only_hint: bool = "readOnlyHint",
            /// It may destroy something.
            destructive_hint: bool = "destructiveHint",
            /// Calling it twice with the same arguments does no more than calling it once.
            idempotent_hint: bool = "idempotentHint",
            /// It deals with an open world, such as the web, and not with a closed one, such as a memory.
            open_world_hint: bool = "openWorldHint",
        }
    }
}

impl ToolAnnotations {
    /// Returns whether the tool changes nothing; not so unless said.
    pub fn is_read_only(&self) -> bool {
        self.read_only_hint.unwrap_or(false)
    }

    /// Returns whether the tool may destroy something; so unless said.
    pub fn is_destructive(&self) -> bool {
        self.destructive_hint.unwrap_or(true)
    }

    /// Returns whether calling the tool twice does no more than calling it once; not so unless said.
    pub fn is_idempotent(&self) -> bool {
        self.idempotent_hint.unwrap_or(false)
    }

    /// Returns whether the tool deals with an open world; so unless said.
    pub fn is_open_world(&self) -> bool {
        self.open_world_hint.unwrap_or(true)
    }
}

object! {
    /// How a tool runs; 2025-11-25 only.
    pub struct ToolExecution {
        optional {
            /// Whether it may run as a task; forbidden unless said.
            task_support: TaskSupport = "taskSupport",
        }
    }
}

words! {
    /// Whether a tool may run as a task; 2025-11-25 only.
    pub enum TaskSupport {
        /// It never does.
        Forbidden = "forbidden",
        /// It does when asked.
        Optional = "optional",
        /// It always does.
        Required = "required",
    }
}

object! {
    /// The answer to `tools/list`.
    pub struct ListToolsResult {
        required {
            /// One page of the tools.
            tools: Vec<Tool> = "tools",
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
    /// The parameters of `tools/call`.
    pub struct CallToolRequestParams {
        required {
            /// Which tool.
            name: String = "name",
        }
        optional {
            /// The arguments: an object that follows the input schema.
            arguments: RawJson = "arguments",
            /// What the client answers to an earlier `input_required` result; since 2026-07-28.
            input_responses: InputResponses = "inputResponses",
            /// The `requestState` of that result, unchanged; since 2026-07-28.
            request_state: String = "requestState",
            /// Asks for a task in place of the result; 2025-11-25 only.
            task: TaskMetadata = "task",
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The answer to `tools/call`.
    ///
    /// A tool that ran and failed answers with one too, with `is_error`, so that the model can read why (T-87).
    pub struct CallToolResult {
        lenient {
            /// The result for the language model. Peers leave it out, though it is required.
            content: Vec<ContentBlock> = "content",
        }
        optional {
            /// Whether the tool failed.
            is_error: bool = "isError",
            /// What kind of result it is; since 2026-07-28.
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
        present {
            /// The result for programs; since 2025-06-18. Since 2026-07-28 any JSON, and `null` is not absent (T-82).
            structured_content: "structuredContent",
        }
    }
}

impl CallToolResult {
    /// Makes the result of a tool that succeeded with a text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: vec![ContentBlock::text(text)], ..Self::new() }
    }

    /// Makes the result of a tool that failed, with what the model should know about it.
    pub fn error(text: impl Into<String>) -> Self {
        Self::text(text).is_error(true)
    }

    /// Makes a result from structured content, with the same JSON as text beside it (T-83).
    pub fn structured(content: impl Into<RawJson>) -> Self {
        let content = content.into();
        Self::text(content.as_str()).structured_content(content)
    }

    /// Returns whether the tool failed.
    pub fn failed(&self) -> bool {
        self.is_error == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_content_tells_null_from_absent() {
        let read = |text: &str| serde_json::from_str::<CallToolResult>(text).unwrap();
        assert_eq!(read(r#"{"content":[]}"#).structured_content, None);
        let null = r#"{"content":[],"structuredContent":null}"#;
        assert_eq!(read(null).structured_content, Some(RawJson::null()));
        assert_eq!(serde_json::to_string(&read(null)).unwrap(), null);
    }

    #[test]
    fn content_may_be_left_out_but_is_always_written() {
        let read = |text: &str| serde_json::from_str::<CallToolResult>(text).unwrap();
        for text in ["{}", r#"{"content":null}"#] {
            assert_eq!(serde_json::to_string(&read(text)).unwrap(), r#"{"content":[]}"#);
        }
    }

    #[test]
    fn every_keyword_of_a_schema_survives() {
        let schema = r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","$defs":{"a":{"$anchor":"x"}},
            "properties":{"p":{"$ref":"#/$defs/a","x-mine":1.50}},"if":{},"then":{},"additionalProperties":false}"##;
        let text = format!(r#"{{"name":"t","inputSchema":{schema}}}"#);
        let tool: Tool = serde_json::from_str(&text).unwrap();
        assert_eq!(tool.input_schema.as_str(), schema);
    }

    #[test]
    fn hints_that_are_absent_have_the_defaults_of_the_specification() {
        let none = ToolAnnotations::new();
        assert_eq!(
            (none.is_read_only(), none.is_destructive(), none.is_idempotent(), none.is_open_world()),
            (false, true, false, true)
        );
    }

    #[test]
    fn the_display_name_is_the_title_then_the_annotation_then_the_name() {
        let tool = Tool::new("n", RawJson::empty_object());
        assert_eq!(tool.display_name(), "n");
        let tool = tool.annotations(ToolAnnotations::new().title("a"));
        assert_eq!(tool.display_name(), "a");
        assert_eq!(tool.title("t").display_name(), "t");
    }
}
