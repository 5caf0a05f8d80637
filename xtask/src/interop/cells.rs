//! The cells of the matrix: who speaks to whom, over what, in which era.

use std::fmt;

/// A program that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// The program `curl`, which asks the paths that are no MCP.
    Curl,
    /// The command line of the Inspector, which is written with the TypeScript SDK but keeps its own rules.
    Inspector,
    /// The adapters of LangChain, over the SDK that they take.
    LangChain,
    /// The MCP client of LiteLLM.
    LiteLlm,
    /// The Python package of OpenAI, whose types judge what our program makes for models, and whose client asks it.
    OpenAi,
    Ours,
    Python,
    /// The SDK before its second version, which knows no modern era.
    PythonLegacy,
    Rust,
    TypeScript,
    /// The SDK before its second version, which knows no modern era.
    TypeScriptLegacy,
}

/// A program that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// The pages of the book that follow the seeds, whose samples bring their own servers.
    Book,
    /// The file of hostile tools, which stands in the place of a server.
    Corpus,
    /// `@modelcontextprotocol/server-everything`, legacy only.
    Everything,
    /// Our program with the configuration of the second seed.
    Gateway,
    Ours,
    Python,
    PythonLegacy,
    Rust,
    /// `mcp-server-time`, stdio only.
    Time,
    TypeScript,
    TypeScriptLegacy,
}

/// How they speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// The API of OpenAI for a conversation of messages.
    Chat,
    /// No wire at all.
    File,
    /// Streamable HTTP.
    Http,
    /// The API of OpenAI for a list of items.
    Responses,
    /// Plain requests and answers in JSON.
    Rest,
    /// HTTP with server-sent events, the transport of the first revision.
    Sse,
    Stdio,
}

/// Which era the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Auto,
    Legacy,
    Modern,
}

/// What must be on this machine to run a peer. Rust always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// No language, but as much a part of the machine.
    Curl,
    Node,
    Python,
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
    /// The languages that the cell needs.
    pub(crate) fn languages(self) -> impl Iterator<Item = Language> {
        let client = match self.client {
            Client::Inspector | Client::TypeScript | Client::TypeScriptLegacy => Some(Language::Node),
            Client::LangChain | Client::LiteLlm | Client::OpenAi | Client::Python | Client::PythonLegacy => {
                Some(Language::Python)
            }
            Client::Curl => Some(Language::Curl),
            Client::Ours | Client::Rust => None,
        };
        let server = match self.server {
            Server::Everything | Server::TypeScript | Server::TypeScriptLegacy => Some(Language::Node),
            // The handlers of its configuration are functions of Python.
            Server::Gateway | Server::Python | Server::PythonLegacy | Server::Time => Some(Language::Python),
            Server::Book | Server::Corpus | Server::Ours | Server::Rust => None,
        };
        client.into_iter().chain(server)
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
            Self::Curl => "curl",
            Self::Inspector => "inspector 2.12.0",
            Self::LangChain => "langchain 0.3.2",
            Self::LiteLlm => "litellm 1.109.1",
            Self::OpenAi => "openai 3.51.0",
            Self::Ours => "ours",
            Self::Python => "python 2.3.0",
            Self::PythonLegacy => "python 1.30.0",
            Self::Rust => "rust 3.8.0",
            Self::TypeScript => "typescript 2.4.0",
            Self::TypeScriptLegacy => "typescript 1.32.2",
        }
    }

    fn speaks(self, era: Era) -> bool {
        match self {
            Self::Ours | Self::Python | Self::Rust | Self::TypeScript => true,
            Self::Inspector => era != Era::Auto,
            Self::Curl | Self::LiteLlm | Self::OpenAi => era == Era::Auto,
            Self::LangChain | Self::PythonLegacy | Self::TypeScriptLegacy => era == Era::Legacy,
        }
    }
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Corpus => "corpus",
            Self::Everything => "everything 2026.8.31",
            Self::Gateway => "gateway",
            Self::Ours => "ours",
            Self::Python => "python 2.3.0",
            Self::PythonLegacy => "python 1.30.0",
            Self::Rust => "rust 3.8.0",
            Self::Time => "time 2026.10.19",
            Self::TypeScript => "typescript 2.4.0",
            Self::TypeScriptLegacy => "typescript 1.32.2",
        }
    }

    /// Whether it knows the modern era.
    pub(crate) fn is_modern(self) -> bool {
        !matches!(self, Self::Everything | Self::PythonLegacy | Self::TypeScriptLegacy)
    }
}

