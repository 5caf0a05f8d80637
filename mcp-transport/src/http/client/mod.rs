//! A Streamable HTTP client: both eras, over connections that are used again (H-5 to H-21, HL-2 to HL-18).
//!
//! ```text
//! HttpClient → exchange → shared → dialer → pool → connection
//!                 └── events      (an event stream)
//!            → standalone         (legacy: what the server sends of its own accord)
//!                 └── replies     (what it is answered without asking anybody)
//! SseClient  → pipe::Mux → shared (2024-11-05: one stream down, POSTs up)
//! Fetch      → dialer           (any HTTP: a model, a token)
//!     rules, target               (every decision; pure)
//! ```
//!
//! The surprising thing: no task works for the client. The connection of a request is driven by whoever awaits the
//! request; tasks exist only for the standalone stream of a legacy session, for one queue of answers to its server, and
//! for last words.

mod alarm;
mod connection;
mod dialer;
mod events;
mod exchange;
mod fetch;
mod pool;
mod redaction;
mod replies;
mod rules;
mod shared;
#[cfg(feature = "sse-r1")]
mod sse;
mod standalone;
mod target;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use http::Method;
use http::header::{HeaderMap, HeaderName};
use mcp_types::{RawJson, RequestId, Revision, RpcError, rpc};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use self::connection::Security;
use self::shared::Shared;
use self::target::Target;
use crate::client::{Exchange, Incoming, Outgoing, Transport};
use crate::era::legacy;
use crate::error::{Deadline, Error};
use crate::limits::Limits;
use crate::secret::Secret;

pub use self::fetch::{Fetch, FetchBody};
#[cfg(feature = "sse-r1")]
pub use self::sse::SseClient;

/// A client's transport to a Streamable HTTP server.
///
/// Redirects are not followed and proxies of the environment are not used. A request whose connection the server
/// closed before any of it was sent goes out again on another connection; any other lost request is an error, because
/// the server may have done what it asked for (H-17).
pub struct HttpClient {
    shared: Arc<Shared>,
    inbound: Mutex<Option<mpsc::Receiver<Incoming>>>,
    /// The task of the standalone stream.
    listening: Mutex<Option<AbortHandle>>,
}

/// How to speak to a server.
///
/// # Examples
///
/// ```
/// use mcp_transport::http::{HttpClient, HttpOptions};
///
/// let options = HttpOptions::default().header("Authorization", "Bearer …".replace('…', "abc"));
/// assert!(!format!("{options:?}").contains("abc"));
/// let client = HttpClient::new("http://localhost:8080/mcp", options)?;
/// # Ok::<(), mcp_transport::Error>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct HttpOptions {
    headers: Vec<(String, Secret)>,
    limits: Limits,
    #[cfg(feature = "tls")]
    tls: super::tls::Tls,
}

impl HttpOptions {
    /// Adds a header to every request, such as `Authorization`. Values are never shown.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets whom to trust over `https`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: super::tls::Tls) -> Self {
        self.tls = tls;
        self
    }

    #[cfg(feature = "tls")]
    fn security(&self, target: &Target) -> Result<Security, Error> {
        security(target, &self.tls)
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self, reason = "with TLS it is what is trusted")]
    fn security(&self, target: &Target) -> Result<Security, Error> {
        security(target)
    }

    fn header_map(&self) -> Result<HeaderMap, Error> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let unfit = |why: &str| Error::config(format!("the header `{}` {why}", name.escape_debug()));
            let key = HeaderName::try_from(name).map_err(|_| unfit("has no name that HTTP allows"))?;
            if is_reserved(&key) {
                return Err(unfit("belongs to the protocol and cannot be set"));
            }
            map.append(key, value.header_value().map_err(|_| unfit("has a value that HTTP does not allow"))?);
        }
        Ok(map)
    }
}

