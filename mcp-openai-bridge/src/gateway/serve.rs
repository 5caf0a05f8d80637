//! Building a gateway and serving it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_client::types::Implementation;
use mcp_server::transport::memory::InProcess;
use mcp_server::transport::{Limits, Serve};
use mcp_server::{Changes, Http, Server};

use super::ask::Questions;
use super::call::Callees;
use super::catalog::catalog;
use super::config::{self, ConfigError, Remark};
use super::error::GatewayError;
use super::front::Front;
use super::handler::{Handlers, Registry};
use super::key::Key;
use super::offer::Offer;
use super::rest::Rest;
use super::{Builder, Gateway, Inner, v1};
use crate::servers::{Listing, Servers, Upstream};

impl Builder {
    /// Takes the Rust functions that handlers of the file may name.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Adds a server that the file does not know. One with a label of the file takes the place of the file's.
    pub fn server(mut self, upstream: Upstream) -> Self {
        self.upstreams.push(upstream);
        self
    }

    /// Starts the handlers and makes the gateway. Servers are connected when they are needed.
    ///
    /// # Errors
    ///
    /// Fails when a tool of the file cannot work as it is written, and when a handler cannot be started.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what was started.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub async fn build(self) -> Result<Gateway, GatewayError> {
        let Self { config, registry, upstreams } = self;
        let asked = |server: &config::Server| (server.label.value.clone(), Questions::new(server));
        let questions: HashMap<_, _> = config.servers.iter().map(asked).collect();
        let servers = behind(&config, upstreams, &questions);
        let handlers = Handlers::start(&config, registry).await.map_err(GatewayError::Handler)?;
        let callees = Arc::new(Callees::new(&config, handlers, servers, &questions));
        let nothing = Listing { tools: Arc::default(), outcomes: Vec::new() };
        let first = Offer::new(&config, &nothing, &HashMap::new());
        let mut server = Server::builder(Implementation::new("mcp-bridge", env!("CARGO_PKG_VERSION")))
            .limits(limits(&config))
            .changes(Changes::new())
            .catalog(catalog(&first, &callees));
        if let Some(text) = instructions(&config) {
            server = server.instructions(text);
        }
        let server = server.build().map_err(|error| GatewayError::Definition(misdefined(&config, error)))?;
        let gateway = Gateway {
            inner: Arc::new(Inner {
                config,
                callees,
                server,
                current: Mutex::default(),
                rebuilding: tokio::sync::Mutex::default(),
                beside: Arc::default(),
                listener: Mutex::default(),
                v1: v1::Shared::default(),
            }),
        };
        gateway.listen();
        Ok(gateway)
    }
}

impl Gateway {
    /// Serves over HTTP until it is shut down: MCP at the path of `http`, HTTP+SSE there and below it, and beside it what
    /// LiteLLM serves over plain HTTP. Whoever asks must show the key of the file, when it has one.
    ///
    /// # Errors
    ///
    /// Fails when the listener breaks as a whole.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops serving at once; calls in flight are dropped.
    pub async fn serve(&self, http: Http) -> Result<(), GatewayError> {
        let http = http.sse("/mcp/sse").sse_at_endpoint().routes(Rest::new(self.clone()));
        let http = match &self.inner.config.master_key {
            Some(key) => http.guard(Key(key.value.clone())),
            None => http,
        };
        self.serve_mcp(http).await
    }

    /// Serves MCP by any other way in, such as standard streams. There is no key there.
    ///
    /// # Errors
    ///
    /// Fails when the way in cannot be opened or breaks as a whole.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops serving at once; calls in flight are dropped.
    pub async fn serve_mcp(&self, way_in: impl Serve) -> Result<(), GatewayError> {
        way_in.serve(Arc::new(Front(self.clone()))).await.map_err(GatewayError::Serve)
    }

    /// Returns the way to the gateway for an MCP client in the same process.
    pub fn in_process(&self) -> InProcess {
        InProcess::serve(Arc::new(Front(self.clone())), self.inner.server.limits().clone())
    }

    /// Returns what answers plain HTTP requests, for tests and for programs with an HTTP server of their own; such a
    /// program checks `Host`, `Origin` and the key itself.
    pub fn routes(&self) -> impl mcp_server::Routes {
        Rest::new(self.clone())
    }
}

fn behind(config: &config::Config, upstreams: Vec<Upstream>, questions: &HashMap<String, Questions>) -> Servers {
    let is_replaced = |server: &&config::Server| upstreams.iter().all(|one| one.label() != server.label.value);
    let of_file: Vec<_> = (config.servers.iter().filter(is_replaced))
        .map(|server| upstream(server, questions.get(&server.label.value).cloned().unwrap_or_default()))
        .collect();
    of_file.into_iter().chain(upstreams).fold(Servers::builder(), |builder, server| builder.server(server)).build()
}

fn upstream(server: &config::Server, questions: Questions) -> Upstream {
    let shared = Arc::new(server.clone());
    let connect = move || {
        let (server, questions) = (Arc::clone(&shared), questions.clone());
        let info = Implementation::new("mcp-bridge", env!("CARGO_PKG_VERSION"));
        async move { server.client(info).handler(questions).connect(server.target()).await }
    };
    let mut upstream = Upstream::new(server.label.value.as_str(), connect);
    if let Some(allowed) = &server.allowed_tools {
        upstream = upstream.allow(allowed.iter().cloned());
    }
    if let Some(calls) = server.max_concurrent_requests {
        upstream = upstream.parallel_calls(calls);
    }
    upstream.deny(server.disallowed_tools.iter().cloned())
}

/// Gives calls the time that the file and the clients behind give them; those know when to stop.
fn limits(config: &config::Config) -> Limits {
    let limits = Limits::default();
    let of_tools = config.tools.iter().filter_map(|tool| tool.timeout);
    let longest = of_tools.chain(config.servers.iter().filter_map(|server| server.timeout)).max();
    let time = longest.unwrap_or_default().max(limits.request_total) + MARGIN;
    limits.handler_timeout(time)
}

/// Joins what the file says of how to use its servers.
fn instructions(config: &config::Config) -> Option<String> {
    let texts = config
        .servers
        .iter()
        .filter_map(|server| Some(format!("{}: {}", server.label.value, server.instructions.as_deref()?)));
    let text = texts.collect::<Vec<_>>().join("\n\n");
    (!text.is_empty()).then_some(text)
}

/// Says of each tool that cannot work where the file has it.
fn misdefined(config: &config::Config, error: mcp_server::Error) -> ConfigError {
    let remark = |place, text: String| Remark::new(&config.file, place, text);
    let mcp_server::Error::Build(faults) = error else {
        return ConfigError::new(vec![remark(None, error.to_string())]);
    };
    let located = faults.iter().map(|fault| {
        let tool = config.tools.iter().find(|tool| fault.owner() == format!("tool `{}`", tool.name.value));
        remark(tool.map(|tool| tool.name.place), fault.to_string())
    });
    ConfigError::new(located.collect())
}

/// What a call may take longer than what it waits for.
const MARGIN: Duration = Duration::from_secs(5);
