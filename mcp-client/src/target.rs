//! What a client connects to.
//!
//! The surprising thing: a target is only a description. Nothing is opened before [`connect`](crate::Client::connect).

use std::fmt;

use mcp_transport::Transport;
#[cfg(feature = "http")]
use mcp_transport::http::HttpClient;
use mcp_transport::memory::InProcess;
use mcp_transport::pipe::Mux;
#[cfg(feature = "process")]
use mcp_transport::process::Command;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::era::probe::Medium;

/// A server to connect to.
///
/// # Examples
///
/// ```no_run
/// use mcp_client::Target;
///
/// let url = Target::from("http://127.0.0.1:4000/mcp");
/// # #[cfg(feature = "process")]
/// let command = Target::from(mcp_client::Command::new("my-server"));
/// ```
#[derive(Debug)]
pub struct Target {
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    /// A URL, opened over Streamable HTTP, or over HTTP+SSE when that is known to be what the server speaks.
    #[cfg_attr(not(feature = "http"), allow(dead_code, reason = "it is refused then"))]
    Url { url: String, is_sse: bool },
    /// A child process, spoken to over its standard streams.
    #[cfg(feature = "process")]
    Command(Box<Command>),
    /// A server in this process.
    InProcess(Box<InProcess>),
    /// A byte stream with one message per line.
    Stream(Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>),
    /// A transport that the caller has made.
    Transport(Box<dyn Transport>, Medium),
}

impl Target {
    /// Connects to a URL over HTTP+SSE, the transport of 2024-11-05, and over nothing else.
    ///
    /// A URL by itself finds that transport too, where it is the only one. This is for servers that have both at one
    /// address, and for those that must not be sent a POST there.
    pub fn http_sse(url: impl Into<String>) -> Self {
        Self { kind: Kind::Url { url: url.into(), is_sse: true } }
    }

    /// Connects to a byte stream that carries one message per line, such as a socket.
    pub fn stream<R, W>(reader: R, writer: W) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        Self { kind: Kind::Stream(Box::new(reader), Box::new(writer)) }
    }

    /// Connects by a transport that the caller has made; silence of the server is read as on a pipe (V-61).
    pub fn transport(transport: impl Transport) -> Self {
        Self { kind: Kind::Transport(Box::new(transport), Medium::Stream) }
    }

    /// Connects by a transport of Streamable HTTP that the caller has made: silence is no evidence (V-63), and
    /// arguments are mirrored into headers (H-30).
    pub fn http_transport(transport: impl Transport) -> Self {
        Self { kind: Kind::Transport(Box::new(transport), Medium::Http) }
    }

    /// Returns whether only the legacy era is spoken there.
    pub(crate) fn is_legacy(&self) -> bool {
        matches!(self.kind, Kind::Url { is_sse: true, .. })
    }

    pub(crate) fn medium(&self) -> Medium {
        match &self.kind {
            Kind::Url { .. } => Medium::Http,
            #[cfg(feature = "process")]
            Kind::Command(_) => Medium::Child,
            Kind::InProcess(_) | Kind::Stream(..) => Medium::Stream,
            Kind::Transport(_, medium) => *medium,
        }
    }
}

impl From<&str> for Target {
    fn from(url: &str) -> Self {
        url.to_owned().into()
    }
}

impl From<String> for Target {
    fn from(url: String) -> Self {
        Self { kind: Kind::Url { url, is_sse: false } }
    }
}

#[cfg(feature = "process")]
impl From<Command> for Target {
    fn from(command: Command) -> Self {
        Self { kind: Kind::Command(Box::new(command)) }
    }
}

impl From<InProcess> for Target {
    fn from(server: InProcess) -> Self {
        Self { kind: Kind::InProcess(Box::new(server)) }
    }
}

impl From<Mux> for Target {
    fn from(mux: Mux) -> Self {
        Self::transport(mux)
    }
}

#[cfg(feature = "http")]
impl From<HttpClient> for Target {
    fn from(client: HttpClient) -> Self {
        Self::http_transport(client)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A URL or a command line may hold credentials, so only their kind is said (house 2.8).
            Self::Url { .. } => f.write_str("Url"),
            #[cfg(feature = "process")]
            Self::Command(_) => f.write_str("Command"),
            Self::InProcess(_) => f.write_str("InProcess"),
            Self::Stream(..) => f.write_str("Stream"),
            Self::Transport(_, medium) => write!(f, "Transport({medium:?})"),
        }
    }
}
