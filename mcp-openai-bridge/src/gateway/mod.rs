//! The gateway: the tools of a `config.yaml` for any MCP client, and for any client of OpenAI's APIs.
//!
//! ```text
//!            ┌─ key: who may ask
//!   HTTP ────┼─ /mcp, /mcp/     front ──► mcp-server     every revision of MCP
//!            ├─ /mcp/…_tool(s)  rest                     LiteLLM's shapes
//!            └─ /v1/…           v1                       Chat Completions and Responses
//!                                 │
//!                  offer ◄────────┤ what there is, by which name
//!                                 ▼
//!   config ──► handler ──────► call ◄────── servers ◄── config
//! ```
//!
//! The surprising thing: nothing is listed for a call. What servers offer is kept until they say that it changed, so that
//! a call is one request to one server.

mod ask;
mod beside;
mod call;
mod catalog;
pub mod config;
mod error;
mod front;
pub mod handler;
mod key;
mod offer;
mod refresh;
mod rest;
mod serve;
pub mod v1;

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future;
use mcp_server::Server;
use mcp_types::{CallToolResult, RawJson};
use tokio::task::AbortHandle;

use self::beside::Beside;
use self::call::Callees;
use self::config::Config;
use self::handler::Registry;
use crate::driver::{CallContext, Tools};
use crate::servers::{Servers, Upstream};
use crate::turn::Failure;

pub use self::error::GatewayError;
pub use self::offer::{LOCAL, LOCAL_NAME, More, Offer, Offered};

/// A gateway. Clones are the same gateway.
///
/// Its servers are connected when they are needed, and the children of its handlers end with the last clone or with
/// [`close`](Self::close).
///
/// # Examples
///
/// ```no_run
/// use mcp_openai_bridge::gateway::Gateway;
/// use mcp_openai_bridge::gateway::config::Config;
/// use mcp_server::Http;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let (config, warnings) = Config::read("config.yaml")?;
/// for warning in warnings {
///     eprintln!("{warning}");
/// }
/// let gateway = Gateway::builder(config).build().await?;
/// gateway.serve(Http::bind("127.0.0.1:4000").await?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    callees: Arc<Callees>,
    server: Server,
    /// What is offered now; `None` before it was asked for the first time.
    current: Mutex<Option<Arc<Offer>>>,
    /// Held while an offer is put together, so that it is done once however many ask.
    rebuilding: tokio::sync::Mutex<()>,
    beside: Arc<Beside>,
    /// Hears when servers change.
    listener: Mutex<Option<AbortHandle>>,
    /// What the APIs of OpenAI keep; made when they are asked for the first time.
    v1: v1::Shared,
}

/// A gateway that is being built.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    config: Config,
    registry: Registry,
    upstreams: Vec<Upstream>,
}

impl Gateway {
    /// Begins to build a gateway of a configuration.
    pub fn builder(config: Config) -> Builder {
        Builder { config, registry: Registry::default(), upstreams: Vec::new() }
    }

    /// Returns what the file says.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Returns what is dubious about the handlers of the file, beside what reading it has told.
    pub fn warnings(&self) -> &[config::Warning] {
        self.inner.callees.handlers.warnings()
    }

    /// Returns the servers behind the gateway.
    pub fn servers(&self) -> &Servers {
        &self.inner.callees.servers
    }

    /// Returns what the APIs of OpenAI keep.
    fn v1(&self) -> Arc<v1::State> {
        Arc::clone(self.inner.v1.get_or_init(|| Arc::new(v1::State::new(&self.inner.config))))
    }

    /// Returns whether the file lets a tool of a server be called, whether or not the server has it.
    pub(crate) fn admits(&self, server: &str, tool: &str) -> bool {
        self.inner.callees.admits(server, tool)
    }

    /// Ends the connections to servers and the children of handlers in good order. Calls fail from then on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest to the drop of the gateway, which does not wait.
    pub async fn close(&self) {
        future::join(self.inner.callees.servers.close(), self.inner.callees.handlers.close()).await;
    }
}

/// The tools of the gateway, by the labels of [`Offer::servers`] and the names that the servers give them.
#[async_trait]
impl Tools for Gateway {
    async fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        self.inner.callees.call(server, tool, arguments, cx).await
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("callees", &self.inner.callees).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let listener = self.listener.get_mut().ok().and_then(Option::take);
        listener.inspect(AbortHandle::abort);
    }
}

/// Where a list of tools says in `_meta` what came of each server.
pub const OUTCOMES: &str = "mcp-bridge/server_outcomes";

/// Where LiteLLM says the same.
pub const OUTCOMES_OF_LITELLM: &str = "litellm.ai/server_outcomes";
