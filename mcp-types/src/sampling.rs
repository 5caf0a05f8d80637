//! Asking the language model of a client (*Sampling*, T-120 to T-125); deprecated in 2026-07-28.
//!
//! The surprising thing: `content` is one block or a list of them, and which of the two it was is kept, because peers
//! of before 2025-11-25 read only the first form.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::content::{AudioContent, ContentBlock, ImageContent, Role, TextContent};
use crate::dispatch::{decode, kind};
use crate::json::{JsonObject, RawJson};
use crate::legacy_tasks::TaskMetadata;
use crate::meta::{Meta, RequestMeta};
use crate::object::{Number, object, words};
use crate::tools::Tool;

object! {
    /// One message of the conversation that is continued.
    pub struct SamplingMessage {
        required {
            /// Who speaks.
            role: Role = "role",
            /// What is said.
            content: SamplingContent = "content",
        }
        optional {
            /// Anything more; since 2025-11-25.
            meta: Meta = "_meta",
        }
    }
}

/// The content of a message: one block, or since 2025-11-25 a list of them.
#[derive(Clone, Debug, PartialEq)]
pub enum SamplingContent {
    /// One block.
    One(Box<SamplingMessageContentBlock>),
    /// A list of blocks.
    Many(Vec<SamplingMessageContentBlock>),
}

impl SamplingContent {
    /// Returns the blocks, however they were sent.
    pub fn blocks(&self) -> &[SamplingMessageContentBlock] {
        match self {
            Self::One(block) => std::slice::from_ref(block),
            Self::Many(blocks) => blocks,
        }
    }
}

impl From<SamplingMessageContentBlock> for SamplingContent {
    fn from(block: SamplingMessageContentBlock) -> Self {
        Self::One(Box::new(block))
    }
}

impl From<Vec<SamplingMessageContentBlock>> for SamplingContent {
    fn from(blocks: Vec<SamplingMessageContentBlock>) -> Self {
        Self::Many(blocks)
    }
}

impl From<&str> for SamplingContent {
    fn from(text: &str) -> Self {
        SamplingMessageContentBlock::Text(TextContent::new(text)).into()
    }
}

impl From<String> for SamplingContent {
    fn from(text: String) -> Self {
        SamplingMessageContentBlock::Text(TextContent::new(text)).into()
    }
}

impl Serialize for SamplingContent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(block) => block.serialize(serializer),
            Self::Many(blocks) => blocks.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SamplingContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::deserialize(deserializer)?;
        if raw.is_object() {
            return decode(&raw).map(Self::One);
        }
        decode(&raw).map(Self::Many)
    }
}

/// One piece of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SamplingMessageContentBlock {
    /// A text.
    Text(TextContent),
    /// A picture.
    Image(ImageContent),
    /// A recording; since 2025-03-26.
    Audio(AudioContent),
    /// The model calls a tool; since 2025-11-25.
    ToolUse(ToolUseContent),
    /// The result of such a call; since 2025-11-25.
    ToolResult(ToolResultContent),
    /// A block of a type that this library does not know, as it was sent.
    Unknown(RawJson),
}

impl SamplingMessageContentBlock {
    /// Makes a block of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextContent::new(text))
    }
}

impl Serialize for SamplingMessageContentBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(content) => content.serialize(serializer),
            Self::Image(content) => content.serialize(serializer),
            Self::Audio(content) => content.serialize(serializer),
            Self::ToolUse(content) => content.serialize(serializer),
            Self::ToolResult(content) => content.serialize(serializer),
            Self::Unknown(raw) => raw.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SamplingMessageContentBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::deserialize(deserializer)?;
        match &*kind(&raw, "type")? {
            "text" => decode(&raw).map(Self::Text),
            "image" => decode(&raw).map(Self::Image),
            "audio" => decode(&raw).map(Self::Audio),
            "tool_use" => decode(&raw).map(Self::ToolUse),
            "tool_result" => decode(&raw).map(Self::ToolResult),
            _ => Ok(Self::Unknown(raw)),
        }
    }
}

object! {
    /// A call of a tool by the model.
    pub struct ToolUseContent {
        tag "type" = "tool_use";
        required {
            /// By what the result names the call.
            id: String = "id",
            /// Which tool.
            name: String = "name",
            /// The arguments.
            input: RawJson = "input",
        }
        optional {
            /// Anything more.
            meta: Meta = "_meta",
        }
    }
}

