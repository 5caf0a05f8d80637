//! One end of a JSON-RPC connection, as a state machine: requests in both directions, deadlines, cancellation
//! (specification: *Base Protocol*, *Cancellation*, *Progress*; P-1 to P-5, P-50 to P-61).
//!
//! It does no I/O. What arrived goes in by `handle_*`, what is to be done comes out by `poll_*`, and the clock is an
//! argument. The surprising thing: it writes finished lines into one buffer, so that what is ready together is sent
//! together, and a reply costs no allocation of its own.

mod batch;
mod pending;

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use mcp_types::{
    CancelledNotificationParams, Message, Notification, Params, RawJson, Request, RequestId, Response, RpcError, rpc,
};

use crate::client::{Hearing, Patience};
use crate::error::Deadline;
use crate::limits::Limits;
use crate::service::Answer;

pub use batch::split_batch;

use batch::Batches;
use pending::{Asked, Pending};

/// One end of a connection that carries one message per line.
///
/// Feed it with [`handle_message`](Self::handle_message) and [`handle_timeout`](Self::handle_timeout); after either,
/// and after every command, drain [`poll_event`](Self::poll_event) and [`poll_transmit`](Self::poll_transmit), and ask
/// [`poll_timeout`](Self::poll_timeout) again.
///
/// # Examples
///
/// ```
/// use std::time::Instant;
/// use mcp_transport::{Limits, Patience};
/// use mcp_transport::peer::{Event, Peer};
/// use mcp_types::{Message, Params};
///
/// let now = Instant::now();
/// let limits = Limits::default();
/// let (mut client, mut server) = (Peer::new(&limits), Peer::new(&limits));
/// let id = client.request("ping", &Params::absent(), Patience::from(&limits), now);
/// let line = client.poll_transmit().unwrap();
/// server.handle_message(Message::parse(line).unwrap(), now);
/// assert!(matches!(server.poll_event(), Some(Event::Request(request)) if request.id == id));
/// ```
#[derive(Debug)]
pub struct Peer {
    /// How many requests of the peer may be open.
    in_flight: usize,
    asked: Pending,
    /// The requests of the peer that are not answered.
    answering: HashMap<RequestId, Open>,
    batches: Batches,
    /// Finished lines, not yet taken.
    out: BytesMut,
    /// How many bytes of `out` are answers that nobody here was asked for.
    reflexes: usize,
    events: VecDeque<Event>,
}

/// A request of the peer that was [accepted](Peer::accept): it gets one answer, or is forgotten.
#[derive(Debug)]
#[must_use]
pub struct Accepted(Open);

/// A request of the peer that is not answered.
#[derive(Debug)]
struct Open {
    batch: Option<u64>,
    kind: Kind,
}

/// What may end a request without an answer, or what follows its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `initialize`, which must not be cancelled (V-17), and the probe: a legacy server that has not seen `initialize`
    /// yet may die of anything else.
    Handshake,
    Ordinary,
    /// A long-lived request that its server may end with `notifications/cancelled` (P-35).
    Subscription,
}

impl Kind {
    fn of(method: &str) -> Self {
        match method {
            "initialize" | "server/discover" => Self::Handshake,
            "subscriptions/listen" => Self::Subscription,
            _ => Self::Ordinary,
        }
    }
}

/// What happened on the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The peer withdrew its request, by the notification, which may say why; nothing more is sent for it.
    Cancelled(RequestId, Notification),
    /// One of our requests is over.
    Completed(RequestId, Outcome),
    /// The peer tells something; about one of our requests when that could be found out.
    Notification(Option<RequestId>, Notification),
    /// The peer asks; [`Peer::respond`] answers.
    Request(Request),
}

/// How one of our requests ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The peer answered.
    Answered(Answer),
    /// The peer ended it without an answer, which it may do to a subscription (P-35).
    Ended,
    /// A deadline passed first; the request is withdrawn.
    TimedOut(Deadline),
    /// The peer answered with something that cannot be read; the text says why.
    Unreadable(String),
}

