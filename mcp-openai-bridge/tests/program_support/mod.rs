//! Running the program `mcp-bridge`, and a scripted model for it to ask.

#![allow(dead_code, reason = "every test file uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "it is part of tests, which clippy cannot see")]

pub(crate) mod counting;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mcp_server::{Http, Server, implementation};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

/// What a run of the program printed, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Run {
    /// The standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The last line of standard error as the JSON of an error: its kind and its message.
    pub(crate) fn error(&self) -> (String, String) {
        let line: Value = serde_json::from_str(self.stderr.lines().last().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{error}: {self:?}"));
        let text = |name: &str| line["error"][name].as_str().unwrap_or_default().to_owned();
        (text("kind"), text("message"))
    }
}

/// The program with arguments, in an environment without settings for it.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-bridge"));
    command.args(args).stdin(Stdio::null());
    for name in ["COLUMNS", "MCP_BRIDGE_HOST", "MCP_BRIDGE_PORT", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"] {
        command.env_remove(name);
    }
    command
}

/// Returns whether there is a Python; with `CI=true` there must be.
pub(crate) fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok_and(|run| run.status.success());
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(found || !in_ci, "python3 is not on this machine; with CI=true it is required");
    if !found {
        println!("skipped: python3 is not on this machine");
    }
    found
}

/// Runs the program to its end.
pub(crate) fn run(args: &[&str]) -> Run {
    program(args).output().unwrap().into()
}

/// A run of the program that goes on; it is ended when this is dropped.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    /// Starts the program.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = program(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// Waits for the line of standard error that begins with `start`; returns the rest of it, and the lines before.
    pub(crate) fn wait_for(&mut self, start: &str) -> (String, Vec<String>) {
        let mut before = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it ended before it said {start:?}: {before:?}");
            match line.trim_end().strip_prefix(start) {
                Some(rest) => return (rest.to_owned(), before),
                None => before.push(line.trim_end().to_owned()),
            }
        }
    }

    /// Sends a signal, such as `TERM`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end, and returns the exit code and what else was said.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run of the program that is talked with; it is ended when this is dropped.
pub(crate) struct Talking {
    running: Running,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Talking {
    /// Starts the program.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { running: Running { child, stderr }, stdin, stdout }
    }

    /// Types a line.
    pub(crate) fn say(&mut self, line: &str) {
        self.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits for a line of standard error.
    pub(crate) fn wait_for(&mut self, start: &str) {
        self.running.wait_for(start);
    }

    /// Waits for a line of standard output.
    pub(crate) fn wait_for_output(&mut self, expected: &str) {
        let mut line = String::new();
        while line.trim_end() != expected {
            line.clear();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it ended before it printed {expected:?}");
        }
    }

    /// Sends a signal, such as `INT`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Waits for the end and returns the exit code.
    pub(crate) fn finish(self) -> Option<i32> {
        self.running.finish().0
    }
}

/// A server of the program that is listening.
pub(crate) struct Serving {
    pub(crate) running: Running,
    pub(crate) url: String,
    /// What it said before it was listening.
    pub(crate) said: Vec<String>,
}

impl Serving {
    /// Starts `serve` and waits for the line that says where it listens.
    pub(crate) fn start(args: &[&str]) -> Self {
        let args: Vec<&str> = ["serve", "--port", "0"].into_iter().chain(args.iter().copied()).collect();
        let mut running = Running::start(&args);
        let (url, said) = running.wait_for("listening on ");
        Self { running, url, said }
    }
}

/// Serves nothing at all over HTTP, for as long as the runtime lives; returns the URL of the endpoint.
pub(crate) async fn serve_bare() -> String {
    let server = Server::builder(implementation!()).build().unwrap();
    let http = Http::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", http.local_addr());
    tokio::spawn(async move { server.serve(http).await });
    url
}

/// Runs the program to its end while this runtime goes on.
pub(crate) async fn run_beside(args: &[&str]) -> Run {
    let mut command = program(args);
    tokio::task::spawn_blocking(move || command.output().unwrap().into()).await.unwrap()
}

/// What a scripted model answers to one request.
pub(crate) struct Scripted {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
    hangs: bool,
}

impl Scripted {
    /// Answers with a message of the model.
    pub(crate) fn message(message: &Value, finish_reason: &str) -> Self {
        let body = serde_json::json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason }],
            "usage": { "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 },
        });
        Self::status(200, &body.to_string())
    }

    /// Answers with a text, and the turn is over.
    pub(crate) fn text(text: &str) -> Self {
        Self::message(&serde_json::json!({ "role": "assistant", "content": text }), "stop")
    }

    /// Answers with calls: id, name, arguments as the model wrote them.
    pub(crate) fn calls(calls: &[(&str, &str, &str)]) -> Self {
        Self::message(&calling(calls), "tool_calls")
    }

    /// Answers with a status and a body.
    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned(), hangs: false }
    }

    /// Answers with items of the Responses API.
    pub(crate) fn items(output: &Value) -> Self {
        let body = serde_json::json!({
            "id": "resp_1",
            "object": "response",
            "status": "completed",
            "output": output,
            "usage": { "input_tokens": 10, "output_tokens": 5, "total_tokens": 15 },
        });
        Self::status(200, &body.to_string())
    }

    /// Answers with a message of the Responses API.
    pub(crate) fn item_text(text: &str) -> Self {
        let part = serde_json::json!({ "type": "output_text", "text": text, "annotations": [] });
        Self::items(&serde_json::json!([{ "type": "message", "id": "msg_1", "role": "assistant", "content": [part] }]))
    }

    /// Begins an answer as a stream and never ends it.
    pub(crate) fn hanging() -> Self {
        Self { hangs: true, ..Self::text("") }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// The message of a model that calls functions.
pub(crate) fn calling(calls: &[(&str, &str, &str)]) -> Value {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(id, name, arguments)| {
            serde_json::json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
        })
        .collect();
    serde_json::json!({ "role": "assistant", "content": null, "tool_calls": calls })
}

