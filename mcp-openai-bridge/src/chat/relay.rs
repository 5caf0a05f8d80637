//! Many rounds of a tool loop as one stream, for a client that must not see the rounds.
//!
//! What the client gets is one message: one id, one role, the texts of all rounds, one `finish_reason`, the usage of all
//! rounds once. Calls of tools that are made here are left out. Calls of the client's own functions are passed on, and
//! numbered anew. The surprising thing: whose call it is, is known only when its name is whole, so that the beginning of a
//! call is held back until then.

use std::collections::BTreeSet;

use mcp_types::{JsonObject, RawJson};

use super::calls::{Calls, Partial};
use super::fault::{self, StreamFault};
use super::{Arguments, Chunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta, Usage};
use crate::members::text_json;

/// Many rounds of a tool loop as one stream.
///
/// Give it the chunks of each round in their order and [`end_round`](Self::end_round) after each; after the last one,
/// [`finish`](Self::finish). It is pure, and each chunk that it returns goes to the client as it is. Only the first choice
/// is relayed, because a loop follows only one.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::chat::{Chunk, Relay};
///
/// let chunk = |text: &str| serde_json::from_str::<Chunk>(text).unwrap();
/// let mut relay = Relay::new(["client_function"]);
/// let call = r#"{"id":"a","choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"time","arguments":"{}"}}]}}]}"#;
/// assert!(relay.push(&chunk(call))?.is_none(), "the call is made here");
/// assert!(relay.end_round().is_none());
/// let text = relay.push(&chunk(r#"{"id":"b","choices":[{"delta":{"content":"noon"},"finish_reason":"stop"}]}"#))?.unwrap();
/// assert_eq!(serde_json::to_string(&text).unwrap(), r#"{"id":"a","choices":[{"index":0,"delta":{"role":"assistant","content":"noon"},"finish_reason":null}]}"#);
/// assert!(relay.end_round().is_none());
/// assert_eq!(relay.finish(None).len(), 1);
/// # Ok::<(), mcp_openai_bridge::chat::StreamFault>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Relay {
    /// The functions of the client.
    own: BTreeSet<String>,
    /// The id of the stream, where it is not the first provider's.
    id: Option<String>,
    shows_usage: bool,
    /// What stands around the choices of every chunk.
    envelope: Option<JsonObject>,
    has_role: bool,
    text: Text,
    calls: Calls,
    /// For each call of this round what becomes of it.
    fates: Vec<Fate>,
    passed: Vec<PassedCall>,
    finish_reason: Option<String>,
    /// Tokens of the rounds that ended, and of this one.
    usage: Option<Usage>,
    round_usage: Option<Usage>,
}

/// A call that was passed on to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PassedCall {
    /// The place of the call among the calls of its round.
    pub position: usize,
    /// The id that the client knows it by.
    pub id: String,
}

/// How far the text is, for what stands between the texts of two rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Text {
    #[default]
    None,
    /// An earlier round had some, and this one has none yet.
    Earlier,
    This,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// Its name may not be whole yet.
    Held,
    Hidden,
    /// Passed on under this index, as far as so many bytes of its arguments.
    Passed(u64, usize),
}

