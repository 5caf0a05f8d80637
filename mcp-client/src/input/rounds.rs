//! The rounds of one request: questions, answers, the request again (P-12, P-13, P-14, P-19, P-21).
//!
//! The surprising thing: each retry is made from the first request, never from the one before it, so nothing of an
//! earlier round can stay in it.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use mcp_transport::Limits;
use mcp_types::{ClientCapabilities, Features, InputRequest, InputRequiredResult, JsonObject, RawJson};

use super::question::{self, QuestionFault};
use super::reply::{self, Reply, WrongReply};

/// The rounds of one request, bounded by [`Limits::input_rounds`].
///
/// They begin with the first result that asks back. From there on nothing that comes of the request may be cached
/// (P-21): whoever has a `Rounds` at hand does not keep the result.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// The parameters of the request as it was made first.
    params: JsonObject,
    taken: usize,
    /// Rounds in a row in which the server asked for nothing but to be asked again.
    idle: u32,
    most: usize,
    shortest: Duration,
    longest: Duration,
}

/// What one round asks, and what it was answered. `Debug` does not show the state (P-14).
pub(crate) struct Round {
    params: JsonObject,
    questions: Vec<(String, InputRequest)>,
    answers: JsonObject,
    state: Option<String>,
    wait: Duration,
}

/// How a server breaks the rules of the rounds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub(crate) enum RoundFault {
    /// It asks for nothing, and gives nothing to come back with (T-150).
    Empty,
    /// It asks what it may not.
    Question {
        /// The key of the question.
        key: String,
        /// What is wrong with it.
        fault: QuestionFault,
    },
    /// It asks more in one round than this client answers.
    Questions(usize),
    /// It has asked back as often as this client lets it.
    Rounds(usize),
    /// It asks two questions under one key (P-11).
    TwoQuestions(String),
}

/// The parameters of a request are no object, so that no answer can be put into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAnObject;

/// Why an answer was not taken.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub(crate) enum AnswerFault {
    /// Nothing is asked under this key.
    Unasked,
    /// It is not what was asked for.
    Wrong(WrongReply),
}

impl Rounds {
    /// Begins the rounds of a request.
    ///
    /// # Errors
    ///
    /// Fails when the parameters are no object.
    pub(crate) fn new(params: &RawJson, limits: &Limits) -> Result<Self, NotAnObject> {
        let mut params: JsonObject = params.decode().map_err(|_| NotAnObject)?;
        // They would be of another request.
        for key in [RESPONSES, STATE] {
            while params.remove(key).is_some() {}
        }
        Ok(Self {
            params,
            taken: 0,
            idle: 0,
            most: limits.input_rounds,
            shortest: limits.reconnect_min,
            longest: limits.reconnect_max,
        })
    }

    /// Takes a result that asks back.
    ///
    /// `declared` is what this request declared, `features` are those of its revision, and `random` is any number, by
    /// which the waits of many clients differ.
    ///
    /// # Errors
    ///
    /// Refuses what the server may not ask, and one round more than the limit.
    pub(crate) fn handle(
        &mut self,
        wanted: InputRequiredResult,
        declared: &ClientCapabilities,
        features: Features,
        random: u32,
    ) -> Result<Round, RoundFault> {
        if self.taken >= self.most {
            return Err(RoundFault::Rounds(self.most));
        }
        self.taken += 1;
        let wanted_inputs = wanted.input_requests.unwrap_or_default();
        if wanted_inputs.is_empty() && wanted.request_state.is_none() {
            return Err(RoundFault::Empty);
        }
        if wanted_inputs.len() > MOST_QUESTIONS {
            return Err(RoundFault::Questions(MOST_QUESTIONS));
        }
        let mut keys = BTreeSet::new();
        for (key, asked) in wanted_inputs.iter() {
            if !keys.insert(key) {
                return Err(RoundFault::TwoQuestions(key.to_owned()));
            }
            let checked = question::check(asked, declared, features);
            checked.map_err(|fault| RoundFault::Question { key: key.to_owned(), fault })?;
        }
        let questions: Vec<_> = wanted_inputs.iter().map(|(key, asked)| (key.to_owned(), asked.clone())).collect();
        let wait = self.wait(questions.is_empty(), random);
        let (params, answers) = (self.params.clone(), JsonObject::new());
        Ok(Round { params, questions, answers, state: wanted.request_state, wait })
    }

