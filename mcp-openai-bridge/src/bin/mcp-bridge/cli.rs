//! The command line, as `--help` shows it.
//!
//! The surprising thing: where a target stands depends on `--`. Before it there are words of ours, after it there is a
//! command of somebody else, and when there is one it is the target. So no word is ever taken apart by a shell.
//!
//! What can have a secret in it has no `Debug`: the words, headers and variables of whoever types.

mod talk;

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use mcp_client::Secret;

pub(crate) use self::talk::{Api, Ask, Chat, Model, Replay, Talk};

/// Lists and calls the tools of MCP servers, gives them to a language model, and serves some of its own.
#[derive(Parser)]
#[command(name = "mcp-bridge", version, max_term_width = 100, after_help = ABOUT_TARGETS)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) voice: Voice,
}

/// How the program speaks.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Voice {
    /// Print one JSON document on standard output, and an error as one JSON line on standard error
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,

    /// Say nothing but errors on standard error
    #[arg(long, short, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
}

/// What the program can do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the tools that are built in, or those of a file, to any MCP client
    Serve(Serve),
    /// Print the tools of a server, ready for a request to a model
    Tools(Tools),
    /// Say which tools of a server a model's provider would refuse, and what is done about it
    Lint(Lint),
    /// Call a tool
    Call(Call),
    /// List the resources of a server
    #[command(
        override_usage = "mcp-bridge resources [OPTIONS] <TARGET>\n       mcp-bridge resources [OPTIONS] -- <COMMAND> [ARG]..."
    )]
    Resources(List),
    /// List the resource templates of a server
    #[command(
        override_usage = "mcp-bridge templates [OPTIONS] <TARGET>\n       mcp-bridge templates [OPTIONS] -- <COMMAND> [ARG]..."
    )]
    Templates(List),
    /// Print a resource
    Read(Read),
    /// List the prompts of a server
    #[command(
        override_usage = "mcp-bridge prompts [OPTIONS] <TARGET>\n       mcp-bridge prompts [OPTIONS] -- <COMMAND> [ARG]..."
    )]
    Prompts(List),
    /// Fill in a prompt and print its messages
    Prompt(Prompt),
    /// Ask a model, which may use the tools of servers to answer
    Ask(Box<Ask>),
    /// Talk with a model, which may use the tools of servers to answer
    Chat(Box<Chat>),
    /// Play a conversation that was recorded by `ask` or `chat`, without network, and say what is different now
    Replay(Replay),
    /// Print a script that completes this command line in a shell
    Completions(Completions),
}

/// The options of `serve`.
#[derive(Debug, Args)]
#[command(after_help = ABOUT_SERVE)]
pub(crate) struct Serve {
    /// Serve the tools, servers and models of this file, which is LiteLLM's, instead of what is built in; with it the
    /// word `serve` may be left out
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Bind to this address; any other than a loopback address needs --allow-host
    #[arg(long, default_value = "127.0.0.1", env = "MCP_BRIDGE_HOST", hide_env_values = true)]
    pub(crate) host: String,

    /// Bind to this port; 0 takes any that is free
    #[arg(long, default_value_t = 4000, env = "MCP_BRIDGE_PORT", hide_env_values = true)]
    pub(crate) port: u16,

    /// The path of the endpoint
    #[arg(long, default_value = "/mcp")]
    pub(crate) path: String,

    /// Answer to this host name too, as `host`, `host:port` or `host:*`; `*` is every host
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,

    /// Answer to web pages of this origin too, as `https://host` or `https://host:port`
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,

    /// Serve one client over standard input and output instead, for clients that start their servers
    #[arg(long, conflicts_with_all = ["host", "port", "path", "allow_host", "allow_origin"])]
    pub(crate) stdio: bool,

    /// Say of every server of the file what came of it, also when it is there
    #[arg(long, requires = "config")]
    pub(crate) debug: bool,

    /// The same as --debug; LiteLLM's name for it
    #[arg(long = "detailed_debug", requires = "config")]
    pub(crate) detailed_debug: bool,
}

impl Serve {
    /// Whether more is to be said than usual.
    pub(crate) fn is_talkative(&self) -> bool {
        self.debug || self.detailed_debug
    }
}

/// The options of `tools`.
#[derive(Args)]
#[command(
    override_usage = "mcp-bridge tools [OPTIONS] <TARGET|FILE.json>\n       \
                      mcp-bridge tools [OPTIONS] -- <COMMAND> [ARG]...",
    after_help = ABOUT_TOOLS
)]
pub(crate) struct Tools {
    /// Where the server is: a URL or `embedded`, or a file with a saved list; absent when there is a command after `--`
    #[arg(value_name = "TARGET")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) child: Child,

