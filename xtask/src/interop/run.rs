//! One cell: start the server, let the client do its checks, end both.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use crate::{
    interop::{
        Check, book,
        cells::{Cell, Client, Server, Transport},
        gateway::{self, Gateway},
        inspector,
        install::{Node, Peers},
        offer::{Offer, agreed},
        ours, rules,
    },
    process::{Group, Line, Outcome, Red, free_port, tail},
    workspace::root,
};

/// Where a client finds its server.
#[derive(Debug)]
pub(crate) enum Target {
    /// A file or a folder that the client is about.
    File(PathBuf),
    /// The URL of a server that runs.
    Http(String),
    /// The command line of a server that the client starts.
    Stdio(Vec<String>),
}

/// Runs one cell.
///
/// # Errors
///
/// When the server does not start or the client breaks off, which is as red as a red check.
pub(crate) fn run(cell: Cell, peers: &Peers, program: &Path) -> Outcome<Vec<Check>> {
    if cell.server == Server::Book {
        return Ok(book::check());
    }
    // The server lives until the end of this function.
    let (_server, target) = target(cell, peers, program)?;
    let offer = Offer::of(cell.server);
    let revision = agreed(cell.server, cell.era);
    let mut command = match cell.client {
        Client::Curl => return Ok(gateway::check(&target)),
        Client::Ours => return Ok(ours::check(program, offer, &target, cell.era, revision)),
        Client::Inspector => return inspector::check(node(peers)?, offer, &target, cell.era, revision),
        Client::OpenAi => {
            let script = match (cell.server, cell.transport) {
                (Server::Corpus, Transport::File) => "corpus.py",
                (Server::Corpus, _) => "converse.py",
                (Server::Gateway, _) => "serve_model.py",
                (_, Transport::Chat | Transport::Responses) => "ask.py",
                _ => "judge.py",
            };
            let mut judge = python(peers, script)?;
            judge.arg(program);
            judge
        }
        Client::LangChain => python(peers, "legacy/langchain.py")?,
        Client::LiteLlm => python(peers, "litellm/client.py")?,
        Client::Python => python(peers, "client.py")?,
        Client::PythonLegacy => python(peers, "legacy/client.py")?,
        Client::Rust => Command::new(&peers.rust.client),
        Client::TypeScript => typescript(peers, "client.mjs")?,
        Client::TypeScriptLegacy => typescript(peers, "legacy/client.mjs")?,
    };
    command.args([cell.era.name(), &offer.to_json(revision)]);
    command.arg(cell.transport.name());
    match &target {
        Target::File(path) => command.arg(path),
        Target::Http(url) => command.arg(url),
        Target::Stdio(words) => command.args(words),
    };
    let (code, lines) = Group::start(&mut command)?.finish(PATIENCE)?;
    let mut checks: Vec<Check> = lines.iter().filter(|line| line.is_output).filter_map(parse).collect();
    if code != Some(0) || checks.last().is_none_or(|check| check.name != "close") {
        return Err(Red::new(format!("the client broke off ({code:?}):\n{}", tail(&lines))));
    }
    checks.extend(rules::check(lines.iter().filter(|line| line.is_output).map(|line| line.text.as_str())));
    Ok(checks)
}

/// Brings up the server of a cell, when it is one that runs before its client.
fn target(cell: Cell, peers: &Peers, program: &Path) -> Outcome<(Option<Running>, Target)> {
    match (cell.server, cell.transport) {
        (Server::Corpus, _) => return Ok((None, Target::File(root().join(CORPUS)))),
        // The judge stands on both sides of our program, so that it starts it.
        (Server::Gateway, Transport::Chat | Transport::Responses) => {
            return Ok((None, Target::File(root().join(gateway::SEED))));
        }
        (_, Transport::Chat | Transport::Responses) => return Ok((None, Target::Stdio(Vec::new()))),
        (Server::Gateway, _) => {
            let gateway = Gateway::start(program)?;
            let target = Target::Http(gateway.url(cell.transport));
            return Ok((Some(Running::Gateway(gateway)), target));
        }
        _ => {}
    }
    let words = server_words(cell.server, cell.transport, peers, program)?;
    if cell.transport == Transport::Stdio {
        return Ok((None, Target::Stdio(words)));
    }
    let (server, mut url) = start(cell, &words)?;
    if (cell.server, cell.transport) == (Server::Ours, Transport::Sse) {
        // It prints where the newer transport is; this one is beside it.
        url = url.replace("/mcp", "/sse");
    }
    Ok((Some(Running::Server(server)), Target::Http(url)))
}