impl Peer {
    /// Makes an end that answers up to [`Limits::in_flight`] requests at once and refuses more.
    pub fn new(limits: &Limits) -> Self {
        Self {
            in_flight: limits.in_flight,
            asked: Pending::default(),
            answering: HashMap::new(),
            batches: Batches::new(limits),
            out: BytesMut::new(),
            reflexes: 0,
            events: VecDeque::new(),
        }
    }

    /// Sends a request and returns its id, which grows from 1 (T-3).
    ///
    /// Its deadlines run from `now`; notifications that belong to it start the idle one again. Progress belongs to it
    /// by the token in its `_meta`.
    pub fn request(&mut self, method: &str, params: &Params, patience: Patience, now: Instant) -> RequestId {
        self.ask(method, params.raw(), Hearing::from(params), patience, now)
    }

    /// Sends a request as [`request`](Self::request) does; the caller says what belongs to it.
    pub fn ask(
        &mut self,
        method: &str,
        params: Option<&RawJson>,
        hearing: Hearing,
        patience: Patience,
        now: Instant,
    ) -> RequestId {
        let id = self.asked.insert(Asked::new(method, hearing, patience, now));
        put_line(&mut self.out, |out| rpc::request(out, &id, method, params));
        id
    }

    /// Withdraws one of our requests; returns whether it was still open.
    ///
    /// The peer is told, unless the request is one that must not be cancelled (V-17).
    pub fn cancel(&mut self, id: &RequestId, reason: &str) -> bool {
        let Some(asked) = self.asked.remove(id) else { return false };
        self.withdraw(id, &asked, reason);
        true
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Option<&RawJson>) {
        put_line(&mut self.out, |out| rpc::notification(out, method, params));
    }

    /// Answers a request of the peer; returns whether it was still open. A second answer is never sent.
    pub fn respond(&mut self, id: &RequestId, answer: &Answer) -> bool {
        let Some(accepted) = self.take(id) else { return false };
        self.answer(accepted, id, answer);
        true
    }

    /// Accepts a request that its driver answers at once, or [keeps](Self::keep); `None` when it was refused instead.
    ///
    /// [`handle_message`](Self::handle_message) does the same and keeps each, which costs a place in a table.
    pub fn accept(&mut self, request: &Request) -> Option<Accepted> {
        if self.answering.contains_key(&request.id) {
            // The first one stays alive (P-3).
            let error = RpcError::invalid_request("a request with this id is still in flight");
            self.refuse(Some(&request.id), &error);
            return None;
        }
        if self.answering.len() >= self.in_flight {
            let limit = self.in_flight;
            let error = RpcError::internal(format!("{limit} requests are in flight; send this one again later"));
            self.refuse(Some(&request.id), &error);
            return None;
        }
        Some(Accepted(Open { batch: self.batches.open(), kind: Kind::of(&request.method) }))
    }

    /// Keeps an accepted request, so that it is answered by its id and the peer can withdraw it.
    pub fn keep(&mut self, id: RequestId, accepted: Accepted) {
        self.answering.insert(id, accepted.0);
    }

    /// Takes a request back that was kept, if it is still open.
    pub fn take(&mut self, id: &RequestId) -> Option<Accepted> {
        self.answering.remove(id).map(Accepted)
    }

    /// Answers an accepted request.
    pub fn answer(&mut self, accepted: Accepted, id: &RequestId, answer: &Answer) {
        let Accepted(open) = accepted;
        let out = &mut self.out;
        let write = |out: &mut BytesMut, answer: &Answer| match answer {
            Ok(result) => rpc::response(out, id, result),
            Err(error) => rpc::error_response(out, Some(id), error),
        };
        self.batches.answer(open.batch, out, answer, write);
        if open.kind == Kind::Subscription && answer.is_ok() {
            // Its result is its end, which the cancellation page wants to be told in this way too (P-35).
            self.notify_cancelled(id, "the subscription ended");
        }
    }

