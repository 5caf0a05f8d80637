//! What a legacy session has on HTTP: its requests in flight and its standalone stream (HL-5, HL-6, P-3, P-60, P-61).
//!
//! The surprising thing: a request of a session belongs to the session and not to the connection that brought it, so
//! its work goes on when the client goes away, and ends when the session does.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_types::{RequestId, RpcError};
use tokio::task::AbortHandle;

use super::rules::Refusal;
use crate::era::legacy::Session;
use crate::limits::Limits;
use crate::outbox::{Notifier, Outbox, outbox};

/// A session and what is going on in it.
#[derive(Debug)]
pub(super) struct HttpSession {
    pub(super) protocol: Arc<Session>,
    max_in_flight: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    in_flight: HashMap<RequestId, Flight>,
    /// The number of the next request: tells two with the same id apart.
    next: u64,
    /// The writing end of the standalone stream; the stream ends when this is dropped.
    stream: Option<Notifier>,
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
    pub(super) fn new(limits: &Limits) -> Self {
        Self { protocol: Arc::new(Session::new()), max_in_flight: limits.in_flight, state: Mutex::default() }
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
            return Err(Refusal::new(400, error));
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
    pub(super) fn open_stream(&self, limits: &Limits) -> Result<Outbox, Refusal> {
        let mut state = self.lock();
        if state.has_ended {
            return Err(super::rules::unknown_session());
        }
        if state.has_stream() {
            return Err(Refusal::invalid(409, "the stream of this session is open already; close it first"));
        }
        let (notifier, outbox) = outbox(limits);
        state.stream = Some(notifier);
        Ok(outbox)
    }

    /// Returns whether something is going on.
    pub(super) fn is_busy(&self) -> bool {
        let state = self.lock();
        !state.in_flight.is_empty() || state.has_stream()
    }

    /// Ends the session: its requests are dropped and its stream ends.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        let in_flight = std::mem::take(&mut state.in_flight);
        let stream = state.stream.take();
        drop(state);
        // Outside of the lock, because a dropped task comes back for its ticket.
        drop(stream);
        self.protocol.end();
        in_flight.into_values().filter_map(|flight| flight.task).for_each(|task| task.abort());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements that hold the lock, so poisoning means nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_stream(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| !stream.is_closed())
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
        Arc::new(HttpSession::new(limits))
    }

    #[test]
    fn an_id_in_flight_is_refused_and_free_again_afterwards_p_3() {
        let session = session(&Limits::default());
        let ticket = session.take_in(&1.into()).unwrap();
        let refusal = session.take_in(&1.into()).unwrap_err();
        assert_eq!((refusal.status, refusal.error.code.0), (400, -32600));
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

    #[test]
    fn a_second_stream_is_refused_until_the_first_is_gone_hl_6() {
        let session = session(&Limits::default());
        let stream = session.open_stream(&Limits::default()).unwrap();
        assert_eq!(session.open_stream(&Limits::default()).err().map(|refusal| refusal.status), Some(409));
        assert!(session.is_busy());
        drop(stream);
        assert!(!session.is_busy());
        assert!(session.open_stream(&Limits::default()).is_ok());
    }
}
