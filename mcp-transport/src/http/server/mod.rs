//! A Streamable HTTP server: both eras at one path (H-1 to H-18, HL-1 to HL-18).
//!
//! ```text
//! listener → connection → endpoint → stream     (modern: all of it in the future of the response)
//!                            ├── routes             (what the program serves beside it, and who may ask)
//!                            ├── legacy → session   (legacy: work that has to wait moves to the session)
//!                            │     └── logged ⇄ streams   (what a client can come back to)
//!                            └── rules              (every decision; pure)
//! ```
//!
//! The surprising thing: a server that is bound to loopback answers only to loopback hosts unless it is told more,
//! because otherwise any web page could reach it by DNS rebinding (H-2).

mod body;
mod connection;
mod endpoint;
mod legacy;
mod listener;
mod load;
mod logged;
mod response;
mod room;
mod routes;
mod rules;
mod session;
mod socket;
#[cfg(feature = "sse-r1")]
mod sse;
mod stop;
mod stream;
mod streams;
mod table;
#[cfg(test)]
mod tests;
mod written;

use std::fmt;
use std::future::{Future, pending};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::net::{TcpListener, ToSocketAddrs};

use crate::error::Error;
use crate::header::{HostPolicy, OriginPolicy, RuleFault};
use crate::limits::Limits;
use crate::service::{Serve, Service};

use self::endpoint::{Config, Endpoint};
use self::routes::Beside;
pub use self::routes::{Guard, RouteBody, Routes};
#[cfg(feature = "sse-r1")]
use self::rules::SsePaths;
use self::stop::Stop;

/// A Streamable HTTP server that is bound to an address.
///
/// It answers at `/mcp` and checks `Host` and `Origin`: on a loopback address it answers to
/// `localhost`, `127.0.0.1` and `[::1]`; on any other to every host, and to no web page, until
/// [`allowed_hosts`](Self::allowed_hosts) and [`allowed_origins`](Self::allowed_origins) say more.
///
/// # Examples
///
/// ```no_run
/// # async fn example<S: mcp_transport::Service>(service: std::sync::Arc<S>) -> Result<(), mcp_transport::Error> {
/// use mcp_transport::Serve;
/// use mcp_transport::http::Http;
///
/// let http = Http::bind("127.0.0.1:8080").await?;
/// println!("serving at http://{}/mcp", http.local_addr());
/// http.serve(service).await
/// # }
/// ```
pub struct Http {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
    shutdown: BoxFuture<'static, ()>,
}

impl Http {
    /// Binds to an address, such as `127.0.0.1:8080`; port 0 takes any free one.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be read or found, is taken, or needs rights that the program does not have.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has bound nothing.
    pub async fn bind(address: impl ToSocketAddrs + fmt::Display) -> Result<Self, Error> {
        let shown = address.to_string();
        let failed = |error| bind_error(&shown, error);
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let is_loopback = address.ip().is_loopback();
        let config = Config {
            path: "/mcp".to_owned(),
            #[cfg(feature = "sse-r1")]
            sse: Some(SsePaths::new("/sse")),
            limits: Limits::default(),
            hosts: if is_loopback { HostPolicy::default() } else { HostPolicy::any() },
            origins: if is_loopback { OriginPolicy::default() } else { OriginPolicy::none() },
            beside: Beside::default(),
        };
        Ok(Self { listener, address, config, shutdown: pending().boxed() })
    }

