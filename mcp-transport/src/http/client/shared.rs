//! What all requests to one server share: its address, its connections, what was agreed on.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::poll_immediate;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, LOCATION, RETRY_AFTER};
use http::header::{HeaderMap, WWW_AUTHENTICATE};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming as Body;
use mcp_types::{RawJson, RequestId, Revision, RpcError, rpc};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::alarm::Alarms;
use super::connection::{BoxedRequest, Connection, Security};
use super::dialer::Dialer;
use super::redaction::Redaction;
use super::replies::Replies;
use super::rules::{self, Agreement, Headers};
use super::target::Target;
use crate::client::Incoming;
use crate::error::{Error, HttpFailure};
use crate::limits::Limits;

/// The state of a client.
pub(super) struct Shared {
    pub(super) target: Target,
    pub(super) limits: Limits,
    pub(super) dialer: Dialer,
    /// Where on the server requests go.
    uri: Uri,
    /// The headers of every request.
    base: HeaderMap,
    /// The headers of every request with a message; its length is still to be said.
    base_of_post: HeaderMap,
    /// The same with the headers of a modern call, which are still to be set. A copy of it has room for them and for no
    /// more: one that grows by itself grows to twice its size.
    base_of_call: HeaderMap,
    pub(super) alarms: Alarms,
    /// What no error says.
    redaction: Redaction,
    agreement: Mutex<Agreement>,
    next_id: AtomicI64,
    is_closed: AtomicBool,
    inbound: mpsc::Sender<Incoming>,
    /// Whether somebody reads what the server sends of its own accord.
    is_heard: AtomicBool,
    replies: Replies,
}

impl Shared {
    pub(super) fn new(
        target: Target,
        security: Security,
        headers: HeaderMap,
        limits: Limits,
        inbound: mpsc::Sender<Incoming>,
    ) -> Result<Self, Error> {
        let mut base = headers;
        let host = HeaderValue::try_from(&target.authority)
            .map_err(|_| Error::config(format!("the host of {target} cannot stand in a header")))?;
        base.insert(HOST, host);
        let mut base_of_post = base.clone();
        base_of_post.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        base_of_post.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        base_of_post.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        // So that the copies need not be sorted anew when the headers of a request are added.
        base_of_post.reserve(OWN_HEADERS);
        let mut base_of_call = base_of_post.clone();
        for name in rules::OF_CALL {
            base_of_call.insert(name, HeaderValue::from_static(""));
        }
        let uri = target.path_and_query.parse();
        let uri = uri.map_err(|_| Error::config(format!("the path of {target} cannot be sent")))?;
        let replies = Replies::new(&limits);
        let redaction = Redaction::new(&base, &target);
        Ok(Self {
            redaction,
            dialer: Dialer::new(target.clone(), security, limits.clone()),
            target,
            limits,
            uri,
            base,
            base_of_post,
            base_of_call,
            alarms: Alarms::default(),
            agreement: Mutex::default(),
            next_id: AtomicI64::new(1),
            is_closed: AtomicBool::new(false),
            inbound,
            is_heard: AtomicBool::new(false),
            replies,
        })
    }

    pub(super) fn next_id(&self) -> RequestId {
        self.next_id.fetch_add(1, Ordering::Relaxed).into()
    }

    pub(super) fn agreement(&self) -> MutexGuard<'_, Agreement> {
        // Every change is one assignment, so poisoning means nothing.
        self.agreement.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settle(&self, revision: Revision) {
        self.agreement().revision = Some(revision);
    }

