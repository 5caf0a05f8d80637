//! Tool calls that outlive their request (the extension `io.modelcontextprotocol/tasks`, SEP-2663, XT-1 to XT-13).
//!
//! The surprising thing: a result of this extension is flat, the task and the result in one object. The experimental
//! tasks of 2025-11-25 are something else: see [`legacy_tasks`](crate::legacy_tasks).

use crate::base::ResultType;
use crate::input_required::{InputRequests, InputResponses};
use crate::json::RawJson;
use crate::meta::{Meta, RequestMeta, ResultMeta};
use crate::object::{Endless, Milliseconds, object, words};
use crate::rpc::RpcError;

/// The identifier of the extension.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

words! {
    /// How a task is doing.
    pub enum TaskStatus {
        /// It was cancelled; final.
        Cancelled = "cancelled",
        /// It has a result; final.
        Completed = "completed",
        /// It has an error; final.
        Failed = "failed",
        /// It waits for the client.
        InputRequired = "input_required",
        /// It runs.
        Working = "working",
    }
}

impl TaskStatus {
    /// Returns whether the status never changes again (XT-5).
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Completed | Self::Failed)
    }
}

object! {
    /// A result that says that the request goes on as a task.
    pub struct CreateTaskResult {
        tag "resultType" = "task";
        required {
            /// By what the task is named; not to be guessed.
            task_id: String = "taskId",
            /// How it is doing.
            status: TaskStatus = "status",
            /// When it began, as ISO 8601.
            created_at: String = "createdAt",
            /// When it last changed, as ISO 8601.
            last_updated_at: String = "lastUpdatedAt",
        }
        lenient {
            /// For how many milliseconds from its beginning it is kept; `null` for ever.
            ttl_ms: Option<u64> = "ttlMs" via Endless,
        }
        optional {
            /// How it is doing, for humans.
            status_message: String = "statusMessage",
            /// How many milliseconds to wait between two looks.
            poll_interval_ms: u64 = "pollIntervalMs" via Milliseconds,
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

object! {
    /// A task with all there is to know: the answer to `tasks/get`.
    pub struct DetailedTask {
        required {
            /// By what the task is named.
            task_id: String = "taskId",
            /// How it is doing.
            status: TaskStatus = "status",
            /// When it began, as ISO 8601.
            created_at: String = "createdAt",
            /// When it last changed, as ISO 8601.
            last_updated_at: String = "lastUpdatedAt",
        }
        lenient {
            /// For how many milliseconds from its beginning it is kept; `null` for ever.
            ttl_ms: Option<u64> = "ttlMs" via Endless,
        }
        optional {
            /// How it is doing, for humans.
            status_message: String = "statusMessage",
            /// How many milliseconds to wait between two looks.
            poll_interval_ms: u64 = "pollIntervalMs" via Milliseconds,
            /// What the task waits for, when its status is `input_required`.
            input_requests: InputRequests = "inputRequests",
            /// The result of the request, when its status is `completed`; a failed tool is one too.
            result: RawJson = "result",
            /// The error of the request, when its status is `failed`.
            error: RpcError = "error",
            /// What kind of result this is: complete, whatever the task is (XT-6).
            result_type: ResultType = "resultType",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

object! {
    /// A task with all there is to know: the parameters of `notifications/tasks`.
    pub struct TaskNotificationParams {
        required {
            /// By what the task is named.
            task_id: String = "taskId",
            /// How it is doing.
            status: TaskStatus = "status",
            /// When it began, as ISO 8601.
            created_at: String = "createdAt",
            /// When it last changed, as ISO 8601.
            last_updated_at: String = "lastUpdatedAt",
        }
        lenient {
            /// For how many milliseconds from its beginning it is kept; `null` for ever.
            ttl_ms: Option<u64> = "ttlMs" via Endless,
        }
        optional {
            /// How it is doing, for humans.
            status_message: String = "statusMessage",
            /// How many milliseconds to wait between two looks.
            poll_interval_ms: u64 = "pollIntervalMs" via Milliseconds,
            /// What the task waits for, when its status is `input_required`.
            input_requests: InputRequests = "inputRequests",
            /// The result of the request, when its status is `completed`; a failed tool is one too.
            result: RawJson = "result",
            /// The error of the request, when its status is `failed`.
            error: RpcError = "error",
            /// What every notification may carry.
            meta: Meta = "_meta",
        }
    }
}

impl From<DetailedTask> for TaskNotificationParams {
    /// Tells what `tasks/get` would answer; what belongs to the answer itself, such as `_meta`, stays behind.
    fn from(task: DetailedTask) -> Self {
        Self {
            task_id: task.task_id,
            status: task.status,
            created_at: task.created_at,
            last_updated_at: task.last_updated_at,
            ttl_ms: task.ttl_ms,
            status_message: task.status_message,
            poll_interval_ms: task.poll_interval_ms,
            input_requests: task.input_requests,
            result: task.result,
            error: task.error,
            meta: None,
            extra: task.extra,
        }
    }
}

object! {
    /// The parameters of `tasks/get`, and of `tasks/result` in 2025-11-25.
    pub struct GetTaskRequestParams {
        required {
            /// Which task.
            task_id: String = "taskId",
        }
        optional {
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The parameters of `tasks/update`.
    pub struct UpdateTaskRequestParams {
        required {
            /// Which task.
            task_id: String = "taskId",
            /// What the client answers, in part or in whole.
            input_responses: InputResponses = "inputResponses",
        }
        optional {
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

object! {
    /// The parameters of `tasks/cancel`.
    pub struct CancelTaskRequestParams {
        required {
            /// Which task.
            task_id: String = "taskId",
        }
        optional {
            /// What every request may carry.
            meta: RequestMeta = "_meta",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_without_end_says_null() {
        let task = CreateTaskResult::new("1", "working", "2026-07-28T00:00:00Z", "2026-07-28T00:00:00Z");
        let text = serde_json::to_string(&task).unwrap();
        assert!(text.starts_with(r#"{"resultType":"task","taskId":"1""#), "{text}");
        assert!(text.ends_with(r#""ttlMs":null}"#), "{text}");
        let limited = task.ttl_ms(60_000_u64);
        let text = serde_json::to_string(&limited).unwrap();
        assert_eq!(serde_json::from_str::<CreateTaskResult>(&text).unwrap(), limited);
        let read: CreateTaskResult = serde_json::from_str(&text.replace("60000", "6e4")).unwrap();
        assert_eq!(read.ttl_ms, Some(60_000));
    }

    #[test]
    fn a_notification_tells_what_a_look_at_the_task_would_show() {
        let task = DetailedTask::new("1", "completed", "2026-07-28T00:00:00Z", "2026-07-28T00:00:00Z")
            .result(serde_json::json!({"content": []}))
            .result_type("complete")
            .meta(ResultMeta::new());
        let told = serde_json::to_value(TaskNotificationParams::from(task.clone())).unwrap();
        let mut shown = serde_json::to_value(&task).unwrap();
        shown.as_object_mut().unwrap().retain(|key, _| key != "resultType" && key != "_meta");
        assert_eq!(told, shown);
    }

    #[test]
    fn three_statuses_are_final() {
        let of = |word: &str| TaskStatus::from(word).is_final();
        assert!(of("completed") && of("failed") && of("cancelled"));
        assert!(!of("working") && !of("input_required") && !of("later"));
    }
}
