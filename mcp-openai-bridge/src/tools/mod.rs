//! Tool sets: the tools of MCP servers as functions of a model, and the way back from a function to its tool.
//!
//! The surprising thing: a tool that cannot be made legal is missing from the functions and present in the report. One
//! illegal function would make the provider refuse the whole request, and so would one function too many: of a larger
//! set the most fitting are offered, and the others are found and called through two functions of ours.

mod builder;
mod emit;
mod lint;
mod report;
mod search;
mod selection;
mod tool;

use std::collections::BTreeSet;
use std::sync::Arc;

use mcp_types::RawJson;

use crate::arguments::{self, Rejection};
use crate::chat::Arguments;
use crate::names::NameTable;
use crate::similar::closest;

pub use builder::{Builder, Profile, Strict};
pub use emit::Emit;
pub use lint::{Finding, Renamed, Verdict};
pub use report::{Quarantined, Report};
pub use selection::Selection;
pub use tool::ToolRef;

use emit::Namespaces;
use search::Search;
use selection::Order;

/// The most functions that OpenAI takes in one request.
pub const TOOL_LIMIT: usize = 128;

/// A set of tools, named and converted.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::tools::ToolSet;
/// use mcp_types::{RawJson, Tool};
///
/// let tool = Tool::new("get.weather", RawJson::parse(r#"{"type":"object"}"#)?);
/// let tools = ToolSet::builder().server("lab", &[tool]).build();
/// let name = tools.iter().next().ok_or("no tool")?.name();
/// assert!(name.starts_with("get_weather_"));
/// assert_eq!(tools.resolve(name).map(|tool| tool.tool()), Some("get.weather"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ToolSet {
    tools: Vec<Arc<ToolRef>>,
    names: NameTable,
    namespaces: Namespaces,
    quarantined: Vec<Quarantined>,
    /// Which tools are offered first.
    order: Order,
    /// Whether somebody chose that.
    is_chosen: bool,
    /// How the model reaches the others; `None` when it shall not.
    search: Option<Search>,
    /// Functions that the caller is known to have beside these.
    reserved: BTreeSet<String>,
}

/// What a call of a function means.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Resolved {
    /// It is answered already, with a text for the model: it was a search for tools.
    Answer(String),
    /// The arguments were not accepted. Nothing is to be run, and the model is told why.
    Refused(Rejection),
    /// It calls a tool.
    Tool {
        /// The tool.
        tool: Arc<ToolRef>,
        /// The arguments for the server, read and checked.
        arguments: RawJson,
    },
    /// It calls nothing; the text tells the model what there is.
    Unknown(String),
}

impl ToolSet {
    /// Starts a tool set.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the tool that a function name calls.
    ///
    /// LiteLLM's `server-tool` is understood, too: conversations and approvals that were kept from it have that form.
    pub fn resolve(&self, name: &str) -> Option<&Arc<ToolRef>> {
        self.tools.get(self.names.resolve(name)?)
    }

    /// Returns the tool that a function name calls in a namespace, as [`Emit::namespaces`] offers it.
    pub fn resolve_in(&self, namespace: &str, name: &str) -> Option<&Arc<ToolRef>> {
        self.tools.get(self.namespaces.resolve(namespace, name)?)
    }

    /// Reads a call of the function `name`: finds its tool, reads the arguments and checks them.
    ///
    /// The functions that stand for tools that are not offered are understood, too: a search is answered, and a call
    /// through them is one of the tool that it names. Names of the caller's own functions are for the caller to look at
    /// first.
    pub fn resolve_call(&self, name: &str, arguments: &Arguments) -> Resolved {
        match (self.resolve(name), &self.search) {
            (Some(tool), _) => called(tool, arguments),
            (None, Some(search)) if search.answers_to(name) => search.resolve(self, name, arguments),
            (None, _) => Resolved::Unknown(self.unknown(name)),
        }
    }

