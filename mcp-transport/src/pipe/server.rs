//! Serving one client over a byte stream (S-1 to S-12; V-54, V-55).
//!
//! A call is polled once in place; when that answers it, the reply goes straight into the connection's buffer and
//! nothing was spawned. A call that has to wait becomes a task, so that several cores work. The loop stops reading while
//! too much waits to be written or to be started, which is all the back-pressure there is; no request is refused for
//! coming too early. The surprising thing: far more requests may wait than may run, because what the running ones need
//! may come after them: a cancellation, an answer that a call waits for, the end of the input.

pub(crate) mod call;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, OptionFuture};
use futures::stream::{AbortHandle, Abortable, BoxStream, SelectAll, StreamExt};
use mcp_types::{Features, Malformed, Message, Notification, Request, RequestId, RpcError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use super::lines::Lines;
use super::looks_like_response;
use super::writer::Writer;
use crate::era::legacy::{self, Session};
use crate::era::{self, Served, Verdict};
use crate::error::Error;
use crate::limits::{Limits, UNBOUNDED};
use crate::line::LineEvent;
use crate::peer::{self, Accepted, Peer};
use crate::service::{Caller, Serve, Service};

use call::{First, Output, Saying, Started, Starter, WORTH_WRITING};

/// A way in for one client, over a reader and a writer that carry one message per line.
///
/// Serving ends when the client closes its end. What it asked before is still answered, within [`Limits::drain`].
#[derive(Debug)]
pub struct Pipe<R, W> {
    reader: R,
    writer: W,
    limits: Limits,
    is_sole: bool,
}

impl<R, W> Pipe<R, W> {
    /// Makes a way in within the default limits.
    pub fn new(reader: R, writer: W) -> Self {
        Self { reader, writer, limits: Limits::default(), is_sole: false }
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Says that the service has no other way in, so that it shuts down when this client is gone.
    pub(super) fn sole(self) -> Self {
        Self { is_sole: true, ..self }
    }
}

impl<R, W> Serve for Pipe<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    async fn serve<S: Service>(self, service: Arc<S>) -> Result<(), Error> {
        let Self { reader, writer, limits, is_sole } = self;
        service.serve_pipe(AnyPipe { reader: Box::new(reader), writer: Writer::new(writer), limits, is_sole }).await;
        Ok(())
    }
}

/// A [`Pipe`] whose reader and writer can be any, as a [`Service`] is given it.
pub struct AnyPipe {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    writer: Writer,
    limits: Limits,
    is_sole: bool,
}

impl AnyPipe {
    /// Serves until the peer is gone.
    ///
    /// What serves a service is compiled in the crate that calls this with it.
    pub fn serve<S: Service>(self, service: Arc<S>) -> BoxFuture<'static, ()> {
        let Self { reader, writer, limits, is_sole } = self;
        let mut connection = Connection { is_sole, ..Connection::new(service, reader, writer, limits) };
        if is_sole {
            // There is only one of it in the program, so it cannot add up.
            connection.lines = connection.lines.keeping();
        }
        connection.run().boxed()
    }
}

impl fmt::Debug for AnyPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyPipe").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// One client.
struct Connection<S> {
    service: Arc<S>,
    limits: Limits,
    served: Served,
    /// The legacy session that `initialize` may begin; one per stream.
    session: Arc<Session>,
    /// What the session is told outside every call, once it is initialized.
    pushes: Option<BoxStream<'static, Bytes>>,
    /// Whether the service ends with this connection.
    is_sole: bool,
    reader: Box<dyn AsyncRead + Send + Unpin>,
    lines: Lines,
    input: Input,
    /// How many bytes arrived since all of them had been looked at.
    ahead: usize,
    peer: Peer,
    writer: Writer,
    starter: Starter,
    /// The calls that were not ready at once.
    waiting: SelectAll<Abortable<Saying>>,
    /// How to stop each of them.
    running: HashMap<RequestId, AbortHandle>,
    /// Requests beyond [`Limits::in_flight`], in the order they came.
    parked: VecDeque<(Request, Caller)>,
    /// The sum of the sizes of `parked`.
    parked_bytes: usize,
}

