//! The loop that waits: runs a [`Turn`] against a model and tools, given as traits.
//!
//! Everything that is decided is decided in [`turn`](crate::turn). The surprising thing: no task is spawned. The calls of
//! a round run side by side inside the future of [`Driver::run`], so that dropping it drops them all, which is the
//! cancellation.

mod calls;
#[cfg(feature = "client")]
mod handler;
mod host;
mod model;
mod questions;
mod retry;
mod sampling;
mod tools;

use std::collections::BTreeSet;
use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, Either, FutureExt, select};

use crate::error::{Error, ModelError};
use crate::turn::approval::Approval;
use crate::turn::{Api, Call, CallIndex, Chat, ClientCall, Final, Step, Turn};

#[cfg(feature = "client")]
pub use handler::HostHandler;
pub use host::{Event, Host};
pub use model::Model;
pub use questions::{OpenQuestion, Questions};
pub use retry::Retry;
pub use sampling::SampleWithModel;
pub use tools::{CallContext, Tools};

/// How calls are made and the model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Calls that run at the same time. Default 8; at least one runs.
    pub parallel_calls: usize,
    /// Calls of one server that run at the same time. Default 8; at least one runs.
    pub server_calls: usize,
    /// How long a call may take without telling how far it has come; then the model is told so. Default 60 seconds.
    pub call_timeout: Duration,
    /// How long a call may take, whatever it tells. Default 10 minutes.
    pub call_limit: Duration,
    /// When the model is asked again after it could not be asked.
    pub retry: Retry,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parallel_calls: 8,
            server_calls: 8,
            call_timeout: Duration::from_secs(60),
            call_limit: Duration::from_secs(600),
            retry: Retry::default(),
        }
    }
}

/// Where a run ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum End<A: Api = Chat> {
    /// Nobody could say yet whether these calls may be made. Give the answers to [`Turn::handle_approvals`] and run on.
    Approve(Vec<Call>),
    /// The run was cancelled. Every call of the conversation is answered.
    Cancelled,
    /// The model has finished.
    Done(Final<A>),
    /// The request's own functions are called. Give their outcomes to [`Turn::handle_results`] and run on.
    HandBack(Vec<ClientCall<A>>),
    /// The model used all its rounds.
    OutOfRounds(Final<A>),
}

/// Runs turns: asks the model, makes the calls, and tells a host what happens.
///
/// # Examples
///
/// ```no_run
/// use mcp_openai_bridge::Error;
/// use mcp_openai_bridge::driver::{Driver, End, Host, Model, Tools};
/// use mcp_openai_bridge::turn::Turn;
///
/// # async fn example(model: &dyn Model, tools: &dyn Tools, host: &dyn Host, turn: &mut Turn) -> Result<(), Error> {
/// if let End::Done(end) = Driver::new(model, tools).host(host).stream(true).run(turn).await? {
///     println!("{}", end.text());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Driver<'a, A: Api = Chat> {
    model: &'a dyn Model<A>,
    tools: &'a dyn Tools,
    host: &'a dyn Host<A>,
    options: Options,
    streams: bool,
    /// In a lock, so that a run can be awaited by another thread than the one that began it.
    cancel: Mutex<Option<BoxFuture<'a, ()>>>,
}

impl<'a, A: Api> Driver<'a, A> {
    /// Makes a driver that nobody watches.
    pub fn new(model: &'a dyn Model<A>, tools: &'a dyn Tools) -> Self {
        Self { model, tools, host: &(), options: Options::default(), streams: false, cancel: Mutex::default() }
    }

    /// Sets who watches, and is asked for approvals.
    pub fn host(mut self, host: &'a dyn Host<A>) -> Self {
        self.host = host;
        self
    }

    /// Sets how calls are made and the model is asked.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Sets whether the replies of the model are streamed to the host.
    pub fn stream(mut self, streams: bool) -> Self {
        self.streams = streams;
        self
    }

    /// Cancels the run when this future is ready. What is under way is dropped, and the calls without a result are
    /// answered as cancelled, so that the conversation can go on.
    pub fn cancel_on(mut self, cancel: impl Future<Output = ()> + Send + 'a) -> Self {
        self.cancel = Mutex::new(Some(cancel.boxed()));
        self
    }

