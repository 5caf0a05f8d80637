//! Calling a tool, and what comes of it (T-83, T-87).
//!
//! The surprising thing: a tool that failed gives a result too. Whether that is an error is the caller's choice, by
//! [`ToolResult::into_ok`].

use std::borrow::Cow;
use std::fmt;
use std::future::ready;
use std::ops::Deref;
use std::time::Duration;

use futures::future::Either;
use mcp_types::{
    CallToolRequestParams, CallToolResult, ContentBlock, JsonObject, ProgressNotificationParams, RawJson, RequestMeta,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{BareCall, Given, Observer, Question};
use crate::client::Client;
use crate::error::Error;
use crate::plain;
use crate::task::{Started, TaskHandle};

/// A call of a tool that is being put together.
///
/// # Examples
///
/// ```no_run
/// # async fn example(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
/// use std::time::Duration;
///
/// let result = client
///     .tool("convert")
///     .arguments(serde_json::json!({ "file": "film.mkv" }))
///     .on_progress(|progress| println!("{}", progress.progress))
///     .timeout(Duration::from_secs(10))
///     .call()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent before `call`"]
pub struct ToolCall<'a> {
    client: &'a Client,
    name: String,
    arguments: Result<Option<RawJson>, String>,
    meta: JsonObject,
    observer: Option<Box<Observer<'a>>>,
    idle: Option<Duration>,
    total: Option<Duration>,
}

impl<'a> ToolCall<'a> {
    pub(crate) fn new(client: &'a Client, name: String) -> Self {
        let meta = JsonObject::new();
        Self { client, name, arguments: Ok(None), meta, observer: None, idle: None, total: None }
    }

    /// Sets the arguments: anything that becomes a JSON object, or `()` for none.
    ///
    /// What becomes no object is reported by [`call`](Self::call).
    pub fn arguments(mut self, arguments: impl Serialize) -> Self {
        self.arguments = encode(&arguments);
        self
    }

    /// Sets the arguments as [`arguments`](Self::arguments) does, without a copy of them.
    pub fn raw_arguments(mut self, arguments: RawJson) -> Self {
        self.arguments = object_or_none(arguments);
        self
    }

    /// Hands every progress notification of the call to `observe`.
    pub fn on_progress(mut self, observe: impl FnMut(ProgressNotificationParams) + Send + 'a) -> Self {
        self.observer = Some(Box::new(observe));
        self
    }

    /// Sets how long to wait for the answer, or for the next sign of life (V-21).
    pub fn timeout(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Sets how long to wait in all, however much progress is reported.
    pub fn total_timeout(mut self, total: Duration) -> Self {
        self.total = Some(total);
        self
    }

    /// Adds a member to `_meta`, such as `traceparent`.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<RawJson>) -> Self {
        self.meta.insert(key, value);
        self
    }

    /// Calls the tool, and waits for the end of the task if the server makes one of the call (XT-14).
    ///
    /// # Errors
    ///
    /// Fails as [`Client::call_tool`] does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call, and its task.
    pub fn call(self) -> impl Future<Output = Result<ToolResult, Error>> + Send + use<'a> {
        let (client, total) = (self.client, self.total.unwrap_or(self.client.patience().total));
        // Put together here, so that the future holds nothing of what it was made of.
        let mut question = match self.into_question() {
            Ok(question) => question,
            Err(refused) => return Either::Left(ready(Err(refused))),
        };
        Either::Right(async move {
            let first = client.exchange(&mut question).await?;
            if let Some(result) = plain::read(&first.0) {
                return Ok(ToolResult(result));
            }
            // Boxed, because it is rare and large.
            let rest = async {
                let answered = client.answer_from(question, first).await?;
                if answered.is_task {
                    return TaskHandle::created(client, &answered.result)?.finish(total).await;
                }
                read(&answered.result)
            };
            Box::pin(rest).await
        })
    }

    /// Calls the tool, and returns as soon as it has answered or the server has made a task of the call, which it does
    /// only with [`ClientBuilder::tasks`](crate::ClientBuilder::tasks).
    ///
    /// # Errors
    ///
    /// Fails as [`Client::call_tool`] does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call; a task that the server has made of it in that moment goes on.
    pub async fn start(self) -> Result<Started, Error> {
        let client = self.client;
        let answered = client.answer_to(self.into_question()?).await?;
        if answered.is_task {
            return TaskHandle::created(client, &answered.result).map(Started::Task);
        }
        read(&answered.result).map(|result| Started::Result(Box::new(result)))
    }

    fn into_question(self) -> Result<Question<'a>, Error> {
        const METHOD: &str = "tools/call";
        let refused = |why: String| Error::params(METHOD, why);
        let arguments = self.arguments.map_err(refused)?;
        let params = if self.meta.is_empty() {
            Given::Call(BareCall { name: self.name, arguments })
        } else {
            let mut params = CallToolRequestParams::new(self.name);
            params.arguments = arguments;
            params.meta.insert(RequestMeta::new()).extra = self.meta;
            Given::Params(RawJson::encode(&params).map_err(|error| refused(error.to_string()))?)
        };
        let mut patience = self.client.patience();
        patience.idle = self.idle.unwrap_or(patience.idle);
        patience.total = self.total.unwrap_or(patience.total);
        Ok(Question { method: Cow::Borrowed(METHOD), params, patience, observer: self.observer })
    }
}

