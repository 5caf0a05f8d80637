//! Who watches a loop, and is asked by it.

use std::time::Duration;

use async_trait::async_trait;
use mcp_types::{
    ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult, ErrorCode,
    ListRootsResult, LoggingMessageNotificationParams, ProgressNotificationParams, RpcError,
};

use super::Questions;
use crate::error::ModelError;
use crate::turn::approval::Approval;
use crate::turn::{Api, Call, Chat, Outcome, Rejected};

/// The program around a loop: it sees what happens, and is asked where a human decides.
///
/// All methods have defaults: nothing is shown, nothing is approved, and servers that ask something are refused.
#[async_trait]
pub trait Host<A: Api = Chat>: Send + Sync {
    /// Is told what happens. It is called while the loop runs, so that it should return at once.
    fn event(&self, event: Event<'_, A>) {
        let _ = event;
    }

    /// Is asked whether a call may be made that the [policy](crate::turn::approval::Policy) wants to be approved.
    ///
    /// Calls are asked about one after the other, in their order.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    async fn approve(&self, call: &Call) -> Approval {
        let _ = call;
        Approval::denied("nobody can be asked")
    }

    /// Returns what servers are told that the three hooks below can be asked; nothing unless written.
    ///
    /// They are asked by servers whose clients have a [`HostHandler`](super::HostHandler), which is read once, when the
    /// client is built.
    fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities::new()
    }

    /// Returns where the questions of servers are counted. While one is open, the calls of its server do not grow late: a
    /// human may need longer than a tool. Without it they do.
    fn questions(&self) -> Option<&Questions> {
        None
    }

    /// Asks the user, for a server, to fill in a form or to open a URL; declines unless written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    async fn elicit(&self, server: &str, question: ElicitRequestParams) -> ElicitResult {
        let _ = (server, question);
        ElicitResult::new("decline")
    }

    /// Asks a language model, for a server; refuses unless written. [`SampleWithModel`](super::SampleWithModel) does it
    /// with the model of the loop. A human should have seen what is asked.
    ///
    /// # Errors
    ///
    /// Refuses with what the server is told.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    async fn sample(
        &self,
        server: &str,
        question: CreateMessageRequestParams,
    ) -> Result<CreateMessageResult, RpcError> {
        let _ = (server, question);
        Err(RpcError::new(REJECTED_BY_USER, "the user rejected the sampling request"))
    }

    /// Returns the directories that a server may work in; none unless written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the question.
    async fn roots(&self, server: &str) -> ListRootsResult {
        let _ = server;
        ListRootsResult::new([])
    }
}

/// What the specification answers a sampling request with that the user does not want.
const REJECTED_BY_USER: ErrorCode = ErrorCode(-1);

/// Watches nothing and approves nothing.
#[async_trait]
impl<A: Api> Host<A> for () {}

/// What happens in a loop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a, A: Api = Chat> {
    /// A call has an outcome.
    Answered {
        /// The call.
        call: &'a Call,
        /// What came of it.
        outcome: &'a Outcome,
        /// How long it took, without the time it waited for its turn.
        took: Duration,
    },
    /// The model is asked.
    Asking {
        /// Rounds of calls before this request.
        round: u32,
    },
    /// A call begins.
    Called(&'a Call),
    /// A piece of the model's reply came.
    Chunk(&'a A::Chunk),
    /// A server logs something, outside of what was asked of it. It says what it wants: show it as such.
    Logged {
        /// The label of the server.
        server: &'a str,
        /// What it logs.
        message: &'a LoggingMessageNotificationParams,
    },
    /// A call tells how far it has come.
    Progress {
        /// The call.
        call: &'a Call,
        /// What the server tells.
        progress: &'a ProgressNotificationParams,
    },
    /// A call is not made: of no tool, with arguments that were not accepted, or forbidden. The model is told.
    Rejected(&'a Rejected),
    /// The model has replied.
    Replied(&'a A::Reply),
    /// The model could not be asked, and will be asked again.
    Retrying {
        /// After this time.
        after: Duration,
        /// Why it could not.
        why: &'a ModelError,
    },
}
