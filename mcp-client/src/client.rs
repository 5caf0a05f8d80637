//! The client: one server, one set of credentials, any number of requests at once.
//!
//! The surprising thing: a client is a handle. Clones speak over the same connection, and the connection ends with the
//! last of them or with [`Client::close`].

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use mcp_transport::{Error as WireError, Fault, Limits, Patience};
use mcp_types::{
    CompleteRequestParams, CompleteResult, Features, GetPromptRequestParams, GetPromptResult, Implementation, Method,
    ProgressToken, Project, RawJson, Revision, ServerCapabilities, Tool, methods,
};
use serde::Serialize;

use crate::ask::random;
use crate::builder::ClientBuilder;
use crate::call::Question;
use crate::connection::{Connection, Opening, unencodable};
use crate::endpoint::Endpoint;
use crate::era::legacy::Memory;
use crate::era::probe::{Medium, Outcome, State};
use crate::era::{EraMode, Identity};
use crate::error::Error;
use crate::handler::Change;
use crate::inbox::Inbox;
use crate::listen::Watched;
use crate::mirror::{Mirrors, RefusedTool};
use crate::restart::{Restarts, Start};
use crate::target::Target;
use crate::tool::{ToolCall, ToolResult};

/// A connection to one server.
///
/// Cloning is cheap, and clones share the connection. Dropping the last one ends it without waiting: a child process is
/// killed with its group. [`close`](Self::close) ends it in good order.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    pub(crate) medium: Medium,
    mode: EraMode,
    /// The revisions that may be spoken.
    pub(crate) revisions: Vec<Revision>,
    pub(crate) inbox: Arc<Inbox>,
    /// Held while a session is begun anew, so that it is done once however many requests have lost it (F51).
    endpoint: tokio::sync::Mutex<Endpoint>,
    /// How many times a connection was begun anew, or could not be.
    renewals: AtomicU64,
    connection: RwLock<Arc<Connection>>,
    /// Whether the target is started again after its end.
    can_restart: bool,
    restarts: Mutex<Restarts>,
    is_closed: AtomicBool,
    /// What legacy subscriptions watch.
    pub(crate) watched: Watched,
    mirrors: Mutex<Mirrors>,
    /// What the session was told to remember.
    memory: Mutex<Memory>,
    tokens: AtomicI64,
}

/// What a builder hands to the client that it makes.
pub(crate) struct Settings {
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    pub(crate) revisions: Vec<Revision>,
    pub(crate) mode: EraMode,
    /// The revision that the server is known to speak.
    pub(crate) known: Option<Revision>,
    pub(crate) inbox: Arc<Inbox>,
}

impl Client {
    /// Connects to a server: a URL, a command, a server in this process or a stream.
    ///
    /// The client introduces itself as `mcp-client` with the version of this crate; a program that is more than a
    /// script says its own name by [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// Fails when the server cannot be reached, does not answer in time, or speaks no revision that this client does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what was opened.
    pub async fn connect(target: impl Into<Target>) -> Result<Self, Error> {
        let neutral = Implementation::new("mcp-client", env!("CARGO_PKG_VERSION"));
        Self::builder(neutral).connect(target).await
    }

    /// Begins to configure a client that introduces itself as `info`; see
    /// [`implementation!`](crate::implementation).
    pub fn builder(info: Implementation) -> ClientBuilder {
        ClientBuilder::new(info)
    }

