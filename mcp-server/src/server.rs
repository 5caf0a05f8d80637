//! A server, and serving it.
//!
//! The surprising thing: one server serves every revision, on every way in, at once. It holds nothing of any client.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use mcp_transport::era::Served;
use mcp_transport::era::legacy::Session;
use mcp_transport::header::ParamHeaders;
use mcp_transport::memory::InProcess;
use mcp_transport::pipe::AnyPipe;
use mcp_transport::{Answer, Call, Limits, Serve, Service};
use mcp_types::{Implementation, RpcError, ToolsCallOutcome};
use tokio::sync::watch;

use crate::builder::ServerBuilder;
use crate::context::Cx;
use crate::era;
use crate::error::{Error, Fault};
use crate::registry::{Catalog, Registry};
use crate::service::Core;

/// A server of the Model Context Protocol. Clones are the same server.
#[derive(Clone)]
pub struct Server {
    core: Arc<Core>,
    way: Arc<Way>,
}

impl Server {
    /// Begins to build a server; `identity` is how it introduces itself, usually
    /// [`implementation!()`](crate::implementation!).
    pub fn builder(identity: Implementation) -> ServerBuilder {
        ServerBuilder::new(identity)
    }

    pub(crate) fn new(core: Core) -> Self {
        Self { core: Arc::new(core), way: Arc::new(Way::new()) }
    }

    /// Serves until the peer is gone or the way in is shut down.
    ///
    /// # Errors
    ///
    /// Fails when the way in cannot be opened or breaks as a whole.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops serving at once; calls in flight are dropped.
    pub async fn serve(&self, way_in: impl Serve) -> Result<(), Error> {
        way_in.serve(self.by_another_way()).await.map_err(Error::Transport)
    }

    /// Returns the way to this server for a client in the same process, which calls it without a pipe.
    pub fn in_process(&self) -> InProcess {
        InProcess::serve(self.by_another_way(), self.core.limits().clone())
    }

    /// Runs a tool of this server in the midst of a call that another server answers: for a gateway that offers the tool
    /// as its own. The arguments are those of that call, and what the tool tells or asks goes to its caller.
    ///
    /// The run keeps the bounds of this server, not only those of the other one: it takes one of its
    /// [`handlers`](Limits::handlers), ends within its [`handler_timeout`](Limits::handler_timeout), and a panic is told
    /// to its hook. A call that became a task has neither a place nor a time there, as everywhere.
    ///
    /// All else is of the other server: [`Cx::params`] are those that it was called with, so their name is that of its
    /// tool; it seals what is asked and remembered, says who it is and what may be logged, and holds the result against
    /// its own [`result_bytes`](Limits::result_bytes). The outcome is as the tool of this server made it, checked against
    /// its output schema, and whole: it is the other server that wraps it for callers of old.
    ///
    /// Returns `None`, and runs nothing, when there is no such tool, and when it needs a call of its own: because it makes
    /// tasks, or because this server has state. Such a tool is called by a client, over [`in_process`](Self::in_process).
    ///
    /// # Errors
    ///
    /// As the tool does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the run.
    pub async fn run_within(&self, tool: &str, cx: &Cx) -> Option<Result<ToolsCallOutcome, RpcError>> {
        let registry = self.core.registry();
        let tool = registry.tools.find(tool).filter(|tool| !tool.makes_tasks() && self.core.states.is_empty())?;
        Some(tool.run_within(&self.core, cx).await)
    }

    /// Returns the same server with a way in of its own, which ends alone.
    fn by_another_way(&self) -> Arc<Self> {
        Arc::new(Self { core: Arc::clone(&self.core), way: Arc::new(Way::new()) })
    }

    /// Puts another offer in the place of the present one, and tells those who listen which lists are others now.
    ///
    /// Calls that run keep what they began with.
    ///
    /// # Errors
    ///
    /// Lists everything in the catalog that cannot work; the present offer then stays.
    pub fn replace(&self, catalog: Catalog) -> Result<(), Error> {
        let core = &self.core;
        let registry = catalog.compile(core.limits(), &core.states, core.page_size).map_err(Error::Build)?;
        self.put(registry);
        Ok(())
    }

    /// Does as [`replace`](Self::replace) does, but leaves out what cannot work, and returns why.
    ///
    /// This is for a gateway: one tool of somebody else with a schema that is none must not take the others away.
    pub fn replace_working(&self, catalog: Catalog) -> Vec<Fault> {
        let core = &self.core;
        let (registry, faults) = catalog.compile_working(core.limits(), &core.states, core.page_size);
        self.put(registry);
        faults
    }

    fn put(&self, registry: Registry) {
        let core = &self.core;
        let differs = registry.differs(&core.registry());
        core.replace(registry);
        if !core.tells {
            return;
        }
        if differs.tools {
            core.changes.tools();
        }
        if differs.prompts {
            core.changes.prompts();
        }
        if differs.resources {
            core.changes.resources();
        }
    }

    /// Returns how the server introduces itself.
    pub fn identity(&self) -> &Implementation {
        &self.core.identity
    }

    /// Returns the bounds that the server works within.
    pub fn limits(&self) -> &Limits {
        self.core.limits()
    }

    /// Returns the revisions that the server speaks, for a way in that must know them.
    pub fn served(&self) -> &Served {
        &self.core.served
    }
}

impl Service for Server {
    fn call(&self, call: Call) -> impl Future<Output = Answer> + Send {
        self.core.call(call, &self.way)
    }

    fn served(&self) -> Served {
        self.core.served.clone()
    }

    fn pushes(&self, session: &Arc<Session>) -> Option<BoxStream<'static, Bytes>> {
        era::pushes(&self.core, session)
    }

    fn shutdown(&self) {
        self.way.end();
    }

    // The line of the default: it brings the compiled code into this crate.
    fn serve_pipe(self: Arc<Self>, pipe: AnyPipe) -> BoxFuture<'static, ()> {
        pipe.serve(self)
    }

    fn param_headers(&self, tool: &str) -> Option<Arc<ParamHeaders>> {
        self.core.param_headers(tool)
    }
}

/// One way in, as the calls that come by it see it.
pub(crate) struct Way {
    ending: watch::Sender<bool>,
}

impl Way {
    fn new() -> Self {
        Self { ending: watch::Sender::new(false) }
    }

    fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Waits until the way in is about to end (P-35).
    pub(crate) async fn ended(&self) {
        // The sender is `self`, so this ends by the value alone.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("identity", &self.core.identity).finish_non_exhaustive()
    }
}
