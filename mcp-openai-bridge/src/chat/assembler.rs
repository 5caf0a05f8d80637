//! Puts the chunks of a stream together to a reply.

use std::collections::BTreeMap;

use mcp_types::{JsonObject, RawJson};

use super::calls::Calls;
use super::fault::{self, StreamFault};
use super::merge::Members;
use super::{Choice, Chunk, ChunkChoice, Completion, Delta, Message, Usage};
use crate::members::{object_json, text_json};

/// Puts the chunks of a stream together to a reply.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::chat::{Assembler, Chunk};
///
/// let mut reply = Assembler::default();
/// for text in [
///     r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}"#,
///     r#"{"id":"c","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}"#,
/// ] {
///     reply.push(&serde_json::from_str::<Chunk>(text)?)?;
/// }
/// assert_eq!(reply.finish()?.choices[0].message.text(), "Hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Assembler {
    choices: BTreeMap<u64, Partial>,
    usage: Option<Usage>,
    extra: JsonObject,
    /// What is held, and how much that may be.
    bytes: usize,
    limit: usize,
    is_done: bool,
}

#[derive(Clone, Debug, Default)]
struct Partial {
    role: Option<String>,
    content: Content,
    calls: Calls,
    /// Members of the message.
    message: Members,
    finish_reason: Option<String>,
    /// Members of the choice.
    extra: Members,
}

#[derive(Clone, Debug, Default)]
enum Content {
    #[default]
    Absent,
    Null,
    Parts(Vec<RawJson>),
    Text(String),
}

impl Default for Assembler {
    /// Makes one that holds 16 MiB.
    fn default() -> Self {
        Self::with_limit(16 * 1024 * 1024)
    }
}

impl Assembler {
    /// Makes one that holds `limit` bytes of a reply.
    pub fn with_limit(limit: usize) -> Self {
        let (choices, extra) = (BTreeMap::new(), JsonObject::new());
        Self { choices, usage: None, extra, bytes: 0, limit, is_done: false }
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    ///
    /// Fails when the chunk is an error of the provider, when it makes no sense after those before it, or when the
    /// reply is longer than what is held.
    pub fn push(&mut self, chunk: &Chunk) -> Result<(), StreamFault> {
        if let Some(error) = chunk.extra.member("error").filter(|error| !error.is_null()) {
            return Err(fault::provider(error));
        }
        if let Some(usage) = &chunk.usage {
            // Providers that count in every chunk count from the start.
            self.usage = Some(usage.clone());
        }
        self.push_extra(&chunk.extra)?;
        for choice in &chunk.choices {
            self.push_choice(choice)?;
        }
        Ok(())
    }

    /// Takes note that the provider said `[DONE]`, which ends a reply that has no `finish_reason`.
    pub fn done(&mut self) {
        self.is_done = true;
    }

    /// Returns the reply.
    ///
    /// # Errors
    ///
    /// Fails when the stream ended before the reply did.
    pub fn finish(self) -> Result<Completion, StreamFault> {
        let is_done = self.is_done;
        let is_finished = |choice: &Partial| is_done || choice.finish_reason.is_some();
        if self.choices.is_empty() || !self.choices.values().all(is_finished) {
            return Err(StreamFault::Unfinished);
        }
        let mut extra = self.extra;
        if extra.member("object").is_some() {
            extra.insert("object", text_json("chat.completion"));
        }
        let choices = self.choices.into_iter().map(|(index, choice)| choice.finish(index)).collect();
        Ok(Completion { choices, usage: self.usage, extra })
    }

    fn push_choice(&mut self, choice: &ChunkChoice) -> Result<(), StreamFault> {
        self.count(bytes_of(choice))?;
        if self.choices.len() >= CHOICE_LIMIT && !self.choices.contains_key(&choice.index) {
            return Err(StreamFault::TooLong { what: "choices", limit: CHOICE_LIMIT });
        }
        let known = self.choices.entry(choice.index).or_default();
        known.push(&choice.delta)?;
        known.finish_reason = choice.finish_reason.clone().or(known.finish_reason.take());
        known.push_extra(&choice.extra)
    }

    /// What stands around the choices is the same in every chunk, as a rule. The identity of the first one counts, and
    /// of the rest what came last.
    fn push_extra(&mut self, extra: &JsonObject) -> Result<(), StreamFault> {
        for (name, value) in extra.iter().filter(|(_, value)| !value.is_null()) {
            match self.extra.member(name) {
                Some(known) if known == value || IDENTITY.contains(&name) => continue,
                None if self.extra.len() >= MEMBER_LIMIT => {
                    return Err(StreamFault::TooLong { what: "members around the choices", limit: MEMBER_LIMIT });
                }
                _ => {}
            }
            self.count(value.as_bytes().len())?;
            self.extra.insert(name, value.clone());
        }
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), StreamFault> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limit {
            return Err(StreamFault::TooLong { what: "bytes", limit: self.limit });
        }
        Ok(())
    }
}

