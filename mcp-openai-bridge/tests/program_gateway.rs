//! The gateway as a program: the second seed's files, started by its command line, asked over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod program_support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use program_support::{Running, has_python, run};
use serde_json::{Value, json};

/// The first file of the document.
const SHORT: &str = r#"model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: sk-xxxxxxx



mcp_tools:
  - name: "get_current_time"
    description: "Get the current time"
    input_schema: {
      "type": "object",
      "properties": {
        "format": {
          "type": "string",
          "description": "The format of the time to return",
          "enum": ["short"]
        }
      }
    }
    handler: "mcp_tools.get_current_time"
"#;

/// The definition at its end.
const LONG: &str = r#"mcp_tools:
  - name: "get_current_time"
    description: "Get the current time in a specified format"
    input_schema: {
      "type": "object",
      "properties": {
        "format": {
          "type": "string",
          "description": "The format of the time to return",
          "enum": ["short", "long", "iso"]
        },
        "timezone": {
          "type": "string",
          "description": "The timezone to use (e.g., 'UTC', 'America/New_York')",
          "default": "UTC"
        }
      },
      "required": ["format"]
    }
    handler: "mcp_tools.get_current_time"
"#;

/// A function as the document has it, and one that tells which process it runs in.
const PYTHON: &str = "
import os
from datetime import datetime

print('this must not reach the wire')

def get_current_time(format: str = 'short'):
    return datetime.now().strftime('%H:%M')

def process():
    return str(os.getpid())
";