/// Where the reading side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// All that arrived was looked at.
    Hungry,
    /// There may be lines that were not looked at.
    Filled,
    /// Nothing more will arrive; the rest must be answered by then.
    Ended(Instant),
}

/// Why the loop has something to do.
enum Event {
    /// The time to answer what is left is over.
    Alarm,
    /// The service tells the session something, or never will again.
    Pushed(Option<Bytes>),
    /// A call says something, or there is none left.
    Said(Option<(RequestId, Output)>),
    Read(io::Result<usize>),
    Wrote(io::Result<()>),
}

impl<S: Service> Connection<S> {
    fn new(service: Arc<S>, reader: Box<dyn AsyncRead + Send + Unpin>, writer: Writer, limits: Limits) -> Self {
        Self {
            served: service.served(),
            starter: Starter::new(Arc::clone(&service), &limits),
            service,
            session: Arc::new(Session::new()),
            pushes: None,
            is_sole: false,
            reader,
            lines: Lines::new(&limits),
            input: Input::Hungry,
            ahead: 0,
            // How many may be open follows from how much may be parked.
            peer: Peer::new(&limits.clone().in_flight(UNBOUNDED)),
            writer,
            waiting: SelectAll::new(),
            running: HashMap::new(),
            parked: VecDeque::new(),
            parked_bytes: 0,
            limits,
        }
    }

    async fn run(mut self) {
        while !self.is_done() {
            let event = self.next_event().await;
            if self.handle_event(event).await.is_break() {
                return;
            }
            loop {
                self.take_lines();
                let was_full = !self.may_take();
                if self.write_ready().await.is_break() {
                    return;
                }
                // What was written may have made room for lines that are here already.
                if !was_full || !self.may_take() {
                    break;
                }
            }
        }
    }

    /// Writes what is ready without waiting for anything, because there is nearly always room for it.
    async fn write_ready(&mut self) -> ControlFlow<()> {
        if self.unwritten() == 0 {
            return ControlFlow::Continue(());
        }
        let Self { writer, peer, .. } = self;
        poll_fn(|cx| match writer.poll_drain(peer, cx) {
            // Nobody is there to be answered (F97).
            Poll::Ready(Err(_)) => Poll::Ready(ControlFlow::Break(())),
            // What did not fit is waited for with everything else.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(ControlFlow::Continue(())),
        })
        .await
    }

    async fn next_event(&mut self) -> Event {
        let may_read = self.may_read();
        let may_hear = !self.waiting.is_empty() && self.has_room();
        let may_push = self.pushes.is_some() && self.has_room();
        let must_write = self.unwritten() > 0 || !self.writer.is_idle();
        let alarm = match self.input {
            Input::Ended(at) => Some(tokio::time::sleep_until(at.into())),
            Input::Filled | Input::Hungry => None,
        };
        let has_alarm = alarm.is_some();
        let Self { reader, lines, peer, writer, waiting, pushes, .. } = self;
        let mut space = lines.space();
        tokio::select! {
            said = waiting.next(), if may_hear => Event::Said(said),
            pushed = OptionFuture::from(pushes.as_mut().map(StreamExt::next)), if may_push => {
                Event::Pushed(pushed.flatten())
            }
            read = reader.read_buf(&mut space), if may_read => Event::Read(read),
            wrote = poll_fn(|cx| writer.poll_drain(peer, cx)), if must_write => Event::Wrote(wrote),
            () = OptionFuture::from(alarm).map(drop), if has_alarm => Event::Alarm,
        }
    }

