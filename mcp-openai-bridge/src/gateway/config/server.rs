//! `mcp_servers`: the servers behind the gateway.
//!
//! The surprising thing: `transport: sse` and `transport: http` are one. The client finds out which of them a URL
//! speaks, and files are often wrong about it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use mcp_client::types::Implementation;
use mcp_client::{Client, ClientBuilder, Command, Revision, Secret, Target, Tls};
use mcp_types::RawJson;

use super::credential;
use super::files;
use super::place::{Located, Place};
use super::reader::{Members, Reader, shortened};
use super::yaml::{Kind, Node};

/// A server of the file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Server {
    /// The name that tools are prefixed with: `alias`, or the key of the entry.
    pub label: Located<String>,
    /// What it is for, for humans.
    pub description: Option<String>,
    /// How to use its tools, in place of what the server says itself.
    pub instructions: Option<String>,
    /// How it is reached.
    pub reach: Reach,
    /// The only tools that are offered; all of them when there is no such line.
    pub allowed_tools: Option<Vec<String>>,
    /// Tools that are not offered.
    pub disallowed_tools: Vec<String>,
    /// For some tools the only arguments that a call may have.
    pub allowed_params: Vec<(String, Vec<String>)>,
    /// Names for humans in place of those that the server gives.
    pub display_names: Vec<(String, String)>,
    /// Descriptions in place of those that the server gives.
    pub descriptions: Vec<(String, String)>,
    /// How long to wait for an answer.
    pub timeout: Option<Duration>,
    /// How many calls may run at the same time.
    pub max_concurrent_requests: Option<usize>,
    /// The revision to speak; found out when it is not given.
    pub revision: Option<Revision>,
    /// Whether the server may ask for completions of a model.
    pub allow_sampling: bool,
    /// Whether the server may ask the user.
    pub allow_elicitation: bool,
    /// What is shown of it in lists: `mcp_info` as it is.
    pub info: Option<RawJson>,
}

/// How a server is reached.
#[derive(Clone)]
#[non_exhaustive]
pub enum Reach {
    /// By HTTP.
    Http {
        /// The URL.
        url: String,
        /// What is sent with every request.
        headers: Vec<(String, Secret)>,
        /// How its certificate is checked.
        tls: Tls,
    },
    /// As a child process, by its standard streams.
    Stdio(Command),
}

impl fmt::Debug for Reach {
    /// Leaves out the URL, which may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { headers, tls, .. } => {
                let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
                f.debug_struct("Http").field("headers", &names).field("tls", tls).finish_non_exhaustive()
            }
            Self::Stdio(command) => f.debug_tuple("Stdio").field(command).finish(),
        }
    }
}

impl Server {
    /// Connects to the server, as a client that introduces itself as `info`.
    ///
    /// # Errors
    ///
    /// Fails as [`ClientBuilder::connect`](mcp_client::ClientBuilder::connect) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what was opened.
    pub async fn connect(&self, info: Implementation) -> Result<Client, mcp_client::Error> {
        self.client(info).connect(self.target()).await
    }

    /// Begins to configure a client of the server, with all that the file says of it.
    pub fn client(&self, info: Implementation) -> ClientBuilder {
        let mut builder = Client::builder(info);
        if let Some(timeout) = self.timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(revision) = self.revision {
            builder = builder.revisions([revision]);
        }
        match &self.reach {
            Reach::Http { headers, tls, .. } => {
                let builder = builder.tls(tls.clone());
                headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value.clone()))
            }
            Reach::Stdio(_) => builder,
        }
    }

    /// Returns what such a client connects to.
    pub fn target(&self) -> Target {
        match &self.reach {
            Reach::Http { url, .. } => url.as_str().into(),
            Reach::Stdio(command) => command.clone().into(),
        }
    }
}

