//! `ask`: a question to a model that may use the tools of servers.
//!
//! The surprising thing: a call that cannot be made never comes to a server. It is answered to the model with the
//! reason, and a human is told as well.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mcp_openai_bridge::chat::{self, Message};
use mcp_openai_bridge::driver::{self, CallContext, Driver, End, Event, Host, Tools};
use mcp_openai_bridge::model::{HttpModel, HttpModelBuilder};
use mcp_openai_bridge::servers::{self, Upstream};
use mcp_openai_bridge::tools::ToolSet;
use mcp_openai_bridge::turn::{self, Failure as CallFailure, Final, Turn};
use mcp_types::{CallToolResult, RawJson};
use serde_json::json;
use tokio::time::Instant;

use crate::cli;
use crate::connect::{Connect, standard_input};
use crate::content::{self, Piece};
use crate::exit::{Failure, Kind, with_causes};
use crate::output::{Output, counted, shortened};
use crate::progress::Progress;
use crate::target::Target;

use super::tools::say_left_out;

pub(super) async fn run(ask: cli::Ask, output: &Output) -> Result<(), Failure> {
    let cli::Ask { words, child, server, model, connect } = ask;
    let cli::Child { command, env, cwd } = child;
    let (question, targets) = targets(words, command, &server)?;
    let connect = Connect::new(connect, &env, cwd)?;
    let all: Vec<Target> = targets.iter().map(|(_, target)| target.clone()).collect();
    connect.suits(&all)?;
    let http = http_model(&model, output)?;
    let request = request(&model, question)?;

    let servers = Servers::open(targets, &connect, output).await?;
    let outcome = servers.ask(request, &http, &model).await;
    servers.close().await;
    let (turn, end) = outcome?;
    print(&turn, &end, output)
}

/// Sorts words: targets, and the question at the end.
fn targets(
    mut words: Vec<String>,
    command: Vec<std::ffi::OsString>,
    named: &[String],
) -> Result<(String, Vec<(String, Target)>), Failure> {
    let question = match words.pop() {
        Some(question) if question == "-" => standard_input("the question")?,
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
    let mut targets = Vec::new();
    for word in named {
        let Some((name, target)) = word.split_once('=').filter(|(name, _)| is_label(name)) else {
            return Err(Failure::usage(format!("`{word}` is no server with a name"))
                .hint("write it like --server weather=https://host/mcp; a name has letters, digits, `-` and `_`"));
        };
        targets.push((name.to_owned(), Target::parse(target)?));
    }
    for word in &words {
        let target = Target::parse(word).map_err(|failure| match failure.hint {
            _ if words.len() > 1 || word.contains("://") => failure,
            _ => Failure::usage(format!("`{word}` is no target, and the question is one word"))
                .hint("put the whole question between quotes"),
        })?;
        targets.push((target.label(), target));
    }
    if !command.is_empty() {
        let target = Target::Command(command);
        targets.push((target.label(), target));
    }
    make_unique(&mut targets);
    Ok((question, targets))
}

fn is_label(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Numbers servers of the same name, because the tools of two servers are told apart by it.
fn make_unique(targets: &mut [(String, Target)]) {
    let mut seen = std::collections::BTreeSet::new();
    for (label, _) in targets {
        let natural = label.clone();
        let mut number = 2;
        while !seen.insert(label.clone()) {
            *label = format!("{natural}-{number}");
            number += 1;
        }
    }
}

fn http_model(model: &cli::Model, output: &Output) -> Result<HttpModel, Failure> {
    let key = std::env::var("OPENAI_API_KEY").ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    let has_key = key.is_some();
    let patience = Duration::from_secs(model.model_timeout);
    let builder = HttpModel::builder(&model.base_url).first_byte_timeout(patience).chunk_timeout(patience);
    let http = key.into_iter().fold(builder, HttpModelBuilder::key).build();
    let http = http.map_err(|error| Failure::usage(with_causes(&error)))?;
    let place = http.base_url();
    if !has_key && place.is_openai() {
        return Err(Failure::new(Kind::Auth, "there is no API key: the variable OPENAI_API_KEY is not set")
            .hint("export OPENAI_API_KEY=…, or name another provider by OPENAI_BASE_URL"));
    }
    if has_key && !place.is_tls() && !place.is_loopback() {
        output.say(&format!("warning: the API key goes to {place} without encryption"));
    }
    Ok(http)
}

fn request(model: &cli::Model, question: String) -> Result<chat::Request, Failure> {
    let Some(name) = model.model.as_deref().filter(|name| !name.is_empty()) else {
        return Err(Failure::usage("the model is missing").hint("name it by `--model NAME` or OPENAI_MODEL"));
    };
    let system = model.system.as_deref().map(Message::system);
    let messages: Vec<Message> = system.into_iter().chain([Message::user(question)]).collect();
    Ok(chat::Request::new(name, messages))
}

fn print(turn: &Turn, end: &Final, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.document(&json!({
            "text": end.text(),
            "finish_reason": end.finish_reason,
            "rounds": end.rounds,
            "usage": end.usage,
            "messages": turn.messages(),
        }));
    }
    output.print(&end.text())
}

/// The servers whose tools the model may use.
struct Servers {
    servers: servers::Servers,
    tools: Arc<ToolSet>,
    timeout: Duration,
    output: Output,
}

impl Servers {
    async fn open(targets: Vec<(String, Target)>, connect: &Connect, output: &Output) -> Result<Self, Failure> {
        let mut opened = servers::Servers::builder();
        for (label, target) in &targets {
            let client = connect.open(target, output).await.map_err(|failure| failure.at(label))?;
            opened = opened.server(Upstream::connected(label, client));
        }
        let opened = opened.deadline(connect.timeout()).build();
        let listing = opened.list().await;
        for outcome in &listing.outcomes {
            let failed = |failure: Failure| failure.at(&outcome.label);
            if let Some(error) = outcome.client_error() {
                return Err(failed(error.into()));
            }
            if let Some(error) = &outcome.error {
                return Err(failed(Failure::unreachable(error)));
            }
            if outcome.tools.is_empty() {
                output.say(&format!("{} has no tools", outcome.label));
            }
            say_left_out(&opened.client(&outcome.label).await?, output);
        }
        let (servers, tools) = (opened, listing.tools);
        let report = tools.report().to_string();
        if !report.is_empty() {
            output.say(report.trim_end());
        }
        Ok(Self { servers, tools, timeout: connect.timeout(), output: *output })
    }

    async fn ask(
        &self,
        request: chat::Request,
        http: &HttpModel,
        model: &cli::Model,
    ) -> Result<(Turn, Final), Failure> {
        let mut options = turn::Options::default();
        options.max_rounds = model.max_rounds;
        let mut turn = Turn::new(request, Arc::clone(&self.tools), options);
        let mut options = driver::Options::default();
        // The client of each server has the deadline; this one is for what happens around it.
        options.call_timeout = self.timeout.saturating_mul(10);
        match Driver::new(http, self).host(self).options(options).run(&mut turn).await? {
            End::Done(end) => Ok((turn, end)),
            End::OutOfRounds(end) => Err(Failure::new(
                Kind::Tool,
                format!(
                    "the model still wants to call tools after {}, and gave no answer",
                    counted(end.rounds, "round")
                ),
            )
            .hint("allow more by `--max-rounds`")),
            _ => Err(Failure::new(Kind::Protocol, "the model called a function that nobody offered")),
        }
    }

    async fn close(self) {
        self.servers.close().await;
    }
}

#[async_trait]
impl Tools for Servers {
    async fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: RawJson,
        _: &CallContext<'_>,
    ) -> Result<CallToolResult, CallFailure> {
        let client = self.servers.client(server).await?;
        self.output.say(&format!("→ {tool} {}", shortened(arguments.as_str(), SHOWN_CHARS)));
        let since = Instant::now();
        let mut progress = Progress::new(&self.output, since);
        let call = client.tool(tool).arguments(arguments).on_progress(|told| progress.show(&told, Instant::now()));
        let result = call.call().await;
        drop(progress);
        let took = Instant::now().duration_since(since).as_millis();
        match result {
            Ok(result) => {
                let result = result.into_inner();
                let mark = if result.failed() { '✗' } else { '←' };
                let said: Vec<String> = content::pieces(&result).iter().map(Piece::described).collect();
                self.output.say(&format!("{mark} {tool} ({took} ms) {}", shortened(&said.join(" "), SHOWN_CHARS)));
                Ok(result)
            }
            Err(error) => {
                self.output.say(&format!("✗ {tool} ({took} ms) {}", shortened(&with_causes(&error), SHOWN_CHARS)));
                Err(error.into())
            }
        }
    }
}

