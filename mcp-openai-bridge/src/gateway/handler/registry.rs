//! What the program around a gateway lends to its file: Rust functions, and a server whose tools are built in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use mcp_server::{IntoToolResult, Server};
use mcp_types::{CallToolResult, RawJson, RpcError, ToolsCallOutcome};

use super::Handler;
use crate::driver::CallContext;
use crate::turn::Failure;

/// What handlers of a file may name: functions by `function`, tools of a server by `builtin`.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::gateway::handler::Registry;
///
/// // A tool of the file has it as `handler: {function: greet}`.
/// let registry = Registry::default().function("greet", |arguments| async move {
///     let name: std::collections::BTreeMap<String, String> = arguments.decode()?;
///     Ok::<_, serde_json::Error>(format!("Hello, {}", name["name"]))
/// });
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    functions: BTreeMap<String, Arc<dyn Handler>>,
    builtins: Option<Server>,
}

impl Registry {
    /// Lends a function. It takes the arguments as JSON, and returns what a tool of `mcp-server` may return.
    #[must_use]
    pub fn function<F, R>(self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(RawJson) -> R + Send + Sync + 'static,
        R: Future + Send + 'static,
        R::Output: IntoToolResult + 'static,
    {
        self.handler(name, Function(function))
    }

    /// Lends a handler.
    #[must_use]
    pub fn handler(mut self, name: impl Into<String>, handler: impl Handler + 'static) -> Self {
        self.functions.insert(name.into(), Arc::new(handler));
        self
    }

    /// Lends the tools of a server as those that are built in.
    #[must_use]
    pub fn builtins(mut self, server: Server) -> Self {
        self.builtins = Some(server);
        self
    }

    pub(super) fn functions(&self) -> &BTreeMap<String, Arc<dyn Handler>> {
        &self.functions
    }

    pub(super) fn server(&self) -> Option<&Server> {
        self.builtins.as_ref()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<_> = self.functions.keys().collect();
        f.debug_struct("Registry").field("functions", &functions).finish_non_exhaustive()
    }
}

struct Function<F>(F);

#[async_trait]
impl<F, R> Handler for Function<F>
where
    F: Fn(RawJson) -> R + Send + Sync + 'static,
    R: Future + Send + 'static,
    R::Output: IntoToolResult + 'static,
{
    async fn call(&self, arguments: RawJson, _: &CallContext<'_>) -> Result<CallToolResult, Failure> {
        // What it returns need not be `Send`, so it does not live across a wait.
        let reply = futures::FutureExt::map(self.0(arguments), IntoToolResult::into_tool_result).await;
        complete(reply)
    }
}

/// Takes the result out of what a function or a tool of this process returned.
pub(super) fn complete(reply: Result<ToolsCallOutcome, RpcError>) -> Result<CallToolResult, Failure> {
    match reply {
        Ok(ToolsCallOutcome::Complete(result)) => Ok(result),
        Ok(_) => Err(Failure::Transport { message: "the function asks back, which nobody can answer here".to_owned() }),
        Err(error) => Err(Failure::Protocol { code: error.code.0, message: error.message }),
    }
}
