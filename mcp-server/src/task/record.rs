//! What is kept of a task, and how it changes (XT-4 to XT-8). Pure: the time is an argument.
//!
//! The surprising thing: a store knows none of these rules. It loads a record, applies a change, and saves it, all as one
//! step; what may follow what is decided here.

use std::time::{Duration, SystemTime};

use mcp_types::{
    CreateTaskResult, DetailedTask, InputRequest, InputRequests, JsonObject, RawJson, RpcError, TaskStatus,
};
use serde::{Deserialize, Serialize};

use super::time::{iso_8601, since_1970};

/// A task as a store keeps it. It can be serialized, for stores outside of the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    task: DetailedTask,
    /// Whose it is; nobody else sees it (XT-13).
    principal: Option<String>,
    /// What the client answered, by the keys of the questions.
    answers: JsonObject,
    /// How often it changed.
    version: u64,
    /// Milliseconds since 1970 when it may be forgotten.
    expires: Option<u64>,
}

/// Something that happens to a task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskChange {
    /// The client answers some of what the task waits for.
    Answer(JsonObject),
    /// The task waits for the client, under this key.
    Ask(String, Box<InputRequest>),
    /// It is cancelled.
    Cancel,
    /// It has a result.
    Complete(RawJson),
    /// It has an error.
    Fail(RpcError),
    /// It says how it is doing.
    Message(String),
}

/// How long a task is kept and how often it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// How long it is kept from its beginning; for ever without one.
    pub(crate) life: Option<Duration>,
    pub(crate) poll: Duration,
}

impl TaskRecord {
    /// Makes the record of a task that begins to run.
    pub(crate) fn new(id: String, principal: Option<String>, pace: Pace, now: SystemTime) -> Self {
        let at = iso_8601(now);
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut task = DetailedTask::new(id, TaskStatus::Working, at.clone(), at);
        task.ttl_ms = pace.life.map(millis);
        task.poll_interval_ms = Some(millis(pace.poll).max(1));
        let expires = task.ttl_ms.map(|ttl| millis(since_1970(now)).saturating_add(ttl));
        Self { task, principal, answers: JsonObject::new(), version: 0, expires }
    }

    /// Returns the id.
    pub fn id(&self) -> &str {
        &self.task.task_id
    }

    /// Returns whose the task is; `None` where nobody is authenticated.
    pub fn principal(&self) -> Option<&str> {
        self.principal.as_deref()
    }

    /// Returns what a client may know of the task.
    pub fn task(&self) -> &DetailedTask {
        &self.task
    }

    /// Returns how often the task changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns whether the task never changes again.
    pub fn is_final(&self) -> bool {
        self.task.status.is_final()
    }

