//! What is seen of a conversation while it takes place, and who is asked in it.
//!
//! The surprising thing: data and talk share a terminal. The text of the model goes to standard output as it comes, and a
//! line about a call must not begin in the middle of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mcp_openai_bridge::driver::{Event, Host, Questions, SampleWithModel};
use mcp_openai_bridge::model::{Recorder, Replayer};
use mcp_openai_bridge::turn::approval::Approval;
use mcp_openai_bridge::turn::{Call, CallIndex, Outcome};
use mcp_types::{
    ClientCapabilities, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
    ElicitationCapability, ErrorCode, JsonObject, RpcError, SamplingCapability,
};
use tokio::time::Instant;

use super::approve::Asker;
use super::dialect::Dialect;
use crate::content::{self, Piece};
use crate::output::{Output, shortened};
use crate::progress::Progress;

/// Shows a conversation.
pub(crate) struct View {
    output: Output,
    decider: Decider,
    questions: Questions,
    state: Mutex<State>,
}

/// Who decides about calls that need an approval.
pub(crate) enum Decider {
    Human(Human),
    Tape(Replayer),
}

/// A human, and what servers are told that he can be asked.
pub(crate) struct Human {
    pub(crate) asker: Asker,
    pub(crate) recorder: Option<Recorder>,
    /// The model that servers may ask when he agrees; `None` when servers may ask nothing.
    pub(crate) sampling: Option<SampleWithModel>,
}

#[derive(Default)]
struct State {
    /// The text of the model does not end with a line.
    is_mid_line: bool,
    /// Something of the present reply was shown as it came.
    has_shown: bool,
    progress: BTreeMap<CallIndex, Progress>,
}

impl View {
    pub(crate) fn new(output: &Output, decider: Decider) -> Self {
        Self { output: *output, decider, questions: Questions::new(), state: Mutex::default() }
    }

    /// Whether the last reply was shown as it came, so that it need not be printed.
    pub(crate) fn has_shown_answer(&self) -> bool {
        self.state().has_shown
    }

    /// Ends what was begun in a turn, however it ended.
    pub(crate) fn end_turn(&self) {
        let mut state = self.state();
        state.progress.clear();
        self.end_line(&mut state);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is lost by a panic is the end of a line.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, text: &str) {
        self.end_line(&mut self.state());
        self.output.say(text);
    }

    fn end_line(&self, state: &mut State) {
        if std::mem::take(&mut state.is_mid_line) {
            self.output.print_part("\n");
        }
    }

    fn show(&self, text: &str) {
        if self.output.is_json() {
            return;
        }
        let mut state = self.state();
        self.output.print_part(text);
        state.has_shown = true;
        state.is_mid_line = !text.ends_with('\n');
    }

    fn answered(&self, call: &Call, outcome: &Outcome, took: std::time::Duration) {
        self.state().progress.remove(&call.index);
        let (mark, said) = match outcome {
            Outcome::Failed(failure) => ('✗', failure.to_string()),
            Outcome::Result(result) => {
                let said: Vec<String> = content::pieces(result).iter().map(Piece::described).collect();
                (if result.failed() { '✗' } else { '←' }, said.join(" "))
            }
            Outcome::Text(text) => ('←', text.clone()),
            _ => ('←', String::new()),
        };
        self.say(&format!("{mark} {} ({} ms) {}", call.tool.tool(), took.as_millis(), shortened(&said, SHOWN_CHARS)));
    }
}

#[async_trait]
impl<A: Dialect> Host<A> for View {
    fn event(&self, event: Event<'_, A>) {
        match event {
            Event::Answered { call, outcome, took } => self.answered(call, outcome, took),
            Event::Asking { .. } => {
                let mut state = self.state();
                self.end_line(&mut state);
                state.has_shown = false;
            }
            Event::Called(call) => {
                let arguments = shortened(call.arguments.as_str(), SHOWN_CHARS);
                self.say(&format!("→ {} {arguments}", call.tool.tool()));
                self.state().progress.insert(call.index, Progress::new(&self.output, Instant::now()));
            }
            Event::Chunk(chunk) => {
                if let Some(text) = A::delta(chunk) {
                    self.show(&text);
                }
            }
            Event::Logged { server, message } => {
                let text = shortened(message.data.as_str(), SHOWN_CHARS);
                self.say(&format!("{server} logs ({}): {text}", message.level.as_str()));
            }
            Event::Progress { call, progress } => {
                if let Some(shown) = self.state().progress.get_mut(&call.index) {
                    shown.show(progress, Instant::now());
                }
            }
            Event::Rejected(call) => {
                self.say(&format!("✗ {} {}", call.name, shortened(&call.why.to_string(), SHOWN_CHARS)));
            }
            Event::Retrying { after, why } => {
                let status = why.http_status().map(|status| format!("answered with status {status}"));
                let what = status.unwrap_or_else(|| "could not be reached".to_owned());
                self.say(&format!("the model {what}; asking again in {:.1} s", after.as_secs_f64()));
            }
            _ => {}
        }
    }

    async fn approve(&self, call: &Call) -> Approval {
        self.end_line(&mut self.state());
        let approval = self.decide(call).await;
        if let Approval::Denied { reason } = &approval {
            self.say(&format!("✗ {} not run: {}", call.tool.tool(), shortened(reason, SHOWN_CHARS)));
        }
        approval
    }

    fn capabilities(&self) -> ClientCapabilities {
        match &self.decider {
            Decider::Human(Human { sampling: Some(_), .. }) => ClientCapabilities::new()
                .elicitation(ElicitationCapability::new().form(JsonObject::new()).url(JsonObject::new()))
                .sampling(SamplingCapability::new()),
            _ => ClientCapabilities::new(),
        }
    }

    fn questions(&self) -> Option<&Questions> {
        Some(&self.questions)
    }

    async fn elicit(&self, server: &str, question: ElicitRequestParams) -> ElicitResult {
        self.end_line(&mut self.state());
        match &self.decider {
            Decider::Human(human) => human.asker.elicit(server, &question).await,
            Decider::Tape(_) => ElicitResult::new("decline"),
        }
    }

    async fn sample(
        &self,
        server: &str,
        question: CreateMessageRequestParams,
    ) -> Result<CreateMessageResult, RpcError> {
        self.end_line(&mut self.state());
        let refused = || RpcError::new(ErrorCode(-1), "the user rejected the sampling request");
        let Decider::Human(Human { asker, sampling: Some(sampling), .. }) = &self.decider else {
            return Err(refused());
        };
        let asked = serde_json::to_string(&question.messages).unwrap_or_default();
        if !asker.may_sample(server, &asked).await {
            return Err(refused());
        }
        sampling.answer(question).await
    }
}

impl View {
    async fn decide(&self, call: &Call) -> Approval {
        match &self.decider {
            Decider::Human(Human { asker, recorder, .. }) => {
                let approval = asker.ask(call).await;
                if let Some(recorder) = recorder {
                    recorder.approval(call.id.as_str(), &approval);
                }
                approval
            }
            Decider::Tape(replayer) => {
                let said = replayer.approval(&call.id);
                said.unwrap_or_else(|| Approval::denied("the tape does not say whether the call was approved"))
            }
        }
    }
}

/// Characters of arguments and results that are shown.
const SHOWN_CHARS: usize = 160;