/// Reads `mcp_servers`.
pub(super) fn servers(reader: &Reader<'_>, node: &Node, folder: &Path) -> Vec<Server> {
    let Kind::Map(entries) = &node.kind else {
        if !matches!(node.kind, Kind::Null) {
            reader.fault(
                node.place,
                format!("`mcp_servers`: expected a map of names to servers, got {}", node.described()),
            );
        }
        return Vec::new();
    };
    let mut servers: Vec<Server> = Vec::new();
    for (key, node) in entries {
        let path = format!("mcp_servers.{}", shortened(&key.name));
        let Some(entry) = reader.members(node, &path) else { continue };
        let Some(server) = server(reader, entry, Located::new(key.name.clone(), key.place), folder) else { continue };
        if let Some(other) = servers.iter().find(|other| other.label.value == server.label.value) {
            let (label, place) = (&server.label.value, other.label.place);
            reader
                .fault(server.label.place, format!("the name `{label}` is taken by the server of line {}", place.line));
            continue;
        }
        servers.push(server);
    }
    servers
}

fn server(reader: &Reader<'_>, entry: Members<'_>, name: Located<String>, folder: &Path) -> Option<Server> {
    let text = |key| entry.at(key).and_then(|(node, path)| reader.name(node, &path));
    let words = |node: &Node, path: &str| {
        let pairs = reader.map(node, path, |node, path| reader.text(node, path));
        pairs.into_iter().map(|(key, value)| (key.value, value.value)).collect()
    };
    let pairs = |key| entry.at(key).map(|(node, path)| words(node, &path)).unwrap_or_default();
    let flag = |key| entry.at(key).and_then(|(node, path)| reader.flag(node, &path)).unwrap_or(false);
    let alias = text("alias");
    let server = Server {
        description: text("description").map(|text| text.value),
        instructions: text("instructions").map(|text| text.value),
        allowed_tools: entry.at("allowed_tools").map(|(node, path)| reader.texts(node, &path)),
        disallowed_tools: entry
            .at("disallowed_tools")
            .map(|(node, path)| reader.texts(node, &path))
            .unwrap_or_default(),
        allowed_params: allowed_params(reader, &entry),
        display_names: pairs("tool_name_to_display_name"),
        descriptions: pairs("tool_name_to_description"),
        timeout: entry.at("timeout").and_then(|(node, path)| reader.seconds(node, &path)),
        max_concurrent_requests: entry
            .at("max_concurrent_requests")
            .and_then(|(node, path)| reader.count(node, &path))
            .filter(|count| *count > 0),
        revision: revision(reader, &entry),
        allow_sampling: flag("allow_sampling"),
        allow_elicitation: flag("allow_elicitation"),
        info: entry.at("mcp_info").and_then(|(node, path)| reader.json(node, &path)),
        reach: reach(reader, &entry, folder)?,
        label: alias.unwrap_or(name),
    };
    entry.finish(UNSUPPORTED);
    Some(server)
}

fn allowed_params(reader: &Reader<'_>, entry: &Members<'_>) -> Vec<(String, Vec<String>)> {
    let Some((node, path)) = entry.at("allowed_params") else { return Vec::new() };
    let lists = reader.map(node, &path, |node, path| Some(reader.texts(node, path)));
    lists.into_iter().map(|(tool, names)| (tool.value, names)).collect()
}

fn revision(reader: &Reader<'_>, entry: &Members<'_>) -> Option<Revision> {
    let (node, path) = entry.at("protocol_version")?;
    let mut words = vec!["auto"];
    words.extend(Revision::ALL.iter().map(|revision| revision.as_str()));
    reader.word(node, &path, &words)?.parse().ok()
}