    /// Returns how long to wait before the retry: not at all with answers, longer and longer without (P-12).
    fn wait(&mut self, is_idle: bool, random: u32) -> Duration {
        if !is_idle {
            self.idle = 0;
            return Duration::ZERO;
        }
        let doubled = self.shortest.saturating_mul(1_u32.checked_shl(self.idle).unwrap_or(u32::MAX));
        self.idle = self.idle.saturating_add(1);
        let half = doubled.min(self.longest) / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

impl Round {
    /// Returns the questions without an answer, in the order of the server. They may be asked in any order or at once.
    pub(crate) fn questions(&self) -> impl Iterator<Item = (&str, &InputRequest)> {
        let open = self.questions.iter().filter(|(key, _)| self.answers.member(key).is_none());
        open.map(|(key, question)| (key.as_str(), question))
    }

    /// Returns how long to wait before the retry.
    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }

    /// Answers a question.
    ///
    /// # Errors
    ///
    /// Fails when nothing is asked under this key, or something else; the question stays open.
    pub(crate) fn answer(&mut self, key: &str, reply: Reply) -> Result<(), AnswerFault> {
        let asked = self.questions.iter().find(|(asked, _)| asked == key);
        let (_, question) = asked.ok_or(AnswerFault::Unasked)?;
        let answer = reply::settle(question, reply).map_err(AnswerFault::Wrong)?;
        // Two objects will stand around it, and what stands in a message may be only so deep.
        if RawJson::encode(&[[&answer]]).is_err() {
            return Err(AnswerFault::Wrong(WrongReply::Unfit("the answer is nested too deep to be sent".to_owned())));
        }
        self.answers.insert(key, answer);
        Ok(())
    }

    /// Makes the parameters of the retry: those of the request, the answers to this round, the state if there is one.
    ///
    /// The retry is a new request, with an id and a `_meta` of its own (P-12).
    ///
    /// # Errors
    ///
    /// Gives the round back while there are questions without an answer.
    pub(crate) fn into_params(self) -> Result<RawJson, Self> {
        if self.questions().next().is_some() {
            return Err(self);
        }
        let mut params = self.params;
        if !self.questions.is_empty() {
            params.insert(RESPONSES, encode(&self.answers));
        }
        if let Some(state) = &self.state {
            params.insert(STATE, encode(state));
        }
        Ok(encode(&params))
    }
}

fn encode(value: &impl serde::Serialize) -> RawJson {
    RawJson::encode(value).expect("the parameters were sent before, and every answer fits into them")
}

impl fmt::Debug for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.questions.iter().map(|(key, _)| key.as_str()).collect();
        f.debug_struct("Round").field("questions", &keys).field("wait", &self.wait).finish_non_exhaustive()
    }
}

impl fmt::Display for RoundFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                f.write_str("the server says that it needs input, and neither asks for any nor gives a state")
            }
            Self::Question { key, fault } => write!(f, "{fault} (the question {key:?})"),
            Self::Questions(most) => write!(f, "the server asks more than {most} questions at once"),
            Self::Rounds(most) => {
                write!(f, "the server asked back {most} times; raise `input_rounds` if it is right to")
            }
            Self::TwoQuestions(key) => write!(f, "the server asks two questions under the key {key:?}"),
        }
    }
}

impl Error for RoundFault {}

impl fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked => f.write_str("the server asks nothing under this key"),
            Self::Wrong(wrong) => wrong.fmt(f),
        }
    }
}

impl Error for AnswerFault {}

const RESPONSES: &str = "inputResponses";
const STATE: &str = "requestState";
/// The questions of one round that are put to a program (P-19).
const MOST_QUESTIONS: usize = 64;
