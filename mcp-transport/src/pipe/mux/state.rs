//! What the task, the exchanges and the inbound stream of a [`Mux`](super::Mux) share.
//!
//! Nothing here waits. Whoever changes what may be written calls [`State::write`].

use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use mcp_types::{Features, Message, Notification, RawJson, Request, RequestId, Revision, RpcError};
use tokio::io::AsyncWrite;

use super::super::backlog::Backlog;
use super::super::writer::Writer;
use super::Noise;
use crate::client::{Event, Hearing, Incoming, Patience};
use crate::error::Error;
use crate::limits::Limits;
use crate::own_ids::OwnIds;
use crate::peer::{self, Outcome, Peer};

/// The state of one connection.
pub(super) struct State {
    peer: Peer,
    limits: Limits,
    /// `None` once the writing side is shut down.
    writer: Option<Writer>,
    exchanges: OwnIds<RequestId, Mailbox>,
    inbound: Ambient,
    /// The revision that was agreed on.
    revision: Option<Revision>,
    noise: Noise,
    phase: Phase,
    /// The task that reads.
    driver: Waker,
    /// Whether the task has to look at the state again.
    attention: bool,
    /// Whether requests wait to be written together, which the task does once all that is ready has run.
    gathering: bool,
    /// When the timer of the task fires. Never later than the first deadline; it may be earlier, so that a request
    /// that is answered costs no change of the timer.
    armed: Option<Instant>,
    /// When the time is over that readers are given to take what has come; nothing more is taken in before.
    turn: Option<Instant>,
    /// Those who wait for room in the output, or for the end.
    waiting: Vec<Waker>,
}

/// How far the connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// We have ended it; what is waiting is being sent.
    Closing,
    Ended,
}

/// What arrived for one exchange.
struct Mailbox {
    backlog: Backlog,
    last: Option<Result<Event, Error>>,
    reader: Option<Waker>,
}

/// What arrived outside every exchange.
struct Ambient {
    backlog: Backlog,
    reader: Option<Waker>,
    handed_out: bool,
    /// Whether somebody reads it, and so answers requests.
    attended: bool,
}

impl State {
    pub(super) fn new(writer: impl AsyncWrite + Send + Unpin + 'static, limits: &Limits) -> Self {
        let mut ambient = Backlog::new(limits);
        ambient.leave();
        Self {
            peer: Peer::new(limits),
            limits: limits.clone(),
            writer: Some(Writer::new(writer)),
            exchanges: OwnIds::default(),
            inbound: Ambient { backlog: ambient, reader: None, handed_out: false, attended: false },
            revision: None,
            noise: Noise::default(),
            phase: Phase::Open,
            driver: Waker::noop().clone(),
            attention: false,
            gathering: false,
            armed: None,
            turn: None,
            waiting: Vec::new(),
        }
    }

