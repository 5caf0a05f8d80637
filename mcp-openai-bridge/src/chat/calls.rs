//! Puts the deltas of calls together.
//!
//! By the book a delta names its call by `index`, and only the first one carries the id and the name. The surprising
//! thing is how few providers keep to the book: indices are missing or all 0, ids and names are repeated with every
//! delta or cut into pieces, calls come whole, and the whole call comes once more at the end. [`Calls::place`] is the one
//! place that knows.

use mcp_types::JsonObject;

use super::fault::StreamFault;
use super::merge::Members;
use super::{Arguments, FunctionCall, ToolCall, ToolCallDelta};
use crate::json;

/// The calls of one message, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    list: Vec<Partial>,
    /// Of arguments, together.
    bytes: usize,
}

/// A call of which a part is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Partial {
    /// The number that the provider gave it last.
    index: Option<u64>,
    pub(super) id: String,
    kind: Option<String>,
    name: String,
    arguments: Arguments,
    extra: Members,
    function_extra: Members,
    is_function: bool,
}

impl Calls {
    /// Adds a delta; returns the position of its call.
    pub(super) fn push(&mut self, delta: &ToolCallDelta) -> Result<usize, StreamFault> {
        let position = match self.place(delta)? {
            Some(position) => position,
            None if self.list.len() >= CALL_LIMIT => {
                return Err(StreamFault::TooLong { what: "calls in one message", limit: CALL_LIMIT });
            }
            None => {
                self.list.push(Partial { index: delta.index, ..Partial::default() });
                self.list.len() - 1
            }
        };
        if let Some(Arguments::Text(text)) = delta.function.as_ref().map(|function| &function.arguments) {
            self.bytes += text.len();
        }
        if self.bytes > BYTE_LIMIT {
            return Err(StreamFault::TooLong { what: "bytes of arguments in one message", limit: BYTE_LIMIT });
        }
        let partial = self.list.get_mut(position).ok_or(StreamFault::Unknown { what: "a part of a call" })?;
        partial.push(delta)?;
        Ok(position)
    }

    pub(super) fn get(&self, position: usize) -> Option<&Partial> {
        self.list.get(position)
    }

    pub(super) fn finish(self) -> Vec<ToolCall> {
        self.list.into_iter().map(Partial::finish).collect()
    }

    /// Finds the call that a delta belongs to; `None` when it begins a new one.
    fn place(&self, delta: &ToolCallDelta) -> Result<Option<usize>, StreamFault> {
        let id = delta.id.as_deref().unwrap_or_default();
        let name = delta.function.as_ref().and_then(|function| function.name.as_deref()).unwrap_or_default();
        let find = |is_it: &dyn Fn(&Partial) -> bool| self.list.iter().rposition(is_it);
        if let Some(index) = delta.index {
            let Some(position) = find(&|call| call.index == Some(index)) else { return Ok(None) };
            let call = self.list.get(position).filter(|call| {
                // A second call under the number of the first: it has an id and a name of its own.
                !id.is_empty() && !call.id.is_empty() && call.id != id && !name.is_empty()
            });
            return Ok(if call.is_some() { None } else { Some(position) });
        }
        if !id.is_empty() {
            if let Some(position) = find(&|call| call.id == id) {
                return Ok(Some(position));
            }
            // An id that changes with every delta of one call names nothing.
            return Ok(if name.is_empty() { self.list.len().checked_sub(1) } else { None });
        }
        let Some(last) = self.list.last() else {
            let is_start = !name.is_empty() || delta.kind.is_some();
            return if is_start { Ok(None) } else { Err(StreamFault::Unknown { what: "a part of a call" }) };
        };
        let is_next = !name.is_empty() && (last.name != name || last.is_whole());
        Ok(if is_next { None } else { Some(self.list.len() - 1) })
    }
}

impl Partial {
    fn push(&mut self, delta: &ToolCallDelta) -> Result<(), StreamFault> {
        if self.id.is_empty() {
            self.id = delta.id.clone().unwrap_or_default();
        }
        if self.kind.is_none() {
            self.kind.clone_from(&delta.kind);
        }
        self.extra.merge(&delta.extra)?;
        let Some(function) = &delta.function else { return Ok(()) };
        self.is_function = true;
        if let Some(name) = &function.name {
            self.push_name(name);
        }
        self.function_extra.merge(&function.extra)?;
        self.push_arguments(&function.arguments)
    }

    /// A name comes at once, in pieces, or once more with every delta.
    fn push_name(&mut self, name: &str) {
        if self.arguments == Arguments::Absent && self.name != name {
            if name.starts_with(&self.name) {
                self.name.clear();
            }
            self.name.push_str(name);
        }
    }

    fn push_arguments(&mut self, more: &Arguments) -> Result<(), StreamFault> {
        let mixed = || StreamFault::MixedArguments { name: self.name.clone() };
        match (&mut self.arguments, more) {
            (_, Arguments::Absent) => {}
            // The first delta has an empty text as a rule, which says nothing yet.
            (Arguments::Absent, Arguments::Text(text)) if text.is_empty() => {}
            (known @ Arguments::Absent, more) => *known = more.clone(),
            (Arguments::Json(_), Arguments::Text(text)) if text.trim().is_empty() => {}
            (Arguments::Json(known), Arguments::Json(more)) if known == more => {}
            (Arguments::Text(known), Arguments::Text(more)) => {
                let is_repeated = known == more && is_object(known);
                if !is_repeated {
                    known.push_str(more);
                }
            }
            _ => return Err(mixed()),
        }
        Ok(())
    }

    /// Whether the arguments need no more text.
    fn is_whole(&self) -> bool {
        match &self.arguments {
            Arguments::Absent => false,
            Arguments::Json(_) => true,
            Arguments::Text(text) => is_object(text),
        }
    }

    /// The name of the function or custom tool that is called.
    pub(super) fn name(&self) -> Option<String> {
        if self.is_function { Some(self.name.clone()) } else { self.custom("name") }
    }

    /// Whether the name is whole, because the arguments have begun.
    pub(super) fn has_arguments(&self) -> bool {
        self.arguments != Arguments::Absent || self.custom("input").is_some_and(|input| !input.is_empty())
    }

    /// The arguments, as far as they are a text.
    pub(super) fn text(&self) -> &str {
        if let Arguments::Text(text) = &self.arguments { text } else { "" }
    }

    fn custom(&self, member: &str) -> Option<String> {
        Some(self.extra.get("custom")?.as_object()?.get(member)?.as_str()?.to_owned())
    }

    pub(super) fn finish(self) -> ToolCall {
        let function = self.is_function.then(|| FunctionCall {
            name: self.name,
            // A call without arguments came with the member all the same.
            arguments: self.arguments,
            extra: self.function_extra.finish(),
        });
        let extra: JsonObject = self.extra.finish();
        ToolCall { id: self.id, kind: self.kind, function, extra }
    }
}

/// Whether a text is one whole object. Asked only where a provider leaves it open, and of no text that is long.
fn is_object(text: &str) -> bool {
    text.len() <= WHOLE_BYTES
        && text.trim_end().ends_with('}')
        && json::Value::parse(text).is_ok_and(|value| value.as_object().is_some())
}

/// As many as a message may carry when it goes back.
const CALL_LIMIT: usize = 128;
const BYTE_LIMIT: usize = 16 * 1024 * 1024;
const WHOLE_BYTES: usize = 64 * 1024;