impl Relay {
    /// Makes a relay for a client that has these functions of its own.
    pub fn new(own: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { own: own.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Sets the id of the stream; the calls that are passed on get ids that are made of it.
    ///
    /// Providers number calls from 0 in every reply. A gateway that has to know a call again gives it an id of its own.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets whether the stream ends with a chunk that has the usage.
    #[must_use]
    pub fn shows_usage(mut self, shows: bool) -> Self {
        self.shows_usage = shows;
        self
    }

    /// Takes a chunk of the round; returns what the client gets of it.
    ///
    /// # Errors
    ///
    /// Fails when the chunk is an error of the provider, or makes no sense after those before it.
    pub fn push(&mut self, chunk: &Chunk) -> Result<Option<Chunk>, StreamFault> {
        if let Some(error) = chunk.extra.member("error").filter(|error| !error.is_null()) {
            return Err(fault::provider(error));
        }
        if self.envelope.is_none() {
            self.envelope = Some(self.envelope_of(&chunk.extra));
        }
        if let Some(usage) = &chunk.usage {
            self.round_usage = Some(usage.clone());
        }
        let Some(choice) = chunk.choices.iter().find(|choice| choice.index == 0) else { return Ok(None) };
        if choice.finish_reason.is_some() {
            self.finish_reason.clone_from(&choice.finish_reason);
        }
        let mut delta = Delta { role: None, tool_calls: Vec::new(), ..choice.delta.clone() };
        delta.content = delta.content.take().and_then(|content| self.text_of(content));
        delta.extra = delta.extra.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k, v.clone())).collect();
        for call in &choice.delta.tool_calls {
            let position = self.calls.push(call)?;
            self.pass(position, call, &mut delta.tool_calls);
        }
        Ok(self.chunk(delta, &choice.extra))
    }

    /// Takes note that the reply of this round is complete; returns what was held back of it.
    pub fn end_round(&mut self) -> Option<Chunk> {
        let mut delta = Delta::default();
        for position in 0..self.fates.len() {
            self.settle(position, &mut delta.tool_calls);
        }
        self.calls = Calls::default();
        self.fates.clear();
        if self.text == Text::This {
            self.text = Text::Earlier;
        }
        if let Some(usage) = self.round_usage.take() {
            self.usage.get_or_insert_default().add(&usage);
        }
        self.chunk(delta, &JsonObject::new())
    }

    /// Ends the stream with a `finish_reason`: the one given, or that of the last round.
    ///
    /// The calls of the last round that were made here are not what the client is waiting for, so that `tool_calls` is
    /// said only when calls were passed on.
    pub fn finish(mut self, reason: Option<&str>) -> Vec<Chunk> {
        let last = self.finish_reason.as_deref().filter(|reason| !CALLS.contains(reason));
        let own = if self.passed.is_empty() { last.unwrap_or("stop") } else { "tool_calls" };
        let reason = reason.unwrap_or(own).to_owned();
        let mut end = self.whole_chunk(Delta::default(), &JsonObject::new());
        if let Some(choice) = end.choices.first_mut() {
            choice.finish_reason = Some(reason);
        }
        let usage = self.usage.take().filter(|_| self.shows_usage);
        let extra = end.extra.clone();
        let usage = usage.map(|usage| Chunk { choices: Vec::new(), usage: Some(usage), extra });
        std::iter::once(end).chain(usage).collect()
    }

    /// Returns the calls that were passed on to the client. A loop waits for their answers, so they are of one round.
    pub fn passed(&self) -> &[PassedCall] {
        &self.passed
    }

    /// Returns the tokens of the rounds that ended.
    pub fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    fn envelope_of(&self, extra: &JsonObject) -> JsonObject {
        let mut envelope = extra.clone();
        if let Some(id) = &self.id {
            envelope.insert("id", text_json(id));
        }
        if envelope.member("object").is_some() {
            envelope.insert("object", text_json("chat.completion.chunk"));
        }
        envelope
    }

    /// The texts of two rounds are two messages, so that a blank line stands between them.
    fn text_of(&mut self, content: RawJson) -> Option<RawJson> {
        let Ok(text) = content.decode::<String>() else { return (!content.is_null()).then_some(content) };
        if text.is_empty() {
            return None;
        }
        let is_second = self.text == Text::Earlier;
        self.text = Text::This;
        Some(if is_second { text_json(format!("\n\n{text}")) } else { content })
    }

