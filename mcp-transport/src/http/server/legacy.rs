//! The legacy shell: sessions, their requests, their standalone stream (HL-1 to HL-15, V-52).
//!
//! The surprising thing: a request is first worked on where it came in, and moves to a task of its session only when
//! it has to wait, so that quick answers cost no task and slow ones survive a disconnect (HL-5).

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::join_all;
use http::Response;
use mcp_types::{Features, Malformed, Message, Notification, RawJson, Request, RequestId, rpc};
use tokio::sync::oneshot;

use super::body::ReplyBody;
use super::endpoint::{Answers, Endpoint, Step};
use super::load::Permit;
use super::logged::{LoggedEvents, now};
use super::response;
use super::rules::{self, Form, LEGACY_STATUS, Refusal};
use super::session::{HttpSession, Ticket};
use super::stream::{Asked, Pending, Reply};
use super::table::SessionId;
use super::written::Written;
use crate::era::{Verdict, classify, legacy};
use crate::header::HeaderView;
use crate::outbox::{Notifier, Outbox, outbox};
use crate::service::{Call, Caller};

impl Endpoint {
    /// Takes a message of a session, or the `initialize` that opens one.
    pub(super) fn take_legacy(&self, view: &HeaderView<'_>, message: Message) -> Result<Step<'_>, Refusal> {
        match message {
            Message::Request(request) => {
                let id = request.id.clone();
                self.take_request(view, request).map_err(|refusal| refusal.with_id(&id))
            }
            Message::Notification(notification) => {
                let session = self.session(view)?;
                self.take_note(&session, notification);
                Ok(Step::Answered(response::accepted()))
            }
            // One that nobody waits for is expected traffic: a question may have been withdrawn meanwhile.
            Message::Response(response) => {
                self.session(view)?.protocol.answered(response);
                Ok(Step::Answered(response::accepted()))
            }
        }
    }

    fn take_request(&self, view: &HeaderView<'_>, request: Request) -> Result<Step<'_>, Refusal> {
        let form = Form::choose(view.accept, &request.method)?;
        if legacy::opens(&request.method) && rules::read_session(view)?.is_none() {
            rules::check_legacy_version(view, &self.served)?;
            return Ok(Step::Opening(self.initialize(form, request).boxed()));
        }
        let session = self.session(view)?;
        let asked = Asked::One(request.id.clone(), LEGACY_STATUS);
        let (notifier, outbox) = self.outbox(form);
        let reply = self.start(&session, request, notifier)?;
        Ok(Step::Working(self.exchange(reply, asked, outbox).of(session), form))
    }

    /// Opens a session, when the service agrees.
    async fn initialize(&self, form: Form, request: Request) -> Result<Response<ReplyBody>, Refusal> {
        let id = request.id.clone();
        self.open_session(form, request).await.map_err(|refusal| refusal.with_id(&id))
    }

    async fn open_session(&self, form: Form, request: Request) -> Result<Response<ReplyBody>, Refusal> {
        let is_busy = |session: &Arc<HttpSession>| session.is_busy();
        self.sessions().admit(now(), is_busy)?;
        let _permit = self.admit()?;
        let mut random = [[0; 8]; 3];
        getrandom::fill(random.as_flattened_mut())
            .map_err(|_| Refusal::busy(503, "the server has no random numbers"))?;
        let [first, second, salt] = random.map(u64::from_be_bytes);
        let session = HttpSession::new(&self.config.limits, self.replay.clone(), salt);
        let session = Arc::new(session);
        // The answer comes alone: before it the client is not ready for notifications (V-14).
        let (notifier, _) = outbox(&self.config.limits);
        let call = Call::new(request, Caller::legacy(Arc::clone(&session.protocol)), notifier);
        let reply = Arc::clone(&self.service).reply(call, rules::legacy_status).await;
        if !session.protocol.is_begun() {
            return Ok(response::initialized(reply, form, None));
        }
        let id = SessionId::new([first, second]);
        let evicted = self.sessions().insert(id.clone(), session, now(), is_busy)?;
        if let Some(evicted) = evicted {
            evicted.end();
        }
        Ok(response::initialized(reply, form, Some(&id)))
    }

    /// Opens the standalone stream of a session (HL-6), or the rest of a stream that was lost (HL-8).
    pub(super) fn open_stream(&self, view: &HeaderView<'_>) -> Result<Response<ReplyBody>, Refusal> {
        rules::check_stream_accept(view)?;
        let last_event_id = rules::read_last_event_id(view, &self.config.limits)?;
        let session = self.session(view)?;
        let (seat, is_new) = match last_event_id {
            Some(id) => (session.streams.resume(id, now()).map_err(Refusal::from)?, false),
            None => (session.open_stream()?, true),
        };
        session.initialized(&self.service);
        let events = LoggedEvents::new(session, seat, &self.stop, self.config.limits.keep_alive);
        let events = if is_new { events.primed() } else { events };
        Ok(response::event_stream(events))
    }

    /// Ends a session; its id is unknown afterwards (HL-10).
    pub(super) fn end_session(&self, view: &HeaderView<'_>) -> Result<Response<ReplyBody>, Refusal> {
        rules::check_legacy_version(view, &self.served)?;
        let id = rules::read_session(view)?.ok_or_else(rules::missing_session)?;
        let session = self.sessions().remove(id).ok_or_else(rules::unknown_session)?;
        session.end();
        Ok(response::ended())
    }

    /// Forgets the sessions that nobody uses any more.
    pub(super) fn sweep(&self) {
        let idle = self.sessions().sweep(now(), |session| session.is_busy());
        idle.iter().for_each(|session| session.end());
        let kept: Vec<_> = self.sessions().iter().map(Arc::clone).collect();
        kept.iter().for_each(|session| session.streams.expire(now()));
    }

    /// Ends every session, when the server stops.
    pub(super) fn end_all(&self) {
        let all = self.sessions().clear();
        all.iter().for_each(|session| session.end());
    }

    fn session(&self, view: &HeaderView<'_>) -> Result<Arc<HttpSession>, Refusal> {
        rules::check_legacy_version(view, &self.served)?;
        let id = rules::read_session(view)?.ok_or_else(rules::missing_session)?;
        self.sessions().find(id, now()).map(Arc::clone).ok_or_else(rules::unknown_session)
    }

    fn take_note(&self, session: &HttpSession, notification: Notification) {
        match &*notification.method {
            method if legacy::ends_handshake(method) => session.initialized(&self.service),
            "notifications/cancelled" => {
                if let Some(id) = notification.params.request_id() {
                    session.cancel(&id);
                }
            }
            "notifications/progress" => {}
            _ => self.service.notify(notification, &Caller::legacy(Arc::clone(&session.protocol))),
        }
    }

    /// Makes the way out of a request: one whose client takes no stream has no way for questions.
    fn outbox(&self, form: Form) -> (Notifier, Outbox) {
        let (notifier, mut outbox) = outbox(&self.config.limits);
        if form == Form::Json {
            outbox.refuse_requests();
        }
        (notifier, outbox)
    }

    /// Starts a request of a session.
    fn start(&self, session: &Arc<HttpSession>, request: Request, notifier: Notifier) -> Result<Pending, Refusal> {
        let id = request.id.clone();
        if let Err(error) = session.protocol.admit(&request) {
            let answer = Err(error);
            let reply = Reply::new(id, answer, LEGACY_STATUS);
            return Ok(Pending::Known(Some(reply)));
        }
        let place = Place { ticket: session.take_in(&id)?, _permit: self.admit()? };
        let call = Call::new(request, Caller::legacy(Arc::clone(&session.protocol)), notifier);
        Ok(work(&self.service, session, call, place))
    }

    /// Takes a batch, which only sessions of one revision have (V-52, T-9).
    pub(super) fn take_batch(
        &self,
        view: &HeaderView<'_>,
        text: Bytes,
        malformed: Malformed,
    ) -> Result<Step<'_>, Refusal> {
        let session = match self.session(view) {
            Ok(session) if session.protocol.revision().features().has(Features::BATCH) => session,
            // That a batch is refused at all comes before the question whose it is.
            _ => return Err(Refusal::malformed(malformed)),
        };
        let elements: Vec<RawJson> = RawJson::parse(text)
            .ok()
            .and_then(|text| text.decode().ok())
            .ok_or_else(|| Refusal::malformed(malformed.clone()))?;
        if elements.is_empty() || elements.len() > self.config.limits.batch {
            let message = format!("a batch has 1 to {} messages", self.config.limits.batch);
            return Err(Refusal::invalid(400, message));
        }
        let messages: Vec<_> = elements.into_iter().map(|element| Message::parse(element.into_bytes())).collect();
        if messages.iter().flatten().any(|message| self.is_foreign(view, message)) {
            return Err(Refusal::invalid(400, "`initialize` and requests of 2026-07-28 cannot be in a batch"));
        }
        let form = Form::choose(view.accept, "")?;
        let (notifier, outbox) = self.outbox(form);
        let requests = messages.iter().flatten().filter_map(|message| match message {
            Message::Request(request) => Some(request.id.clone()),
            _ => None,
        });
        let asked = Asked::Batch(requests.collect());
        let replies: Vec<_> =
            messages.into_iter().filter_map(|message| self.take_element(&session, message, &notifier)).collect();
        drop(notifier);
        if replies.is_empty() {
            return Ok(Step::Answered(response::accepted()));
        }
        let reply = Pending::Batch(join_all(replies));
        Ok(Step::Working(self.exchange(reply, asked, outbox).of(session), form))
    }

    /// Returns whether a message must not be in a batch (V-17, V-52).
    fn is_foreign(&self, view: &HeaderView<'_>, message: &Message) -> bool {
        let is_initialize = matches!(message, Message::Request(request) if legacy::opens(&request.method));
        is_initialize || !matches!(classify(message, Some(view), &self.served), Verdict::Legacy)
    }

    fn take_element(
        &self,
        session: &Arc<HttpSession>,
        message: Result<Message, Malformed>,
        notifier: &Notifier,
    ) -> Option<Pending> {
        let refused = |id: Option<&RequestId>, error| {
            let mut message = BytesMut::new();
            rpc::error_response(&mut message, id, &error);
            Pending::Known(Some(Reply { status: LEGACY_STATUS, message: Written::Whole(message.freeze()) }))
        };
        match message {
            Ok(Message::Request(request)) => {
                let id = request.id.clone();
                let started = self.start(session, request, notifier.clone());
                Some(started.unwrap_or_else(|refusal| refused(Some(&id), *refusal.error)))
            }
            Ok(Message::Notification(notification)) => {
                self.take_note(session, notification);
                None
            }
            Ok(Message::Response(response)) => {
                session.protocol.answered(response);
                None
            }
            Err(malformed) => Some(refused(malformed.id.as_ref(), malformed.error)),
        }
    }
}

/// The place of a request of a session: among those of the session, and among those of the whole server. It is held by
/// the work and not by the exchange, because the work goes on without it (HL-5).
struct Place {
    ticket: Ticket,
    _permit: Permit,
}

/// Works on a call in place as far as it goes without waiting, and in a task of its session after that.
fn work(service: &Arc<dyn Answers>, session: &Arc<HttpSession>, call: Call, place: Place) -> Pending {
    let (id, number) = (call.request.id.clone(), place.ticket.number());
    let mut reply = Arc::clone(service).reply(call, rules::legacy_status);
    if let Some(reply) = (&mut reply).now_or_never() {
        return Pending::Known(Some(reply));
    }
    let (sender, receiver) = oneshot::channel();
    let task = tokio::spawn(async move {
        let reply = reply.await;
        // Its id is free as soon as the answer can be seen.
        drop(place);
        // Without a receiver the client is gone, and the answer is lost with it (HL-5).
        let _ = sender.send(reply);
    });
    session.attach(&id, number, task.abort_handle());
    Pending::Task(receiver)
}
