//! Building a server and serving it.
//!
//! The surprising thing: one server serves every revision, on every way in, at once. It holds nothing of any client.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_transport::era::Served;
use mcp_transport::memory::InProcess;
use mcp_transport::{Answer, Call, Caller, Limits, Serve, Service};
use mcp_types::{CacheScope, Implementation, Notification, RawJson, Revision};

use crate::changes::Changes;
use crate::context::States;
use crate::error::{Error, Fault};
use crate::prompt::Prompt;
use crate::registry::Catalog;
use crate::resource::{Resource, ResourceTemplate};
use crate::run::{Bounds, PanicHook};
use crate::service::{Cache, Core, Parts};
use crate::tool::Tool;

/// Entries on one page of a list.
const PAGE_SIZE: usize = 100;

/// A server of the Model Context Protocol. Clones are the same server.
#[derive(Clone)]
pub struct Server {
    core: Arc<Core>,
}

impl Server {
    /// Begins to build a server; `identity` is how it introduces itself, usually
    /// [`implementation!()`](crate::implementation!).
    pub fn builder(identity: Implementation) -> ServerBuilder {
        ServerBuilder {
            identity,
            instructions: None,
            catalog: Catalog::new(),
            limits: Limits::default(),
            served: Served::default(),
            page_size: PAGE_SIZE,
            cache: Cache { ttl_ms: 0, scope: CacheScope::Private },
            logs: false,
            changes: None,
            extensions: mcp_types::JsonObject::new(),
            states: States::new(),
            hook: None,
        }
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
        way_in.serve(Arc::clone(&self.core)).await.map_err(Error::Transport)
    }

    /// Starts to serve a client in this process and returns the client's end.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn in_process(&self) -> InProcess {
        InProcess::serve(Arc::clone(&self.core), self.core.limits().clone())
    }

    /// Puts another offer in the place of the present one, and tells those who listen.
    ///
    /// Calls that run keep what they began with.
    ///
    /// # Errors
    ///
    /// Lists everything in the catalog that cannot work; the present offer then stays.
    pub fn replace(&self, catalog: Catalog) -> Result<(), Error> {
        let core = &self.core;
        let registry = catalog.compile(core.limits(), &core.states, core.page_size).map_err(Error::Build)?;
        core.replace(registry);
        if let Some(changes) = &core.changes {
            changes.tools();
            changes.prompts();
            changes.resources();
        }
        Ok(())
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
        self.core.call(call)
    }

    fn notify(&self, notification: Notification, caller: &Caller) {
        self.core.notify(notification, caller);
    }

    fn served(&self) -> Served {
        self.core.served.clone()
    }

    fn param_headers(&self, tool: &str) -> Option<Arc<mcp_transport::header::ParamHeaders>> {
        self.core.param_headers(tool)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("identity", &self.core.identity).finish_non_exhaustive()
    }
}

/// A server that is being built.
#[must_use]
pub struct ServerBuilder {
    identity: Implementation,
    instructions: Option<String>,
    catalog: Catalog,
    limits: Limits,
    served: Served,
    page_size: usize,
    cache: Cache,
    logs: bool,
    changes: Option<Changes>,
    extensions: mcp_types::JsonObject,
    states: States,
    hook: Option<PanicHook>,
}

