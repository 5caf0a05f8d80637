//! What to do about a task that has been looked at (XT-4 to XT-7, XT-13).
//!
//! Pure. The surprising thing: a task shows its questions until it has taken in the answers, which may be later than it
//! was given them; so who has answered a key once never answers it again.

use std::collections::HashSet;
use std::time::Duration;

use mcp_transport::Limits;
use mcp_types::{ClientCapabilities, DetailedTask, Features, InputRequest, RawJson, RpcError, TaskStatus};

use crate::input::question;

/// Follows one task.
#[derive(Debug)]
pub(crate) struct Watch {
    id: String,
    answered: HashSet<String>,
    rounds: usize,
    most_rounds: usize,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Answer these questions.
    Ask(Vec<(String, InputRequest)>),
    /// It was cancelled; why, if it says.
    Cancelled(Option<String>),
    /// It is done.
    Done(RawJson),
    /// It failed.
    Failed(RpcError),
    /// Look again after this time.
    Wait(Duration),
}

impl Watch {
    /// Begins to follow a task.
    pub(crate) fn new(id: impl Into<String>, limits: &Limits) -> Self {
        Self { id: id.into(), answered: HashSet::new(), rounds: 0, most_rounds: limits.input_rounds }
    }

    /// Takes what a look at the task shows.
    ///
    /// # Errors
    ///
    /// Says what the server does wrong.
    pub(crate) fn handle(
        &mut self,
        task: DetailedTask,
        declared: &ClientCapabilities,
        features: Features,
    ) -> Result<Step, String> {
        if task.task_id != self.id {
            return Err("it shows another task than the one that was asked for".to_owned());
        }
        let wait = Step::Wait(interval(task.poll_interval_ms));
        match task.status {
            TaskStatus::Cancelled => Ok(Step::Cancelled(task.status_message)),
            TaskStatus::Completed => {
                task.result.map(Step::Done).ok_or_else(|| "the task is completed and has no result".to_owned())
            }
            TaskStatus::Failed => {
                let why = task.status_message.unwrap_or_else(|| "the task failed and does not say why".to_owned());
                Ok(Step::Failed(task.error.unwrap_or_else(|| RpcError::internal(why))))
            }
            TaskStatus::InputRequired => {
                let all = task.input_requests.unwrap_or_default();
                let open: Vec<_> = all
                    .iter()
                    .filter(|(key, _)| !self.answered.contains(*key))
                    .map(|(key, question)| (key.to_owned(), question.clone()))
                    .collect();
                if open.is_empty() { Ok(wait) } else { self.ask(open, declared, features) }
            }
            // A status that a later revision adds is no end that anybody here knows.
            _ => Ok(wait),
        }
    }

    fn ask(
        &mut self,
        open: Vec<(String, InputRequest)>,
        declared: &ClientCapabilities,
        features: Features,
    ) -> Result<Step, String> {
        if self.rounds >= self.most_rounds {
            return Err(format!("the task asked {} times; raise `input_rounds` if it is right to", self.most_rounds));
        }
        if open.len() > MOST_QUESTIONS {
            return Err(format!("the task asks more than {MOST_QUESTIONS} questions at once"));
        }
        for (key, asked) in &open {
            if let Err(fault) = question::check(asked, declared, features) {
                return Err(format!("{fault} (the question {key:?})"));
            }
        }
        self.rounds = self.rounds.saturating_add(1);
        self.answered.extend(open.iter().map(|(key, _)| key.clone()));
        Ok(Step::Ask(open))
    }
}

/// Returns how long to wait between two looks (XT-13).
pub(crate) fn interval(asked_for: Option<u64>) -> Duration {
    asked_for.map_or(USUAL_INTERVAL, Duration::from_millis).max(SHORTEST_INTERVAL)
}

/// When the server does not say.
const USUAL_INTERVAL: Duration = Duration::from_secs(1);
/// However impatient the server is.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);
/// The questions of one look that are put to a program (P-19).
const MOST_QUESTIONS: usize = 64;

