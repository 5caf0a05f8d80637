//! Where tasks are kept (XT-3, XT-13, XT-14): the trait, and a store that keeps nothing.
//!
//! The surprising thing: a store has no rules of its own. What may follow what is decided by
//! [`TaskRecord::apply`], the same for every store.

use std::error::Error as StdError;
use std::fmt;
use std::time::SystemTime;

use super::record::{TaskChange, TaskRecord};
use crate::reply::BoxError;

/// Keeps tasks.
///
/// Implementors owe: a record that [`create`](Self::create) took can be read until it expires, by every process that
/// shares the store; [`apply`](Self::apply) loads, changes and saves as one step, or two answers at once lose one. The
/// rules of tasks are in [`TaskRecord::apply`]; a store repeats none of them. Callers owe: ids that nobody can guess.
/// A failure of the store fails the request that needed it, and the server goes on.
///
/// A wrong use is to answer [`changed`](Self::changed) only for changes of this process: the answer to a question may
/// arrive at another one.
///
/// Write the methods as `async fn`.
///
/// ```
/// use std::time::SystemTime;
///
/// use mcp_server::{MemoryTasks, TaskChange, TaskRecord, TaskStore, TaskStoreError};
///
/// /// Tasks that an administrator can switch off.
/// struct Switched {
///     tasks: MemoryTasks,
///     is_on: bool,
/// }
///
/// impl TaskStore for Switched {
///     async fn create(&self, record: TaskRecord, now: SystemTime) -> Result<(), TaskStoreError> {
///         if !self.is_on {
///             return Err(TaskStoreError::unavailable("tasks are switched off"));
///         }
///         self.tasks.create(record, now).await
///     }
///
///     async fn get(&self, id: &str, now: SystemTime) -> Result<Option<TaskRecord>, TaskStoreError> {
///         self.tasks.get(id, now).await
///     }
///
///     async fn apply(
///         &self,
///         id: &str,
///         change: TaskChange,
///         now: SystemTime,
///     ) -> Result<Option<TaskRecord>, TaskStoreError> {
///         self.tasks.apply(id, change, now).await
///     }
///
///     async fn changed(&self, id: &str, seen: u64) -> Result<(), TaskStoreError> {
///         self.tasks.changed(id, seen).await
///     }
/// }
/// ```
pub trait TaskStore: Send + Sync + 'static {
    /// Returns whether tasks are kept at all; without that a server does not declare the extension.
    fn keeps(&self) -> bool {
        true
    }

    /// Keeps a new task, durably before it returns.
    ///
    /// # Errors
    ///
    /// Fails when there is no room or the store cannot be reached.
    fn create(&self, record: TaskRecord, now: SystemTime) -> impl Future<Output = Result<(), TaskStoreError>> + Send;

    /// Returns a task, unless there is none of that id or it expired.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot be reached.
    fn get(&self, id: &str, now: SystemTime)
    -> impl Future<Output = Result<Option<TaskRecord>, TaskStoreError>> + Send;

    /// Applies a change by [`TaskRecord::apply`] and returns the task as it is then.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot be reached.
    fn apply(
        &self,
        id: &str,
        change: TaskChange,
        now: SystemTime,
    ) -> impl Future<Output = Result<Option<TaskRecord>, TaskStoreError>> + Send;

    /// Waits until a task has another version than `seen` or is gone.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    fn changed(&self, id: &str, seen: u64) -> impl Future<Output = Result<(), TaskStoreError>> + Send;
}

/// Why a store could not do what was asked.
#[derive(Debug)]
pub struct TaskStoreError {
    kind: Kind,
    source: Option<BoxError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Full(usize),
    Unavailable,
}

impl TaskStoreError {
    /// Says that there are as many tasks as there may be.
    pub fn full(most: usize) -> Self {
        Self { kind: Kind::Full(most), source: None }
    }

    /// Says that the store cannot be reached, and why.
    pub fn unavailable(cause: impl Into<BoxError>) -> Self {
        Self { kind: Kind::Unavailable, source: Some(cause.into()) }
    }

    /// Returns whether there was no room.
    pub fn is_full(&self) -> bool {
        matches!(self.kind, Kind::Full(_))
    }
}

impl fmt::Display for TaskStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Full(most) => write!(f, "this server keeps {most} tasks and has no room for more; try again later"),
            Kind::Unavailable => f.write_str("tasks cannot be kept at the moment; try again later"),
        }
    }
}

impl StdError for TaskStoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|cause| cause as _)
    }
}

/// Keeps no task: nothing becomes one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTasks;

impl TaskStore for NoTasks {
    fn keeps(&self) -> bool {
        false
    }

    async fn create(&self, _: TaskRecord, _: SystemTime) -> Result<(), TaskStoreError> {
        Err(TaskStoreError::full(0))
    }

    async fn get(&self, _: &str, _: SystemTime) -> Result<Option<TaskRecord>, TaskStoreError> {
        Ok(None)
    }

    async fn apply(&self, _: &str, _: TaskChange, _: SystemTime) -> Result<Option<TaskRecord>, TaskStoreError> {
        Ok(None)
    }

    async fn changed(&self, _: &str, _: u64) -> Result<(), TaskStoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Pace;
    use super::*;

    #[tokio::test]
    async fn the_null_store_keeps_nothing() {
        let now = SystemTime::UNIX_EPOCH;
        let pace = Pace { life: None, poll: std::time::Duration::from_secs(1) };
        let record = TaskRecord::new("a".to_owned(), None, pace, now);
        assert!(!NoTasks.keeps());
        assert!(NoTasks.create(record, now).await.unwrap_err().is_full());
        assert_eq!(NoTasks.get("a", now).await.unwrap(), None);
    }
}
