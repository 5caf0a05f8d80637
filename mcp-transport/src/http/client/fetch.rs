//! A plain HTTP/1.1 client, over the connections of the other one.
//!
//! The surprising thing: it has no deadline but the one of connecting. How long a server may take to answer, and between
//! two parts of a body, differs so much between those who ask that they set it around the future.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;

use super::connection::{BoxedRequest, Connection, Security};
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
    known: Mutex<Known>,
}

/// What was asked for before.
#[derive(Default)]
struct Known {
    dialers: HashMap<Origin, Arc<Dialer>>,
    /// The addresses themselves, most of which are asked for again and again.
    places: HashMap<Uri, Place>,
}

/// What an address means.
#[derive(Clone)]
struct Place {
    dialer: Arc<Dialer>,
    /// The path and the query.
    uri: Uri,
    /// What `Host` says.
    host: HeaderValue,
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
            known: Mutex::default(),
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
    pub fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<FetchBody>, Error>> + Send + use<> {
        // Not in the future, which would have room for the request as it was and as it goes out.
        let addressed = self.addressed(request);
        async {
            let (dialer, request) = addressed?;
            let (connection, response) = dialer.send(request).await?;
            Ok(response.map(|body| FetchBody::new(dialer, connection, body)))
        }
    }

    fn addressed(&self, request: Request<Bytes>) -> Result<(Arc<Dialer>, BoxedRequest), Error> {
        let Place { dialer, uri, host } = self.place(request.uri())?;
        let mut request = Box::new(request.map(Full::new));
        *request.uri_mut() = uri;
        request.headers_mut().insert(HOST, host);
        Ok((dialer, request))
    }

    fn place(&self, address: &Uri) -> Result<Place, Error> {
        if let Some(place) = self.known().places.get(address) {
            return Ok(place.clone());
        }
        let target = Target::parse(&address.to_string())?;
        let unfit = |_| Error::config(format!("the address {target} cannot be sent"));
        let uri = target.path_and_query.parse().map_err(unfit)?;
        let host = HeaderValue::try_from(&target.authority)
            .map_err(|_| Error::config(format!("the host of {target} cannot stand in a header")))?;
        let place = Place { dialer: self.dialer(target)?, uri, host };
        let mut known = self.known();
        if known.places.len() >= MAX_ORIGINS {
            known.places.clear();
        }
        known.places.insert(address.clone(), place.clone());
        Ok(place)
    }

    fn dialer(&self, target: Target) -> Result<Arc<Dialer>, Error> {
        let origin = (target.is_tls, target.host.clone(), target.port);
        if let Some(dialer) = self.known().dialers.get(&origin) {
            return Ok(Arc::clone(dialer));
        }
        let security = self.security(&target)?;
        let mut known = self.known();
        if known.dialers.len() >= MAX_ORIGINS {
            // Requests under way keep theirs; the idle connections to all servers are closed, which costs a handshake.
            *known = Known::default();
        }
        let dialer = || Arc::new(Dialer::new(target, security, self.shared.limits.clone()));
        Ok(Arc::clone(known.dialers.entry(origin).or_insert_with(dialer)))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing of what is done to it panics half way.
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Servers whose connections are kept, and addresses that are known.
const MAX_ORIGINS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn dialer(fetch: &Fetch, address: &str) -> Arc<Dialer> {
        fetch.place(&address.parse().unwrap()).unwrap().dialer
    }

    #[test]
    fn the_addresses_of_one_server_share_its_connections_and_those_of_two_do_not() {
        let fetch = Fetch::default();
        let first = dialer(&fetch, "http://a.test/one");
        let check = |address: &str, expected: bool| {
            assert_eq!(Arc::ptr_eq(&first, &dialer(&fetch, address)), expected, "{address}");
        };
        check("http://a.test/one", true);
        check("http://a.test/two?x=1", true);
        check("http://A.test:80/one", true);
        check("http://a.test:81/one", false);
        check("http://b.test/one", false);
    }

    #[test]
    fn an_address_above_the_limit_makes_the_others_be_read_again_and_keeps_the_connections() {
        let fetch = Fetch::default();
        let first = dialer(&fetch, "http://a.test/0");
        for number in 1..=MAX_ORIGINS {
            assert!(Arc::ptr_eq(&first, &dialer(&fetch, &format!("http://a.test/{number}"))));
            assert!(fetch.known().places.len() <= MAX_ORIGINS);
        }
        assert_eq!(fetch.known().places.len(), 1);
        assert_eq!(fetch.known().dialers.len(), 1);
        assert!(Arc::ptr_eq(&first, &dialer(&fetch, "http://a.test/0")), "it is known from its server");
    }
}
