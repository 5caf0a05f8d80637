//! A conversation of a model with a human and the tools of servers: what `ask`, `chat` and `replay` have in common.
//!
//! ```text
//! ask, chat ─► targets ─► Source ─┬─ Servers, HttpModel, and a Recorder around both
//! replay ─────────────────────────┴─ Replayer
//!                            │
//!                            ▼
//!                      Conversation::turn ─► Driver ─► View      what is shown, and who is asked
//! ```
//!
//! The surprising thing: a turn that failed is forgotten, and one that was cancelled is not. The model has seen the calls
//! of a cancelled turn, so it is told that they were cancelled.

pub(crate) mod approve;
pub(crate) mod dialect;
mod form;
pub(crate) mod source;
pub(crate) mod targets;
pub(crate) mod view;

use std::sync::Arc;

use mcp_openai_bridge::driver::{self, Driver, End};
use mcp_openai_bridge::turn::{self, Final, Turn};
use serde_json::{Value, json};

use self::approve::Wanted;
use self::dialect::Dialect;
use self::source::Source;
use self::view::View;
use crate::exit::{Failure, Kind};
use crate::output::{Output, counted};

/// A conversation that goes on.
pub(crate) struct Conversation<A: Dialect> {
    source: Source<A>,
    view: Arc<View>,
    settings: Settings,
    /// What was said so far.
    request: A::Request,
}

/// How turns are made.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) max_rounds: u32,
    pub(crate) wanted: Wanted,
    pub(crate) streams: bool,
    pub(crate) call_timeout: std::time::Duration,
}

/// What came of a turn.
pub(crate) struct Said<A: Dialect> {
    pub(crate) end: Final<A>,
    /// The conversation, as the API writes it.
    conversation: Value,
}

impl<A: Dialect> Said<A> {
    /// Returns what the model said in the end, or why it would not.
    pub(crate) fn text(&self) -> String {
        A::words(&self.end.reply)
    }

    /// Prints what was said: as one document with `--json`, or else unless it was shown as it came.
    pub(crate) fn print(&self, view: &View, output: &Output) -> Result<(), Failure> {
        if output.is_json() {
            return output.document(&json!({
                "text": self.text(),
                "finish_reason": self.end.finish_reason,
                "rounds": self.end.rounds,
                "usage": self.end.usage,
                A::CONVERSATION: self.conversation,
            }));
        }
        if view.has_shown_answer() { Ok(()) } else { output.print(&self.text()) }
    }
}

impl<A: Dialect> Conversation<A> {
    pub(crate) fn new(source: Source<A>, view: Arc<View>, settings: Settings, request: A::Request) -> Self {
        Self { source, view, settings, request }
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    pub(crate) fn source(&self) -> &Source<A> {
        &self.source
    }

    /// Forgets what was said before this request.
    pub(crate) fn begin(&mut self, request: A::Request) {
        self.request = request;
    }

    /// Says something to the model and follows it to its answer; `None` when it was cancelled.
    pub(crate) async fn turn(
        &mut self,
        text: Option<String>,
        cancel: impl Future<Output = ()> + Send,
    ) -> Result<Option<Said<A>>, Failure> {
        let mut request = self.request.clone();
        if let Some(text) = text {
            A::say(&mut request, text);
        }
        self.source.begun(&self.settings, &request);
        let mut options = turn::Options::default();
        options.max_rounds = self.settings.max_rounds;
        options.approval = self.settings.wanted.policy.clone();
        let tools = self.source.tools().await;
        let mut turn = Turn::new(request.clone(), Arc::clone(&tools), options);
        let mut options = driver::Options::default();
        options.call_timeout = self.settings.call_timeout;
        let driver = Driver::new(self.source.model(), self.source.calls())
            .host(&*self.view)
            .options(options)
            .stream(self.settings.streams)
            .cancel_on(cancel);
        let outcome = driver.run(&mut turn).await;
        self.view.end_turn();
        let end = match outcome? {
            End::Done(end) => Some(end),
            End::Cancelled => {
                self.source.cancelled();
                None
            }
            End::OutOfRounds(end) => return Err(out_of_rounds(end.rounds)),
            _ => return Err(Failure::new(Kind::Protocol, "the model called a function that nobody offered")),
        };
        let conversation = A::into_items(turn);
        let written = serde_json::to_value(&conversation).unwrap_or_default();
        self.request = A::with(request, conversation);
        Ok(end.map(|end| Said { end, conversation: written }))
    }

    /// Ends it in good order.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.source.close().await
    }
}

fn out_of_rounds(rounds: u32) -> Failure {
    let message = format!("the model still wants to call tools after {}, and gave no answer", counted(rounds, "round"));
    Failure::new(Kind::Tool, message).hint("allow more by `--max-rounds`")
}