impl HttpClient {
    /// Makes a client for the server at `url`; connects when something is sent.
    ///
    /// # Errors
    ///
    /// Fails when the address is not an `http` or `https` URL or has credentials in it, when a header cannot be sent,
    /// and for `https` when TLS cannot be set up or the crate is built without the feature `tls`.
    pub fn new(url: &str, options: HttpOptions) -> Result<Self, Error> {
        let target = Target::parse(url)?;
        let security = options.security(&target)?;
        let headers = options.header_map()?;
        let (sender, receiver) = mpsc::channel(options.limits.outbox_messages.clamp(1, MAX_INBOUND));
        let shared = Arc::new(Shared::new(target, security, headers, options.limits, sender)?);
        Ok(Self { shared, inbound: Mutex::new(Some(receiver)), listening: Mutex::default() })
    }

    /// Adds a connection that is open already; the last one added is the first one used.
    #[cfg(all(test, feature = "http-server"))]
    pub(in crate::http) async fn connect_over(&self, stream: tokio::io::DuplexStream) {
        let connection = connection::Connection::over(Box::new(stream), &self.shared.limits).await;
        self.shared.dialer.pool.put(connection.expect("nothing is sent yet"));
    }

    async fn tell(&self, method: &'static str, params: Option<RawJson>) -> Result<(), Error> {
        let mut message = BytesMut::new();
        rpc::notification(&mut message, method, params.as_ref());
        let headers = self.shared.agreement().of_notification(method)?;
        self.within(self.shared.post_note(headers, message.freeze())).await?;
        if legacy::ends_handshake(method) && self.shared.agreement().is_legacy(None) {
            self.listen();
        }
        Ok(())
    }

    /// Opens the standalone stream, once.
    fn listen(&self) {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = listening.take() {
            before.abort();
        }
        *listening = Some(tokio::spawn(standalone::listen(Arc::clone(&self.shared))).abort_handle());
    }

    fn stop_listening(&self) {
        if let Some(task) = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }

    async fn within(&self, work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
        let wait = self.shared.limits.request_timeout;
        timeout(wait, work).await.unwrap_or(Err(Error::TimedOut(Deadline::Idle(wait))))
    }

    async fn end(&self) {
        self.stop_listening();
        if !self.shared.close() {
            return;
        }
        let headers = self.shared.agreement().of_session();
        if self.shared.agreement().session.take().is_some() {
            let request = self.shared.request(Method::DELETE, headers);
            // A server may refuse to end sessions (HL-1), and one that is gone needs no farewell.
            let _ = timeout(FAREWELL, self.shared.send_anyway(request)).await;
        }
        self.shared.dialer.pool.clear();
    }
}

impl Transport for HttpClient {
    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Exchange, Error>> {
        exchange::open(&self.shared, request)
    }

    fn notify(&self, method: &'static str, params: Option<RawJson>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.tell(method, params))
    }

    fn answer(&self, id: RequestId, outcome: Result<RawJson, RpcError>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.within(self.shared.answer(&id, &outcome)).await })
    }

    fn inbound(&self) -> Option<BoxStream<'static, Incoming>> {
        let mut receiver = self.inbound.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        self.shared.hear();
        Some(stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed())
    }

    fn settle(&self, revision: Revision) {
        self.shared.settle(revision);
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end())
    }
}

impl Drop for HttpClient {
    fn drop(&mut self) {
        self.stop_listening();
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("url", &self.shared.target.to_string()).finish_non_exhaustive()
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("HttpOptions").field("headers", &names).field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(feature = "tls")]
fn security(target: &Target, tls: &super::tls::Tls) -> Result<Security, Error> {
    target.is_tls.then(|| tls.connector()).transpose()
}

#[cfg(not(feature = "tls"))]
fn security(target: &Target) -> Result<Security, Error> {
    if target.is_tls {
        return Err(Error::config(format!(
            "{target} needs TLS, and this program is built without it; build mcp-transport with the feature `tls`"
        )));
    }
    Ok(Security)
}

fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("mcp-")
        || matches!(
            name,
            "accept"
                | "connection"
                | "content-length"
                | "content-type"
                | "host"
                | "last-event-id"
                | "transfer-encoding"
        )
}

/// Messages of the server that wait to be read, at most, whatever the limits say: the queue is allocated in parts.
const MAX_INBOUND: usize = 1 << 20;
/// How long the end of a session may take.
const FAREWELL: std::time::Duration = std::time::Duration::from_secs(2);
