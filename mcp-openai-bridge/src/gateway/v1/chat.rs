//! `POST /v1/chat/completions`.
//!
//! The surprising thing: a tool that needs an approval is handed back like a function of the client. This API has no other
//! way to ask, and whoever gets the call may make it himself.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::Response;
use mcp_server::RouteBody;
use mcp_transport::sse::encode_event;
use mcp_types::{JsonObject, RawJson};
use serde_json::json;

use super::deployment::CHAT;
use super::entry;
use super::plan::Plan;
use super::refusal::Refusal;
use super::routed::Routed;
use super::splice::{self, Hidden};
use super::work::{Face, Work};
use super::{State, ids};
use crate::chat::{Assembler, Chunk, Relay, Request, StreamFault};
use crate::driver::End;
use crate::gateway::Gateway;
use crate::turn::approval::Approval;
use crate::turn::{Api, Call, Chat, Outcome, Rejected, Turn};

/// Answers a request.
pub(super) async fn answer(
    gateway: Gateway,
    state: Arc<State>,
    host: Option<&str>,
    body: &RawJson,
) -> Result<Response<RouteBody>, Refusal> {
    let members: JsonObject = body.decode().map_err(|error| Refusal::unreadable(error.to_string()))?;
    let has_mcp = members
        .member("tools")
        .and_then(|tools| tools.decode::<Vec<RawJson>>().ok())
        .is_some_and(|tools| tools.iter().any(entry::is_mcp));
    if !has_mcp {
        return pass(&gateway, &state, members).await;
    }
    let mut request: Request = body.decode().map_err(|error| Refusal::unreadable(error.to_string()))?;
    let served = state.deployments.serve(gateway.config(), &request.model)?;
    let entries = entry::take(&mut request.tools, host)?;
    if request.extra.member("n").is_some_and(|n| n.as_str() != "1" && !n.is_null()) {
        return Err(Refusal::invalid("n", "with MCP tools there is one answer: leave `n` out"));
    }
    let own = request.tool_names();
    let offer = gateway.offer().await;
    let plan = Plan::new(&entries, gateway.config(), &offer, &own, &|_| None)?;
    if let Some(why) = plan.nothing_is_there() {
        return Err(Refusal::dependency(why));
    }
    splice::splice(&mut request.messages, recall(&state));
    let streams = flag(request.extra.take("stream"));
    let options: JsonObject =
        request.extra.take("stream_options").and_then(|raw| raw.decode().ok()).unwrap_or_default();
    let id = ids::new("chatcmpl-");
    let asked: Vec<String> = plan
        .functions()
        .filter(|(.., needs_approval)| *needs_approval)
        .map(|(function, ..)| function.to_owned())
        .collect();
    let relay = Relay::new(own.into_iter().chain(asked))
        .id(&id)
        .shows_usage(!streams || flag(options.member("include_usage").cloned()));
    let before = request.messages.len();
    let turn = Turn::<Chat>::new(request, Arc::clone(&plan.tools), plan.options());
    let face = ChatFace {
        relay: Some(relay),
        whole: Assembler::default(),
        streams,
        fault: None,
        streamed: false,
        before,
        state,
        id,
    };
    Work { model: served, tools: Routed::new(gateway, plan), turn, face, streams }.answer().await
}

/// Passes a request through that has nothing to do with MCP, unless it goes on with one that had.
async fn pass(gateway: &Gateway, state: &State, mut members: JsonObject) -> Result<Response<RouteBody>, Refusal> {
    let model = members.member("model").and_then(|model| model.decode::<String>().ok());
    let model = model.ok_or_else(|| Refusal::invalid("model", "`model` is required, as a text"))?;
    let served = state.deployments.serve(gateway.config(), &model)?;
    if let Some(mut messages) = splice::messages_of(&members)
        && splice::splice(&mut messages, recall(state))
    {
        let messages = RawJson::encode(&messages).map_err(|error| Refusal::unreadable(error.to_string()))?;
        members.insert("messages", messages);
    }
    let accept = if flag(members.member("stream").cloned()) { "text/event-stream" } else { "application/json" };
    served.forward(CHAT, accept, members).await
}

/// Finds what the client did not see by the id of a call of its own, each thing once: a short request that names one call
/// many times would else become as many times longer.
fn recall(state: &State) -> impl FnMut(&str) -> Option<RawJson> {
    let mut found = HashSet::new();
    move |id| {
        let key = key(id)?;
        let kept = state.store.get(key).filter(|_| !found.contains(key))?;
        found.insert(key.to_owned());
        Some(kept)
    }
}