impl Transport {
    /// The word for it, on the command line of every client.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::File => "file",
            Self::Http => "http",
            Self::Responses => "responses",
            Self::Rest => "rest",
            Self::Sse => "sse",
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

/// The matrix: their clients against our server and our gateway, our client against their servers, and what our program
/// makes for models against the types of OpenAI.
pub(crate) fn matrix() -> Vec<Cell> {
    let asking = SDKS.into_iter().chain([Client::Inspector]).flat_map(|client| with(client, Server::Ours));
    let asked = THEIRS.into_iter().flat_map(|server| with(Client::Ours, server));
    let converted = [Server::Ours].into_iter().chain(THEIRS).flat_map(|server| with(Client::OpenAi, server));
    let samples = Cell { client: Client::Ours, server: Server::Book, transport: Transport::File, era: Era::Auto };
    // The samples come first, since their compiler is what takes longest.
    let all = [samples].into_iter().chain(asking).chain(asked).chain(converted);
    all.chain(old()).chain(gateway()).chain(models()).collect()
}

/// The clients that still know the transport of the first revision, against the server that is built in.
fn old() -> impl Iterator<Item = Cell> {
    SSE_CLIENTS.into_iter().map(|client| Cell {
        client,
        server: Server::Ours,
        transport: Transport::Sse,
        era: Era::Legacy,
    })
}

/// The second seed, to the letter: its configuration, and every client that its text or its readers have.
fn gateway() -> impl Iterator<Item = Cell> {
    let cell = |client, transport, era| Cell { client, server: Server::Gateway, transport, era };
    let sdks = SDKS.into_iter().chain([Client::Inspector, Client::Ours]);
    let streamable = sdks.flat_map(|client| with(client, Server::Gateway));
    let sse = SSE_CLIENTS.into_iter().map(move |client| cell(client, Transport::Sse, Era::Legacy));
    let named = [
        cell(Client::LangChain, Transport::Sse, Era::Legacy),
        cell(Client::LangChain, Transport::Http, Era::Legacy),
        cell(Client::LiteLlm, Transport::Sse, Era::Auto),
        cell(Client::LiteLlm, Transport::Http, Era::Auto),
        cell(Client::Curl, Transport::Rest, Era::Auto),
    ];
    streamable.chain(sse).chain(named)
}

/// What our program says to models, and what it says in the place of one.
fn models() -> impl Iterator<Item = Cell> {
    let cell = |server, transport| Cell { client: Client::OpenAi, server, transport, era: Era::Auto };
    let apis = [Transport::Chat, Transport::Responses].into_iter();
    let asked = apis.flat_map(move |api| [cell(Server::Ours, api), cell(Server::Gateway, api)]);
    asked.chain([Transport::File, Transport::Chat, Transport::Responses].map(|form| cell(Server::Corpus, form)))
}

/// The control group: their clients against their servers. A cell that is red here is not our fault.
pub(crate) fn control() -> Vec<Cell> {
    SDKS.into_iter().flat_map(|client| THEIRS.into_iter().flat_map(move |server| with(client, server))).collect()
}

/// The clients that know HTTP with SSE.
const SSE_CLIENTS: [Client; 4] = [Client::TypeScript, Client::TypeScriptLegacy, Client::Python, Client::PythonLegacy];
const SDKS: [Client; 5] =
    [Client::TypeScript, Client::TypeScriptLegacy, Client::Python, Client::PythonLegacy, Client::Rust];
/// Every server but ours.
pub(crate) const THEIRS: [Server; 7] = [
    Server::TypeScript,
    Server::TypeScriptLegacy,
    Server::Python,
    Server::PythonLegacy,
    Server::Rust,
    Server::Everything,
    Server::Time,
];

fn with(client: Client, server: Server) -> impl Iterator<Item = Cell> {
    let transports: &[Transport] = match (client, server) {
        (Client::OpenAi, _) | (_, Server::Time) => &[Transport::Stdio],
        (_, Server::Gateway) => &[Transport::Http],
        (Client::Ours, Server::Everything) => &[Transport::Http, Transport::Sse, Transport::Stdio],
        _ => &[Transport::Http, Transport::Stdio],
    };
    let eras = [Era::Legacy, Era::Modern, Era::Auto].into_iter();
    let eras = eras.filter(move |&era| client.speaks(era) && (server.is_modern() || era != Era::Modern));
    transports.iter().flat_map(move |&transport| eras.clone().map(move |era| Cell { client, server, transport, era }))
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
                    (Client::Rust, Server::Ours),
                    (Client::Inspector, Server::Ours),
                    (Client::Ours, Server::TypeScript),
                    (Client::Ours, Server::Python),
                    (Client::Ours, Server::Rust),
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
        let pin_in = |list: &'static str, package: &str| {
            let pins = list.lines().filter_map(|line| line.trim_end_matches(" \\").split_once("=="));
            pins.into_iter().find(|(name, _)| *name == package).unwrap().1
        };
        let pin = |package| pin_in(include_str!("../../interop/requirements.txt"), package);
        let litellm_pin = |package| pin_in(include_str!("../../interop/litellm/requirements.txt"), package);
        let legacy_pin = |package| pin_in(include_str!("../../interop/legacy/requirements.txt"), package);
        let rust = include_str!("../../interop/rmcp/Cargo.toml");
        assert_eq!(Client::Inspector.name(), format!("inspector {}", version("@modelcontextprotocol/inspector")));
        assert_eq!(Client::LangChain.name(), format!("langchain {}", legacy_pin("langchain-mcp-adapters")));
        assert_eq!(Client::LiteLlm.name(), format!("litellm {}", litellm_pin("litellm")));
        assert_eq!(Client::OpenAi.name(), format!("openai {}", pin("openai")));
        assert_eq!(Client::TypeScript.name(), format!("typescript {}", version("@modelcontextprotocol/client")));
        assert_eq!(Server::TypeScript.name(), format!("typescript {}", version("@modelcontextprotocol/server")));
        assert_eq!(Client::TypeScriptLegacy.name(), format!("typescript {}", version("@modelcontextprotocol/sdk")));
        assert_eq!(Server::TypeScriptLegacy.name(), Client::TypeScriptLegacy.name());
        let everything = version("@modelcontextprotocol/server-everything");
        assert_eq!(Server::Everything.name(), format!("everything {everything}"));
        assert_eq!(Client::Python.name(), format!("python {}", pin("mcp")));
        assert_eq!(Server::Python.name(), Client::Python.name());
        assert_eq!(Client::PythonLegacy.name(), format!("python {}", legacy_pin("mcp")));
        assert_eq!(Server::PythonLegacy.name(), Client::PythonLegacy.name());
        assert_eq!(Server::Time.name(), format!("time {}", pin("mcp-server-time")));
        let rmcp = Client::Rust.name().replace("rust ", "version = \"=");
        assert!(rust.contains(&format!("{rmcp}\"")), "{rmcp}");
        assert_eq!(Server::Rust.name(), Client::Rust.name());
    }

    #[test]
    fn a_peer_of_the_legacy_era_is_never_asked_for_the_modern_one() {
        let legacy = |cell: &Cell| !cell.server.is_modern() || !cell.client.speaks(Era::Modern);
        assert!(matrix().into_iter().filter(legacy).all(|cell| cell.era != Era::Modern));
        assert!(matrix().iter().any(|cell| cell.transport == Transport::Sse));
    }

    #[test]
    fn a_control_cell_has_nothing_of_ours() {
        let is_ours = |cell: &Cell| cell.client == Client::Ours || cell.server == Server::Ours;
        assert!(!control().iter().any(is_ours));
    }
}
