//! A plain HTTP/1.1 client, over the connections of the other one.
//!
//! The surprising thing: it has no deadline but the one of connecting. How long a server may take to answer, and between
//! two parts of a body, differs so much between those who ask that they set it around the future.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use http::header::{HOST, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

use super::connection::{Connection, Security};
use super::dialer::Dialer;
use super::target::Target;
use crate::error::Error;
use crate::http::whole::Whole;
use crate::limits::Limits;

/// A plain client of HTTP/1.1: what is asked for goes out as it is, and what comes back is handed on as it comes.
///
/// Connections are kept for the next request to the same server. Redirects are returned and not followed, proxies of the
/// environment are not used, and bodies are not decompressed, so do not ask for it. A request goes out again only when
/// the server closed an idle connection before any of it was sent. Clones share the connections.
///
/// # Examples
///
/// ```no_run
/// use bytes::Bytes;
/// use mcp_transport::http::Fetch;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let request = http::Request::get("https://example.com/").body(Bytes::new())?;
/// let response = Fetch::default().send(request).await?;
/// let body = response.into_body().read(64 * 1024).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Fetch {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    limits: Limits,
    #[cfg(feature = "tls")]
    tls: crate::http::tls::Tls,
    dialers: Mutex<HashMap<Origin, Arc<Dialer>>>,
}

/// Whether it is `https`, the host and the port.
type Origin = (bool, String, u16);

impl Fetch {
    /// Makes a client that trusts whom `tls` says over `https`.
    #[cfg(feature = "tls")]
    pub fn new(tls: crate::http::tls::Tls) -> Self {
        Self { shared: Arc::new(Shared { tls, ..Shared::default() }) }
    }

    /// Sets the limits: [`connect_timeout`](Limits::connect_timeout), [`idle_timeout`](Limits::idle_timeout),
    /// [`head_bytes`](Limits::head_bytes) and [`head_count`](Limits::head_count) count here.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        #[cfg(feature = "tls")]
        let tls = self.shared.tls.clone();
        let shared = Shared {
            limits,
            #[cfg(feature = "tls")]
            tls,
            dialers: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sends a request to an absolute `http` or `https` URL and waits for the head of its response.
    ///
    /// `Host` is set from the URL. There is no deadline but the one of connecting; set others around the future.
    ///
    /// # Errors
    ///
    /// Fails when the URL cannot be asked, when there is no connection to the server, and when the connection breaks or
    /// brings what is no HTTP. A status is never an error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection; the server may have carried the request out.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<FetchBody>, Error> {
        let target = Target::parse(&request.uri().to_string())?;
        let request = addressed(&target, request)?;
        let dialer = self.dialer(target)?;
        let (connection, response) = dialer.send(request).await?;
        Ok(response.map(|body| FetchBody::new(dialer, connection, body)))
    }

    fn dialer(&self, target: Target) -> Result<Arc<Dialer>, Error> {
        let origin = (target.is_tls, target.host.clone(), target.port);
        // Every change is one call, so poisoning means nothing.
        let mut dialers = self.shared.dialers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dialer) = dialers.get(&origin) {
            return Ok(Arc::clone(dialer));
        }
        let security = self.security(&target)?;
        if dialers.len() >= MAX_ORIGINS {
            // Requests under way keep theirs; the idle connections to all servers are closed, which costs a handshake.
            dialers.clear();
        }
        let dialer = Arc::new(Dialer::new(target, security, self.shared.limits.clone()));
        dialers.insert(origin, Arc::clone(&dialer));
        Ok(dialer)
    }

    #[cfg(feature = "tls")]
    fn security(&self, target: &Target) -> Result<Security, Error> {
        super::security(target, &self.shared.tls)
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self, reason = "with TLS it is what is trusted")]
    fn security(&self, target: &Target) -> Result<Security, Error> {
        super::security(target)
    }

    /// Adds a connection to a server that is open already.
    #[cfg(test)]
    pub(super) async fn connect_over(&self, url: &str, stream: tokio::io::DuplexStream) {
        let dialer = self.dialer(Target::parse(url).expect("the URL is one of a test")).expect("it needs no TLS");
        let connection = Connection::over(Box::new(stream), &self.shared.limits).await;
        dialer.pool.put(connection.expect("nothing is sent yet"));
    }
}

/// Brings a request into the form that goes to the server of the target.
fn addressed(target: &Target, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, Error> {
    let (mut head, body) = request.into_parts();
    let unfit = |_| Error::config(format!("the address {target} cannot be sent"));
    head.uri = target.path_and_query.parse().map_err(unfit)?;
    let host = HeaderValue::try_from(&target.authority)
        .map_err(|_| Error::config(format!("the host of {target} cannot stand in a header")))?;
    head.headers.insert(HOST, host);
    Ok(Request::from_parts(head, Full::new(body)))
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

/// The body of a response as it comes in; dropping it before its end closes the connection.
pub struct FetchBody {
    parts: BoxStream<'static, Result<Bytes, Error>>,
}

struct Reading {
    dialer: Arc<Dialer>,
    connection: Connection,
    body: Incoming,
}

impl FetchBody {
    fn new(dialer: Arc<Dialer>, connection: Connection, body: Incoming) -> Self {
        let reading = Reading { dialer, connection, body };
        let parts = stream::unfold(Some(reading), |reading| async {
            let mut reading = reading?;
            match reading.connection.read(&mut reading.body).await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(reading))),
                Ok(None) => {
                    reading.dialer.pool.put(reading.connection);
                    None
                }
                Err(error) => Some((Err(error), None)),
            }
        });
        Self { parts: parts.boxed() }
    }

    /// Reads all of it.
    ///
    /// # Errors
    ///
    /// Fails when it has more bytes than `limit`, and when the connection breaks before its end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub async fn read(mut self, limit: usize) -> Result<Bytes, Error> {
        let mut whole = Whole::default();
        while let Some(part) = self.parts.next().await {
            let too_long = |_| Error::malformed("an HTTP response", format!("its body has more than {limit} bytes"));
            whole.push(part?, limit).map_err(too_long)?;
        }
        Ok(whole.into_bytes())
    }
}

impl Stream for FetchBody {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.parts.poll_next_unpin(cx)
    }
}

impl fmt::Debug for FetchBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchBody").finish_non_exhaustive()
    }
}

/// Servers whose connections are kept.
const MAX_ORIGINS: usize = 64;
