//! The calls of one step, side by side.
//!
//! The surprising thing: the bounds are two. A server that is asked for much does not keep the others waiting, so each
//! server has a queue of its own, and the calls at the heads of the queues share what may run at once.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{self, StreamExt};
use mcp_types::ProgressNotificationParams;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{CallContext, Driver, Event, Options};
use crate::error::Error;
use crate::turn::{Api, Call, CallIndex, Failure, Outcome, Step, Turn};

impl<A: Api> Driver<'_, A> {
    /// Makes calls and gives each outcome to the turn as it comes, so that it is kept when the rest is dropped.
    pub(super) async fn call_all(&self, turn: &mut Turn<A>, calls: &[Call]) -> Result<Step<A>, Error> {
        if let [call] = calls {
            // Nothing is beside it.
            let outcome = self.call(call).await;
            return turn.handle_results([outcome]);
        }
        let places = Semaphore::new(self.options.parallel_calls.clamp(1, Semaphore::MAX_PERMITS));
        let places = &places;
        let mut servers: Vec<(&str, Vec<&Call>)> = Vec::new();
        for call in calls {
            let server = call.tool.server();
            match servers.iter_mut().find(|(label, _)| *label == server) {
                Some((_, queue)) => queue.push(call),
                None => servers.push((server, vec![call])),
            }
        }
        let mut queues = Vec::new();
        for (_, queue) in servers {
            // Boxes, because closures over borrowed calls would make a future that cannot be sent to another thread.
            let mut calls: Vec<BoxFuture<'_, (CallIndex, Outcome)>> = Vec::new();
            for call in queue {
                calls.push(Box::pin(async move {
                    // It is never closed, so that there is nothing to do about an error.
                    let _place = places.acquire().await;
                    self.call(call).await
                }));
            }
            queues.push(stream::iter(calls).buffer_unordered(self.options.server_calls.max(1)));
        }
        let mut outcomes = stream::select_all(queues);
        while let Some(outcome) = outcomes.next().await {
            let _ = turn.handle_results([outcome])?;
        }
        Ok(turn.step())
    }

    /// Makes a call. Whatever happens in it stays in it.
    async fn call(&self, call: &Call) -> (CallIndex, Outcome) {
        self.host.event(Event::Called(call));
        let started = Instant::now();
        let heard = Mutex::new(started);
        let show = |progress: ProgressNotificationParams| {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            self.host.event(Event::Progress { call, progress: &progress });
        };
        let cx = CallContext::new(&call.id, &show);
        // The block makes a panic before the first await one inside of the future.
        let result = async {
            let (server, tool) = (call.tool.server(), call.tool.tool());
            self.tools.call(server, tool, call.arguments.clone(), &cx).await
        };
        let caught = pin!(AssertUnwindSafe(result).catch_unwind());
        let outcome = match select(caught, pin!(self.patience(call.tool.server(), started, &heard))).await {
            Either::Left((Ok(Ok(result)), _)) => Outcome::Result(result),
            Either::Left((Ok(Err(failure)), _)) => Outcome::Failed(failure),
            Either::Left((Err(_), _)) => Outcome::Failed(Failure::Panicked),
            Either::Right((after, _)) => Outcome::Failed(Failure::TimedOut { after }),
        };
        self.host.event(Event::Answered { call, outcome: &outcome, took: started.elapsed() });
        (call.index, outcome)
    }

    /// Waits until a call of a server has taken too long, and returns how long that is.
    async fn patience(&self, server: &str, started: Instant, heard: &Mutex<Instant>) -> Duration {
        let Options { call_timeout, call_limit, .. } = self.options;
        let questions = self.host.questions();
        let last_sign = || {
            let heard = *heard.lock().unwrap_or_else(PoisonError::into_inner);
            let answered = questions.and_then(|questions| questions.last_answer(server));
            answered.map_or(heard, |answered| heard.max(answered))
        };
        // The time that somebody thought about questions of the server.
        let mut thought = Duration::ZERO;
        loop {
            let last = last_sign();
            let silent = last.duration_since(started).saturating_add(call_timeout);
            let waited = silent.min(call_limit.saturating_add(thought));
            tokio::time::sleep(waited.saturating_sub(started.elapsed())).await;
            if let Some(questions) = questions.filter(|questions| questions.is_open(server)) {
                let asked = Instant::now();
                questions.answered(server).await;
                thought = thought.saturating_add(asked.elapsed());
            } else if waited < silent || last_sign() == last {
                return waited;
            }
        }
    }
}
