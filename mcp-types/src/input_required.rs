//! A result that asks the client for something first (*Multi Round-Trip Requests*, T-41, T-150, T-151).
//!
//! The surprising thing: an answer in `inputResponses` does not say what it answers. It is decoded by what was asked
//! under its key, never by guessing.

use std::fmt;

use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::{RequestParams, ResultType};
use crate::dispatch::{decode, unknown_kind};
use crate::elicitation::ElicitRequestParams;
use crate::json::{JsonObject, RawJson};
use crate::meta::ResultMeta;
use crate::method::{InputMethod, Method, methods};
use crate::object::{Key, object};
use crate::prompts::GetPromptResult;
use crate::resources::ReadResourceResult;
use crate::sampling::CreateMessageRequestParams;
use crate::tasks::CreateTaskResult;
use crate::tools::CallToolResult;

mod need;

object! {
    /// A result that asks the client for something first; since 2026-07-28.
    ///
    /// At least one of the two members is there (T-150).
    pub struct InputRequiredResult {
        tag "resultType" = "input_required";
        optional {
            /// What the client is asked for, by key.
            input_requests: InputRequests = "inputRequests",
            /// What the client sends back unchanged when it asks again.
            request_state: String = "requestState",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

/// What a client is asked for, by key, in the order of the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputRequests(Vec<(String, InputRequest)>);

impl InputRequests {
    /// Returns the requests in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &InputRequest)> {
        self.0.iter().map(|(key, request)| (key.as_str(), request))
    }

    /// Returns the request under `key`.
    pub fn request(&self, key: &str) -> Option<&InputRequest> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, request)| request)
    }

    /// Asks for something under `key`; returns what was asked for under it before.
    pub fn insert(&mut self, key: impl Into<String>, request: impl Into<InputRequest>) -> Option<InputRequest> {
        let (key, request) = (key.into(), request.into());
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => Some(std::mem::replace(old, request)),
            None => {
                self.0.push((key, request));
                None
            }
        }
    }

    /// Returns the number of requests.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut InputRequest> {
        self.0.iter_mut().map(|(_, request)| request)
    }
}

impl<K: Into<String>, R: Into<InputRequest>> FromIterator<(K, R)> for InputRequests {
    fn from_iter<I: IntoIterator<Item = (K, R)>>(requests: I) -> Self {
        let mut all = Self::default();
        for (key, request) in requests {
            all.insert(key, request);
        }
        all
    }
}

impl Serialize for InputRequests {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for InputRequests {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Requests;

        impl<'de> Visitor<'de> for Requests {
            type Value = InputRequests;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of input requests")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InputRequests, A::Error> {
                let mut requests = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    let request =
                        map.next_value().map_err(|error| A::Error::custom(format_args!("{key:?}: {error}")))?;
                    requests.push((key.into_owned(), request));
                }
                Ok(InputRequests(requests))
            }
        }

        deserializer.deserialize_map(Requests)
    }
}

/// Something that a client is asked for: a request without `jsonrpc` and `id`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputRequest {
    /// `elicitation/create`: ask the user.
    Elicit(Box<ElicitRequestParams>),
    /// `sampling/createMessage`: ask the language model.
    CreateMessage(Box<CreateMessageRequestParams>),
    /// `roots/list`: list the roots. Its parameters may be absent.
    ListRoots(Option<Box<RequestParams>>),
}

impl InputRequest {
    /// Returns the method that is asked for.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Elicit(_) => methods::ElicitationCreate::NAME,
            Self::CreateMessage(_) => methods::SamplingCreateMessage::NAME,
            Self::ListRoots(_) => methods::RootsList::NAME,
        }
    }
}

impl From<ElicitRequestParams> for InputRequest {
    fn from(params: ElicitRequestParams) -> Self {
        Self::Elicit(Box::new(params))
    }
}

impl From<CreateMessageRequestParams> for InputRequest {
    fn from(params: CreateMessageRequestParams) -> Self {
        Self::CreateMessage(Box::new(params))
    }
}

