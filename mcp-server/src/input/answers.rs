//! The questions of a handler and their answers, in any round of one request (P-10 to P-24).
//!
//! The surprising thing: a handler runs from its start in every round, and each question finds its own answer again.
//! Which round it is, nobody needs to know.

use std::collections::HashSet;
use std::fmt;

use mcp_types::{
    ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult, Features,
    InputMethod, InputRequest, InputRequests, InputRequiredResult, JsonObject, ListRootsResult, Method,
    MissingRequiredClientCapabilityError, Params, RawJson, RpcError, SamplingMessageContentBlock, methods,
};
use serde::{Deserialize, Serialize};

use super::refused::Refused;

/// What is known of the questions of one run of a handler.
///
/// The keys are the handler's: one for each place that asks. What a question of this key was answered first stays its
/// answer, so a handler that wants to ask again uses another key.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    record: Record,
    /// What the client answered in this round; what nobody asks for is ignored (P-16).
    received: JsonObject,
    /// What has no answer yet.
    asked: InputRequests,
}

/// What travels in `requestState`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Record {
    answers: Vec<Recorded>,
    /// What the handler wants to know in later rounds, by its own keys.
    notes: JsonObject,
    /// The `requestState` of a handler that makes its results itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Recorded {
    key: String,
    /// The method that was asked for under the key.
    method: String,
    result: RawJson,
}

/// Something that a client can be asked, and what it may answer.
pub(crate) trait Question: Into<InputRequest> {
    /// The method of the legacy era that asks the same.
    type Method: InputMethod;

    /// Brings an answer into the form that the question allows.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    fn settle(&self, answer: &mut <Self::Method as Method>::Result) -> Result<(), String>;
}

/// Asks for the roots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListRoots;

impl Answers {
    /// Reads what a request brings of earlier rounds, if it does; `open` opens its `requestState`, when it has one.
    ///
    /// A request need not bring the state that it was given (P-17): what it carried is then asked for again.
    ///
    /// # Errors
    ///
    /// Refuses a state that `open` refuses, and answers that are no object (P-15, P-16).
    pub(crate) fn receive(
        params: &Params,
        open: impl FnOnce(&str) -> Result<Vec<u8>, Refused>,
    ) -> Result<Option<Self>, RpcError> {
        let Some(raw) = params.raw().filter(|_| params.resumes()) else { return Ok(None) };
        let members = raw.members(["inputResponses", "requestState"]);
        let [responses, state] = members.map_err(|error| RpcError::invalid_params(error.to_string()))?;
        let record = match state.filter(|state| !state.is_null()) {
            Some(state) => {
                let state: String = state.decode().map_err(|_| Refused::Malformed)?;
                let record = open(&state)?;
                // What this server sealed, it can read, or it was sealed by another program with the same key.
                RawJson::parse(record).ok().and_then(|record| record.decode().ok()).ok_or(Refused::Malformed)?
            }
            None => Record::default(),
        };
        let received = responses.map_or(Ok(JsonObject::new()), |responses| distinct(&responses))?;
        Ok(Some(Self { record, received, asked: InputRequests::default() }))
    }

    /// Returns the answer to a question, or notes that it has none yet.
    ///
    /// # Errors
    ///
    /// Fails when the client answered something else than was asked (−32602), when it does not have what the question
    /// needs (−32021), and when the handler uses one key for two questions (−32603).
    pub(crate) fn ask<Q: Question>(
        &mut self,
        key: &str,
        question: Q,
        client: &ClientCapabilities,
        features: Features,
    ) -> Result<Option<<Q::Method as Method>::Result>, RpcError> {
        if let Some(recorded) = self.record.answers.iter().find(|recorded| recorded.key == key) {
            if recorded.method != Q::Method::NAME {
                return Err(two_questions(key));
            }
            return recorded.result.decode().map(Some).map_err(|error| wrong(key, &error.to_string()));
        }
        if let Some(received) = self.received.member(key).cloned() {
            return self.settle(key, &question, &received).map(Some).map_err(|why| wrong(key, &why));
        }
        let question = question.into();
        if let Some(lacking) = question.lacking(client, features) {
            return Err(MissingRequiredClientCapabilityError::new(lacking).into());
        }
        match self.asked.request(key) {
            Some(asked) if *asked != question => Err(two_questions(key)),
            Some(_) => Ok(None),
            None => {
                self.asked.insert(key, question);
                Ok(None)
            }
        }
    }

