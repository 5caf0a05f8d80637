//! What a server offers: collected in a [`Catalog`], checked as a whole, then looked up in a [`Registry`].
//!
//! The surprising thing: a registry never changes. A server whose offer changes gets another one in its place, so a
//! call that is running keeps what it began with.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

use mcp_transport::Limits;
use mcp_types::{
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, Meta, RawJson, RpcError,
};

use crate::context::States;
use crate::error::Fault;
use crate::extract::Needs;
use crate::list::List;
use crate::prompt::{Prompt, PromptEntry};
use crate::resource::{Resource, ResourceEntry, ResourceTemplate, TemplateEntry};
use crate::text::did_you_mean;
use crate::tool::{Tool, ToolEntry};

/// Tools, resources, templates and prompts, on their way into a server.
///
/// Lists show them in the order in which they were added (T-88).
#[derive(Debug, Default)]
#[must_use]
pub struct Catalog {
    tools: Vec<Tool>,
    resources: Vec<Resource>,
    templates: Vec<ResourceTemplate>,
    prompts: Vec<Prompt>,
    offers: Offers,
    /// What `_meta` of a list of tools has besides what the server says of itself.
    tools_meta: Meta,
}

/// What is offered even while nothing of it is there.
#[derive(Clone, Copy, Debug, Default)]
struct Offers {
    completions: bool,
    tools: bool,
    resources: bool,
    prompts: bool,
}

impl Catalog {
    /// Makes an empty catalog.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Adds a resource.
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }

    /// Adds a resource template.
    pub fn template(mut self, template: ResourceTemplate) -> Self {
        self.templates.push(template);
        self
    }

    /// Adds a prompt.
    pub fn prompt(mut self, prompt: Prompt) -> Self {
        self.prompts.push(prompt);
        self
    }

    /// Declares tools, resources and prompts even while there are none, for a server whose offer changes.
    pub fn offer_all(mut self) -> Self {
        self.offers = Offers { tools: true, resources: true, prompts: true, ..self.offers };
        self
    }

    /// Declares completions even while nothing completes, for a server whose offer changes.
    pub fn offer_completions(mut self) -> Self {
        self.offers.completions = true;
        self
    }

    /// Adds a member to `_meta` of every page of `tools/list`, such as what a gateway knows of the servers behind it.
    pub fn tools_meta(mut self, key: impl Into<String>, value: impl Into<RawJson>) -> Self {
        self.tools_meta.insert(key, value);
        self
    }

    /// Adds everything of another catalog.
    pub fn merge(mut self, other: Self) -> Self {
        self.tools.extend(other.tools);
        self.resources.extend(other.resources);
        self.templates.extend(other.templates);
        self.prompts.extend(other.prompts);
        self.offers.completions |= other.offers.completions;
        self.offers.tools |= other.offers.tools;
        self.offers.resources |= other.offers.resources;
        self.offers.prompts |= other.offers.prompts;
        for (key, value) in other.tools_meta.iter() {
            self.tools_meta.insert(key, value.clone());
        }
        self
    }

    /// Checks everything and collects every fault.
    pub(crate) fn compile(self, limits: &Limits, states: &States, page_size: usize) -> Result<Registry, Vec<Fault>> {
        let (registry, faults) = self.compile_working(limits, states, page_size);
        if faults.is_empty() { Ok(registry) } else { Err(faults) }
    }

    /// Checks everything, and leaves out what cannot work.
    pub(crate) fn compile_working(self, limits: &Limits, states: &States, page_size: usize) -> (Registry, Vec<Fault>) {
        let mut faults = Vec::new();
        for (what, name, needs) in self.needs() {
            missing_states(what, name, needs, states, &mut faults);
        }
        let tools = table(self.tools, |tool| tool.compile(limits), |tool| &tool.entity.name, "tool", &mut faults);
        let resources = table(
            self.resources,
            |resource| resource.compile(limits),
            |resource| &resource.entity.uri,
            "resource",
            &mut faults,
        );
        let templates = table(
            self.templates,
            |template| template.compile(limits),
            |template| &template.entity.uri_template,
            "resource template",
            &mut faults,
        );
        let prompts =
            table(self.prompts, |prompt| prompt.compile(limits), |prompt| &prompt.entity.name, "prompt", &mut faults);
        let mut tools = tools;
        tools.alias(|tool| &tool.aliases);
        let tool_list = List::new(tools.iter().map(|tool| tool.entity.clone()).collect(), page_size);
        let registry = Registry {
            tool_list: tool_list.with_meta(&self.tools_meta),
            resource_list: List::new(resources.iter().map(|resource| resource.entity.clone()).collect(), page_size),
            template_list: List::new(templates.iter().map(|template| template.entity.clone()).collect(), page_size),
            prompt_list: List::new(prompts.iter().map(|prompt| prompt.entity.clone()).collect(), page_size),
            offers: self.offers,
            tools,
            resources,
            templates,
            prompts,
        };
        (registry, faults)
    }

    /// Returns whether the calls of a tool are declared to become tasks.
    pub(crate) fn makes_tasks(&self) -> bool {
        self.tools.iter().any(Tool::makes_tasks)
    }

    fn needs(&self) -> impl Iterator<Item = (&'static str, &str, &Needs)> {
        let tools = self.tools.iter().map(|tool| ("tool", tool.name(), tool.needs()));
        let resources = self.resources.iter().map(|resource| ("resource", resource.uri(), resource.needs()));
        let templates = self.templates.iter().map(|template| ("resource template", template.uri(), template.needs()));
        let prompts = self.prompts.iter().map(|prompt| ("prompt", prompt.name(), prompt.needs()));
        tools.chain(resources).chain(templates).chain(prompts)
    }
}

