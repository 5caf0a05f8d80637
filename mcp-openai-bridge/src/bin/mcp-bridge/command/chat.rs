//! `chat`: a conversation with a model that may use the tools of servers.
//!
//! The surprising thing: an interrupt ends what is under way, and not the program. The calls that were running are
//! answered as cancelled, so that the conversation can go on; a second interrupt leaves.

use std::path::PathBuf;

use mcp_openai_bridge::driver::Model;
use mcp_openai_bridge::model::HttpModel;
use mcp_openai_bridge::turn::{Chat, Responses};

use crate::cli;
use crate::conversation::Conversation;
use crate::conversation::dialect::Dialect;
use crate::conversation::targets;
use crate::exit::Failure;
use crate::lines::Lines;
use crate::output::{Output, counted};
use crate::stop::{self, Signal, Stop};

use super::talk;

pub(super) async fn run(chat: cli::Chat, stop: Stop, output: &Output) -> Result<(), Failure> {
    match chat.talk.api {
        cli::Api::Chat => converse::<Chat>(chat, stop, output).await,
        cli::Api::Responses => converse::<Responses>(chat, stop, output).await,
    }
}

async fn converse<A: Dialect>(chat: cli::Chat, mut stop: Stop, output: &Output) -> Result<(), Failure>
where
    HttpModel: Model<A>,
{
    let cli::Chat { words, child, server, talk, model, connect } = chat;
    let cli::Child { command, env, cwd }: cli::Child = child;
    let cwd: Option<PathBuf> = cwd;
    let targets = targets::read(&words, command, &server)?;
    let start = talk::request::<A>(&model)?;
    let lines = Lines::new();
    let party = talk::Party { targets, env, cwd, talk, model, connect };
    let mut conversation = tokio::select! {
        opened = talk::open::<A>(party, talk::Occasion::Chat, &lines, output) => opened?,
        () = stop.requested() => return Err(stop::interrupted()),
    };
    output.hint("Type what you want to say; /tools, /reset and /quit are commands, Ctrl-C stops an answer.");
    let session = Session { conversation: &mut conversation, start, stop, lines, output };
    let outcome = session.run().await;
    let closed = conversation.close().await;
    outcome.and(closed)
}

struct Session<'a, A: Dialect> {
    conversation: &'a mut Conversation<A>,
    /// What a conversation begins with.
    start: A::Request,
    stop: Stop,
    lines: Lines,
    output: &'a Output,
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Nothing,
    Quit,
    Reset,
    Say(String),
    Tools,
    Unknown(String),
}

impl Typed {
    fn read(line: &str) -> Self {
        match line.trim() {
            "" => Self::Nothing,
            "/quit" | "/exit" => Self::Quit,
            "/reset" => Self::Reset,
            "/tools" => Self::Tools,
            word if word.starts_with('/') && !word.contains(char::is_whitespace) => Self::Unknown(word.to_owned()),
            _ => Self::Say(line.to_owned()),
        }
    }
}

impl<A: Dialect> Session<'_, A> {
    async fn run(mut self) -> Result<(), Failure> {
        let mut was_interrupted = false;
        loop {
            self.output.prompt("> ");
            let line = tokio::select! {
                line = self.lines.next() => line?,
                signal = self.stop.signal() => {
                    if was_interrupted || signal == Signal::Terminate {
                        return Err(stop::interrupted());
                    }
                    was_interrupted = true;
                    self.output.say("interrupted; again, or /quit, leaves");
                    continue;
                }
            };
            let Some(line) = line else { return Ok(()) };
            was_interrupted = false;
            match Typed::read(&line) {
                Typed::Nothing => {}
                Typed::Quit => return Ok(()),
                Typed::Reset => {
                    self.conversation.begin(self.start.clone());
                    self.output.say("the conversation begins anew");
                }
                Typed::Say(text) => was_interrupted = self.say(text).await?,
                Typed::Tools => self.show_tools().await,
                Typed::Unknown(word) => {
                    self.output.say(&format!("there is no command {word}; there are /tools, /reset and /quit"));
                }
            }
        }
    }

    /// Makes a turn; returns whether it was interrupted.
    async fn say(&mut self, text: String) -> Result<bool, Failure> {
        let mut signal = None;
        let stop = &mut self.stop;
        let cancel = async { signal = Some(stop.signal().await) };
        let outcome = self.conversation.turn(Some(text), cancel).await;
        match outcome {
            Ok(Some(said)) => said.print(self.conversation.view(), self.output)?,
            Ok(None) if signal == Some(Signal::Terminate) => return Err(stop::interrupted()),
            Ok(None) => {
                self.output.say("cancelled; interrupt again to leave");
                return Ok(true);
            }
            // The conversation goes on without the turn.
            Err(failure) => self.output.fail(&failure),
        }
        Ok(false)
    }

    async fn show_tools(&self) {
        let tools = self.conversation.source().tools().await;
        self.output.say(&counted(tools.len(), "tool"));
        for tool in tools.iter() {
            self.output.say(&format!("  {} ({} of {})", tool.name(), tool.tool(), tool.server()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_command_or_is_said() {
        let check = |line: &str, expected: Typed| assert_eq!(Typed::read(line), expected, "{line}");
        check("  ", Typed::Nothing);
        check(" /quit ", Typed::Quit);
        check("/reset", Typed::Reset);
        check("/tools", Typed::Tools);
        check("/foo", Typed::Unknown("/foo".to_owned()));
        check("/etc/passwd is a file", Typed::Say("/etc/passwd is a file".to_owned()));
        check(" hello", Typed::Say(" hello".to_owned()));
    }
}