/// A folder with a file and its Python, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(file: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gateway-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.yaml"), file).unwrap();
        std::fs::write(folder.join("mcp_tools.py"), PYTHON).unwrap();
        Self(folder)
    }

    fn file(&self) -> String {
        self.0.join("config.yaml").to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program, serving a file by the command line of LiteLLM.
struct Gateway {
    running: Running,
    url: String,
    said: Vec<String>,
    _folder: Folder,
}

impl Gateway {
    fn start(file: &str) -> Self {
        let folder = Folder::new(file);
        let mut running = Running::start(&["--config", &folder.file(), "--port", "0", "--detailed_debug"]);
        let (url, said) = running.wait_for("listening on ");
        Self { running, url, said, _folder: folder }
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap()
    }

    /// Sends a request as it is written here, without its end, and returns status, head and body.
    fn ask(&self, first_line: &str, headers: &[&str], body: &str) -> Got {
        let mut stream = self.send(first_line, headers, body);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Got { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn send(&self, first_line: &str, headers: &[&str], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let host = if headers.iter().any(|header| header.starts_with("Host:")) {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address())
        };
        let lines: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "{first_line} HTTP/1.1\r\n{host}{lines}Connection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }
}

#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

fn is_a_time(text: &str) -> bool {
    text.len() == 5 && text.as_bytes()[2] == b':'
}

#[test]
fn the_files_of_the_seed_serve_get_current_time_to_every_client_by_litellms_command_line() {
    if !has_python() {
        return;
    }
    for (file, tools) in [(SHORT, 1), (LONG, 1)] {
        let gateway = Gateway::start(file);
        assert!(gateway.said.iter().any(|line| line.trim() == "tools: get_current_time"), "{:?}", gateway.said);
        for first_line in ["GET /mcp/list_tools", "POST /mcp/list_tools", "GET /mcp-rest/tools/list"] {
            let listed = gateway.ask(first_line, &[], "");
            assert_eq!((listed.status, listed.json()["tools"].as_array().unwrap().len()), (200, tools), "{first_line}");
        }
        let arguments = json!({"format": "short"});
        for (path, body) in [
            ("/mcp/call_tool", json!({"name": "get_current_time", "arguments": arguments})),
            (
                "/mcp-rest/tools/call",
                json!({"server_id": "mcp_tools", "name": "get_current_time", "arguments": arguments}),
            ),
        ] {
            let called = gateway.ask(&format!("POST {path}"), &[], &body.to_string()).json();
            assert!(is_a_time(called["content"][0]["text"].as_str().unwrap()), "{path} {called}");
        }
        // The same over MCP, in both eras, with the slash of the document and without.
        for url in [gateway.url.clone(), format!("{}/", gateway.url)] {
            for era in ["modern", "legacy"] {
                let called = run(&["call", &url, "get_current_time", "format=short", "--era", era]);
                assert!(called.code == Some(0) && is_a_time(called.stdout.trim()), "{url} {era} {called:?}");
            }
        }
        gateway.running.signal("TERM");
        let (code, rest) = gateway.running.finish();
        assert_eq!(code, Some(0), "{rest}");
    }
}

#[test]
fn a_client_of_the_first_revision_gets_its_stream_at_the_url_of_the_document() {
    if !has_python() {
        return;
    }
    let gateway = Gateway::start(SHORT);
    let mut stream = BufReader::new(gateway.send("GET /mcp/", &["Accept: text/event-stream"], ""));
    let next = |start: &str, stream: &mut BufReader<TcpStream>| loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the stream ended before {start:?}");
        if let Some(rest) = line.strip_prefix(start) {
            return rest.trim().to_owned();
        }
    };
    let target = next("data: ", &mut stream);
    let say =
        |message: Value| assert_eq!(gateway.ask(&format!("POST {target}"), &[], &message.to_string()).status, 202);
    let hello =
        json!({"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    say(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}));
    assert!(next("data: ", &mut stream).contains("2024-11-05"));
    say(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    say(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "get_current_time"}}));
    let answer: Value = serde_json::from_str(&next("data: ", &mut stream)).unwrap();
    assert!(is_a_time(answer["result"]["content"][0]["text"].as_str().unwrap()), "{answer}");
}

#[test]
fn a_key_of_the_file_opens_every_path_and_nothing_opens_without_it() {
    if !has_python() {
        return;
    }
    let gateway = Gateway::start(&format!("{SHORT}\ngeneral_settings:\n  master_key: sk-secret-of-the-test\n"));
    let said = gateway.said.join("\n");
    assert!(!said.contains("sk-secret-of-the-test"), "{said}");
    for first_line in [
        "POST /mcp",
        "POST /mcp/",
        "GET /mcp/",
        "GET /mcp/sse",
        "GET /mcp/list_tools",
        "POST /mcp/call_tool",
        "POST /mcp-rest/tools/call",
        "GET /v1/models",
        "POST /v1/chat/completions",
        "GET /x",
    ] {
        let got = gateway.ask(first_line, &[], "{}");
        assert_eq!(got.status, 401, "{first_line}");
        assert!(got.head.contains("\r\nwww-authenticate: bearer"), "{first_line} {got:?}");
    }
    assert_eq!(gateway.ask("GET /health/liveliness", &[], "").status, 200);
    for header in ["Authorization: Bearer sk-secret-of-the-test", "x-litellm-api-key: sk-secret-of-the-test"] {
        assert_eq!(gateway.ask("GET /mcp/list_tools", &[header], "").status, 200, "{header}");
    }
    assert_eq!(gateway.ask("GET /mcp/list_tools", &["Authorization: Bearer sk-secret"], "").status, 401);
    gateway.running.signal("TERM");
    let (_, rest) = gateway.running.finish();
    assert!(!rest.contains("sk-secret-of-the-test"), "{rest}");
}

#[test]
fn web_pages_and_other_hosts_reach_no_path() {
    if !has_python() {
        return;
    }
    let gateway = Gateway::start(SHORT);
    for first_line in ["GET /mcp/list_tools", "POST /mcp/call_tool", "POST /mcp", "GET /health/liveliness"] {
        for header in ["Host: evil.example", "Origin: http://evil.example", "Origin: null"] {
            assert_eq!(gateway.ask(first_line, &[header], "{}").status, 403, "{first_line} {header}");
        }
    }
    let allowed = gateway.ask("GET /mcp/list_tools", &["Host: localhost:1", "Origin: http://localhost:3000"], "");
    assert_eq!(allowed.status, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused_in_the_shape_of_the_path() {
    if !has_python() {
        return;
    }
    let gateway = Gateway::start(SHORT);
    let got = gateway.ask_head("POST /mcp/call_tool", 1 << 30);
    assert_eq!((got.status, &got.json()["detail"]["error"]), (413, &json!("payload_too_large")), "{got:?}");
    let got = gateway.ask_head("POST /v1/chat/completions", 1 << 30);
    assert_eq!((got.status, &got.json()["error"]["type"]), (413, &json!("invalid_request_error")), "{got:?}");
}

impl Gateway {
    /// Announces a body and sends none of it.
    fn ask_head(&self, first_line: &str, length: u64) -> Got {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let head = format!("{first_line} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n", self.address());
        stream.write_all(head.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Got { status, head, body: String::from_utf8(body).unwrap() }
    }
}

#[test]
fn an_address_for_others_needs_a_key_and_the_names_it_answers_to() {
    if !has_python() {
        return;
    }
    let open = Folder::new(SHORT);
    let keyed = Folder::new(&format!("{SHORT}\ngeneral_settings:\n  master_key: sk-secret-of-the-test\n"));
    let others = ["--host", "0.0.0.0", "--port", "0"];
    let start = |folder: &Folder, more: &[&str]| {
        let file = folder.file();
        run(&["--config", &file].into_iter().chain(others).chain(more.iter().copied()).collect::<Vec<_>>())
    };
    let nameless = start(&keyed, &[]);
    assert!(nameless.code == Some(1) && nameless.stderr.contains("--allow-host"), "{nameless:?}");
    let keyless = start(&open, &["--allow-host", "gateway.example"]);
    assert!(keyless.code == Some(1) && keyless.stderr.contains("master_key"), "{keyless:?}");
    let file = keyed.file();
    let mut both =
        Running::start(&["--config", &file, "--host", "0.0.0.0", "--port", "0", "--allow-host", "gateway.example"]);
    both.wait_for("listening on ");
}

#[test]
fn a_fault_of_the_file_is_told_with_its_place_and_nothing_is_served() {
    let folder = Folder::new("mcp_tools:\n  - name: a\n    descripton: b\n    handler: mcp_tools.process\n");
    let refused = run(&["--config", &folder.file(), "--port", "0"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("config.yaml:2:") && refused.stderr.contains("description"), "{refused:?}");
    assert!(!refused.stderr.contains("listening on"), "{refused:?}");
}

#[test]
fn the_end_of_the_gateway_is_the_end_of_its_python_and_of_its_servers() {
    if !has_python() {
        return;
    }
    let program = env!("CARGO_BIN_EXE_mcp-bridge");
    let file = format!(
        "mcp_tools:\n  - {{name: process, description: d, handler: mcp_tools.process}}\n\
         mcp_servers:\n  own:\n    transport: stdio\n    command: {program}\n    args: [serve, --stdio, --quiet]\n"
    );
    let mut gateway = Gateway::start(&file);
    let (outcome, _) = gateway.running.wait_for("server `own`: ");
    assert!(outcome.starts_with("ok, "), "{outcome}");
    let called = gateway.ask("POST /mcp/call_tool", &[], r#"{"name":"process"}"#).json();
    let process: u32 = called["content"][0]["text"].as_str().unwrap().parse().unwrap();
    assert!(Path::new(&format!("/proc/{process}")).exists() || !cfg!(target_os = "linux"));
    let sum = gateway.ask("POST /mcp/call_tool", &[], r#"{"server_id":"own","name":"add","arguments":{"a":1,"b":2}}"#);
    assert_eq!(sum.json()["structuredContent"], json!({"sum": 3}), "{sum:?}");
    gateway.running.signal("TERM");
    let (code, _) = gateway.running.finish();
    assert_eq!(code, Some(0));
    assert!(!Path::new(&format!("/proc/{process}")).exists());
}

#[test]
fn a_file_is_served_over_standard_streams_too() {
    if !has_python() {
        return;
    }
    let folder = Folder::new(SHORT);
    let program = env!("CARGO_BIN_EXE_mcp-bridge");
    let called = run(&["call", "get_current_time", "--", program, "serve", "--stdio", "--config", &folder.file()]);
    assert!(called.code == Some(0) && is_a_time(called.stdout.trim()), "{called:?}");
}

/// What servers ask in the middle of a call.
mod asking {
    use std::path::Path;

    use mcp_client::types::{
        ClientCapabilities, ElicitRequestParams, ElicitResult, ElicitationCapability, implementation,
    };
    use mcp_client::{Client, ClientHandler, EraMode, HookFuture, Origin};
    use mcp_openai_bridge::gateway::Gateway;
    use mcp_openai_bridge::gateway::config::Config;
    use mcp_server::{AskError, Cx, Form, Http, Server, Tool};
    use mcp_types::JsonObject;

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Name {
        name: String,
    }

    async fn greet(cx: Cx) -> Result<String, AskError> {
        let who: Name = cx.elicit("who", Form::new("Your name?")).await?;
        Ok(format!("Hello, {}!", who.name))
    }

    /// A user with a name.
    struct User(&'static str);

    impl ClientHandler for User {
        fn capabilities(&self) -> ClientCapabilities {
            ClientCapabilities::new().elicitation(ElicitationCapability::new())
        }

        fn elicit(&self, _: ElicitRequestParams, _: Origin) -> HookFuture<'_, ElicitResult> {
            let mut content = JsonObject::new();
            content.insert("name", serde_json::json!(self.0));
            Box::pin(async move { Ok(ElicitResult::new("accept").content(content)) })
        }
    }

    /// A gateway with a server behind it that asks, spoken to in a revision.
    async fn gateway(revision: &str, more: &str) -> Gateway {
        let wait = Tool::new("wait", async || std::future::pending::<()>().await);
        let server = Server::builder(implementation!()).tool(Tool::new("greet", greet)).tool(wait).build().unwrap();
        let http = Http::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", http.local_addr());
        tokio::spawn(async move { server.serve(http).await });
        let file = format!("mcp_servers:\n  lab:\n    url: {url}\n    protocol_version: '{revision}'\n{more}");
        let (config, _) = Config::parse(&file, Path::new("."), &|_| None).unwrap();
        Gateway::builder(config).build().await.unwrap()
    }

    async fn client(gateway: &Gateway, mode: EraMode, user: &'static str) -> Client {
        let builder = Client::builder(implementation!()).era(mode).handler(User(user));
        builder.connect(gateway.in_process()).await.unwrap()
    }

    const ALLOWED: &str = "    allow_elicitation: true\n";

    #[tokio::test]
    async fn a_question_of_a_server_reaches_the_user_whose_call_it_is() {
        for (behind, in_front) in
            [("2026-07-28", EraMode::Modern), ("2026-07-28", EraMode::Legacy), ("2025-11-25", EraMode::Legacy)]
        {
            let gateway = gateway(behind, ALLOWED).await;
            let client = client(&gateway, in_front, "Ada").await;
            let result = client.call_tool("greet", ()).await.unwrap();
            assert_eq!(result.text(), "Hello, Ada!", "{behind} {in_front:?}");
        }
    }

    #[tokio::test]
    async fn two_users_at_once_are_each_asked_for_their_own_call() {
        let gateway = gateway("2026-07-28", ALLOWED).await;
        let (ada, bob) =
            (client(&gateway, EraMode::Legacy, "Ada").await, client(&gateway, EraMode::Modern, "Bob").await);
        for _ in 0..5 {
            let (one, two) = tokio::join!(ada.call_tool("greet", ()), bob.call_tool("greet", ()));
            assert_eq!(
                (one.unwrap().text(), two.unwrap().text()),
                ("Hello, Ada!".to_owned(), "Hello, Bob!".to_owned())
            );
        }
    }

    #[tokio::test]
    async fn a_server_that_may_not_ask_is_told_so() {
        for behind in ["2026-07-28", "2025-11-25"] {
            let gateway = gateway(behind, "").await;
            let client = client(&gateway, EraMode::Legacy, "Ada").await;
            let asked = client.call_tool("greet", ()).await;
            assert!(!asked.as_ref().is_ok_and(|result| !result.failed()), "{behind} {asked:?}");
        }
    }

    #[tokio::test]
    async fn a_question_that_names_no_call_is_not_passed_to_a_client_that_would_run_the_tool_again() {
        let gateway = gateway("2025-11-25", ALLOWED).await;
        let client = client(&gateway, EraMode::Modern, "Ada").await;
        let result = client.call_tool("greet", ()).await.unwrap();
        assert!(result.failed(), "{result:?}");
    }

    #[tokio::test]
    async fn a_question_about_a_call_by_plain_http_is_put_to_nobody_else() {
        let gateway = gateway("2025-11-25", ALLOWED).await;
        let ada = client(&gateway, EraMode::Legacy, "Ada").await;
        let request = http::Request::post("/mcp/call_tool").header("content-type", "application/json");
        let request = request.body(bytes::Bytes::from(r#"{"name": "greet"}"#)).unwrap();
        let asked = async {
            // Her call is there, and is the only one behind which somebody can be asked.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            let response = mcp_server::Routes::answer(&gateway.routes(), request).await;
            let parts: Vec<bytes::Bytes> = futures::StreamExt::collect(response.into_body()).await;
            String::from_utf8(parts.concat()).unwrap()
        };
        let text = tokio::select! {
            text = asked => text,
            ended = ada.call_tool("wait", ()) => panic!("{ended:?}"),
        };
        assert!(!text.contains("Ada") && text.contains(r#""isError":true"#), "{text}");
    }
}
