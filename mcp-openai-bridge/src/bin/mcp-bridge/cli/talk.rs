//! The command lines of conversations: `ask`, `chat` and `replay`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Child, Connect};
use crate::output::Output;

/// The options of `ask`.
#[derive(Args)]
#[command(
    override_usage = "mcp-bridge ask [OPTIONS] [TARGET]... <QUESTION>\n       \
                      mcp-bridge ask [OPTIONS] [TARGET]... <QUESTION> -- <COMMAND> [ARG]...",
    after_help = ABOUT_ASK
)]
pub(crate) struct Ask {
    /// Targets, and the question as the last word; `-` reads the question from standard input
    #[arg(value_name = "TARGET QUESTION")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) child: Child,

    /// One more target with a name of its own, which stands in front of its tools
    #[arg(long, value_name = "NAME=TARGET")]
    pub(crate) server: Vec<String>,

    #[command(flatten)]
    pub(crate) talk: Talk,

    #[command(flatten)]
    pub(crate) model: Model,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// The options of `chat`.
#[derive(Args)]
#[command(
    override_usage = "mcp-bridge chat [OPTIONS] [TARGET]...\n       \
                      mcp-bridge chat [OPTIONS] [TARGET]... -- <COMMAND> [ARG]...",
    after_help = ABOUT_CHAT
)]
pub(crate) struct Chat {
    /// Where the servers are: URLs or `embedded`
    #[arg(value_name = "TARGET")]
    pub(crate) words: Vec<String>,

    #[command(flatten)]
    pub(crate) child: Child,

    /// One more target with a name of its own, which stands in front of its tools
    #[arg(long, value_name = "NAME=TARGET")]
    pub(crate) server: Vec<String>,

    #[command(flatten)]
    pub(crate) talk: Talk,

    #[command(flatten)]
    pub(crate) model: Model,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// The options of `replay`.
#[derive(Debug, Args)]
#[command(after_help = ABOUT_REPLAY)]
pub(crate) struct Replay {
    /// The recorded conversation
    pub(crate) file: PathBuf,
}

/// How a conversation goes.
#[derive(Debug, Args)]
pub(crate) struct Talk {
    /// Which API of the provider is spoken: /chat/completions or /responses
    #[arg(long, value_enum, default_value_t, help_heading = "Conversation")]
    pub(crate) api: Api,

    /// Show the answer as it comes, which a terminal does anyway
    #[arg(long, overrides_with = "no_stream", help_heading = "Conversation")]
    stream: bool,

    /// Wait for the whole answer
    #[arg(long, overrides_with = "stream", help_heading = "Conversation")]
    no_stream: bool,

    /// Which calls somebody must approve first: `always`, `writes` (those that do not say that they only read) or
    /// `never`; rules such as `deny:SERVER,allow:SERVER/TOOL,` may stand before it [default: `never`, for `chat` `writes`]
    #[arg(long, value_name = "POLICY", help_heading = "Conversation")]
    pub(crate) approve: Option<String>,

    /// Write what the model and the tools are asked and answer to FILE; no key and no header is in it
    #[arg(long, value_name = "FILE", help_heading = "Conversation")]
    pub(crate) record: Option<PathBuf>,

    /// Let the model and the tools answer from FILE, without network; what is not in it ends the turn
    #[arg(long, value_name = "FILE", conflicts_with = "record", help_heading = "Conversation")]
    pub(crate) replay: Option<PathBuf>,
}

impl Talk {
    /// Whether an answer is shown as it comes.
    pub(crate) fn streams(&self, output: &Output) -> bool {
        self.stream || (!self.no_stream && output.is_terminal() && !output.is_json())
    }
}

/// An API of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Api {
    #[default]
    Chat,
    Responses,
}

/// Which model is asked, and how.
#[derive(Debug, Args)]
pub(crate) struct Model {
    /// The model, as its provider names it
    #[arg(long, env = "OPENAI_MODEL", hide_env_values = true, help_heading = "Model")]
    pub(crate) model: Option<String>,

    /// Where the OpenAI-compatible API is; the key for it is in OPENAI_API_KEY
    #[arg(
        long,
        value_name = "URL",
        env = "OPENAI_BASE_URL",
        hide_env_values = true,
        default_value = "https://api.openai.com/v1",
        help_heading = "Model"
    )]
    pub(crate) base_url: String,

    /// What the model is told before the question
    #[arg(long, value_name = "TEXT", help_heading = "Model")]
    pub(crate) system: Option<String>,

    /// How many times the model may call tools before it must answer
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=100),
        help_heading = "Model"
    )]
    pub(crate) max_rounds: u32,

    /// How long one answer of the model may take, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 120,
        value_parser = clap::value_parser!(u64).range(1..=3600),
        help_heading = "Model"
    )]
    pub(crate) model_timeout: u64,
}

const ABOUT_ASK: &str = "\
Tools run without asking back unless --approve says otherwise: give only servers whose tools the
model may use. Headers and tokens go to every URL among the targets.

Examples:
  mcp-bridge ask embedded --model gpt-4o-mini \"What time is it in Tokyo?\"
  OPENAI_BASE_URL=http://127.0.0.1:11434/v1 mcp-bridge ask --model qwen3 \\
      \"Which files are here?\" -- npx -y @modelcontextprotocol/server-filesystem .

Exit codes:
  0 done   1 wrong usage, or the provider refused the request   3 credentials missing or refused
  4 unreachable, broken or timed out   5 no answer within --max-rounds   130 interrupted";

const ABOUT_CHAT: &str = "\
Each line is said to the model; /tools lists the tools, /reset forgets what was said, /quit leaves.
Ctrl-C stops an answer, and leaves when it comes twice. Lines may come from a pipe. Unless --approve
says otherwise, calls must be approved that do not say that they only read: the next line is y, n,
a for always, or what to do instead, which the model is told.

Examples:
  mcp-bridge chat embedded --model gpt-4o-mini
  mcp-bridge chat --model gpt-4o-mini --approve always \\
      -- npx -y @modelcontextprotocol/server-filesystem .

Exit codes:
  0 left   1 wrong usage   3 credentials missing   4 a server cannot be reached   130 interrupted";

const ABOUT_REPLAY: &str = "\
Each recorded turn is made again: the requests that this version of the program sends must be the
recorded ones, and the answers are the recorded ones.

Examples:
  mcp-bridge ask embedded --model gpt-4o-mini --record time.jsonl \"What time is it in Tokyo?\"
  mcp-bridge replay time.jsonl

Exit codes:
  0 the same   1 different, or no recorded conversation";
