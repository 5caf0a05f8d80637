//! Chat Completions: the request, the reply and what stands in them, as far as a tool loop has to look.
//!
//! Providers differ in what else they send (`reasoning_content`, `annotations`, `logprobs`), and a message goes back to
//! the provider that wrote it. So every type keeps the members it does not know, in `extra`, as they came.

use mcp_types::{JsonObject, RawJson};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A request to `/v1/chat/completions`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The model.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Tools; those of MCP servers are added by a [`Turn`](crate::turn::Turn).
    pub tools: Vec<RawJson>,
    /// Which tools the model may or must use.
    pub tool_choice: Option<RawJson>,
    /// All other members: `temperature`, `max_completion_tokens`, `stream`, …
    pub extra: JsonObject,
}

impl Request {
    /// Makes a request.
    pub fn new(model: impl Into<String>, messages: impl Into<Vec<Message>>) -> Self {
        Self {
            model: model.into(),
            messages: messages.into(),
            tools: Vec::new(),
            tool_choice: None,
            extra: JsonObject::new(),
        }
    }

    /// Returns the names of the request's own functions and custom tools.
    pub fn tool_names(&self) -> Vec<String> {
        self.tools.iter().filter_map(tool_name).collect()
    }
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks: `developer`, `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// A text, a list of parts, or `null`; absent when the message has none.
    pub content: Option<RawJson>,
    /// The calls that the model wants to be made.
    pub tool_calls: Vec<ToolCall>,
    /// The call that a `tool` message answers.
    pub tool_call_id: Option<String>,
    /// All other members.
    pub extra: JsonObject,
}

impl Message {
    /// Makes a message with a text.
    pub fn new(role: impl Into<String>, text: impl Into<String>) -> Self {
        Self::with_content(role, text_json(text))
    }

    /// Makes a message of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new("user", text)
    }

    /// Makes a message of the system.
    pub fn system(text: impl Into<String>) -> Self {
        Self::new("system", text)
    }

    /// Makes the answer to a call. A tool message carries text only.
    pub fn tool(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tool_call_id: Some(call_id.into()), ..Self::new("tool", text) }
    }

    /// Makes a message with a content that is already JSON: a text, or a list of parts.
    pub fn with_content(role: impl Into<String>, content: RawJson) -> Self {
        Self {
            role: role.into(),
            content: Some(content),
            tool_calls: Vec::new(),
            tool_call_id: None,
            extra: JsonObject::new(),
        }
    }

    /// Returns the text of the message: its content, or the texts among its parts.
    pub fn text(&self) -> String {
        let Some(content) = &self.content else { return String::new() };
        if let Ok(text) = content.decode::<String>() {
            return text;
        }
        let parts: Vec<JsonObject> = content.decode().unwrap_or_default();
        parts.iter().filter_map(|part| part.member("text")?.decode::<String>().ok()).collect()
    }
}

/// A call that the model wants to be made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolCall {
    /// The id that the answer must carry. Some providers leave it empty or use one twice.
    pub id: String,
    /// `function` or `custom`; some providers leave it out.
    pub kind: Option<String>,
    /// The function and its arguments, when the call is one of a function.
    pub function: Option<FunctionCall>,
    /// All other members.
    pub extra: JsonObject,
}

impl ToolCall {
    /// Makes a call of a function.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: Arguments) -> Self {
        Self {
            id: id.into(),
            kind: Some("function".to_owned()),
            function: Some(FunctionCall { name: name.into(), arguments, extra: JsonObject::new() }),
            extra: JsonObject::new(),
        }
    }

    /// Returns the name of the function or custom tool that is called.
    pub fn name(&self) -> Option<String> {
        match &self.function {
            Some(function) => Some(function.name.clone()),
            None => self.extra.member("custom")?.decode::<JsonObject>().ok()?.member("name")?.decode().ok(),
        }
    }
}

/// A function's name and arguments.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FunctionCall {
    /// The name of the function.
    pub name: String,
    /// The arguments, as the model wrote them.
    pub arguments: Arguments,
    /// All other members.
    pub extra: JsonObject,
}

/// Arguments as the model wrote them: nothing is known about them yet.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Arguments {
    /// The member is missing or `null`.
    #[default]
    Absent,
    /// A JSON value that is no string; some providers send the object itself.
    Json(RawJson),
    /// A text that should be a JSON object.
    Text(String),
}

impl From<&str> for Arguments {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A reply to a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Completion {
    /// The model's messages; a tool loop goes on with the first.
    pub choices: Vec<Choice>,
    /// Tokens used.
    pub usage: Option<Usage>,
    /// All other members: `id`, `model`, `created`, …
    pub extra: JsonObject,
}

impl Completion {
    /// Makes a reply with one message.
    pub fn new(message: Message, finish_reason: impl Into<String>) -> Self {
        let choice = Choice { message, finish_reason: Some(finish_reason.into()), extra: JsonObject::new() };
        Self { choices: vec![choice], usage: None, extra: JsonObject::new() }
    }
}

/// One message of a reply.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// The message.
    pub message: Message,
    /// Why the model stopped: `stop`, `tool_calls`, `length`, `content_filter`, …
    pub finish_reason: Option<String>,
    /// All other members.
    pub extra: JsonObject,
}

/// Tokens used, by kind, as the provider counts them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage(JsonObject);

impl Usage {
    /// Returns a count, such as `total_tokens`.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.0.member(name)?.decode().ok()
    }

    /// Adds another usage, kind by kind. What is no number keeps its last value.
    pub fn add(&mut self, other: &Self) {
        add_counts(&mut self.0, &other.0, 0);
    }
}

fn add_counts(sum: &mut JsonObject, other: &JsonObject, depth: usize) {
    for (name, value) in other.iter() {
        let known = sum.member(name);
        let count = |value: Option<&RawJson>| value.and_then(|value| value.decode::<u64>().ok());
        let object = |value: Option<&RawJson>| value.and_then(|value| value.decode::<JsonObject>().ok());
        let value = if let (Some(a), Some(b)) = (count(known), count(Some(value))) {
            RawJson::from(serde_json::Value::from(a.saturating_add(b)))
        } else if let (Some(mut a), Some(b), true) = (object(known), object(Some(value)), depth < 4) {
            add_counts(&mut a, &b, depth + 1);
            object_json(&a)
        } else if value.is_null() && known.is_some() {
            continue;
        } else {
            value.clone()
        };
        sum.insert(name, value);
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Usage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        JsonObject::deserialize(deserializer).map(Self)
    }
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", &self.model)?;
        map.serialize_entry("messages", &self.messages)?;
        if !self.tools.is_empty() {
            map.serialize_entry("tools", &self.tools)?;
        }
        if let Some(choice) = &self.tool_choice {
            map.serialize_entry("tool_choice", choice)?;
        }
        extra(map, &self.extra)
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = JsonObject::deserialize(deserializer)?;
        Ok(Self {
            model: required(&mut members, "model")?,
            messages: required(&mut members, "messages")?,
            tools: optional(&mut members, "tools")?.unwrap_or_default(),
            tool_choice: optional(&mut members, "tool_choice")?,
            extra: members,
        })
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", &self.role)?;
        if let Some(id) = &self.tool_call_id {
            map.serialize_entry("tool_call_id", id)?;
        }
        if let Some(content) = &self.content {
            map.serialize_entry("content", content)?;
        }
        if !self.tool_calls.is_empty() {
            map.serialize_entry("tool_calls", &self.tool_calls)?;
        }
        extra(map, &self.extra)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = JsonObject::deserialize(deserializer)?;
        Ok(Self {
            role: required(&mut members, "role")?,
            content: take(&mut members, "content"),
            tool_calls: optional(&mut members, "tool_calls")?.unwrap_or_default(),
            tool_call_id: optional(&mut members, "tool_call_id")?,
            extra: members,
        })
    }
}

impl Serialize for ToolCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        if let Some(kind) = &self.kind {
            map.serialize_entry("type", kind)?;
        }
        if let Some(function) = &self.function {
            map.serialize_entry("function", function)?;
        }
        extra(map, &self.extra)
    }
}

impl<'de> Deserialize<'de> for ToolCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = JsonObject::deserialize(deserializer)?;
        Ok(Self {
            id: optional(&mut members, "id")?.unwrap_or_default(),
            kind: optional(&mut members, "type")?,
            function: optional(&mut members, "function")?,
            extra: members,
        })
    }
}

impl Serialize for FunctionCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        match &self.arguments {
            // The member is required where the message goes back to.
            Arguments::Absent => map.serialize_entry("arguments", "")?,
            Arguments::Json(value) => map.serialize_entry("arguments", value)?,
            Arguments::Text(text) => map.serialize_entry("arguments", text)?,
        }
        extra(map, &self.extra)
    }
}

impl<'de> Deserialize<'de> for FunctionCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = JsonObject::deserialize(deserializer)?;
        Ok(Self {
            name: optional(&mut members, "name")?.unwrap_or_default(),
            arguments: match take(&mut members, "arguments") {
                Some(value) if !value.is_null() => match value.decode() {
                    Ok(text) => Arguments::Text(text),
                    Err(_) => Arguments::Json(value),
                },
                _ => Arguments::Absent,
            },
            extra: members,
        })
    }
}

impl Serialize for Completion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.extra.iter() {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("choices", &self.choices)?;
        if let Some(usage) = &self.usage {
            map.serialize_entry("usage", usage)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Completion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = JsonObject::deserialize(deserializer)?;
        Ok(Self {
            choices: required(&mut members, "choices")?,
            usage: optional(&mut members, "usage")?,
            extra: members,
        })
    }
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.extra.iter() {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("finish_reason", &self.finish_reason)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = JsonObject::deserialize(deserializer)?;
        let mut message: JsonObject = required(&mut members, "message")?;
        if message.member("role").is_none_or(RawJson::is_null) {
            // Some providers leave it out, and who else should answer?
            message.insert("role", text_json("assistant"));
        }
        Ok(Self {
            message: object_json(&message)
                .decode()
                .map_err(|error| D::Error::custom(format_args!("`message`: {error}")))?,
            finish_reason: optional(&mut members, "finish_reason")?,
            extra: members,
        })
    }
}

/// The name of a tool of a request, in either of its forms.
fn tool_name(tool: &RawJson) -> Option<String> {
    let tool: JsonObject = tool.decode().ok()?;
    let named = tool.member("function").or_else(|| tool.member("custom"));
    let members: JsonObject = named?.decode().ok()?;
    members.member("name")?.decode().ok()
}

/// Takes a member out; of a member that stands twice, the last one counts.
fn take(members: &mut JsonObject, name: &str) -> Option<RawJson> {
    let mut found = None;
    while let Some(value) = members.remove(name) {
        found = Some(value);
    }
    found
}

fn optional<T: DeserializeOwned, E: serde::de::Error>(members: &mut JsonObject, name: &str) -> Result<Option<T>, E> {
    match take(members, name) {
        Some(value) if !value.is_null() => match value.decode() {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(E::custom(format_args!("`{name}`: {error}"))),
        },
        _ => Ok(None),
    }
}

fn required<T: DeserializeOwned, E: serde::de::Error>(members: &mut JsonObject, name: &'static str) -> Result<T, E> {
    optional(members, name)?.ok_or_else(|| E::missing_field(name))
}

fn extra<M: SerializeMap>(mut map: M, members: &JsonObject) -> Result<M::Ok, M::Error> {
    for (name, value) in members.iter() {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// Encodes a text as JSON.
pub(crate) fn text_json(text: impl Into<String>) -> RawJson {
    serde_json::Value::String(text.into()).into()
}

/// Encodes an object as JSON.
pub(crate) fn object_json(object: &JsonObject) -> RawJson {
    RawJson::encode(object).expect("an object of raw JSON can be encoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_keeps_the_members_it_does_not_know() {
        let text = r#"{"id":"c1","object":"chat.completion","service_tier":"x","choices":[{"index":0,"logprobs":null,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}","parsed":1.0},"index":0}],"reasoning_content":"hm","annotations":[]},"finish_reason":"tool_calls"}],"usage":{"total_tokens":3}}"#;
        let reply: Completion = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&reply).unwrap(), text);
    }

    #[test]
    fn a_request_keeps_the_members_it_does_not_know() {
        let text = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}],"name":"n"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"g"}}],"tool_choice":"auto","temperature":0.10}"#;
        let request: Request = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
        assert_eq!(request.tool_names(), ["f", "g"]);
        assert_eq!(request.messages[0].text(), "a");
    }

    #[test]
    fn a_message_of_a_reply_without_a_role_is_the_models() {
        let reply: Completion = serde_json::from_str(r#"{"choices":[{"message":{"content":"a"}}]}"#).unwrap();
        assert_eq!(reply.choices[0].message, Message::new("assistant", "a"));
        assert!(serde_json::from_str::<Request>(r#"{"model":"m","messages":[{"content":"a"}]}"#).is_err());
    }

    #[test]
    fn arguments_are_a_text_an_object_or_absent() {
        let check = |text: &str, expected: Arguments| {
            let call: FunctionCall = serde_json::from_str(text).unwrap();
            assert_eq!(call.arguments, expected);
        };
        check(r#"{"name":"f","arguments":"{\"a\":1}"}"#, Arguments::from(r#"{"a":1}"#));
        check(r#"{"name":"f","arguments":{"a":1}}"#, Arguments::Json(RawJson::parse(r#"{"a":1}"#).unwrap()));
        check(r#"{"name":"f","arguments":null}"#, Arguments::Absent);
        check(r#"{"name":"f"}"#, Arguments::Absent);
    }

    #[test]
    fn a_wrong_member_is_named() {
        let error =
            serde_json::from_str::<Completion>(r#"{"choices":[{"message":{"tool_calls":[{"id":1}]}}]}"#).unwrap_err();
        assert!(error.to_string().starts_with("`choices`: `message`: `tool_calls`: `id`: invalid type"), "{error}");
    }

    #[test]
    fn usage_is_summed_at_every_depth() {
        let usage = |text: &str| serde_json::from_str::<Usage>(text).unwrap();
        let mut sum = Usage::default();
        sum.add(&usage(r#"{"prompt_tokens":5,"details":{"cached":1},"note":"a"}"#));
        sum.add(&usage(r#"{"prompt_tokens":7,"details":{"cached":2,"audio":3},"note":"b","details2":null}"#));
        assert_eq!(
            serde_json::to_string(&sum).unwrap(),
            r#"{"prompt_tokens":12,"details":{"cached":3,"audio":3},"note":"b","details2":null}"#
        );
        assert_eq!(sum.count("prompt_tokens"), Some(12));
    }
}