    /// Answers a request of the peer as [`respond`](Self::respond) does, without anybody having been asked. What waits to
    /// be sent of such answers is counted, because nothing else slows down a peer that causes them.
    pub fn respond_by_reflex(&mut self, id: &RequestId, answer: &Answer) -> bool {
        self.reflex(|peer| peer.respond(id, answer))
    }

    /// Forgets a request of the peer without an answer, which only a request that must not exist deserves (S-3).
    pub fn forget(&mut self, id: &RequestId) {
        if let Some(accepted) = self.take(id) {
            self.drop_accepted(accepted);
        }
    }

    /// Forgets an accepted request as [`forget`](Self::forget) does.
    pub fn drop_accepted(&mut self, accepted: Accepted) {
        let Accepted(open) = accepted;
        self.reflex(|peer| peer.batches.withdraw(open.batch, &mut peer.out));
    }

    /// Sends encoded messages that belong to a request of the peer; returns whether that is still open. Nothing is sent
    /// for one that is not (P-61). Each message must be one line, as [`rpc`] writes it.
    pub fn forward<'m>(&mut self, id: &RequestId, messages: impl IntoIterator<Item = &'m [u8]>) -> bool {
        if !self.answering.contains_key(id) {
            return false;
        }
        self.put(messages);
        true
    }

    /// Sends encoded messages that belong to an accepted request, as [`forward`](Self::forward) does.
    pub fn forward_accepted<'m>(&mut self, _: &Accepted, messages: impl IntoIterator<Item = &'m [u8]>) {
        self.put(messages);
    }

    fn put<'m>(&mut self, messages: impl IntoIterator<Item = &'m [u8]>) {
        for message in messages {
            self.out.reserve(message.len() + 1);
            put_line(&mut self.out, |out| out.put_slice(message));
        }
    }

    /// Sends an encoded message, whoever wrote it: white space between its tokens may hold line ends, which become
    /// spaces (T-13).
    pub fn send(&mut self, message: &[u8]) {
        put_line(&mut self.out, |out| {
            out.extend(message.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
        });
    }

    /// Answers something that is not a request, or one that was not accepted. It opens and closes nothing.
    pub fn refuse(&mut self, id: Option<&RequestId>, error: &RpcError) {
        self.reflex(|peer| peer.batches.refuse(&mut peer.out, |out| rpc::error_response(out, id, error)));
    }

    /// Returns how many requests of the peer are open.
    pub fn open_requests(&self) -> usize {
        self.answering.len()
    }

    /// Returns whether the request of the peer is open.
    pub fn is_open(&self, id: &RequestId) -> bool {
        self.answering.contains_key(id)
    }

    /// Begins a batch: answers to what comes until [`end_batch`](Self::end_batch) are sent as one array (T-9).
    pub fn begin_batch(&mut self) {
        self.batches.begin();
    }

    /// Ends a batch.
    pub fn end_batch(&mut self) {
        self.reflex(|peer| peer.batches.end(&mut peer.out));
    }

    /// Takes in a message.
    pub fn handle_message(&mut self, message: Message, now: Instant) {
        match message {
            Message::Request(request) => self.handle_request(request),
            Message::Notification(notification) => self.handle_notification(notification, now),
            Message::Response(response) => self.handle_response(response),
        }
    }

    /// Takes in that a response could not be read; its request fails rather than wait in vain.
    pub fn handle_unreadable(&mut self, id: &RequestId, why: impl Into<String>) {
        if self.asked.remove(id).is_some() {
            self.events.push_back(Event::Completed(id.clone(), Outcome::Unreadable(why.into())));
        }
    }

    /// Takes in that the time is `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((id, asked)) = self.asked.expire(now) {
            self.withdraw(&id, &asked, "the request timed out");
            self.events.push_back(Event::Completed(id, Outcome::TimedOut(asked.deadline())));
        }
    }

    /// Returns what happened next.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns all lines that are ready to be sent, as one piece.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.reflexes = 0;
        (!self.out.is_empty()).then(|| self.out.split().freeze())
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.asked.next_deadline()
    }

    /// Returns how many bytes wait to be sent: for [`poll_transmit`](Self::poll_transmit), or for the rest of their
    /// batch.
    pub fn unsent(&self) -> usize {
        self.out.len() + self.held()
    }

    /// Returns how many of the [`unsent`](Self::unsent) bytes are answers that wait for the rest of their batch. Taking
    /// what is ready does not make them fewer; answering the other requests of the batch does.
    pub fn held(&self) -> usize {
        self.batches.held()
    }

    /// Returns how many of the [`unsent`](Self::unsent) bytes the peer causes without anybody here being asked: refusals,
    /// [reflexes](Self::respond_by_reflex), and what is [held](Self::held).
    pub fn unsent_reflexes(&self) -> usize {
        self.reflexes + self.held()
    }

    /// Counts what `act` adds to the output as caused by the peer alone.
    fn reflex<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.out.len();
        let outcome = act(self);
        self.reflexes += self.out.len().saturating_sub(before);
        outcome
    }

    fn handle_request(&mut self, request: Request) {
        if let Some(accepted) = self.accept(&request) {
            self.keep(request.id.clone(), accepted);
            self.events.push_back(Event::Request(request));
        }
    }

    fn handle_notification(&mut self, notification: Notification, now: Instant) {
        let params = &notification.params;
        let id = match &*notification.method {
            "notifications/cancelled" => return self.handle_cancelled(notification),
            "notifications/progress" => {
                let token = params.progress_token();
                match token.and_then(|token| self.asked.by_token(&token)) {
                    Some(id) => Some(id),
                    // Progress of a request that is over, or of none (P-51).
                    None => return,
                }
            }
            "notifications/message" => self.asked.only_listener(),
            _ => params.meta().subscription_id().filter(|id| self.asked.contains(id)),
        };
        if let Some(id) = &id {
            self.asked.touch(id, now);
        }
        self.events.push_back(Event::Notification(id, notification));
    }

    /// The peer withdraws a request of its own, or ends a subscription of ours (P-35, P-60). Anything else that it
    /// might mean is ignored (P-61).
    fn handle_cancelled(&mut self, notification: Notification) {
        let Some(id) = notification.params.request_id() else { return };
        match self.answering.get(&id) {
            Some(open) if open.kind != Kind::Handshake => {
                self.forget(&id);
                self.events.push_back(Event::Cancelled(id, notification));
            }
            Some(_) => {}
            None if self.asked.is_subscription(&id) => {
                self.asked.remove(&id);
                self.events.push_back(Event::Completed(id, Outcome::Ended));
            }
            None => {}
        }
    }

    fn handle_response(&mut self, response: Response) {
        // A late or an unknown one is expected traffic (P-4, V-68).
        let Some(id) = response.id else { return };
        if self.asked.remove(&id).is_some() {
            self.events.push_back(Event::Completed(id, Outcome::Answered(response.outcome)));
        }
    }

    fn withdraw(&mut self, id: &RequestId, asked: &Asked, reason: &str) {
        if asked.kind != Kind::Handshake {
            self.notify_cancelled(id, reason);
        }
    }

    fn notify_cancelled(&mut self, id: &RequestId, reason: &str) {
        self.notify("notifications/cancelled", Some(&cancelled(id.clone(), reason)));
    }
}

impl Default for Peer {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

/// Makes the parameters by which a request is withdrawn.
pub(crate) fn cancelled(id: RequestId, reason: &str) -> RawJson {
    let params = CancelledNotificationParams::new(id).reason(reason);
    RawJson::encode(&params).expect("an id and a text always encode")
}

/// Appends one message and the end of its line. What is written must be one line, which it is when [`rpc`] writes it.
fn put_line(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    write(out);
    debug_assert!(!out.get(start..).unwrap_or_default().contains(&b'\n'), "a message is one line (T-13)");
    out.put_u8(b'\n');
}

#[cfg(test)]
mod tests;
