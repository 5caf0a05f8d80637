//! The tools of a loop, as a trait.

use std::fmt;

use async_trait::async_trait;
use mcp_types::{CallToolResult, ProgressNotificationParams, RawJson};

use crate::turn::Failure;

/// Tools that can be called.
///
/// Implementors send the arguments without changing a byte. A result with `isError` is a result and no failure. Callers
/// make several calls at once; an implementor that cannot do that waits inside.
#[async_trait]
pub trait Tools: Send + Sync {
    /// Calls a tool of a server, by the names that the [`ToolSet`](crate::tools::ToolSet) was built with.
    ///
    /// # Errors
    ///
    /// Fails when there is no result; the failure is told to the model and the turn goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call. The tool may have run, in part or in full.
    async fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure>;
}

/// What belongs to one call: its id, and who watches it.
#[derive(Clone, Copy)]
pub struct CallContext<'a> {
    id: &'a str,
    progress: &'a (dyn Fn(ProgressNotificationParams) + Sync),
}

impl<'a> CallContext<'a> {
    /// Makes the context of a call that is watched.
    pub fn new(id: &'a str, progress: &'a (dyn Fn(ProgressNotificationParams) + Sync)) -> Self {
        Self { id, progress }
    }

    /// Makes the context of a call that nobody watches.
    pub fn unwatched(id: &'a str) -> Self {
        Self { id, progress: &|_| () }
    }

    /// Returns the id that the model gave the call.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// Shows how far the call has come.
    pub fn progress(&self, progress: ProgressNotificationParams) {
        (self.progress)(progress);
    }
}

impl fmt::Debug for CallContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext").field("id", &self.id).finish_non_exhaustive()
    }
}
