//! The tools of the servers, for the loop that waits.

use async_trait::async_trait;
use mcp_client::{Deadline, Error as ClientError};
use mcp_types::{CallToolResult, ErrorCode, RawJson};

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
        let Some(member) = self.member(server) else { return Err(Unavailable::unknown(server).into()) };
        if !member.filter.admits(tool) {
            let message = format!("there is no tool `{tool}`");
            return Err(Failure::Protocol { code: ErrorCode::INVALID_PARAMS.0, message });
        }
        let Ok(_permit) = member.calls.acquire().await else { return Err(Unavailable::closed(server).into()) };
        let client = member.client().await?;
        let call = client.tool(tool).arguments(arguments).on_progress(|told| cx.progress(told));
        Ok(call.call().await?.into_inner())
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
