//! Handlers that are programs: real Python functions, commands and HTTP requests.
//!
//! The surprising thing: a test waits for what a program does and never for a time. What runs for ever is ended by the
//! test that started it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program_support;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use mcp_openai_bridge::driver::CallContext;
use mcp_openai_bridge::gateway::config::Config;
use mcp_openai_bridge::gateway::handler::{Handlers, Registry};
use mcp_openai_bridge::turn::Failure;
use mcp_types::{CallToolResult, RawJson};
use program_support::has_python;

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("handlers-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            std::fs::write(folder.join(name), text).unwrap();
        }
        Self(folder)
    }

    fn config(&self, text: &str) -> Config {
        std::fs::write(self.0.join("config.yaml"), text).unwrap();
        Config::read(self.0.join("config.yaml")).unwrap().0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file with a tool for each function of `tools.py`, with the same name.
fn tools(functions: &[&str]) -> String {
    let tool = |name: &&str| format!("  - {{name: {name}, description: d, handler: tools.{name}, timeout: 30}}\n");
    format!("mcp_tools:\n{}", functions.iter().map(tool).collect::<String>())
}

/// Starts the functions of a module.
async fn python(module: &str, functions: &[&str]) -> (Folder, Handlers) {
    let folder = Folder::new(&[("tools.py", module)]);
    let handlers = Handlers::start(&folder.config(&tools(functions)), Registry::default()).await.unwrap();
    (folder, handlers)
}

async fn call(handlers: &Handlers, tool: &str, arguments: &str) -> Result<CallToolResult, Failure> {
    let arguments = RawJson::parse(arguments.to_owned()).unwrap();
    handlers.call(tool, arguments, &CallContext::unwatched("1")).await
}

/// The result of a call as JSON.
async fn json(handlers: &Handlers, tool: &str, arguments: &str) -> String {
    serde_json::to_string(&call(handlers, tool, arguments).await.unwrap()).unwrap()
}

async fn text(handlers: &Handlers, tool: &str, arguments: &str) -> String {
    let result = call(handlers, tool, arguments).await.unwrap();
    let text = result.content.first().and_then(|block| block.as_text()).unwrap_or("(nothing)").to_owned();
    assert_eq!(result.failed(), text.contains("Error") || text.contains("Exit"), "{text}");
    text
}

const SEED_YAML: &str = r#"
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

const SEED_PYTHON: &str = r#"
# mcp_tools.py

from datetime import datetime

def get_current_time(format: str = "short"):
    """
    Simple handler for the 'get_current_time' tool.

    Args:
        format (str): The format of the time to return ('short').

    Returns:
        str: The current time formatted as 'HH:MM'.
    """
    # Get the current time
    current_time = datetime.now()

    # Format the time as 'HH:MM'
    return current_time.strftime('%H:%M')
"#;

#[tokio::test]
async fn the_function_of_the_second_seed_runs_as_it_is_written() {
    if !has_python() {
        return;
    }
    let folder = Folder::new(&[("mcp_tools.py", SEED_PYTHON)]);
    let handlers = Handlers::start(&folder.config(SEED_YAML), Registry::default()).await.unwrap();
    assert!(handlers.warnings().is_empty(), "{:?}", handlers.warnings());
    for arguments in ["{}", r#"{"format":"short"}"#] {
        let time = text(&handlers, "get_current_time", arguments).await;
        let is_time =
            time.len() == 5 && time.char_indices().all(|(at, c)| if at == 2 { c == ':' } else { c.is_ascii_digit() });
        assert!(is_time, "{time}");
    }
    let refused = call(&handlers, "get_current_time", r#"{"format":"long"}"#).await.unwrap();
    assert!(refused.failed() && refused.content[0].as_text().unwrap().contains("expected one of \"short\""));
    handlers.close().await;
}

#[tokio::test]
async fn what_a_function_returns_becomes_the_result() {
    if !has_python() {
        return;
    }
    let module = r#"
import dataclasses, decimal

@dataclasses.dataclass
class Point:
    x: int
    y: float

def value(kind):
    return {
        "text": "é", "none": None, "int": 7, "bool": True, "float": 1.5, "dict": {"a": [1, None], 2: "b"},
        "list": [1, "a"], "point": Point(1, 2.5), "nan": {"a": float("nan")}, "huge": {"a": 10 ** 400},
        "half": "a\ud800b", "bytes": b"text", "png": b"\x89PNG\r\n\x1a\n", "decimal": decimal.Decimal("1.10"),
        "block": {"type": "image", "data": "eA==", "mimeType": "image/png"},
        "result": {"content": [{"type": "text", "text": "x"}], "isError": True},
        "page": {"content": ["x"]}, "set": {1},
    }[kind]
"#;
    let (_folder, handlers) = python(module, &["value"]).await;
    for (kind, expected) in [
        ("text", r#"{"content":[{"type":"text","text":"é"}]}"#),
        ("none", r#"{"content":[]}"#),
        ("int", r#"{"content":[{"type":"text","text":"7"}]}"#),
        ("bool", r#"{"content":[{"type":"text","text":"True"}]}"#),
        ("float", r#"{"content":[{"type":"text","text":"1.5"}]}"#),
        ("decimal", r#"{"content":[{"type":"text","text":"1.10"}]}"#),
        (
            "dict",
            r#"{"content":[{"type":"text","text":"{\"a\": [1, null], \"2\": \"b\"}"}],"structuredContent":{"a": [1, null], "2": "b"}}"#,
        ),
        ("list", r#"{"content":[{"type":"text","text":"[1, \"a\"]"}]}"#),
        ("set", r#"{"content":[{"type":"text","text":"[1]"}]}"#),
        (
            "point",
            r#"{"content":[{"type":"text","text":"{\"x\": 1, \"y\": 2.5}"}],"structuredContent":{"x": 1, "y": 2.5}}"#,
        ),
        ("nan", r#"{"content":[{"type":"text","text":"{'a': nan}"}]}"#),
        ("half", r#"{"content":[{"type":"text","text":"a?b"}]}"#),
        ("bytes", r#"{"content":[{"type":"text","text":"text"}]}"#),
        ("png", r#"{"content":[{"type":"image","data":"iVBORw0KGgo=","mimeType":"image/png"}]}"#),
        ("block", r#"{"content":[{"type":"image","data":"eA==","mimeType":"image/png"}]}"#),
        ("result", r#"{"content":[{"type":"text","text":"x"}],"isError":true}"#),
        (
            "page",
            r#"{"content":[{"type":"text","text":"{\"content\": [\"x\"]}"}],"structuredContent":{"content": ["x"]}}"#,
        ),
    ] {
        assert_eq!(json(&handlers, "value", &format!(r#"{{"kind":"{kind}"}}"#)).await, expected, "{kind}");
    }
    assert!(json(&handlers, "value", r#"{"kind":"huge"}"#).await.contains("{'a': 1000"));
    handlers.close().await;
}

#[tokio::test]
async fn an_exception_is_told_to_the_model_and_its_traceback_is_not() {
    if !has_python() {
        return;
    }
    let module = r#"
import sys

def bad(): raise ValueError("no such city")
def empty(): raise RuntimeError
def leave(): sys.exit(3)
def stop(): raise StopIteration
async def bad_later(): raise KeyError("x")
def wrong(a): return a
class Strange:
    def __str__(self): raise OSError("no text")
def strange(): return Strange()
def good(): return "still here"
"#;
    let functions = ["bad", "empty", "leave", "stop", "bad_later", "wrong", "strange", "good"];
    let (_folder, handlers) = python(module, &functions).await;
    for (tool, expected) in [
        ("bad", "ValueError: no such city"),
        ("empty", "RuntimeError"),
        ("leave", "SystemExit: 3"),
        ("bad_later", "KeyError: 'x'"),
        ("wrong", "TypeError: wrong() missing 1 required positional argument: 'a'"),
        ("strange", "OSError: no text"),
        ("good", "still here"),
    ] {
        assert_eq!(text(&handlers, tool, "{}").await, expected, "{tool}");
    }
    let stopped = call(&handlers, "stop", "{}").await.unwrap();
    assert_eq!((stopped.failed(), stopped.content[0].as_text()), (true, Some("StopIteration")));
    handlers.close().await;
}

#[tokio::test]
async fn what_user_code_prints_and_reads_stays_off_the_wire() {
    if !has_python() {
        return;
    }
    let module = r#"
import os, subprocess, sys
print('{"jsonrpc":"2.0","id":1,"result":{}}')

def noise():
    print('{"jsonrpc":"2.0","id":2,"result":{}}', flush=True)
    sys.stdout.write("no line end")
    os.write(1, b'{"jsonrpc":"2.0","id":3,"result":{}}\n')
    subprocess.run(["sh", "-c", "echo out; echo err >&2; cat"], check=True)
    return sys.stdin.read() + "quiet" + str("MCP_BRIDGE_RUNNER" in os.environ)
"#;
    let (_folder, handlers) = python(module, &["noise"]).await;
    for _ in 0..3 {
        assert_eq!(text(&handlers, "noise", "{}").await, "quietFalse");
    }
    handlers.close().await;
}

#[tokio::test]
async fn calls_run_at_the_same_time_whether_async_or_not() {
    if !has_python() {
        return;
    }
    // Each waits for the others, so that they end only when they run together.
    let module = r#"
import asyncio, functools, threading

together = threading.Barrier(3)
waiting, everybody = 0, asyncio.Event()

def meet(): return "met %d" % (together.wait(20) >= 0)

async def meet_later():
    global waiting
    waiting += 1
    if waiting == 3:
        everybody.set()
    await asyncio.wait_for(everybody.wait(), 20)
    return "met"

class Meeting:
    async def __call__(self): return await meet_later()

class Room:
    @staticmethod
    def meet(): return "in a room"

meet_object = Meeting()
meet_partly = functools.partial(meet_later)
"#;
    let functions = ["meet", "meet_later", "meet_object", "meet_partly"];
    let folder = Folder::new(&[("tools.py", module)]);
    let file = tools(&functions) + "  - {name: room, description: d, handler: tools.Room.meet}\n";
    let handlers = Handlers::start(&folder.config(&file), Registry::default()).await.unwrap();
    let meet = || text(&handlers, "meet", "{}");
    assert_eq!(futures::join!(meet(), meet(), meet()), ("met 1".to_owned(), "met 1".to_owned(), "met 1".to_owned()));
    let met = futures::join!(
        text(&handlers, "meet_later", "{}"),
        text(&handlers, "meet_object", "{}"),
        text(&handlers, "meet_partly", "{}")
    );
    assert_eq!(met, ("met".to_owned(), "met".to_owned(), "met".to_owned()));
    assert_eq!(text(&handlers, "room", "{}").await, "in a room");
    handlers.close().await;
}

#[tokio::test]
async fn a_process_that_crashes_fails_the_calls_in_flight_and_is_started_again() {
    if !has_python() {
        return;
    }
    let module = r#"
import asyncio, os

def crash(): os._exit(9)
async def wait(): await asyncio.sleep(1000)
def process(): return os.getpid()
"#;
    let (_folder, handlers) = python(module, &["crash", "wait", "process"]).await;
    let first = text(&handlers, "process", "{}").await;
    assert_eq!(text(&handlers, "process", "{}").await, first, "it is kept warm");
    let (waiting, crashed) = futures::join!(call(&handlers, "wait", "{}"), call(&handlers, "crash", "{}"));
    for outcome in [waiting, crashed] {
        let failure = outcome.unwrap_err().to_string();
        assert!(failure.contains("ended before it answered (exit status: 9)"), "{failure}");
        assert!(!failure.contains("import os"), "{failure}");
    }
    assert_ne!(text(&handlers, "process", "{}").await, first);
    handlers.close().await;
    assert!(call(&handlers, "process", "{}").await.is_err(), "it is closed");
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_in_python_and_harms_no_other() {
    if !has_python() {
        return;
    }
    let module = r#"
import asyncio, os, pathlib, threading, time

begun = threading.Event()
ended = threading.Event()

async def hang():
    begun.set()
    try:
        await asyncio.sleep(1000)
    finally:
        ended.set()

def stuck():
    begun.set()
    time.sleep(1000)

def has_begun():
    found = begun.wait(20)
    begun.clear()
    return str(found)

def has_ended(): return str(ended.wait(20))
"#;
    let (_folder, handlers) = python(module, &["hang", "stuck", "has_begun", "has_ended"]).await;
    for (tool, times) in [("hang", 1), ("stuck", 40)] {
        // More than there are threads: a call that was given up has no claim to one.
        for _ in 0..times {
            let hanging = Box::pin(call(&handlers, tool, "{}"));
            let begun = Box::pin(text(&handlers, "has_begun", "{}"));
            match futures::future::select(hanging, begun).await {
                futures::future::Either::Right((begun, hanging)) => {
                    assert_eq!(begun, "True");
                    drop(hanging);
                }
                futures::future::Either::Left((outcome, _)) => panic!("{outcome:?}"),
            }
        }
    }
    assert_eq!(text(&handlers, "has_ended", "{}").await, "True");
    handlers.close().await;
}

#[tokio::test]
async fn threads_that_cannot_be_stopped_are_ended_with_the_process_when_they_are_too_many() {
    if !has_python() {
        return;
    }
    let module = "import os, time\ndef stuck(): time.sleep(1000)\ndef process(): return os.getpid()\n";
    let (_folder, handlers) = python(module, &["stuck", "process"]).await;
    let first = text(&handlers, "process", "{}").await;
    let mut calls = 0;
    // A call that is on its way when the process ends fails, and no other does.
    while let Ok(process) = call(&handlers, "process", "{}").await
        && process.content[0].as_text() == Some(&first)
    {
        calls += 1;
        assert!(calls < 100, "it goes on with {calls} threads that nobody waits for");
        let stuck = Box::pin(call(&handlers, "stuck", "{}"));
        let process = Box::pin(call(&handlers, "process", "{}"));
        let _ = futures::future::select(stuck, process).await;
    }
    assert!(calls > 60, "{calls}");
    assert_ne!(text(&handlers, "process", "{}").await, first);
    handlers.close().await;
}

/// F63: who is killed cannot end anybody.
#[test]
fn without_the_gateway_python_ends_whatever_user_code_does() {
    if !has_python() {
        return;
    }
    let module = "
import atexit, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
atexit.register(lambda: open('exited', 'w').close())
def f(): pass
";
    let folder = Folder::new(&[("tools.py", module)]);
    let mut python = std::process::Command::new("python3")
        .args(["-c", include_str!("../src/gateway/handler/python/runner.py")])
        .arg(&folder.0)
        .arg("tools.f")
        .current_dir(&folder.0)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let hello = br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(&[hello, &b"\n"[..]].concat()).unwrap();
    drop(stdin);
    assert!(python.wait().unwrap().success());
}

#[tokio::test]
async fn what_cannot_be_loaded_is_told_with_both_places() {
    if !has_python() {
        return;
    }
    let folder = Folder::new(&[
        ("good.py", "def f(): pass\nnumber = 7\n"),
        ("broken.py", "def f():\n    return )\n"),
        ("needy.py", "import os\nimport no_such_package\n"),
        ("failing.py", "def g():\n    raise ValueError('bad')\ng()\n"),
        ("leaving.py", "import sys\nsys.exit('bye')\n"),
        ("inner/deep.py", "def f(): return 'deep'\n"),
    ]);
    let handler = |name: &str| format!("  - {{name: {}, description: d, handler: {name}}}\n", name.replace('.', "_"));
    let names = ["good.g", "good.number", "broken.f", "needy.f", "failing.f", "leaving.f", "god.f", "inner.deep.f"];
    let config = folder.config(&format!("mcp_tools:\n{}", names.map(handler).concat()));
    let error = Handlers::start(&config, Registry::default()).await.unwrap_err().to_string();
    let file = folder.0.join("config.yaml").display().to_string();
    let lines: Vec<_> = error.lines().map(|line| line.strip_prefix(&file).unwrap()).collect();
    let folder = folder.0.display();
    for (line, (name, expected)) in lines.iter().zip([
        ("good.g", "`good` has no `g`".to_owned()),
        ("good.number", "`good.number` is no function but of the type `int`".to_owned()),
        ("broken.f", "broken.py:2: SyntaxError: ".to_owned()),
        ("needy.f", "needy.py:2: ModuleNotFoundError: No module named 'no_such_package'".to_owned()),
        ("failing.f", "failing.py:2: ValueError: bad".to_owned()),
        ("leaving.f", "leaving.py:2: SystemExit: bye".to_owned()),
        ("god.f", format!("there is no module `god` in {folder}; did you mean `good`?")),
    ]) {
        let text = format!("`{name}` cannot be loaded: {expected}");
        assert!(line.contains(&text), "{line}\n{text}");
    }
    assert_eq!(lines.len(), 7, "{error}");
    assert!(lines[0].starts_with(":2:"), "{error}");
}

#[tokio::test]
async fn a_python_that_is_not_there_is_told_at_the_start() {
    let folder = Folder::new(&[]);
    let config = folder.config("python: no-such-python\nmcp_tools: [{name: t, description: d, handler: a.b}]\n");
    let error = Handlers::start(&config, Registry::default()).await.unwrap_err().to_string();
    let expected =
        "config.yaml:2:48: Python handlers cannot run: cannot start `no-such-python`: there is no such program";
    assert!(error.contains(expected), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_python_that_ends_at_once_is_told_at_the_start() {
    let folder = Folder::new(&[]);
    let config = folder.config("python: 'false'\nmcp_tools: [{name: t, description: d, handler: a.b}]\n");
    let error = Handlers::start(&config, Registry::default()).await.unwrap_err().to_string();
    let expected = "cannot run: `false` ended before it was ready (exit status: 1), and says why on standard error";
    assert!(error.ends_with(expected), "{error}");
}

#[tokio::test]
async fn a_schema_that_its_function_does_not_follow_is_warned_of() {
    if !has_python() {
        return;
    }
    let folder = Folder::new(&[("tools.py", "def f(a, *, b=1): pass\ndef g(**more): pass\n")]);
    let file = "
mcp_tools:
  - {name: f, description: d, handler: tools.f, input_schema: {properties: {b: {}, c: {}}}}
  - {name: g, description: d, handler: tools.g, input_schema: {properties: {c: {}}}}
";
    let handlers = Handlers::start(&folder.config(file), Registry::default()).await.unwrap();
    let warnings: Vec<_> = handlers.warnings().iter().map(|warning| warning.text()).collect();
    assert_eq!(
        warnings,
        ["the schema has `c`, which `tools.f` does not take", "`tools.f` needs `a`, which the schema does not have"]
    );
    handlers.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_gets_its_arguments_and_gives_its_result() {
    let folder = Folder::new(&[("words.txt", "from the folder\n")]);
    let file = r#"
mcp_tools:
  - {name: cat, description: d, handler: {command: [cat]}}
  - {name: file, description: d, handler: {command: [cat, words.txt]}}
  - {name: fail, description: d, handler: {command: [sh, -c, 'echo on the way; echo no disk >&2; exit 3']}}
  - {name: result, description: d, handler: {command: [echo, '{"content":[{"type":"text","text":"x"}],"isError":true}']}}
  - {name: env, description: d, handler: {command: [sh, -c, 'echo "$OWN,$CARGO_MANIFEST_DIR"'], env: {OWN: mine}}}
  - {name: hang, description: d, handler: {command: [sleep, '1000']}, timeout: 0.05}
  - {name: gone, description: d, handler: {command: [./gone]}}
"#;
    let handlers = Handlers::start(&folder.config(file), Registry::default()).await.unwrap();
    assert_eq!(
        json(&handlers, "cat", r#"{"a":1}"#).await,
        r#"{"content":[{"type":"text","text":"{\"a\":1}"}],"structuredContent":{"a":1}}"#
    );
    assert_eq!(text(&handlers, "file", "{}").await, "from the folder");
    let failed = call(&handlers, "fail", "{}").await.unwrap();
    assert_eq!((failed.failed(), failed.content[0].as_text()), (true, Some("exit status: 3: no disk")));
    assert_eq!(json(&handlers, "result", "{}").await, r#"{"content":[{"type":"text","text":"x"}],"isError":true}"#);
    assert_eq!(text(&handlers, "env", "{}").await, "mine,", "secrets of this process are none of its business");
    assert!(matches!(call(&handlers, "hang", "{}").await, Err(Failure::TimedOut { .. })));
    let gone = call(&handlers, "gone", "{}").await.unwrap_err().to_string();
    assert!(gone.contains("cannot start") && gone.contains("there is no such file"), "{gone}");
}

#[tokio::test]
async fn an_http_request_gets_the_arguments_and_gives_its_answer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let answer = |status: &str, kind: &str, body: &str| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            // The body of a request is its last part, and ends with a brace where there is one.
            while !(request.ends_with(b"}") || (request.starts_with(b"GET") && request.ends_with(b"\r\n\r\n"))) {
                assert_eq!(stream.read(&mut byte).unwrap(), 1);
                request.push(byte[0]);
            }
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        };
        let json = answer("200 OK", "application/json; charset=utf-8", r#"{"sunny":true}"#);
        [json, answer("503 Busy", "text/plain", "come back later")]
    });
    let folder = Folder::new(&[]);
    let file = format!(
        "
mcp_tools:
  - {{name: post, description: d, handler: {{http: {{url: 'http://{address}/weather', headers: {{Authorization: k}}}}}}}}
  - {{name: read, description: d, handler: {{http: {{url: 'http://{address}/weather?units=c', method: GET}}}}}}
"
    );
    let handlers = Handlers::start(&folder.config(&file), Registry::default()).await.unwrap();
    assert_eq!(
        json(&handlers, "post", r#"{"city":"Graz"}"#).await,
        r#"{"content":[{"type":"text","text":"{\"sunny\":true}"}],"structuredContent":{"sunny":true}}"#
    );
    let busy = call(&handlers, "read", r#"{"city":"a b"}"#).await.unwrap();
    let expected = Some("HTTP status 503 Service Unavailable: come back later");
    assert_eq!((busy.failed(), busy.content[0].as_text()), (true, expected));
    let [post, read] = server.join().unwrap();
    assert!(post.starts_with("POST /weather HTTP/1.1\r\n") && post.ends_with(r#"{"city":"Graz"}"#), "{post}");
    assert!(post.to_lowercase().contains("\r\nauthorization: k\r\n"), "{post}");
    assert!(read.starts_with("GET /weather?units=c&city=a%20b HTTP/1.1\r\n"), "{read}");
    // Nobody listens any more.
    let gone = call(&handlers, "post", "{}").await.unwrap_err();
    assert!(matches!(gone, Failure::Transport { .. }), "{gone}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn dropping_the_handlers_ends_python_and_all_that_it_started() {
    if !has_python() {
        return;
    }
    let module = r#"
import os, subprocess

def start():
    child = subprocess.Popen(["sleep", "1000"])
    return "%d %d" % (os.getpid(), child.pid)
"#;
    let (_folder, handlers) = python(module, &["start"]).await;
    let started = text(&handlers, "start", "{}").await;
    drop(handlers);
    for id in started.split(' ') {
        // A process that has ended and was not waited for by its new parent yet is as good as gone.
        let is_there = || {
            let stat = std::fs::read_to_string(Path::new("/proc").join(id).join("stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
        };
        while is_there() {
            tokio::task::yield_now().await;
        }
    }
}
