//! What a client of Responses sees of a loop: one response, with its calls of MCP tools as items.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use mcp_transport::sse::encode_event;
use mcp_types::RawJson;

use super::State;
use super::refusal::Refusal;
use super::responses::Kept;
use super::work::Face;
use crate::chat::{Arguments, StreamFault};
use crate::content;
use crate::driver::End;
use crate::responses::mcp::{CallError, McpCall};
use crate::responses::{Event, Item, Relay, Response};
use crate::turn::approval::Approval;
use crate::turn::{Call, Failure, Outcome, Rejected, Responses, Turn};

/// What a client of Responses sees of a loop.
pub(super) struct ResponsesFace {
    /// `None` at the end.
    relay: Option<Relay>,
    streams: bool,
    fault: Option<StreamFault>,
    /// Whether pieces of the reply of this round came.
    streamed: bool,
    /// Whether the model has replied; before that, calls are those that were approved.
    has_reply: bool,
    /// What the client said about calls.
    decisions: HashMap<String, Approval>,
    /// From calls to the requests by which they were approved.
    approvals: HashMap<String, String>,
    kept: Kept,
    /// Where the conversation is remembered, and by which id.
    memory: Option<(Arc<State>, String)>,
}

impl ResponsesFace {
    pub(super) fn new(
        relay: Relay,
        streams: bool,
        decisions: HashMap<String, Approval>,
        approvals: HashMap<String, String>,
        kept: Kept,
    ) -> Self {
        Self {
            relay: Some(relay),
            streams,
            fault: None,
            streamed: false,
            has_reply: false,
            decisions,
            approvals,
            kept,
            memory: None,
        }
    }

    /// Sets that the conversation is remembered.
    pub(super) fn remembered_in(self, state: Arc<State>, id: String) -> Self {
        Self { memory: Some((state, id)), ..self }
    }

    fn tell(&self, events: &[Event], out: &mut BytesMut) {
        for event in events.iter().filter(|_| self.streams) {
            // An event was read from JSON, and can be written as such.
            if let Ok(data) = serde_json::to_vec(event) {
                encode_event(out, None, None, Some(&event.kind), &data);
            }
        }
    }

    fn push(&mut self, event: &Event, out: &mut BytesMut) {
        self.has_reply = true;
        let Some(relay) = &mut self.relay else { return };
        match relay.push(event) {
            Ok(events) => self.tell(&events, out),
            Err(fault) => self.fault = Some(fault),
        }
    }

    /// Asks the client about calls.
    fn ask(&mut self, calls: &[Call], out: &mut BytesMut) {
        for call in calls {
            let Some(relay) = &mut self.relay else { return };
            let position = call.index.position();
            reveal(relay, call);
            let Some((id, events)) = relay.ask(position) else { continue };
            self.kept.approvals.push((id, call.id.clone()));
            self.tell(&events, out);
        }
    }

    /// Remembers the conversation, with every answer that it has.
    fn remember(&mut self, mut turn: Turn<Responses>) {
        let Some((state, id)) = &self.memory else { return };
        let waiting = turn.waiting();
        // What waits is answered in form, so that the others have their answers where they belong.
        let _ = turn.handle_cancel();
        let mut kept = std::mem::take(&mut self.kept);
        kept.items = turn.into_input();
        // Many providers give the same ids in every round, so that only answers behind the last call can be meant.
        let last = kept.items.iter().rposition(|item| item.kind().ends_with("_call")).unwrap_or_default();
        let is_formal = |item: &Item| answers(item).is_some_and(|call| waiting.contains(&call));
        let mut place = 0..;
        kept.items.retain(|item| place.next().is_none_or(|at: usize| at < last) || !is_formal(item));
        if let Ok(kept) = RawJson::encode(&kept) {
            state.store.put(id.clone(), &kept);
        }
    }
}

impl Face<Responses> for ResponsesFace {
    fn asking(&mut self) {
        self.streamed = false;
        if let Some(relay) = &mut self.relay {
            relay.end_round();
        }
    }

    fn chunk(&mut self, event: &Event, out: &mut BytesMut) {
        self.streamed = true;
        self.push(event, out);
    }

