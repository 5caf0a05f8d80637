//! Conversations that are recorded and played again.

use mcp_types::{ProgressNotificationParams, Tool};
use serde_json::json;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::chat::{Chunk, Completion, Delta, Message, Request};
use crate::driver::{Driver, End, Event, Host};
use crate::model::Recorder;
use crate::tools::ToolSet;
use crate::turn::{self, Turn};

/// Gives its replies one after the other, or else is busy.
struct Script(Mutex<VecDeque<Value>>);

#[async_trait]
impl Model for Script {
    async fn complete(&self, request: &Request) -> Result<Completion, ModelError> {
        self.stream(request, &mut |_| ()).await
    }

    async fn stream(&self, _: &Request, chunks: &mut (dyn FnMut(Chunk) + Send)) -> Result<Completion, ModelError> {
        let next = self.0.lock().unwrap().pop_front().expect("the script goes on");
        if next.is_null() {
            return Err(ModelError::new("busy").status(503).retry_after(Duration::from_secs(1)));
        }
        chunks(Chunk::new(Delta::text_delta("…")));
        Ok(serde_json::from_value(next).unwrap())
    }
}

/// Answers later calls first, tells progress, and has no tool `gone`.
#[derive(Default)]
struct Lab(AtomicUsize);

#[async_trait]
impl Tools for Lab {
    async fn call(
        &self,
        _: &str,
        tool: &str,
        arguments: RawJson,
        cx: &CallContext<'_>,
    ) -> Result<CallToolResult, Failure> {
        let before = self.0.fetch_add(1, Ordering::SeqCst) as u64;
        cx.progress(
            serde_json::from_value::<ProgressNotificationParams>(json!({"progressToken": 1, "progress": 0.5})).unwrap(),
        );
        tokio::time::sleep(Duration::from_millis(100 - before)).await;
        match tool {
            "gone" => Err(Failure::Protocol { code: -32602, message: "no tool".to_owned() }),
            _ => Ok(CallToolResult::text(format!("{tool} {arguments}"))),
        }
    }
}

/// Notes what happens.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Host for Notes {
    fn event(&self, event: Event<'_>) {
        let note = match event {
            Event::Chunk(chunk) => format!("chunk {}", chunk.text()),
            Event::Progress { progress, .. } => format!("progress {}", progress.progress),
            Event::Retrying { why, .. } => format!("retrying {why}"),
            _ => return,
        };
        self.0.lock().unwrap().push(note);
    }
}

