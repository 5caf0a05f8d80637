//! The program `mcp-bridge`: MCP servers from a terminal, and their tools for any OpenAI-compatible model.
//!
//! What it finds goes to standard output and what it says to standard error, so that its output can be piped. The
//! surprising thing: an interrupt is nothing special here. It drops the future of the command, and dropping is what
//! cancels requests and ends child processes.

mod arguments;
mod cli;
mod command;
mod connect;
mod content;
mod conversation;
mod embedded;
mod exit;
mod lines;
mod litellm;
mod output;
mod pretty;
mod progress;
mod snippets;
mod stop;
mod target;

use std::process::ExitCode;

use clap::Parser;

use self::cli::Cli;
use self::exit::Failure;
use self::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(litellm::with_command(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let output = Output::new(cli.voice.json, cli.voice.quiet);
    let Err(failure) = run(cli, &output) else { return ExitCode::SUCCESS };
    output.fail(&failure);
    failure.code()
}

fn run(cli: Cli, output: &Output) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::unreachable(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(command::run(cli.command, output));
    // A thread that still reads standard input would hold up the end for ever.
    runtime.shutdown_background();
    outcome
}