impl Serialize for InputRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("method", self.method())?;
        match self {
            Self::Elicit(params) => map.serialize_entry("params", params)?,
            Self::CreateMessage(params) => map.serialize_entry("params", params)?,
            Self::ListRoots(Some(params)) => map.serialize_entry("params", params)?,
            Self::ListRoots(None) => {}
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for InputRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::deserialize(deserializer)?;
        let [method, params] = raw.members(["method", "params"]).map_err(D::Error::custom)?;
        let method: String = decode(&method.ok_or_else(|| D::Error::missing_field("method"))?)?;
        let required = || params.as_ref().ok_or_else(|| D::Error::missing_field("params"));
        match method.as_str() {
            methods::ElicitationCreate::NAME => decode(required()?).map(Self::Elicit),
            methods::SamplingCreateMessage::NAME => decode(required()?).map(Self::CreateMessage),
            methods::RootsList::NAME => params.as_ref().map(decode).transpose().map(Self::ListRoots),
            other => Err(unknown_kind("method", other, "elicitation/create, sampling/createMessage, roots/list")),
        }
    }
}

/// What a client answers to [`InputRequests`], by the same keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputResponses(JsonObject);

impl InputResponses {
    /// Returns no answers.
    pub const fn new() -> Self {
        Self(JsonObject::new())
    }

    /// Decodes the answer under `key` as the result of the method that was asked for under it.
    ///
    /// # Errors
    ///
    /// Fails when the answer is not of the shape that the method has.
    pub fn answer<M: InputMethod>(&self, key: &str) -> Option<Result<M::Result, serde_json::Error>> {
        self.0.member(key).map(RawJson::decode)
    }

    /// Answers what was asked for under `key`; returns the answer it had before.
    ///
    /// # Errors
    ///
    /// Fails when the result cannot be encoded, which results of this library always can.
    pub fn insert<M: InputMethod>(
        &mut self,
        key: impl Into<String>,
        result: &M::Result,
    ) -> Result<Option<RawJson>, serde_json::Error> {
        Ok(self.0.insert(key, RawJson::encode(result)?))
    }

    /// Returns the answers as they are on the wire.
    pub fn raw(&self) -> &JsonObject {
        &self.0
    }
}

impl From<JsonObject> for InputResponses {
    fn from(answers: JsonObject) -> Self {
        Self(answers)
    }
}

impl Serialize for InputResponses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for InputResponses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        JsonObject::deserialize(deserializer).map(Self)
    }
}