    /// Returns the address that the server is bound to.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Sets the path of the endpoint, `/mcp` by default.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.config.path = path.into();
        self
    }

    /// Serves other paths beside the endpoint. The endpoint keeps its own path, with and without a slash at its end, and
    /// those of the old transport; every other path is a route.
    #[must_use]
    pub fn routes(mut self, routes: impl Routes) -> Self {
        self.config.beside.routes = Some(Arc::new(routes));
        self
    }

    /// Asks a guard about every request, for the endpoint and for routes, when its `Host` and its `Origin` are allowed
    /// and before its body is read.
    #[must_use]
    pub fn guard(mut self, guard: impl Guard) -> Self {
        self.config.beside.guard = Some(Arc::new(guard));
        self
    }

    /// Sets the path of the old transport of 2024-11-05, HTTP with SSE, `/sse` by default: clients that know no other get
    /// their stream there, and post below it (HS-5).
    #[cfg(feature = "sse-r1")]
    #[must_use]
    pub fn sse(mut self, path: impl Into<String>) -> Self {
        self.config.sse = Some(SsePaths::new(path));
        self
    }

    /// Gives a stream of the old transport also to whoever asks for one at the path of the endpoint and names no session,
    /// for clients that are told one URL only.
    #[cfg(feature = "sse-r1")]
    #[must_use]
    pub fn sse_at_endpoint(mut self) -> Self {
        self.config.sse = self.config.sse.map(SsePaths::at_endpoint);
        self
    }

    /// Does without the old transport.
    #[cfg(feature = "sse-r1")]
    #[must_use]
    pub fn without_sse(mut self) -> Self {
        self.config.sse = None;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Answers to these hosts, and on a loopback address to the loopback names as before. `*` stands for every host;
    /// only a server that demands credentials should say so.
    ///
    /// # Errors
    ///
    /// Fails when an entry is not `host`, `host:port`, `host:*` or `*`.
    pub fn allowed_hosts<I: IntoIterator<Item: AsRef<str>>>(mut self, hosts: I) -> Result<Self, Error> {
        let start = if self.address.ip().is_loopback() { HostPolicy::default() } else { HostPolicy::none() };
        self.config.hosts = hosts
            .into_iter()
            .try_fold(start, |policy, host| match host.as_ref() {
                "*" => Ok(HostPolicy::any()),
                host => policy.allow(host),
            })
            .map_err(|fault: RuleFault| Error::config(fault.to_string()))?;
        Ok(self)
    }

    /// Answers to web pages of these origins, and on a loopback address to loopback pages as before. `*` stands for
    /// every origin; only a server that demands credentials should say so.
    ///
    /// # Errors
    ///
    /// Fails when an entry is not `scheme://host`, `scheme://host:port`, `scheme://host:*`, `null` or `*`.
    pub fn allowed_origins<I: IntoIterator<Item: AsRef<str>>>(mut self, origins: I) -> Result<Self, Error> {
        let start = if self.address.ip().is_loopback() { OriginPolicy::default() } else { OriginPolicy::none() };
        self.config.origins = origins
            .into_iter()
            .try_fold(start, |policy, origin| match origin.as_ref() {
                "*" => Ok(OriginPolicy::any()),
                origin => policy.allow(origin),
            })
            .map_err(|fault: RuleFault| Error::config(fault.to_string()))?;
        Ok(self)
    }

    /// Shuts the server down when `signal` is ready: nothing new is accepted, requests in flight get the time of
    /// [`Limits::drain`], and what is left is answered with an error.
    #[must_use]
    pub fn shutdown_on(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = signal.boxed();
        self
    }
}

impl Serve for Http {
    async fn serve<S: Service>(self, service: Arc<S>) -> Result<(), Error> {
        room::keep(&self.config.limits);
        let (stage, stop) = Stop::new();
        let endpoint = Arc::new(Endpoint::new(service, self.config, stop));
        let _sessions = EndSessions(Arc::clone(&endpoint));
        listener::run(self.listener, endpoint, stage, self.shutdown).await;
        Ok(())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("address", &self.address).field("config", &self.config).finish_non_exhaustive()
    }
}

/// Ends the work of every session when serving ends, also when it is dropped.
struct EndSessions(Arc<Endpoint>);

impl Drop for EndSessions {
    fn drop(&mut self) {
        self.0.end_all();
    }
}

fn bind_error(address: &str, error: std::io::Error) -> Error {
    let what = match error.kind() {
        ErrorKind::AddrInUse => format!("cannot bind to `{address}`: the port is taken"),
        ErrorKind::PermissionDenied => {
            format!("cannot bind to `{address}`: not permitted; choose a port above 1023")
        }
        ErrorKind::AddrNotAvailable => {
            format!("cannot bind to `{address}`: this machine does not have the address; try `127.0.0.1`")
        }
        _ => format!("cannot bind to `{address}`; give an address and a port, such as `127.0.0.1:8080`"),
    };
    Error::environment(what, error)
}
