//! Tasks in the memory of a process.
//!
//! The surprising thing: it refuses a task rather than forgetting another one. A client was promised that it can look at
//! its task until its time is over.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use mcp_types::{JsonObject, RpcError};
use tokio::sync::watch;

use super::record::{TaskChange, TaskRecord};
use super::store::{TaskStore, TaskStoreError};

/// Keeps tasks in the memory of this process, within bounds.
#[derive(Debug)]
pub struct MemoryTasks {
    most: usize,
    most_of_principal: usize,
    most_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tasks: HashMap<String, Task>,
    /// The sum of the bytes of all tasks.
    bytes: usize,
    /// When expired tasks are looked for again.
    sweep: Option<SystemTime>,
}

#[derive(Debug)]
struct Task {
    record: TaskRecord,
    version: watch::Sender<u64>,
    /// The bytes of its result and of what its client answered.
    bytes: usize,
}

impl MemoryTasks {
    /// Makes a store of at most 10 000 tasks, 1 000 of one principal, with 256 MiB of results and answers in all.
    pub fn new() -> Self {
        Self { most: MOST, most_of_principal: MOST_OF_PRINCIPAL, most_bytes: MOST_BYTES, kept: Mutex::default() }
    }

    /// Sets how many tasks are kept; those that ended count until they expire.
    #[must_use]
    pub fn most(mut self, tasks: usize) -> Self {
        self.most = tasks;
        self
    }

    /// Sets how many tasks of one principal are kept; where nobody is authenticated, only [`most`](Self::most) counts.
    #[must_use]
    pub fn most_of_principal(mut self, tasks: usize) -> Self {
        self.most_of_principal = tasks;
        self
    }

    /// Sets how many bytes of results and answers are kept. A task whose result has no room fails.
    #[must_use]
    pub fn most_bytes(mut self, bytes: usize) -> Self {
        self.most_bytes = bytes;
        self
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // The state is consistent between any two statements that can panic, so poisoning means nothing.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Forgets what expired, at most once a minute unless there is no room.
    fn sweep(&mut self, now: SystemTime, is_full: bool) {
        if !is_full && self.sweep.is_some_and(|at| now < at) {
            return;
        }
        self.sweep = now.checked_add(SWEEP);
        self.tasks.retain(|_, task| !task.record.is_expired(now));
        self.bytes = self.tasks.values().map(|task| task.bytes).sum();
    }

    fn forget(&mut self, id: &str) {
        if let Some(task) = self.tasks.remove(id) {
            self.bytes = self.bytes.saturating_sub(task.bytes);
        }
    }

    fn of_principal(&self, principal: Option<&str>) -> usize {
        principal.map_or(0, |_| self.tasks.values().filter(|task| task.record.principal() == principal).count())
    }
}

impl Default for MemoryTasks {
    fn default() -> Self {
        Self::new()
    }
}

impl TaskStore for MemoryTasks {
    async fn create(&self, record: TaskRecord, now: SystemTime) -> Result<(), TaskStoreError> {
        let mut kept = self.lock();
        let is_full = kept.tasks.len() >= self.most;
        kept.sweep(now, is_full);
        if kept.tasks.len() >= self.most {
            return Err(TaskStoreError::full(self.most));
        }
        if kept.of_principal(record.principal()) >= self.most_of_principal {
            return Err(TaskStoreError::full(self.most_of_principal));
        }
        let version = watch::Sender::new(record.version());
        kept.tasks.insert(record.id().to_owned(), Task { record, version, bytes: 0 });
        Ok(())
    }

    async fn get(&self, id: &str, now: SystemTime) -> Result<Option<TaskRecord>, TaskStoreError> {
        let mut kept = self.lock();
        if kept.tasks.get(id).is_some_and(|task| task.record.is_expired(now)) {
            kept.forget(id);
        }
        Ok(kept.tasks.get(id).map(|task| task.record.clone()))
    }

