//! Calls: from a server's label and a tool's own name to the handler or the server that answers.
//!
//! The surprising thing: it holds neither the offer nor the server in front, which both hold it, so that nothing keeps
//! itself alive.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::FutureExt as _;
use mcp_server::Cx;
use mcp_types::meta::SERVER_INFO;
use mcp_types::{CallToolResult, ErrorCode, JsonObject, ProgressNotificationParams, RawJson, ResultMeta, RpcError};
use tokio::sync::Notify;

use super::ask::Questions;
use super::config::{Config, Server};
use super::handler::Handlers;
use super::offer::LOCAL;
use crate::driver::{CallContext, Tools};
use crate::servers::{Filter, Servers};
use crate::turn::Failure;

/// What answers calls: the handlers of the file, and the servers behind.
pub(super) struct Callees {
    pub(super) handlers: Handlers,
    pub(super) servers: Servers,
    /// What the file says of each server's calls.
    rules: Vec<Rules>,
}

/// What the file says of the calls of one server.
struct Rules {
    label: String,
    filter: Filter,
    /// For some tools the only arguments that a call may have.
    params: Vec<(String, Vec<String>)>,
    questions: Questions,
}

impl Callees {
    pub(super) fn new(
        config: &Config,
        handlers: Handlers,
        servers: Servers,
        questions: &HashMap<String, Questions>,
    ) -> Self {
        let questions = |server: &Server| questions.get(&server.label.value).cloned().unwrap_or_default();
        let rules = config.servers.iter().map(|server| Rules::new(server, questions(server))).collect();
        Self { handlers, servers, rules }
    }

    /// Returns whether the file lets a tool of a server be called, whether or not the server has it.
    pub(super) fn admits(&self, label: &str, tool: &str) -> bool {
        self.rules(label).is_none_or(|rules| rules.filter.admits(tool))
    }

    fn rules(&self, label: &str) -> Option<&Rules> {
        self.rules.iter().find(|rules| rules.label == label)
    }

    /// Answers a call that came by MCP; progress goes back the way it came.
    pub(super) async fn answer(
        &self,
        label: &str,
        tool: &str,
        arguments: RawJson,
        cx: &Cx,
    ) -> Result<CallToolResult, RpcError> {
        if label == LOCAL
            && let Some(outcome) = self.handlers.call_within(tool, cx).await
        {
            return outcome.or_else(|failure| refused(label, failure));
        }
        let told = Progress::default();
        let take = |progress| told.put(progress);
        let id = cx.id().to_string();
        let context = CallContext::new(&id, &take);
        let call = self.run(label, tool, arguments, &context);
        let mut call = match self.rules(label) {
            Some(rules) => rules.questions.during(cx, call).boxed(),
            None => call.boxed(),
        };
        let outcome = loop {
            tokio::select! {
                outcome = &mut call => break outcome,
                () = told.next.notified() => told.tell(cx).await,
            }
        };
        told.tell(cx).await;
        outcome.or_else(|failure| refused(label, failure))
    }

    async fn run(
        &self,
        label: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        if label == LOCAL {
            return self.handlers.call(tool, arguments, cx).await;
        }
        if let Some(rules) = self.rules(label) {
            rules.check_params(tool, &arguments)?;
        }
        let mut result = self.servers.call(label, tool, arguments, cx).await?;
        without_hop(&mut result.meta);
        Ok(result)
    }
}

/// Calls that came by no MCP client, who could be asked.
#[async_trait]
impl Tools for Callees {
    async fn call(
        &self,
        label: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        let call = self.run(label, tool, arguments, cx);
        match self.rules(label) {
            Some(rules) => rules.questions.during_unasked(call).await,
            None => call.await,
        }
    }
}

impl fmt::Debug for Callees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callees").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Rules {
    fn new(server: &Server, questions: Questions) -> Self {
        let mut filter = Filter::default();
        if let Some(allowed) = &server.allowed_tools {
            filter.allow(allowed.iter().cloned());
        }
        filter.deny(server.disallowed_tools.iter().cloned());
        Self { label: server.label.value.clone(), filter, params: server.allowed_params.clone(), questions }
    }

    fn check_params(&self, tool: &str, arguments: &RawJson) -> Result<(), Failure> {
        let Some((_, allowed)) = self.params.iter().find(|(name, _)| name == tool) else { return Ok(()) };
        // What cannot be read cannot be allowed.
        let given: JsonObject = arguments.decode().map_err(|error| Failure::Denied {
            reason: format!("the arguments of `{tool}` cannot be read: {error}"),
        })?;
        let is_allowed = |name: &str| allowed.iter().any(|allowed| allowed == name);
        let refused: Vec<_> =
            given.iter().filter(|(name, _)| !is_allowed(name)).map(|(name, _)| format!("`{name}`")).collect();
        if refused.is_empty() {
            return Ok(());
        }
        let message = format!("this gateway does not let calls of `{tool}` have {}", refused.join(", "));
        Err(Failure::Denied { reason: message })
    }
}

/// Says in the words of MCP why a call has no result. What the server said stays what it said; all else is told to the
/// model as a tool that failed.
fn refused(label: &str, failure: Failure) -> Result<CallToolResult, RpcError> {
    match failure {
        Failure::Protocol { code, message } => Err(RpcError::new(ErrorCode(code), message)),
        failure if label == LOCAL => Ok(CallToolResult::error(failure.to_string())),
        failure => Ok(CallToolResult::error(format!("server `{label}`: {failure}"))),
    }
}

/// Takes off what a result says of the server that answered us: to our clients it is this gateway that answers.
pub(super) fn without_hop(meta: &mut Option<ResultMeta>) {
    if let Some(members) = meta {
        members.server_info = None;
        members.extra.remove(SERVER_INFO);
        members.subscription_id = None;
    }
    let is_empty = meta.as_ref().is_some_and(|members| *members == ResultMeta::new());
    meta.take_if(|_| is_empty);
}

/// Progress on its way from a callback, which cannot wait, to a caller who may be slow.
#[derive(Default)]
struct Progress {
    waiting: Mutex<VecDeque<ProgressNotificationParams>>,
    next: Notify,
}

impl Progress {
    fn put(&self, progress: ProgressNotificationParams) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == WAITING_PROGRESS {
            waiting.pop_front();
        }
        waiting.push_back(progress);
        self.next.notify_one();
    }

    async fn tell(&self, cx: &Cx) {
        while let Some(progress) = self.take() {
            cx.progress(progress.progress, progress.total, progress.message.as_deref()).await;
        }
    }

    fn take(&self) -> Option<ProgressNotificationParams> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Steps of progress that wait for a slow caller; before more do, the oldest is forgotten.
const WAITING_PROGRESS: usize = 64;

/// Lets the closures of a catalog share what answers them.
pub(super) type Shared = Arc<Callees>;
