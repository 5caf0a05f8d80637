//! Plays a recorded conversation: a model and tools that answer from a tape.
//!
//! The surprising thing: the order of the tape does not count where there was none. Calls of one round run side by side
//! and come back as they like, so a call is found by what it asks for, and among the same ones by its place.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mcp_types::{CallToolResult, RawJson};
use serde_json::Value;

use super::difference::difference;
use super::tape::{Approved, Asked, Call, Entry, Tape};
use crate::driver::{CallContext, Model, Tools};
use crate::error::ModelError;
use crate::turn::approval::Approval;
use crate::turn::{Api, Failure};

/// A model and tools that answer from a [`Tape`]. Clones play the same tape.
///
/// A request that is not on it is an error that says where it differs first from the recorded one.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::chat::{Message, Request};
/// use mcp_openai_bridge::driver::Model;
/// use mcp_openai_bridge::model::{Replayer, Tape};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tape = Tape::parse(concat!(
///     r#"{"tape":{"version":1}}"#, "\n",
///     r#"{"model":{"request":{"model":"m","messages":[{"role":"user","content":"Hi"}]},"#,
///     r#""reply":{"choices":[{"message":{"role":"assistant","content":"Hello"}}]}}}"#,
/// ))?;
/// let replayer = Replayer::new(tape);
/// let model: &dyn Model = &replayer;
/// let other = model.complete(&Request::new("m", [Message::user("Ho")])).await.unwrap_err();
/// assert!(other.to_string().contains("at /messages/0/content"));
/// let reply = model.complete(&Request::new("m", [Message::user("Hi")])).await?;
/// assert_eq!(reply.choices[0].message.text(), "Hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Replayer {
    tape: Arc<Tape>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Places of the tape that were played.
    played: BTreeSet<usize>,
    /// What was asked for and is not on the tape.
    missing: Vec<String>,
}

impl Replayer {
    /// Makes a player at the beginning of a tape.
    pub fn new(tape: Tape) -> Self {
        Self { tape: Arc::new(tape), state: Arc::default() }
    }

    /// Returns the tape.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Returns what somebody said about a call that was recorded with this id, if anything.
    pub fn approval(&self, call: &str) -> Option<Approval> {
        let fits = |entry: &Entry| matches!(entry, Entry::Approval(approved) if approved.call == call);
        let Entry::Approval(Approved { denied, .. }) = self.take(fits)? else { return None };
        Some(denied.clone().map_or(Approval::Allowed, Approval::denied))
    }

    /// Says in what the conversation differed from the recorded one: what was not on the tape, and what is on it and was
    /// not asked for. Empty when it was the same.
    pub fn differences(&self) -> Vec<String> {
        let state = self.lock();
        let mut all = state.missing.clone();
        for (place, (line, entry)) in self.tape.entries.iter().enumerate() {
            let what = match entry {
                Entry::Call(call) => format!("the call of `{}`", call.tool),
                Entry::Model(_) => "the request to the model".to_owned(),
                _ => continue,
            };
            if !state.played.contains(&place) && !self.tape.is_cancelled(place) {
                all.push(format!("{what} in line {line} was not made"));
            }
        }
        all
    }

    /// Takes the first entry that fits and was not played yet.
    fn take(&self, fits: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let mut state = self.lock();
        let unplayed = |(place, _): &(usize, &(usize, Entry))| !state.played.contains(place);
        let found = self.tape.entries.iter().enumerate().filter(unplayed).find(|(_, (_, entry))| fits(entry));
        let (place, (_, entry)) = found?;
        state.played.insert(place);
        Some(entry)
    }

    /// Returns the first entry that was not played and of which `read` returns something, with its line.
    fn next<'a, T>(&'a self, read: impl Fn(&'a Entry) -> Option<T>) -> Option<(usize, T)> {
        let state = self.lock();
        let unplayed = self.tape.entries.iter().enumerate().filter(|(place, _)| !state.played.contains(place));
        unplayed.into_iter().find_map(|(_, (line, entry))| Some((*line, read(entry)?)))
    }

    fn miss(&self, what: String) -> String {
        self.lock().missing.push(what.clone());
        what
    }

