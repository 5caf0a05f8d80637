//! `ask`: a question to a model that may use the tools of servers.
//!
//! The surprising thing: a call that cannot be made never comes to a server. It is answered to the model with the
//! reason, and a human is told as well.

use std::ffi::OsString;

use mcp_openai_bridge::driver::Model;
use mcp_openai_bridge::model::HttpModel;
use mcp_openai_bridge::turn::{Chat, Responses};

use crate::cli;
use crate::connect::standard_input;
use crate::conversation::dialect::Dialect;
use crate::conversation::targets::{self, Targets};
use crate::exit::Failure;
use crate::lines::Lines;
use crate::output::Output;
use crate::target::Target;

use super::talk;

pub(super) async fn run(ask: cli::Ask, output: &Output) -> Result<(), Failure> {
    match ask.talk.api {
        cli::Api::Chat => answer::<Chat>(ask, output).await,
        cli::Api::Responses => answer::<Responses>(ask, output).await,
    }
}

async fn answer<A: Dialect>(ask: cli::Ask, output: &Output) -> Result<(), Failure>
where
    HttpModel: Model<A>,
{
    let cli::Ask { words, child, server, talk, model, connect } = ask;
    let cli::Child { command, env, cwd } = child;
    let (question, targets) = sorted(words, command, &server).await?;
    let is_played = talk.replay.is_some();
    let party = talk::Party { targets, env, cwd, talk, model, connect };
    let mut conversation = talk::open::<A>(party, talk::Occasion::Ask, &Lines::new(), output).await?;
    let outcome = match conversation.turn(Some(question), std::future::pending()).await {
        Ok(Some(said)) => said.print(conversation.view(), output),
        // Nobody can cancel it.
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
    // What came of the question says more than what came of the end; only a tape knows in the end what was different.
    let closed = conversation.close().await;
    if is_played { closed.and(outcome) } else { outcome.and(closed) }
}

/// Sorts words: targets, and the question at the end.
async fn sorted(
    mut words: Vec<String>,
    command: Vec<OsString>,
    named: &[String],
) -> Result<(String, Targets), Failure> {
    let question = match words.pop() {
        Some(question) if question == "-" => standard_input("the question").await?,
        Some(question) => question,
        None => String::new(),
    };
    if question.trim().is_empty() {
        return Err(Failure::usage("the question is missing; it is the last word before `--`").hint(USAGE));
    }
    if words.is_empty() && Target::parse(&question).is_ok() {
        return Err(
            Failure::usage(format!("`{question}` is a target, and the question behind it is missing")).hint(USAGE)
        );
    }
    if let [word] = words.as_slice()
        && !word.contains("://")
        && Target::parse(word).is_err()
    {
        return Err(Failure::usage(format!("`{word}` is no target, and the question is one word"))
            .hint("put the whole question between quotes"));
    }
    Ok((question, targets::read(&words, command, named)?))
}

const USAGE: &str =
    "mcp-bridge ask [TARGET]... \"QUESTION\"\nmcp-bridge ask [TARGET]... \"QUESTION\" -- COMMAND [ARG]...";

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(words: &[&str], expected: Result<(&str, usize), &str>) {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        match (sorted(words, vec!["node".into()], &[]).await, expected) {
            (Ok((question, targets)), Ok(expected)) => assert_eq!((question.as_str(), targets.len()), expected),
            (Err(failure), Err(part)) => assert!(failure.message.contains(part), "{}", failure.message),
            (sorted, expected) => panic!("{:?}, expected {expected:?}", sorted.map(|(question, _)| question)),
        }
    }

    #[tokio::test]
    async fn the_question_is_the_last_word() {
        check(&["why?"], Ok(("why?", 1))).await;
        check(&["embedded", "why?"], Ok(("why?", 2))).await;
        check(&["http://h/a", "http://h/b", "why?"], Ok(("why?", 3))).await;
    }

    #[tokio::test]
    async fn a_question_that_is_missing_or_split_is_refused() {
        check(&[], Err("the question is missing")).await;
        check(&["embedded"], Err("the question behind it is missing")).await;
        check(&["what", "time"], Err("the question is one word")).await;
        check(&["what", "is", "it"], Err("`what` is no target")).await;
    }
}
