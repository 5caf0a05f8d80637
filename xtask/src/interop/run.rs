//! One cell: start the server, let the client do its checks, end both.

use std::{path::Path, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    interop::{
        Check,
        cells::{Cell, Client, Server, Transport},
        install::Peers,
        offer::{Offer, agreed},
        ours,
    },
    process::{Group, Line, Outcome, Red, free_port, tail},
};

/// Where a client finds its server.
#[derive(Debug)]
pub(crate) enum Target {
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
    let words = server_words(cell.server, cell.transport, peers, program)?;
    // The server lives until the end of this function.
    let (_server, target) = match cell.transport {
        Transport::Stdio => (None, Target::Stdio(words)),
        Transport::Http => {
            let (server, url) = start(cell.server, &words)?;
            (Some(server), Target::Http(url))
        }
    };
    let offer = Offer::of(cell.server);
    if cell.client == Client::Ours {
        return Ok(ours::check(program, offer, &target, cell.era, agreed(cell.server, cell.era)));
    }
    let mut command = driver(cell.client, "client", peers)?;
    command.args([cell.era.name(), &offer.to_json(agreed(cell.server, cell.era))]);
    match &target {
        Target::Http(url) => command.args(["http", url]),
        Target::Stdio(words) => command.arg("stdio").args(words),
    };
    let (code, lines) = Group::start(&mut command)?.finish(PATIENCE)?;
    let checks: Vec<Check> = lines.iter().filter(|line| line.is_output).filter_map(parse).collect();
    if code != Some(0) || checks.last().is_none_or(|check| check.name != "close") {
        return Err(Red::new(format!("the client broke off ({code:?}):\n{}", tail(&lines))));
    }
    Ok(checks)
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
fn start(server: Server, words: &[String]) -> Outcome<(Group, String)> {
    let (program, arguments) = words.split_first().ok_or_else(|| Red::new("a server has no command"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    if server == Server::Everything {
        // It cannot bind port 0, so a port is found for it; someone else may take it before it does.
        let port = free_port()?;
        command.env("PORT", port.to_string());
        let mut group = Group::start(&mut command)?;
        group.wait_for(PATIENCE, |line| line.text.contains("listening on port").then_some(()))?;
        return Ok((group, format!("http://127.0.0.1:{port}/mcp")));
    }
    let mut group = Group::start(&mut command)?;
    let url = group.wait_for(PATIENCE, |line| url_in(&line.text))?;
    Ok((group, url))
}

/// Finds the URL of an endpoint in what a server prints when it is ready.
fn url_in(text: &str) -> Option<String> {
    let start = text.find("http://127.0.0.1:")?;
    let rest = text.get(start..)?;
    let end = rest.find(|c: char| c.is_whitespace() || "\"',)>".contains(c)).unwrap_or(rest.len());
    rest.get(..end).map(str::to_owned)
}

fn server_words(server: Server, transport: Transport, peers: &Peers, program: &Path) -> Outcome<Vec<String>> {
    let kind = match transport {
        Transport::Http => "http",
        Transport::Stdio => "stdio",
    };
    let mut command = match server {
        Server::Ours => {
            let mut command = Command::new(program);
            command.arg("serve");
            match transport {
                Transport::Http => command.args(["--port", "0"]),
                Transport::Stdio => command.arg("--stdio"),
            };
            command
        }
        Server::Python => driver(Client::Python, "server", peers)?,
        Server::TypeScript => driver(Client::TypeScript, "server", peers)?,
        Server::Everything => {
            let node = peers.node.as_ref().ok_or_else(absent)?;
            let mut command = Command::new(&node.program);
            let package = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
            command.arg(node.folder.join(package));
            command.arg(if transport == Transport::Http { "streamableHttp" } else { "stdio" });
            command
        }
        Server::Time => {
            let mut command = Command::new(&peers.python.as_ref().ok_or_else(absent)?.time_server);
            command.arg("--local-timezone=UTC");
            command
        }
    };
    if matches!(server, Server::Python | Server::TypeScript) {
        command.arg(kind);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    Ok(std::iter::once(program).chain(arguments).collect())
}

/// The command that runs `client` or `server` of one SDK.
fn driver(sdk: Client, script: &str, peers: &Peers) -> Outcome<Command> {
    let mut command;
    match sdk {
        Client::Python => {
            let python = peers.python.as_ref().ok_or_else(absent)?;
            command = Command::new(&python.program);
            command.arg(python.folder.join(format!("{script}.py")));
        }
        Client::Ours | Client::TypeScript => {
            let node = peers.node.as_ref().ok_or_else(absent)?;
            command = Command::new(&node.program);
            command.arg(node.folder.join(format!("{script}.mjs")));
        }
    }
    Ok(command)
}

fn absent() -> Red {
    Red::new("the peer of this cell is not installed")
}

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
