//! What the user can be asked: a form or a visit to a URL (T-130 to T-139).
//!
//! The surprising thing: the form is made from the type of the answer. Its members must be flat: texts, numbers, yes or
//! no, and choices.

use mcp_types::{
    ElicitAction, ElicitRequestFormParams, ElicitRequestParams, ElicitRequestUrlParams, ElicitResult, RawJson,
    RequestedSchema, RpcError,
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::AskError;
use crate::schema;

/// Something that the user of a client can be asked, with an answer of type `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked for a `{T}`",
    note = "`Form` gives any type with `serde::Deserialize` and `schemars::JsonSchema`, `Url` gives `()`",
    note = "`ElicitRequestParams` and its two forms give `ElicitResult`, whatever the user did"
)]
pub trait Elicitation<T> {
    /// Returns the question as it is sent.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be asked, such as a form whose members are not flat.
    fn question(&self) -> Result<ElicitRequestParams, AskError>;

    /// Reads the answer, which fits the question.
    ///
    /// # Errors
    ///
    /// Fails when the user did not give what `T` needs.
    fn answer(&self, result: ElicitResult) -> Result<T, AskError>;
}

/// A form for the user; its members are those of the type of the answer.
///
/// # Examples
///
/// ```
/// use mcp_server::{AskError, Cx, Form};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Name {
///     /// How to call you.
///     name: String,
/// }
///
/// async fn greet(cx: Cx) -> Result<String, AskError> {
///     let who: Name = cx.elicit("who", Form::new("Your name?")).await?;
///     Ok(format!("Hello, {}!", who.name))
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Form {
    message: String,
    schema: Option<RawJson>,
}

impl Form {
    /// Makes a form with what the user is told.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), schema: None }
    }

    /// Sets the members of the form, in place of those of the type of the answer.
    pub fn schema(mut self, schema: RequestedSchema) -> Self {
        self.schema = Some(schema.into());
        self
    }
}

impl<T: DeserializeOwned + JsonSchema> Elicitation<T> for Form {
    fn question(&self) -> Result<ElicitRequestParams, AskError> {
        let schema = match &self.schema {
            Some(schema) => schema.clone(),
            None => schema::form_of::<T>().map_err(|why| AskError::Refused(RpcError::internal(why)))?,
        };
        Ok(ElicitRequestFormParams::new(self.message.clone(), schema).into())
    }

    fn answer(&self, result: ElicitResult) -> Result<T, AskError> {
        accepted(&result)?;
        let content = RawJson::encode(&result.content.unwrap_or_default());
        let content = content.and_then(|content| content.decode());
        content.map_err(|error| AskError::Misfit(RpcError::invalid_params(format!("the answer to the form: {error}"))))
    }
}

/// A URL for the user to visit; since 2025-11-25.
///
/// That the user agreed does not say that anything was done there (T-133); the page itself tells the server.
#[derive(Clone, Debug)]
#[must_use]
pub struct Url {
    message: String,
    url: String,
    id: Option<String>,
}

impl Url {
    /// Makes a visit from what the user is told and the address. The address carries no secret of the user (T-136).
    pub fn new(message: impl Into<String>, url: impl Into<String>) -> Self {
        Self { message: message.into(), url: url.into(), id: None }
    }

    /// Sets by what [`Changes::elicitation_complete`](crate::Changes::elicitation_complete) names the visit; one that
    /// nobody can guess unless said. Only 2025-11-25 has it (T-139).
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

impl Elicitation<()> for Url {
    fn question(&self) -> Result<ElicitRequestParams, AskError> {
        let mut params = ElicitRequestUrlParams::new(self.message.clone(), self.url.clone());
        params.elicitation_id.clone_from(&self.id);
        Ok(params.into())
    }

    fn answer(&self, result: ElicitResult) -> Result<(), AskError> {
        accepted(&result)
    }
}

macro_rules! as_it_is {
    ($($params:ty),+) => {$(
        impl Elicitation<ElicitResult> for $params {
            fn question(&self) -> Result<ElicitRequestParams, AskError> {
                Ok(self.clone().into())
            }

            fn answer(&self, result: ElicitResult) -> Result<ElicitResult, AskError> {
                Ok(result)
            }
        }
    )+};
}

as_it_is!(ElicitRequestFormParams, ElicitRequestParams, ElicitRequestUrlParams);

fn accepted(result: &ElicitResult) -> Result<(), AskError> {
    match result.action {
        ElicitAction::Accept => Ok(()),
        ElicitAction::Decline => Err(AskError::Declined),
        _ => Err(AskError::Cancelled),
    }
}
