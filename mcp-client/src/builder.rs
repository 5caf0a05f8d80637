//! How a client is configured.
//!
//! The surprising thing: a header is a secret here, whatever it is, because the ones that clients set nearly always are.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_transport::{Limits, Secret};
use mcp_types::{ClientCapabilities, Implementation, JsonObject, LoggingLevel, RawJson, Revision, TASKS_EXTENSION};

use crate::client::{Client, Settings};
use crate::endpoint::{Endpoint, Http};
use crate::era::{EraMode, Identity};
use crate::error::Error;
use crate::handler::ClientHandler;
use crate::inbox::Inbox;
use crate::target::Target;

/// A client that is being configured; made by [`Client::builder`].
///
/// # Examples
///
/// ```no_run
/// # async fn example(token: String) -> Result<(), mcp_client::Error> {
/// use std::time::Duration;
///
/// let client = mcp_client::Client::builder(mcp_client::implementation!())
///     .bearer_token(token)
///     .timeout(Duration::from_secs(20))
///     .connect("https://example.com/mcp")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is opened before `connect`"]
pub struct ClientBuilder {
    info: Implementation,
    /// What the caller declares in place of what the handler does.
    capabilities: Option<ClientCapabilities>,
    tasks: bool,
    log_level: Option<LoggingLevel>,
    mode: EraMode,
    revisions: Vec<Revision>,
    known: Option<Revision>,
    http: Http,
    limits: Limits,
    handler: Box<dyn ClientHandler>,
}

impl ClientBuilder {
    pub(crate) fn new(info: Implementation) -> Self {
        Self {
            info,
            capabilities: None,
            tasks: false,
            log_level: None,
            mode: EraMode::default(),
            revisions: Revision::ALL.to_vec(),
            known: None,
            http: Http::default(),
            limits: Limits::default(),
            handler: Box::new(()),
        }
    }

    /// Sets how the era of the server is found out; [`EraMode::Auto`] unless set (V-66).
    pub fn era(mut self, mode: EraMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the revisions that may be spoken; all of them unless set (V-3).
    pub fn revisions(mut self, revisions: impl IntoIterator<Item = Revision>) -> Self {
        self.revisions = revisions.into_iter().collect();
        self
    }

    /// Says which revision the server is known to speak, so that it is not probed (V-60).
    ///
    /// In the modern era nothing is sent before the first request, and what the server offers is not known then; a first
    /// request that the server refuses as a legacy one would is followed by the probe after all. In the legacy era the
    /// handshake is sent at once.
    pub fn known_revision(mut self, revision: Revision) -> Self {
        self.known = Some(revision);
        self
    }

    /// Sends `Authorization: Bearer …` with every HTTP request.
    pub fn bearer_token(self, token: impl Into<Secret>) -> Self {
        let credentials = token.into().prefixed("Bearer ");
        self.header("Authorization", credentials)
    }

    /// Sends `X-API-Key: …` with every HTTP request.
    pub fn api_key(self, key: impl Into<Secret>) -> Self {
        self.header("X-API-Key", key)
    }

    /// Sends a header with every HTTP request.
    ///
    /// A name or value that cannot be sent, and any header for a target that is not HTTP, is reported by
    /// [`connect`](Self::connect).
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.http.headers.push((name.into(), value.into()));
        self
    }

    /// Sets whom to trust over `https`; what the operating system trusts, unless set.
    ///
    /// For a target that has no URL it is reported by [`connect`](Self::connect).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), mcp_client::Error> {
    /// use mcp_client::{Client, Tls};
    ///
    /// let client = Client::builder(mcp_client::implementation!())
    ///     .tls(Tls::platform().ca_file("authority.pem")?)
    ///     .connect("https://internal.example/mcp")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: mcp_transport::http::Tls) -> Self {
        self.http.tls = Some(tls);
        self
    }

    /// Sets all limits and deadlines; a [`timeout`](Self::timeout) that was set before is lost.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long to wait for an answer or for the next sign of life of a request; 60 s unless set.
    pub fn timeout(mut self, idle: Duration) -> Self {
        self.limits.request_timeout = idle;
        self
    }

    /// Sets what the server is told that this client can do, in place of
    /// [`ClientHandler::capabilities`].
    pub fn capabilities(mut self, capabilities: ClientCapabilities) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// Lets servers make a task of a call that takes long (XT-1); not so unless set.
    ///
    /// [`Client::call_tool`] then waits for the task, and [`ToolCall::start`](crate::ToolCall::start) gives a handle to
    /// it. Legacy servers are not told.
    pub fn tasks(mut self) -> Self {
        self.tasks = true;
        self
    }

    /// Asks for log messages from this level on; none are asked for unless set (P-90).
    pub fn log_level(mut self, level: LoggingLevel) -> Self {
        self.log_level = Some(level);
        self
    }

    /// Sets who takes what the server tells outside of answers, and answers what it asks.
    pub fn handler(mut self, handler: impl ClientHandler) -> Self {
        self.handler = Box::new(handler);
        self
    }

    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// Fails when the configuration cannot work, when the server cannot be reached or does not answer in time, or when
    /// it speaks no revision that this client may speak.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what was opened.
    pub async fn connect(self, target: impl Into<Target>) -> Result<Client, Error> {
        let target = target.into();
        let mode = if target.is_legacy() { EraMode::Legacy } else { self.mode };
        let endpoint = Endpoint::new(target, self.http)?;
        let mut capabilities = self.capabilities.unwrap_or_else(|| self.handler.capabilities());
        if self.tasks {
            let extensions = capabilities.extensions.get_or_insert_with(JsonObject::new);
            extensions.insert(TASKS_EXTENSION, RawJson::empty_object());
        }
        let settings = Settings {
            inbox: Arc::new(Inbox::new(self.handler, capabilities.clone(), &self.limits)),
            identity: Identity { info: self.info, capabilities, log_level: self.log_level },
            limits: self.limits,
            revisions: self.revisions,
            mode,
            known: self.known,
        };
        Client::open(endpoint, settings).await
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("info", &self.info)
            .field("mode", &self.mode)
            .field("revisions", &self.revisions)
            .field("known", &self.known)
            .field("headers", &self.http.headers)
            .finish_non_exhaustive()
    }
}