/// What is kept while it serves.
enum Running {
    Gateway(#[expect(dead_code, reason = "it ends when it is dropped")] Gateway),
    Server(#[expect(dead_code, reason = "it ends when it is dropped")] Group),
}

fn parse(line: &Line) -> Option<Check> {
    let value: Value = serde_json::from_str(&line.text).ok()?;
    Some(Check {
        name: value["check"].as_str()?.to_owned(),
        is_green: value["ok"].as_bool()?,
        detail: value["detail"].as_str()?.to_owned(),
    })
}

/// Starts an HTTP server and waits until it says where it listens.
fn start(cell: Cell, words: &[String]) -> Outcome<(Group, String)> {
    let (program, arguments) = words.split_first().ok_or_else(|| Red::new("a server has no command"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    if cell.server == Server::Everything {
        // It cannot bind port 0, so a port is found for it; someone else may take it before it does.
        let port = free_port()?;
        command.env("PORT", port.to_string());
        let mut group = Group::start(&mut command)?;
        let (ready, path) = match cell.transport {
            Transport::Sse => ("running on port", "sse"),
            _ => ("listening on port", "mcp"),
        };
        group.wait_for(PATIENCE, |line| line.text.contains(ready).then_some(()))?;
        return Ok((group, format!("http://127.0.0.1:{port}/{path}")));
    }
    let mut group = Group::start(&mut command)?;
    let url = group.wait_for(PATIENCE, |line| url_in(&line.text))?;
    Ok((group, url))
}

/// Finds the URL of an endpoint in what a server prints when it is ready.
pub(crate) fn url_in(text: &str) -> Option<String> {
    let start = text.find("http://127.0.0.1:")?;
    let rest = text.get(start..)?;
    let end = rest.find(|c: char| c.is_whitespace() || "\"',)>".contains(c)).unwrap_or(rest.len());
    rest.get(..end).map(str::to_owned)
}

fn server_words(server: Server, transport: Transport, peers: &Peers, program: &Path) -> Outcome<Vec<String>> {
    let mut command = match server {
        // None of these is started by words alone.
        Server::Book | Server::Corpus | Server::Gateway => return Err(absent()),
        Server::Ours => {
            let mut command = Command::new(program);
            command.arg("serve");
            command
        }
        Server::Everything => typescript(peers, "node_modules/@modelcontextprotocol/server-everything/dist/index.js")?,
        Server::Python => python(peers, "server.py")?,
        Server::PythonLegacy => python(peers, "legacy/server.py")?,
        Server::Rust => Command::new(&peers.rust.server),
        Server::Time => Command::new(&peers.python.as_ref().ok_or_else(absent)?.time_server),
        Server::TypeScript => typescript(peers, "server.mjs")?,
        Server::TypeScriptLegacy => typescript(peers, "legacy/server.mjs")?,
    };
    command.args(match (server, transport) {
        (Server::Ours, Transport::Stdio) => ["--stdio"].as_slice(),
        (Server::Ours, _) => &["--port", "0"],
        (Server::Time, _) => &["--local-timezone=UTC"],
        (Server::Everything, Transport::Http) => &["streamableHttp"],
        (Server::Everything, Transport::Sse) => &["sse"],
        (_, Transport::Stdio) => &["stdio"],
        _ => &["http"],
    });
    let program = command.get_program().to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    Ok(std::iter::once(program).chain(arguments).collect())
}

/// A script that lies beside the packages.
fn typescript(peers: &Peers, script: &str) -> Outcome<Command> {
    let node = node(peers)?;
    let mut command = Command::new(&node.program);
    command.arg(node.folder.join(script));
    Ok(command)
}

fn node(peers: &Peers) -> Outcome<&Node> {
    peers.node.as_ref().ok_or_else(absent)
}

/// A script of ours, with the packages of its era.
fn python(peers: &Peers, script: &str) -> Outcome<Command> {
    let python = peers.python.as_ref().ok_or_else(absent)?;
    let mut command = Command::new(match script.split_once('/') {
        Some(("legacy", _)) => &python.legacy,
        Some(("litellm", _)) => &python.litellm,
        _ => &python.program,
    });
    // What Python compiles of the drivers stays out of the source tree.
    command.arg("-B").arg(python.folder.join(script));
    Ok(command)
}

fn absent() -> Red {
    Red::new("the peer of this cell is not installed")
}

/// The hostile tools, below the top of the tree.
const CORPUS: &str = "xtask/corpus/tools.json";
/// How long a server may take to start, and a client to do all its checks.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_server_is_found_in_any_kind_of_line() {
        let url = Some("http://127.0.0.1:80/mcp".to_owned());
        for line in [
            "http://127.0.0.1:80/mcp",
            "listening on http://127.0.0.1:80/mcp (legacy and modern)",
            r#"{"url":"http://127.0.0.1:80/mcp","pid":1}"#,
        ] {
            assert_eq!(url_in(line), url, "{line}");
        }
        assert_eq!(url_in("starting"), None);
    }
}
