//! The loop that waits: runs a [`Turn`] against a model and tools, given as traits.
//!
//! Everything that is decided is decided in [`turn`](crate::turn). The surprising thing: no task is spawned. The calls of
//! a round run side by side inside the future of [`run`], so that dropping it drops them all, which is the cancellation.

#[cfg(feature = "client")]
mod client;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use mcp_types::{CallToolResult, RawJson};

use crate::chat::{Completion, Request};
use crate::error::{Error, ModelError};
use crate::turn::{Call, CallIndex, ClientCall, Failure, Final, Outcome, Rejected, Step, Turn};

#[cfg(feature = "client")]
pub use client::McpTools;

/// A model that can be asked.
///
/// Implementors send the request as it is and return the reply as it is. They retry what the provider says may be
/// retried, and nothing else: the caller sees every error as the end of the turn.
#[async_trait]
pub trait Model: Send + Sync {
    /// Asks the model.
    ///
    /// # Errors
    ///
    /// Fails when no reply came, when the provider refused the request, or when the reply cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the reply; the provider may have made it, and counted it.
    async fn complete(&self, request: &Request) -> Result<Completion, ModelError>;
}

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
    async fn call(&self, server: &str, tool: &str, arguments: RawJson) -> Result<CallToolResult, Failure>;

    /// Is told of a call that was not made: of no tool, or with arguments that were not accepted.
    ///
    /// The model was told already, so that there is nothing to do but to show or log it. It comes before the calls of
    /// the same reply that can be made.
    fn rejected(&self, call: &Rejected) {
        let _ = call;
    }
}

/// How calls are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Calls that run at the same time. Default 8; at least one runs.
    pub parallel_calls: usize,
    /// How long a call may take; then the model is told so. Default 60 seconds.
    pub call_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { parallel_calls: 8, call_timeout: Duration::from_secs(60) }
    }
}

/// Where a run ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum End {
    /// The model has finished.
    Done(Final),
    /// The request's own functions are called. Give their outcomes to [`Turn::handle_results`] and run on.
    HandBack(Vec<ClientCall>),
    /// The model used all its rounds.
    OutOfRounds(Final),
}

/// Runs a turn until the model has finished or somebody else has to act.
///
/// # Errors
///
/// Fails when the model cannot be asked or its reply has no message. The turn stays where it was, and running it again
/// asks again.
///
/// # Cancel safety
///
/// Dropping the future cancels what is under way. The turn stays at its last step: running it again makes the calls of
/// that step again, and [`Turn::handle_cancel`] answers them instead.
pub async fn run(turn: &mut Turn, model: &dyn Model, tools: &dyn Tools, options: &Options) -> Result<End, Error> {
    let mut step = turn.step();
    loop {
        step = match step {
            Step::Ask => {
                let reply = model.complete(&turn.next_request()).await?;
                let next = turn.handle_model(reply)?;
                turn.rejected().iter().for_each(|call| tools.rejected(call));
                next
            }
            Step::Call(calls) => {
                let outcomes = call_all(calls, tools, options).await;
                turn.handle_results(outcomes)?
            }
            Step::Done(end) => return Ok(End::Done(end)),
            Step::HandBack(calls) => return Ok(End::HandBack(calls)),
            Step::OutOfRounds(end) => return Ok(End::OutOfRounds(end)),
        };
    }
}

async fn call_all(calls: Vec<Call>, tools: &dyn Tools, options: &Options) -> Vec<(CallIndex, Outcome)> {
    stream::iter(calls.into_iter().map(|call| call_one(call, tools, options.call_timeout)))
        .buffer_unordered(options.parallel_calls.max(1))
        .collect()
        .await
}

/// Makes a call. Whatever happens in it stays in it.
async fn call_one(call: Call, tools: &dyn Tools, timeout: Duration) -> (CallIndex, Outcome) {
    // The block makes a panic before the first await one inside of the future.
    let result = async { tools.call(call.tool.server(), call.tool.tool(), call.arguments).await };
    let caught = AssertUnwindSafe(result).catch_unwind();
    let outcome = match tokio::time::timeout(timeout, caught).await {
        Ok(Ok(Ok(result))) => Outcome::Result(result),
        Ok(Ok(Err(failure))) => Outcome::Failed(failure),
        Ok(Err(_)) => Outcome::Failed(Failure::Panicked),
        Err(_) => Outcome::Failed(Failure::TimedOut { after: timeout }),
    };
    (call.index, outcome)
}

#[cfg(test)]
mod tests;
