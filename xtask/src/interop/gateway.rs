//! The second seed to the letter: its two files saved side by side, the program started beside them, and the paths that
//! are no MCP asked by `curl`.

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    install,
    interop::{
        Check,
        cells::Transport,
        offer::Text,
        ours::{expect_text, found, text_of},
        run::{Target, url_in},
        wire::Scratch,
    },
    process::{Group, Outcome, Red, capture},
    workspace::root,
};

/// The files of the seed, below the top of the tree.
pub(crate) const SEED: &str = "xtask/interop/seed";

/// A gateway that runs.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// The folder of its files; it is gone when the gateway is.
    _folder: Scratch,
    _process: Group,
    url: String,
}

impl Gateway {
    /// Saves the files of the seed and starts the program as the seed says, on a port that is free.
    ///
    /// # Errors
    ///
    /// When the files cannot be saved or it does not say where it listens.
    pub(crate) fn start(program: &std::path::Path) -> Outcome<Self> {
        let folder = Scratch::new()?;
        for name in ["config.yaml", "mcp_tools.py"] {
            install::write(&folder.file(name), &install::read(&root().join(SEED).join(name))?)?;
        }
        let mut command = Command::new(program);
        command.current_dir(folder.file(".")).args(["--config", "config.yaml", "--port", "0"]);
        let mut process = Group::start(&mut command)?;
        let url = process.wait_for(PATIENCE, |line| url_in(&line.text))?;
        Ok(Self { _folder: folder, _process: process, url })
    }

    /// Where a client finds it: the endpoint as the seed writes it, or the top for plain requests.
    pub(crate) fn url(&self, transport: Transport) -> String {
        // The seed says `localhost`, and the end of the path has a slash.
        let top = self.url.split("/mcp").next().unwrap_or_default().replace("127.0.0.1", "localhost");
        if transport == Transport::Rest { top } else { format!("{top}/mcp/") }
    }
}

/// Asks every path of the REST surface.
pub(crate) fn check(target: &Target) -> Vec<Check> {
    let Target::Http(top) = target else { return Vec::new() };
    let rest = Rest { top };
    vec![
        Check::of("list_tools", rest.list_tools()),
        Check::of("call_tool", rest.call_tool()),
        Check::of("mcp-rest/list", rest.litellm_list()),
        Check::of("mcp-rest/call", rest.litellm_call()),
        Check::of("refuse", rest.refuse()),
    ]
}

struct Rest<'t> {
    top: &'t str,
}

impl Rest<'_> {
    /// The same list by both methods.
    fn list_tools(&self) -> Outcome<String> {
        for method in ["GET", "POST"] {
            let answer = self.ask(method, "/mcp/list_tools", None)?.ok()?;
            let tool = found(&answer["tools"], "/name", TOOL)?;
            expect(tool["description"] == "Get the current time", &answer)?;
            expect(tool["inputSchema"]["properties"]["format"]["enum"] == json!(["short"]), &answer)?;
        }
        Ok("GET and POST".to_owned())
    }

    fn call_tool(&self) -> Outcome<String> {
        for arguments in [json!({"format": "short"}), json!({})] {
            let asked = json!({"name": TOOL, "arguments": arguments});
            expect_time(&self.ask("POST", "/mcp/call_tool", Some(&asked))?.ok()?)?;
        }
        let plain = json!({"name": TOOL});
        expect_time(&self.ask("POST", "/mcp/call_tool", Some(&plain))?.ok()?)?;
        Ok("3 calls".to_owned())
    }

    fn litellm_list(&self) -> Outcome<String> {
        let answer = self.ask("GET", "/mcp-rest/tools/list", None)?.ok()?;
        let tool = found(&answer["tools"], "/name", TOOL)?;
        expect(tool["mcp_info"].is_object(), &answer)?;
        expect(answer["error"].is_null() && answer["message"] == "Successfully retrieved tools", &answer)?;
        expect(answer["server_outcomes"].is_object(), &answer)?;
        Ok("in LiteLLM's shape".to_owned())
    }

    fn litellm_call(&self) -> Outcome<String> {
        let listed = self.ask("GET", "/mcp-rest/tools/list", None)?.ok()?;
        let server = &found(&listed["tools"], "/name", TOOL)?["mcp_info"]["server_id"];
        let asked = json!({"server_id": server, "name": TOOL, "arguments": {"format": "short"}});
        let answer = self.ask("POST", "/mcp-rest/tools/call", Some(&asked))?.ok()?;
        expect_time(&answer)?;
        expect(answer["isError"] == false && answer["structuredContent"].is_null(), &answer)?;
        Ok("in LiteLLM's shape".to_owned())
    }

    /// What is wrong is said by a status that is true, and by a document that says what.
    fn refuse(&self) -> Outcome<String> {
        let unknown = json!({"name": "nowhere", "arguments": {}});
        let wrong = json!({"name": TOOL, "arguments": {"format": "tiny"}});
        let text = json!({"name": TOOL, "arguments": "format"});
        let cases = [
            ("POST", "/mcp/call_tool", Some(&unknown), [404, 404]),
            ("POST", "/mcp/call_tool", Some(&wrong), [400, 422]),
            ("POST", "/mcp/call_tool", Some(&text), [400, 422]),
            ("POST", "/mcp/call_tool", None, [400, 422]),
            ("GET", "/mcp/call_tool", None, [405, 405]),
            ("DELETE", "/mcp/list_tools", None, [405, 405]),
            ("GET", "/mcp/nowhere", None, [404, 404]),
        ];
        for (method, path, asked, expected) in cases {
            let answer = self.ask(method, path, asked)?;
            if !expected.contains(&answer.status) {
                return Err(Red::new(format!("{method} {path} {asked:?}: expected {expected:?}, got {answer:?}")));
            }
        }
        Ok(format!("{} refusals", cases.len()))
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Outcome<Answer> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--request", method]);
        curl.args(["--write-out", "\n%{http_code}"]);
        if let Some(body) = body {
            curl.args(["--header", "Content-Type: application/json", "--data", &body.to_string()]);
        }
        let printed = capture(curl.arg(format!("{}{path}", self.top)))?.stdout;
        let (body, status) = printed.rsplit_once('\n').unwrap_or(("", &printed));
        let asked = format!("{method} {path}");
        Ok(Answer { asked, status: status.parse().unwrap_or_default(), body: body.to_owned() })
    }
}

/// What came of one request.
#[derive(Debug)]
struct Answer {
    asked: String,
    status: u16,
    body: String,
}

impl Answer {
    /// The document of an answer that is no refusal.
    fn ok(&self) -> Outcome<Value> {
        let document = serde_json::from_str(&self.body);
        match document {
            Ok(document) if self.status == 200 => Ok(document),
            _ => Err(Red::new(format!("{} was answered {}: {}", self.asked, self.status, self.body))),
        }
    }
}

fn expect(is_so: bool, answer: &Value) -> Outcome {
    if is_so { Ok(()) } else { Err(Red::new(format!("not what it should be: {answer}"))) }
}

fn expect_time(answer: &Value) -> Outcome {
    expect_text(Text::Like("00:00"), &text_of(&answer["content"]))
}

/// The tool of the seed.
const TOOL: &str = "get_current_time";
/// How long the gateway may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
