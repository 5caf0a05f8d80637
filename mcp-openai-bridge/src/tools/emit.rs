//! The functions of a request, in the form of either API.
//!
//! The surprising thing: a namespace has names of its own. Inside it a tool needs no prefix, so its name there is often
//! the one that its server gave.

use std::collections::BTreeSet;

use mcp_types::{JsonObject, RawJson};

use crate::chat::{object_json, text_json};
use crate::names::{Identity, NameTable, Prefix};

use super::{ToolRef, ToolSet};

/// What is said about tools to an API that can take more than the usual. Everything is off by default, because most
/// providers refuse what they do not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Emit {
    output_schema: bool,
    namespaces: bool,
    defer_loading: bool,
    beside: Option<usize>,
}

impl Emit {
    /// Says nothing more than the usual.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what results look like, where the server says it: `output_schema`, in Responses only.
    pub fn output_schema(mut self) -> Self {
        self.output_schema = true;
        self
    }

    /// Puts the tools of each server into a namespace of their own, in Responses only. Calls then carry `namespace`, for
    /// [`ToolSet::resolve_call_in`].
    pub fn namespaces(mut self) -> Self {
        self.namespaces = true;
        self
    }

    /// Lets the provider load the tools only when its own search finds them: `defer_loading`, in Responses only.
    pub fn defer_loading(mut self) -> Self {
        self.defer_loading = true;
        self
    }

    /// Leaves room for `count` functions that the request has beside these. Without it, there is room for the
    /// [reserved](super::Builder::reserve) names.
    pub fn beside(mut self, count: usize) -> Self {
        self.beside = Some(count);
        self
    }
}

impl ToolSet {
    /// Returns the functions for a Chat Completions request.
    pub fn chat(&self) -> Vec<RawJson> {
        self.chat_with(&Emit::new())
    }

    /// Returns the functions for a Chat Completions request, of which only the number is to be chosen.
    pub fn chat_with(&self, emit: &Emit) -> Vec<RawJson> {
        let offered = self.offered_beside(emit.beside.unwrap_or(self.reserved.len()));
        let tools = offered.iter().filter_map(|index| self.tools.get(*index));
        let functions = tools.map(|tool| tool.in_chat.get_or_init(|| in_chat(&tool.function(&tool.name))).clone());
        functions.chain(self.search_functions(offered.len()).map(|function| in_chat(&function))).collect()
    }

    /// Returns the functions for a Responses request.
    ///
    /// There `strict` must be said: when it is absent, OpenAI tries strict mode.
    pub fn responses(&self) -> Vec<RawJson> {
        self.responses_with(&Emit::new())
    }

    /// Returns the functions for a Responses request, with what `emit` wants to be said.
    pub fn responses_with(&self, emit: &Emit) -> Vec<RawJson> {
        let offered = self.offered_beside(emit.beside.unwrap_or(self.reserved.len()));
        let mut tools = Vec::new();
        if emit.namespaces {
            for space in &self.namespaces.spaces {
                let inside = space.members.iter().enumerate().filter(|(_, index)| offered.binary_search(index).is_ok());
                let functions: Vec<RawJson> = inside
                    .filter_map(|(place, index)| Some(flat(self.tools.get(*index)?, space.names.name(place)?, emit)))
                    .collect();
                if !functions.is_empty() {
                    tools.push(space.emit(&functions));
                }
            }
        } else {
            let shown = offered.iter().filter_map(|index| self.tools.get(*index));
            tools.extend(shown.map(|tool| flat(tool, &tool.name, emit)));
        }
        tools.extend(self.search_functions(offered.len()).map(|function| object_json(&typed(&function))));
        if emit.defer_loading && !tools.is_empty() {
            // Without it nothing that is deferred would ever be found.
            tools.push(object_json(&[("type", text_json("tool_search"))].into_iter().collect()));
        }
        tools
    }