    async fn apply(&self, id: &str, change: TaskChange, now: SystemTime) -> Result<Option<TaskRecord>, TaskStoreError> {
        let mut kept = self.lock();
        let held = kept.bytes;
        let Some(task) = kept.tasks.get_mut(id).filter(|task| !task.record.is_expired(now)) else { return Ok(None) };
        let bytes = size(&change);
        let has_room = held.saturating_add(bytes) <= self.most_bytes;
        let change = match change {
            _ if has_room => change,
            TaskChange::Complete(_) => {
                let why = "the result of this task has no room in this server; ask for less, or try again later";
                TaskChange::Fail(RpcError::internal(why))
            }
            _ => return Err(TaskStoreError::unavailable("too many bytes are kept")),
        };
        if task.record.apply(change, now) {
            task.version.send_replace(task.record.version());
            if has_room {
                task.bytes = task.bytes.saturating_add(bytes);
                kept.bytes = held.saturating_add(bytes);
            }
        }
        Ok(kept.tasks.get(id).map(|task| task.record.clone()))
    }

    async fn changed(&self, id: &str, seen: u64) -> Result<(), TaskStoreError> {
        let version = self.lock().tasks.get(id).map(|task| task.version.subscribe());
        if let Some(mut version) = version {
            // An error says that the task is gone.
            let _ = version.wait_for(|version| *version != seen).await;
        }
        Ok(())
    }
}

/// Returns how many bytes of a peer or of a handler a change brings.
fn size(change: &TaskChange) -> usize {
    let of = |object: &JsonObject| object.iter().map(|(key, value)| key.len() + value.as_bytes().len()).sum();
    match change {
        TaskChange::Answer(answers) => of(answers),
        TaskChange::Complete(result) => result.as_bytes().len(),
        TaskChange::Message(text) => text.len(),
        TaskChange::Ask(..) | TaskChange::Cancel | TaskChange::Fail(_) => 0,
    }
}

/// How much is kept unless said.
const MOST: usize = 10_000;
const MOST_OF_PRINCIPAL: usize = 1_000;
const MOST_BYTES: usize = 256 * 1024 * 1024;
const SWEEP: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt;
    use mcp_types::RawJson;

    use super::super::record::Pace;
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn of(id: &str, principal: Option<&str>) -> TaskRecord {
        let pace = Pace { life: Some(Duration::from_secs(60)), poll: Duration::from_secs(1) };
        TaskRecord::new(id.to_owned(), principal.map(str::to_owned), pace, NOW)
    }

    fn record(id: &str) -> TaskRecord {
        of(id, None)
    }

    fn result(bytes: usize) -> TaskChange {
        TaskChange::Complete(RawJson::from(serde_json::json!("x".repeat(bytes - 2))))
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
    async fn one_principal_leaves_room_for_others() {
        let store = MemoryTasks::new().most_of_principal(1);
        store.create(of("a", Some("ann")), NOW).await.unwrap();
        assert!(store.create(of("b", Some("ann")), NOW).await.unwrap_err().is_full());
        store.create(of("c", Some("bob")), NOW).await.unwrap();
        store.create(of("d", None), NOW).await.unwrap();
        store.create(of("e", None), NOW).await.unwrap();
    }

    #[tokio::test]
    async fn a_result_without_room_fails_its_task_and_expiry_makes_room() {
        let store = MemoryTasks::new().most_bytes(100);
        for id in ["a", "b"] {
            store.create(record(id), NOW).await.unwrap();
        }
        let of = async |id: &str, bytes: usize| {
            let record = store.apply(id, result(bytes), NOW).await.unwrap().unwrap();
            record.task().status.as_str().to_owned()
        };
        assert_eq!(of("a", 60).await, "completed");
        assert_eq!(of("b", 41).await, "failed");
        let later = NOW + Duration::from_secs(60);
        assert_eq!(store.get("a", later).await.unwrap(), None);
        assert_eq!(store.lock().bytes, 0);
    }

    #[tokio::test]
    async fn who_waits_learns_of_a_change_also_when_it_came_first() {
        let store = Arc::new(MemoryTasks::new());
        store.create(record("a"), NOW).await.unwrap();
        let mut waiting = store.changed("a", 0).boxed();
        assert!((&mut waiting).now_or_never().is_none());
        store.apply("a", result(2), NOW).await.unwrap();
        waiting.await.unwrap();
        store.changed("a", 0).now_or_never().unwrap().unwrap();
        assert!(store.changed("a", 1).now_or_never().is_none());
        store.changed("gone", 0).now_or_never().unwrap().unwrap();
    }
}
