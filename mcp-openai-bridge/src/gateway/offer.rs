//! What the gateway offers at one moment: the tools of its file and those of the servers behind it, and their names.
//!
//! Pure. The surprising thing: whether names begin with a server depends on how many servers the file has, never on how
//! many of them answer, so that no tool changes its name because another server is down.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use mcp_types::{Prompt, RawJson, Resource, ResourceTemplate, Tool};

use crate::arguments::{Checker, Rejection};
use crate::names::{Identity, NameTable, Prefix};
use crate::servers::{Listing, Status};
use crate::similar;

use super::config::{Config, Server};

/// What the gateway offers at one moment. It never changes; another one takes its place.
///
/// # Examples
///
/// ```
/// # async fn example(gateway: mcp_openai_bridge::gateway::Gateway) {
/// let offer = gateway.offer().await;
/// for (name, server, tool) in offer.tools() {
///     println!("{name} is {} of {}", tool.name, server.shown());
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Offer {
    /// The file's own tools first, then the servers in the order of the file.
    pub servers: Vec<Offered>,
    /// What of the servers is not offered because it cannot be, and why; for whoever runs the gateway.
    pub left_out: Vec<String>,
    /// The names of all tools, beside each other as the tools are.
    names: Vec<Named>,
    /// From every name that is understood to its place in `names`.
    lookup: HashMap<String, usize>,
}

/// What one server offers, or the file itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Offered {
    /// The label of the server; [`LOCAL`] for the file's own tools.
    pub label: String,
    /// Whether its tools are there.
    pub status: Status,
    /// What went wrong, for whoever runs the gateway.
    pub error: Option<String>,
    /// Its tools, by the names that it gives them.
    pub tools: Arc<[Tool]>,
    /// What else it has.
    pub more: Arc<More>,
    /// The tools as they were listed, before the file had its say.
    listed: Arc<[Tool]>,
}

/// What a server has besides tools.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct More {
    /// Its prompts.
    pub prompts: Vec<Prompt>,
    /// Its resources.
    pub resources: Vec<Resource>,
    /// Its resource templates.
    pub templates: Vec<ResourceTemplate>,
    /// Whether it completes arguments while they are typed.
    pub completes: bool,
}

#[derive(Debug)]
struct Named {
    server: usize,
    tool: usize,
    name: String,
    /// Other names that lead to this tool and to no other.
    aliases: Vec<String>,
    /// What holds arguments against its schema, made when it is needed for the first time; `None` for a schema that
    /// cannot be read here, which is left to the server.
    checker: OnceLock<Option<Checker>>,
}

impl Offer {
    /// Puts together what there is. `more` says of each server what it has besides tools.
    pub(super) fn new(config: &Config, listing: &Listing, more: &HashMap<String, Arc<More>>) -> Self {
        let own: Arc<[Tool]> = config.tools.iter().map(super::config::Tool::definition).collect();
        let local = Offered {
            label: LOCAL.to_owned(),
            status: Status::Ok,
            error: None,
            listed: Arc::clone(&own),
            tools: own,
            more: Arc::default(),
        };
        let others = listing.outcomes.iter().map(|outcome| Offered {
            label: outcome.label.clone(),
            status: outcome.status,
            error: outcome.error.clone(),
            tools: match config.servers.iter().find(|server| server.label.value == outcome.label) {
                Some(server) if rewrites(server) => outcome.tools.iter().map(|tool| rewritten(server, tool)).collect(),
                _ => Arc::clone(&outcome.tools),
            },
            listed: Arc::clone(&outcome.tools),
            more: more.get(&outcome.label).cloned().unwrap_or_default(),
        });
        let servers: Vec<_> = std::iter::once(local).chain(others).collect();
        let prefix = if listing.outcomes.len() > 1 { Prefix::Always } else { Prefix::Never };
        let names = named(&servers, prefix);
        let mut lookup = HashMap::new();
        for (place, named) in names.iter().enumerate() {
            lookup.entry(named.name.clone()).or_insert(place);
        }
        for (place, named) in names.iter().enumerate() {
            for alias in &named.aliases {
                lookup.entry(alias.clone()).or_insert(place);
            }
        }
        let left_out = (listing.outcomes.iter())
            .flat_map(|outcome| {
                outcome
                    .left_out
                    .iter()
                    .map(|tool| format!("tool `{}` of `{}`: {}", tool.name, outcome.label, tool.reason))
            })
            .collect();
        Self { servers, left_out, names, lookup }
    }

    /// Returns the tools with the names that they are offered by, and their servers.
    pub fn tools(&self) -> impl Iterator<Item = (&str, &Offered, &Tool)> {
        self.named().map(|(named, server, tool)| (named.name.as_str(), server, tool))
    }

    /// Returns the tools as [`tools`](Self::tools) does, with the other names that lead to each.
    pub(super) fn with_aliases(&self) -> impl Iterator<Item = (&str, &[String], &Offered, &Tool)> {
        self.named().map(|(named, server, tool)| (named.name.as_str(), named.aliases.as_slice(), server, tool))
    }

    fn named(&self) -> impl Iterator<Item = (&Named, &Offered, &Tool)> {
        self.names.iter().filter_map(|named| {
            let server = self.servers.get(named.server)?;
            Some((named, server, server.tools.get(named.tool)?))
        })
    }

    /// Returns the tool that a name calls: the name that it is offered by, its own name where no other tool has it, or
    /// `server-tool` and `server__tool`.
    pub fn find(&self, name: &str) -> Option<(&Offered, &Tool)> {
        let named = self.names.get(*self.lookup.get(name)?)?;
        let server = self.servers.get(named.server)?;
        Some((server, server.tools.get(named.tool)?))
    }