    /// As functions of Chat Completions or of Responses, as MCP has them, or as lines for humans
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,

    /// Hold the model to the parameters where that loses nothing
    #[arg(long, value_enum, default_value_t)]
    pub(crate) strict: Strict,

    /// Print all tools as functions, also when they are more than a request takes
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// The options of `lint`.
#[derive(Args)]
#[command(
    override_usage = "mcp-bridge lint [OPTIONS] <TARGET|FILE.json>\n       \
                      mcp-bridge lint [OPTIONS] -- <COMMAND> [ARG]...",
    after_help = ABOUT_LINT
)]
pub(crate) struct Lint {
    /// Where the server is: a URL or `embedded`, or a file with a saved list; absent when there is a command after `--`
    #[arg(value_name = "TARGET")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) child: Child,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// Whether the model is held to the parameters of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Strict {
    Auto,
    #[default]
    Off,
}

/// How tools are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Openai,
    Responses,
    Mcp,
    List,
}

/// The options of `call`.
#[derive(Args)]
#[command(
    override_usage = "mcp-bridge call [OPTIONS] <TARGET> <TOOL> [KEY=VALUE]...\n       \
                      mcp-bridge call [OPTIONS] <TOOL> [KEY=VALUE]... -- <COMMAND> [ARG]...",
    after_help = ABOUT_CALL
)]
pub(crate) struct Call {
    /// The target, unless there is a command after `--`; the tool; its arguments
    #[arg(value_name = "TARGET TOOL KEY=VALUE")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) child: Child,

    /// All arguments as one JSON object; `-` reads it from standard input
    #[arg(long, visible_alias = "args", value_name = "JSON")]
    pub(crate) args_json: Option<String>,

    /// Send the arguments as they are, without checking them against the schema of the tool
    #[arg(long)]
    pub(crate) unchecked: bool,

    /// Write the picture, recording or file of the result to FILE; a result without one is written as text
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// The options of the commands that list something.
#[derive(Args)]
#[command(after_help = ABOUT_TARGETS)]
pub(crate) struct List {
    /// Where the server is: a URL or `embedded`; absent when there is a command after `--`
    #[arg(value_name = "TARGET")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) child: Child,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// The options of `read`.
#[derive(Args)]
#[command(
    override_usage = "mcp-bridge read [OPTIONS] <TARGET> <URI>\n       \
                      mcp-bridge read [OPTIONS] <URI> -- <COMMAND> [ARG]...",
    after_help = ABOUT_TARGETS
)]
pub(crate) struct Read {
    /// The target, unless there is a command after `--`; the URI of the resource
    #[arg(value_name = "TARGET URI")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) child: Child,

    /// Write the resource to FILE instead of to standard output, where it stands as it is: into a pipe or a file no end
    /// of line is added, on a terminal one is
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// The options of `prompt`.
#[derive(Args)]
#[command(
    override_usage = "mcp-bridge prompt [OPTIONS] <TARGET> <NAME> [KEY=VALUE]...\n       \
                      mcp-bridge prompt [OPTIONS] <NAME> [KEY=VALUE]... -- <COMMAND> [ARG]...",
    after_help = ABOUT_TARGETS
)]
pub(crate) struct Prompt {
    /// The target, unless there is a command after `--`; the prompt; its arguments, which are texts
    #[arg(value_name = "TARGET NAME KEY=VALUE")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) child: Child,

    /// All arguments as one JSON object of texts; `-` reads it from standard input
    #[arg(long, visible_alias = "args", value_name = "JSON")]
    pub(crate) args_json: Option<String>,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// The options of `completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// A server that is started as a child process.
#[derive(Args)]
pub(crate) struct Child {
    /// The target as a command, which speaks MCP over its standard input and output
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,

    /// Set a variable for the command, or pass one on by its name alone; it gets no others but the usual ones
    #[arg(long, value_name = "KEY[=VALUE]", help_heading = "Servers that are commands")]
    pub(crate) env: Vec<String>,

    /// Start the command in this folder
    #[arg(long, value_name = "FOLDER", help_heading = "Servers that are commands")]
    pub(crate) cwd: Option<PathBuf>,
}

/// How a server is spoken to.
#[derive(Args)]
pub(crate) struct Connect {
    /// Speak the era of the protocol that begins with a handshake, or the modern one, which has none
    #[arg(long, value_enum, default_value_t, help_heading = "Connection")]
    pub(crate) era: Era,

