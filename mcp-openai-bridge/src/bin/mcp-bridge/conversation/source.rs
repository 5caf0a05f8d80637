//! Where a conversation's model and tools come from: the network, or a tape.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mcp_openai_bridge::driver::{Host, HostHandler, Model, Tools};
use mcp_openai_bridge::model::{HttpModel, HttpModelBuilder, Recorder, Replayer, Tape};
use mcp_openai_bridge::servers::{Listing, Servers, Upstream};
use mcp_openai_bridge::tools::ToolSet;
use serde_json::json;

use super::Settings;
use super::dialect::Dialect;
use super::targets::Targets;
use super::view::View;
use crate::cli;
use crate::command::say_left_out;
use crate::connect::Connect;
use crate::exit::{Failure, Kind, with_causes};
use crate::output::Output;

/// A model and tools.
pub(crate) struct Source<A: Dialect> {
    model: Box<dyn Model<A>>,
    calls: Box<dyn Tools>,
    origin: Origin,
    output: Output,
}

enum Origin {
    Network { servers: Servers, recorder: Option<Recorder>, listed: Mutex<Arc<ToolSet>> },
    Tape { replayer: Replayer, tools: Arc<ToolSet> },
}

impl<A: Dialect> Source<A>
where
    HttpModel: Model<A>,
{
    /// Connects to servers, and prepares to ask a model.
    pub(crate) async fn open(
        model: HttpModel,
        targets: Targets,
        connect: &Connect,
        recorder: Option<Recorder>,
        view: &Arc<View>,
        output: &Output,
    ) -> Result<Self, Failure> {
        let (servers, listing) = open_servers::<A>(targets, connect, view, output).await?;
        let listed = Mutex::new(Arc::clone(&listing.tools));
        if let Some(recorder) = &recorder {
            record_tools(recorder, &listing);
        }
        let (model, calls): (Box<dyn Model<A>>, Box<dyn Tools>) = match &recorder {
            Some(recorder) => (Box::new(recorder.model(model)), Box::new(recorder.tools(servers.clone()))),
            None => (Box::new(model), Box::new(servers.clone())),
        };
        Ok(Self { model, calls, origin: Origin::Network { servers, recorder, listed }, output: *output })
    }
}

impl<A: Dialect> Source<A> {
    /// Takes everything from a tape.
    pub(crate) fn tape(replayer: Replayer, output: &Output) -> Self {
        let servers = replayer.tape().servers();
        let builder = servers.iter().fold(ToolSet::builder(), |builder, (label, tools)| builder.server(*label, tools));
        let tools = Arc::new(builder.build());
        let (model, calls) = (Box::new(replayer.clone()), Box::new(replayer.clone()));
        Self { model, calls, origin: Origin::Tape { replayer, tools }, output: *output }
    }

    pub(crate) fn model(&self) -> &dyn Model<A> {
        &*self.model
    }

    pub(crate) fn calls(&self) -> &dyn Tools {
        &*self.calls
    }

    /// Returns the tools as they are now.
    pub(crate) async fn tools(&self) -> Arc<ToolSet> {
        match &self.origin {
            Origin::Network { servers, recorder, listed } => {
                let listing = servers.list().await;
                for outcome in listing.failures() {
                    self.output.say(&format!("warning: {outcome}"));
                }
                let before = std::mem::replace(
                    &mut *listed.lock().unwrap_or_else(PoisonError::into_inner),
                    Arc::clone(&listing.tools),
                );
                if let (Some(recorder), false) = (recorder, Arc::ptr_eq(&before, &listing.tools)) {
                    record_tools(recorder, &listing);
                }
                listing.tools
            }
            Origin::Tape { tools, .. } => Arc::clone(tools),
        }
    }

    /// Notes that a turn begins.
    pub(crate) fn begun(&self, settings: &Settings, request: &A::Request) {
        if let Origin::Network { recorder: Some(recorder), .. } = &self.origin {
            let settings = json!({ "max_rounds": settings.max_rounds, "approve": settings.wanted.written });
            recorder.turn(A::NAME, settings, request);
        }
    }

    /// Notes that a turn was cancelled.
    pub(crate) fn cancelled(&self) {
        if let Origin::Network { recorder: Some(recorder), .. } = &self.origin {
            recorder.cancelled();
        }
    }

    /// Ends connections and the tape.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self.origin {
            Origin::Network { servers, recorder, .. } => {
                servers.close().await;
                let written = recorder.map_or(Ok(()), |recorder| recorder.finish());
                written
                    .map_err(|error| Failure::unreachable(format!("the conversation could not be recorded: {error}")))
            }
            Origin::Tape { replayer, .. } => {
                let differences = replayer.differences();
                if differences.is_empty() {
                    return Ok(());
                }
                Err(Failure::new(Kind::Refused, format!("it was recorded otherwise:\n{}", differences.join("\n"))))
            }
        }
    }
}

fn record_tools(recorder: &Recorder, listing: &Listing) {
    for outcome in &listing.outcomes {
        recorder.listed(outcome.label.as_str(), &outcome.tools);
    }
}

async fn open_servers<A: Dialect>(
    targets: Targets,
    connect: &Connect,
    view: &Arc<View>,
    output: &Output,
) -> Result<(Servers, Listing), Failure> {
    let mut opened = Servers::builder();
    for (label, target) in &targets {
        let host: Arc<dyn Host<A>> = Arc::<View>::clone(view);
        let handler = HostHandler::new(host, label);
        let client = connect.open_for(target, handler, output).await.map_err(|failure| failure.at(label))?;
        opened = opened.server(Upstream::connected(label, client));
    }
    let servers = opened.deadline(connect.timeout()).build();
    let listing = servers.list().await;
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
        say_left_out(&servers.client(&outcome.label).await?, output);
    }
    let report = listing.tools.report().to_string();
    if !report.is_empty() {
        output.say(report.trim_end());
    }
    Ok((servers, listing))
}

/// Prepares to ask the model of a command line.
pub(crate) fn http_model(model: &cli::Model, output: &Output) -> Result<HttpModel, Failure> {
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

/// Begins a tape.
pub(crate) fn record(path: &Path) -> Result<Recorder, Failure> {
    let failed = |error| Failure::usage(format!("cannot record to `{}`: {error}", path.display()));
    Recorder::create(path).map_err(failed)
}

/// Reads a tape.
pub(crate) fn replay(path: &Path) -> Result<Replayer, Failure> {
    Tape::read(path).map(Replayer::new).map_err(|error| Failure::usage(error.to_string()))
}
