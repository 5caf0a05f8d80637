//! What a legacy session has on HTTP: its requests in flight, its streams, and what it is told of the server's own accord
//! (HL-5, HL-6, P-3, P-60, P-61).
//!
//! The surprising thing: a request of a session belongs to the session and not to the connection that brought it, so
//! its work goes on when the client goes away, and ends when the session does.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use mcp_types::{Features, RequestId, RpcError};
use tokio::task::AbortHandle;

use super::endpoint::Answers;
use super::logged::now;
use super::rules::{LEGACY_STATUS, Refusal};
use super::streams::{Seat, Streams, Unopened};
use crate::era::legacy::Session;
use crate::limits::Limits;
use crate::replay::{ReplayBudget, StreamId};

/// A session and what is going on in it.
#[derive(Debug)]
pub(super) struct HttpSession {
    pub(super) protocol: Arc<Session>,
    pub(super) streams: Streams,
    max_in_flight: usize,
    state: Mutex<State>,
    pushes: Mutex<Pushes>,
}

/// What the session is told outside every request.
#[derive(Default)]
enum Pushes {
    /// The session is not initialized.
    #[default]
    Unasked,
    Open(BoxStream<'static, Bytes>),
    Closed,
}

#[derive(Debug, Default)]
struct State {
    in_flight: HashMap<RequestId, Flight>,
    /// The number of the next request: tells two with the same id apart.
    next: u64,
    has_ended: bool,
}

#[derive(Debug)]
struct Flight {
    number: u64,
    /// The task that works on it; none while it runs in the task that took it in.
    task: Option<AbortHandle>,
}

/// The place of one request among those in flight; left when it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    session: Arc<HttpSession>,
    id: RequestId,
    number: u64,
}

impl HttpSession {
    /// Makes a session; `salt` is any random number.
    pub(super) fn new(limits: &Limits, budget: ReplayBudget, salt: u64) -> Self {
        Self {
            protocol: Arc::new(Session::new()),
            streams: Streams::new(limits, budget, salt),
            max_in_flight: limits.in_flight,
            state: Mutex::default(),
            pushes: Mutex::default(),
        }
    }

    /// Notes that the client is ready, and asks the service what there is to tell, once.
    pub(super) fn initialized(&self, service: &Arc<dyn Answers>) {
        let mut pushes = self.pushes();
        if matches!(*pushes, Pushes::Unasked) {
            self.protocol.ready();
            *pushes = service.pushes(&self.protocol).map_or(Pushes::Closed, Pushes::Open);
        }
    }

    /// Returns whether its client comes back to a stream that is closed before the answer (HL-9).
    pub(super) fn closes_streams(&self) -> bool {
        self.protocol.revision().features().has(Features::SSE_PRIMING)
    }

    /// Takes a request in.
    ///
    /// # Errors
    ///
    /// Refuses an id that is in flight (P-3), too many requests, and a session that ended.
    pub(super) fn take_in(self: &Arc<Self>, id: &RequestId) -> Result<Ticket, Refusal> {
        let mut state = self.lock();
        if state.has_ended {
            return Err(super::rules::unknown_session());
        }
        if state.in_flight.len() >= self.max_in_flight {
            return Err(Refusal::busy(429, "too many requests of this session are in flight"));
        }
        let number = state.next;
        let Entry::Vacant(place) = state.in_flight.entry(id.clone()) else {
            let error = RpcError::invalid_request("a request with this id is in flight; use another id");
            return Err(Refusal::new(LEGACY_STATUS, error));
        };
        place.insert(Flight { number, task: None });
        state.next += 1;
        Ok(Ticket { session: Arc::clone(self), id: id.clone(), number })
    }

    /// Notes which task works on a request; it is stopped at once when the request was cancelled meanwhile.
    pub(super) fn attach(&self, id: &RequestId, number: u64, task: AbortHandle) {
        match self.lock().in_flight.get_mut(id) {
            Some(flight) if flight.number == number => flight.task = Some(task),
            _ => task.abort(),
        }
    }