/// A request that the model was sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

/// An OpenAI-compatible server that answers by a script.
pub(crate) struct ScriptedModel {
    pub(crate) base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl ScriptedModel {
    /// Starts to serve on a free port of this machine, for as long as the runtime lives.
    pub(crate) async fn start(script: Vec<Scripted>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let recorded = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&recorded), Arc::clone(&script)));
            }
        });
        Self { base_url, asked }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The conversations that the model was sent, one for each request.
    pub(crate) fn transcripts(&self) -> Vec<Value> {
        self.asked().into_iter().map(|asked| asked.body["messages"].clone()).collect()
    }

    /// Runs `mcp-bridge ask` against this model.
    pub(crate) async fn ask(&self, args: &[&str]) -> Run {
        self.say("ask", args, "").await
    }

    /// Runs a command against this model, which reads a text from its standard input.
    pub(crate) async fn say(&self, command: &str, args: &[&str], input: &str) -> Run {
        let (mut command, input) = (self.program(command, args), input.to_owned());
        let run = move || {
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // It may not read to the end.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            child.wait_with_output().unwrap().into()
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// The program with a command and arguments, in an environment with this model.
    pub(crate) fn program(&self, command: &str, args: &[&str]) -> Command {
        let args: Vec<&str> = [command, "--model", "scripted"].into_iter().chain(args.iter().copied()).collect();
        let mut command = program(&args);
        command.env("OPENAI_BASE_URL", &self.base_url).env("OPENAI_API_KEY", KEY);
        command
    }
}

/// A folder for the files of one test, which is removed with it.
pub(crate) struct Folder(std::path::PathBuf);

impl Folder {
    /// Makes a folder.
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mcp-bridge-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Returns the path of a file in it.
    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

type Script = Mutex<VecDeque<Scripted>>;

async fn serve(stream: TcpStream, asked: Arc<Mutex<Vec<Asked>>>, script: Arc<Script>) {
    let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request, &asked, &script).await) });
    // A client that goes away is no fault of the model.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, asked: &Mutex<Vec<Asked>>, script: &Script) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let authorization = head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let body: Value = serde_json::from_slice(&body).unwrap();
    let streams = body["stream"] == true;
    asked.lock().unwrap().push(Asked { path: head.uri.path().to_owned(), authorization, body });
    let Some(next) = script.lock().unwrap().pop_front() else {
        return Response::builder().status(410).body(Full::from("the script has ended").boxed()).unwrap();
    };
    let (media, body) = if streams && next.status == 200 {
        ("text/event-stream", streamed(&serde_json::from_str(&next.body).unwrap()))
    } else {
        ("application/json", next.body)
    };
    let response = Response::builder().status(next.status).header("content-type", media);
    let response = next.headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
    if next.hangs {
        let begun = Bytes::from_static(b": begun\n\n");
        let parts = stream::iter([Ok(Frame::data(begun))]).chain(stream::pending());
        return response.body(BodyExt::boxed(StreamBody::new(parts))).unwrap();
    }
    response.body(Full::from(body).boxed()).unwrap()
}

type Body = BoxBody<Bytes, Infallible>;

/// Cuts a reply into the events of a stream, a word in each.
fn streamed(reply: &Value) -> String {
    let mut events = Vec::new();
    let words = |text: &str| text.split_inclusive(' ').map(str::to_owned).collect::<Vec<_>>();
    if let Some(choice) = reply["choices"].get(0) {
        let mut chunk = |delta: Value, finish_reason: &Value| {
            let choice = serde_json::json!({ "index": 0, "delta": delta, "finish_reason": finish_reason });
            events
                .push(serde_json::json!({ "id": reply["id"], "object": "chat.completion.chunk", "choices": [choice] }));
        };
        for word in words(choice["message"]["content"].as_str().unwrap_or_default()) {
            chunk(serde_json::json!({ "role": "assistant", "content": word }), &Value::Null);
        }
        for (index, call) in choice["message"]["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let mut call = call.clone();
            call["index"] = index.into();
            chunk(serde_json::json!({ "tool_calls": [call] }), &Value::Null);
        }
        chunk(serde_json::json!({}), &choice["finish_reason"]);
        events.push(serde_json::json!({ "id": reply["id"], "choices": [], "usage": reply["usage"] }));
    } else {
        for (index, item) in reply["output"].as_array().unwrap().iter().enumerate() {
            events
                .push(serde_json::json!({ "type": "response.output_item.added", "output_index": index, "item": item }));
            for word in words(item["content"][0]["text"].as_str().unwrap_or_default()) {
                let place = serde_json::json!({ "type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": word });
                events.push(place);
            }
            events
                .push(serde_json::json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
        }
        events.push(serde_json::json!({ "type": "response.completed", "response": reply }));
    }
    let events: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    if reply["choices"].is_array() { format!("{events}data: [DONE]\n\n") } else { events }
}

/// The API key of the tests; it must never be printed.
pub(crate) const KEY: &str = "sk-do-not-print-me";
