//! Typed values out of the tree, with everything that is wrong noted on the way.
//!
//! Nothing here stops at the first fault. The surprising thing: `os.environ/NAME` is replaced when a value is read, and
//! not before, so that a variable which only an ignored section wants may be missing.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use mcp_client::Secret;
use mcp_types::RawJson;

use super::place::{ConfigError, Located, Place, Remark, Warning};
use super::yaml::{Key, Kind, Node};
use crate::similar::closest;

/// Reads one file.
pub(super) struct Reader<'e> {
    pub(super) file: &'e Path,
    env: &'e dyn Fn(&str) -> Option<String>,
    /// What the file says about variables itself; it goes before the environment.
    own_env: RefCell<Vec<(String, String)>>,
    faults: RefCell<Vec<Remark>>,
    warnings: RefCell<Vec<Warning>>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(file: &'e Path, env: &'e dyn Fn(&str) -> Option<String>) -> Self {
        Self { file, env, own_env: RefCell::default(), faults: RefCell::default(), warnings: RefCell::default() }
    }

    pub(super) fn fault(&self, place: impl Into<Option<Place>>, text: impl Into<String>) {
        self.faults.borrow_mut().push(Remark::new(self.file, place.into(), text.into()));
    }

    pub(super) fn warn(&self, place: Place, text: impl Into<String>) {
        self.warnings.borrow_mut().push(Warning::new(self.file, place, text.into()));
    }

    /// Returns the warnings, or the faults if there are any.
    pub(super) fn finish(self) -> Result<Vec<Warning>, ConfigError> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(Remark::place);
        let mut warnings = self.warnings.into_inner();
        warnings.sort_by_key(Warning::place);
        if faults.is_empty() { Ok(warnings) } else { Err(ConfigError::new(faults)) }
    }

    /// Sets a variable for what is read after it.
    pub(super) fn set_variable(&self, name: String, value: String) {
        self.own_env.borrow_mut().push((name, value));
    }

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let own = self.own_env.borrow().iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        own.or_else(|| (self.env)(name)).filter(|value| !value.is_empty())
    }

    /// Replaces `os.environ/NAME`.
    fn resolved<'a>(&self, text: &'a str, place: Place) -> Option<Cow<'a, str>> {
        let Some(name) = text.trim().strip_prefix(ENVIRON) else { return Some(Cow::Borrowed(text)) };
        let value = self.variable(name);
        if value.is_none() {
            self.fault(place, format!("the environment variable `{name}` is not set; set it, or take this line out"));
        }
        value.map(Cow::Owned)
    }

    fn expected(&self, node: &Node, path: &str, expected: &str) {
        let hint = match node.kind {
            Kind::Bool(_) | Kind::Number(_) if expected == "a text" => "; put it in quotes",
            _ => "",
        };
        self.fault(node.place, format!("`{path}`: expected {expected}, got {}{hint}", node.described()));
    }

    pub(super) fn text(&self, node: &Node, path: &str) -> Option<Located<String>> {
        let Kind::Text(text) = &node.kind else {
            self.expected(node, path, "a text");
            return None;
        };
        let text = self.resolved(text, node.place)?;
        Some(Located::new(text.into_owned(), node.place))
    }

    /// Reads a text that may not be empty.
    pub(super) fn name(&self, node: &Node, path: &str) -> Option<Located<String>> {
        let text = self.text(node, path)?;
        if text.value.trim().is_empty() {
            self.fault(node.place, format!("`{path}` is empty"));
            return None;
        }
        Some(text)
    }

    pub(super) fn secret(&self, node: &Node, path: &str) -> Option<Secret> {
        self.name(node, path).map(|text| Secret::from(text.value))
    }

    /// Reads one of a few words, and says which was probably meant.
    pub(super) fn word(&self, node: &Node, path: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(node, path)?;
        let found = words.iter().find(|word| **word == text.value).copied();
        if found.is_none() {
            // A value of the environment is not shown.
            let is_own = matches!(&node.kind, Kind::Text(own) if *own == text.value);
            let got = if is_own { format!(", got `{}`", shortened(&text.value)) } else { String::new() };
            let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            self.fault(node.place, format!("`{path}`: expected one of {list}{got}{}", meant(&text.value, words)));
        }
        found
    }

    pub(super) fn flag(&self, node: &Node, path: &str) -> Option<bool> {
        let value = match &node.kind {
            Kind::Bool(value) => Some(*value),
            // The words of YAML 1.1, and what the environment says.
            Kind::Text(text) => match self.resolved(text, node.place)?.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Some(true),
                "false" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if value.is_none() {
            self.expected(node, path, "`true` or `false`");
        }
        value
    }

    /// Reads a number that is not below zero.
    pub(super) fn number(&self, node: &Node, path: &str) -> Option<f64> {
        let number = match &node.kind {
            Kind::Number(text) => text.parse::<f64>().ok(),
            Kind::Text(text) if text.starts_with(ENVIRON) => self.resolved(text, node.place)?.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        if number.is_none() {
            match &node.kind {
                Kind::Number(text) => self.fault(node.place, format!("`{path}`: {text} is not allowed here")),
                _ => self.expected(node, path, "a number"),
            }
        }
        number
    }

    pub(super) fn count(&self, node: &Node, path: &str) -> Option<usize> {
        let number = self.number(node, path)?;
        let count = (number.fract() == 0.0 && number <= f64::from(u32::MAX)).then_some(number as usize);
        if count.is_none() {
            self.fault(node.place, format!("`{path}`: expected a whole number"));
        }
        count
    }

    /// Reads a time in seconds, which is more than none and less than a year.
    pub(super) fn seconds(&self, node: &Node, path: &str) -> Option<Duration> {
        let seconds = self.number(node, path)?;
        let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero() && *time < YEAR);
        if time.is_none() {
            self.fault(node.place, format!("`{path}`: expected a number of seconds above zero"));
        }
        time
    }

    /// Reads an `http://` or `https://` URL without credentials.
    pub(super) fn url(&self, node: &Node, path: &str) -> Option<Located<String>> {
        let text = self.name(node, path)?;
        let uri = text.value.trim().parse::<http::Uri>().ok();
        let authority = uri.as_ref().and_then(http::Uri::authority);
        let is_web = matches!(uri.as_ref().and_then(http::Uri::scheme_str), Some("http" | "https"));
        match authority {
            Some(authority) if authority.as_str().contains('@') => {
                self.fault(
                    node.place,
                    format!("`{path}`: the URL has credentials in it; send them in a header instead"),
                );
                None
            }
            Some(_) if is_web => Some(Located::new(text.value.trim().to_owned(), node.place)),
            _ => {
                self.fault(node.place, format!("`{path}`: expected a URL that begins with http:// or https://"));
                None
            }
        }
    }

    /// Reads a list; what is wrong in it is noted and left out.
    pub(super) fn list<T>(&self, node: &Node, path: &str, read: impl Fn(&Node, &str) -> Option<T>) -> Vec<T> {
        match &node.kind {
            Kind::List(items) => {
                let read = |(index, item)| read(item, &format!("{path}[{index}]"));
                items.iter().enumerate().filter_map(read).collect()
            }
            Kind::Null => Vec::new(),
            _ => {
                self.expected(node, path, "a list");
                Vec::new()
            }
        }
    }

    pub(super) fn texts(&self, node: &Node, path: &str) -> Vec<String> {
        self.list(node, path, |item, path| self.text(item, path).map(|text| text.value))
    }

    /// Reads a map; what is wrong in it is noted and left out.
    pub(super) fn map<T>(
        &self,
        node: &Node,
        path: &str,
        read: impl Fn(&Node, &str) -> Option<T>,
    ) -> Vec<(Located<String>, T)> {
        match &node.kind {
            Kind::Map(entries) => {
                let read = |(key, value): &(Key, Node)| {
                    let value = read(value, &format!("{path}.{}", shortened(&key.name)))?;
                    Some((Located::new(key.name.clone(), key.place), value))
                };
                entries.iter().filter_map(read).collect()
            }
            Kind::Null => Vec::new(),
            _ => {
                self.expected(node, path, "a map");
                Vec::new()
            }
        }
    }

    /// Reads any value as JSON, with the variables in it replaced.
    pub(super) fn json(&self, node: &Node, path: &str) -> Option<RawJson> {
        let value = self.with_variables(node)?.kind.json();
        let json = RawJson::parse(value.to_string());
        json.map_err(|error| self.fault(node.place, format!("`{path}` cannot be JSON: {error}"))).ok()
    }

    fn with_variables(&self, node: &Node) -> Option<Node> {
        let kind = match &node.kind {
            Kind::Text(text) => Kind::Text(self.resolved(text, node.place)?.into_owned()),
            Kind::List(items) => {
                // All of them are read before one that is missing ends it, so that each is reported.
                let items: Vec<_> = items.iter().map(|item| self.with_variables(item)).collect();
                Kind::List(items.into_iter().collect::<Option<_>>()?)
            }
            Kind::Map(entries) => {
                let replace = |(key, value): &(Key, Node)| Some((key.clone(), self.with_variables(value)?));
                let entries: Vec<_> = entries.iter().map(replace).collect();
                Kind::Map(entries.into_iter().collect::<Option<_>>()?)
            }
            other => other.clone(),
        };
        Some(Node { place: node.place, kind })
    }

    /// Begins to read a map whose keys are known.
    pub(super) fn members<'a>(&'a self, node: &'a Node, path: &str) -> Option<Members<'a>> {
        match &node.kind {
            Kind::Map(entries) => Some(Members {
                reader: self,
                path: path.to_owned(),
                place: node.place,
                entries,
                known: RefCell::default(),
            }),
            _ => {
                let what = if path.is_empty() { "the file" } else { path };
                self.expected(node, what, "a map");
                None
            }
        }
    }
}

