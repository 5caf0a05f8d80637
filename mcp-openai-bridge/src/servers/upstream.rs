//! One server, as it is described before anything is opened.

use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use mcp_client::{Client, Error as ClientError};

use super::filter::Filter;

/// A server behind a set of servers: how to connect to it, and what of it is used.
///
/// # Examples
///
/// ```no_run
/// use mcp_client::Client;
/// use mcp_openai_bridge::servers::Upstream;
///
/// let files = Upstream::new("files", || Client::connect("http://127.0.0.1:4000/mcp"))
///     .allow(["read_*", "list_*"])
///     .deny(["*_secret"])
///     .parallel_calls(4);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Upstream {
    pub(super) label: String,
    pub(super) source: Source,
    pub(super) filter: Filter,
    pub(super) parallel_calls: usize,
}

/// Where the client comes from.
#[derive(Clone)]
pub(super) enum Source {
    /// It is there.
    Client(Client),
    /// It is made when it is needed, and again when it has ended.
    Connect(Connect),
}

pub(super) type Connect = Arc<dyn Fn() -> BoxFuture<'static, Result<Client, ClientError>> + Send + Sync>;

impl Upstream {
    /// Describes a server that `connect` leads to. It is called when the server is needed for the first time, and again
    /// when a connection has ended that cannot be opened again by itself; never twice at once.
    ///
    /// The label names the server: in outcomes, and in front of function names where that is needed.
    pub fn new<C, F>(label: impl Into<String>, connect: C) -> Self
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<Client, ClientError>> + Send + 'static,
    {
        Self::from(label.into(), Source::Connect(Arc::new(move || connect().boxed())))
    }

    /// Describes a server that is connected already. When that connection ends for good, so does the server.
    pub fn connected(label: impl Into<String>, client: Client) -> Self {
        Self::from(label.into(), Source::Client(client))
    }

    fn from(label: String, source: Source) -> Self {
        Self { label, source, filter: Filter::default(), parallel_calls: PARALLEL_CALLS }
    }

    /// Uses only tools whose names fit one of these patterns, in which `*` stands for any text. An empty list allows
    /// none.
    ///
    /// What is not allowed is not listed, and calling it fails as if the server did not have it.
    pub fn allow<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.filter.allow(patterns.into_iter().map(Into::into));
        self
    }

    /// Does not use tools whose names fit one of these patterns, whatever [`allow`](Self::allow) says.
    pub fn deny<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.filter.deny(patterns.into_iter().map(Into::into));
        self
    }

    /// Sets how many calls run at once on this server; 64 unless set, and at least one. The others wait for their turn.
    pub fn parallel_calls(mut self, calls: usize) -> Self {
        self.parallel_calls = calls;
        self
    }

    /// Returns the label.
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("label", &self.label).field("filter", &self.filter).finish_non_exhaustive()
    }
}

const PARALLEL_CALLS: usize = 64;