    /// Reads a call as [`resolve_call`](Self::resolve_call) does, of a function in a namespace.
    pub fn resolve_call_in(&self, namespace: &str, name: &str, arguments: &Arguments) -> Resolved {
        match self.resolve_in(namespace, name) {
            Some(tool) => called(tool, arguments),
            // A provider that knows no namespaces may still repeat the member.
            None => self.resolve_call(name, arguments),
        }
    }

    /// Returns all tools in the order they were added, also those that are not [offered](Self::offered).
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ToolRef>> {
        self.tools.iter()
    }

    /// Returns the number of tools.
    pub fn len(&self) -> usize {
        self.tools.len()
    }

    /// Returns whether there are no tools.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// Returns the tools that are offered as functions: all of them, unless they are too many for one request.
    pub fn offered(&self) -> impl Iterator<Item = &Arc<ToolRef>> {
        self.offered_beside(self.reserved.len()).into_iter().filter_map(|index| self.tools.get(index))
    }

    /// Returns the set with the tools that are to be offered first chosen anew.
    ///
    /// Nothing is lost: tools that are not offered are in the [report](Self::report), and can be called by their names.
    #[must_use]
    pub fn select(&self, selection: &Selection) -> Self {
        let mut set = self.clone();
        set.order = selection.order(&set.tools);
        set.is_chosen = true;
        set.search = selection.searches().then(|| Search::named_apart(&set.names, &set.reserved));
        set
    }

    /// Returns whether somebody chose which tools are offered first.
    pub(crate) fn is_chosen(&self) -> bool {
        self.is_chosen
    }

    /// Returns the set with only the tools that `keep` wants. Their names stay; the others cannot be called.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&ToolRef) -> bool) -> Self {
        let mut next = 0..;
        let places: Vec<Option<usize>> =
            self.tools.iter().map(|tool| if keep(tool) { next.next() } else { None }).collect();
        let mut set = self.clone();
        let mut kept = places.iter();
        set.tools.retain(|_| kept.next().is_some_and(Option::is_some));
        set.names.moved(&places);
        set.namespaces.moved(&places);
        set.order.moved(&places);
        set
    }

    /// Returns what was changed, what is held back and why.
    pub fn report(&self) -> Report<'_> {
        Report::new(self)
    }

    /// Says to the model that `name` calls nothing, and what it may have meant.
    pub fn unknown(&self, name: &str) -> String {
        let shown_name = arguments::shortened(name);
        if let Some(held) = self.quarantined.iter().find(|held| held.tool == name) {
            return format!("the tool `{shown_name}` cannot be called and nothing was run: {}", held.reason);
        }
        let names = || self.tools.iter().map(|tool| tool.name());
        let shown: Vec<String> = self.offered().take(SHOWN_NAMES).map(|tool| format!("`{}`", tool.name())).collect();
        let more = self.tools.len().saturating_sub(shown.len());
        let meant = self.tools.iter().find(|tool| tool.tool() == name).map(|tool| tool.name());
        let meant = meant.or_else(|| closest(name, names()));
        let hint = meant.map(|meant| format!(" Did you mean `{meant}`?")).unwrap_or_default();
        let available = match (shown.is_empty(), more) {
            (true, _) => " There are no tools.".to_owned(),
            (_, 0) => format!(" Available tools: {}.", shown.join(", ")),
            (_, more) => format!(" Available tools: {} and {more} more.", shown.join(", ")),
        };
        format!("there is no tool `{shown_name}` and nothing was run.{hint}{available}")
    }

    /// The places of the tools that fit into a request with `beside` functions of others, in the order of the set.
    fn offered_beside(&self, beside: usize) -> Vec<usize> {
        self.order.first(beside, self.search.is_some())
    }
}

fn called(tool: &Arc<ToolRef>, arguments: &Arguments) -> Resolved {
    match tool.arguments(arguments) {
        Ok(arguments) => Resolved::Tool { tool: Arc::clone(tool), arguments },
        Err(rejection) => Resolved::Refused(rejection),
    }
}

/// Names that are listed to the model when it calls one that does not exist.
const SHOWN_NAMES: usize = 40;

#[cfg(test)]
mod tests;