    /// Closes for further requests; returns whether it was open.
    pub(super) fn close(&self) -> bool {
        !self.is_closed.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    pub(super) fn hear(&self) {
        self.is_heard.store(true, Ordering::Release);
    }

    /// Makes a request with a message.
    pub(super) fn post(&self, headers: Headers, message: Bytes) -> BoxedRequest {
        let base = if rules::has_all_of_call(&headers) { &self.base_of_call } else { &self.base_of_post };
        let length = message.len();
        let mut request = self.put_together(Method::POST, base.clone(), headers, message);
        // The HTTP library would say it too, and make room for one more header.
        request.headers_mut().insert(CONTENT_LENGTH, rules::number(length));
        request
    }

    /// Makes a request without a message.
    pub(super) fn request(&self, method: Method, headers: Headers) -> BoxedRequest {
        self.put_together(method, self.base.clone(), headers, Bytes::new())
    }

    fn put_together(&self, method: Method, base: HeaderMap, headers: Headers, body: Bytes) -> BoxedRequest {
        let mut request = Box::new(Request::new(Full::new(body)));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = base;
        for (name, value) in headers {
            request.headers_mut().insert(name, value);
        }
        request
    }

    /// Sends a request over a connection that is idle, or else over a new one.
    pub(super) async fn send(&self, request: BoxedRequest) -> Result<(Connection, Response<Body>), Error> {
        if self.is_closed() {
            return Err(Error::Closed);
        }
        self.send_anyway(request).await
    }

    /// Sends a request although the client may be closed: the one that ends the session.
    pub(super) async fn send_anyway(&self, request: BoxedRequest) -> Result<(Connection, Response<Body>), Error> {
        self.dialer.send(request).await
    }

    /// Reads a body that has to fit into the limit of results, and keeps the connection.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is made for every request"
    )]
    pub(super) fn read_result(
        &self,
        mut connection: Connection,
        body: Body,
    ) -> impl Future<Output = Result<Bytes, Error>> + Send {
        async move {
            let limit = self.limits.result_bytes;
            let (bytes, is_whole) = connection.read_whole(body, limit).await?;
            if !is_whole {
                let why = format!("it has more than {limit} bytes; raise `result_bytes` if the server is right");
                return Err(Error::malformed("an HTTP response", why));
            }
            self.dialer.pool.put(connection);
            Ok(bytes)
        }
    }

    /// Reads a response with an error status; a redirect is an error of its own.
    pub(super) async fn read_failure(
        &self,
        mut connection: Connection,
        response: Response<Body>,
    ) -> Result<HttpFailure, Error> {
        let (head, body) = response.into_parts();
        let (status, bytes) =
            (head.status.as_u16(), |name| head.headers.get(name).map(|value: &HeaderValue| value.as_bytes()));
        if head.status.is_redirection() {
            let location = bytes(LOCATION).map(|location| self.redaction.text(&String::from_utf8_lossy(location)));
            return Err(rules::redirected(&self.target.to_string(), status, location.as_deref().map(str::as_bytes)));
        }
        let mut failure = HttpFailure::new(status, self.target.to_string());
        let challenges = head.headers.get_all(WWW_AUTHENTICATE).iter();
        failure.challenges =
            challenges.map(|value| self.redaction.text(&String::from_utf8_lossy(value.as_bytes()))).collect();
        failure.retry_after = rules::retry_after(bytes(RETRY_AFTER));
        // The status says more than a body that breaks off.
        if let Ok((body, is_whole)) = connection.read_whole(body, FAILURE_BYTES).await {
            failure.body = self.redaction.body(body);
            if is_whole {
                self.dialer.pool.put(connection);
            }
        }
        Ok(failure)
    }

    /// Returns what a response says, an error without what the client keeps secret.
    pub(super) fn outcome(&self, response: rpc::Response) -> Result<RawJson, RpcError> {
        response.outcome.map_err(|mut error| {
            error.message = self.redaction.text(&error.message);
            error
        })
    }

    /// Posts a message that has no answer (H-12: any 2xx will do, whatever follows it).
    pub(super) async fn post_note(self: &Arc<Self>, headers: Headers, message: Bytes) -> Result<(), Error> {
        let has_session = rules::has_session(&headers);
        let request = self.post(headers, message);
        let (connection, response) = self.send(request).await?;
        if response.status().is_success() {
            self.release(connection, response.into_body()).await;
            return Ok(());
        }
        let failure = self.read_failure(connection, response).await?;
        match rules::read_failure(None, has_session, failure) {
            Err(error) => Err(error),
            Ok(error) => Err(Error::malformed("the answer to a notification", error.message)),
        }
    }

    /// Reads what is left of a body to keep the connection, if it is little and does not take long.
    pub(super) async fn release(self: &Arc<Self>, mut connection: Connection, mut body: Body) {
        let mut draining = Box::pin(async move {
            let mut waste = 0;
            while let Ok(Some(bytes)) = connection.read(&mut body).await {
                waste += bytes.len();
                if waste > FAILURE_BYTES {
                    return None;
                }
            }
            Some(connection)
        });
        // The end is usually there already; if not, nobody is made to wait for it.
        match poll_immediate(&mut draining).await {
            Some(Some(connection)) => self.dialer.pool.put(connection),
            Some(None) => {}
            None => {
                let shared = Arc::clone(self);
                tokio::spawn(async move {
                    if let Ok(Some(connection)) = timeout(LINGER, draining).await {
                        shared.dialer.pool.put(connection);
                    }
                });
            }
        }
    }

    /// Answers a request of the server.
    pub(super) async fn answer(
        self: &Arc<Self>,
        id: &RequestId,
        outcome: &Result<RawJson, RpcError>,
    ) -> Result<(), Error> {
        let mut message = BytesMut::new();
        match outcome {
            Ok(result) => rpc::response(&mut message, id, result),
            Err(error) => rpc::error_response(&mut message, Some(id), error),
        }
        let headers = self.agreement().of_session();
        self.post_note(headers, message.freeze()).await
    }

    /// Takes what a legacy server sends of its own accord. `ping` is always answered; other requests are refused while
    /// nobody reads them or when too many wait. It waits itself while too many answers do.
    pub(super) async fn take_in(self: &Arc<Self>, incoming: Incoming) {
        let is_heard = self.is_heard.load(Ordering::Acquire);
        let (id, outcome) = match incoming {
            Incoming::Request(request) if request.method == "ping" => (request.id, Ok(RawJson::empty_object())),
            incoming if is_heard => match self.inbound.try_send(incoming) {
                Err(mpsc::error::TrySendError::Full(Incoming::Request(request))) => {
                    (request.id, Err(RpcError::internal("the client has too many requests to answer")))
                }
                Err(mpsc::error::TrySendError::Closed(Incoming::Request(request))) => {
                    (request.id, Err(RpcError::method_not_found(&request.method)))
                }
                _ => return,
            },
            Incoming::Request(request) => (request.id, Err(RpcError::method_not_found(&request.method))),
            Incoming::Notification(_) => return,
        };
        self.replies.push(self, id, outcome).await;
    }
}

/// Bytes of a body that are kept, or read away, when it is not a result.
const FAILURE_BYTES: usize = 64 * 1024;
/// How many headers a request usually has of its own.
const OWN_HEADERS: usize = 8;
/// How long to wait for the end of a body that nobody needs.
const LINGER: Duration = Duration::from_secs(1);
