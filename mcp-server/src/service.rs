//! From a call to its answer: the [`Service`] that transports drive.
//!
//! The surprising thing: only the methods that every revision has stand here. What belongs to one era is asked first,
//! of [`era`], and whoever comes from the other era is not known there.

use std::sync::{Arc, PoisonError, RwLock};

use mcp_transport::era::Served;
use mcp_transport::header::ParamHeaders;
use mcp_transport::{Answer, Call, Limits, Service};
use mcp_types::{CacheScope, Implementation, RawJson, RpcError};

use crate::changes::Changes;
use crate::context::{Cx, States};
use crate::registry::Registry;
use crate::run::Bounds;
use crate::{completion, era, prompt, resource, tool};

/// A server as transports see it.
pub(crate) struct Core {
    pub(crate) identity: Implementation,
    pub(crate) instructions: Option<String>,
    pub(crate) served: Served,
    pub(crate) cache: Cache,
    pub(crate) logs: bool,
    /// By what changes are told; `None` for a server that never changes.
    pub(crate) changes: Option<Changes>,
    pub(crate) extensions: mcp_types::JsonObject,
    pub(crate) states: Arc<States>,
    pub(crate) page_size: usize,
    registry: RwLock<Arc<Registry>>,
    limits: Limits,
    bounds: Bounds,
    /// The identity in the form in which results carry it.
    identity_text: Option<RawJson>,
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
    pub(crate) changes: Option<Changes>,
    pub(crate) extensions: mcp_types::JsonObject,
    pub(crate) states: Arc<States>,
    pub(crate) page_size: usize,
}

impl Core {
    pub(crate) fn new(parts: Parts, registry: Registry, limits: Limits, bounds: Bounds) -> Self {
        let Parts { identity, instructions, served, cache, logs, changes, extensions, states, page_size } = parts;
        let identity_text = RawJson::encode(&identity).ok();
        Self {
            identity,
            instructions,
            served,
            cache,
            logs,
            changes,
            extensions,
            states,
            page_size,
            registry: RwLock::new(Arc::new(registry)),
            limits,
            bounds,
            identity_text,
        }
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

    fn list(&self, call: &Call) -> Option<Answer> {
        let registry = self.registry();
        let (caller, params) = (&call.caller, &call.request.params);
        let method = &*call.request.method;
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

impl Service for Core {
    async fn call(&self, call: Call) -> Answer {
        if let Some(answer) = era::answer(self, &call).await {
            return answer;
        }
        if let Some(answer) = self.list(&call) {
            return answer;
        }
        let method = call.request.method.clone();
        let cx = Cx::new(call, Arc::clone(&self.states), self.logs);
        match &*method {
            "tools/call" => tool::call(self, cx).await,
            "prompts/get" => prompt::get(self, cx).await,
            "resources/read" => resource::read(self, cx).await,
            "completion/complete" => completion::complete(self, cx).await,
            // A method that the registry of methods does not know, or one of a capability that is not offered (T-11).
            _ => Err(RpcError::method_not_found(&method)),
        }
    }

    fn served(&self) -> Served {
        self.served.clone()
    }

    fn param_headers(&self, tool: &str) -> Option<Arc<ParamHeaders>> {
        self.registry().tools.find(tool)?.headers.clone()
    }
}
