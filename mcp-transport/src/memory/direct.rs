//! A client's transport that calls a service.
//!
//! A request that says which revision it is written in is called as it is, and polled once where it was opened: when
//! that answers it, nothing was spawned, queued or woken. One that has to wait becomes a task, as on a pipe. Nothing is
//! written in between, because raw JSON is validated by whoever made it (house 2.7); what the other side would refuse to
//! read, such as a message that is too long, is refused here.
//!
//! The surprising thing: there is a pipe beside all this, for whatever belongs to a session. Which way a request goes,
//! [`classify`] decides, as it does on a pipe.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use mcp_types::{Message, Params, RawJson, Request, RequestId, Revision, RpcError};
use tokio::runtime::Handle;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout_at;

use super::exchange::Events;
use super::{InProcess, Resident};
use crate::client::{Exchange, Incoming, Outgoing, Patience, Transport};
use crate::due::Due;
use crate::era::{Served, Verdict, classify};
use crate::error::Error;
use crate::limits::Limits;
use crate::pipe::Mux;
use crate::pipe::call::{First, Started, Starter};
use crate::service::{Answer, Caller};

/// A client's transport to a server in the same process.
///
/// A call begins on the stack and within the task of whoever polls its opening; one that has to wait goes on in a task of
/// the runtime that this was connected in. Calls that call again begin so a few times in each other, and then in tasks.
///
/// Dropping it, and [`close`](Transport::close), end every exchange and cancel the call of each, whether or not anybody
/// looks at it. A call whose notifications are not taken waits until they are, and loses none; its deadlines pass when its
/// exchange is looked at.
pub struct Direct {
    service: Arc<dyn Resident>,
    served: Served,
    /// What the server works within.
    theirs: Limits,
    /// Bytes of the longest message that the client reads.
    limit: usize,
    next_id: AtomicI64,
    /// What started the last call, unless a call is being started.
    starter: Mutex<Option<Starter>>,
    /// The places of the calls that may run at once; closed at the end.
    places: Arc<Semaphore>,
    /// Whether it is over.
    over: watch::Sender<bool>,
    /// What stops the calls that wait; some of them are done.
    waiting: Mutex<Vec<AbortHandle>>,
    /// The runtime that calls wait in.
    runtime: Handle,
    /// The way of what belongs to a session.
    session: Mux,
}

/// How far a request is brought without waiting.
enum Step<'a> {
    Opened(Exchange),
    /// It goes over the pipe, or waits for a place.
    Opening(BoxFuture<'a, Result<Exchange, Error>>),
}

impl Direct {
    pub(super) fn new(server: InProcess, limits: &Limits) -> Self {
        let (service, theirs) = (Arc::clone(&server.service), server.limits.clone());
        Self {
            served: service.served(),
            service,
            next_id: AtomicI64::new(1),
            starter: Mutex::new(None),
            places: Arc::new(Semaphore::new(theirs.in_flight.min(Semaphore::MAX_PERMITS))),
            over: watch::Sender::new(false),
            waiting: Mutex::new(Vec::new()),
            runtime: Handle::current(),
            session: Mux::over(server.into_stream(), limits),
            theirs,
            limit: limits.line_bytes,
        }
    }