    /// The functions that stand for what is not offered.
    fn search_functions(&self, offered: usize) -> impl Iterator<Item = JsonObject> {
        let search = self.search.as_ref().filter(|_| offered < self.tools.len());
        search.into_iter().flat_map(|search| search.functions(self))
    }
}

/// A function of Chat Completions.
fn in_chat(function: &JsonObject) -> RawJson {
    let members = [("type", text_json("function")), ("function", object_json(function))];
    object_json(&members.into_iter().collect())
}

/// A function of Responses.
fn flat(tool: &ToolRef, name: &str, emit: &Emit) -> RawJson {
    let is_usual = name == tool.name && !emit.defer_loading && !(emit.output_schema && tool.output_schema.is_some());
    if is_usual {
        return tool.in_responses.get_or_init(|| object_json(&typed(&tool.function(name)))).clone();
    }
    let mut members = typed(&tool.function(name));
    if let Some(schema) = tool.output_schema.as_ref().filter(|_| emit.output_schema) {
        members.insert("output_schema", schema.clone());
    }
    if emit.defer_loading {
        members.insert("defer_loading", serde_json::Value::Bool(true));
    }
    object_json(&members)
}

fn typed(function: &JsonObject) -> JsonObject {
    let mut members = JsonObject::new();
    members.insert("type", text_json("function"));
    for (name, value) in function.iter() {
        members.insert(name, value.clone());
    }
    members
}

/// A namespace for each server, in the order of their first tools.
#[derive(Clone, Debug, Default)]
pub(super) struct Namespaces {
    spaces: Vec<Namespace>,
}

#[derive(Clone, Debug)]
struct Namespace {
    label: String,
    name: String,
    /// The places of its tools in the set.
    members: Vec<usize>,
    names: NameTable,
}

impl Namespaces {
    pub(super) fn new(tools: &[Identity<'_>]) -> Self {
        let mut labels: Vec<&str> = Vec::new();
        for tool in tools {
            if !labels.contains(&tool.server) {
                labels.push(tool.server);
            }
        }
        let identities: Vec<Identity<'_>> = labels.iter().map(|label| Identity::new("", label)).collect();
        let table = NameTable::new(&identities, Prefix::Never, &BTreeSet::new());
        let spaces = labels.iter().enumerate().map(|(place, label)| {
            let inside = tools.iter().enumerate().filter(|(_, tool)| tool.server == *label);
            let (members, inside): (Vec<usize>, Vec<Identity<'_>>) = inside.map(|(index, tool)| (index, *tool)).unzip();
            Namespace {
                label: (*label).to_owned(),
                name: table.name(place).unwrap_or_default().to_owned(),
                members,
                names: NameTable::new(&inside, Prefix::Never, &BTreeSet::new()),
            }
        });
        Self { spaces: spaces.collect() }
    }

    pub(super) fn resolve(&self, namespace: &str, name: &str) -> Option<usize> {
        let space = self.spaces.iter().find(|space| space.name == namespace)?;
        space.members.get(space.names.resolve(name)?).copied()
    }

    /// Forgets the tools that have no new place.
    pub(super) fn moved(&mut self, places: &[Option<usize>]) {
        for space in &mut self.spaces {
            let mut next = 0..;
            let members = space.members.iter().map(|index| places.get(*index).copied().flatten());
            let members: Vec<Option<usize>> = members.collect();
            let inside: Vec<Option<usize>> = members.iter().map(|member| member.and_then(|_| next.next())).collect();
            space.names.moved(&inside);
            space.members = members.into_iter().flatten().collect();
        }
    }
}

impl Namespace {
    fn emit(&self, functions: &[RawJson]) -> RawJson {
        let members = [
            ("type", text_json("namespace")),
            ("name", text_json(&self.name)),
            ("description", text_json(format!("The tools of {}.", self.label))),
            ("tools", RawJson::encode(functions).expect("a list of raw JSON can be encoded")),
        ];
        object_json(&members.into_iter().collect())
    }
}