impl ServerBuilder {
    /// Adds a tool.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.catalog = self.catalog.tool(tool);
        self
    }

    /// Adds a resource.
    pub fn resource(mut self, resource: Resource) -> Self {
        self.catalog = self.catalog.resource(resource);
        self
    }

    /// Adds a resource template.
    pub fn template(mut self, template: ResourceTemplate) -> Self {
        self.catalog = self.catalog.template(template);
        self
    }

    /// Adds a prompt.
    pub fn prompt(mut self, prompt: Prompt) -> Self {
        self.catalog = self.catalog.prompt(prompt);
        self
    }

    /// Adds everything of a catalog.
    pub fn catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = self.catalog.merge(catalog);
        self
    }

    /// Says how to use the server, for the language model.
    pub fn instructions(mut self, text: impl Into<String>) -> Self {
        self.instructions = Some(text.into());
        self
    }

    /// Shares a value with all handlers that take [`State<T>`](crate::State); a later one of the same type replaces it.
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.shared_state(Arc::new(state))
    }

    /// Shares a value that is already shared elsewhere, as [`state`](Self::state) does.
    pub fn shared_state<T: Send + Sync + 'static>(mut self, state: Arc<T>) -> Self {
        let state: Arc<dyn Any + Send + Sync> = state;
        self.states.insert(TypeId::of::<T>(), state);
        self
    }

    /// Sets the bounds.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the revisions that are served; all of them unless said.
    pub fn revisions(mut self, revisions: impl IntoIterator<Item = Revision>) -> Self {
        self.served = revisions.into_iter().collect();
        self
    }

    /// Sets the number of entries on one page of a list; 100 unless said.
    pub fn page_size(mut self, entries: usize) -> Self {
        self.page_size = entries;
        self
    }

    /// Says for how long and with whom clients may share lists and contents; not at all unless said (P-70).
    ///
    /// `Public` promises that the results are the same for everybody (P-76).
    pub fn cache(mut self, ttl: Duration, scope: CacheScope) -> Self {
        self.cache = Cache { ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX), scope };
        self
    }

    /// Declares that handlers send log messages with [`Cx::log`](crate::Cx::log).
    pub fn logging(mut self) -> Self {
        self.logs = true;
        self
    }

    /// Declares that lists and contents change, and takes the handle by which the program says so.
    pub fn changes(mut self, changes: Changes) -> Self {
        self.changes = Some(changes);
        self
    }

    /// Declares an extension with its settings, an object (T-61).
    pub fn extension(mut self, id: impl Into<String>, settings: impl Into<RawJson>) -> Self {
        self.extensions.insert(id, settings);
        self
    }

    /// Sets what is called when a handler panics: with the name of the handler, and the message of the panic.
    ///
    /// The caller is answered either way, without the message. The panic hook of the standard library has run before.
    pub fn on_panic(mut self, hook: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Checks everything and makes the server.
    ///
    /// # Errors
    ///
    /// Lists everything that cannot work: names that stand twice, schemas and templates that are refused, state that
    /// handlers take and nobody gave.
    pub fn build(self) -> Result<Server, Error> {
        let mut faults: Vec<Fault> = self.setting_faults().collect();
        let registry = match self.catalog.compile(&self.limits, &self.states, self.page_size) {
            Ok(registry) if faults.is_empty() => registry,
            Ok(_) => return Err(Error::Build(faults)),
            Err(more) => {
                faults.extend(more);
                return Err(Error::Build(faults));
            }
        };
        let bounds = Bounds::new(&self.limits, self.hook);
        let parts = Parts {
            identity: self.identity,
            instructions: self.instructions,
            served: self.served,
            cache: self.cache,
            logs: self.logs,
            changes: self.changes,
            extensions: self.extensions,
            states: Arc::new(self.states),
            page_size: self.page_size,
        };
        Ok(Server { core: Arc::new(Core::new(parts, registry, self.limits, bounds)) })
    }

    fn setting_faults(&self) -> impl Iterator<Item = Fault> {
        let unserved = self.served.modern().next().is_none() && self.served.legacy().next().is_none();
        let served = unserved.then(|| Fault::new("revisions", "at least one must be served".to_owned()));
        let bad = |id: &str| !id.contains('/') || !mcp_types::meta::is_valid_key(id);
        let extensions: Vec<_> = self
            .extensions
            .iter()
            .filter(|(id, settings)| bad(id) || !settings.is_object())
            .map(|(id, _)| {
                let why = "its identifier must be `prefix/name` and its settings an object".to_owned();
                Fault::new(format!("extension `{id}`"), why)
            })
            .collect();
        served.into_iter().chain(extensions)
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("identity", &self.identity)
            .field("catalog", &self.catalog)
            .finish_non_exhaustive()
    }
}