impl Host for Servers {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Rejected(call) => {
                self.output.say(&format!("✗ {} {}", call.name, shortened(&call.why.to_string(), SHOWN_CHARS)));
            }
            Event::Retrying { after, why } => {
                let status = why.http_status().map(|status| format!("answered with status {status}"));
                let what = status.unwrap_or_else(|| "could not be reached".to_owned());
                self.output.say(&format!("the model {what}; asking again in {:.1} s", after.as_secs_f64()));
            }
            _ => {}
        }
    }
}

/// Characters of arguments and results that are shown.
const SHOWN_CHARS: usize = 160;

const USAGE: &str =
    "mcp-bridge ask [TARGET]... \"QUESTION\"\nmcp-bridge ask [TARGET]... \"QUESTION\" -- COMMAND [ARG]...";

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(words: &[&str], command: &[&str], named: &[&str]) -> Result<(String, Vec<String>), String> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let command = command.iter().map(Into::into).collect();
        targets(owned(words), command, &owned(named))
            .map(|(question, targets)| (question, targets.into_iter().map(|(label, _)| label).collect()))
            .map_err(|failure| failure.message)
    }

    #[test]
    fn the_question_is_the_last_word_and_targets_have_names_of_their_own() {
        let check = |words: &[&str], command: &[&str], named: &[&str], labels: &[&str]| {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            assert_eq!(sorted(words, command, named), Ok(("why?".to_owned(), labels)));
        };
        check(&["why?"], &[], &[], &[]);
        check(&["embedded", "why?"], &[], &[], &["embedded"]);
        check(&["why?"], &["node", "x.js"], &[], &["node"]);
        check(&["http://h/a", "http://h/b", "why?"], &[], &["w=embedded"], &["w", "h", "h-2"]);
    }

    #[test]
    fn a_question_that_is_missing_or_split_is_refused() {
        assert!(sorted(&[], &["node"], &[]).unwrap_err().starts_with("the question is missing"));
        assert!(sorted(&["embedded"], &[], &[]).unwrap_err().contains("the question behind it is missing"));
        assert!(sorted(&["what", "time"], &[], &[]).unwrap_err().contains("the question is one word"));
        assert!(sorted(&["why?"], &[], &["no name"]).unwrap_err().contains("is no server with a name"));
    }
}