    fn replied(&mut self, reply: &Response, out: &mut BytesMut) {
        if !self.streamed {
            self.push(&Event::from(reply), out);
        }
    }

    fn answered(&mut self, call: &Call, outcome: &Outcome, out: &mut BytesMut) {
        let Some(relay) = &mut self.relay else { return };
        let answer = told(outcome);
        let events = if self.has_reply {
            reveal(relay, call);
            relay.answer(call.index.position(), answer)
        } else {
            let arguments = Arguments::Text(call.arguments.as_str().to_owned());
            let mut shown = McpCall::new("", call.tool.server(), call.tool.tool(), arguments);
            shown.approval_request_id = self.approvals.get(&call.id).cloned();
            relay.resumed(shown, answer)
        };
        self.tell(&events, out);
    }

    fn rejected(&mut self, rejected: &Rejected, out: &mut BytesMut) {
        let Some(relay) = &mut self.relay else { return };
        let error = CallError::Protocol { code: INVALID_PARAMS, message: rejected.why.to_string() };
        let events = relay.answer(rejected.index.position(), Err(error));
        self.tell(&events, out);
    }

    fn decision(&self, call: &Call) -> Approval {
        let decision = if self.has_reply { None } else { self.decisions.get(&call.id) };
        decision.cloned().unwrap_or(Approval::Later)
    }

    fn end(&mut self, end: End<Responses>, turn: Turn<Responses>, out: &mut BytesMut) -> Result<Bytes, Refusal> {
        if let Some(fault) = self.fault.take() {
            return Err(Refusal::internal(format!("the model's reply cannot be used: {fault}")));
        }
        if let End::Approve(calls) = &end {
            self.ask(calls, out);
        }
        self.remember(turn);
        let Some(relay) = self.relay.take() else { return Err(Refusal::internal("the stream has ended before")) };
        let events = relay.finish();
        self.tell(&events, out);
        let whole = events.last().and_then(|last| last.members.member("response"));
        whole.map(|whole| whole.as_bytes().clone()).ok_or_else(|| Refusal::internal("the response has no end"))
    }

    fn fail(&mut self, refusal: &Refusal, out: &mut BytesMut) {
        let Some(relay) = self.relay.take() else { return };
        let code = refusal.code.as_deref().unwrap_or("server_error");
        self.tell(&relay.fail(code, &refusal.message), out);
    }
}

/// Shows a call that went through a function that stands for many as one of its tool.
fn reveal(relay: &mut Relay, call: &Call) {
    let arguments = Arguments::Text(call.arguments.as_str().to_owned());
    relay.reveal(call.index.position(), call.tool.server(), call.tool.tool(), arguments);
}

/// An outcome as an item tells it.
fn told(outcome: &Outcome) -> Result<String, CallError> {
    match outcome {
        Outcome::Failed(failure) => Err(match failure {
            Failure::Protocol { code, message } => CallError::Protocol { code: *code, message: message.clone() },
            other => CallError::Http { code: status(other), message: other.to_string() },
        }),
        Outcome::Result(result) if result.is_error == Some(true) => {
            let content = RawJson::encode(&result.content);
            Err(CallError::Execution {
                content: content.unwrap_or_else(|_| serde_json::Value::Array(Vec::new()).into()),
            })
        }
        Outcome::Result(result) => Ok(content::render(result, &content::Options::default()).text()),
        Outcome::Text(text) => Ok(text.clone()),
    }
}

fn status(failure: &Failure) -> i64 {
    match failure {
        Failure::TimedOut { .. } => 504,
        Failure::Panicked => 500,
        _ => 502,
    }
}

/// Returns the call that an item answers.
fn answers(item: &Item) -> Option<String> {
    match item {
        Item::FunctionCallOutput(output) => Some(output.call_id.clone()),
        Item::Other(raw) if item.kind().ends_with("_output") => {
            let [id] = raw.members(["call_id"]).ok()?;
            id?.decode().ok()
        }
        _ => None,
    }
}

/// The code of JSON-RPC for arguments that are not accepted.
const INVALID_PARAMS: i64 = -32602;
