//! The experimental tasks of 2025-11-25, which no other revision has.
//!
//! The surprising thing: almost every name is that of the later [extension](crate::tasks), and almost every shape is
//! not: the task is wrapped, times are called `ttl` and `pollInterval`, either side can ask.

use crate::base::Cursor;
use crate::meta::ResultMeta;
use crate::object::{Endless, Milliseconds, object};
use crate::tasks::TaskStatus;

/// The key of `_meta` that names the task a message belongs to.
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

object! {
    /// Asks for a task in place of a result.
    pub struct TaskMetadata {
        optional {
            /// For how many milliseconds to keep it.
            ttl: u64 = "ttl" via Milliseconds,
        }
    }
}

object! {
    /// The value of [`RELATED_TASK`] in `_meta`.
    pub struct RelatedTaskMetadata {
        required {
            /// The task that a message belongs to.
            task_id: String = "taskId",
        }
    }
}

object! {
    /// A task of 2025-11-25: the answer to `tasks/get` and `tasks/cancel`, the parameters of `notifications/tasks/status`.
    pub struct LegacyTask {
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
            ttl: Option<u64> = "ttl" via Endless,
        }
        optional {
            /// How it is doing, for humans.
            status_message: String = "statusMessage",
            /// How many milliseconds to wait between two looks.
            poll_interval: u64 = "pollInterval" via Milliseconds,
            /// What every result and every notification may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

object! {
    /// A result of 2025-11-25 that says that the request goes on as a task.
    pub struct LegacyCreateTaskResult {
        required {
            /// The task.
            task: LegacyTask = "task",
        }
        optional {
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}

object! {
    /// The answer to `tasks/list`.
    pub struct LegacyListTasksResult {
        required {
            /// One page of the tasks.
            tasks: Vec<LegacyTask> = "tasks",
        }
        optional {
            /// Where the next page begins; absent on the last one.
            next_cursor: Cursor = "nextCursor",
            /// What every result may carry.
            meta: ResultMeta = "_meta",
        }
    }
}
