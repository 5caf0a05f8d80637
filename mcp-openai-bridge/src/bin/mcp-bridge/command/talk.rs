//! What `ask` and `chat` do alike before the first word is said.

use std::path::PathBuf;

use mcp_openai_bridge::driver::Model;
use mcp_openai_bridge::model::HttpModel;

use crate::cli;
use crate::connect::Connect;
use crate::conversation::approve::{Asker, Wanted};
use crate::conversation::dialect::Dialect;
use crate::conversation::source::{self, Source};
use crate::conversation::targets::Targets;
use crate::conversation::view::{Decider, View};
use crate::conversation::{Conversation, Settings};
use crate::exit::Failure;
use crate::lines::Lines;
use crate::output::Output;
use crate::target::Target;

/// Who takes part in a conversation, and how, as the command line has it.
pub(super) struct Party {
    pub(super) targets: Targets,
    pub(super) env: Vec<String>,
    pub(super) cwd: Option<PathBuf>,
    pub(super) talk: cli::Talk,
    pub(super) model: cli::Model,
    pub(super) connect: cli::Connect,
}

/// Opens a conversation. `approve` is what is asked about unless the command line says.
pub(super) async fn open<A: Dialect>(
    party: Party,
    approve: &str,
    lines: &Lines,
    output: &Output,
) -> Result<Conversation<A>, Failure>
where
    HttpModel: Model<A>,
{
    let Party { targets, env, cwd, talk, model, connect } = party;
    let connect = Connect::new(connect, &env, cwd)?;
    let all: Vec<Target> = targets.iter().map(|(_, target)| target.clone()).collect();
    let settings = Settings {
        max_rounds: model.max_rounds,
        wanted: Wanted::parse(talk.approve.as_deref().unwrap_or(approve))?,
        streams: talk.streams(output),
        // The client of each server has the deadline; this one is for what happens around it.
        call_timeout: connect.timeout().saturating_mul(10),
    };
    let request = request::<A>(&model)?;
    if let Some(path) = &talk.replay {
        if !all.is_empty() {
            return Err(Failure::usage("with --replay no server is asked, so give no target"));
        }
        let replayer = source::replay(path)?;
        let view = View::new(output, Decider::Tape(replayer.clone()));
        return Ok(Conversation::new(Source::tape(replayer, output), view, settings, request));
    }
    connect.suits(&all)?;
    let http = source::http_model(&model, output)?;
    let recorder = talk.record.as_deref().map(source::record).transpose()?;
    let decider = Decider::Human { asker: Asker::new(lines.clone(), output), recorder: recorder.clone() };
    let source = Source::open(http, targets, &connect, recorder, output).await?;
    Ok(Conversation::new(source, View::new(output, decider), settings, request))
}

/// Begins a request to the model of the command line.
pub(super) fn request<A: Dialect>(model: &cli::Model) -> Result<A::Request, Failure> {
    match model.model.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Ok(A::begin(name, model.system.as_deref())),
        None => Err(Failure::usage("the model is missing").hint("name it by `--model NAME` or OPENAI_MODEL")),
    }
}
