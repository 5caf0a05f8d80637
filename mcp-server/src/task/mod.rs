//! Calls of tools that outlive their request (the extension `io.modelcontextprotocol/tasks`, XT-1 to XT-15).
//!
//! The surprising thing: a task is the same handler, and even the same future. The call that began it is answered with
//! the task, and somebody else goes on polling.

mod any_store;
mod memory;
mod record;
mod run;
mod store;
mod time;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mcp_types::{RpcError, TASKS_EXTENSION};

pub(crate) use any_store::AnyTaskStore;
pub use memory::MemoryTasks;
pub(crate) use record::Pace;
pub use record::{TaskChange, TaskRecord};
pub(crate) use run::{Running, begin};
pub use store::{NoTasks, TaskStore, TaskStoreError};
pub(crate) use time::since_1970;

use crate::context::Cx;

/// Whether the calls of a tool become tasks, for clients that declare the extension.
///
/// Clients of revisions before 2026-07-28 do not have it; for them every tool runs within its call (XT-15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskMode {
    /// They do for clients that declare the extension; for others the tool runs within its call.
    Optional,
    /// They do; a modern client that does not declare the extension is refused (−32021).
    Required,
}

/// Where the tasks of a server are, and how they are kept.
pub(crate) struct Tasks {
    pub(crate) store: Arc<dyn AnyTaskStore>,
    pub(crate) pace: Pace,
}

impl Tasks {
    /// Finds a task of a principal; whose it is, is checked every time (XT-13).
    ///
    /// # Errors
    ///
    /// Says that there is none (−32602), in the same words when it is somebody else's.
    pub(crate) async fn find(
        &self,
        id: &str,
        principal: Option<&str>,
        now: SystemTime,
    ) -> Result<TaskRecord, RpcError> {
        let found = self.store.get(id, now).await.map_err(|error| unavailable(&error))?;
        found.filter(|record| record.principal() == principal).ok_or_else(|| unknown(id))
    }
}

/// Says that there is no task of that id, or none any more (XT-9).
pub(crate) fn unknown(id: &str) -> RpcError {
    RpcError::invalid_params(format!("unknown task `{}`", crate::text::shorten(id, 120)))
}

pub(crate) fn unavailable(error: &TaskStoreError) -> RpcError {
    RpcError::internal(error.to_string())
}

impl Cx {
    /// Goes on as a task: the client gets the task at once and the result later. Returns whether it is one now.
    ///
    /// It stays a plain call when the caller does not declare the extension, when the server keeps no tasks, and in
    /// prompts and resources. Questions before this are asked in rounds, questions after it in the task (XT-10). A task
    /// has no progress and no log messages; [`task_message`](Self::task_message) says how it is doing (XT-11).
    ///
    /// # Cancel safety
    ///
    /// A handler that drops this future may become a task all the same.
    pub async fn become_task(&self) -> bool {
        if self.asking().task().is_some() {
            return true;
        }
        if !self.may_become_task() {
            return false;
        }
        self.asking().detach().await;
        true
    }

    /// Says for humans how the task is doing (`statusMessage`); does nothing in a call that is none.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has told the message wholly or not at all.
    pub async fn task_message(&self, text: impl Into<String> + Send) {
        if let Some(task) = self.asking().task().cloned() {
            task.message(self, text.into()).await;
        }
    }

    pub(crate) fn may_become_task(&self) -> bool {
        self.is_tool()
            && self.caller().session().is_none()
            && self.core().tasks.store.keeps()
            && self.capabilities().extension(TASKS_EXTENSION).is_some()
    }
}

/// How long a task is kept unless said.
pub(crate) const LIFE: Duration = Duration::from_secs(3_600);
/// How often clients look at a task unless said.
pub(crate) const POLL: Duration = Duration::from_secs(1);
