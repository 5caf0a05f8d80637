//! Writes down a conversation while it takes place.
//!
//! The surprising thing: a line is written when its answer has come. What is cancelled before that is not on the tape,
//! as it is not in the conversation.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mcp_types::{CallToolResult, RawJson, Tool};
use serde::Serialize;

use super::tape::{Approved, Asked, Begun, Call, Cancelled, Entry, Head, Listed, VERSION};
use crate::driver::{CallContext, Model, Tools};
use crate::error::ModelError;
use crate::turn::approval::Approval;
use crate::turn::{Api, Failure};

/// Writes what a model and tools are asked, and what they answer, to a tape; a [`Replayer`](super::Replayer) plays it.
///
/// Clones write to the same tape. No header and no key is on it; what is said in the conversation is.
///
/// # Examples
///
/// ```no_run
/// use mcp_openai_bridge::driver::{Driver, Tools};
/// use mcp_openai_bridge::model::{HttpModel, Recorder};
/// use mcp_openai_bridge::turn::Turn;
///
/// # async fn example(http: HttpModel, servers: impl Tools, turn: &mut Turn) -> Result<(), Box<dyn std::error::Error>> {
/// let recorder = Recorder::create("conversation.jsonl")?;
/// let (model, tools) = (recorder.model(http), recorder.tools(servers));
/// Driver::new(&model, &tools).run(turn).await?;
/// recorder.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Recorder {
    tape: Arc<Mutex<Writing>>,
}

struct Writing {
    out: Box<dyn Write + Send>,
    /// Why nothing more is written.
    failed: Option<io::Error>,
}

impl Recorder {
    /// Begins a tape in a new file, which only its owner may read where the system knows that; one that is there is
    /// written over.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be written.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let recorder = Self::new(BufWriter::new(options.open(path)?));
        recorder.finish()?;
        Ok(recorder)
    }

    /// Begins a tape. Each line is flushed.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        let recorder = Self { tape: Arc::new(Mutex::new(Writing { out: Box::new(out), failed: None })) };
        recorder.write(&Entry::Tape(Head { version: VERSION }));
        recorder
    }

    /// Writes down the tools of a server, so that they are known without it.
    pub fn listed(&self, server: impl Into<String>, tools: &[Tool]) {
        self.write(&Entry::Tools(Listed { server: server.into(), tools: tools.to_vec() }));
    }

    /// Writes down that a turn begins: which API it speaks, settings that whoever plays it needs, and its request before
    /// tools were added.
    pub fn turn(&self, api: impl Into<String>, settings: impl Into<RawJson>, request: &impl Serialize) {
        let begun = |request| Entry::Turn(Begun { api: api.into(), settings: settings.into(), request });
        self.write_encoded(RawJson::encode(request).map(begun));
    }

    /// Writes down what somebody said about a call, known by its id.
    pub fn approval(&self, call: impl Into<String>, approval: &Approval) {
        let denied = match approval {
            Approval::Allowed => None,
            Approval::Denied { reason } => Some(reason.clone()),
            // Nothing was said.
            _ => return,
        };
        self.write(&Entry::Approval(Approved { call: call.into(), denied }));
    }

    /// Writes down that the turn was cancelled.
    pub fn cancelled(&self) {
        self.write(&Entry::Cancelled(Cancelled {}));
    }

    /// Records a model.
    pub fn model<M>(&self, model: M) -> RecordedModel<M> {
        RecordedModel { model, recorder: self.clone() }
    }

    /// Records tools.
    pub fn tools<T>(&self, tools: T) -> RecordedTools<T> {
        RecordedTools { tools, recorder: self.clone() }
    }

    /// Says whether all has been written.
    ///
    /// # Errors
    ///
    /// Fails with what went wrong first, once; nothing was written after that.
    pub fn finish(&self) -> io::Result<()> {
        let mut tape = self.lock();
        match tape.failed.take() {
            Some(error) => {
                tape.failed = Some(io::Error::other("the tape is not complete"));
                Err(error)
            }
            None => tape.out.flush(),
        }
    }

    fn write(&self, entry: &Entry) {
        let mut tape = self.lock();
        if tape.failed.is_some() {
            return;
        }
        let written = serde_json::to_vec(entry).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            tape.out.write_all(&line)?;
            tape.out.flush()
        });
        tape.failed = written.err();
    }

    /// Writes what may not be JSON; then the tape is broken, and says so at the end.
    fn write_encoded(&self, entry: Result<Entry, serde_json::Error>) {
        match entry {
            Ok(entry) => self.write(&entry),
            Err(error) => {
                self.lock().failed.get_or_insert(error.into());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Writing> {
        // A line is written as a whole or the tape is broken, so poisoning means nothing.
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// A model whose answers are recorded; made by [`Recorder::model`].
#[derive(Clone, Debug)]
pub struct RecordedModel<M> {
    model: M,
    recorder: Recorder,
}

impl<M> RecordedModel<M> {
    fn write<A: Api>(&self, request: &A::Request, chunks: &[A::Chunk], outcome: &Result<A::Reply, ModelError>) {
        let entry = || {
            let chunks = chunks.iter().map(RawJson::encode).collect::<Result<_, _>>()?;
            let (reply, error) = match outcome {
                Ok(reply) => (Some(RawJson::encode(reply)?), None),
                Err(error) => (None, Some(error.into())),
            };
            Ok(Entry::Model(Asked { request: RawJson::encode(request)?, chunks, reply, error }))
        };
        self.recorder.write_encoded(entry());
    }
}

#[async_trait]
impl<A: Api, M: Model<A>> Model<A> for RecordedModel<M> {
    async fn complete(&self, request: &A::Request) -> Result<A::Reply, ModelError> {
        let outcome = self.model.complete(request).await;
        self.write::<A>(request, &[], &outcome);
        outcome
    }

    async fn stream(
        &self,
        request: &A::Request,
        chunks: &mut (dyn FnMut(A::Chunk) + Send),
    ) -> Result<A::Reply, ModelError> {
        let mut all = Vec::new();
        let mut keep = |chunk: A::Chunk| {
            all.push(chunk.clone());
            chunks(chunk);
        };
        let outcome = self.model.stream(request, &mut keep).await;
        self.write::<A>(request, &all, &outcome);
        outcome
    }
}

/// Tools whose results are recorded; made by [`Recorder::tools`].
#[derive(Clone, Debug)]
pub struct RecordedTools<T> {
    tools: T,
    recorder: Recorder,
}

#[async_trait]
impl<T: Tools> Tools for RecordedTools<T> {
    async fn call(
        &self,
        server: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        let told = Mutex::new(Vec::new());
        let outcome = {
            let keep = |progress: mcp_types::ProgressNotificationParams| {
                told.lock().unwrap_or_else(PoisonError::into_inner).push(progress.clone());
                cx.progress(progress);
            };
            self.tools.call(server, tool, arguments.clone(), &CallContext::new(cx.id(), &keep)).await
        };
        let (result, failure) = match &outcome {
            Ok(result) => (Some(result.clone()), None),
            Err(failure) => (None, Some(failure.into())),
        };
        let progress = told.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (server, tool) = (server.to_owned(), tool.to_owned());
        self.recorder.write(&Entry::Call(Box::new(Call { server, tool, arguments, progress, result, failure })));
        outcome
    }
}