    pub(crate) async fn open(mut endpoint: Endpoint, settings: Settings) -> Result<Self, Error> {
        let Settings { identity, limits, revisions, mode, known, inbox } = settings;
        let medium = endpoint.medium();
        let opening = Opening { identity: &identity, limits: &limits, inbox: &inbox };
        let state = match known {
            Some(revision) => State::known(revision, &revisions, medium)?,
            None => State::start(mode, &revisions, medium)?,
        };
        let memory = Memory::new(&identity).map_err(unencodable)?;
        let (link, agreement) = opening.open(&mut endpoint, state, &memory).await?;
        let connection = Connection::new(link, agreement, &identity, 0)?;
        let inner = Inner {
            can_restart: endpoint.can_restart(),
            restarts: Mutex::new(Restarts::new(&limits)),
            is_closed: AtomicBool::new(false),
            watched: Watched::default(),
            mirrors: Mutex::new(Mirrors::new(&limits)),
            memory: Mutex::new(memory),
            identity,
            limits,
            medium,
            mode,
            revisions,
            inbox,
            endpoint: tokio::sync::Mutex::new(endpoint),
            renewals: AtomicU64::new(0),
            connection: RwLock::new(Arc::new(connection)),
            tokens: AtomicI64::new(1),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the revision that is spoken. Kept by the application, it saves the probe the next time
    /// ([`ClientBuilder::known_revision`]).
    pub fn revision(&self) -> Revision {
        self.inner.connection().agreement.revision
    }

    /// Returns who the server says it is; for display and logs only (T-28).
    pub fn server_info(&self) -> Option<Implementation> {
        self.inner.connection().agreement.server_info.clone()
    }

    /// Returns what the server offers; `None` when the probe was skipped.
    pub fn capabilities(&self) -> Option<ServerCapabilities> {
        self.inner.connection().agreement.capabilities.clone()
    }

    /// Returns how to use the server, for the language model. It comes from the server: show it as such.
    pub fn instructions(&self) -> Option<String> {
        self.inner.connection().agreement.instructions.clone()
    }

    /// Returns whether the connection has ended for good, so that every further request fails.
    ///
    /// A child process is started again for the next request, and a lost session is begun anew; neither is an end. A
    /// stream that closed is one, and so is [`close`](Self::close) of any clone.
    pub fn is_ended(&self) -> bool {
        self.inner.is_closed.load(Ordering::Acquire)
            || (self.inner.connection().link.lost_at().is_some() && !self.inner.can_come_back())
    }

    /// Returns the tools that were left out of the lists read so far, and why (H-32).
    pub fn refused_tools(&self) -> Vec<RefusedTool> {
        self.inner.mirrors().refused()
    }

    /// Calls a tool with arguments: anything that becomes a JSON object, or `()` for none.
    ///
    /// A tool that failed gives a result too; [`ToolResult::into_ok`] makes an error of it. A call is never repeated by
    /// itself, but for a version or headers that the server wants otherwise, which it says before it calls the tool.
    ///
    /// # Errors
    ///
    /// Fails when the server offers no tools, does not know the tool, or wants input first, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call.
    pub fn call_tool(
        &self,
        name: impl Into<String>,
        arguments: impl Serialize,
    ) -> impl Future<Output = Result<ToolResult, Error>> + Send {
        self.tool(name).arguments(arguments).call()
    }

    /// Begins to put a call together, with progress or other deadlines than the usual.
    pub fn tool(&self, name: impl Into<String>) -> ToolCall<'_> {
        ToolCall::new(self, name.into())
    }

    /// Fills in a prompt.
    ///
    /// # Errors
    ///
    /// Fails when the server offers no prompts, does not know the prompt, or wants input first, and as every request
    /// does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn get_prompt<K, V>(
        &self,
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = (K, V)>,
    ) -> Result<GetPromptResult, Error>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let mut params = GetPromptRequestParams::new(name);
        let arguments = arguments.into_iter().map(|(key, value)| (key.into(), value.into()));
        params.arguments =
            Some(arguments.collect()).filter(|arguments: &std::collections::BTreeMap<_, _>| !arguments.is_empty());
        self.ask(methods::PromptsGet::NAME, &params).await
    }

    /// Completes an argument while it is typed.
    ///
    /// # Errors
    ///
    /// Fails when the server completes nothing, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn complete(&self, params: CompleteRequestParams) -> Result<CompleteResult, Error> {
        self.call::<methods::CompletionComplete>(params).await
    }

    /// Asks a legacy server whether it is there; a modern one has no such method.
    ///
    /// # Errors
    ///
    /// Fails in the modern era, and as every request does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn ping(&self) -> Result<(), Error> {
        self.call::<methods::Ping>(mcp_types::RequestParams::new()).await.map(drop)
    }

    /// Calls any method of the registry. Nothing is cached, and what the server wants first is in the result.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// use mcp_client::types::{SubscribeRequestParams, methods};
    ///
    /// client.call::<methods::ResourcesSubscribe>(SubscribeRequestParams::new("file:///log")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails when the server does not offer what the method needs, when the revision does not have it, when the server
    /// answers with an error or not in time, and when the connection breaks.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn call<M: Method>(&self, mut params: M::Params) -> Result<M::Result, Error> {
        params.project(self.revision().features());
        let params = RawJson::encode(&params).map_err(|error| Error::params(M::NAME, error))?;
        let result = self.call_raw(M::NAME, params).await?;
        result.decode().map_err(|error| Error::malformed("a result", format!("`{}`: {error}", M::NAME)))
    }

    /// Calls any method with parameters as they are; the envelope of the era is added. Nothing is cached.
    ///
    /// # Errors
    ///
    /// Fails as [`call`](Self::call) does, and when the parameters are not an object.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn call_raw(&self, method: impl Into<Cow<'static, str>>, params: RawJson) -> Result<RawJson, Error> {
        let method = method.into();
        let mut question = Question::new(method.clone(), params, self.patience());
        let (result, connection) = self.exchange(&mut question).await?;
        // Read for its errors: the caller gets the result as it came.
        let _ = self.read(&method, result.clone(), &connection)?;
        Ok(result)
    }

    /// Tells a legacy server that the roots are others than before (T-140). A modern one asks for them each time and is
    /// told nothing, and so is one to which `roots.listChanged` was not declared.
    ///
    /// # Errors
    ///
    /// Fails when the notification cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the server without the notification.
    pub async fn roots_changed(&self) -> Result<(), Error> {
        const METHOD: &str = "notifications/roots/list_changed";
        let roots = self.inner.identity.capabilities.roots.as_ref();
        let is_declared = roots.is_some_and(|roots| roots.list_changed == Some(true));
        let connection = self.inner.connection();
        if !is_declared || !connection.agreement.revision.features().has(Features::ROOTS_LIST_CHANGED) {
            return Ok(());
        }
        let sent = connection.link.transport().notify(METHOD, None).await;
        sent.map_err(|error| Error::of_transport(error, || format!("`{METHOD}` to be sent")))
    }

    /// Ends the connection in good order: a legacy session is deleted, and a child process is given time to leave.
    ///
    /// It ends for all clones; what they have asked for fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest of the ending to the drop of the last clone, which does not wait.
    pub async fn close(self) {
        self.inner.is_closed.store(true, Ordering::Release);
        let connection = self.inner.connection();
        connection.link.transport().close().await;
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience::from(&self.inner.limits)
    }

    async fn ask<R: serde::de::DeserializeOwned>(
        &self,
        method: &'static str,
        params: &impl Serialize,
    ) -> Result<R, Error> {
        let params = RawJson::encode(params).map_err(|error| Error::params(method, error))?;
        let answered = self.answer_to(Question::new(method.into(), params, self.patience())).await?;
        answered.result.decode().map_err(|error| Error::malformed("a result", format!("`{method}`: {error}")))
    }
}

