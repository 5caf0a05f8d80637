//! Two functions that stand for all tools that are not offered: one finds them, the other calls them.
//!
//! The surprising thing: neither ever reaches a server by itself. A search is answered from the tool set, and a call is
//! read, checked and reported as one of the tool that it names.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;

use mcp_types::{JsonObject, RawJson};

use crate::arguments::{self, Fault, Rejection};
use crate::chat::{Arguments, object_json, text_json};
use crate::names::NameTable;

use super::selection::{scores, words};
use super::{Resolved, ToolSet, called};

/// The names of the two functions.
#[derive(Clone, Debug)]
pub(super) struct Search {
    finder: String,
    caller: String,
}

impl Search {
    /// Chooses names that call nothing else.
    pub(super) fn named_apart(names: &NameTable, reserved: &BTreeSet<String>) -> Self {
        let free = |wanted: &str| {
            let is_free = |name: &String| names.resolve(name).is_none() && !reserved.contains(name);
            let mut others = (2..u32::MAX).map(|number| format!("{wanted}_{number}"));
            Some(wanted.to_owned()).filter(is_free).or_else(|| others.find(is_free)).unwrap_or_default()
        };
        Self { finder: free(FINDER), caller: free(CALLER) }
    }

    pub(super) fn finder(&self) -> &str {
        &self.finder
    }

    pub(super) fn answers_to(&self, name: &str) -> bool {
        name == self.finder || name == self.caller
    }

    /// The functions as the model sees them.
    pub(super) fn functions(&self, set: &ToolSet) -> [JsonObject; 2] {
        let mut servers: Vec<&str> = set.tools.iter().map(|tool| tool.server()).collect();
        servers.sort_unstable();
        servers.dedup();
        let more = servers.len().saturating_sub(SHOWN_SERVERS);
        servers.truncate(SHOWN_SERVERS);
        let mut from = servers.join(", ");
        if more > 0 {
            let _ = write!(from, " and {more} more");
        }
        let found = format!(
            "Finds tools that are not listed here, among {} of {from}. Returns names, descriptions and parameters; call \
             a tool that it finds with `{}`.",
            set.tools.len(),
            self.caller
        );
        let call = format!("Calls a tool that is not listed here, by a name that `{}` found.", self.finder);
        [function(&self.finder, &found, FINDER_PARAMETERS), function(&self.caller, &call, CALLER_PARAMETERS)]
    }

    /// Answers a search, or reads the call of a tool.
    pub(super) fn resolve(&self, set: &ToolSet, name: &str, arguments: &Arguments) -> Resolved {
        let members = arguments::read(arguments).map(|object| object.decode::<JsonObject>().unwrap_or_default());
        let members = match members {
            Ok(members) => members,
            Err(rejection) => return Resolved::Refused(rejection),
        };
        let wanted = if name == self.finder { "query" } else { "name" };
        let Some(Ok(text)) = members.member(wanted).map(RawJson::decode::<String>) else {
            return Resolved::Refused(not_a_text(wanted, members.member(wanted)));
        };
        if name == self.finder {
            return Resolved::Answer(found(set, &text));
        }
        let arguments = match members.member("arguments") {
            Some(value) if !value.is_null() => match value.decode() {
                Ok(text) => Arguments::Text(text),
                Err(_) => Arguments::Json(value.clone()),
            },
            _ => Arguments::Absent,
        };
        match set.resolve(&text) {
            Some(tool) => called(tool, &arguments),
            None => Resolved::Unknown(set.unknown(&text)),
        }
    }
}

fn not_a_text(name: &str, found: Option<&RawJson>) -> Rejection {
    let got = found.map_or_else(|| "nothing".to_owned(), |value| arguments::shortened(value.as_str()));
    Fault::wrong(format!("/{name}"), "a string", got).into()
}

fn function(name: &str, description: &str, parameters: &'static str) -> JsonObject {
    let parameters = RawJson::parse(parameters).expect("the parameters of a function of ours are JSON");
    let members = [
        ("name", text_json(name)),
        ("description", text_json(description)),
        ("parameters", parameters),
        ("strict", serde_json::Value::Bool(false).into()),
    ];
    members.into_iter().collect()
}

/// The tools that fit a query best, as JSON.
fn found(set: &ToolSet, query: &str) -> String {
    let wanted: HashSet<String> = words(query).into_iter().collect();
    let mut ranked: Vec<(u64, usize)> = scores(&set.tools, &wanted).into_iter().zip(0..).collect();
    ranked.retain(|(score, _)| *score > 0);
    ranked.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
    if ranked.is_empty() {
        let names: Vec<&str> = set.tools.iter().take(SHOWN_NAMES).map(|tool| tool.name()).collect();
        let shown = arguments::shortened(query);
        return format!("no tool has a word of `{shown}`; try other words. Some of the tools: {}", names.join(", "));
    }
    let mut shown = Vec::new();
    let mut bytes = 0;
    for tool in ranked.iter().filter_map(|(_, index)| set.tools.get(*index)).take(FOUND_TOOLS) {
        let mut function = tool.function(tool.name());
        function.remove("strict");
        let function = object_json(&function);
        bytes += function.as_str().len();
        if bytes > FOUND_BYTES && !shown.is_empty() {
            break;
        }
        shown.push(function);
    }
    let more = ranked.len().saturating_sub(shown.len());
    let members = [
        ("tools", RawJson::encode(&shown).expect("a list of raw JSON can be encoded")),
        ("more", serde_json::Value::from(more).into()),
    ];
    object_json(&members.into_iter().collect()).as_str().to_owned()
}

/// The names of the functions, unless a tool has them.
const FINDER: &str = "search_tools";
const CALLER: &str = "call_tool";

const FINDER_PARAMETERS: &str = r#"{"type":"object","properties":{"query":{"type":"string","description":"Words that the name, the description or the arguments of the tool may have."}},"required":["query"],"additionalProperties":false}"#;

const CALLER_PARAMETERS: &str = r#"{"type":"object","properties":{"name":{"type":"string","description":"The name of the tool."},"arguments":{"type":"object","description":"Its arguments, as its parameters want them.","properties":{}}},"required":["name"],"additionalProperties":false}"#;

/// Tools that one search finds.
const FOUND_TOOLS: usize = 8;

/// Bytes that one search may give, unless the first tool alone is larger.
const FOUND_BYTES: usize = 32 * 1024;

/// Servers that are named in the description.
const SHOWN_SERVERS: usize = 16;

/// Names that are given when nothing is found.
const SHOWN_NAMES: usize = 40;
