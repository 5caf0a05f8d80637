//! Which tools are offered when there are more than a request can take.
//!
//! Tools are ranked by the words that they share with a text, usually the conversation. A word counts by where the tool
//! has it (its name four times, the names of its arguments twice, its description once) and by how few tools have it.
//! Of equal ones, those that stand earlier in the list of their server come first, so that without any text each server
//! has its share. The surprising thing: nothing is learned and nothing is random. The same tools and the same text give
//! the same functions, which is what prompt caches need.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::json::{Object, Value};

use super::{TOOL_LIMIT, ToolRef};

/// How the tools that are offered are chosen.
///
/// # Examples
///
/// ```
/// use mcp_openai_bridge::tools::{Selection, ToolSet};
/// use mcp_types::{RawJson, Tool};
///
/// let many: Vec<Tool> = (0..200).map(|n| Tool::new(format!("tool_{n}"), RawJson::empty_object())).collect();
/// let tools = ToolSet::builder().server("lab", &many).build();
/// let tools = tools.select(&Selection::new().about("What does tool_173 say?"));
/// assert_eq!(tools.chat().len(), 128);
/// assert!(tools.offered().any(|tool| tool.name() == "tool_173"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Selection {
    limit: usize,
    words: HashSet<String>,
    pinned: BTreeSet<String>,
    search: bool,
}

impl Default for Selection {
    fn default() -> Self {
        Self { limit: TOOL_LIMIT, words: HashSet::new(), pinned: BTreeSet::new(), search: true }
    }
}

impl Selection {
    /// Chooses among all tools alike, up to [`TOOL_LIMIT`] functions in a request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Prefers tools that share words with `text`. Of a long text the end counts.
    pub fn about(mut self, text: &str) -> Self {
        let start = text.len().saturating_sub(TEXT_BYTES);
        let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        self.words.extend(words(text.get(start..).unwrap_or_default()));
        self
    }

    /// Offers these tools before all others. They are known by their function names, or by their names on their servers.
    pub fn pin<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.pinned.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets the most functions of a request, with those of the caller.
    pub fn limit(mut self, functions: usize) -> Self {
        self.limit = functions;
        self
    }

    /// Offers no functions that find and call the other tools.
    pub fn without_search(mut self) -> Self {
        self.search = false;
        self
    }

    pub(super) fn searches(&self) -> bool {
        self.search
    }

    pub(super) fn order(&self, tools: &[Arc<ToolRef>]) -> Order {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let scores = if self.words.is_empty() { vec![0; tools.len()] } else { scores(tools, &self.words) };
        let mut ranked: Vec<_> = tools
            .iter()
            .zip(scores)
            .enumerate()
            .map(|(index, (tool, score))| {
                let place = places.entry(&tool.server).or_default();
                *place += 1;
                let is_pinned = self.pinned.contains(&tool.name) || self.pinned.contains(&tool.tool);
                ((!is_pinned, std::cmp::Reverse(score), *place), index)
            })
            .collect();
        ranked.sort();
        Order { limit: self.limit, ranked: ranked.into_iter().map(|(_, index)| index).collect() }
    }
}

/// Which tools come first; each is known by its place in the set.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    limit: usize,
    ranked: Vec<usize>,
}

impl Order {
    /// Returns the tools that fit beside other functions, in the order of the set.
    pub(super) fn first(&self, beside: usize, search: bool) -> Vec<usize> {
        let room = self.limit.saturating_sub(beside);
        let taken = match self.ranked.len() {
            all if all <= room => all,
            _ if search => room.saturating_sub(SEARCH_FUNCTIONS),
            _ => room,
        };
        let mut first: Vec<usize> = self.ranked.iter().take(taken).copied().collect();
        first.sort_unstable();
        first
    }

    /// Forgets the tools that have no new place.
    pub(super) fn moved(&mut self, places: &[Option<usize>]) {
        self.ranked = self.ranked.iter().filter_map(|index| places.get(*index).copied().flatten()).collect();
    }
}

/// How well each tool fits the words; zero means not at all.
pub(super) fn scores(tools: &[Arc<ToolRef>], wanted: &HashSet<String>) -> Vec<u64> {
    let found: Vec<HashMap<String, u64>> = tools
        .iter()
        .map(|tool| {
            let mut weights = weights(tool);
            weights.retain(|word, _| wanted.contains(word));
            weights
        })
        .collect();
    let mut tools_with: HashMap<&str, usize> = HashMap::new();
    for word in found.iter().flat_map(HashMap::keys) {
        *tools_with.entry(word).or_default() += 1;
    }
    let rarity = |word: &String| {
        let with = tools_with.get(word.as_str()).copied().unwrap_or(1);
        u64::from((found.len() / with).max(1).ilog2()) + 1
    };
    found.iter().map(|weights| weights.iter().map(|(word, weight)| weight * rarity(word)).sum()).collect()
}

/// The words of a tool, each with the weight of the best place it stands in.
fn weights(tool: &ToolRef) -> HashMap<String, u64> {
    let mut weights = HashMap::new();
    let mut add = |text: &str, weight: u64| {
        for word in words(text) {
            let known = weights.entry(word).or_default();
            *known = weight.max(*known);
        }
    };
    add(&tool.tool, 4);
    add(&tool.server, 4);
    let description = tool.description.as_deref().unwrap_or_default();
    let end = (0..=description.len().min(DESCRIPTION_BYTES)).rev().find(|at| description.is_char_boundary(*at));
    add(end.and_then(|end| description.get(..end)).unwrap_or_default(), 1);
    if let Ok(Value::Object(schema)) = Value::parse(tool.parameters.as_str()) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, _) in properties.into_iter().flat_map(Object::iter) {
            add(name, 2);
        }
    }
    weights
}

/// The words of a text in lower case, without an `s` at their end; `camelCase` is two words. In scripts that do not put
/// spaces between words each character is one.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_small = false;
    for c in text.chars() {
        let is_own_word = c >= FIRST_IDEOGRAPH && c.is_alphanumeric();
        if !c.is_alphanumeric() || is_own_word || (c.is_uppercase() && was_small) {
            words.push(std::mem::take(&mut word));
        }
        if is_own_word {
            words.push(c.to_string());
        } else if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase();
    }
    words.push(word);
    for word in &mut words {
        if word.len() > 3 && word.ends_with('s') {
            word.pop();
        }
    }
    words.retain(|word| !word.is_empty() && !COMMON.contains(&word.as_str()));
    words
}

/// Functions that stand for the tools that are not offered.
const SEARCH_FUNCTIONS: usize = 2;

/// Bytes of a conversation that are looked at.
const TEXT_BYTES: usize = 32 * 1024;

/// Bytes of a description that are looked at.
const DESCRIPTION_BYTES: usize = 4 * 1024;

/// Where the scripts of East Asia begin.
const FIRST_IDEOGRAPH: char = '\u{2e80}';

/// Words that say nothing about a tool.
const COMMON: [&str; 32] = [
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "for", "from", "has", "have", "i", "if", "in", "is",
    "it", "me", "my", "not", "of", "on", "or", "that", "the", "thi", "to", "tool", "with", "you",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_every_way_of_writing_names() {
        let check = |text: &str, expected: &[&str]| assert_eq!(words(text), expected, "{text}");
        check("getWeather", &["get", "weather"]);
        check("GET_weather-forecasts/v1", &["get", "weather", "forecast", "v1"]);
        check("Is it the weather?", &["weather"]);
        check("天気 now", &["天", "気", "now"]);
        check("Größe", &["größe"]);
        check("", &[]);
    }
}
