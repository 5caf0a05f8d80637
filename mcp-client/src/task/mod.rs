//! Calls that go on in a task of the server (the tasks extension, SEP-2663; XT-1 to XT-15).
//!
//! The surprising thing: who asks does not decide. A server that was told that the client knows tasks answers a call by
//! its result or by a task, as it likes; [`ToolCall::call`](crate::ToolCall::call) hides the difference, and
//! [`ToolCall::start`](crate::ToolCall::start) shows it.

mod watch;

use std::fmt;
use std::time::Duration;

use futures::future::try_join_all;
use mcp_types::{
    CancelTaskRequestParams, CreateTaskResult, DetailedTask, GetTaskRequestParams, InputRequest, InputResponses,
    JsonObject, Method, RawJson, UpdateTaskRequestParams, methods,
};
use serde::Serialize;
use tokio::time::{sleep, timeout};

use crate::ask::{misasked, random};
use crate::client::Client;
use crate::error::{Error, Misuse, Timeout};
use crate::input::reply;
use crate::restart::backoff;
use crate::tool::ToolResult;
use watch::{Step, Watch, interval};

/// What became of a call that was started.
#[derive(Debug)]
#[non_exhaustive]
pub enum Started {
    /// The tool has answered.
    Result(Box<ToolResult>),
    /// The server goes on in a task.
    Task(TaskHandle),
}

/// A task of the server.
///
/// The task belongs to the server: dropping the handle changes nothing about it, and whoever has kept its
/// [`id`](Self::id) gets at it again by [`Client::task`].
#[derive(Clone)]
pub struct TaskHandle {
    client: Client,
    id: String,
    /// How long to wait before the first look.
    interval: Duration,
}

impl Client {
    /// Returns the handle of a task that an earlier call, perhaps of an earlier program, has led to.
    pub fn task(&self, id: impl Into<String>) -> TaskHandle {
        TaskHandle { client: self.clone(), id: id.into(), interval: Duration::ZERO }
    }
}

impl TaskHandle {
    pub(crate) fn created(client: &Client, result: &RawJson) -> Result<Self, Error> {
        let task: CreateTaskResult =
            result.decode().map_err(|error| Error::malformed("a task in place of a result", error.to_string()))?;
        let interval = if task.status.is_final() { Duration::ZERO } else { interval(task.poll_interval_ms) };
        Ok(Self { client: client.clone(), id: task.task_id, interval })
    }

    /// Returns the id of the task. It is as good as a key to the task: keep it where the credentials are.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Looks at the task once.
    ///
    /// # Errors
    ///
    /// Fails when the server does not know the task any more, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request, not the task.
    pub async fn poll(&self) -> Result<DetailedTask, Error> {
        const METHOD: &str = methods::TasksGet::NAME;
        let result = self.tell(METHOD, &GetTaskRequestParams::new(self.id.as_str())).await?;
        result.decode().map_err(|error| Error::malformed("a task", error.to_string()))
    }

    /// Waits until the task has ended, looks at it as often as the server wants, and answers what it asks by the hooks
    /// of the client's handler.
    ///
    /// There is no bound on the time; put one around it. A look that fails because of the connection is repeated, with
    /// longer and longer waits, at most [`Limits::reconnects`](mcp_transport::Limits::reconnects) times in a row.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::Rpc`] when the task failed, with [`Error::TaskCancelled`] when it was cancelled, when a hook
    /// refuses, when the server breaks the rules, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the task as it is. Questions that were being answered are asked again by the next
    /// call.
    pub async fn wait(&self) -> Result<ToolResult, Error> {
        let mut watch = Watch::new(self.id.as_str(), &self.client.inner.limits);
        sleep(self.interval).await;
        loop {
            let task = self.poll_patiently().await?;
            let features = self.client.revision().features();
            let step = watch.handle(task, &self.client.inner.identity.capabilities, features);
            match step.map_err(|why| misasked(methods::TasksGet::NAME, &why))? {
                Step::Wait(wait) => sleep(wait).await,
                Step::Ask(questions) => self.answer(&questions).await?,
                Step::Done(result) => {
                    let result: mcp_types::CallToolResult =
                        result.decode().map_err(|error| Error::malformed("the result of a task", error.to_string()))?;
                    return Ok(ToolResult::from(result));
                }
                Step::Failed(error) => return Err(Error::Rpc(error)),
                Step::Cancelled(why) => return Err(Error::TaskCancelled { why }),
            }
        }
    }

