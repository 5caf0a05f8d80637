//! `handler`: what runs when a tool of the file is called.
//!
//! LiteLLM knows one kind, the path of a Python function. The surprising thing: the kinds are data here, and only
//! [`handler`](crate::gateway::handler) makes something of them that can be called.

use std::fmt;
use std::path::Path;

use mcp_client::{Command, Tls};

use super::files;
use super::place::Located;
use super::reader::{Reader, shortened};
use super::yaml::{Kind, Node};
use crate::similar::closest;

/// What runs when a tool is called.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HandlerSpec {
    /// A tool that is built in, by its name.
    Builtin(String),
    /// A program, started for each call: arguments on its standard input, the result on its standard output.
    Command(Box<Command>),
    /// A function that the program around the gateway has registered, by its name.
    Function(String),
    /// An HTTP request.
    Http(Box<HttpSpec>),
    /// A Python function: its module as seen from the folder of the file, and its name in there.
    Python {
        /// The module, such as `tools.weather`.
        module: String,
        /// The function.
        function: String,
    },
}

/// An HTTP request that a tool stands for.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpSpec {
    /// The URL without the arguments.
    pub url: String,
    /// The method.
    pub method: http::Method,
    /// What is sent with every request; all of it counts as secret.
    pub headers: http::HeaderMap,
    /// Whether the arguments are the query, and not a JSON body.
    pub in_query: bool,
    /// How the certificate is checked.
    pub tls: Tls,
}

impl fmt::Debug for HttpSpec {
    /// Leaves out the URL, whose query may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSpec").field("method", &self.method).field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// Reads `handler`.
pub(super) fn spec(reader: &Reader<'_>, node: &Node, path: &str, folder: &Path) -> Option<HandlerSpec> {
    match &node.kind {
        Kind::Text(_) => python(reader, node, path, folder),
        Kind::Map(entries) => {
            let kinds = entries.iter().filter(|(key, _)| KINDS.contains(&key.name.as_str())).count();
            if kinds > 1 {
                reader.fault(node.place, format!("`{path}` is of several kinds; keep one of {}", listed()));
                return None;
            }
            object(reader, node, path, folder)
        }
        _ => {
            let got = node.described();
            reader.fault(node.place, format!("`{path}`: expected `module.function` or a map, got {got}"));
            None
        }
    }
}

fn object(reader: &Reader<'_>, node: &Node, path: &str, folder: &Path) -> Option<HandlerSpec> {
    let entry = reader.members(node, path)?;
    let name = |key| entry.at(key).map(|(node, path)| reader.name(node, &path));
    // All keys are asked for, so that the known ones are the same whatever the kind.
    let (builtin, function) = (name("builtin"), name("function"));
    let function_path = entry.at("python").map(|(node, path)| python(reader, node, &path, folder));
    let http = entry.at("http").map(|(node, path)| http(reader, node, &path, folder));
    let command = entry.at("command").map(|(node, path)| (node, command(reader, node, &path, folder)));
    let env = entry.at("env");
    let directory = entry.at("cwd");
    if let (None, Some((node, path))) = (&command, env.as_ref().or(directory.as_ref())) {
        reader.fault(node.place, format!("`{path}` belongs to a `command`, and there is none"));
    }
    let found = match (builtin, function, function_path, http, command) {
        (Some(name), ..) => name.map(|name| HandlerSpec::Builtin(name.value)),
        (_, Some(name), ..) => name.map(|name| HandlerSpec::Function(name.value)),
        (_, _, Some(path), ..) => path,
        (_, _, _, Some(http), _) => http.map(|http| HandlerSpec::Http(Box::new(http))),
        (.., Some((_, command))) => {
            let env = env.map(|(node, path)| reader.map(node, &path, |node, path| reader.text(node, path)));
            let directory = directory.map(|(node, path)| reader.name(node, &path));
            let directory = match directory {
                Some(directory) => folder.join(directory?.value),
                None => folder.to_owned(),
            };
            command.map(|command| {
                let set = |command: Command, (name, value): (Located<String>, Located<String>)| {
                    command.env(name.value, value.value)
                };
                let command = env.unwrap_or_default().into_iter().fold(command, set);
                HandlerSpec::Command(Box::new(command.current_dir(directory)))
            })
        }
        _ => {
            let unknown = entry.rest().map(|(key, _)| key.name.as_str());
            let near = unknown.filter_map(|key| Some((closest(key, KINDS.iter().copied())?, key))).next();
            let hint = near.map(|(kind, key)| format!("; is `{kind}` what you wrote as `{}`?", shortened(key)));
            let text = format!("`{path}` says nothing that runs; give one of {}", listed());
            reader.fault(node.place, text + &hint.unwrap_or_default());
            None
        }
    };
    entry.finish(&[]);
    found
}

/// Reads `module.function`.
fn python(reader: &Reader<'_>, node: &Node, path: &str, folder: &Path) -> Option<HandlerSpec> {
    let text = reader.name(node, path)?;
    let handler = text.value.trim();
    let shown = shortened(handler);
    if handler.contains("://") {
        reader.fault(
            node.place,
            format!("`{path}`: code from elsewhere (`{shown}`) is not run; save it beside this file"),
        );
        return None;
    }
    let is_word = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
    };
    match handler.rsplit_once('.') {
        Some((module, function)) if is_word(function) && module.split('.').all(is_word) => {
            Some(HandlerSpec::Python { module: module.to_owned(), function: function.to_owned() })
        }
        _ => {
            let beside = folder.display();
            let text = "expected the path of a Python function, such as `module.function` for the file `module.py` in";
            reader.fault(node.place, format!("`{path}`: {text} {beside}, got `{shown}`"));
            None
        }
    }
}