    /// Cancels a request; one that is not in flight is ignored (P-61).
    pub(super) fn cancel(&self, id: &RequestId) {
        let flight = self.lock().in_flight.remove(id);
        if let Some(task) = flight.and_then(|flight| flight.task) {
            task.abort();
        }
    }

    /// Opens the standalone stream; there is one at a time (HL-6).
    pub(super) fn open_stream(&self) -> Result<Seat, Refusal> {
        self.streams.open_standalone(now()).map_err(|unopened| match unopened {
            Unopened::Open => Refusal::invalid(409, "the stream of this session is open already; close it first"),
            Unopened::Ended => super::rules::unknown_session(),
        })
    }

    /// Takes a message of the service for the standalone stream, when there is one and room for it; returns whether there
    /// was.
    pub(super) fn poll_push(&self, stream: StreamId, cx: &mut Context<'_>) -> bool {
        if self.streams.poll_room(stream, cx).is_pending() {
            return false;
        }
        let mut pushes = self.pushes();
        let Pushes::Open(messages) = &mut *pushes else { return false };
        match messages.poll_next_unpin(cx) {
            Poll::Ready(Some(message)) => {
                self.streams.append(stream, message, now());
                true
            }
            Poll::Ready(None) => {
                *pushes = Pushes::Closed;
                false
            }
            Poll::Pending => false,
        }
    }

    /// Returns whether something is going on.
    pub(super) fn is_busy(&self) -> bool {
        !self.lock().in_flight.is_empty() || self.streams.has_readers()
    }

    /// Ends the session: its requests are dropped, its questions fail and its streams end.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        let in_flight = std::mem::take(&mut state.in_flight);
        drop(state);
        self.protocol.end();
        self.streams.end();
        *self.pushes() = Pushes::Closed;
        // Outside of the lock, because a dropped task comes back for its ticket.
        in_flight.into_values().filter_map(|flight| flight.task).for_each(|task| task.abort());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements that hold the lock, so poisoning means nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pushes(&self) -> MutexGuard<'_, Pushes> {
        // A stream that panicked is polled no more than one that did not: it is the service's own.
        self.pushes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pushes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unasked => "Unasked",
            Self::Open(_) => "Open",
            Self::Closed => "Closed",
        })
    }
}

impl Ticket {
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.session.lock();
        // After a cancellation the id may belong to another request.
        if state.in_flight.get(&self.id).is_some_and(|flight| flight.number == self.number) {
            state.in_flight.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(limits: &Limits) -> Arc<HttpSession> {
        Arc::new(HttpSession::new(limits, ReplayBudget::new(limits), 0))
    }

    #[test]
    fn an_id_in_flight_is_refused_and_free_again_afterwards_p_3() {
        let session = session(&Limits::default());
        let ticket = session.take_in(&1.into()).unwrap();
        let refusal = session.take_in(&1.into()).unwrap_err();
        assert_eq!((refusal.status, refusal.error.code.0), (200, -32600));
        assert!(session.take_in(&"1".into()).is_ok(), "another type is another id");
        drop(ticket);
        assert!(session.take_in(&1.into()).is_ok());
    }

    #[test]
    fn the_ticket_of_a_cancelled_request_does_not_free_its_successor() {
        let session = session(&Limits::default());
        let first = session.take_in(&1.into()).unwrap();
        session.cancel(&1.into());
        let _second = session.take_in(&1.into()).unwrap();
        drop(first);
        assert!(session.take_in(&1.into()).is_err());
    }

    #[test]
    fn requests_in_flight_are_bounded() {
        let session = session(&Limits::default().in_flight(1));
        let _ticket = session.take_in(&1.into()).unwrap();
        assert_eq!(session.take_in(&2.into()).unwrap_err().status, 429);
    }
}