#[cfg(test)]
mod tests {
    use mcp_types::Revision;

    use super::*;

    fn watch() -> Watch {
        Watch::new("1", &Limits::default().input_rounds(2))
    }

    fn handle(watch: &mut Watch, status: &str, more: &str) -> Result<Step, String> {
        let text = format!(
            r#"{{"taskId":"1","status":"{status}","createdAt":"2026-07-28T00:00:00Z","lastUpdatedAt":"2026-07-28T00:00:00Z","ttlMs":null{more}}}"#
        );
        let declared = serde_json::from_str(r#"{"roots":{}}"#).unwrap();
        watch.handle(serde_json::from_str(&text).unwrap(), &declared, Revision::LATEST.features())
    }

    fn asks(keys: &[&str]) -> String {
        let all: Vec<_> = keys.iter().map(|key| format!(r#""{key}":{{"method":"roots/list"}}"#)).collect();
        format!(r#","inputRequests":{{{}}}"#, all.join(","))
    }

    #[test]
    fn a_task_is_looked_at_as_often_as_it_says_xt_13() {
        let wait = |more: &str| handle(&mut watch(), "working", more).unwrap();
        assert_eq!(wait(""), Step::Wait(Duration::from_secs(1)));
        assert_eq!(wait(r#","pollIntervalMs":5000"#), Step::Wait(Duration::from_secs(5)));
        assert_eq!(wait(r#","pollIntervalMs":0"#), Step::Wait(Duration::from_millis(50)));
        assert!(matches!(handle(&mut watch(), "later", ""), Ok(Step::Wait(_))));
    }

    #[test]
    fn three_statuses_end_a_task_xt_5() {
        let done = handle(&mut watch(), "completed", r#","result":{"content":[]}"#).unwrap();
        assert_eq!(done, Step::Done(RawJson::parse(r#"{"content":[]}"#.to_owned()).unwrap()));
        assert!(handle(&mut watch(), "completed", "").is_err());
        let failed = handle(&mut watch(), "failed", r#","error":{"code":-32000,"message":"no"}"#).unwrap();
        assert!(matches!(failed, Step::Failed(error) if error.code.0 == -32000));
        let failed = handle(&mut watch(), "failed", r#","statusMessage":"no disk""#).unwrap();
        assert!(matches!(failed, Step::Failed(error) if error.message == "no disk"));
        assert_eq!(handle(&mut watch(), "cancelled", "").unwrap(), Step::Cancelled(None));
    }

    #[test]
    fn a_question_is_answered_once_however_long_it_is_shown_xt_7() {
        let mut watch = watch();
        let keys = |step: Step| match step {
            Step::Ask(all) => all.into_iter().map(|(key, _)| key).collect(),
            _ => Vec::new(),
        };
        assert_eq!(keys(handle(&mut watch, "input_required", &asks(&["a"])).unwrap()), ["a"]);
        assert!(matches!(handle(&mut watch, "input_required", &asks(&["a"])), Ok(Step::Wait(_))));
        assert_eq!(keys(handle(&mut watch, "input_required", &asks(&["a", "b"])).unwrap()), ["b"]);
        assert!(handle(&mut watch, "input_required", &asks(&["c"])).unwrap_err().contains("2 times"));
    }

    #[test]
    fn what_was_not_declared_is_not_asked_xt_13() {
        let sample =
            r#","inputRequests":{"m":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}}"#;
        assert!(handle(&mut watch(), "input_required", sample).unwrap_err().contains("sampling"));
    }

    #[test]
    fn a_look_at_another_task_is_no_look() {
        let text = r#"{"taskId":"2","status":"working","createdAt":"","lastUpdatedAt":"","ttlMs":null}"#;
        let task = serde_json::from_str(text).unwrap();
        assert!(watch().handle(task, &ClientCapabilities::new(), Revision::LATEST.features()).is_err());
    }
}
