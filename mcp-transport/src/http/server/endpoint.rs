//! From a request to a response: the order of the checks and who answers (V-56, H-1, H-12, H-16).
//!
//! Every decision is taken by [`rules`], [`era`](crate::era) and [`header`](crate::header); here they are asked in
//! turn. The surprising thing: the handler of a modern request runs inside the future that this returns, so a client
//! that goes away drops it, and that is the cancellation.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http::header::{CONNECTION, CONTENT_ENCODING, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Body;
use mcp_types::{Features, Message, Notification, Request, RpcError};

use super::body::{ReplyBody, read_body};
use super::load::{Load, Permit};
use super::response;
use super::routes::{self, Beside, Routes};
use super::rules::{self, Form, Refusal, Verb};
#[cfg(feature = "sse-r1")]
use super::rules::{SsePaths, SsePlace};
use super::session::HttpSession;
use super::stop::Stop;
use super::stream::{Asked, Exchange, Pending, Reply};
use super::table::Table;
use crate::era::legacy::Session;
use crate::era::{Rejection, Served, Verdict, classify};
use crate::header::{HeaderView, HostPolicy, OriginPolicy, ParamHeaders, check_param_headers};
use crate::limits::Limits;
use crate::outbox::{Outbox, outbox};
use crate::replay::ReplayBudget;
use crate::service::{Answer, Call, Caller, Service};

/// One MCP endpoint: a service behind a path.
pub(super) struct Endpoint {
    pub(super) service: Arc<dyn Answers>,
    pub(super) served: Served,
    pub(super) config: Config,
    pub(super) sessions: Mutex<Table<Arc<HttpSession>>>,
    /// The sessions of the transport of 2024-11-05.
    #[cfg(feature = "sse-r1")]
    pub(super) sse_sessions: Arc<Mutex<Table<super::sse::Inlet>>>,
    /// What all sessions may keep for clients that come back.
    pub(super) replay: ReplayBudget,
    pub(super) load: Arc<Load>,
    pub(super) stop: Stop,
}

/// What an endpoint was told.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) path: String,
    /// Where the transport of 2024-11-05 is, when it is served.
    #[cfg(feature = "sse-r1")]
    pub(super) sse: Option<SsePaths>,
    pub(super) limits: Limits,
    pub(super) hosts: HostPolicy,
    pub(super) origins: OriginPolicy,
    pub(super) beside: Beside,
}