/// A map whose keys are known; what was not asked for in the end is warned of.
pub(super) struct Members<'a> {
    reader: &'a Reader<'a>,
    pub(super) path: String,
    pub(super) place: Place,
    entries: &'a [(Key, Node)],
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Members<'a> {
    /// Returns the value of a key. One without a value counts as absent, as a line that was begun and not finished.
    pub(super) fn take(&self, key: &'static str) -> Option<&'a Node> {
        self.known.borrow_mut().push(key);
        let found = self.entries.iter().find(|(name, _)| name.name == key);
        found.map(|(_, node)| node).filter(|node| !matches!(node.kind, Kind::Null))
    }

    /// Returns the value of a key and its path.
    pub(super) fn at(&self, key: &'static str) -> Option<(&'a Node, String)> {
        self.take(key).map(|node| (node, self.path_of(key)))
    }

    /// Returns the value of a key that must be there.
    pub(super) fn required(&self, key: &'static str, all: &[&str]) -> Option<(&'a Node, String)> {
        let found = self.at(key);
        if found.is_none() {
            let what = if self.path.is_empty() { "the file" } else { &self.path };
            let unknown = self.entries.iter().map(|(name, _)| name.name.as_str()).filter(|name| !all.contains(name));
            let hint = match closest(key, unknown) {
                Some(sent) => format!("; is it what you wrote as `{}`?", shortened(sent)),
                None => String::new(),
            };
            self.reader.fault(self.place, format!("`{what}` has no `{key}`{hint}"));
        }
        found
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Returns the entries that were not asked for.
    pub(super) fn rest(&self) -> impl Iterator<Item = &'a (Key, Node)> {
        let known = self.known.borrow().clone();
        self.entries.iter().filter(move |(key, _)| !known.contains(&key.name.as_str()))
    }

    /// Warns of the keys that were not asked for: those of `unsupported` mean something elsewhere, the rest nothing.
    pub(super) fn finish(self, unsupported: &[&'static str]) {
        for (key, _) in self.rest() {
            let path = self.path_of(&shortened(&key.name));
            let known = self.known.borrow();
            let text = if unsupported.contains(&key.name.as_str()) {
                format!("`{path}` is not supported and has no effect")
            } else {
                let hint = meant(&key.name, known.iter().chain(unsupported));
                format!("`{path}` is unknown and has no effect{hint}")
            };
            self.reader.warn(key.place, text);
        }
    }
}

/// The end of a sentence that says what was probably meant.
pub(super) fn meant<'a>(name: &str, names: impl IntoIterator<Item = &'a &'static str>) -> String {
    match closest(name, names.into_iter().copied()) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => String::new(),
    }
}

/// The beginning of a text of the file, on one line.
pub(super) fn shortened(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    crate::arguments::shortened(&line)
}

/// How LiteLLM's files name a variable.
const ENVIRON: &str = "os.environ/";

const YEAR: Duration = Duration::from_secs(365 * 86_400);