    /// Takes the answer to a question that was asked in another way than by a result, and keeps it.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub(crate) fn settle<Q: Question>(
        &mut self,
        key: &str,
        question: &Q,
        received: &RawJson,
    ) -> Result<<Q::Method as Method>::Result, String> {
        let answer = read(question, received)?;
        let result = RawJson::encode(&answer).map_err(|error| error.to_string())?;
        let recorded = Recorded { key: key.to_owned(), method: Q::Method::NAME.to_owned(), result };
        match self.record.answers.iter_mut().find(|recorded| recorded.key == key) {
            Some(earlier) => *earlier = recorded,
            None => self.record.answers.push(recorded),
        }
        self.asked = self.asked.iter().filter(|(asked, _)| *asked != key).map(|(k, r)| (k, r.clone())).collect();
        Ok(answer)
    }

    /// Returns whether the request is, or takes, more than one round: its answer is not for caches (P-21).
    pub(crate) fn has_rounds(&self) -> bool {
        !self.received.is_empty() || self.record != Record::default()
    }

    /// Returns what the client answered in this round.
    pub(crate) fn received(&self) -> &JsonObject {
        &self.received
    }

    /// Returns the `requestState` that the handler itself gave in the round before.
    pub(crate) fn own_state(&self) -> Option<&str> {
        self.record.own.as_deref()
    }

    /// Begins another round of the same request in this process, with what was answered in the one before.
    pub(crate) fn next_round(&mut self, received: JsonObject, own: Option<String>) {
        self.received = received;
        self.record.own = own;
        self.asked = InputRequests::default();
    }

    /// Seals what is kept, with the state of a result that the handler made itself.
    ///
    /// # Errors
    ///
    /// Refuses a result that asks for nothing and a record that is too large (−32603).
    pub(crate) fn seal_own<E: fmt::Display>(
        &mut self,
        result: InputRequiredResult,
        seal: impl FnOnce(&[u8]) -> Result<String, E>,
    ) -> Result<InputRequiredResult, RpcError> {
        let asks = result.input_requests.as_ref().is_some_and(|requests| !requests.is_empty());
        if !asks && result.request_state.is_none() {
            // T-150: at least one of the two.
            return Err(RpcError::internal("the handler asks the client for something, and for nothing in particular"));
        }
        let mut result = result;
        self.record.own = result.request_state.take();
        if self.record == Record::default() {
            return Ok(result);
        }
        Ok(result.request_state(self.record.seal(seal)?))
    }

    #[cfg(all(test, feature = "sealing"))]
    /// Returns whether the run met a question without an answer: it cannot go on in this round.
    pub(crate) fn has_questions(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Returns what an earlier round noted under a key.
    pub(crate) fn note(&self, key: &str) -> Option<&RawJson> {
        self.record.notes.member(key)
    }

    /// Notes something for later rounds, such as the outcome of a step that must not be done twice (P-17).
    ///
    /// It is lost when the client never asks again, and the client can read it.
    pub(crate) fn set_note(&mut self, key: impl Into<String>, value: RawJson) {
        self.record.notes.insert(key.into(), value);
    }

    /// Makes the result that asks every question without an answer at once; none when there is no such question.
    ///
    /// # Errors
    ///
    /// Fails when what was recorded is too large to travel (−32603).
    pub(crate) fn into_result<E: fmt::Display>(
        self,
        seal: impl FnOnce(&[u8]) -> Result<String, E>,
    ) -> Result<Option<InputRequiredResult>, RpcError> {
        if self.asked.is_empty() {
            return Ok(None);
        }
        let result = InputRequiredResult::new().input_requests(self.asked);
        if !BINDS_FIRST_ROUND && self.record == Record::default() {
            return Ok(Some(result));
        }
        Ok(Some(result.request_state(self.record.seal(seal)?)))
    }
}

