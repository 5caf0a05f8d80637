//! How a [`ToolSet`] is made: tools go in server by server, and everything is named and converted at the end.
//!
//! The surprising thing: a server without tools counts, too. Names have prefixes as soon as there are two servers, so
//! that they do not change when one of them loses its last tool.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, OnceLock};

use mcp_types::{RawJson, Tool};

use crate::names::{Identity, NameTable, Prefix};
use crate::schema::{self, Parameters, Quarantine};

use super::emit::Namespaces;
use super::search::Search;
use super::{Quarantined, Selection, ToolRef, ToolSet};

/// How tools are converted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// So that every provider accepts them.
    #[default]
    Legal,
    /// As LiteLLM 1.109 does (field/bridges 1.2 and 7), for tests that compare with it, and for whoever replaces it and
    /// has function names or schemas written down somewhere.
    ///
    /// Its faults are part of it: names are not touched, so that a provider may refuse them. A schema that does not say
    /// whether it is open is closed, so that no argument can be given to a tool with a free form. All tools are offered,
    /// however many. Arguments are still checked against the server's own schema.
    LiteLlm,
}

/// Whether the model is held to the parameters of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strict {
    /// Where strict mode can say exactly what the schema says; [`ToolRef::obstacle`] has the reason where it cannot.
    ///
    /// There a member that may be left out is one that may be `null`, and such a `null` is taken away before the call.
    Auto,
    /// Nowhere.
    #[default]
    Off,
}

/// Makes a [`ToolSet`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Builder {
    tools: Vec<(String, Tool)>,
    labels: BTreeSet<String>,
    prefix: Prefix,
    profile: Profile,
    strict: Strict,
    limits: schema::Limits,
    reserved: BTreeSet<String>,
    selection: Option<Selection>,
}

impl Builder {
    /// Adds the tools of a server. `label` is what the server is called here; it stands in front of names.
    pub fn server(mut self, label: impl Into<String>, tools: &[Tool]) -> Self {
        let label = label.into();
        self.tools.extend(tools.iter().map(|tool| (label.clone(), tool.clone())));
        self.labels.insert(label);
        self
    }

    /// Chooses whether names begin with the label of their server.
    pub fn prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// Chooses how tools are converted.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Chooses whether models are held to the parameters of tools. [`Profile::LiteLlm`] never does that.
    pub fn strict(mut self, strict: Strict) -> Self {
        self.strict = strict;
        self
    }

    /// Sets the bounds on schemas.
    pub fn limits(mut self, limits: schema::Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps names free for functions that the caller has himself, and room for them in the request.
    pub fn reserve<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.reserved.extend(names.into_iter().map(Into::into));
        self
    }

    /// Chooses which tools are offered when there are more than a request can take; [`ToolSet::select`] does so later,
    /// when more is known about the conversation.
    pub fn selection(mut self, selection: Selection) -> Self {
        self.selection = Some(selection);
        self
    }

    /// Names and converts the tools.
    #[must_use]
    pub fn build(mut self) -> ToolSet {
        let mut quarantined = Vec::new();
        let mut offered = Vec::new();
        let mut seen = HashSet::new();
        for (server, tool) in std::mem::take(&mut self.tools) {
            let is_new = seen.insert((server.clone(), tool.name.clone()));
            match if is_new { self.convert(&tool) } else { Err(Quarantine::DuplicateTool) } {
                Ok(parameters) => offered.push((server, tool, parameters)),
                Err(reason) => quarantined.push(Quarantined { server, tool: tool.name, reason }),
            }
        }
        let identities: Vec<_> = offered.iter().map(|(server, tool, _)| Identity::new(server, &tool.name)).collect();
        // A server whose tools are all held back, or that has none now, does not change the names of the others.
        let prefix = match self.prefix {
            Prefix::Auto if self.labels.len() > 1 => Prefix::Always,
            prefix => prefix,
        };
        let names = match self.profile {
            Profile::Legal => NameTable::new(&identities, prefix, &self.reserved),
            Profile::LiteLlm => NameTable::verbatim(&identities),
        };
        let namespaces = Namespaces::new(&identities);
        let named = offered.into_iter().enumerate().map(|(index, (server, tool, parameters))| {
            let name = names.name(index).unwrap_or_default().to_owned();
            Arc::new(self.tool(name, server, tool, parameters))
        });
        let tools: Vec<Arc<ToolRef>> = named.collect();
        let is_chosen = self.selection.is_some() || self.profile == Profile::LiteLlm;
        let selection = self.selection.clone().unwrap_or_else(|| match self.profile {
            Profile::Legal => Selection::new(),
            // It offers what there is, and the provider refuses it.
            Profile::LiteLlm => Selection::new().limit(usize::MAX).without_search(),
        });
        let order = selection.order(&tools);
        let search = selection.searches().then(|| Search::named_apart(&names, &self.reserved));
        ToolSet { order, is_chosen, tools, names, namespaces, quarantined, search, reserved: self.reserved }
    }

    fn convert(&self, tool: &Tool) -> Result<Parameters, Quarantine> {
        match self.profile {
            Profile::Legal => schema::convert(&tool.input_schema, &self.limits),
            Profile::LiteLlm => schema::convert_like_litellm(&tool.input_schema, &self.limits),
        }
    }

    fn tool(&self, name: String, server: String, tool: Tool, parameters: Parameters) -> ToolRef {
        let description = match self.profile {
            Profile::Legal => tool.description.or(tool.title).filter(|text| !text.is_empty()),
            Profile::LiteLlm => Some(tool.description.unwrap_or_default()),
        };
        let strict = match (self.strict, self.profile) {
            (Strict::Auto, Profile::Legal) => Some(schema::strict(&parameters)),
            _ => None,
        };
        ToolRef {
            name,
            description,
            server,
            tool: tool.name,
            annotations: tool.annotations,
            #[cfg(feature = "validate")]
            is_wider: self.profile == Profile::Legal && !parameters.merges_alternatives(),
            parameters: parameters.schema,
            input_schema: tool.input_schema,
            output_schema: tool.output_schema.and_then(|schema| self.output_schema(&schema)),
            rewrites: parameters.rewrites,
            strict,
            in_chat: OnceLock::new(),
            in_responses: OnceLock::new(),
            #[cfg(feature = "validate")]
            checker: OnceLock::new(),
        }
    }

    /// What can be said about the results: only what is true of every result that the server's schema allows.
    fn output_schema(&self, schema: &RawJson) -> Option<RawJson> {
        let converted = schema::convert(schema, &self.limits).ok()?;
        (!converted.merges_alternatives()).then_some(converted.schema)
    }
}
