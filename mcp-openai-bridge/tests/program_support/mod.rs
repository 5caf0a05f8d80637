//! Running the program `mcp-bridge`, and a scripted model for it to ask.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

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

/// Runs the program to its end.
pub(crate) fn run(args: &[&str]) -> Run {
    program(args).output().unwrap().into()
}

/// A server of the program that is running; it is ended when this is dropped.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) url: String,
    /// What it said before it was listening.
    pub(crate) said: Vec<String>,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Serving {
    /// Starts `serve` and waits for the line that says where it listens.
    pub(crate) fn start(args: &[&str]) -> Self {
        let args: Vec<&str> = ["serve", "--port", "0"].into_iter().chain(args.iter().copied()).collect();
        let mut child = program(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = Vec::new();
        loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended before it listened: {said:?}");
            if let Some(url) = line.trim_end().strip_prefix("listening on ") {
                let url = url.to_owned();
                return Self { child, url, said, stderr };
            }
            said.push(line.trim_end().to_owned());
        }
    }

    /// Waits for the end, and returns the exit code and what was said since it listened.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stderr, &mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a scripted model answers to one request.
pub(crate) struct Scripted {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
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
        Self { status: 200, headers: Vec::new(), body: body.to_string() }
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
        Self { status, headers: Vec::new(), body: body.to_owned() }
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
                let (asked, script) = (Arc::clone(&recorded), Arc::clone(&script));
                let service = service_fn(move |request| {
                    let (asked, script) = (Arc::clone(&asked), Arc::clone(&script));
                    async move { Ok::<_, Infallible>(answer(request, &asked, &script).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
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
        let args: Vec<&str> = ["ask", "--model", "scripted"].into_iter().chain(args.iter().copied()).collect();
        let mut command = program(&args);
        command.env("OPENAI_BASE_URL", &self.base_url).env("OPENAI_API_KEY", KEY);
        tokio::task::spawn_blocking(move || command.output().unwrap().into()).await.unwrap()
    }
}

async fn answer(
    request: Request<Incoming>,
    asked: &Mutex<Vec<Asked>>,
    script: &Mutex<VecDeque<Scripted>>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let authorization = head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let body = serde_json::from_slice(&body).unwrap();
    asked.lock().unwrap().push(Asked { path: head.uri.path().to_owned(), authorization, body });
    let Some(next) = script.lock().unwrap().pop_front() else {
        return Response::builder().status(410).body(Full::from("the script has ended")).unwrap();
    };
    let response = Response::builder().status(next.status).header("content-type", "application/json");
    let response = next.headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
    response.body(Full::from(next.body)).unwrap()
}

/// The API key of the tests; it must never be printed.
pub(crate) const KEY: &str = "sk-do-not-print-me";
