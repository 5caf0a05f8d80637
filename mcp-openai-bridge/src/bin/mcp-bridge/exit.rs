//! How the program fails: what happened, what to do, and the exit code, in one place.
//!
//! The surprising thing: the codes are those of the MCP Inspector, so that scripts work with both. Code 2, which
//! argument parsers like to use, does not occur.

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use clap::error::ErrorKind;
use mcp_client::Error as ClientError;
use mcp_openai_bridge::servers::Unavailable;
use mcp_openai_bridge::{Error as LoopError, ModelError};
use mcp_types::ErrorCode;
use serde_json::json;

use crate::connect::WHICH_PATH;
use crate::output::Output;

/// Why the program did not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    /// What can be done about it.
    pub(crate) hint: Option<String>,
}

/// Who has to do something, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Auth,
    Interrupted,
    Protocol,
    Refused,
    Timeout,
    Tool,
    Unreachable,
    Usage,
}

impl Kind {
    /// The word that stands in `error.kind` with `--json`.
    fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Interrupted => "interrupted",
            Self::Protocol => "protocol",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Tool => "tool",
            Self::Unreachable => "unreachable",
            Self::Usage => "usage",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Refused | Self::Usage => 1,
            Self::Auth => 3,
            Self::Protocol | Self::Timeout | Self::Unreachable => 4,
            Self::Tool => 5,
            Self::Interrupted => 130,
        }
    }
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unreachable, message)
    }

    /// Adds what can be done about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says in front what was being done, such as the server of several that failed.
    pub(crate) fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.kind.code())
    }

    /// One line of JSON, without the end of the line.
    pub(crate) fn json(&self) -> String {
        json!({ "error": { "kind": self.kind.word(), "message": self.message, "hint": self.hint } }).to_string()
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::from(&error)
    }
}

impl From<&ClientError> for Failure {
    fn from(error: &ClientError) -> Self {
        let (kind, hint) = judge(error);
        Self { kind, message: with_causes(error), hint: hint.map(str::to_owned) }
    }
}

impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        unavailable.client_error().map_or_else(|| Self::unreachable(unavailable.to_string()), Self::from)
    }
}

/// Finds who has to do something, and what.
fn judge(error: &ClientError) -> (Kind, Option<&'static str>) {
    if error.is_unauthorized() {
        return (Kind::Auth, Some("give a token by `--bearer-env VAR`, or another header by `--header 'Name: value'`"));
    }
    match error {
        ClientError::Rpc(error) if error.code == ErrorCode::INTERNAL => (Kind::Tool, None),
        ClientError::Rpc(_) | ClientError::Misuse(_) => (Kind::Refused, None),
        ClientError::Config(_) => (Kind::Usage, None),
        ClientError::InputRequired(_) | ClientError::ToolFailed(_) => (Kind::Tool, None),
        ClientError::Unsupported(_) => (Kind::Protocol, Some("let both sides find a revision with `--era auto`")),
        ClientError::Malformed(_) | ClientError::Misbehaved(_) => {
            (Kind::Protocol, Some("is this the endpoint of an MCP server? The path is often `/mcp`"))
        }
        ClientError::Http(_) => (Kind::Protocol, Some(WHICH_PATH)),
        ClientError::TimedOut(_) => (Kind::Timeout, Some("give it more time by `--timeout SECONDS`")),
        ClientError::Exited(_) => (Kind::Unreachable, Some("run the command by itself to see what it needs")),
        ClientError::Environment(_) => {
            (Kind::Unreachable, Some("is the server running, and is this its address? `mcp-bridge serve` starts one"))
        }
        _ => (Kind::Unreachable, None),
    }
}

impl From<LoopError> for Failure {
    fn from(error: LoopError) -> Self {
        match &error {
            LoopError::Model(error) => Self::of_model(error),
            _ => Self::new(Kind::Protocol, with_causes(&error)),
        }
    }
}

impl Failure {
    fn of_model(error: &ModelError) -> Self {
        let message = with_causes(error);
        match error.http_status() {
            Some(401 | 403) => Self::new(Kind::Auth, message)
                .hint("check OPENAI_API_KEY, and that it belongs to the provider at OPENAI_BASE_URL"),
            Some(404) => Self::new(Kind::Refused, message)
                .hint("check `--model`, and that OPENAI_BASE_URL ends before `/chat/completions`"),
            Some(429) => Self::unreachable(message).hint("wait, or check the limits of your account"),
            Some(400..=499) => Self::new(Kind::Refused, message),
            None if error.is_timeout() => {
                Self::new(Kind::Timeout, message).hint("give it more time by `--model-timeout SECONDS`")
            }
            _ => Self::unreachable(message).hint("check OPENAI_BASE_URL and that the provider can be reached"),
        }
    }
}

/// Writes an error and its causes, each once.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

/// Ends the program for a command line that could not be read, or that asked for help.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // The command line could not be read, so it is only known by looking whether `--json` was wanted.
    let words = std::env::args_os().take_while(|word| word != "--");
    if !asked_for && words.into_iter().any(|word| word == "--json") {
        let text = error.to_string();
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let failure = Failure::usage(first.strip_prefix("error: ").unwrap_or(first)).hint("see `mcp-bridge --help`");
        Output::new(true, false).fail(&failure);
    } else {
        // A closed pipe is the reader's choice.
        let _ = error.print();
    }
    if asked_for { ExitCode::SUCCESS } else { ExitCode::from(Kind::Usage.code()) }
}

#[cfg(test)]
mod tests {
    use mcp_types::RpcError;

    use super::*;

    #[test]
    fn a_refused_call_is_the_callers_fault_and_an_internal_error_the_servers() {
        let kind = |error: RpcError| Failure::from(ClientError::Rpc(error)).kind.code();
        assert_eq!(kind(RpcError::invalid_params("no tool")), 1);
        assert_eq!(kind(RpcError::internal("boom")), 5);
    }

    #[test]
    fn a_failure_is_one_line_of_json() {
        let failure = Failure::usage("a\nb").hint("c");
        assert_eq!(failure.json(), r#"{"error":{"hint":"c","kind":"usage","message":"a\nb"}}"#);
    }

    #[test]
    fn the_status_of_the_provider_decides_the_exit_code() {
        let check = |status: u16, code: u8| {
            let error = LoopError::from(ModelError::new("no").status(status));
            assert_eq!(Failure::from(error).kind.code(), code, "{status}");
        };
        check(401, 3);
        check(403, 3);
        check(400, 1);
        check(404, 1);
        check(429, 4);
        check(503, 4);
    }
}