fn missing_states(what: &str, name: &str, needs: &Needs, states: &States, faults: &mut Vec<Fault>) {
    let absent = |wanted: &&(TypeId, &'static str)| !states.contains_key(&wanted.0);
    for (_, state) in needs.states.iter().filter(absent) {
        let why = format!("it takes `State<{state}>`, but the server has none; add `.state(…)`");
        faults.push(Fault::new(format!("{what} `{name}`"), why));
    }
}

fn table<D, E>(
    drafts: Vec<D>,
    compile: impl Fn(D) -> Result<E, Fault>,
    key: fn(&E) -> &String,
    what: &str,
    faults: &mut Vec<Fault>,
) -> Table<E> {
    let mut table = Table { entries: Vec::with_capacity(drafts.len()), places: HashMap::new(), key };
    for draft in drafts {
        let entry = match compile(draft) {
            Ok(entry) => entry,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let name = key(&entry).clone();
        if name.is_empty() {
            faults.push(Fault::new(what, "its name is empty".to_owned()));
        } else if table.places.contains_key(&name) {
            faults.push(Fault::new(format!("{what} `{name}`"), "it is registered twice".to_owned()));
        } else {
            table.places.insert(name, table.entries.len());
            table.entries.push(entry);
        }
    }
    table
}

/// Things in the order of registration, found by name.
pub(crate) struct Table<E> {
    entries: Vec<E>,
    places: HashMap<String, usize>,
    key: fn(&E) -> &String,
}

impl<E> Table<E> {
    pub(crate) fn find(&self, name: &str) -> Option<&E> {
        self.entries.get(*self.places.get(name)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &E> {
        self.entries.iter()
    }

    /// Lets entries be found by other names, too, where these are nobody's own; of equal ones the first wins.
    fn alias(&mut self, aliases: fn(&E) -> &[String]) {
        for (place, entry) in self.entries.iter().enumerate() {
            for alias in aliases(entry) {
                self.places.entry(alias.clone()).or_insert(place);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns *invalid params* for a name that nothing here has, with the one that was perhaps meant (T-87, T-104).
    pub(crate) fn unknown(&self, what: &str, name: &str) -> RpcError {
        let shown = crate::text::shorten(name, 120);
        let known = self.entries.iter().map(|entry| (self.key)(entry).as_str());
        match did_you_mean(name, known) {
            Some(meant) => RpcError::invalid_params(format!("unknown {what} `{shown}`; did you mean `{meant}`?")),
            None => RpcError::invalid_params(format!("unknown {what} `{shown}`")),
        }
    }
}

/// Which lists of one offer are not those of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Differs {
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    pub(crate) tools: bool,
}

/// What a server offers, ready to be listed and called.
pub(crate) struct Registry {
    pub(crate) tools: Table<Arc<ToolEntry>>,
    pub(crate) resources: Table<ResourceEntry>,
    pub(crate) templates: Table<TemplateEntry>,
    pub(crate) prompts: Table<PromptEntry>,
    pub(crate) tool_list: List<ListToolsResult>,
    pub(crate) resource_list: List<ListResourcesResult>,
    pub(crate) template_list: List<ListResourceTemplatesResult>,
    pub(crate) prompt_list: List<ListPromptsResult>,
    offers: Offers,
}

impl Registry {
    /// Returns what of the offer differs from another one.
    pub(crate) fn differs(&self, other: &Self) -> Differs {
        let resources = self.resource_list.digest() != other.resource_list.digest()
            || self.template_list.digest() != other.template_list.digest();
        Differs {
            prompts: self.prompt_list.digest() != other.prompt_list.digest(),
            resources,
            tools: self.tool_list.digest() != other.tool_list.digest(),
        }
    }

    pub(crate) fn has_tools(&self) -> bool {
        self.offers.tools || !self.tools.is_empty()
    }

    pub(crate) fn has_resources(&self) -> bool {
        self.offers.resources || !self.resources.is_empty() || !self.templates.is_empty()
    }

    pub(crate) fn has_prompts(&self) -> bool {
        self.offers.prompts || !self.prompts.is_empty()
    }

    pub(crate) fn completes(&self) -> bool {
        let of_prompts = self.prompts.iter().map(|prompt| &prompt.completers);
        let of_templates = self.templates.iter().map(|template| &template.completers);
        self.offers.completions || of_prompts.chain(of_templates).any(|completers| !completers.is_empty())
    }
}
