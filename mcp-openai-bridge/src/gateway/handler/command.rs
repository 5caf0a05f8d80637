//! A program that is started for each call: arguments on its standard input, the result on its standard output.
//!
//! It knows of the environment what every program needs, and what the file gives it. The surprising thing: it has failed
//! when it says so by its exit status, whatever it printed; then the model reads what it said on standard error.

use async_trait::async_trait;
use mcp_client::{Command, Limits};
use mcp_types::{CallToolResult, RawJson};

use super::{Handler, outcome};
use crate::driver::CallContext;
use crate::turn::Failure;

/// A program.
pub(super) struct Program {
    pub(super) command: Command,
    pub(super) limits: Limits,
}

#[async_trait]
impl Handler for Program {
    async fn call(&self, arguments: RawJson, _: &CallContext<'_>) -> Result<CallToolResult, Failure> {
        let finished = match self.command.run(arguments.as_bytes(), &self.limits).await {
            Ok(finished) => finished,
            Err(error) => return outcome::unread(&error),
        };
        if finished.status.success() {
            return Ok(outcome::of_bytes(&finished.stdout, None));
        }
        let said = match finished.stderr.join("\n") {
            // Some programs say everything on standard output.
            nothing if nothing.is_empty() => String::from_utf8_lossy(&finished.stdout).trim().to_owned(),
            said => said,
        };
        Ok(CallToolResult::error(outcome::ended(&finished.status.to_string(), &said)))
    }
}