    /// Returns whether the task may be forgotten.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|at| since_1970(now) >= Duration::from_millis(at))
    }

    /// Returns what the client answered under a key.
    pub(crate) fn answer(&self, key: &str) -> Option<&RawJson> {
        self.answers.member(key)
    }

    /// Returns the result that says that a call became this task: the task without what comes later (XT-3).
    pub(crate) fn created(&self) -> CreateTaskResult {
        let task = &self.task;
        let mut created = CreateTaskResult::new(
            task.task_id.clone(),
            task.status.clone(),
            task.created_at.clone(),
            task.last_updated_at.clone(),
        );
        created.ttl_ms = task.ttl_ms;
        created.poll_interval_ms = task.poll_interval_ms;
        created.status_message.clone_from(&task.status_message);
        created
    }

    /// Applies a change; returns whether the task is another one now.
    ///
    /// What is final stays as it is (XT-5), and answers to what was not asked are ignored (XT-7).
    pub fn apply(&mut self, change: TaskChange, now: SystemTime) -> bool {
        if self.is_final() || !self.follow(change) {
            return false;
        }
        self.version += 1;
        self.task.last_updated_at = iso_8601(now);
        true
    }

    fn follow(&mut self, change: TaskChange) -> bool {
        match change {
            TaskChange::Answer(answers) => return self.take(&answers),
            // A key is used once in the life of a task.
            TaskChange::Ask(key, _) if self.answers.member(&key).is_some() => return false,
            TaskChange::Ask(key, request) => {
                self.task.input_requests.get_or_insert_with(InputRequests::default).insert(key, *request);
                self.task.status = TaskStatus::InputRequired;
            }
            TaskChange::Cancel => self.end(TaskStatus::Cancelled),
            TaskChange::Complete(result) => {
                self.end(TaskStatus::Completed);
                self.task.result = Some(result);
            }
            TaskChange::Fail(error) => {
                self.end(TaskStatus::Failed);
                self.task.status_message = Some(error.message.clone());
                self.task.error = Some(error);
            }
            TaskChange::Message(message) => self.task.status_message = Some(message),
        }
        true
    }

    fn take(&mut self, answers: &JsonObject) -> bool {
        let waiting = self.task.input_requests.take().unwrap_or_default();
        let before = waiting.len();
        let mut open = InputRequests::default();
        for (key, request) in waiting.iter() {
            match answers.member(key) {
                Some(answer) => drop(self.answers.insert(key, answer.clone())),
                None => drop(open.insert(key, request.clone())),
            }
        }
        let answered = open.len() < before;
        if open.is_empty() {
            self.task.status = TaskStatus::Working;
        } else {
            self.task.input_requests = Some(open);
        }
        answered
    }

    fn end(&mut self, status: TaskStatus) {
        self.task.status = status;
        self.task.input_requests = None;
        self.answers = JsonObject::new();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn record() -> TaskRecord {
        let pace = Pace { life: Some(Duration::from_secs(60)), poll: Duration::from_millis(500) };
        TaskRecord::new("t".to_owned(), None, pace, NOW)
    }

    fn ask(key: &str) -> TaskChange {
        TaskChange::Ask(key.to_owned(), Box::new(InputRequest::ListRoots(None)))
    }

    fn answer(keys: &[&str]) -> TaskChange {
        TaskChange::Answer(keys.iter().map(|key| (*key, RawJson::empty_object())).collect())
    }

    fn shown(record: &TaskRecord) -> Value {
        serde_json::to_value(record.task()).unwrap()
    }

    #[test]
    fn xt_4_a_task_begins_with_everything_that_is_required() {
        let created = serde_json::to_value(record().created()).unwrap();
        assert_eq!(
            created,
            json!({
                "resultType": "task", "taskId": "t", "status": "working", "createdAt": "1970-01-01T00:00:00.000Z",
                "lastUpdatedAt": "1970-01-01T00:00:00.000Z", "ttlMs": 60_000, "pollIntervalMs": 500
            })
        );
    }

    #[test]
    fn xt_7_answers_in_part_leave_what_is_open_and_the_last_one_lets_it_work() {
        let mut record = record();
        assert!(record.apply(ask("a"), NOW) && record.apply(ask("b"), NOW));
        assert_eq!(shown(&record)["status"], "input_required");
        assert!(!record.apply(answer(&["c"]), NOW), "an unknown key is ignored");
        assert!(record.apply(answer(&["a", "c"]), NOW));
        assert_eq!(shown(&record)["inputRequests"], json!({"b": {"method": "roots/list"}}));
        assert!(!record.apply(answer(&["a"]), NOW), "an answered key is ignored");
        assert!(record.apply(answer(&["b"]), NOW));
        assert_eq!((&shown(&record)["status"], shown(&record).get("inputRequests")), (&json!("working"), None));
        assert!(record.answer("a").is_some() && record.answer("c").is_none());
    }

    #[test]
    fn xt_5_what_is_final_never_changes() {
        let ends = [
            TaskChange::Cancel,
            TaskChange::Complete(RawJson::empty_object()),
            TaskChange::Fail(RpcError::internal("no")),
        ];
        for end in ends {
            let mut record = record();
            record.apply(ask("a"), NOW);
            assert!(record.apply(end, NOW));
            let ended = record.clone();
            assert_eq!(shown(&ended).get("inputRequests"), None);
            for later in [ask("b"), answer(&["a"]), TaskChange::Cancel, TaskChange::Message("late".to_owned())] {
                assert!(!record.apply(later, NOW));
            }
            assert_eq!(record, ended);
        }
    }

    #[test]
    fn a_record_survives_being_serialized() {
        let mut record = record();
        record.apply(ask("a"), NOW);
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<TaskRecord>(&text).unwrap(), record);
        assert!(!record.is_expired(NOW + Duration::from_millis(59_999)));
        assert!(record.is_expired(NOW + Duration::from_secs(60)));
    }
}