    /// Passes on what came of a call, if it is the client's.
    fn pass(&mut self, position: usize, delta: &ToolCallDelta, out: &mut Vec<ToolCallDelta>) {
        if self.fates.len() <= position {
            self.fates.resize(position + 1, Fate::Held);
        }
        match self.fates.get(position) {
            Some(Fate::Held) if self.calls.get(position).is_some_and(Partial::has_arguments) => {
                self.settle(position, out);
            }
            Some(Fate::Passed(index, sent)) => {
                let (index, sent) = (*index, *sent);
                self.continue_call(position, index, sent, delta, out);
            }
            Some(Fate::Held | Fate::Hidden) | None => {}
        }
    }

    /// Passes on what is new of a call that the client knows. A provider that repeats itself says nothing new.
    fn continue_call(
        &mut self,
        position: usize,
        index: u64,
        sent: usize,
        delta: &ToolCallDelta,
        out: &mut Vec<ToolCallDelta>,
    ) {
        let text = self.calls.get(position).map(Partial::text).unwrap_or_default();
        let more = text.get(sent..).unwrap_or_default();
        let arguments = if more.is_empty() { Arguments::Absent } else { Arguments::from(more) };
        let sent = text.len();
        let extra = delta.function.as_ref().map(|function| function.extra.clone()).unwrap_or_default();
        let function = FunctionDelta { name: None, arguments, extra };
        let has_function = function.arguments != Arguments::Absent || !function.extra.is_empty();
        if has_function || !delta.extra.is_empty() {
            out.push(ToolCallDelta {
                index: Some(index),
                function: has_function.then_some(function),
                extra: delta.extra.clone(),
                ..ToolCallDelta::default()
            });
        }
        if let Some(fate) = self.fates.get_mut(position) {
            *fate = Fate::Passed(index, sent);
        }
    }

    /// Decides about a call that was held back.
    fn settle(&mut self, position: usize, out: &mut Vec<ToolCallDelta>) {
        let Some(fate) = self.fates.get_mut(position).filter(|fate| **fate == Fate::Held) else { return };
        let Some(call) = self.calls.get(position) else { return };
        if !call.name().is_some_and(|name| self.own.contains(&name)) {
            *fate = Fate::Hidden;
            return;
        }
        let index = self.passed.len() as u64;
        *fate = Fate::Passed(index, call.text().len());
        let id = match &self.id {
            Some(id) => format!("call_{}_{index:x}", id.rsplit(['-', '_']).next().unwrap_or(id)),
            None => call.id.clone(),
        };
        self.passed.push(PassedCall { position, id: id.clone() });
        out.push(beginning(call, id, index));
    }

    fn chunk(&mut self, delta: Delta, extra: &JsonObject) -> Option<Chunk> {
        let says_something = extra.iter().any(|(_, value)| !value.is_null());
        (!delta.is_empty() || says_something).then(|| self.whole_chunk(delta, extra))
    }

    fn whole_chunk(&mut self, mut delta: Delta, extra: &JsonObject) -> Chunk {
        if !std::mem::replace(&mut self.has_role, true) {
            delta.role = Some("assistant".to_owned());
        }
        let choice = ChunkChoice { index: 0, delta, finish_reason: None, extra: extra.clone() };
        Chunk { choices: vec![choice], usage: None, extra: self.envelope.clone().unwrap_or_default() }
    }
}

/// A call as its first delta should be.
fn beginning(call: &Partial, id: String, index: u64) -> ToolCallDelta {
    let mut delta = call.clone().finish();
    let function = delta.function.take().map(|function| FunctionDelta {
        name: Some(function.name),
        arguments: match function.arguments {
            Arguments::Absent => Arguments::Text(String::new()),
            arguments => arguments,
        },
        extra: function.extra,
    });
    let kind = delta.kind.unwrap_or_else(|| "function".to_owned());
    ToolCallDelta { index: Some(index), id: Some(id), kind: Some(kind), function, extra: delta.extra }
}

/// The reasons that mean: calls are to be made.
const CALLS: [&str; 2] = ["function_call", "tool_calls"];
