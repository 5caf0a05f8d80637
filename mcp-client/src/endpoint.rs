//! Opening a target, and opening it again.
//!
//! The surprising thing: only a command is ever opened again, when the child has ended. A lost HTTP session is begun anew
//! over the transport that is there.

#[cfg(feature = "http")]
use mcp_transport::http::{HttpClient, HttpOptions};
use mcp_transport::pipe::Mux;
#[cfg(feature = "process")]
use mcp_transport::process::Command;
use mcp_transport::{Limits, Transport};

use crate::era::probe::Medium;
use crate::error::Error;
use crate::secret::Secret;
use crate::target::{Kind, Target};

/// A target that transports are made of.
pub(crate) struct Endpoint {
    medium: Medium,
    source: Source,
    #[cfg_attr(not(feature = "http"), allow(dead_code, reason = "only HTTP has headers"))]
    headers: Vec<(String, Secret)>,
}

enum Source {
    /// Can be opened once.
    Once(Option<Kind>),
    #[cfg(feature = "process")]
    Command(Box<Command>),
    #[cfg(feature = "http")]
    Url(String),
}

impl Endpoint {
    /// Takes a target with the headers to send to it.
    ///
    /// # Errors
    ///
    /// Fails when there are headers and the target has none, and when the target needs a feature that is off.
    pub(crate) fn new(target: Target, headers: Vec<(String, Secret)>) -> Result<Self, Error> {
        let medium = target.medium();
        if let (Some((name, _)), false) = (headers.first(), matches!(target.kind, Kind::Url(_))) {
            return Err(Error::config(format!(
                "the header `{name}` cannot be sent: only a URL has headers; give a child process its credentials by its environment"
            )));
        }
        let source = match target.kind {
            #[cfg(feature = "http")]
            Kind::Url(url) => Source::Url(url),
            #[cfg(not(feature = "http"))]
            Kind::Url(_) => {
                return Err(Error::config("a URL needs the feature `http` of mcp-client, which is off"));
            }
            #[cfg(feature = "process")]
            Kind::Command(command) => Source::Command(command),
            once => Source::Once(Some(once)),
        };
        Ok(Self { medium, source, headers })
    }

    pub(crate) fn medium(&self) -> Medium {
        self.medium
    }

    /// Returns whether it can be opened more than once, and has to be after its end.
    pub(crate) fn can_restart(&self) -> bool {
        #[cfg(feature = "process")]
        return matches!(self.source, Source::Command(_));
        #[cfg(not(feature = "process"))]
        false
    }

    /// Makes a transport to the same URL by the HTTP+SSE transport of 2024-11-05; none when there is no URL.
    pub(crate) fn open_http_sse(&mut self, _limits: &Limits) -> Option<Result<Box<dyn Transport>, Error>> {
        None
    }

    /// Makes a transport.
    ///
    /// # Errors
    ///
    /// Fails when the address, a header or the command cannot work, and when a stream was opened before.
    pub(crate) fn open(&mut self, limits: &Limits) -> Result<Box<dyn Transport>, Error> {
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
            Source::Url(url) => {
                let options = HttpOptions::default().limits(limits.clone());
                let add = |options: HttpOptions, (name, value): &(String, Secret)| options.header(name, value.expose());
                let options = self.headers.iter().fold(options, add);
                Ok(Box::new(HttpClient::new(url, options).map_err(unopened)?))
            }
        }
    }
}

/// Nothing is waited for when a transport is made, so no deadline can have passed.
#[cfg(any(feature = "http", feature = "process"))]
fn unopened(error: mcp_transport::Error) -> Error {
    Error::of_transport(error, || "the transport".to_owned())
}