/// A tape in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn tools() -> [Tool; 2] {
    ["echo", "gone"].map(|name| Tool::new(name, RawJson::parse(r#"{"type":"object"}"#).unwrap()))
}

fn script() -> Script {
    let call = |id: &str, name: &str, n: u32| json!({"id": id, "type": "function", "function": {"name": name, "arguments": format!("{{\"n\":{n}}}")}});
    let calls = json!({"choices":[{"message":{"role":"assistant","content":null,"tool_calls":
        [call("a", "echo", 1), call("b", "gone", 2), call("c", "echo", 1), call("d", "echo", 3)]}}]});
    let says = json!({"choices":[{"message":{"role":"assistant","content":"done"}}],"usage":{"total_tokens":3}});
    Script(Mutex::new([Value::Null, calls, says].into()))
}

fn begin(question: &str) -> Turn {
    let set = Arc::new(ToolSet::builder().server("lab", &tools()).build());
    Turn::new(Request::new("m", [Message::user(question)]), set, turn::Options::default())
}

/// Runs a turn and returns its conversation, and what happened meanwhile.
async fn run(turn: &mut Turn, model: &dyn Model, tools: &dyn Tools) -> Result<(Value, Vec<String>), crate::Error> {
    let notes = Notes::default();
    let end = Driver::new(model, tools).host(&notes).stream(true).run(turn).await?;
    let End::Done(end) = end else { panic!("{end:?}") };
    assert_eq!(end.text(), "done");
    Ok((serde_json::to_value(turn.messages()).unwrap(), notes.0.into_inner().unwrap()))
}

async fn recorded() -> (Memory, Value, Vec<String>) {
    let memory = Memory::default();
    let recorder = Recorder::new(memory.clone());
    recorder.listed("lab", &tools());
    let (model, tools) = (recorder.model(script()), recorder.tools(Lab::default()));
    let (conversation, notes) = run(&mut begin("go"), &model, &tools).await.unwrap();
    recorder.finish().unwrap();
    (memory, conversation, notes)
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_played_as_it_was_recorded_with_its_errors_chunks_and_progress() {
    let (memory, conversation, notes) = recorded().await;
    assert!(notes.contains(&"retrying busy (HTTP status 503)".to_owned()), "{notes:?}");
    assert_eq!(notes.iter().filter(|note| note.starts_with("chunk")).count(), 2);
    let replayer = Replayer::new(Tape::parse(&memory.text()).unwrap());
    assert_eq!(replayer.tape().servers(), [("lab", tools().as_slice())]);
    let begun = tokio::time::Instant::now();
    let played = run(&mut begin("go"), &replayer, &replayer).await.unwrap();
    assert_eq!(played, (conversation, notes));
    // The provider wanted a second to itself, and got it when it was recorded.
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(replayer.differences(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_differs_says_where() {
    let (memory, _, _) = recorded().await;
    let replayer = Replayer::new(Tape::parse(&memory.text()).unwrap());
    let error = run(&mut begin("go on"), &replayer, &replayer).await.unwrap_err();
    let error = std::error::Error::source(&error).unwrap().to_string();
    let expected = "the request is not the one in line 3 of the tape, at /messages/0/content: \"go\" was recorded, \"go on\" is there now";
    assert_eq!(error, expected);
    let differences = replayer.differences();
    assert_eq!(differences[0], expected);
    assert_eq!(differences.len(), 1 + 3 + 4, "{differences:?}");
    assert!(differences[1].starts_with("the request to the model in line 3"), "{differences:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_differs_says_where_and_the_same_call_is_played_once() {
    let (memory, _, _) = recorded().await;
    let replayer = Replayer::new(Tape::parse(&memory.text()).unwrap());
    let call = async |tool: &str, arguments: &str| {
        let arguments = RawJson::parse(arguments.to_owned()).unwrap();
        replayer.call("lab", tool, arguments, &CallContext::unwatched("x")).await.map(|result| result.content.len())
    };
    // The order of members does not count, and numbers do.
    assert!(call("echo", "{\"n\": 1}").await.is_ok());
    assert!(call("echo", "{\"n\": 1}").await.is_ok());
    let Err(Failure::Transport { message }) = call("echo", "{\"n\": 1}").await else { panic!() };
    assert!(message.starts_with("the call of `echo` is not the one in line "), "{message}");
    assert!(message.ends_with("at /n: 3 was recorded, 1 is there now"), "{message}");
    let Err(Failure::Transport { message }) = call("other", "{}").await else { panic!() };
    assert_eq!(message, "the tape has no further call of `other`");
    assert!(matches!(call("gone", "{\"n\": 2}").await, Err(Failure::Protocol { code: -32602, .. })));
}

#[test]
fn what_somebody_said_about_a_call_is_on_the_tape() {
    let memory = Memory::default();
    let recorder = Recorder::new(memory.clone());
    recorder.turn("chat", json!({"approve": "writes"}), &Request::new("m", [Message::user("go")]));
    recorder.approval("a", &Approval::Allowed);
    recorder.approval("b", &Approval::denied("not today"));
    recorder.approval("c", &Approval::Later);
    let replayer = Replayer::new(Tape::parse(&memory.text()).unwrap());
    let said = ["b", "a", "c", "a"].map(|call| replayer.approval(call));
    assert_eq!(said, [Some(Approval::denied("not today")), Some(Approval::Allowed), None, None]);
    recorder.turn("responses", json!({}), &json!({"input": "stop"}));
    recorder.cancelled();
    let tape = Tape::parse(&memory.text()).unwrap();
    let turns: Vec<_> =
        tape.turns().map(|turn| (turn.line, turn.api, turn.settings.as_str(), turn.is_cancelled)).collect();
    assert_eq!(turns, [(2, "chat", "{\"approve\":\"writes\"}", false), (5, "responses", "{}", true)]);
}

#[test]
fn a_tape_that_cannot_be_written_says_so_at_the_end() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let recorder = Recorder::new(Full);
    recorder.listed("lab", &tools());
    assert_eq!(recorder.finish().unwrap_err().to_string(), "the disk is full");
    assert_eq!(recorder.finish().unwrap_err().to_string(), "the tape is not complete");
}