fn reach(reader: &Reader<'_>, entry: &Members<'_>, folder: &Path) -> Option<Reach> {
    let transport = entry.at("transport").map(|(node, path)| (reader.word(node, &path, TRANSPORTS), node.place));
    // They are read in any case, so that their faults are told and they are not called unknown.
    let headers = credential::headers(reader, entry);
    let tls = files::tls(reader, entry, folder);
    let url = entry.at("url").map(|(node, path)| (reader.url(node, &path), node.place));
    let command = command(reader, entry, folder);
    let kind = match transport {
        Some((kind, _)) => kind?,
        None if command.is_some() => "stdio",
        None => "http",
    };
    match (kind, url, command) {
        ("stdio", None, Some((command, _))) => {
            if let Some(place) = headers.first().map(|_| entry.place) {
                reader.fault(
                    place,
                    format!("`{}`: only a URL has headers; give the command its credentials by `env`", entry.path),
                );
            }
            Some(Reach::Stdio(command?))
        }
        ("stdio", Some((_, place)), _) => {
            reader.fault(place, format!("`{}` has a `url` and `transport: stdio`; keep one of them", entry.path));
            None
        }
        ("stdio", None, None) => {
            reader.fault(entry.place, format!("`{}` has `transport: stdio` and no `command`", entry.path));
            None
        }
        (_, _, Some((_, place))) => {
            reader
                .fault(place, format!("`{}` has a `command`, which needs `transport: stdio` and no `url`", entry.path));
            None
        }
        (_, Some((url, _)), None) => Some(Reach::Http { url: url?.value, headers, tls }),
        (_, None, None) => {
            reader.fault(entry.place, format!("`{}` has neither a `url` nor a `command`", entry.path));
            None
        }
    }
}

/// Reads `command`, `args`, `env` and `cwd`.
fn command(reader: &Reader<'_>, entry: &Members<'_>, folder: &Path) -> Option<(Option<Command>, Place)> {
    let (args, env, cwd) = (entry.at("args"), entry.at("env"), entry.at("cwd"));
    let (node, path) = entry.at("command")?;
    let program = reader.name(node, &path);
    let args: Vec<String> = args.map(|(node, path)| reader.texts(node, &path)).unwrap_or_default();
    let env = env.map(|(node, path)| reader.map(node, &path, |node, path| reader.text(node, path))).unwrap_or_default();
    for (name, value) in &env {
        if name.value.is_empty() || name.value.contains(['=', '\0']) || value.value.contains('\0') {
            let text = "a variable needs a name without `=`, and neither may hold a zero character";
            reader.fault(name.place, format!("`{}.env`: {text}", entry.path));
        }
    }
    let directory = cwd.and_then(|(node, path)| reader.name(node, &path));
    let Some(program) = program else { return Some((None, node.place)) };
    if runs_text(&program.value) && args.first().is_some_and(|first| first == "-c" || first == "/c") {
        let text = format!("`{path}` runs a text of the file by `{} -c`; name the program itself", program.value);
        reader.warn(program.place, text);
    }
    // A program beside the file is named from there, wherever the gateway is started.
    let program = files::program(folder, &program.value);
    let command = env
        .into_iter()
        .fold(Command::new(program).args(args), |command, (name, value)| command.env(name.value, value.value));
    let command = match directory {
        Some(directory) => command.current_dir(folder.join(directory.value)),
        None => command,
    };
    Some((Some(command), node.place))
}

/// Whether a program takes what to run as an argument.
fn runs_text(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    matches!(name, "bash" | "cmd" | "npx" | "powershell" | "sh" | "zsh")
}

const TRANSPORTS: &[&str] = &["http", "sse", "stdio"];

/// Keys that mean something to LiteLLM and nothing here.
const UNSUPPORTED: &[&str] = &[
    "access_groups",
    "allow_all_keys",
    "audience",
    "authorization_url",
    "available_on_public_internet",
    "aws_access_key_id",
    "aws_region_name",
    "aws_role_name",
    "aws_secret_access_key",
    "aws_service_name",
    "aws_session_name",
    "aws_session_token",
    "byok_api_key_help_url",
    "byok_description",
    "client_assertion_signing_alg",
    "client_id",
    "client_private_key",
    "client_private_key_id",
    "client_secret",
    "dcr_bridge",
    "delegate_auth_to_upstream",
    "env_vars",
    "extra_headers",
    "guardrails",
    "id_jag_resource",
    "id_jag_resource_token_endpoint",
    "is_byok",
    "issuer",
    "oauth2_flow",
    "oauth_passthrough",
    "pinned_tools",
    "registration_url",
    "rpm",
    "scopes",
    "server_id",
    "server_name",
    "source_url",
    "spec_path",
    "subject_token_type",
    "token_endpoint_auth_method",
    "token_exchange_endpoint",
    "token_exchange_profile",
    "token_storage_ttl_seconds",
    "token_url",
    "token_validation",
];