impl fmt::Debug for ToolCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall").field("name", &self.name).finish_non_exhaustive()
    }
}

fn read(result: &RawJson) -> Result<ToolResult, Error> {
    let unreadable = |error: serde_json::Error| Error::malformed("the result of `tools/call`", error.to_string());
    result.decode().map(ToolResult).map_err(unreadable)
}

/// Encodes arguments; `null`, which is what `()` becomes, means none.
fn encode(arguments: &impl Serialize) -> Result<Option<RawJson>, String> {
    object_or_none(RawJson::encode(arguments).map_err(|error| error.to_string())?)
}

fn object_or_none(arguments: RawJson) -> Result<Option<RawJson>, String> {
    if arguments.is_null() {
        return Ok(None);
    }
    if !arguments.is_object() {
        return Err("the arguments of a tool must be a JSON object".to_owned());
    }
    Ok(Some(arguments))
}

/// What a tool answered: a [`CallToolResult`] with what a caller does with it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult(CallToolResult);

impl ToolResult {
    /// Returns the texts of the result, one after the other on lines of their own.
    pub fn text(&self) -> String {
        self.0.content.iter().filter_map(ContentBlock::as_text).collect::<Vec<_>>().join("\n")
    }

    /// Decodes the structured content.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or when it is not of the shape that `T` wants.
    pub fn structured<T: DeserializeOwned>(&self) -> Result<T, Error> {
        const WHAT: &str = "the structured content of a tool result";
        let content = self.0.structured_content.as_ref().ok_or_else(|| Error::malformed(WHAT, "there is none"))?;
        content.decode().map_err(|error| Error::malformed(WHAT, error.to_string()))
    }

    /// Makes an error of the result of a tool that failed.
    ///
    /// # Errors
    ///
    /// Fails when `isError` says that the tool failed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// let sum = client.call_tool("add", serde_json::json!({ "a": 1, "b": 2 })).await?.into_ok()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_ok(self) -> Result<Self, ToolFailed> {
        if self.0.failed() { Err(ToolFailed { result: Box::new(self) }) } else { Ok(self) }
    }

    /// Returns the result as the specification shapes it.
    pub fn into_inner(self) -> CallToolResult {
        self.0
    }
}

impl Deref for ToolResult {
    type Target = CallToolResult;

    fn deref(&self) -> &CallToolResult {
        &self.0
    }
}

impl From<CallToolResult> for ToolResult {
    fn from(result: CallToolResult) -> Self {
        Self(result)
    }
}

/// A tool that ran and failed, which is no failure of the protocol (T-87).
#[derive(Clone, Debug, PartialEq)]
pub struct ToolFailed {
    /// What the tool answered; its text says why it failed.
    pub result: Box<ToolResult>,
}

impl fmt::Display for ToolFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.result.text().chars().take(MESSAGE_CHARS).collect();
        if text.is_empty() {
            f.write_str("the tool failed and does not say why")
        } else {
            write!(f, "the tool failed: {text}")
        }
    }
}

impl std::error::Error for ToolFailed {}

/// How much of what a tool says goes into a message.
const MESSAGE_CHARS: usize = 500;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_an_object_or_nothing() {
        assert_eq!(encode(&json!({"a": 1})), Ok(Some(RawJson::parse(r#"{"a":1}"#).unwrap())));
        assert_eq!(encode(&()), Ok(None));
        assert_eq!(encode(&json!(null)), Ok(None));
        assert_eq!(encode(&RawJson::parse(r#"{"b":1.0}"#).unwrap()), Ok(Some(RawJson::parse(r#"{"b":1.0}"#).unwrap())));
        assert_eq!(object_or_none(RawJson::null()), Ok(None));
        for wrong in [json!([]), json!(7), json!("{}")] {
            assert!(encode(&wrong).is_err(), "{wrong}");
            assert!(object_or_none(wrong.clone().into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_tool_that_says_so_has_failed() {
        let ok = ToolResult::from(CallToolResult::text("3"));
        assert_eq!(ok.clone().into_ok(), Ok(ok));
        let failed = ToolResult::from(CallToolResult::error("no such file")).into_ok().unwrap_err();
        assert_eq!(failed.to_string(), "the tool failed: no such file");
    }

    #[test]
    fn the_text_of_a_result_leaves_out_what_is_no_text() {
        let blocks = [ContentBlock::text("a"), ContentBlock::image("", "image/png"), ContentBlock::text("b")];
        assert_eq!(ToolResult::from(CallToolResult::new().content(blocks)).text(), "a\nb");
    }

    #[test]
    fn structured_content_is_decoded_into_the_callers_type() {
        let result = ToolResult::from(CallToolResult::structured(json!({"sum": 3})));
        assert_eq!(result.structured::<serde_json::Value>().unwrap(), json!({"sum": 3}));
        assert!(result.structured::<Vec<u8>>().is_err());
        assert!(ToolResult::from(CallToolResult::text("3")).structured::<u8>().is_err());
    }
}