/// What a request is for.
enum Place<'a> {
    Endpoint(Verb),
    Route(&'a dyn Routes),
    #[cfg(feature = "sse-r1")]
    Sse(SsePlace<'a>),
}

/// How far a message is brought without waiting.
pub(super) enum Step<'a> {
    /// It is answered.
    Answered(Response<ReplyBody>),
    /// It opens a session, when the service agrees.
    Opening(BoxFuture<'a, Result<Response<ReplyBody>, Refusal>>),
    /// It is worked on, and answered in this form.
    Working(Exchange<'a>, Form),
}

impl Endpoint {
    pub(super) fn new<S: Service>(service: Arc<S>, config: Config, stop: Stop) -> Self {
        Self {
            served: service.served(),
            service: Arc::new(Answering(service)),
            sessions: Mutex::new(Table::new(&config.limits)),
            #[cfg(feature = "sse-r1")]
            sse_sessions: Arc::new(Mutex::new(Table::new(&config.limits))),
            replay: ReplayBudget::new(&config.limits),
            load: Load::new(config.limits.in_flight_total),
            stop,
            config,
        }
    }

    /// Answers one request.
    ///
    /// Dropping the future cancels a modern request and leaves a legacy one alone.
    ///
    /// The future of this is moved for every request, and its room stays with the connection while a stream is open. So it
    /// waits in two places only, for the body in [`Self::begin`] and for the answer here: neither has to keep what only
    /// the other needs. What stands between them are plain functions, because an `async fn` keeps its arguments twice.
    ///
    /// The headers are gone from the head afterwards: their room is the answer's.
    pub(super) async fn respond<B: Body<Data = Bytes>>(&self, head: &mut Parts, body: B) -> Response<ReplyBody> {
        let step = self.begin(head, body).await;
        let response = match step {
            Ok(Step::Answered(response)) => return response,
            Ok(Step::Opening(opening)) => opening.await,
            Ok(Step::Working(exchange, form)) => {
                let outcome = exchange.run(form).await;
                return response::answered(outcome, std::mem::take(&mut head.headers));
            }
            Err(refusal) => Err(refusal),
        };
        response.unwrap_or_else(|refusal| response::refused(&refusal))
    }

    /// Asks what every request is held to, in the order of V-56: the place, the sender, the guard; and reads the body.
    async fn begin<B: Body<Data = Bytes>>(&self, head: &Parts, body: B) -> Result<Step<'_>, Refusal> {
        let Config { limits, hosts, origins, beside, .. } = &self.config;
        let view = HeaderView::new(head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let target_length = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
        rules::check_target_length(target_length, limits)?;
        let place = self.place(head, &view)?;
        let authority = head.uri.authority().map(|authority| authority.as_str());
        rules::check_sender(&view, authority, hosts, origins)?;
        if let Some(guard) = &beside.guard
            && let Err(refused) = guard.admit(head)
        {
            return Ok(Step::Answered(unread(routes::refused(refused), &body)));
        }
        let response = match place {
            Place::Endpoint(Verb::Get) => self.open_stream(&view)?,
            Place::Endpoint(Verb::Delete) => self.end_session(&view)?,
            Place::Endpoint(Verb::Post) => {
                rules::check_media(&view, encoding(head))?;
                let text = read_body(body, limits).await?;
                return self.take(&view, text);
            }
            Place::Route(routes) => Box::pin(self.answer_route(routes, head, body)).await,
            #[cfg(feature = "sse-r1")]
            Place::Sse(place) => Box::pin(self.take_sse(place, &view, body)).await?,
        };
        Ok(Step::Answered(response))
    }

    /// Returns what a request is for.
    fn place<'a>(&'a self, head: &'a Parts, view: &HeaderView<'_>) -> Result<Place<'a>, Refusal> {
        #[cfg(feature = "sse-r1")]
        if let Some(place) = self.sse_place(head, view)? {
            return Ok(Place::Sse(place));
        }
        match (rules::check_path(head.uri.path(), &self.config.path), &self.config.beside.routes) {
            (Ok(()), _) => Ok(Place::Endpoint(Verb::read(head.method.as_str(), view, &self.served)?)),
            (Err(_), Some(routes)) => Ok(Place::Route(&**routes)),
            (Err(refusal), None) => Err(refusal),
        }
    }

    async fn answer_route<B: Body<Data = Bytes>>(
        &self,
        routes: &dyn Routes,
        head: &Parts,
        body: B,
    ) -> Response<ReplyBody> {
        let taken = async {
            rules::check_encoding(encoding(head))?;
            let permit = self.admit()?;
            Ok::<_, Refusal>((read_body(body, &self.config.limits).await?, permit))
        };
        match taken.await {
            Ok((body, permit)) => routes::answered(routes, head, body, permit, &self.stop).await,
            Err(refusal) => {
                let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
                let mut response = routes::refused(routes.refuse(head, status, &refusal.error.message));
                response::note(&refusal, response.headers_mut());
                response
            }
        }
    }

    /// Returns what of the old transport a request is for, if anything.
    #[cfg(feature = "sse-r1")]
    fn sse_place<'a>(&self, head: &'a Parts, view: &HeaderView<'_>) -> Result<Option<SsePlace<'a>>, Refusal> {
        let Some(sse) = self.config.sse.as_ref().filter(|_| self.served.legacy().next().is_some()) else {
            return Ok(None);
        };
        sse.place(head.method.as_str(), head.uri.path(), head.uri.query(), &self.config.path, view)
    }

    /// Takes one message, or a batch of them.
    fn take(&self, view: &HeaderView<'_>, text: Bytes) -> Result<Step<'_>, Refusal> {
        let message = match Message::parse(text.clone()) {
            Ok(message) => message,
            Err(malformed) if malformed.batch => return self.take_batch(view, text, malformed),
            Err(malformed) => return Err(Refusal::malformed(malformed)),
        };
        match (classify(&message, Some(view), &self.served), message) {
            (Verdict::Modern(caller), Message::Request(request)) => {
                let id = request.id.clone();
                self.call(view, request, caller).map_err(|refusal| refusal.with_id(&id))
            }
            (Verdict::Legacy, message) => self.take_legacy(view, message),
            (Verdict::Reject(rejection), Message::Request(request)) => {
                Err(Refusal::from(rejection).with_id(&request.id))
            }
            (Verdict::Reject(rejection), _) => Err(rejection.into()),
            (Verdict::Drop | Verdict::Modern(_), _) => Ok(Step::Answered(response::accepted())),
        }
    }

    /// Calls the service for a modern request.
    fn call(&self, view: &HeaderView<'_>, request: Request, caller: Caller) -> Result<Step<'_>, Refusal> {
        let form = Form::choose(view.accept, &request.method)?;
        self.check_params(view, &request, &caller)?;
        let permit = self.admit()?;
        let asked = Asked::One(request.id.clone(), 503);
        let (notifier, outbox) = outbox(&self.config.limits);
        let reply = Arc::clone(&self.service).reply(Call::new(request, caller, notifier), rules::modern_status);
        Ok(Step::Working(self.exchange(Pending::Handler(reply), asked, outbox).with(permit), form))
    }

    pub(super) fn exchange(&self, reply: Pending, asked: Asked, outbox: Outbox) -> Exchange<'_> {
        Exchange::new(reply, asked, outbox, &self.stop, self.config.limits.keep_alive)
    }

    pub(super) fn admit(&self) -> Result<Permit, Refusal> {
        self.load.take().ok_or_else(|| Refusal::busy(503, "the server has too many requests in flight"))
    }

    /// Compares the headers that repeat arguments of a tool with them (H-36, H-39).
    fn check_params(&self, view: &HeaderView<'_>, request: &Request, caller: &Caller) -> Result<(), Refusal> {
        if request.method != "tools/call" || !caller.features().has(Features::PARAM_HEADERS) {
            return Ok(());
        }
        let Some(headers) = request.params.name().and_then(|tool| self.service.param_headers(&tool)) else {
            return Ok(());
        };
        let arguments = request.params.arguments().and_then(|arguments| arguments.decode().ok());
        let faults = check_param_headers(&headers, view, arguments.as_ref());
        if faults.is_empty() {
            return Ok(());
        }
        Err(Rejection::header_mismatch(&faults).into())
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, Table<Arc<HttpSession>>> {
        // Every change of the table is one call, so poisoning means nothing.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encoding(head: &Parts) -> Option<&[u8]> {
    head.headers.get(CONTENT_ENCODING).map(|encoding| encoding.as_bytes())
}

/// Ends the connection after a response to a request whose body was not read; reading it away would be work for a
/// stranger.
fn unread<B: Body>(mut response: Response<ReplyBody>, body: &B) -> Response<ReplyBody> {
    if !body.is_end_stream() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A service without its type, so that what follows is compiled once.
pub(super) trait Answers: Send + Sync {
    /// Calls the service; a panic becomes an *internal error* (house 2.5).
    fn reply(self: Arc<Self>, call: Call, status: fn(&Answer) -> u16) -> BoxFuture<'static, Reply>;

    fn notify(&self, notification: Notification, caller: &Caller);

    fn param_headers(&self, tool: &str) -> Option<Arc<ParamHeaders>>;

    fn pushes(&self, session: &Arc<Session>) -> Option<BoxStream<'static, Bytes>>;

    /// Serves one legacy client over a pipe.
    #[cfg(feature = "sse-r1")]
    fn serve_pipe(
        self: Arc<Self>,
        reader: super::sse::Posted,
        writer: tokio::io::DuplexStream,
        limits: Limits,
    ) -> BoxFuture<'static, ()>;

    fn shutdown(&self);
}

struct Answering<S>(Arc<S>);

impl<S: Service> Answers for Answering<S> {
    fn reply(self: Arc<Self>, call: Call, status: fn(&Answer) -> u16) -> BoxFuture<'static, Reply> {
        let id = call.request.id.clone();
        async move {
            let answer = AssertUnwindSafe(self.0.call(call)).catch_unwind().await;
            let answer = answer.unwrap_or_else(|_| Err(RpcError::internal("the handler of this request panicked")));
            let status = status(&answer);
            Reply::new(id, answer, status)
        }
        .boxed()
    }

    fn notify(&self, notification: Notification, caller: &Caller) {
        // Nobody waits for an answer, so a panic ends here.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| self.0.notify(notification, caller)));
    }

    fn param_headers(&self, tool: &str) -> Option<Arc<ParamHeaders>> {
        self.0.param_headers(tool)
    }

    fn pushes(&self, session: &Arc<Session>) -> Option<BoxStream<'static, Bytes>> {
        self.0.pushes(session)
    }

    #[cfg(feature = "sse-r1")]
    fn serve_pipe(
        self: Arc<Self>,
        reader: super::sse::Posted,
        writer: tokio::io::DuplexStream,
        limits: Limits,
    ) -> BoxFuture<'static, ()> {
        use crate::service::Serve as _;
        let serving = crate::pipe::Pipe::new(reader, writer).limits(limits);
        async move {
            // Serving a pipe does not fail; it ends.
            let _ = serving.serve(Arc::new(LegacyOnly(Arc::clone(&self.0)))).await;
        }
        .boxed()
    }

    fn shutdown(&self) {
        self.0.shutdown();
    }
}

/// A service on a transport that the modern era does not have.
#[cfg(feature = "sse-r1")]
struct LegacyOnly<S>(Arc<S>);

#[cfg(feature = "sse-r1")]
impl<S: Service> Service for LegacyOnly<S> {
    fn call(&self, call: Call) -> impl Future<Output = Answer> + Send {
        self.0.call(call)
    }

    fn notify(&self, notification: Notification, caller: &Caller) {
        self.0.notify(notification, caller);
    }

    fn served(&self) -> Served {
        self.0.served().legacy().collect()
    }

    fn pushes(&self, session: &Arc<Session>) -> Option<BoxStream<'static, Bytes>> {
        self.0.pushes(session)
    }
}
