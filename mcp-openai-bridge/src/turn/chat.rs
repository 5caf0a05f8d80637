//! Chat Completions: calls stand in a message of the model, and each answer is a message.

use std::collections::HashSet;

use super::api::{Api, ApiRequest, Asked, Memory, Offer, Open, Said, chosen, make_unique, reader_function, sealed};
use crate::chat::{Chunk, Completion, Message, Request, ToolCall, Usage};
use crate::content::{self, Rendered};
use crate::error::{Error, ModelError};
use crate::members::{object_json, text_json};

/// The API at `/v1/chat/completions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chat {}

impl sealed::Sealed for Chat {}
impl sealed::Sealed for Request {}

impl ApiRequest for Request {
    type Api = Chat;
}

impl Api for Chat {
    type Request = Request;
    type Reply = Completion;
    type Chunk = Chunk;
    type Item = Message;
    type Call = ToolCall;

    fn own_names(request: &Request) -> Vec<String> {
        request.tool_names()
    }

    fn conversation(request: &Request) -> &[Message] {
        &request.messages
    }

    fn said(request: &Request) -> String {
        request.messages.iter().map(Message::text).collect::<Vec<_>>().join("\n")
    }

    fn extend(request: &mut Request, items: Vec<Message>) {
        request.messages.extend(items);
    }

    fn into_conversation(request: Request) -> Vec<Message> {
        request.messages
    }

    fn next_request(request: &Request, offer: &Offer<'_>) -> Request {
        let mut request = request.clone();
        let others = request.tools.len() + usize::from(offer.reader.is_some());
        request.tools.extend(offer.tools.chat_with(&offer.emit.beside(others)));
        request.tools.extend(offer.reader.map(|name| {
            let members = [("type", text_json("function")), ("function", object_json(&reader_function(name)))];
            object_json(&members.into_iter().collect())
        }));
        if request.tools.is_empty() {
            // A choice without tools is refused.
            request.tool_choice = None;
            return request;
        }
        request.tool_choice = chosen(request.tool_choice, offer.choice);
        request
    }

    fn read(reply: &mut Completion, round: u32) -> Result<Said<Self>, Error> {
        let choice = reply.choices.first_mut().ok_or(Error::NoChoice)?;
        make_unique(choice.message.tool_calls.iter_mut().map(|call| &mut call.id), round);
        Ok(Said {
            items: vec![choice.message.clone()],
            calls: choice.message.tool_calls.clone(),
            finish_reason: choice.finish_reason.clone(),
            is_cut: matches!(choice.finish_reason.as_deref(), Some("content_filter" | "length")),
        })
    }

    fn fault(_: &Completion) -> Option<ModelError> {
        None
    }

    fn usage(reply: &Completion) -> Option<&Usage> {
        reply.usage.as_ref()
    }

    fn text(reply: &Completion) -> String {
        reply.choices.first().map(|choice| choice.message.text()).unwrap_or_default()
    }

    fn memory(_: &Request, _: &Completion) -> Option<Memory> {
        None
    }

    fn asked(call: &ToolCall) -> Asked {
        Asked {
            id: call.id.clone(),
            name: call.name(),
            namespace: None,
            arguments: call.function.as_ref().map(|function| function.arguments.clone()),
            is_foreign: false,
        }
    }

    fn answer(call: &ToolCall, rendered: &Rendered) -> Message {
        Message::tool(&call.id, rendered.text())
    }

    fn appendix(answers: &[(&str, &Rendered)]) -> Option<Message> {
        content::media_message(answers.iter().copied())
    }

    fn take_open(request: &mut Request) -> Open<Self> {
        let calls_at = request.messages.iter().rposition(|message| !message.tool_calls.is_empty());
        let Some((said, after)) = calls_at.and_then(|at| request.messages.get(at..)?.split_first()) else {
            return Open::default();
        };
        let answered: HashSet<&str> = after.iter().filter_map(|message| message.tool_call_id.as_deref()).collect();
        if said.tool_calls.iter().all(|call| answered.contains(call.id.as_str())) {
            return Open::default();
        }
        let calls = said.tool_calls.clone();
        let after = request.messages.split_off(request.messages.len() - after.len());
        Open::paired(calls, after, |call: &ToolCall| call.id.clone(), |message: &Message| message.tool_call_id.clone())
    }
}