object! {
    /// The result of a call by the model.
    pub struct ToolResultContent {
        tag "type" = "tool_result";
        required {
            /// The `id` of the call.
            tool_use_id: String = "toolUseId",
        }
        lenient {
            /// The result for the language model.
            content: Vec<ContentBlock> = "content",
        }
        optional {
            /// Whether the tool failed.
            is_error: bool = "isError",
            /// Anything more.
            meta: Meta = "_meta",
        }
        present {
            /// The result for programs.
            structured_content: "structuredContent",
        }
    }
}

object! {
    /// The parameters of `sampling/createMessage`.
    pub struct CreateMessageRequestParams {
        required {
            /// The conversation to continue.
            messages: Vec<SamplingMessage> = "messages",
            /// The greatest number of tokens to generate.
            max_tokens: u64 = "maxTokens",
        }
        optional {
            /// What matters in the choice of a model.
            model_preferences: ModelPreferences = "modelPreferences",
            /// What the model is told first; the client may change it.
            system_prompt: String = "systemPrompt",
            /// Whose context to add; more than `none` only for clients that declare `sampling.context` (T-121).
            include_context: IncludeContext = "includeContext",
            /// How freely to choose.
            temperature: f64 = "temperature" via Number,
            /// Texts at which to stop.
            stop_sequences: Vec<String> = "stopSequences",
            /// Anything more, for the provider of the model.
            metadata: JsonObject = "metadata",
            /// What the model may call; only for clients that declare `sampling.tools`, since 2025-11-25.
            tools: Vec<Tool> = "tools",
            /// Whether the model must call something; since 2025-11-25.
            tool_choice: ToolChoice = "toolChoice",
            /// Asks for a task in place of the result; 2025-11-25 only.
            task: TaskMetadata = "task",
            /// What every request may carry; up to 2025-11-25.
            meta: RequestMeta = "_meta",
        }
    }
}

words! {
    /// Whose context a client adds to a conversation.
    pub enum IncludeContext {
        /// That of every server.
        AllServers = "allServers",
        /// None.
        None = "none",
        /// That of the server that asks.
        ThisServer = "thisServer",
    }
}

object! {
    /// What matters in the choice of a model; priorities go from 0 to 1.
    pub struct ModelPreferences {
        optional {
            /// Models to think of, best first.
            hints: Vec<ModelHint> = "hints",
            /// How much a low price matters.
            cost_priority: f64 = "costPriority" via Number,
            /// How much speed matters.
            speed_priority: f64 = "speedPriority" via Number,
            /// How much intelligence matters.
            intelligence_priority: f64 = "intelligencePriority" via Number,
        }
    }
}

object! {
    /// A model to think of.
    pub struct ModelHint {
        optional {
            /// A part of its name.
            name: String = "name",
        }
    }
}

object! {
    /// Whether the model must call something.
    pub struct ToolChoice {
        optional {
            /// `auto` unless said.
            mode: ToolChoiceMode = "mode",
        }
    }
}

words! {
    /// Whether the model must call something.
    pub enum ToolChoiceMode {
        /// It decides.
        Auto = "auto",
        /// It must not.
        None = "none",
        /// It must.
        Required = "required",
    }
}

object! {
    /// The answer to `sampling/createMessage`.
    pub struct CreateMessageResult {
        required {
            /// Who speaks: the assistant.
            role: Role = "role",
            /// What is said.
            content: SamplingContent = "content",
            /// The model that said it.
            model: String = "model",
        }
        optional {
            /// Why the model stopped.
            stop_reason: StopReason = "stopReason",
            /// Anything more.
            meta: Meta = "_meta",
        }
    }
}

words! {
    /// Why a model stopped.
    pub enum StopReason {
        /// It had said all.
        EndTurn = "endTurn",
        /// It reached the greatest number of tokens.
        MaxTokens = "maxTokens",
        /// It said a text at which to stop.
        StopSequence = "stopSequence",
        /// It calls tools; since 2025-11-25.
        ToolUse = "toolUse",
    }
}

/// How a conversation breaks the rules about calls and their results (T-122).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolTurnError {
    /// The message at this index holds results and something else.
    Mixed(usize),
    /// The message at this index answers a call that the message before it does not make, or answers one twice.
    Unasked(usize, Box<str>),
    /// The message at this index makes a call that the next message does not answer.
    Unanswered(usize, Box<str>),
}

