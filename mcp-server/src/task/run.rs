//! A handler that runs on as a task, from its beginning to its final state (XT-3, XT-5, XT-8, XT-10).
//!
//! The surprising thing: cancelling is a change of the record and nothing else. Whoever runs the task sees that it is
//! final and drops the handler, also when another process said so.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{Either, select};
use mcp_transport::Answer;
use mcp_types::{InputRequest, RawJson, RpcError, ToolsCallOutcome};

use super::record::{TaskChange, TaskRecord};
use super::unavailable;
use crate::ask::{AskError, answer_all};
use crate::context::{Cx, Ending};
use crate::era;
use crate::random;
use crate::reply;
use crate::run::{Caught, Named, Stopped};
use crate::service::Core;
use crate::tool::{Ran, ToolEntry};

/// The task that a call became, as its handler sees it.
pub(crate) struct Running {
    id: String,
}

/// Makes a task of a call whose handler goes on in it, and answers the call with it.
///
/// # Errors
///
/// Fails when the task cannot be kept; the handler is then dropped.
pub(crate) async fn begin(core: &Arc<Core>, cx: Ending, tool: Arc<ToolEntry>, handler: Caught<Ran>) -> Answer {
    let principal = core.principal(cx.caller());
    let record = TaskRecord::new(random::id()?, principal, core.tasks.pace, core.now());
    let created = record.created();
    let id = record.id().to_owned();
    // Durable before anybody is told (XT-3).
    core.tasks.store.create(record, core.now()).await.map_err(|error| unavailable(&error))?;
    cx.end_exchange();
    cx.asking().become_task(Arc::new(Running { id: id.clone() }));
    let answer = era::encode(core, cx.caller(), ToolsCallOutcome::Task(created));
    let task = Task { core: Arc::clone(core), cx, tool, id };
    tokio::spawn(task.run(handler));
    answer
}

struct Task {
    core: Arc<Core>,
    /// Ends the call for every clone of its [`Cx`] when the task ends.
    cx: Ending,
    tool: Arc<ToolEntry>,
    id: String,
}

impl Task {
    async fn run(self, handler: Caught<Ran>) {
        let ended = {
            let work = std::pin::pin!(self.outcome(handler));
            let over = std::pin::pin!(self.over());
            match select(work, over).await {
                Either::Left((change, _)) => Some(change),
                // Cancelled, expired, or out of reach: the handler is dropped.
                Either::Right(((), _)) => None,
            }
        };
        if let Some(change) = ended {
            // A store that fails now lets the task expire; there is nobody left to tell.
            let _ = self.core.tasks.store.apply(&self.id, change, self.core.now()).await;
        }
    }

    /// Runs the handler to its end, and again while it asks by results of its own.
    async fn outcome(&self, mut handler: Caught<Ran>) -> TaskChange {
        for _ in 0..=self.core.limits().input_shim_rounds {
            let ran = match handler.await {
                Ok(ran) => ran,
                Err(panic) => return self.panicked(&*panic),
            };
            match self.tool.told(ran) {
                Ok(ToolsCallOutcome::InputRequired(required)) => {
                    if let Err(error) = answer_all(&self.cx, required).await {
                        return self.finished(reply::failed(error.into()));
                    }
                    handler = self.tool.start(&self.cx);
                }
                told => return self.finished(told),
            }
        }
        let most = self.core.limits().input_shim_rounds;
        self.finished(reply::failed(AskError::TooManyRounds(most).into()))
    }

    fn finished(&self, told: Result<ToolsCallOutcome, RpcError>) -> TaskChange {
        let answer = match told {
            Ok(ToolsCallOutcome::Task(_)) => Err(RpcError::internal("a task cannot become another one")),
            told => told.and_then(|outcome| self.tool.encode(&self.core, &self.cx, outcome)),
        };
        answer.map_or_else(TaskChange::Fail, TaskChange::Complete)
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> TaskChange {
        let name = &self.tool.entity.name;
        self.core.bounds().report(Named { kind: "tool", name }, panic);
        TaskChange::Fail(RpcError::internal(format!("tool `{name}` {}", Stopped::Panicked)))
    }

    /// Waits until the task is over without the handler.
    async fn over(&self) {
        let store = &self.core.tasks.store;
        let watch = async {
            let mut seen = 0;
            while let Ok(Some(record)) = store.get(&self.id, self.core.now()).await {
                if record.is_final() {
                    return;
                }
                seen = record.version().max(seen);
                if store.changed(&self.id, seen).await.is_err() {
                    return;
                }
            }
        };
        match self.core.tasks.pace.life {
            Some(life) => drop(tokio::time::timeout(life, watch).await),
            None => watch.await,
        }
    }
}

impl Running {
    /// Asks the client in the task and waits for `tasks/update` to bring the answer.
    ///
    /// # Errors
    ///
    /// Fails when the task is over.
    pub(crate) async fn ask(&self, cx: &Cx, key: &str, request: InputRequest) -> Result<RawJson, AskError> {
        let core = cx.core();
        let store = &core.tasks.store;
        let change = TaskChange::Ask(key.to_owned(), Box::new(request));
        let asked = store.apply(&self.id, change, core.now()).await;
        let mut record = asked.map_err(|error| AskError::Refused(unavailable(&error)))?;
        loop {
            let Some(known) = record.filter(|record| !record.is_final()) else { return Err(AskError::Ended) };
            if let Some(answer) = known.answer(key) {
                return Ok(answer.clone());
            }
            let changed = store.changed(&self.id, known.version()).await;
            changed.map_err(|error| AskError::Refused(unavailable(&error)))?;
            let found = store.get(&self.id, core.now()).await;
            record = found.map_err(|error| AskError::Refused(unavailable(&error)))?;
        }
    }

    pub(crate) async fn message(&self, cx: &Cx, text: String) {
        let core = cx.core();
        // A message that is lost is no harm.
        let _ = core.tasks.store.apply(&self.id, TaskChange::Message(text), core.now()).boxed().await;
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("id", &self.id).finish()
    }
}