impl Record {
    fn seal<E: fmt::Display>(&self, seal: impl FnOnce(&[u8]) -> Result<String, E>) -> Result<String, RpcError> {
        let record = serde_json::to_vec(self).map_err(|error| RpcError::internal(error.to_string()))?;
        seal(&record).map_err(|error| RpcError::internal(error.to_string()))
    }
}

impl Question for ElicitRequestParams {
    type Method = methods::ElicitationCreate;

    fn settle(&self, answer: &mut ElicitResult) -> Result<(), String> {
        let faults = self.settle(answer);
        if faults.is_empty() {
            return Ok(());
        }
        Err(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

impl Question for CreateMessageRequestParams {
    type Method = methods::SamplingCreateMessage;

    fn settle(&self, answer: &mut CreateMessageResult) -> Result<(), String> {
        let is_call = |block: &SamplingMessageContentBlock| matches!(block, SamplingMessageContentBlock::ToolUse(_));
        if self.tools.is_none() && answer.content.blocks().iter().any(is_call) {
            return Err("the model calls a tool, and it was given none".to_owned());
        }
        Ok(())
    }
}

impl Question for ListRoots {
    type Method = methods::RootsList;

    fn settle(&self, answer: &mut ListRootsResult) -> Result<(), String> {
        match answer.roots.iter().find(|root| !root.uri.starts_with("file://")) {
            Some(root) => Err(format!("a root is a file:// URI, not {:?}", root.uri)),
            None => Ok(()),
        }
    }
}

impl From<ListRoots> for InputRequest {
    fn from(_: ListRoots) -> Self {
        Self::ListRoots(None)
    }
}

/// Reads an answer and brings it into the form that the question allows.
fn read<Q: Question>(question: &Q, received: &RawJson) -> Result<<Q::Method as Method>::Result, String> {
    let mut answer = received.decode().map_err(|error| error.to_string())?;
    question.settle(&mut answer)?;
    Ok(answer)
}

/// Checks an answer to a question whose kind is known only now.
///
/// # Errors
///
/// Says what is wrong with it.
pub(crate) fn check(question: &InputRequest, received: &RawJson) -> Result<(), String> {
    match question {
        InputRequest::Elicit(params) => read(&**params, received).map(drop),
        InputRequest::CreateMessage(params) => read(&**params, received).map(drop),
        InputRequest::ListRoots(_) => read(&ListRoots, received).map(drop),
        // Only what this library knows is ever asked.
        _ => Ok(()),
    }
}

/// Reads the answers; a key that stands twice would let two readers see two answers.
fn distinct(responses: &RawJson) -> Result<JsonObject, RpcError> {
    let refused = |why: String| RpcError::invalid_params(format!("`inputResponses`: {why}"));
    let responses: JsonObject = responses.decode().map_err(|error| refused(error.to_string()))?;
    let mut keys: HashSet<&str> = HashSet::new();
    if let Some((key, _)) = responses.iter().find(|(key, _)| !keys.insert(key)) {
        return Err(refused(format!("{key:?} stands twice")));
    }
    Ok(responses)
}

fn wrong(key: &str, why: &str) -> RpcError {
    RpcError::invalid_params(format!("`inputResponses`: {key:?}: {why}"))
}

fn two_questions(key: &str) -> RpcError {
    RpcError::internal(format!("the handler asks two questions under the key {key:?}; give each its own"))
}

/// Whether the first round is bound to its request too, by the seal around an empty record.
const BINDS_FIRST_ROUND: bool = cfg!(feature = "sealing");
