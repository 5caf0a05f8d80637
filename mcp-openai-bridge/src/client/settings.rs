//! The settings of a client, and what it does in a session of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_client::{Client, ClientHandler, Command, Error as ClientError, Revision, Secret, Target, Tls};
use mcp_types::{
    CallToolRequestParams, CallToolResult, GetPromptResult, Implementation, ProgressNotificationParams, Prompt,
    ReadResourceResult, Resource, ResourceTemplate, Tool,
};

use super::Error;
use super::auth::{Auth, trimmed};
use super::session::{Memory, Session, call_mcp_tool, call_mcp_tool_with_progress, close, or_none};
use crate::servers::Upstream;
use crate::tools::{self, ToolSet};

/// How to reach one MCP server. Nothing is open between two operations.
///
/// Cloning is cheap, and clones remember the same tools.
///
/// # Examples
///
/// ```no_run
/// use mcp_openai_bridge::client::{Auth, Error, Format, McpClient, load_mcp_tools};
///
/// # async fn example() -> Result<(), Error> {
/// let client = McpClient::http("http://localhost:8080").auth(Auth::bearer_token("your-token"));
/// let tools = client.run_with_session(async |session| load_mcp_tools(&session, Format::OpenAi).await).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct McpClient {
    place: Place,
    info: Implementation,
    auth: Option<Auth>,
    headers: Vec<(String, Secret)>,
    tls: Option<Tls>,
    timeout: Option<Duration>,
    revisions: Option<Vec<Revision>>,
    handler: Option<Arc<dyn ClientHandler>>,
    memory: Arc<Memory>,
}

#[derive(Clone)]
enum Place {
    Http(String),
    Sse(String),
    Stdio(Box<Command>),
    Target(Arc<dyn Fn() -> Target + Send + Sync>),
}

impl McpClient {
    /// Reaches a server by its URL, over Streamable HTTP, or over HTTP+SSE where that is all it knows.
    pub fn http(url: impl Into<String>) -> Self {
        Self::at(Place::Http(url.into()))
    }

    /// Reaches a server by its URL over HTTP+SSE, the transport of 2024-11-05, and over nothing else.
    pub fn sse(url: impl Into<String>) -> Self {
        Self::at(Place::Sse(url.into()))
    }

    /// Reaches a server as a child process, which is started for each session.
    ///
    /// It gets the few variables of the environment that every program needs and those that the command sets, so that
    /// the keys of this program stay here.
    pub fn stdio(command: Command) -> Self {
        Self::at(Place::Stdio(Box::new(command)))
    }