    /// Gives the task what it asked for; [`wait`](Self::wait) does so by itself.
    ///
    /// # Errors
    ///
    /// Fails as every request does.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped the server may or may not have the answers.
    pub async fn update(&self, answers: InputResponses) -> Result<(), Error> {
        let params = UpdateTaskRequestParams::new(self.id.as_str(), answers);
        self.tell(methods::TasksUpdate::NAME, &params).await.map(drop)
    }

    /// Asks the server to end the task. It may end otherwise all the same; [`wait`](Self::wait) says how.
    ///
    /// # Errors
    ///
    /// Fails as every request does.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped the server may or may not have heard of it.
    pub async fn cancel(&self) -> Result<(), Error> {
        let params = CancelTaskRequestParams::new(self.id.as_str());
        self.tell(methods::TasksCancel::NAME, &params).await.map(drop)
    }

    /// Waits for the end within `total`, and cancels the task when it is not waited for any longer.
    pub(crate) async fn finish(self, total: Duration) -> Result<ToolResult, Error> {
        let mut leash = Leash(Some(self));
        let Some(task) = &leash.0 else { return Err(Error::Closed) };
        let Ok(ended) = timeout(total, task.wait()).await else {
            let deadline = mcp_transport::Deadline::Total(total);
            return Err(Error::TimedOut(Timeout { waiting_for: "the task of `tools/call`".to_owned(), deadline }));
        };
        if matches!(ended, Ok(_) | Err(Error::Rpc(_) | Error::TaskCancelled { .. })) {
            leash.0 = None;
        }
        ended
    }

    async fn poll_patiently(&self) -> Result<DetailedTask, Error> {
        let limits = &self.client.inner.limits;
        let mut failures = 0;
        loop {
            match self.poll().await {
                Err(error) if failures < limits.reconnects && self.is_passing(&error) => {
                    let asked_for = match &error {
                        Error::Http(failure) => failure.retry_after.unwrap_or_default().min(limits.retry_max),
                        _ => Duration::ZERO,
                    };
                    sleep(backoff(failures, random(), limits).max(asked_for)).await;
                    failures += 1;
                }
                looked => return looked,
            }
        }
    }

    /// Returns whether another look may succeed.
    fn is_passing(&self, error: &Error) -> bool {
        match error {
            Error::Environment(_) | Error::TimedOut(_) => true,
            Error::Closed | Error::Exited(_) | Error::SessionEnded => self.client.inner.can_come_back(),
            Error::Http(failure) => matches!(failure.status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    async fn answer(&self, questions: &[(String, InputRequest)]) -> Result<(), Error> {
        let connection = self.client.inner.connection();
        let asked = questions.iter().map(|(key, question)| self.client.consult(key, question, &connection));
        let replies = try_join_all(asked).await?;
        let mut answers = JsonObject::new();
        // `try_join_all` keeps the order.
        for ((_, question), (key, reply)) in questions.iter().zip(replies) {
            let settled = reply::settle(question, reply);
            let unfit = |wrong: reply::WrongReply| Misuse::Answer { method: question.method(), why: wrong.to_string() };
            answers.insert(key, settled.map_err(unfit)?);
        }
        self.update(answers.into()).await
    }

    async fn tell(&self, method: &'static str, params: &impl Serialize) -> Result<RawJson, Error> {
        let params = RawJson::encode(params).map_err(|error| Error::params(method, error))?;
        self.client.call_raw(method, params).await
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The id is as good as a key (house 2.8).
        f.debug_struct("TaskHandle").finish_non_exhaustive()
    }
}

/// Cancels a task when it is dropped.
struct Leash(Option<TaskHandle>);

impl Drop for Leash {
    fn drop(&mut self) {
        // Without a runtime there is no connection either.
        if let (Some(task), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { drop(task.cancel().await) });
        }
    }
}