    /// Send a header with every request to a URL; no token, because all users of a machine see arguments
    #[arg(long, value_name = "NAME: VALUE", value_parser = header, help_heading = "Connection")]
    pub(crate) header: Vec<Header>,

    /// Send the token in this environment variable as `Authorization: Bearer`
    #[arg(long, value_name = "VAR", conflicts_with = "bearer", help_heading = "Connection")]
    pub(crate) bearer_env: Option<String>,

    /// Send the token that is piped in; the value is always `-`, because all users of a machine see arguments
    #[arg(long, value_name = "-", value_parser = secret, help_heading = "Connection")]
    pub(crate) bearer: Option<Secret>,

    /// How long to wait for an answer or a sign of progress, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400),
        help_heading = "Connection"
    )]
    pub(crate) timeout: u64,
}

/// A header of the command line; its name is empty when it has none.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: Secret,
}

/// Takes a header apart. It never fails, because the message would repeat the value.
fn header(line: &str) -> Result<Header, Infallible> {
    let (name, value) = line.split_once(':').unwrap_or(("", line));
    Ok(Header { name: name.trim().to_owned(), value: value.trim().into() })
}

fn secret(word: &str) -> Result<Secret, Infallible> {
    Ok(word.into())
}

/// Which era of the protocol is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Era {
    #[default]
    Auto,
    Legacy,
    Modern,
}

const ABOUT_TARGETS: &str = "\
Targets:
  https://host/mcp        a server over Streamable HTTP
  embedded                the tools that are built in, in this process
  -- COMMAND [ARG]...     a server that is started; stands at the end of the line, and no other
                          target is given then. No shell is involved: each word is one argument

Exit codes:
  0 done   1 wrong usage, or the server refused the request   3 credentials missing or refused
  4 unreachable, broken or timed out   5 the tool failed   130 interrupted";

const ABOUT_TOOLS: &str = "\
Targets:
  https://host/mcp        a server over Streamable HTTP
  embedded                the tools that are built in, in this process
  FILE.json               the saved result of tools/list: an array of tools, or {\"tools\": […]}
  -- COMMAND [ARG]...     a server that is started; stands at the end of the line, and no other
                          target is given then. No shell is involved: each word is one argument

Exit codes:
  0 done   1 wrong usage, or the server refused the request   3 credentials missing or refused
  4 unreachable, broken or timed out   130 interrupted";

const ABOUT_LINT: &str = "\
For each tool: whether it is legal as it is, what is repaired and why, its name as a function, whether
strict mode can say the same and if not where, and about how many tokens it takes in every request.

Targets:
  https://host/mcp        a server over Streamable HTTP
  embedded                the tools that are built in, in this process
  FILE.json               the saved result of tools/list: an array of tools, or {\"tools\": […]}
  -- COMMAND [ARG]...     a server that is started; stands at the end of the line, and no other
                          target is given then. No shell is involved: each word is one argument

Exit codes:
  0 every tool can be offered   1 wrong usage, or the server refused the request
  3 credentials missing or refused   4 unreachable, broken or timed out
  5 a tool cannot be offered   130 interrupted";

const ABOUT_CALL: &str = "\
A VALUE becomes what the schema of the tool wants: a number, true or false, null, an array or an
object in JSON, or else a text as it is. A key that is given several times makes an array.

Examples:
  mcp-bridge call embedded get_current_time format=iso timezone=Europe/Vienna
  mcp-bridge call http://127.0.0.1:4000/mcp add --args-json '{\"a\": 1, \"b\": 2}'
  mcp-bridge call get-sum a=1 b=2 -- npx -y @modelcontextprotocol/server-everything stdio

Exit codes:
  0 done   1 wrong usage, or the server refused the request   3 credentials missing or refused
  4 unreachable, broken or timed out   5 the tool failed   130 interrupted";

const ABOUT_SERVE: &str = "\
The first line that matters is `listening on http://…` on standard error; with --json the same is on
standard output, as {\"url\": …}. Ctrl-C and SIGTERM let requests in flight finish, and exit with 0.

Examples:
  mcp-bridge serve
  mcp-bridge --config config.yaml --port 4000

Exit codes:
  0 shut down   1 wrong usage, or a fault in the file   4 the address cannot be bound, such as a port that is taken";
