//! What `ask` and `chat` do alike before the first word is said.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use mcp_openai_bridge::driver::{Model, SampleWithModel};
use mcp_openai_bridge::model::HttpModel;

use crate::cli;
use crate::connect::Connect;
use crate::conversation::approve::{Asker, Wanted};
use crate::conversation::dialect::Dialect;
use crate::conversation::source::{self, Source};
use crate::conversation::targets::Targets;
use crate::conversation::view::{Decider, Human, View};
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

/// What a conversation is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    Ask,
    Chat,
}

impl Occasion {
    /// Which calls must be approved that the command line says nothing of.
    fn approve(self) -> &'static str {
        match self {
            Self::Ask => "never",
            Self::Chat => "writes",
        }
    }

    /// Whether somebody is there whom servers may ask something.
    fn has_somebody(self) -> bool {
        self == Self::Chat || io::stdin().is_terminal()
    }
}

/// Opens a conversation.
pub(super) async fn open<A: Dialect>(
    party: Party,
    occasion: Occasion,
    lines: &Lines,
    output: &Output,
) -> Result<Conversation<A>, Failure>
where
    HttpModel: Model<A>,
{
    let Party { targets, env, cwd, talk, model, connect } = party;
    let connect = Connect::new(connect, &env, cwd).await?;
    let all: Vec<Target> = targets.iter().map(|(_, target)| target.clone()).collect();
    let settings = Settings {
        max_rounds: model.max_rounds,
        wanted: Wanted::parse(talk.approve.as_deref().unwrap_or(occasion.approve()), occasion.approve())?,
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
        let view = Arc::new(View::new(output, Decider::Tape(replayer.clone())));
        return Ok(Conversation::new(Source::tape(replayer, output), view, settings, request));
    }
    connect.suits(&all)?;
    let http = source::http_model(&model, output)?;
    let recorder = talk.record.as_deref().map(source::record).transpose()?;
    let asker = Asker::new(lines.clone(), output);
    let sampling = occasion.has_somebody().then(|| SampleWithModel::new(Arc::new(http.clone()), named(&model)));
    let human = Human { asker, recorder: recorder.clone(), sampling };
    let view = Arc::new(View::new(output, Decider::Human(human)));
    let source = Source::open(http, targets, &connect, recorder, &view, output).await?;
    Ok(Conversation::new(source, view, settings, request))
}

/// Begins a request to the model of the command line.
pub(super) fn request<A: Dialect>(model: &cli::Model) -> Result<A::Request, Failure> {
    match named(model) {
        "" => Err(Failure::usage("the model is missing").hint("name it by `--model NAME` or OPENAI_MODEL")),
        name => Ok(A::begin(name, model.system.as_deref())),
    }
}

fn named(model: &cli::Model) -> &str {
    model.model.as_deref().unwrap_or_default()
}
