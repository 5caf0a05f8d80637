//! Opening a target, and opening it again.
//!
//! The surprising thing: a URL is opened again only once it has turned out to be of the HTTP+SSE transport, whose session
//! ends with its stream. A lost session of Streamable HTTP is begun anew over the transport that is there.

#[cfg(feature = "http")]
use mcp_transport::http::{HttpClient, HttpOptions, SseClient};
use mcp_transport::pipe::Mux;
#[cfg(feature = "process")]
use mcp_transport::process::Command;
use mcp_transport::{Limits, Secret, Transport};

use crate::era::probe::Medium;
use crate::error::Error;
use crate::target::{Kind, Target};

/// A target that transports are made of.
pub(crate) struct Endpoint {
    medium: Medium,
    source: Source,
    #[cfg_attr(not(feature = "http"), allow(dead_code, reason = "only HTTP has headers"))]
    http: Http,
}

/// What only a URL can have.
#[derive(Default)]
pub(crate) struct Http {
    pub(crate) headers: Vec<(String, Secret)>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<mcp_transport::http::Tls>,
}

enum Source {
    /// Can be opened once.
    Once(Option<Kind>),
    #[cfg(feature = "process")]
    Command(Box<Command>),
    #[cfg(feature = "http")]
    Url {
        url: String,
        /// Whether the server speaks the HTTP+SSE transport of 2024-11-05.
        is_sse: bool,
    },
}

impl Endpoint {
    /// Takes a target with what to send to it over HTTP.
    ///
    /// # Errors
    ///
    /// Fails when there are headers or TLS settings and the target is no URL, and when the target needs a feature that is off.
    pub(crate) fn new(target: Target, http: Http) -> Result<Self, Error> {
        let medium = target.medium();
        if let (Some((name, _)), false) = (http.headers.first(), matches!(target.kind, Kind::Url { .. })) {
            return Err(Error::config(format!(
                "the header `{name}` cannot be sent: only a URL has headers; give a child process its credentials by its environment"
            )));
        }
        #[cfg(feature = "tls")]
        if http.tls.is_some() && !matches!(target.kind, Kind::Url { .. }) {
            return Err(Error::config("the target has no URL, so there is nothing that TLS settings could be for"));
        }
        let source = match target.kind {
            #[cfg(feature = "http")]
            Kind::Url { url, is_sse } => Source::Url { url, is_sse },
            #[cfg(not(feature = "http"))]
            Kind::Url { .. } => {
                return Err(Error::config("a URL needs the feature `http` of mcp-client, which is off"));
            }
            #[cfg(feature = "process")]
            Kind::Command(command) => Source::Command(command),
            once => Source::Once(Some(once)),
        };
        Ok(Self { medium, source, http })
    }

    pub(crate) fn medium(&self) -> Medium {
        self.medium
    }

    /// Returns whether it can be opened more than once, and has to be after its end.
    pub(crate) fn can_restart(&self) -> bool {
        match &self.source {
            Source::Once(_) => false,
            #[cfg(feature = "process")]
            Source::Command(_) => true,
            #[cfg(feature = "http")]
            Source::Url { is_sse, .. } => *is_sse,
        }
    }

    /// Goes on by the HTTP+SSE transport of 2024-11-05 at the same URL; none when there is no URL, or nothing there that
    /// speaks it (V-62).
    #[cfg_attr(not(feature = "http"), allow(clippy::unused_async, reason = "there is nothing to try then"))]
    pub(crate) async fn open_http_sse(&mut self, limits: &Limits) -> Option<Box<dyn Transport>> {
        #[cfg(feature = "http")]
        if let Source::Url { url, is_sse } = &mut self.source {
            let transport = SseClient::connect(url, options(&self.http, limits)).await.ok()?;
            *is_sse = true;
            return Some(Box::new(transport));
        }
        let _ = limits;
        None
    }

    /// Makes a transport.
    ///
    /// # Errors
    ///
    /// Fails when the address, a header or the command cannot work, and when a stream was opened before.
    #[cfg_attr(not(feature = "http"), allow(clippy::unused_async, reason = "nothing else has to wait"))]
    pub(crate) async fn open(&mut self, limits: &Limits) -> Result<Box<dyn Transport>, Error> {
        match &mut self.source {
            Source::Once(kind) => match kind.take() {
                Some(Kind::InProcess(server)) => Ok(Box::new(server.connect(limits))),
                Some(Kind::Stream(reader, writer)) => Ok(Box::new(Mux::new(reader, writer, limits))),
                Some(Kind::Transport(transport, _)) => Ok(transport),
                _ => Err(Error::Closed),
            },
            #[cfg(feature = "process")]
            Source::Command(command) => Ok(Box::new(command.spawn(limits).map_err(unopened)?)),
            #[cfg(feature = "http")]
            Source::Url { url, is_sse: true } => {
                Ok(Box::new(SseClient::connect(url, options(&self.http, limits)).await.map_err(unopened)?))
            }
            #[cfg(feature = "http")]
            Source::Url { url, .. } => {
                Ok(Box::new(HttpClient::new(url, options(&self.http, limits)).map_err(unopened)?))
            }
        }
    }
}

#[cfg(feature = "http")]
fn options(http: &Http, limits: &Limits) -> HttpOptions {
    let options = HttpOptions::default().limits(limits.clone());
    #[cfg(feature = "tls")]
    let options = match &http.tls {
        Some(tls) => options.tls(tls.clone()),
        None => options,
    };
    let add = |options: HttpOptions, (name, value): &(String, Secret)| options.header(name, value.clone());
    http.headers.iter().fold(options, add)
}

#[cfg(any(feature = "http", feature = "process"))]
fn unopened(error: mcp_transport::Error) -> Error {
    Error::of_transport(error, || "the transport".to_owned())
}
