//! From a call to its answer: what stands behind the service that transports drive.
//!
//! The surprising thing: only the methods that every revision has stand here. What belongs to one era is asked first,
//! of [`era`], and whoever comes from the other era is not known there.

use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use mcp_transport::era::Served;
use mcp_transport::header::ParamHeaders;
use mcp_transport::{Answer, Call, Caller, Limits};
use mcp_types::{CacheScope, Implementation, JsonObject, RawJson, RpcError, meta};

use crate::changes::{Changes, Offered};
use crate::context::{Cx, States};
use crate::era::Own;
use crate::input::Sealer;
use crate::registry::Registry;
use crate::run::Bounds;
use crate::server::Way;
use crate::task::Tasks;
use crate::{completion, era, prompt, resource, tool};

/// A server as transports see it.
pub(crate) struct Core {
    parts: Parts,
    registry: RwLock<Arc<Registry>>,
    limits: Limits,
    bounds: Bounds,
    /// The identity in the form in which results carry it.
    identity_text: Option<RawJson>,
    /// The `_meta` of a result that has nothing else in it.
    identity_meta: Option<RawJson>,
}

/// For how long and with whom clients may share lists and contents (P-70).
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    pub(crate) ttl_ms: u64,
    pub(crate) scope: CacheScope,
}

/// What a core is made of besides the parts that derive from each other.
pub(crate) struct Parts {
    pub(crate) identity: Implementation,
    pub(crate) instructions: Option<String>,
    pub(crate) served: Served,
    pub(crate) cache: Cache,
    pub(crate) logs: bool,
    /// By what changes are told.
    pub(crate) changes: Changes,
    /// Whether the program tells of changes, and which kinds there are.
    pub(crate) tells: bool,
    pub(crate) extensions: JsonObject,
    pub(crate) states: States,
    pub(crate) page_size: usize,
    pub(crate) sealer: Sealer,
    pub(crate) tasks: Tasks,
    pub(crate) hooks: Hooks,
}

/// What the program decides for itself.
pub(crate) struct Hooks {
    /// Tells the principal of a caller.
    pub(crate) principal: Option<PrincipalHook>,
    pub(crate) clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

pub(crate) type PrincipalHook = Box<dyn Fn(&Caller) -> Option<String> + Send + Sync>;

impl Deref for Core {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Core {
    pub(crate) fn new(parts: Parts, registry: Registry, limits: Limits, bounds: Bounds) -> Self {
        let identity_text = RawJson::encode(&parts.identity).ok();
        let alone = identity_text.iter().map(|identity| (meta::SERVER_INFO, identity.clone()));
        let identity_meta = RawJson::encode(&JsonObject::from_iter(alone)).ok();
        Self { parts, registry: RwLock::new(Arc::new(registry)), limits, bounds, identity_text, identity_meta }
    }

    /// Returns who is authenticated; `None` where nobody is.
    pub(crate) fn principal(&self, caller: &Caller) -> Option<String> {
        self.hooks.principal.as_ref()?(caller)
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.hooks.clock)()
    }

    /// Returns which changes are told, and so declared (T-62).
    pub(crate) fn offered(&self) -> Offered {
        if !self.tells {
            return Offered::default();
        }
        let registry = self.registry();
        let (prompts, resources, tools) = (registry.has_prompts(), registry.has_resources(), registry.has_tools());
        Offered { prompts, resources, subscribe: resources, tools }
    }

    /// Returns what is offered now; a call keeps it to its end.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, registry: Registry) {
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(crate) fn identity_text(&self) -> Option<&RawJson> {
        self.identity_text.as_ref()
    }

    pub(crate) fn identity_meta(&self) -> Option<&RawJson> {
        self.identity_meta.as_ref()
    }

    fn list(&self, call: &Call) -> Option<Answer> {
        let (caller, params) = (&call.caller, &call.request.params);
        let method = &*call.request.method;
        if !method.ends_with("/list") {
            return None;
        }
        let registry = self.registry();
        let offered = match method {
            "tools/list" => registry.has_tools(),
            "prompts/list" => registry.has_prompts(),
            "resources/list" | "resources/templates/list" => registry.has_resources(),
            _ => return None,
        };
        if !offered {
            return Some(Err(RpcError::method_not_found(method)));
        }
        Some(match method {
            "tools/list" => registry.tool_list.answer(self, caller, params),
            "prompts/list" => registry.prompt_list.answer(self, caller, params),
            "resources/list" => registry.resource_list.answer(self, caller, params),
            _ => registry.template_list.answer(self, caller, params),
        })
    }
}

impl Core {
    /// Answers one request that came by `way`.
    ///
    /// # Errors
    ///
    /// Returns what the request is refused with.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is made for every request"
    )]
    pub(crate) fn call<'a>(
        self: &'a Arc<Self>,
        call: Call,
        way: &'a Way,
    ) -> impl Future<Output = Answer> + Send + use<'a> {
        async move {
            match era::answer(self, &call) {
                Some(Own::Now(answer)) => return answer,
                Some(Own::Later) => return era::later(self, call, way).await,
                None => {}
            }
            if let Some(answer) = self.list(&call) {
                return answer;
            }
            let cx = Cx::new(call, self)?;
            // All but the most frequent are boxed, so that this future stays small.
            match cx.method() {
                "tools/call" => tool::call(self, cx).await,
                "prompts/get" => Box::pin(prompt::get(self, cx)).await,
                "resources/read" => Box::pin(resource::read(self, cx)).await,
                "completion/complete" => Box::pin(completion::complete(self, cx)).await,
                // A method that the registry of methods does not know, or one of a capability that is not offered (T-11).
                method => Err(RpcError::method_not_found(method)),
            }
        }
    }

    pub(crate) fn param_headers(&self, tool: &str) -> Option<Arc<ParamHeaders>> {
        self.registry().tools.find(tool)?.headers.clone()
    }
}
