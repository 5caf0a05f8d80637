//! A server as a child process, spoken to over its standard streams (specification: *Transports*, stdio; S-2, S-6,
//! S-11, F60 to F68).
//!
//! What ends with the client is the whole process group of the child, because the child is often only a wrapper. The
//! surprising thing: a client that is itself killed cannot end anything. Its children then see the end of their input,
//! at which a server has to leave (S-6); a death signal of the kernel would need `unsafe`.

mod command;
mod exit;
mod group;
mod run;
mod stderr;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::{BoxFuture, join};
use futures::stream::{BoxStream, Stream, StreamExt as _};
use mcp_types::{RawJson, RequestId, Revision, RpcError};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::client::{Event, Exchange, Incoming, Outgoing, Transport};
use crate::error::Error;
use crate::limits::Limits;
use crate::pipe::{Mail, Mux, Noise};

pub use command::{Command, Stderr};
use exit::Exit;
use group::{Group, Leash, in_words};
pub use run::Finished;
use stderr::Ring;

/// A running server; [`Command::spawn`] starts one.
///
/// Dropping it kills its process group at once. [`close`](Transport::close) is the polite way: it ends the standard
/// input, asks to terminate after [`Limits::child_eof`], and kills after [`Limits::child_term`].
///
/// When the process ends, what waits for it fails with [`Error::Exited`], which has the exit status and the last lines
/// of its standard error.
pub struct Child {
    mux: Arc<Mux>,
    exit: Arc<Exit>,
    group: Arc<Group>,
    limits: Limits,
    id: Option<u32>,
    tasks: Vec<AbortHandle>,
}

impl Child {
    fn new(mut process: tokio::process::Child, command: String, limits: &Limits) -> Self {
        let id = process.id();
        let group = Arc::new(Group::of(id));
        let mux = Arc::new(match (process.stdout.take(), process.stdin.take()) {
            (Some(stdout), Some(stdin)) => Mux::new(stdout, stdin, limits),
            // The command asks for both, so this is not met; a stream without an end answers it all the same.
            _ => Mux::new(tokio::io::empty(), tokio::io::sink(), limits),
        });
        let ring = process.stderr.take().map(|stderr| Ring::drain(stderr, limits.stderr_bytes));
        let (reap, reaped) = watch::channel(None);
        let mut tasks: Vec<_> = ring.iter().map(|(_, task)| task.clone()).collect();
        let watching = watch_over(process, Arc::clone(&group), reap, Arc::clone(&mux), limits.child_eof);
        tasks.push(tokio::spawn(watching).abort_handle());
        let exit = Exit::new(command, reaped, ring.map(|(ring, _)| ring));
        Self { mux, exit: Arc::new(exit), group, limits: limits.clone(), id, tasks }
    }

    /// Returns the id of the process, which is also the id of its group.
    pub fn id(&self) -> Option<u32> {
        self.id
    }

    /// Returns what the process wrote to its standard output besides messages.
    pub fn noise(&self) -> Noise {
        self.mux.noise()
    }

    /// Returns the last lines that the process wrote to its standard error.
    pub fn stderr(&self) -> Vec<String> {
        self.exit.stderr()
    }

    async fn end(&self) {
        self.exit.expect();
        let patience = self.limits.child_eof;
        let ((), exited) = join(self.mux.finish(patience), self.exit.wait(patience)).await;
        if exited {
            return;
        }
        self.group.terminate();
        if self.exit.wait(self.limits.child_term).await {
            return;
        }
        self.group.kill();
        self.exit.wait(self.limits.child_term).await;
    }

    fn explained(&self, mail: Mail) -> Explained {
        Explained { mail, exit: Arc::clone(&self.exit), mux: Arc::clone(&self.mux), explaining: None }
    }

    /// Says how the process ended instead of that its output did.
    async fn explain(&self, error: Error) -> Error {
        explain(Arc::clone(&self.exit), Arc::clone(&self.mux), error).await
    }
}

async fn explain(exit: Arc<Exit>, mux: Arc<Mux>, error: Error) -> Error {
    match error {
        Error::Closed => exit.explain(&mux.noise()).await,
        other => other,
    }
}

/// The events of one exchange; an end of the output among them says how the process ended.
struct Explained {
    mail: Mail,
    exit: Arc<Exit>,
    mux: Arc<Mux>,
    /// The explanation that is waited for.
    explaining: Option<BoxFuture<'static, Error>>,
}

impl Stream for Explained {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(explaining) = &mut self.explaining {
                let error = ready!(explaining.as_mut().poll(cx));
                self.explaining = None;
                return Poll::Ready(Some(Err(error)));
            }
            match ready!(self.mail.poll_next_unpin(cx)) {
                Some(Err(error)) => {
                    let (exit, mux) = (Arc::clone(&self.exit), Arc::clone(&self.mux));
                    self.explaining = Some(Box::pin(explain(exit, mux, error)));
                }
                event => return Poll::Ready(event),
            }
        }
    }
}

impl Transport for Child {
    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Exchange, Error>> {
        Box::pin(async move {
            match self.mux.ask(request).await {
                Ok(mail) => Ok(Exchange::new(mail.id().clone(), self.explained(mail))),
                // Boxed, because it is rare and large.
                Err(error) => Err(Box::pin(self.explain(error)).await),
            }
        })
    }

    fn notify(&self, method: &'static str, params: Option<RawJson>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            match self.mux.notify(method, params).await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.explain(error).await),
            }
        })
    }

    fn answer(&self, id: RequestId, outcome: Result<RawJson, RpcError>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            match self.mux.answer(id, outcome).await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.explain(error).await),
            }
        })
    }

    fn inbound(&self) -> Option<BoxStream<'static, Incoming>> {
        self.mux.inbound()
    }

    fn settle(&self, revision: Revision) {
        self.mux.settle(revision);
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.exit.expect();
        self.group.kill();
        self.mux.end();
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Waits for the end of the process, and ends what it leaves behind.
async fn watch_over(
    mut process: tokio::process::Child,
    group: Arc<Group>,
    reap: watch::Sender<Option<String>>,
    mux: Arc<Mux>,
    grace: Duration,
) {
    // When this task is dropped before the end, the runtime is going away: so does the group.
    let _leash = Leash(&group);
    let status = in_words(group.wait_for(&mut process).await);
    // A wrapper that is gone must not leave behind what it wrapped. Now the id is still the group's, if it has members.
    group.kill();
    reap.send_replace(Some(status));
    // Something outside the group may hold the output open for ever (F66).
    tokio::time::sleep(grace).await;
    mux.end();
}