    /// Returns a server by what clients call it: its label, or [`LOCAL_NAME`] for the file's own tools.
    pub fn server(&self, name: &str) -> Option<&Offered> {
        let labelled = self.servers.iter().find(|server| !server.label.is_empty() && server.label == name);
        labelled.or_else(|| self.servers.iter().find(|server| server.label == LOCAL && name == LOCAL_NAME))
    }

    /// Holds arguments against the schema of a tool.
    ///
    /// # Errors
    ///
    /// Returns every fault, in words for whoever called.
    pub(super) fn check(&self, server: &Offered, tool: &Tool, arguments: &RawJson) -> Result<(), Rejection> {
        let is_meant =
            |(_, one, other): &(&Named, &Offered, &Tool)| one.label == server.label && other.name == tool.name;
        let Some((named, ..)) = self.named().find(is_meant) else { return Ok(()) };
        let checker = named.checker.get_or_init(|| Checker::compile(&tool.input_schema).ok());
        checker.as_ref().map_or(Ok(()), |checker| checker.check(arguments))
    }

    /// Returns the name that was perhaps meant.
    pub(super) fn did_you_mean(&self, name: &str) -> Option<&str> {
        similar::closest(name, self.names.iter().map(|named| named.name.as_str()))
    }

    /// Returns whether this is still what a listing says.
    pub(super) fn is_of(&self, listing: &Listing) -> bool {
        let others = self.servers.get(1..).unwrap_or_default();
        others.len() == listing.outcomes.len()
            && others.iter().zip(&listing.outcomes).all(|(offered, outcome)| {
                offered.status == outcome.status && Arc::ptr_eq(&offered.listed, &outcome.tools)
            })
    }
}

impl Offered {
    /// Returns what clients call the server.
    pub fn shown(&self) -> &str {
        if self.label == LOCAL { LOCAL_NAME } else { &self.label }
    }

    /// Returns the tool of this name, with or without the server in front.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        let find = |name: &str| self.tools.iter().find(|tool| tool.name == name);
        let bare = |separator| find(name.strip_prefix(self.shown())?.strip_prefix(separator)?);
        find(name).or_else(|| bare("-")).or_else(|| bare("__"))
    }
}

/// Names every tool. Those of the file keep theirs as they were written; what clients are told of others is legal
/// for a model, because many of them hand it on as it is.
fn named(servers: &[Offered], prefix: Prefix) -> Vec<Named> {
    let places: Vec<_> = (servers.iter().enumerate())
        .flat_map(|(server, offered)| (0..offered.tools.len()).map(move |tool| (server, tool)))
        .collect();
    let name_of = |&(server, tool): &(usize, usize)| {
        let offered = servers.get(server)?;
        Some((offered, offered.tools.get(tool)?.name.as_str()))
    };
    let local = |offered: &Offered| offered.label == LOCAL;
    let reserved: BTreeSet<String> = (places.iter().filter_map(name_of))
        .filter(|(offered, _)| local(offered))
        .map(|(_, name)| name.to_owned())
        .collect();
    let foreign: Vec<_> = (places.iter().filter_map(name_of))
        .filter(|(offered, _)| !local(offered))
        .map(|(offered, name)| Identity::new(&offered.label, name))
        .collect();
    let table = NameTable::new(&foreign, prefix, &reserved);
    let mut bare: HashMap<&str, usize> = HashMap::new();
    for (_, name) in places.iter().filter_map(name_of) {
        *bare.entry(name).or_default() += 1;
    }
    let mut next_foreign = 0..foreign.len();
    let mut named: Vec<Named> = places
        .iter()
        .filter_map(|place| {
            let (offered, own) = name_of(place)?;
            let name = match local(offered) {
                true => own.to_owned(),
                false => table.name(next_foreign.next()?)?.to_owned(),
            };
            let spaceless = offered.shown().replace(' ', "_");
            let mut aliases = vec![format!("{spaceless}-{own}"), format!("{spaceless}__{own}")];
            aliases.extend((bare.get(own) == Some(&1)).then(|| own.to_owned()));
            aliases.retain(|alias| *alias != name);
            Some(Named { server: place.0, tool: place.1, name, aliases, checker: OnceLock::new() })
        })
        .collect();
    without_doubt(&mut named);
    named
}

/// Takes away every alias that could mean another tool. Else a server would be given the calls of its neighbour when it
/// calls a tool `neighbour-tool`, or stands before it in the file under a name that begins like the neighbour's.
fn without_doubt(named: &mut [Named]) {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for name in named.iter().flat_map(|named| std::iter::once(&named.name).chain(&named.aliases)) {
        *uses.entry(name.clone()).or_default() += 1;
    }
    for named in named {
        named.aliases.retain(|alias| uses.get(alias) == Some(&1));
    }
}

fn rewrites(server: &Server) -> bool {
    !server.display_names.is_empty() || !server.descriptions.is_empty()
}

/// Puts the texts of the file in the place of those that the server gives.
fn rewritten(server: &Server, tool: &Tool) -> Tool {
    let text =
        |texts: &[(String, String)]| texts.iter().find(|(name, _)| *name == tool.name).map(|(_, text)| text.clone());
    let mut tool = tool.clone();
    tool.title = text(&server.display_names).or(tool.title);
    tool.description = text(&server.descriptions).or(tool.description);
    tool
}

/// The label of the file's own tools.
pub const LOCAL: &str = "";

/// What clients call the place of the file's own tools, unless a server is called so.
pub const LOCAL_NAME: &str = "mcp_tools";