    /// Reaches a server in another way; `target` is called for each session.
    pub fn target<T: Into<Target>>(target: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::at(Place::Target(Arc::new(move || target().into())))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            info: mcp_types::implementation!(),
            auth: None,
            headers: Vec::new(),
            tls: None,
            timeout: None,
            revisions: None,
            handler: None,
            memory: Memory::new("mcp", ToolSet::builder()),
        }
    }

    /// Sets the credential.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Sends a further header. Of each name there is one, whatever its case; this one stands instead of the credential's,
    /// unless [`Auth::in_header`] chose that name.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.headers.push(trimmed(name.as_ref(), value.as_ref()));
        self
    }

    /// Sets whom to trust over `https`; what the operating system trusts, unless set.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sets how long to wait for an answer or for the next sign of life of a request; 60 seconds unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the revisions of the protocol that may be spoken; all of them unless set.
    pub fn revisions(mut self, revisions: impl IntoIterator<Item = Revision>) -> Self {
        self.revisions = Some(revisions.into_iter().collect());
        self
    }

    /// Sets who answers what the server asks back, and takes its log messages.
    pub fn handler(mut self, handler: impl ClientHandler) -> Self {
        self.handler = Some(Arc::new(handler));
        self
    }

    /// Sets what the client says it is.
    pub fn info(mut self, info: Implementation) -> Self {
        self.info = info;
        self
    }

    /// Sets how tools become functions: a tool set that is being built, to which the server's tools are added under
    /// `label`.
    ///
    /// With [`Profile::LiteLlm`](crate::tools::Profile::LiteLlm) they become exactly what LiteLLM makes of them.
    pub fn tool_set(mut self, label: impl Into<String>, template: tools::Builder) -> Self {
        self.memory = Memory::new(label, template);
        self
    }

    /// Connects, for whoever keeps the connection himself.
    ///
    /// # Errors
    ///
    /// Fails when the settings cannot work, and when the server cannot be reached or spoken to.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what was opened.
    pub async fn connect(&self) -> Result<Client, ClientError> {
        let mut builder = Client::builder(self.info.clone());
        for (name, value) in Auth::merged(self.auth.as_ref(), &self.headers) {
            builder = builder.header(name, value);
        }
        if let Some(tls) = &self.tls {
            builder = builder.tls(tls.clone());
        }
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(revisions) = &self.revisions {
            builder = builder.revisions(revisions.iter().copied());
        }
        if let Some(handler) = &self.handler {
            builder = builder.handler(Arc::clone(handler));
        }
        let target = match &self.place {
            Place::Http(url) => Target::from(url.as_str()),
            Place::Sse(url) => Target::http_sse(url),
            Place::Stdio(command) => Target::from((**command).clone()),
            Place::Target(target) => target(),
        };
        builder.connect(target).await
    }

    /// Makes the server one of a set of [`Servers`](crate::servers::Servers), where its connection is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_openai_bridge::client::McpClient;
    /// use mcp_openai_bridge::servers::Servers;
    ///
    /// let time = McpClient::http("http://127.0.0.1:4000/mcp");
    /// let servers = Servers::builder().server(time.upstream("time").deny(["delete_*"])).build();
    /// ```
    pub fn upstream(&self, label: impl Into<String>) -> Upstream {
        let client = self.clone();
        Upstream::new(label, move || {
            let client = client.clone();
            async move { client.connect().await }
        })
    }

    /// Opens a session, to be ended by [`Session::close`].
    ///
    /// # Errors
    ///
    /// Fails as [`connect`](Self::connect) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what was opened.
    pub async fn open(&self) -> Result<Session, Error> {
        Ok(Session::new(self.connect().await?, Arc::clone(&self.memory)))
    }

    /// Opens a session, runs an operation with it, and ends it in good order, whatever came of the operation.
    ///
    /// # Errors
    ///
    /// Fails as [`connect`](Self::connect) and as the operation does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the operation and the connection.
    pub async fn run_with_session<T, E, F>(&self, operation: impl FnOnce(Session) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        let session = self.open().await?;
        let client = (*session).clone();
        let outcome = operation(session).await;
        close(client).await;
        outcome
    }

    /// Lists the tools, in a session of its own. For an empty list in place of an error, see
    /// [`Graceful`](super::Graceful).
    ///
    /// # Errors
    ///
    /// Fails as [`connect`](Self::connect) and [`Client::list_tools`] do; a server that offers none has none.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the session.
    pub async fn list_tools(&self) -> Result<Vec<Tool>, Error> {
        self.run_with_session(async |session| Ok(or_none(session.list_tools().await)?)).await
    }

    /// Lists the prompts, in a session of its own.
    ///
    /// # Errors
    ///
    /// Fails as [`list_tools`](Self::list_tools) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the session.
    pub async fn list_prompts(&self) -> Result<Vec<Prompt>, Error> {
        self.run_with_session(async |session| Ok(or_none(session.list_prompts().await)?)).await
    }

    /// Lists the resources, in a session of its own.
    ///
    /// # Errors
    ///
    /// Fails as [`list_tools`](Self::list_tools) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the session.
    pub async fn list_resources(&self) -> Result<Vec<Resource>, Error> {
        self.run_with_session(async |session| Ok(or_none(session.list_resources().await)?)).await
    }

    /// Lists the resource templates, in a session of its own.
    ///
    /// # Errors
    ///
    /// Fails as [`list_tools`](Self::list_tools) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the session.
    pub async fn list_resource_templates(&self) -> Result<Vec<ResourceTemplate>, Error> {
        self.run_with_session(async |session| Ok(or_none(session.list_resource_templates().await)?)).await
    }

    /// Calls a tool by the name that the server gave it, in a session of its own.
    ///
    /// # Errors
    ///
    /// Fails as [`connect`](Self::connect) and [`Client::call_tool`] do. A tool that failed gives a result.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call and ends the session.
    pub async fn call_tool(&self, request: CallToolRequestParams) -> Result<CallToolResult, Error> {
        self.run_with_session(async |session| call_mcp_tool(&session, request).await).await
    }

    /// Calls a tool as [`call_tool`](Self::call_tool) does, and hands every progress notification to `observe`.
    ///
    /// # Errors
    ///
    /// Fails as [`call_tool`](Self::call_tool) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call and ends the session.
    pub async fn call_tool_with_progress(
        &self,
        request: CallToolRequestParams,
        observe: impl FnMut(ProgressNotificationParams) + Send,
    ) -> Result<CallToolResult, Error> {
        self.run_with_session(async |session| call_mcp_tool_with_progress(&session, request, observe).await).await
    }

    /// Fills in a prompt, in a session of its own.
    ///
    /// # Errors
    ///
    /// Fails as [`connect`](Self::connect) and [`Client::get_prompt`] do.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the session.
    pub async fn get_prompt<K, V>(
        &self,
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = (K, V)>,
    ) -> Result<GetPromptResult, Error>
    where
        K: Into<String>,
        V: Into<String>,
    {
        self.run_with_session(async |session| Ok(session.get_prompt(name, arguments).await?)).await
    }

    /// Reads a resource, in a session of its own.
    ///
    /// # Errors
    ///
    /// Fails as [`connect`](Self::connect) and [`Client::read_resource`] do.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the session.
    pub async fn read_resource(&self, uri: impl Into<String>) -> Result<ReadResourceResult, Error> {
        self.run_with_session(async |session| Ok(session.read_resource(uri).await?)).await
    }
}

/// Leaves out the address and the arguments of a command, which may hold credentials.
impl fmt::Debug for McpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match &self.place {
            Place::Http(_) => "http",
            Place::Sse(_) => "sse",
            Place::Stdio(_) => "stdio",
            Place::Target(_) => "target",
        };
        f.debug_struct("McpClient")
            .field("transport", &transport)
            .field("auth", &self.auth)
            .field("headers", &self.headers)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
