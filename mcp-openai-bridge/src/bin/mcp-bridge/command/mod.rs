//! The commands, one file for each.

mod ask;
mod call;
mod chat;
mod gateway;
mod lint;
mod list;
mod prompt;
mod read;
mod replay;
mod serve;
mod source;
mod talk;
mod tools;

use std::ffi::OsString;

use clap::CommandFactory;
use mcp_client::{Client, Error as ClientError, Misuse};

use crate::cli::{self, Cli, Command};
use crate::connect::Connect;
use crate::exit::Failure;
use crate::output::Output;
use crate::stop::{self, Stop};
use crate::target::Target;

pub(crate) use self::tools::say_left_out;

/// Runs a command to its end, or until it is interrupted.
pub(crate) async fn run(command: Command, output: &Output) -> Result<(), Failure> {
    let mut stop = Stop::listen()?;
    if let Command::Serve(serve) = command {
        // Serving ends in good order when it is interrupted.
        return serve::run(serve, stop, output).await;
    }
    if let Command::Chat(chat) = command {
        // An interrupt stops an answer first.
        return chat::run(*chat, stop, output).await;
    }
    tokio::select! {
        outcome = dispatch(command, output) => outcome,
        () = stop.requested() => Err(stop::interrupted()),
    }
}

async fn dispatch(command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Serve(serve) => serve::run(serve, Stop::listen()?, output).await,
        Command::Tools(tools) => tools::run(tools, output).await,
        Command::Lint(lint) => lint::run(lint, output).await,
        Command::Call(call) => call::run(call, output).await,
        Command::Resources(list) => list::resources(list, output).await,
        Command::Templates(list) => list::templates(list, output).await,
        Command::Read(read) => read::run(read, output).await,
        Command::Prompts(list) => list::prompts(list, output).await,
        Command::Prompt(prompt) => prompt::run(prompt, output).await,
        Command::Ask(ask) => ask::run(*ask, output).await,
        Command::Chat(chat) => chat::run(*chat, Stop::listen()?, output).await,
        Command::Replay(replay) => replay::run(replay, output).await,
        Command::Completions(wanted) => completions(&wanted, output),
    }
}

fn completions(wanted: &cli::Completions, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(wanted.shell, &mut Cli::command(), "mcp-bridge", &mut script);
    output.print_bytes(&script)
}

/// What a command that speaks to one server is given: words of ours, a command of somebody else, and options.
struct Line {
    words: Vec<String>,
    child: Vec<OsString>,
    connect: Connect,
}

impl Line {
    async fn new(words: Vec<String>, child: cli::Child, connect: cli::Connect) -> Result<Self, Failure> {
        let cli::Child { command, env, cwd } = child;
        Ok(Self { words, child: command, connect: Connect::new(connect, &env, cwd).await? })
    }

    /// Takes the path of a saved list off the words, when the first of them is one.
    fn file(&mut self) -> Result<Option<String>, Failure> {
        let is_file = |word: &String| word.ends_with(".json") && !word.contains("://");
        if !self.child.is_empty() || !self.words.first().is_some_and(is_file) {
            return Ok(None);
        }
        self.connect.suits(&[])?;
        Ok(Some(self.words.remove(0)))
    }

    /// Takes the target off the words.
    fn target(&mut self, usage: &str) -> Result<Target, Failure> {
        let target = Target::take(&mut self.words, std::mem::take(&mut self.child), usage)?;
        self.connect.suits(std::slice::from_ref(&target))?;
        Ok(target)
    }

    /// Takes the next word.
    fn word(&mut self, what: &str, usage: &str) -> Result<String, Failure> {
        if self.words.is_empty() {
            return Err(Failure::usage(format!("{what} is missing")).hint(usage));
        }
        Ok(self.words.remove(0))
    }

    /// Refuses words that are left over.
    fn end(&self, usage: &str) -> Result<(), Failure> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(Failure::usage(format!("`{word}` is one word too many")).hint(usage)),
        }
    }
}

/// Takes a list of which the server offers none as one without entries: it is no fault of anybody.
fn offered<T>(list: Result<Vec<T>, ClientError>) -> Result<Vec<T>, Failure> {
    match list {
        Err(ClientError::Misuse(Misuse::NotOffered { .. })) => Ok(Vec::new()),
        list => Ok(list?),
    }
}

/// Ends a connection in good order, whatever came of its work: a child process is waited for.
async fn closing<T>(client: Client, outcome: Result<T, Failure>) -> Result<T, Failure> {
    client.close().await;
    outcome
}
