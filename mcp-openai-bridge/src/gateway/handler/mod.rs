//! What runs when a tool of the file is called.
//!
//! ```text
//!   config ──► start ──┬─ python     a function, in a child that is kept warm ─┐
//!                      ├─ remote     a tool of a server in this process ───────┴─ spoken to by MCP
//!                      ├─ command    a program for each call
//!                      ├─ http       a request for each call
//!                      └─ registry   a function of the program around the gateway
//! ```
//!
//! A tool that is built in runs in the midst of a call that comes by MCP; it is `remote` to all others.
//!
//! The surprising thing: a Python child is an MCP server. Its framing, its restarts, its cancellation and its end are
//! those of every server that is a child process, and nothing of that is here.

mod command;
mod http;
mod outcome;
mod python;
mod registry;
mod remote;
mod start;

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use mcp_client::Client;
use mcp_server::{Cx, Server};
use mcp_types::{CallToolResult, ErrorCode, RawJson};
use tokio::time::Instant;

use super::config::Warning;
use crate::arguments::{self, Checker};
use crate::chat::Arguments;
use crate::driver::CallContext;
use crate::similar::closest;
use crate::turn::Failure;

pub use registry::Registry;

/// Something that answers the calls of a tool.
///
/// Implementors get arguments that follow the tool's schema, and may be called several times at once. What the model
/// should read of a failure is a result with [`is_error`](CallToolResult::is_error); a [`Failure`] says that there is no
/// result. Callers set the deadline, and drop the future when it passes.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Answers a call.
    ///
    /// # Errors
    ///
    /// Fails when there is no result.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call. It may have had its effect, in part or in full.
    async fn call(&self, arguments: RawJson, cx: &CallContext<'_>) -> Result<CallToolResult, Failure>;
}

/// The handlers of a file. Clones are the same handlers; their children end with the last one.
#[derive(Clone)]
pub struct Handlers {
    inner: Arc<Inner>,
}

struct Inner {
    tools: HashMap<String, Entry>,
    /// The connections that are closed in the end.
    clients: Vec<Client>,
    warnings: Vec<Warning>,
    /// Whether calls fail, also those that need no connection.
    closed: AtomicBool,
}

/// A tool that can be called.
struct Entry {
    handler: Arc<dyn Handler>,
    /// `None` when the schema cannot be checked here; then a warning says why.
    checker: Option<Checker>,
    timeout: Duration,
    /// Where the tool is built in, if it is.
    builtin: Option<Builtin>,
}

/// A tool of the server that is built in.
struct Builtin {
    server: Server,
    tool: String,
}

impl Handlers {
    /// Returns what is dubious about the handlers, such as a schema with an argument that its function does not take.
    pub fn warnings(&self) -> &[Warning] {
        &self.inner.warnings
    }

    /// Calls a tool by its name. Arguments that do not follow its schema are answered with a result that says so, and
    /// nothing runs.
    ///
    /// # Errors
    ///
    /// Fails when there is no such tool, when it is not done in time, and as its handler does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call.
    pub async fn call(&self, tool: &str, arguments: RawJson, cx: &CallContext<'_>) -> Result<CallToolResult, Failure> {
        let Some(entry) = self.inner.tools.get(tool) else { return Err(self.unknown(tool)) };
        let read = arguments::read(&Arguments::Json(arguments));
        let checked = read.and_then(|arguments| match &entry.checker {
            Some(checker) => checker.check(&arguments).map(|()| arguments),
            None => Ok(arguments),
        });
        let arguments = match checked {
            Ok(arguments) => arguments,
            Err(rejection) => return Ok(CallToolResult::error(rejection.to_string())),
        };
        let call = AssertUnwindSafe(entry.handler.call(arguments, cx)).catch_unwind();
        match tokio::time::timeout(entry.timeout, call).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::Panicked),
            Err(_) => Err(Failure::TimedOut { after: entry.timeout }),
        }
    }

    /// Answers a call that came by MCP and follows the schema, in the midst of it, when its tool is built in: what the
    /// tool tells goes to the caller by itself, and what it asks is asked there. Returns `None` for every other tool, and
    /// after [`close`](Self::close).
    ///
    /// What the caller takes to answer is not the tool's time.
    pub(super) async fn call_within(&self, tool: &str, cx: &Cx) -> Option<Result<CallToolResult, Failure>> {
        let Entry { builtin: Some(builtin), timeout, .. } = self.inner.tools.get(tool)? else { return None };
        if self.inner.closed.load(Ordering::Acquire) {
            return None;
        }
        let (begun, earlier) = (Instant::now(), cx.paused());
        let mut run = pin!(builtin.server.run_within(&builtin.tool, cx));
        let mut left = *timeout;
        loop {
            if let Ok(reply) = tokio::time::timeout(left, &mut run).await {
                return reply.map(registry::complete);
            }
            let paused = cx.paused().saturating_sub(earlier);
            left = timeout.saturating_add(paused).saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Some(Err(Failure::TimedOut { after: *timeout }));
            }
        }
    }

    /// Ends the children of handlers in good order. Calls fail from then on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest to the drop of the last clone, which does not wait.
    pub async fn close(&self) {
        self.inner.closed.store(true, Ordering::Release);
        futures::future::join_all(self.inner.clients.iter().cloned().map(Client::close)).await;
    }

    fn unknown(&self, tool: &str) -> Failure {
        let meant = closest(tool, self.inner.tools.keys().map(String::as_str));
        let hint = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        let message = format!("there is no tool `{}`{hint}", arguments::shortened(tool));
        Failure::Protocol { code: ErrorCode::INVALID_PARAMS.0, message }
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.inner.tools.keys().collect();
        names.sort();
        f.debug_struct("Handlers").field("tools", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
