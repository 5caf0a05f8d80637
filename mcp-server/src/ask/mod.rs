//! Asking the client in one line, in both eras (P-10 to P-24, T-120 to T-141).
//!
//! ```text
//!                     ┌ legacy session ─▶ a request to the client, on the stream of the call ─▶ its answer
//! cx.elicit(key, …) ──┤ modern request ─▶ input_required, sealed ─▶ the next round finds the answer under `key`
//!                     └ task ───────────▶ input_required until `tasks/update` brings the answer
//! ```
//!
//! The surprising thing: in the modern era a handler runs from its start in every round, so what it does before its last
//! question happens more than once (P-17).

mod asking;
mod error;
mod question;
mod round;
mod rounds;
mod shim;

use mcp_types::{
    CreateMessageRequestParams, CreateMessageResult, InputRequest, InputResponses, Method,
    MissingRequiredClientCapabilityError, RawJson, Root, RpcError,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Cx;
use crate::era;
use crate::input::{ListRoots, Question};

pub(crate) use asking::Asking;
pub use error::AskError;
pub(crate) use error::{refusal, told_to_client};
pub use question::{Elicitation, Form, Url};
pub use round::{Append, Round};
pub(crate) use rounds::{Came, rounds};
pub(crate) use shim::answer_all;

impl Cx {
    /// Asks the user: with a [`Form`], or to visit a [`Url`].
    ///
    /// `key` names the place that asks; another place uses another key, and so does the same place when it asks again.
    /// In the modern era the call is answered with the question, and the handler runs again from its start when the
    /// client brings the answer, perhaps in another process. So what stands before the question must bear being done
    /// again; [`remember`](Self::remember) keeps what must not (P-17).
    ///
    /// # Errors
    ///
    /// Fails when the user declines or closes the question, and when the client cannot be asked. To pass the error on
    /// with `?` is right for nearly every handler.
    ///
    /// # Cancel safety
    ///
    /// On a legacy session a dropped call withdraws the question.
    pub async fn elicit<T>(&self, key: &str, question: impl Elicitation<T>) -> Result<T, AskError> {
        let result = self.question(key, question.question()?).await?;
        question.answer(result)
    }

    /// Asks the language model of the client, as [`elicit`](Self::elicit) asks its user.
    ///
    /// # Errors
    ///
    /// Fails when the client cannot be asked or refuses.
    ///
    /// # Cancel safety
    ///
    /// On a legacy session a dropped call withdraws the question.
    pub async fn sample(
        &self,
        key: &str,
        params: impl Into<CreateMessageRequestParams>,
    ) -> Result<CreateMessageResult, AskError> {
        self.question(key, params.into()).await
    }

    /// Asks for the directories that the client works in, as [`elicit`](Self::elicit) asks its user.
    ///
    /// # Errors
    ///
    /// Fails when the client cannot be asked or refuses.
    ///
    /// # Cancel safety
    ///
    /// On a legacy session a dropped call withdraws the question.
    pub async fn roots(&self, key: &str) -> Result<Vec<Root>, AskError> {
        self.question(key, ListRoots).await.map(|result| result.roots)
    }

    /// Begins to ask several questions in one round.
    ///
    /// Questions that are awaited together by other means, such as `join!`, are asked in one round too.
    ///
    /// # Examples
    ///
    /// ```
    /// # use mcp_server::{AskError, Cx, Form};
    /// # #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// # struct Name { name: String }
    /// # async fn handler(cx: Cx) -> Result<(), AskError> {
    /// let (who, roots) = cx.ask().elicit::<Name>("who", Form::new("Your name?")).roots("where").await?;
    /// # Ok(()) }
    /// ```
    pub fn ask(&self) -> Round<'_, ()> {
        Round::new(self)
    }

    /// Keeps something for the later rounds of this request, such as the outcome of a step that must not be done twice.
    ///
    /// It travels with the client, sealed but readable; on a legacy session, which has one round, it is kept here. A
    /// client that never asks again takes it with it (P-17).
    ///
    /// # Errors
    ///
    /// Fails when the value cannot be encoded.
    pub fn remember(&self, key: impl Into<String>, value: &impl Serialize) -> Result<(), AskError> {
        let value = RawJson::encode(value);
        let value = value.map_err(|error| AskError::Refused(RpcError::internal(format!("to remember: {error}"))))?;
        self.asking().answers().set_note(key, value);
        Ok(())
    }

    /// Returns what an earlier round of this request kept under a key, when it is a `T`.
    pub fn remembered<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.asking().answers().note(key)?.decode().ok()
    }

    /// Returns what the client answered to an [`InputRequiredResult`](mcp_types::InputRequiredResult) that the handler
    /// itself returned in the round before.
    pub fn input_responses(&self) -> InputResponses {
        InputResponses::from(self.asking().answers().received().clone())
    }

    /// Returns the `requestState` of the result that the handler itself returned in the round before.
    ///
    /// It is as the handler gave it. On its way it was sealed, so that nobody could change it.
    pub fn request_state(&self) -> Option<String> {
        self.asking().answers().own_state().map(str::to_owned)
    }

    /// Refuses a question that the client did not declare that it can be asked (P-11).
    pub(crate) fn may_ask(&self, request: &InputRequest) -> Result<(), AskError> {
        match request.lacking(&self.capabilities(), self.features()) {
            Some(lacking) => {
                let error = MissingRequiredClientCapabilityError::new(lacking);
                Err(era::unasked(self.caller(), error.into()))
            }
            None => Ok(()),
        }
    }

    /// Asks one question, in the way of the era.
    pub(crate) async fn question<Q>(&self, key: &str, question: Q) -> Result<<Q::Method as Method>::Result, AskError>
    where
        Q: Question + Clone + Send + Sync,
    {
        if !self.asks_back() {
            let why = "only tools, prompts and resources can ask the client for something";
            return Err(AskError::Refused(RpcError::internal(why)));
        }
        let known = self.asking().answers().ask(key, question.clone(), &self.capabilities(), self.features());
        if let Some(answer) = known.map_err(|error| era::unasked(self.caller(), error))? {
            return Ok(answer);
        }
        let received = match (self.asking().task().cloned(), self.caller().session()) {
            (Some(task), _) => task.ask(self, key, question.clone().into()).await?,
            (None, Some(session)) => era::ask(self, session, question.clone().into()).await?,
            (None, None) => {
                self.asking().suspend();
                self.cancelled().await;
                return Err(AskError::Ended);
            }
        };
        self.asking().answers().settle(key, &question, &received).map_err(|why| misfit(key, &why))
    }
}

fn misfit(key: &str, why: &str) -> AskError {
    AskError::Misfit(RpcError::invalid_params(format!("the answer to {key:?}: {why}")))
}