    /// Runs a turn until the model has finished or somebody else has to act.
    ///
    /// # Errors
    ///
    /// Fails when the model cannot be asked or its reply has no message. The turn stays where it was, and running it
    /// again asks again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels what is under way. Calls that have a result keep it; running the turn again makes the
    /// others again, and [`Turn::handle_cancel`] answers them instead.
    pub async fn run(mut self, turn: &mut Turn<A>) -> Result<End<A>, Error> {
        let cancel = self.cancel.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(cancel) = cancel else { return self.drive(turn).await };
        // The cancellation is looked at first, so that nothing begins that is not wanted any more.
        let ended = match select(cancel, pin!(self.drive(turn))).await {
            Either::Left(_) => None,
            Either::Right((end, _)) => Some(end),
        };
        ended.unwrap_or_else(|| {
            let _ = turn.handle_cancel();
            Ok(End::Cancelled)
        })
    }

    async fn drive(&self, turn: &mut Turn<A>) -> Result<End<A>, Error> {
        let mut undecided = BTreeSet::new();
        let mut step = turn.step();
        loop {
            step = match step {
                Step::Approve(calls) if calls.iter().all(|call| undecided.contains(&call.index)) => {
                    return Ok(End::Approve(calls));
                }
                Step::Approve(calls) => turn.handle_approvals(self.approvals(&calls, &mut undecided).await)?,
                Step::Ask => {
                    let reply = self.ask(turn).await?;
                    let next = turn.handle_model(reply)?;
                    turn.rejected().iter().for_each(|call| self.host.event(Event::Rejected(call)));
                    next
                }
                Step::Call(calls) => self.call_all(turn, &calls).await?,
                Step::Done(end) => return Ok(End::Done(end)),
                Step::HandBack(calls) => return Ok(End::HandBack(calls)),
                Step::OutOfRounds(end) => return Ok(End::OutOfRounds(end)),
            };
        }
    }

    /// Asks about calls that nobody has been asked about in this run.
    async fn approvals(&self, calls: &[Call], undecided: &mut BTreeSet<CallIndex>) -> Vec<(CallIndex, Approval)> {
        let mut approvals = Vec::new();
        for call in calls {
            if undecided.contains(&call.index) {
                continue;
            }
            let approval = self.host.approve(call).await;
            if approval == Approval::Later {
                undecided.insert(call.index);
            }
            approvals.push((call.index, approval));
        }
        approvals
    }

    /// Asks the model, and again while its errors are temporary. A reply of which pieces were shown is not asked for
    /// again, because it would be shown twice.
    async fn ask(&self, turn: &Turn<A>) -> Result<A::Reply, ModelError> {
        let request = turn.next_request();
        let mut repeated = 0;
        loop {
            self.host.event(Event::Asking { round: turn.rounds() });
            let mut is_shown = false;
            let mut show = |chunk: A::Chunk| {
                is_shown = true;
                self.host.event(Event::Chunk(&chunk));
            };
            let asked = match self.streams {
                true => self.model.stream(&request, &mut show).await,
                false => self.model.complete(&request).await,
            };
            let why = match asked.and_then(|reply| A::fault(&reply).map_or(Ok(reply), Err)) {
                Ok(reply) => {
                    self.host.event(Event::Replied(&reply));
                    return Ok(reply);
                }
                Err(why) => why,
            };
            let after = if is_shown { None } else { self.options.retry.wait(repeated, &why) };
            let Some(after) = after else { return Err(why) };
            self.host.event(Event::Retrying { after, why: &why });
            tokio::time::sleep(after).await;
            repeated += 1;
        }
    }
}

impl<A: Api> fmt::Debug for Driver<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("options", &self.options).field("streams", &self.streams).finish_non_exhaustive()
    }
}

/// Runs a turn that nobody watches: the short form of [`Driver::run`].
///
/// # Errors
///
/// Fails as [`Driver::run`] does.
///
/// # Cancel safety
///
/// As that of [`Driver::run`].
pub async fn run<A: Api>(
    turn: &mut Turn<A>,
    model: &dyn Model<A>,
    tools: &dyn Tools,
    options: &Options,
) -> Result<End<A>, Error> {
    Driver::new(model, tools).options(options.clone()).run(turn).await
}

#[cfg(test)]
mod tests;