/// Reads the words of a command line.
fn command(reader: &Reader<'_>, node: &Node, path: &str, folder: &Path) -> Option<Command> {
    if let Kind::Text(_) = node.kind {
        // Splitting it would be the work of a shell, with all that shells do to arguments.
        reader.fault(node.place, format!("`{path}`: expected a list of words, such as [\"program\", \"--option\"]"));
        return None;
    }
    let mut words = reader.texts(node, path).into_iter();
    let Some(program) = words.next().filter(|program| !program.is_empty()) else {
        reader.fault(node.place, format!("`{path}` names no program"));
        return None;
    };
    Some(Command::new(files::program(folder, &program)).args(words))
}

fn http(reader: &Reader<'_>, node: &Node, path: &str, folder: &Path) -> Option<HttpSpec> {
    let entry = reader.members(node, path)?;
    let url = entry.required("url", HTTP_KEYS).and_then(|(node, path)| reader.url(node, &path));
    let method = entry.at("method").map_or(Some("POST"), |(node, path)| reader.word(node, &path, METHODS));
    let mut headers = http::HeaderMap::new();
    let given = entry.at("headers").map(|(node, path)| reader.map(node, &path, |node, path| reader.text(node, path)));
    for (name, value) in given.unwrap_or_default() {
        let parsed = (name.value.parse::<http::HeaderName>(), value.value.trim().parse::<http::HeaderValue>());
        let (Ok(header), Ok(mut text)) = parsed else {
            reader.fault(name.place, format!("`{path}.headers.{}` cannot be sent as a header", shortened(&name.value)));
            continue;
        };
        text.set_sensitive(true);
        headers.append(header, text);
    }
    let place = entry.at("arguments").map(|(node, path)| reader.word(node, &path, PLACES));
    let tls = files::tls(reader, &entry, folder);
    entry.finish(&[]);
    let method = method?;
    let has_body = !matches!(method, "DELETE" | "GET");
    let in_query = match place {
        Some(place) => place? == "query",
        None => !has_body,
    };
    if !in_query && !has_body {
        reader.fault(node.place, format!("`{path}`: a {method} request has no body; write `arguments: query`"));
        return None;
    }
    let method = method.parse().ok()?;
    Some(HttpSpec { url: url?.value, method, headers, in_query, tls })
}

fn listed() -> String {
    KINDS.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
}

/// The kinds of handlers, each a key.
const KINDS: &[&str] = &["builtin", "command", "function", "http", "python"];

const HTTP_KEYS: &[&str] = &["arguments", "headers", "method", "ssl_verify", "url"];

const METHODS: &[&str] = &["DELETE", "GET", "PATCH", "POST", "PUT"];

/// Where the arguments of an HTTP request go.
const PLACES: &[&str] = &["body", "query"];