    /// Brings a request as far as it goes without waiting.
    fn take(&self, request: Outgoing) -> Result<Step<'_>, Error> {
        let params = Params::from_raw(request.params.clone()).map_err(|error| {
            Error::config(format!("the parameters of `{}` cannot be sent: {error}", request.method))
        })?;
        let id = RequestId::Number(self.next_id.fetch_add(1, Ordering::Relaxed));
        let message = Message::Request(Request { id: id.clone(), method: request.method.clone(), params });
        let verdict = classify(&message, None, &self.served);
        let Message::Request(asked) = message else { return Err(Error::Closed) };
        if too_long(&asked, self.theirs.line_bytes) {
            let limit = self.theirs.line_bytes;
            let error = format!("a message has at most {limit} bytes, this one has more");
            return Ok(Step::Opened(Exchange::answered(id, Err(RpcError::invalid_request(error)))));
        }
        let caller = match verdict {
            Verdict::Modern(caller) => caller,
            Verdict::Reject(rejection) => return Ok(Step::Opened(Exchange::answered(id, Err(rejection.error)))),
            Verdict::Legacy | Verdict::Drop => return Ok(Step::Opening(self.session.open(request))),
        };
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => self.call(asked, caller, place, None, request.patience).map(Step::Opened),
            Err(TryAcquireError::Closed) => Err(Error::Closed),
            Err(TryAcquireError::NoPermits) => Ok(Step::Opening(Box::pin(async move {
                let due = Due::new(request.patience, now());
                let place = self.wait_for_place(&due).await?;
                self.call(asked, caller, place, Some(due), request.patience)
            }))),
        }
    }

    /// Calls the service. The deadlines run from now, unless they run already.
    fn call(
        &self,
        asked: Request,
        caller: Caller,
        place: OwnedSemaphorePermit,
        due: Option<Due>,
        patience: Patience,
    ) -> Result<Exchange, Error> {
        let id = asked.id.clone();
        match self.start(asked, caller) {
            Started::Ready(None, answer) => Ok(Exchange::answered(id, checked(answer, self.limit)?)),
            Started::Ready(Some(said), answer) => Ok(Exchange::new(id, Events::told(&said, answer, self.limit))),
            Started::Waiting(saying) => {
                let due = due.unwrap_or_else(|| Due::new(patience, now()));
                let over = self.over.subscribe();
                self.keep(saying.abort_handle());
                if self.places.is_closed() {
                    // It ended meanwhile, and may not have seen this call.
                    return Err(Error::Closed);
                }
                let runtime = self.runtime.clone();
                Ok(Exchange::new(id, Events::awaited(saying, place, due, over, runtime, self.limit)))
            }
        }
    }

    /// Keeps what stops a call, and forgets the calls that are done when there is no room for one more.
    fn keep(&self, call: AbortHandle) {
        let mut waiting = self.waiting();
        if waiting.len() == waiting.capacity() {
            waiting.retain(|call| !call.is_finished());
        }
        waiting.push(call);
    }

    /// Starts a call by what started the last one, which a call that calls this server again leaves to no other.
    fn start(&self, asked: Request, caller: Caller) -> Started {
        let kept = self.starter().take();
        let mut starter = kept.unwrap_or_else(|| Arc::clone(&self.service).starter(&self.theirs));
        let _entered = self.runtime.enter();
        let nested = Nested::begin();
        let started = starter.start(asked, caller, nested.first());
        *self.starter() = Some(starter);
        started
    }

    async fn wait_for_place(&self, due: &Due) -> Result<OwnedSemaphorePermit, Error> {
        let closed = |_: AcquireError| Error::Closed;
        let place = Arc::clone(&self.places).acquire_owned();
        match due.at() {
            None => place.await.map_err(closed),
            Some(at) => {
                let timed = {
                    let _entered = self.runtime.enter();
                    timeout_at(at.into(), place)
                };
                timed.await.map_err(|_| Error::TimedOut(due.deadline()))?.map_err(closed)
            }
        }
    }

    fn starter(&self) -> MutexGuard<'_, Option<Starter>> {
        // It is put in and taken out by one call each, so poisoning means nothing.
        self.starter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.places.close();
        self.over.send_replace(true);
        self.waiting().drain(..).for_each(|call| call.abort());
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        // Handles are put in and taken out whole, so poisoning means nothing.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.end();
    }
}

thread_local! {
    /// How many calls are being polled first in each other on this stack.
    static NESTED: Cell<u32> = const { Cell::new(0) };
}

/// A call that is polled first; a server that calls itself begins another within it.
struct Nested(u32);

impl Nested {
    fn begin() -> Self {
        let depth = NESTED.get();
        NESTED.set(depth + 1);
        Self(depth)
    }

    /// Returns where the call is polled first: a stack has room for few calls in each other.
    fn first(&self) -> First {
        if self.0 < MOST_NESTED { First::Here } else { First::InTask }
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        NESTED.set(self.0);
    }
}

impl Transport for Direct {
    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Exchange, Error>> {
        // Small, because this is boxed for every request.
        Box::pin(async move {
            match self.take(request)? {
                Step::Opened(exchange) => Ok(exchange),
                Step::Opening(opening) => opening.await,
            }
        })
    }

    fn notify(&self, method: &'static str, params: Option<RawJson>) -> BoxFuture<'_, Result<(), Error>> {
        self.session.notify(method, params)
    }

    fn answer(&self, id: RequestId, outcome: Result<RawJson, RpcError>) -> BoxFuture<'_, Result<(), Error>> {
        self.session.answer(id, outcome)
    }

    fn inbound(&self) -> Option<BoxStream<'static, Incoming>> {
        self.session.inbound()
    }

    fn settle(&self, revision: Revision) {
        self.session.settle(revision);
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.end();
            self.session.close().await;
        })
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct").field("closed", &self.places.is_closed()).finish_non_exhaustive()
    }
}

/// Returns whether a server would not read the request, as the line that it would be.
fn too_long(asked: &Request, limit: usize) -> bool {
    let params = asked.params.raw().map_or(0, |raw| raw.as_bytes().len());
    ENVELOPE_BYTES + asked.method.len() + params > limit
}

/// Returns an answer unless a client would not read it, as the line that it would be.
pub(super) fn checked(answer: Answer, limit: usize) -> Result<Answer, Error> {
    let malformed = |why: String| Err(Error::malformed("a response", why));
    let length = match &answer {
        Ok(result) if !result.is_object() => return malformed("`result` must be an object".to_owned()),
        Ok(result) => result.as_bytes().len(),
        Err(error) => error.message.len() + error.data.as_ref().map_or(0, |data| data.as_bytes().len()),
    };
    if ENVELOPE_BYTES + length > limit {
        return malformed(format!("it has more than {limit} bytes"));
    }
    Ok(answer)
}

/// Reads the clock of the runtime, which tests can stop.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// How many calls begin in each other on one stack.
const MOST_NESTED: u32 = 4;
/// About what a message is besides its method, its parameters and its result.
const ENVELOPE_BYTES: usize = 48;