    pub(super) fn peer(&mut self) -> &mut Peer {
        &mut self.peer
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn noise(&self) -> &Noise {
        &self.noise
    }

    pub(super) fn settle(&mut self, revision: Revision) {
        self.revision = Some(revision);
    }

    // Exchanges.

    pub(super) fn open(
        &mut self,
        method: &str,
        params: &RawJson,
        hearing: Hearing,
        patience: Patience,
        now: Instant,
    ) -> Result<RequestId, Error> {
        if self.phase != Phase::Open {
            return Err(Error::Closed);
        }
        let id = self.peer.ask(method, Some(params), hearing, patience, now);
        let mailbox = Mailbox { backlog: Backlog::new(&self.limits), last: None, reader: None };
        self.exchanges.insert(id.clone(), mailbox);
        let due = self.peer.poll_timeout();
        if due.is_some_and(|due| self.armed.is_none_or(|armed| due < armed)) {
            self.alert();
        }
        if self.exchanges.len() == 1 {
            self.write();
        } else if !std::mem::replace(&mut self.gathering, true) {
            // Where there are several there may be more: the task writes them together.
            self.driver.wake_by_ref();
        }
        Ok(id)
    }

    pub(super) fn poll_mail(&mut self, id: &RequestId, cx: &Context<'_>) -> Poll<Result<Event, Error>> {
        let Some(mailbox) = self.exchanges.get_mut(id) else { return Poll::Ready(Err(Error::Closed)) };
        if let Some(Incoming::Notification(notification)) = mailbox.backlog.pop() {
            self.end_turn();
            return Poll::Ready(Ok(Event::Notification(notification)));
        }
        match mailbox.last.take() {
            Some(last) => {
                self.exchanges.remove(id);
                Poll::Ready(last)
            }
            None => {
                if mailbox.reader.as_ref().is_none_or(|reader| !reader.will_wake(cx.waker())) {
                    mailbox.reader = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// The exchange was dropped.
    pub(super) fn give_up(&mut self, id: &RequestId) {
        self.exchanges.remove(id);
        self.end_turn();
        if self.peer.cancel(id, "nobody waits for the answer any more") {
            self.write();
        }
    }

    // What belongs to no exchange.

    pub(super) fn take_inbound(&mut self) -> bool {
        self.inbound.attended |= !self.inbound.handed_out;
        !std::mem::replace(&mut self.inbound.handed_out, true)
    }

    pub(super) fn poll_inbound(&mut self, cx: &Context<'_>) -> Poll<Option<Incoming>> {
        match self.inbound.backlog.pop() {
            Some(message) => {
                self.end_turn();
                Poll::Ready(Some(message))
            }
            None if self.phase != Phase::Open => Poll::Ready(None),
            None => {
                self.inbound.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The inbound stream was dropped: whoever still asks is told that nobody is there.
    pub(super) fn leave_inbound(&mut self) {
        self.inbound.attended = false;
        while let Some(message) = self.inbound.backlog.pop() {
            if let Incoming::Request(request) = message {
                self.refuse(&request);
            }
        }
        self.inbound.backlog.leave();
        self.end_turn();
        self.write();
    }

    // Output.

    /// Returns whether requests may be sent.
    ///
    /// # Errors
    ///
    /// Fails at the end.
    pub(super) fn has_room(&self) -> Result<bool, Error> {
        if self.phase != Phase::Open {
            return Err(Error::Closed);
        }
        Ok(self.unwritten() < self.limits.outbox_bytes)
    }

    /// Waits until requests may be sent, or for the end.
    pub(super) fn poll_room(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        match self.has_room() {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => {
                self.wait(cx);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Writes what the stream takes now; the task does the rest.
    pub(super) fn write(&mut self) {
        let driver = self.driver.clone();
        if let Poll::Ready(Err(_)) = self.poll_write(&mut Context::from_waker(&driver)) {
            // The task meets the same error and ends the connection.
            self.alert();
        }
    }

    /// Returns whether requests wait to be written together.
    pub(super) fn is_gathering(&self) -> bool {
        self.gathering
    }

    /// Writes for the task. Ready when it has to look at the state again, or when the stream is broken.
    pub(super) fn poll_attention(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.driver.will_wake(cx.waker()) {
            self.driver = cx.waker().clone();
        }
        if self.gathering {
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(Err(error)) = self.poll_write(cx) {
            return Poll::Ready(Err(error));
        }
        if std::mem::take(&mut self.attention) {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.gathering = false;
        let could_read = self.may_take();
        let Some(writer) = &mut self.writer else { return Poll::Ready(Ok(())) };
        let mut outcome = writer.poll_drain(&mut self.peer, cx);
        if self.phase != Phase::Open && matches!(outcome, Poll::Ready(Ok(()))) {
            outcome = writer.poll_shutdown(cx);
            if outcome.is_ready() {
                // Some streams, such as the pipe to a child, end only when they are dropped.
                self.writer = None;
            }
        }
        if self.unwritten() < self.limits.outbox_bytes {
            self.waiting.drain(..).for_each(Waker::wake);
        }
        if !could_read && self.may_take() {
            self.alert();
        }
        outcome
    }

    /// Forgets the writing side of a stream that takes nothing more.
    pub(super) fn stop_writing(&mut self) {
        self.writer = None;
    }

    /// Returns how many bytes wait for the stream. What waits for its batch does not, or the answer that completes the
    /// batch would wait for it.
    fn unwritten(&self) -> usize {
        self.peer.unsent() - self.peer.held() + self.writer.as_ref().map_or(0, Writer::unwritten)
    }

    // Back-pressure.

    /// Returns whether the task may take in one more line. A reader that is about to lose something comes first; and a
    /// peer has to wait that causes answers and does not take them. But our own output is no reason not to read, or two
    /// ends that both have much to say would wait for each other.
    pub(super) fn may_take(&self) -> bool {
        !self.is_turn_of_readers() && self.peer.unsent_reflexes() < self.limits.outbox_bytes
    }

    /// Returns whether readers are given the time to take what has come.
    pub(super) fn is_turn_of_readers(&self) -> bool {
        self.turn.is_some()
    }

    /// Gives the readers of what is half full the time to make room.
    fn begin_turn(&mut self, now: Instant) {
        if self.turn.is_none() {
            self.turn = Some(now.checked_add(self.limits.reader_turn).unwrap_or(now));
        }
    }

    /// Ends the turn of the readers when all of them have used it.
    fn end_turn(&mut self) {
        if self.turn.is_some() && !self.backlogs().any(|backlog| backlog.is_awaited()) {
            self.turn = None;
            self.alert();
        }
    }

    fn backlogs(&mut self) -> impl Iterator<Item = &mut Backlog> {
        let mailboxes = self.exchanges.values_mut().map(|mailbox| &mut mailbox.backlog);
        mailboxes.chain([&mut self.inbound.backlog])
    }

    // Deadlines.

    /// Returns when the timer is to fire.
    pub(super) fn arm(&mut self) -> Option<Instant> {
        self.armed = [self.armed, self.peer.poll_timeout(), self.turn].into_iter().flatten().min();
        self.armed
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.armed = None;
        if self.turn.is_some_and(|turn| turn <= now) {
            self.backlogs().for_each(Backlog::stop_waiting);
            self.turn = None;
        }
        self.peer.handle_timeout(now);
        self.dispatch(now);
        self.write();
    }

    // Input.

    pub(super) fn handle_message(&mut self, message: Message, now: Instant) {
        self.peer.handle_message(message, now);
        self.dispatch(now);
    }

    /// Takes in a line that is no message: an answer that is broken, or noise.
    pub(super) fn handle_unreadable(&mut self, id: Option<&RequestId>, line: &[u8], why: String, now: Instant) {
        match id.filter(|id| self.exchanges.contains_key(id)) {
            Some(id) => {
                self.peer.handle_unreadable(id, why);
                self.dispatch(now);
            }
            None => {
                self.noise.lines += 1;
                self.noise.first.get_or_insert_with(|| start_of(line));
            }
        }
    }

    /// Returns whether an array may be a batch: where the revision has them, and before one is agreed on (T-9).
    pub(super) fn takes_batches(&self) -> bool {
        self.revision.is_none_or(|revision| revision.features().has(Features::BATCH))
    }

    fn dispatch(&mut self, now: Instant) {
        while let Some(event) = self.peer.poll_event() {
            match event {
                peer::Event::Cancelled(_, notification) | peer::Event::Notification(None, notification) => {
                    self.deliver_inbound(Incoming::Notification(notification), now);
                }
                peer::Event::Completed(id, outcome) => self.complete(&id, outcome),
                peer::Event::Notification(Some(id), notification) => self.deliver(&id, notification, now),
                peer::Event::Request(request) => self.handle_request(request, now),
            }
        }
    }

    fn deliver(&mut self, id: &RequestId, notification: Notification, now: Instant) {
        let Some(mailbox) = self.exchanges.get_mut(id) else { return };
        mailbox.backlog.push(Incoming::Notification(notification));
        wake(&mut mailbox.reader);
        if mailbox.backlog.is_awaited() {
            self.begin_turn(now);
        }
    }

    fn deliver_inbound(&mut self, message: Incoming, now: Instant) {
        self.inbound.backlog.push(message);
        wake(&mut self.inbound.reader);
        if self.inbound.backlog.is_awaited() {
            self.begin_turn(now);
        }
    }

    fn complete(&mut self, id: &RequestId, outcome: Outcome) {
        let Some(mailbox) = self.exchanges.get_mut(id) else { return };
        mailbox.last = Some(match outcome {
            Outcome::Answered(answer) => Ok(Event::Response(answer)),
            // What a server ends without its result ends like one whose result says nothing (P-35).
            Outcome::Ended => Ok(Event::Response(Ok(RawJson::empty_object()))),
            Outcome::TimedOut(deadline) => Err(Error::TimedOut(deadline)),
            Outcome::Unreadable(why) => Err(Error::malformed("a response", why)),
        });
        wake(&mut mailbox.reader);
    }

    fn handle_request(&mut self, request: Request, now: Instant) {
        if self.revision.is_some_and(|revision| !revision.features().has(Features::SERVER_REQUESTS)) {
            // A modern server sends none, and a modern client writes no responses (S-3).
            return self.peer.forget(&request.id);
        }
        if request.method == "ping" {
            // At any time and promptly, whatever the application does (V-20).
            self.peer.respond_by_reflex(&request.id, &Ok(RawJson::empty_object()));
            return;
        }
        let request = Incoming::Request(request);
        if self.inbound.attended && self.inbound.backlog.has_room_for(&request) {
            return self.deliver_inbound(request, now);
        }
        if let Incoming::Request(request) = request {
            self.refuse(&request);
        }
    }

    fn refuse(&mut self, request: &Request) {
        let error = if self.inbound.attended {
            RpcError::internal("too many requests wait for this client; send this one again later")
        } else {
            RpcError::method_not_found(&start_of(request.method.as_bytes()))
        };
        self.peer.respond_by_reflex(&request.id, &Err(error));
    }

    // The end.

    pub(super) fn start_closing(&mut self) {
        if self.phase == Phase::Open {
            self.leave(Phase::Closing);
        }
    }

    pub(super) fn end(&mut self) {
        self.writer = None;
        self.leave(Phase::Ended);
    }

    pub(super) fn poll_ended(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.phase == Phase::Ended {
            return Poll::Ready(());
        }
        self.wait(cx);
        Poll::Pending
    }

    fn leave(&mut self, phase: Phase) {
        self.phase = phase;
        for mailbox in self.exchanges.values_mut() {
            mailbox.last.get_or_insert(Err(Error::Closed));
            wake(&mut mailbox.reader);
        }
        wake(&mut self.inbound.reader);
        self.waiting.drain(..).for_each(Waker::wake);
        self.alert();
    }

    fn alert(&mut self) {
        self.attention = true;
        self.driver.wake_by_ref();
    }

    fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }
}

fn wake(reader: &mut Option<Waker>) {
    if let Some(reader) = reader.take() {
        reader.wake();
    }
}

/// Returns the start of a text, for a human.
fn start_of(text: &[u8]) -> String {
    let head = text.get(..4 * SHOWN).unwrap_or(text);
    String::from_utf8_lossy(head).chars().take(SHOWN).collect()
}

/// How many characters of something unexpected are shown.
const SHOWN: usize = 200;