impl Partial {
    fn push(&mut self, delta: &Delta) -> Result<(), StreamFault> {
        if self.role.is_none() {
            self.role.clone_from(&delta.role);
        }
        if let Some(content) = &delta.content {
            self.content.push(content);
        }
        for call in &delta.tool_calls {
            self.calls.push(call)?;
        }
        self.message.merge(&delta.extra)
    }

    /// Lists such as those of `logprobs` go on; a text says something about the end.
    fn push_extra(&mut self, extra: &JsonObject) -> Result<(), StreamFault> {
        for (name, value) in extra.iter().filter(|(_, value)| !value.is_null()) {
            if value.as_str().starts_with('"') {
                self.extra.replace(name, value)?;
            } else {
                self.extra.merge(&[(name, value.clone())].into_iter().collect())?;
            }
        }
        Ok(())
    }

    fn finish(self, index: u64) -> Choice {
        let tool_calls = self.calls.finish();
        let content = match self.content {
            // Beside calls a message has no content, and says so.
            Content::Absent => (!tool_calls.is_empty()).then(RawJson::null),
            Content::Null => Some(RawJson::null()),
            Content::Parts(parts) => RawJson::encode(&parts).ok(),
            Content::Text(text) => Some(text_json(text)),
        };
        let inferred = if tool_calls.is_empty() { "stop" } else { "tool_calls" };
        let message = Message {
            role: self.role.unwrap_or_else(|| "assistant".to_owned()),
            content,
            tool_calls,
            tool_call_id: None,
            extra: self.message.finish(),
        };
        let mut extra = self.extra.finish();
        extra.insert("index", serde_json::Value::from(index));
        Choice { message, finish_reason: self.finish_reason.or_else(|| Some(inferred.to_owned())), extra }
    }
}

impl Content {
    fn push(&mut self, more: &RawJson) {
        if more.is_null() {
            if matches!(self, Self::Absent) {
                *self = Self::Null;
            }
        } else if let Ok(more) = more.decode::<String>() {
            match self {
                Self::Text(text) => text.push_str(&more),
                Self::Parts(parts) => parts.extend((!more.is_empty()).then(|| text_part(more))),
                _ => *self = Self::Text(more),
            }
        } else if let Ok(more) = more.decode::<Vec<RawJson>>() {
            let mut parts = match std::mem::take(self) {
                Self::Parts(parts) => parts,
                Self::Text(text) if !text.is_empty() => vec![text_part(text)],
                _ => Vec::new(),
            };
            parts.extend(more);
            *self = Self::Parts(parts);
        }
    }
}

fn text_part(text: String) -> RawJson {
    object_json(&[("type", text_json("text")), ("text", text_json(text))].into_iter().collect())
}

/// What a choice adds to what is held, and for each of its parts a little, so that many empty ones count as well.
fn bytes_of(choice: &ChunkChoice) -> usize {
    use super::Arguments;
    let extra = |members: &JsonObject| -> usize {
        members.iter().map(|(name, value)| PART_BYTES + name.len() + value.as_bytes().len()).sum()
    };
    let calls = choice.delta.tool_calls.iter().map(|call| {
        let function = call.function.as_ref().map_or(0, |function| {
            let arguments = match &function.arguments {
                Arguments::Absent => 0,
                Arguments::Json(value) => value.as_bytes().len(),
                Arguments::Text(text) => text.len(),
            };
            arguments + function.name.as_ref().map_or(0, String::len) + extra(&function.extra)
        });
        PART_BYTES + function + call.id.as_ref().map_or(0, String::len) + extra(&call.extra)
    });
    let content = choice.delta.content.as_ref().map_or(0, |content| content.as_bytes().len());
    calls.sum::<usize>() + content + extra(&choice.delta.extra) + extra(&choice.extra)
}

const IDENTITY: [&str; 4] = ["created", "id", "model", "object"];
const CHOICE_LIMIT: usize = 128;
const MEMBER_LIMIT: usize = 64;
const PART_BYTES: usize = 8;
