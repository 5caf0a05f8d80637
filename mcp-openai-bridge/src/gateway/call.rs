//! Calls: from a server's label and a tool's own name to the handler or the server that answers.
//!
//! The surprising thing: it holds neither the offer nor the server in front, which both hold it, so that nothing keeps
//! itself alive.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use mcp_server::Cx;
use mcp_types::meta::SERVER_INFO;
use mcp_types::{CallToolResult, ErrorCode, JsonObject, ProgressNotificationParams, RawJson, ResultMeta, RpcError};

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

    /// Answers a call of a tool of the file that came by MCP; progress goes back the way it came.
    pub(super) async fn answer_here(
        &self,
        tool: &str,
        arguments: RawJson,
        cx: &Cx,
    ) -> Result<CallToolResult, RpcError> {
        let outcome = match self.handlers.call_within(tool, cx).await {
            Some(outcome) => outcome,
            None => {
                let told = Progress::default();
                let (id, take) = (cx.id().to_string(), |progress| told.put(progress));
                let context = CallContext::new(&id, &take);
                let call = self.handlers.call(tool, arguments, &context);
                // Boxed, so that a tool that is built in has no room for it.
                Box::pin(told.during(cx, pin!(call))).await
            }
        };
        outcome.or_else(|failure| refused(LOCAL, failure))
    }

    /// Answers a call of a tool of a server that came by MCP; progress goes back the way it came.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is made for every call"
    )]
    pub(super) fn answer<'c>(
        &'c self,
        label: &'c str,
        tool: &'c str,
        arguments: RawJson,
        cx: &'c Cx,
    ) -> impl Future<Output = Result<CallToolResult, RpcError>> + Send + 'c {
        async move {
            let told = Progress::default();
            let mut call = pin!(self.forward(label, tool, arguments, |progress| told.put(progress)));
            let outcome = match self.rules(label).filter(|rules| rules.questions.may_be_asked()) {
                // Boxed, because few servers may ask, and what waits for the others is small.
                Some(rules) => Box::pin(told.during(cx, pin!(rules.questions.during(cx, call.as_mut())))).await,
                None => told.during(cx, call.as_mut()).await,
            };
            outcome.or_else(|failure| refused(label, failure))
        }
    }

    /// Calls a tool of a server, as far as the file lets it be called.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is made for every call"
    )]
    fn forward<'c>(
        &'c self,
        label: &'c str,
        tool: &'c str,
        arguments: RawJson,
        progress: impl Fn(ProgressNotificationParams) + Send + 'c,
    ) -> impl Future<Output = Result<CallToolResult, Failure>> + Send + 'c {
        async move {
            if let Some(rules) = self.rules(label) {
                rules.check_params(tool, &arguments)?;
            }
            let mut result = self.servers.call_tool(label, tool, arguments, progress).await?;
            without_hop(&mut result.meta);
            Ok(result)
        }
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
        if label == LOCAL {
            return self.handlers.call(tool, arguments, cx).await;
        }
        let call = self.forward(label, tool, arguments, |progress| cx.progress(progress));
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
struct Progress(Mutex<VecDeque<ProgressNotificationParams>>);

impl Progress {
    fn put(&self, progress: ProgressNotificationParams) {
        let mut waiting = self.waiting();
        if waiting.len() == WAITING_PROGRESS {
            waiting.pop_front();
        }
        waiting.push_back(progress);
    }

    /// Lets a call run to its end, and tells on the way what it puts here. It does so only while it is polled, so there is
    /// nobody to be woken for it.
    async fn during<T>(&self, cx: &Cx, mut call: Pin<&mut impl Future<Output = T>>) -> T {
        loop {
            let outcome = poll_fn(|context| match call.as_mut().poll(context) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending if self.waiting().is_empty() => Poll::Pending,
                Poll::Pending => Poll::Ready(None),
            });
            match outcome.await {
                Some(outcome) if self.waiting().is_empty() => return outcome,
                // Boxed, because most calls tell nothing.
                outcome => {
                    if let Some(outcome) = Box::pin(self.tell(cx, outcome)).await {
                        return outcome;
                    }
                    // A call that always has something to tell would keep its worker, and its own timeout from passing.
                    tokio::task::consume_budget().await;
                }
            }
        }
    }

    /// Tells what waits, and hands on what came of the call.
    async fn tell<T>(&self, cx: &Cx, outcome: T) -> T {
        while let Some(progress) = self.take() {
            cx.progress(progress.progress, progress.total, progress.message.as_deref()).await;
        }
        outcome
    }

    fn take(&self) -> Option<ProgressNotificationParams> {
        self.waiting().pop_front()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<ProgressNotificationParams>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Steps of progress that wait for a slow caller; before more do, the oldest is forgotten.
const WAITING_PROGRESS: usize = 64;

/// Lets the closures of a catalog share what answers them.
pub(super) type Shared = Arc<Callees>;