/// Declares what a method may answer, by `resultType`: absent is complete, any other word is an error (T-41).
macro_rules! outcome {
    (
        $(#[$attr:meta])*
        pub enum $name:ident { $( $(#[$vattr:meta])* $variant:ident ( $payload:ty ) = $word:pat, )+ }
    ) => {
        $(#[$attr])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant)] // The complete result, the largest, is what is nearly always there.
        pub enum $name { $( $(#[$vattr])* $variant($payload), )+ }

        $(
            impl From<$payload> for $name {
                fn from(result: $payload) -> Self {
                    Self::$variant(result)
                }
            }
        )+

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( Self::$variant(result) => result.serialize(serializer), )+
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = RawJson::deserialize(deserializer)?;
                match result_type(&raw)? {
                    $( $word => decode(&raw).map(Self::$variant), )+
                    other => Err(D::Error::custom(format_args!(
                        "`resultType`: {:?} is not a kind of result that this method has", other.as_str()
                    ))),
                }
            }
        }
    };
}

outcome! {
    /// What `tools/call` may answer.
    pub enum ToolsCallOutcome {
        /// The tool ran.
        Complete(CallToolResult) = ResultType::Complete,
        /// The server needs something first.
        InputRequired(InputRequiredResult) = ResultType::InputRequired,
        /// The tool runs on as a task; only for clients that declare the extension.
        Task(CreateTaskResult) = ResultType::Task,
    }
}

outcome! {
    /// What `prompts/get` may answer.
    pub enum PromptsGetOutcome {
        /// The prompt.
        Complete(GetPromptResult) = ResultType::Complete,
        /// The server needs something first.
        InputRequired(InputRequiredResult) = ResultType::InputRequired,
    }
}

outcome! {
    /// What `resources/read` may answer.
    pub enum ResourcesReadOutcome {
        /// The contents.
        Complete(ReadResourceResult) = ResultType::Complete,
        /// The server needs something first.
        InputRequired(InputRequiredResult) = ResultType::InputRequired,
    }
}

fn result_type<E: Error>(raw: &RawJson) -> Result<ResultType, E> {
    let [found] = raw.members(["resultType"]).map_err(E::custom)?;
    let found: Option<ResultType> = optional(found.as_ref())?;
    Ok(found.unwrap_or(ResultType::Complete))
}

fn optional<T: DeserializeOwned, E: Error>(raw: Option<&RawJson>) -> Result<Option<T>, E> {
    raw.map(|raw| raw.decode().map_err(|error| E::custom(format_args!("`resultType`: {error}")))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elicitation::{ElicitAction, ElicitResult};
    use crate::roots::{ListRootsResult, Root};

    #[test]
    fn the_result_type_decides_what_a_call_answers() {
        let read = |text: &str| serde_json::from_str::<ToolsCallOutcome>(text);
        assert!(matches!(read(r#"{"content":[]}"#), Ok(ToolsCallOutcome::Complete(_))));
        assert!(matches!(read(r#"{"content":[],"resultType":"complete"}"#), Ok(ToolsCallOutcome::Complete(_))));
        let asked = read(r#"{"resultType":"input_required","requestState":"s","content":[]}"#);
        assert!(matches!(asked, Ok(ToolsCallOutcome::InputRequired(_))));
        let task =
            r#"{"resultType":"task","taskId":"1","status":"working","createdAt":"","lastUpdatedAt":"","ttlMs":null}"#;
        assert!(matches!(read(task), Ok(ToolsCallOutcome::Task(_))));
    }

    #[test]
    fn a_result_type_that_is_not_known_makes_the_result_invalid() {
        let check = |text: &str| {
            let error = serde_json::from_str::<ToolsCallOutcome>(text).unwrap_err().to_string();
            assert!(error.contains("resultType") || error.contains("stands twice"), "{error}");
        };
        check(r#"{"content":[],"resultType":"later"}"#);
        check(r#"{"content":[],"resultType":7}"#);
        check(r#"{"content":[],"resultType":"complete","resultType":"task"}"#);
        let task =
            r#"{"resultType":"task","taskId":"1","status":"working","createdAt":"","lastUpdatedAt":"","ttlMs":null}"#;
        assert!(serde_json::from_str::<PromptsGetOutcome>(task).is_err(), "a prompt cannot be a task");
        assert!(serde_json::from_str::<ResourcesReadOutcome>(task).is_err(), "a resource cannot be a task");
    }

    #[test]
    fn requests_are_read_by_their_method_and_roots_may_lack_params() {
        let text = r#"{"a":{"method":"roots/list"},"b":{"method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{}}}}}"#;
        let requests: InputRequests = serde_json::from_str(text).unwrap();
        assert_eq!(requests.request("a"), Some(&InputRequest::ListRoots(None)));
        assert_eq!(requests.request("b").unwrap().method(), "elicitation/create");
        assert_eq!(serde_json::to_string(&requests).unwrap(), text);
        for text in [r#"{"a":{"method":"tools/list"}}"#, r#"{"a":{"method":"elicitation/create"}}"#, r#"{"a":{}}"#] {
            let error = serde_json::from_str::<InputRequests>(text).unwrap_err().to_string();
            assert!(error.starts_with("\"a\": "), "{error}");
        }
    }

    #[test]
    fn an_answer_is_decoded_by_what_was_asked() {
        let mut responses = InputResponses::new();
        let accepted = ElicitResult::new(ElicitAction::Accept);
        let roots = ListRootsResult::new([Root::new("file:///")]);
        responses.insert::<methods::ElicitationCreate>("who", &accepted).unwrap();
        responses.insert::<methods::RootsList>("where", &roots).unwrap();
        assert_eq!(
            serde_json::to_string(&responses).unwrap(),
            r#"{"who":{"action":"accept"},"where":{"roots":[{"uri":"file:///"}]}}"#
        );
        assert_eq!(responses.answer::<methods::ElicitationCreate>("who").unwrap().unwrap(), accepted);
        assert_eq!(responses.answer::<methods::RootsList>("where").unwrap().unwrap(), roots);
        assert!(responses.answer::<methods::RootsList>("who").unwrap().is_err());
        assert!(responses.answer::<methods::RootsList>("nobody").is_none());
    }
}