impl fmt::Display for ToolTurnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mixed(at) => write!(f, "message {at} holds tool results and other content"),
            Self::Unasked(at, id) => write!(f, "message {at} answers the tool call {id:?}, which is not open"),
            Self::Unanswered(at, id) => {
                write!(f, "message {at} makes the tool call {id:?}, which is not answered next")
            }
        }
    }
}

impl Error for ToolTurnError {}

/// Checks that results stand alone in their message, and that each call is answered in the message after it (T-122).
///
/// Calls in the last message are still open and therefore fine.
///
/// # Errors
///
/// Returns the first message that breaks a rule.
pub fn check_tool_turns(messages: &[SamplingMessage]) -> Result<(), ToolTurnError> {
    let mut open: HashSet<&str> = HashSet::new();
    for (at, message) in messages.iter().enumerate() {
        let blocks = message.content.blocks();
        let mut results = 0;
        for block in blocks {
            let SamplingMessageContentBlock::ToolResult(result) = block else { continue };
            results += 1;
            if !open.remove(result.tool_use_id.as_str()) {
                return Err(ToolTurnError::Unasked(at, result.tool_use_id.as_str().into()));
            }
        }
        if results > 0 && results < blocks.len() {
            return Err(ToolTurnError::Mixed(at));
        }
        if let Some(id) = open.iter().min() {
            return Err(ToolTurnError::Unanswered(at.saturating_sub(1), (*id).into()));
        }
        open = blocks.iter().filter_map(tool_use_id).collect();
    }
    Ok(())
}

fn tool_use_id(block: &SamplingMessageContentBlock) -> Option<&str> {
    match block {
        SamplingMessageContentBlock::ToolUse(call) => Some(&call.id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_one_block_or_a_list_and_stays_so() {
        let check = |text: &str, count: usize| {
            let content: SamplingContent = serde_json::from_str(text).unwrap();
            assert_eq!(content.blocks().len(), count);
            assert_eq!(serde_json::to_string(&content).unwrap(), text);
        };
        check(r#"{"type":"text","text":"a"}"#, 1);
        check(r#"[{"type":"text","text":"a"}]"#, 1);
        check(r#"[{"type":"tool_use","id":"1","name":"t","input":{}},{"type":"newer"}]"#, 2);
        check("[]", 0);
        assert!(serde_json::from_str::<SamplingContent>("\"text\"").is_err());
    }

    #[test]
    fn the_number_of_tokens_is_required_and_whole() {
        for text in [r#"{"messages":[]}"#, r#"{"messages":[],"maxTokens":1.5}"#, r#"{"messages":[],"maxTokens":null}"#]
        {
            let error = serde_json::from_str::<CreateMessageRequestParams>(text).unwrap_err().to_string();
            assert!(error.contains("maxTokens"), "{error}");
        }
    }

    fn conversation(turns: &[&str]) -> Vec<SamplingMessage> {
        let message = |turn: &&str| {
            let blocks: Vec<_> = turn.split_whitespace().map(block).collect();
            SamplingMessage::new("user", blocks)
        };
        turns.iter().map(message).collect()
    }

    fn block(word: &str) -> SamplingMessageContentBlock {
        match word.split_once(':') {
            Some(("call", id)) => {
                SamplingMessageContentBlock::ToolUse(ToolUseContent::new(id, "t", RawJson::empty_object()))
            }
            Some(("result", id)) => SamplingMessageContentBlock::ToolResult(ToolResultContent::new(id)),
            _ => SamplingMessageContentBlock::text(word),
        }
    }

    #[test]
    fn every_call_is_answered_in_the_next_message_which_holds_nothing_else() {
        let check = |turns: &[&str], expected: Result<(), ToolTurnError>| {
            assert_eq!(check_tool_turns(&conversation(turns)), expected, "{turns:?}");
        };
        check(&[], Ok(()));
        check(&["hello", "call:a call:b", "result:b result:a", "bye"], Ok(()));
        check(&["text call:a"], Ok(()));
        check(&["call:a", "result:a text"], Err(ToolTurnError::Mixed(1)));
        check(&["call:a call:b", "result:a"], Err(ToolTurnError::Unanswered(0, "b".into())));
        check(&["call:a", "text", "result:a"], Err(ToolTurnError::Unanswered(0, "a".into())));
        check(&["result:a"], Err(ToolTurnError::Unasked(0, "a".into())));
        check(&["call:a", "result:a result:a"], Err(ToolTurnError::Unasked(1, "a".into())));
    }
}
