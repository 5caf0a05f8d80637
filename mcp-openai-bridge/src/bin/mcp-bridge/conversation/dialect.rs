//! The two APIs, as far as a conversation on a terminal sees a difference.

use mcp_openai_bridge::chat::{self, Chunk, Completion, Message};
use mcp_openai_bridge::responses::{self, Event, Item, Response};
use mcp_openai_bridge::turn::{Api, ApiRequest, Chat, Responses, Turn};
use mcp_types::RawJson;
use serde::de::DeserializeOwned;

/// An API that a conversation is held over.
pub(crate) trait Dialect: Api<Request: ApiRequest<Api = Self> + DeserializeOwned> {
    /// Its name on a tape.
    const NAME: &'static str;
    /// What it calls a conversation.
    const CONVERSATION: &'static str;

    fn begin(model: &str, system: Option<&str>) -> Self::Request;
    fn say(request: &mut Self::Request, text: String);
    fn into_items(turn: Turn<Self>) -> Vec<Self::Item>;
    /// Puts a conversation in the place of that of a request.
    fn with(request: Self::Request, conversation: Vec<Self::Item>) -> Self::Request;
    /// Returns the text that a piece of a reply adds.
    fn delta(chunk: &Self::Chunk) -> Option<String>;
    /// Returns what a reply says, or why it says nothing.
    fn words(reply: &Self::Reply) -> String;
}

impl Dialect for Chat {
    const NAME: &'static str = "chat";
    const CONVERSATION: &'static str = "messages";

    fn begin(model: &str, system: Option<&str>) -> chat::Request {
        chat::Request::new(model, system.map(Message::system).into_iter().collect::<Vec<_>>())
    }

    fn say(request: &mut chat::Request, text: String) {
        request.messages.push(Message::user(text));
    }

    fn into_items(turn: Turn<Self>) -> Vec<Message> {
        turn.into_messages()
    }

    fn with(mut request: chat::Request, conversation: Vec<Message>) -> chat::Request {
        request.messages = conversation;
        request
    }

    fn delta(chunk: &Chunk) -> Option<String> {
        Some(chunk.text()).filter(|text| !text.is_empty())
    }

    fn words(reply: &Completion) -> String {
        let Some(choice) = reply.choices.first() else { return String::new() };
        let refusal = || choice.message.extra.member("refusal").and_then(|refusal| refusal.decode().ok());
        Some(choice.message.text()).filter(|text| !text.is_empty()).or_else(refusal).unwrap_or_default()
    }
}

impl Dialect for Responses {
    const NAME: &'static str = "responses";
    const CONVERSATION: &'static str = "input";

    fn begin(model: &str, system: Option<&str>) -> responses::Request {
        let mut request = responses::Request::new(model, []);
        if let Some(system) = system {
            request.extra.insert("instructions", RawJson::from(serde_json::Value::from(system)));
        }
        request
    }

    fn say(request: &mut responses::Request, text: String) {
        request.input.push(Item::user(text));
    }

    fn into_items(turn: Turn<Self>) -> Vec<Item> {
        turn.into_input()
    }

    fn with(mut request: responses::Request, conversation: Vec<Item>) -> responses::Request {
        request.input = conversation;
        request
    }

    fn delta(event: &Event) -> Option<String> {
        event.text_delta().filter(|text| !text.is_empty())
    }

    fn words(reply: &Response) -> String {
        Some(reply.text()).filter(|text| !text.is_empty()).or_else(|| reply.refusal()).unwrap_or_default()
    }
}