    fn asked<A: Api>(&self, request: &A::Request) -> Result<&Asked, ModelError> {
        let unwritable = |error| ModelError::new("the request cannot be written as JSON").because(error);
        let now = serde_json::to_value(request).map_err(unwritable)?;
        let is_same = |entry: &Entry| matches!(entry, Entry::Model(asked) if value(&asked.request) == now);
        if let Some(Entry::Model(asked)) = self.take(is_same) {
            return Ok(asked);
        }
        let next = self.next(|entry| match entry {
            Entry::Model(asked) => difference(&value(&asked.request), &now),
            _ => None,
        });
        Err(ModelError::new(self.miss(match next {
            Some((line, difference)) => format!("the request is not the one in line {line} of the tape, {difference}"),
            None => "the tape has no further request to a model".to_owned(),
        })))
    }

    fn called(&self, server: &str, tool: &str, arguments: &RawJson) -> Result<&Call, Failure> {
        let now = value(arguments);
        let is_of = |call: &Call| call.server == server && call.tool == tool;
        let is_same =
            |entry: &Entry| matches!(entry, Entry::Call(call) if is_of(call) && value(&call.arguments) == now);
        if let Some(Entry::Call(call)) = self.take(is_same) {
            return Ok(call);
        }
        let next = self.next(|entry| match entry {
            Entry::Call(call) if is_of(call) => difference(&value(&call.arguments), &now),
            _ => None,
        });
        Err(Failure::Transport {
            message: self.miss(match next {
                Some((line, difference)) => {
                    format!("the call of `{tool}` is not the one in line {line} of the tape, {difference}")
                }
                None => format!("the tape has no further call of `{tool}`"),
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is one call, so poisoning means nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text that was checked to be JSON is a value, unless a number in it is none that can be held.
fn value(raw: &RawJson) -> Value {
    raw.decode().unwrap_or_else(|_| Value::String(raw.as_str().to_owned()))
}

/// Returns what came of a request. The wait after an error is left out when the tape says that it was waited for.
fn reply<A: Api>(replayer: &Replayer, asked: &Asked) -> Result<A::Reply, ModelError> {
    match (&asked.reply, &asked.error) {
        (Some(reply), _) => {
            reply.decode().map_err(|error| ModelError::new("the reply on the tape cannot be read").because(error))
        }
        (None, Some(error)) => {
            let error = ModelError::from(error.clone());
            let request = value(&asked.request);
            let is_repeated = |entry: &Entry| matches!(entry, Entry::Model(asked) if value(&asked.request) == request);
            let repeated = replayer.next(|entry| is_repeated(entry).then_some(()));
            Err(if repeated.is_some() { error.retry_after(Duration::ZERO) } else { error })
        }
        (None, None) => Err(ModelError::new("the tape has neither a reply nor an error for this request")),
    }
}

#[async_trait]
impl<A: Api> Model<A> for Replayer {
    async fn complete(&self, request: &A::Request) -> Result<A::Reply, ModelError> {
        reply::<A>(self, self.asked::<A>(request)?)
    }

    async fn stream(
        &self,
        request: &A::Request,
        chunks: &mut (dyn FnMut(A::Chunk) + Send),
    ) -> Result<A::Reply, ModelError> {
        let asked = self.asked::<A>(request)?;
        for chunk in &asked.chunks {
            let unreadable = |error| ModelError::new("a chunk on the tape cannot be read").because(error);
            chunks(chunk.decode().map_err(unreadable)?);
        }
        reply::<A>(self, asked)
    }
}

#[async_trait]
impl Tools for Replayer {
    async fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        let call = self.called(server, tool, &arguments)?;
        call.progress.iter().for_each(|progress| cx.progress(progress.clone()));
        match (&call.result, &call.failure) {
            (Some(result), _) => Ok(result.clone()),
            (None, Some(failure)) => Err(failure.clone().into()),
            (None, None) => Err(Failure::Transport { message: "the tape has no result for this call".to_owned() }),
        }
    }
}

impl fmt::Debug for Replayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayer").field("played", &self.lock().played.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
