//! Where tasks are kept (XT-3, XT-13, XT-14): the trait, a store that keeps nothing, and one in memory.
//!
//! The surprising thing: the memory version refuses a task rather than forgetting another one. A client was promised
//! that it can look at its task until its time is over.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use tokio::sync::watch;

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
#[async_trait]
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
    async fn create(&self, record: TaskRecord, now: SystemTime) -> Result<(), TaskStoreError>;

    /// Returns a task, unless there is none of that id or it expired.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot be reached.
    async fn get(&self, id: &str, now: SystemTime) -> Result<Option<TaskRecord>, TaskStoreError>;

    /// Applies a change by [`TaskRecord::apply`] and returns the task as it is then.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot be reached.
    async fn apply(&self, id: &str, change: TaskChange, now: SystemTime) -> Result<Option<TaskRecord>, TaskStoreError>;

    /// Waits until a task has another version than `seen` or is gone.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    async fn changed(&self, id: &str, seen: u64) -> Result<(), TaskStoreError>;
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

#[async_trait]
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

/// Keeps tasks in the memory of this process, so many at most.
#[derive(Debug)]
pub struct MemoryTasks {
    most: usize,
    tasks: Mutex<HashMap<String, Kept>>,
}

#[derive(Debug)]
struct Kept {
    record: TaskRecord,
    version: watch::Sender<u64>,
}

impl MemoryTasks {
    /// Makes a store of at most 10 000 tasks.
    pub fn new() -> Self {
        Self { most: MOST, tasks: Mutex::default() }
    }

    /// Sets how many tasks are kept; those that ended count until they expire.
    #[must_use]
    pub fn most(mut self, tasks: usize) -> Self {
        self.most = tasks;
        self
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        // Every change is one statement, so a poisoned lock guards a consistent state.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryTasks {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl TaskStore for MemoryTasks {
    async fn create(&self, record: TaskRecord, now: SystemTime) -> Result<(), TaskStoreError> {
        let mut tasks = self.lock();
        if tasks.len() >= self.most {
            tasks.retain(|_, kept| !kept.record.is_expired(now));
        }
        if tasks.len() >= self.most {
            return Err(TaskStoreError::full(self.most));
        }
        let version = watch::Sender::new(record.version());
        tasks.insert(record.id().to_owned(), Kept { record, version });
        Ok(())
    }

    async fn get(&self, id: &str, now: SystemTime) -> Result<Option<TaskRecord>, TaskStoreError> {
        let mut tasks = self.lock();
        if tasks.get(id).is_some_and(|kept| kept.record.is_expired(now)) {
            tasks.remove(id);
        }
        Ok(tasks.get(id).map(|kept| kept.record.clone()))
    }

    async fn apply(&self, id: &str, change: TaskChange, now: SystemTime) -> Result<Option<TaskRecord>, TaskStoreError> {
        let mut tasks = self.lock();
        let Some(kept) = tasks.get_mut(id).filter(|kept| !kept.record.is_expired(now)) else { return Ok(None) };
        if kept.record.apply(change, now) {
            kept.version.send_replace(kept.record.version());
        }
        Ok(Some(kept.record.clone()))
    }

    async fn changed(&self, id: &str, seen: u64) -> Result<(), TaskStoreError> {
        let version = self.lock().get(id).map(|kept| kept.version.subscribe());
        if let Some(mut version) = version {
            // An error says that the task is gone.
            let _ = version.wait_for(|version| *version != seen).await;
        }
        Ok(())
    }
}

/// How many tasks are kept unless said.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures::FutureExt;
    use mcp_types::RawJson;

    use super::super::record::Pace;
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn record(id: &str) -> TaskRecord {
        let pace = Pace { life: Some(Duration::from_secs(60)), poll: Duration::from_secs(1) };
        TaskRecord::new(id.to_owned(), None, pace, NOW)
    }

    #[tokio::test]
    async fn a_full_store_refuses_until_a_task_expires() {
        let store = MemoryTasks::new().most(2);
        store.create(record("a"), NOW).await.unwrap();
        store.create(record("b"), NOW).await.unwrap();
        assert!(store.create(record("c"), NOW).await.unwrap_err().is_full());
        assert!(store.get("a", NOW).await.unwrap().is_some(), "nothing is forgotten for a newcomer");
        let later = NOW + Duration::from_secs(60);
        store.create(record("c"), later).await.unwrap();
        assert_eq!(store.get("a", later).await.unwrap(), None);
    }

    #[tokio::test]
    async fn who_waits_learns_of_a_change_also_when_it_came_first() {
        let store = Arc::new(MemoryTasks::new());
        store.create(record("a"), NOW).await.unwrap();
        let mut waiting = store.changed("a", 0).boxed();
        assert!((&mut waiting).now_or_never().is_none());
        store.apply("a", TaskChange::Complete(RawJson::empty_object()), NOW).await.unwrap();
        waiting.await.unwrap();
        store.changed("a", 0).now_or_never().unwrap().unwrap();
        assert!(store.changed("a", 1).now_or_never().is_none());
        store.changed("gone", 0).now_or_never().unwrap().unwrap();
    }

    #[tokio::test]
    async fn the_null_store_keeps_nothing() {
        assert!(!NoTasks.keeps());
        assert!(NoTasks.create(record("a"), NOW).await.unwrap_err().is_full());
        assert_eq!(NoTasks.get("a", NOW).await.unwrap(), None);
    }
}