impl Inner {
    pub(crate) fn connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn mirrors(&self) -> MutexGuard<'_, Mirrors> {
        self.mirrors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn admit_tools(&self, tools: &mut Vec<Tool>, refused: Vec<RefusedTool>) {
        let is_mirrored = self.mirrors_params(&self.connection());
        self.mirrors().admit(tools, is_mirrored);
        self.mirrors().refuse(refused);
    }

    /// Returns a token that no other request of this client has (P-50).
    pub(crate) fn next_token(&self) -> ProgressToken {
        self.tokens.fetch_add(1, Ordering::Relaxed).into()
    }

    /// Goes on in another revision over the same link (V-33).
    pub(crate) fn speak(&self, connection: &Connection, revision: Revision) -> Result<(), Error> {
        if connection.agreement.revision == revision {
            return Ok(());
        }
        let mut agreement = connection.agreement.clone();
        agreement.revision = revision;
        let link = Arc::clone(&connection.link);
        link.settle(&agreement);
        self.replace(Connection::new(link, agreement, &self.identity, connection.generation)?);
        Ok(())
    }

    /// Begins a new session over the same link in place of the one that was lost, unless another request has done so
    /// (F51).
    pub(crate) async fn renew(&self, lost: &Connection) -> Result<(), Error> {
        if self.can_restart {
            // The session was that of the connection, which has ended with it.
            lost.link.lose();
            return self.restart(lost, now()).await;
        }
        let state = State::known(lost.agreement.revision, &self.revisions, self.medium)?;
        self.begin_anew(lost, state).await
    }

