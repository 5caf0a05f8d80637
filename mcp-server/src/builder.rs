//! Building a server.
//!
//! The surprising thing: nothing fails before the end. Every fault of everything that was added is reported at once, by
//! [`ServerBuilder::build`].

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mcp_transport::era::Served;
use mcp_transport::{Caller, Limits};
use mcp_types::{CacheScope, Implementation, JsonObject, RawJson, Revision, TASKS_EXTENSION};

use crate::changes::Changes;
use crate::context::States;
use crate::error::{Error, Fault};
#[cfg(feature = "sealing")]
use crate::input::KeyRing;
use crate::input::Sealing;
use crate::prompt::Prompt;
use crate::registry::Catalog;
use crate::resource::{Resource, ResourceTemplate};
use crate::run::{Bounds, PanicHook};
use crate::server::Server;
use crate::service::{Cache, Core, Hooks, Parts, PrincipalHook};
use crate::task::{AnyTaskStore, LIFE, MemoryTasks, NoTasks, POLL, Pace, TaskStore, Tasks};
use crate::tool::Tool;

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
    extensions: JsonObject,
    states: States,
    hook: Option<PanicHook>,
    sealing: Sealing,
    tasks: Option<Arc<dyn AnyTaskStore>>,
    pace: Pace,
    hooks: Hooks,
}

impl ServerBuilder {
    pub(crate) fn new(identity: Implementation) -> Self {
        Self {
            identity,
            instructions: None,
            catalog: Catalog::new(),
            limits: Limits::default(),
            served: Served::default(),
            page_size: PAGE_SIZE,
            cache: Cache { ttl_ms: 0, scope: CacheScope::Private },
            logs: false,
            changes: None,
            extensions: JsonObject::new(),
            states: States::new(),
            hook: None,
            sealing: Sealing::default(),
            tasks: None,
            pace: Pace { life: Some(LIFE), poll: POLL },
            hooks: Hooks { principal: None, clock: Box::new(SystemTime::now) },
        }
    }

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

    /// Sets the keys that seal what a client carries from one round of a request to the next (`requestState`).
    ///
    /// Unless said, each server makes a random key, so that a round goes on only in the process that asked. Processes
    /// that serve one address share the keys. Needs the feature `sealing`.
    #[cfg(feature = "sealing")]
    pub fn state_keys(mut self, keys: KeyRing) -> Self {
        self.sealing.keys = Some(keys);
        self
    }

    /// Sets for how long the next round of a request may take to come; ten minutes unless said. Needs the feature
    /// `sealing`.
    #[cfg(feature = "sealing")]
    pub fn state_life(mut self, life: Duration) -> Self {
        self.sealing.life = Some(life);
        self
    }

    /// Sets how the principal of a caller is found: what it is authenticated as; nothing unless said.
    ///
    /// Rounds of a request, tasks and subscriptions are bound to it. What a caller says of itself, such as its
    /// [`client_info`](mcp_transport::Caller::client_info), proves nothing.
    pub fn principal(mut self, hook: impl Fn(&Caller) -> Option<String> + Send + Sync + 'static) -> Self {
        let hook: PrincipalHook = Box::new(hook);
        self.hooks.principal = Some(hook);
        self
    }

    /// Sets where tasks are kept, and declares the extension for tasks.
    ///
    /// A server with a tool that has a [`TaskMode`](crate::TaskMode) keeps them in memory unless said.
    pub fn tasks(mut self, store: impl TaskStore) -> Self {
        self.tasks = Some(Arc::new(store));
        self
    }

    /// Sets for how long a task is kept from its beginning, `None` for ever; an hour unless said. One that still runs
    /// then is stopped.
    pub fn task_life(mut self, life: impl Into<Option<Duration>>) -> Self {
        self.pace.life = life.into();
        self
    }

    /// Sets how long clients are to wait between two looks at a task; a second unless said.
    pub fn task_poll_interval(mut self, interval: Duration) -> Self {
        self.pace.poll = interval;
        self
    }

    /// Sets the clock by which states and tasks expire; the one of the system unless said. For tests.
    pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.hooks.clock = Box::new(now);
        self
    }

    /// Checks everything and makes the server.
    ///
    /// # Errors
    ///
    /// Lists everything that cannot work: names that stand twice, schemas and templates that are refused, state that
    /// handlers take and nobody gave.
    pub fn build(self) -> Result<Server, Error> {
        let mut faults: Vec<Fault> = self.setting_faults();
        let makes_tasks = self.catalog.makes_tasks();
        let sealer = self.sealing.sealer();
        let (registry, sealer) = match (self.catalog.compile(&self.limits, &self.states, self.page_size), sealer) {
            (Ok(registry), Ok(sealer)) if faults.is_empty() => (registry, sealer),
            (registry, sealer) => {
                faults.extend(registry.err().into_iter().flatten());
                faults.extend(sealer.err().map(|why| Fault::new("state keys", why)));
                return Err(Error::Build(faults));
            }
        };
        let tells = self.changes.is_some();
        let changes = self.changes.unwrap_or_default();
        changes.bound(&self.limits);
        let store = self.tasks.unwrap_or_else(|| match makes_tasks {
            true => Arc::new(MemoryTasks::new()),
            false => Arc::new(NoTasks),
        });
        let bounds = Bounds::new(&self.limits, self.hook);
        let parts = Parts {
            identity: self.identity,
            instructions: self.instructions,
            served: self.served,
            cache: self.cache,
            logs: self.logs,
            changes,
            tells,
            extensions: self.extensions,
            states: self.states,
            page_size: self.page_size,
            sealer,
            tasks: Tasks { store, pace: self.pace },
            hooks: self.hooks,
        };
        Ok(Server::new(Core::new(parts, registry, self.limits, bounds)))
    }

    fn setting_faults(&self) -> Vec<Fault> {
        let unserved = self.served.modern().next().is_none() && self.served.legacy().next().is_none();
        let served = unserved.then(|| Fault::new("revisions", "at least one must be served".to_owned()));
        let tasks = (self.tasks.as_ref().is_some_and(|store| !store.keeps()) && self.catalog.makes_tasks())
            .then(|| Fault::new("tasks", "a tool makes tasks, and the store keeps none".to_owned()));
        let bad = |id: &str| id == TASKS_EXTENSION || !id.contains('/') || !mcp_types::meta::is_valid_key(id);
        let extensions: Vec<_> = self
            .extensions
            .iter()
            .filter(|(id, settings)| bad(id) || !settings.is_object())
            .map(|(id, _)| {
                let why = "its identifier must be `prefix/name` and its settings an object; \
                           `.tasks(…)` declares the extension for tasks"
                    .to_owned();
                Fault::new(format!("extension `{id}`"), why)
            })
            .collect();
        served.into_iter().chain(tasks).chain(extensions).collect()
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

/// Entries on one page of a list.
const PAGE_SIZE: usize = 100;
