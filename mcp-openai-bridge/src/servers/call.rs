//! The tools of the servers, for the loop that waits.

use async_trait::async_trait;
use mcp_client::{Deadline, Error as ClientError};
use mcp_types::{CallToolResult, ErrorCode, ProgressNotificationParams, RawJson};

use super::outcome::{Unavailable, with_causes};
use super::{Servers, Status};
use crate::driver::{CallContext, Tools};
use crate::turn::Failure;

#[async_trait]
impl Tools for Servers {
    async fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        self.call_tool(server, tool, arguments, |told| cx.progress(told)).await
    }
}

impl Servers {
    /// Calls a tool of a server as [`Tools::call`] does, without a box around it.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is made for every call"
    )]
    pub(crate) fn call_tool<'c>(
        &'c self,
        server: &'c str,
        tool: &'c str,
        arguments: RawJson,
        progress: impl Fn(ProgressNotificationParams) + Send + 'c,
    ) -> impl Future<Output = Result<CallToolResult, Failure>> + Send + 'c {
        async move {
            let Some(member) = self.member(server) else { return Err(Unavailable::unknown(server).into()) };
            if !member.filter.admits(tool) {
                let message = format!("there is no tool `{tool}`");
                return Err(Failure::Protocol { code: ErrorCode::INVALID_PARAMS.0, message });
            }
            let Ok(_permit) = member.calls.acquire().await else { return Err(Unavailable::closed(server).into()) };
            let client = member.client().await?;
            let call = client.tool(tool).raw_arguments(arguments).on_progress(progress).call();
            Ok(call.await?.into_inner())
        }
    }
}

/// Says to the model why a call has no result.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::from(&error)
    }
}

impl From<&ClientError> for Failure {
    fn from(error: &ClientError) -> Self {
        match error {
            ClientError::Rpc(error) => Self::Protocol { code: error.code.0, message: error.message.clone() },
            ClientError::TimedOut(timeout) => match timeout.deadline {
                Deadline::Connect(after) | Deadline::Idle(after) | Deadline::Total(after) => Self::TimedOut { after },
                _ => Self::Transport { message: timeout.deadline.to_string() },
            },
            // The command line and what the process said are for whoever runs this program: both may hold credentials.
            ClientError::Exited(exit) => {
                let status = exit.status.as_ref().map(|status| format!(" ({status})")).unwrap_or_default();
                let message = format!("the process of the tool ended before it answered{status}");
                Self::Transport { message }
            }
            error => Self::Transport { message: with_causes(error) },
        }
    }
}

impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable.client_error() {
            Some(error) if unavailable.status() == Status::Timeout => Self::from(error),
            _ => Self::Transport { message: with_causes(&unavailable) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_told_that_a_process_ended_and_nothing_of_its_command_line() {
        let check = |status: Option<&str>, expected: &str| {
            let said = vec!["cannot log in with hunter2".to_owned()];
            let exit = mcp_client::ChildExit::new("files --key hunter2", status.map(str::to_owned), said);
            let error = ClientError::Exited(Box::new(exit));
            assert!(error.to_string().contains("hunter2"), "whoever runs the program is told: {error}");
            assert_eq!(Failure::from(&error).to_string(), expected);
        };
        check(None, "http_error: the process of the tool ended before it answered");
        check(Some("exit status: 1"), "http_error: the process of the tool ended before it answered (exit status: 1)");
    }
}
