//! The cells of the matrix: who speaks to whom, over what, in which era.

use std::fmt;

/// A program that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Ours,
    Python,
    TypeScript,
}

/// A program that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// `@modelcontextprotocol/server-everything`, legacy only.
    Everything,
    Ours,
    Python,
    /// `mcp-server-time`, stdio only.
    Time,
    TypeScript,
}

/// How they speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    Stdio,
}

/// Which era the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Auto,
    Legacy,
    Modern,
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) client: Client,
    pub(crate) server: Server,
    pub(crate) transport: Transport,
    pub(crate) era: Era,
}

impl Cell {
    /// Whether the cell needs Node.
    pub(crate) fn needs_node(self) -> bool {
        self.client == Client::TypeScript || matches!(self.server, Server::Everything | Server::TypeScript)
    }

    /// Whether the cell needs Python.
    pub(crate) fn needs_python(self) -> bool {
        self.client == Client::Python || matches!(self.server, Server::Python | Server::Time)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, server, transport, era } = self;
        write!(f, "{} -> {} {} {}", client.name(), server.name(), transport.name(), era.name())
    }
}

impl Client {
    fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Python => "python 2.3.0",
            Self::TypeScript => "typescript 2.4.0",
        }
    }
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Everything => "everything 2026.8.31",
            Self::Ours => "ours",
            Self::Python => "python 2.3.0",
            Self::Time => "time 2026.10.19",
            Self::TypeScript => "typescript 2.4.0",
        }
    }
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Stdio => "stdio",
        }
    }
}

impl Era {
    /// The word for it, on the command line of every client.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// The matrix: their clients against our server, our client against their servers.
pub(crate) fn matrix() -> Vec<Cell> {
    let mut cells = Vec::new();
    for client in [Client::TypeScript, Client::Python] {
        cells.extend(with(client, Server::Ours));
    }
    for server in THEIRS {
        cells.extend(with(Client::Ours, server));
    }
    cells
}

/// The control group: their clients against their servers. A cell that is red here is not our fault.
pub(crate) fn control() -> Vec<Cell> {
    let mut cells = Vec::new();
    for client in [Client::TypeScript, Client::Python] {
        for server in THEIRS {
            cells.extend(with(client, server));
        }
    }
    cells
}

const THEIRS: [Server; 4] = [Server::TypeScript, Server::Python, Server::Everything, Server::Time];

fn with(client: Client, server: Server) -> impl Iterator<Item = Cell> {
    let transports: &[Transport] = match server {
        Server::Time => &[Transport::Stdio],
        _ => &[Transport::Http, Transport::Stdio],
    };
    let eras: &[Era] = match server {
        Server::Everything => &[Era::Legacy, Era::Auto],
        _ => &[Era::Legacy, Era::Modern, Era::Auto],
    };
    transports.iter().flat_map(move |&transport| eras.iter().map(move |&era| Cell { client, server, transport, era }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_client_and_server_meets_in_both_eras_where_the_server_knows_both() {
        let cells = matrix();
        for era in [Era::Legacy, Era::Modern] {
            for transport in [Transport::Http, Transport::Stdio] {
                for (client, server) in [
                    (Client::TypeScript, Server::Ours),
                    (Client::Python, Server::Ours),
                    (Client::Ours, Server::TypeScript),
                    (Client::Ours, Server::Python),
                ] {
                    let cell = Cell { client, server, transport, era };
                    assert!(cells.contains(&cell), "{cell}");
                }
            }
        }
    }

    #[test]
    fn the_versions_in_the_table_are_those_that_are_installed() {
        let node: serde_json::Value = serde_json::from_str(include_str!("../../interop/package.json")).unwrap();
        let version = |package: &str| node["dependencies"][package].as_str().unwrap().to_owned();
        let python = include_str!("../../interop/requirements.txt");
        let pin = |package: &str| {
            let pins = python.lines().filter_map(|line| line.split_once("=="));
            pins.into_iter().find(|(name, _)| *name == package).unwrap().1
        };
        assert_eq!(Client::TypeScript.name(), format!("typescript {}", version("@modelcontextprotocol/client")));
        assert_eq!(Server::TypeScript.name(), format!("typescript {}", version("@modelcontextprotocol/server")));
        let everything = version("@modelcontextprotocol/server-everything");
        assert_eq!(Server::Everything.name(), format!("everything {everything}"));
        assert_eq!(Client::Python.name(), format!("python {}", pin("mcp")));
        assert_eq!(Server::Python.name(), format!("python {}", pin("mcp")));
        assert_eq!(Server::Time.name(), format!("time {}", pin("mcp-server-time")));
    }

    #[test]
    fn a_control_cell_has_nothing_of_ours() {
        let is_ours = |cell: &Cell| cell.client == Client::Ours || cell.server == Server::Ours;
        assert!(!control().iter().any(is_ours));
    }
}