/// The part of a call's id that all calls of one response share; `None` for ids that are not ours.
fn key(id: &str) -> Option<&str> {
    let (key, _) = id.strip_prefix("call_")?.rsplit_once('_')?;
    Some(key)
}

fn flag(value: Option<RawJson>) -> bool {
    value.is_some_and(|value| value.as_str() == "true")
}

/// What a client of Chat Completions sees: one message.
struct ChatFace {
    /// `None` at the end.
    relay: Option<Relay>,
    /// The message, when it is not streamed.
    whole: Assembler,
    streams: bool,
    fault: Option<StreamFault>,
    /// Whether pieces of the reply of this round came.
    streamed: bool,
    /// Messages of the request.
    before: usize,
    state: Arc<State>,
    id: String,
}

impl ChatFace {
    fn push(&mut self, chunk: &Chunk, out: &mut BytesMut) {
        let Some(relay) = &mut self.relay else { return };
        match relay.push(chunk) {
            Ok(Some(chunk)) => self.tell(&chunk, out),
            Ok(None) => {}
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn tell(&mut self, chunk: &Chunk, out: &mut BytesMut) {
        if self.streams {
            write(out, chunk);
        } else if let Err(fault) = self.whole.push(chunk) {
            self.fault = Some(fault);
        }
    }

    /// Remembers the rounds that the client does not see and the model must, when the client answers its calls.
    fn remember(&self, relay: &Relay, mut turn: Turn<Chat>) {
        if relay.passed().is_empty() {
            return;
        }
        // The calls of the client are answered in form, so that the others have their answers where they belong.
        let _ = turn.handle_cancel();
        let said = turn.messages().get(self.before..).unwrap_or_default();
        let hidden = Hidden::new(said, relay.passed()).and_then(|hidden| RawJson::encode(&hidden).ok());
        if let Some(hidden) = hidden {
            self.state.store.put(ids::tail(&self.id).to_owned(), &hidden);
        }
    }
}

impl Face<Chat> for ChatFace {
    fn asking(&mut self) {
        self.streamed = false;
    }

    fn chunk(&mut self, chunk: &Chunk, out: &mut BytesMut) {
        self.streamed = true;
        self.push(chunk, out);
    }

    fn replied(&mut self, reply: &<Chat as Api>::Reply, out: &mut BytesMut) {
        if !self.streamed {
            self.push(&Chunk::from(reply), out);
        }
        let rest = self.relay.as_mut().and_then(Relay::end_round);
        if let Some(chunk) = rest {
            self.tell(&chunk, out);
        }
    }

    fn answered(&mut self, _: &Call, _: &Outcome, _: &mut BytesMut) {}

    fn rejected(&mut self, _: &Rejected, _: &mut BytesMut) {}

    fn decision(&self, call: &Call) -> Approval {
        let passed = self.relay.as_ref().map(Relay::passed).unwrap_or_default();
        if passed.iter().any(|passed| passed.position == call.index.position()) {
            // The client has it, and answers it as it likes.
            Approval::Later
        } else {
            // The model reached the tool by a function that stands for many, which cannot be handed to the client.
            Approval::denied("this tool needs an approval, which cannot be given here")
        }
    }

    fn end(&mut self, end: End<Chat>, turn: Turn<Chat>, out: &mut BytesMut) -> Result<Bytes, Refusal> {
        let Some(relay) = self.relay.take() else { return Err(Refusal::internal("the stream has ended before")) };
        if let Some(fault) = self.fault.take() {
            return Err(Refusal::internal(format!("the model's reply cannot be used: {fault}")));
        }
        if matches!(end, End::Approve(_) | End::HandBack(_)) {
            self.remember(&relay, turn);
        }
        for chunk in relay.finish(None) {
            self.tell(&chunk, out);
        }
        if self.streams {
            encode_event(out, None, None, None, b"[DONE]");
            return Ok(Bytes::new());
        }
        let whole = std::mem::take(&mut self.whole).finish();
        let whole = whole.map_err(|fault| Refusal::internal(format!("the model's reply cannot be used: {fault}")))?;
        let body = serde_json::to_vec(&whole).map_err(|error| Refusal::internal(error.to_string()))?;
        Ok(body.into())
    }

    fn fail(&mut self, refusal: &Refusal, out: &mut BytesMut) {
        encode_event(out, None, None, None, json!({ "error": refusal.error() }).to_string().as_bytes());
    }
}

fn write(out: &mut BytesMut, chunk: &Chunk) {
    // A chunk was read from JSON, and can be written as such.
    if let Ok(data) = serde_json::to_vec(chunk) {
        encode_event(out, None, None, None, &data);
    }
}