    /// Asks the server what it speaks, after the caller was wrong about it (V-60).
    pub(crate) async fn probe(&self, assumed: &Connection) -> Result<(), Error> {
        let state = State::start(self.mode, &self.revisions, self.medium)?;
        self.begin_anew(assumed, state).await
    }

    async fn begin_anew(&self, lost: &Connection, state: State) -> Result<(), Error> {
        let seen = self.renewals.load(Ordering::Acquire);
        let mut endpoint = self.endpoint.lock().await;
        if self.connection().generation != lost.generation {
            return Ok(());
        }
        if self.renewals.load(Ordering::Acquire) != seen {
            // Whoever waited for somebody else's attempt shares its failure.
            return Err(Error::SessionEnded);
        }
        let memory = self.memory().clone();
        let opening = Opening { identity: &self.identity, limits: &self.limits, inbox: &self.inbox };
        let reopened = opening.settle(Arc::clone(&lost.link), &mut endpoint, state, &memory).await;
        self.renewals.fetch_add(1, Ordering::Release);
        let (link, agreement) = reopened?;
        self.inbox.changed(Change::Missed);
        self.replace(Connection::new(link, agreement, &self.identity, lost.generation.wrapping_add(1))?);
        Ok(())
    }

    /// Returns the connection, which is opened again first when it ended and can be (S-7).
    pub(crate) async fn alive(&self) -> Result<Arc<Connection>, Error> {
        let connection = self.connection();
        match connection.link.lost_at() {
            Some(at) if self.can_come_back() => {
                // Boxed, because it is rare and large.
                Box::pin(self.restart(&connection, at)).await?;
                Ok(self.connection())
            }
            _ => Ok(connection),
        }
    }

    /// Returns whether there is a connection after this one.
    pub(crate) fn can_come_back(&self) -> bool {
        (self.can_restart || self.medium == Medium::Http) && !self.is_closed.load(Ordering::Acquire)
    }

    /// Takes note of what came of a request over a connection.
    pub(crate) fn observe(&self, connection: &Connection, outcome: &Outcome) {
        match outcome {
            Err(WireError::Closed | WireError::Exited(_)) if self.can_restart || self.medium != Medium::Http => {
                connection.link.lose();
            }
            Ok(_) if self.can_restart => self.restarts().answered(),
            _ => {}
        }
    }

    /// Starts the target again, unless another request has done so.
    async fn restart(&self, lost: &Connection, at: Instant) -> Result<(), Error> {
        let mut endpoint = self.endpoint.lock().await;
        if self.connection().generation != lost.generation {
            return Ok(());
        }
        // The end of a connection counts once, however many requests find it.
        if lost.link.mourn() {
            self.restarts().ended(random(), at);
        }
        let start = self.restarts().poll(now());
        match start {
            Start::After(wait) => tokio::time::sleep(wait).await,
            Start::NotFor(wait) => {
                let what = format!("the server ended again and again; it is left alone for another {wait:?}");
                return Err(Error::Environment(Fault { what, cause: None }));
            }
        }
        let agreement = &lost.agreement;
        let state = if agreement.revision.features().has(Features::SESSION) {
            State::known(agreement.revision, &self.revisions, self.medium)?
        } else {
            // The same command is the same server, and without a session there is no handshake.
            State::Settled(Box::new(agreement.clone()))
        };
        let memory = self.memory().clone();
        let opening = Opening { identity: &self.identity, limits: &self.limits, inbox: &self.inbox };
        let opened = opening.open(&mut endpoint, state, &memory).await;
        let (link, agreement) = opened.inspect_err(|_| self.restarts().ended(random(), now()))?;
        self.inbox.changed(Change::Missed);
        self.replace(Connection::new(link, agreement, &self.identity, lost.generation.wrapping_add(1))?);
        Ok(())
    }

    fn restarts(&self) -> MutexGuard<'_, Restarts> {
        self.restarts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, connection: Connection) {
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(connection);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

/// Reads the clock of the runtime, which tests can stop.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