    async fn handle_event(&mut self, event: Event) -> ControlFlow<()> {
        match event {
            Event::Pushed(Some(message)) => self.peer.send(&message),
            Event::Pushed(None) => self.pushes = None,
            Event::Said(said) => self.handle_said(said),
            Event::Read(Ok(length @ 1..)) => {
                self.input = Input::Filled;
                self.ahead += length;
            }
            // A stream that breaks has ended, for the requests that arrived before.
            Event::Read(Ok(0) | Err(_)) => self.handle_end(),
            Event::Wrote(Ok(())) => {}
            // Nobody is there to be answered (F97).
            Event::Wrote(Err(_)) => return ControlFlow::Break(()),
            Event::Alarm => {
                self.give_up();
                let rest = poll_fn(|cx| self.writer.poll_drain(&mut self.peer, cx));
                let _ = tokio::time::timeout(LAST_WORDS, rest).await;
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// Nothing more arrives, and nobody is there to be told what changes.
    fn handle_end(&mut self) {
        self.input = Input::Ended(deadline(now(), self.limits.drain));
        self.pushes = None;
        if self.is_sole {
            self.service.shutdown();
        }
    }

    /// Returns whether everything that arrived is answered and nothing will arrive.
    fn is_done(&self) -> bool {
        matches!(self.input, Input::Ended(_))
            && self.may_take()
            && self.running.is_empty()
            && self.unwritten() == 0
            && self.writer.is_idle()
    }

    // Input.

    /// Looks at the lines that arrived, for as long as their answers have room.
    fn take_lines(&mut self) {
        while self.input != Input::Hungry && self.may_take() {
            let line = match self.input {
                Input::Ended(_) => self.lines.finish(),
                _ => self.lines.next_line(),
            };
            match line {
                Some(LineEvent::Line(text)) => self.handle_line(text),
                Some(LineEvent::TooLong { head, limit }) => self.handle_long_line(&head, limit),
                None if self.input == Input::Filled => {
                    self.input = Input::Hungry;
                    self.ahead = 0;
                }
                // No answer to a question will come.
                None => return self.session.end(),
            }
        }
    }

    /// Returns whether there is something to be read. Some of it may have to wait before it is looked at, but should the
    /// end of the input be near, it is heard at once.
    fn may_read(&self) -> bool {
        match self.input {
            Input::Hungry => true,
            Input::Filled => self.ahead < self.limits.outbox_bytes,
            Input::Ended(_) => false,
        }
    }

    /// Returns whether one more line can be taken in.
    fn may_take(&self) -> bool {
        let answers = self.unwritten() + self.peer.held();
        answers < self.limits.outbox_bytes && self.parked_bytes < self.limits.outbox_bytes
    }

    fn handle_line(&mut self, mut text: Bytes) {
        match Message::take(&mut text) {
            Ok(message) => self.handle_message(message),
            Err(malformed) if malformed.batch && self.takes_batches() => self.handle_batch(&text),
            Err(malformed) => self.handle_malformed(&malformed, &text),
        }
    }

    fn handle_malformed(&mut self, malformed: &Malformed, text: &[u8]) {
        let id = malformed.id.as_ref().filter(|_| !looks_like_response(text));
        self.peer.refuse(id, &malformed.error);
    }

    fn handle_long_line(&mut self, head: &[u8], limit: usize) {
        let id = Message::id_in_head(head).filter(|_| !looks_like_response(head));
        let message = format!("a message has at most {limit} bytes, this one has more");
        self.peer.refuse(id.as_ref(), &RpcError::invalid_request(message));
    }

    fn handle_message(&mut self, message: Message) {
        let verdict = era::classify(&message, None, &self.served);
        match message {
            Message::Request(request) => return self.handle_request(request, verdict),
            // Only the session asks the client something; a response that it does not know is expected traffic (S-3).
            Message::Response(response) => {
                self.session.answered(response);
                return;
            }
            Message::Notification(_) => self.peer.handle_message(message, now()),
        }
        while let Some(event) = self.peer.poll_event() {
            match event {
                peer::Event::Cancelled(id, _) => self.stop(&id),
                // Requests of our own are not sent by this end of the peer, and the others are accepted one by one.
                peer::Event::Completed(..) | peer::Event::Request(_) => {}
                peer::Event::Notification(_, notification) => self.handle_notification(notification),
            }
        }
    }

    fn handle_request(&mut self, request: Request, verdict: Verdict) {
        let Some(accepted) = self.peer.accept(&request) else { return };
        let admitted = match verdict {
            Verdict::Modern(caller) => Ok(caller),
            Verdict::Legacy => self.session.admit(&request).map(|()| Caller::legacy(Arc::clone(&self.session))),
            Verdict::Reject(rejection) => Err(rejection.error),
            Verdict::Drop => return self.peer.drop_accepted(accepted),
        };
        match admitted {
            Ok(caller) if self.running.len() < self.limits.in_flight => self.start(request, caller, accepted),
            Ok(caller) => {
                self.peer.keep(request.id.clone(), accepted);
                self.parked_bytes += size(&request);
                self.parked.push_back((request, caller));
            }
            Err(error) => self.peer.answer(accepted, &request.id, &Err(error)),
        }
    }

    /// A notification has no claim, so it belongs to the session when there is one (V-50, V-55).
    fn handle_notification(&mut self, notification: Notification) {
        if !self.session.is_begun() {
            return;
        }
        if legacy::ends_handshake(&notification.method) {
            if !self.session.is_ready() {
                self.session.ready();
                self.pushes = self.service.pushes(&self.session);
            }
            return;
        }
        let caller = Caller::legacy(Arc::clone(&self.session));
        // The hook has printed the panic; there is nobody to be told.
        let _ = catch_unwind(AssertUnwindSafe(|| self.service.notify(notification, &caller)));
    }

    /// Returns whether an array may be a batch: where the revision has them, and before one is agreed on (T-9).
    fn takes_batches(&self) -> bool {
        !self.session.is_begun() || self.session.revision().features().has(Features::BATCH)
    }

    fn handle_batch(&mut self, text: &Bytes) {
        let texts = match peer::split_batch(text, &self.limits) {
            Ok(texts) => texts,
            Err(error) => return self.peer.refuse(None, &error),
        };
        let messages: Vec<_> = texts.into_iter().map(|text| (Message::parse(text.clone()), text)).collect();
        let modern = |request: &Request| request.params.meta().has_protocol_version();
        if messages.iter().any(|(message, _)| matches!(message, Ok(Message::Request(request)) if modern(request))) {
            let error =
                RpcError::invalid_request("a request with a protocol version in its `_meta` cannot be in a batch");
            return self.peer.refuse(None, &error);
        }
        self.peer.begin_batch();
        for (message, text) in messages {
            match message {
                Ok(Message::Request(request)) if legacy::opens(&request.method) => {
                    let error = RpcError::invalid_request("`initialize` cannot be in a batch");
                    self.peer.refuse(Some(&request.id), &error);
                }
                Ok(message) => self.handle_message(message),
                Err(malformed) => {
                    // The id of a broken response is one of ours, and its client may have a request of that id (T-6).
                    let id = malformed.id.as_ref().filter(|_| !looks_like_response(&text));
                    self.peer.refuse(id, &malformed.error);
                }
            }
        }
        self.peer.end_batch();
    }

    // Calls.

    /// Starts a call. One that is answered at once is never entered among those that are running.
    fn start(&mut self, request: Request, caller: Caller, accepted: Accepted) {
        let id = request.id.clone();
        match self.starter.start(request, caller, First::Here) {
            Started::Ready(batch, answer) => {
                if let Some(batch) = batch {
                    self.peer.forward_accepted(&accepted, batch.messages());
                }
                self.peer.answer(accepted, &id, &answer);
            }
            Started::Waiting(saying) => {
                let (stop, registration) = AbortHandle::new_pair();
                self.waiting.push(Abortable::new(saying, registration));
                self.peer.keep(id.clone(), accepted);
                self.running.insert(id, stop);
            }
        }
    }

    /// Takes what the calls have to say, until they have nothing more or enough is ready to be written.
    fn handle_said(&mut self, mut said: Option<(RequestId, Output)>) {
        while let Some((id, output)) = said {
            match output {
                Output::Notifications(batch) => {
                    self.peer.forward(&id, batch.messages());
                }
                Output::Answer(answer) => {
                    self.running.remove(&id);
                    self.peer.respond(&id, &answer);
                    self.start_parked();
                }
            }
            if self.unwritten() >= WORTH_WRITING {
                return;
            }
            said = self.waiting.next().now_or_never().flatten();
        }
    }

    fn start_parked(&mut self) {
        while self.running.len() < self.limits.in_flight {
            let Some((request, caller)) = self.parked.pop_front() else { return };
            self.parked_bytes -= size(&request);
            if let Some(accepted) = self.peer.take(&request.id) {
                self.start(request, caller, accepted);
            }
        }
    }

    /// Stops a call that was withdrawn; nothing more comes from it.
    fn stop(&mut self, id: &RequestId) {
        match self.running.remove(id) {
            Some(stop) => {
                stop.abort();
                self.start_parked();
            }
            None => {
                self.parked.retain(|(request, _)| request.id != *id);
                self.parked_bytes = self.parked.iter().map(|(request, _)| size(request)).sum();
            }
        }
    }

    /// Answers what is left when the time to answer it is over.
    fn give_up(&mut self) {
        let error = RpcError::internal("the server ended before the request was done");
        let parked = self.parked.drain(..).map(|(request, _)| request.id);
        for id in self.running.drain().map(|(id, _)| id).chain(parked) {
            self.peer.respond(&id, &Err(error.clone()));
        }
        self.waiting.clear();
        while let Some(line) = self.lines.finish() {
            match line {
                LineEvent::Line(text) => self.refuse_line(&text, &error),
                LineEvent::TooLong { head, limit } => self.handle_long_line(&head, limit),
            }
        }
    }

    /// Answers the requests in a line that there is no time to look at.
    fn refuse_line(&mut self, text: &Bytes, error: &RpcError) {
        match Message::parse(text.clone()) {
            Ok(Message::Request(request)) => self.peer.refuse(Some(&request.id), error),
            Ok(Message::Notification(_) | Message::Response(_)) => {}
            Err(malformed) if malformed.batch && self.takes_batches() => match peer::split_batch(text, &self.limits) {
                Ok(texts) => {
                    self.peer.begin_batch();
                    texts.iter().for_each(|text| self.refuse_line(text, error));
                    self.peer.end_batch();
                }
                Err(error) => self.peer.refuse(None, &error),
            },
            Err(malformed) => self.handle_malformed(&malformed, text),
        }
    }

    // Output.

    fn has_room(&self) -> bool {
        self.unwritten() < self.limits.outbox_bytes
    }

    /// Returns how many bytes wait for the client to read. What waits for the rest of its batch does not.
    fn unwritten(&self) -> usize {
        self.peer.unsent() - self.peer.held() + self.writer.unwritten()
    }
}

/// Returns about how many bytes a request takes that is parked.
fn size(request: &Request) -> usize {
    let id = match &request.id {
        RequestId::Number(_) => 0,
        RequestId::Text(id) => id.len(),
    };
    let params = request.params.raw().map_or(0, |raw| raw.as_bytes().len());
    PARKED_BYTES + id + request.method.len() + params
}

/// Reads the clock of the runtime, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn deadline(now: Instant, patience: Duration) -> Instant {
    // A patience that the clock cannot add to is for ever, as far as anybody can tell.
    now.checked_add(patience).or_else(|| now.checked_add(crate::limits::FOREVER)).unwrap_or(now)
}

/// What a parked request takes besides its own bytes: its place, and its share of a read buffer that it keeps alive.
const PARKED_BYTES: usize = 1024;

/// How long the last answers may take to be written after the time to answer is over.
const LAST_WORDS: Duration = Duration::from_secs(1);
