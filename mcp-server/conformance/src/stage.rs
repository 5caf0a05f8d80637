//! Where a scenario runs: it opens clients and raw wires to the servers of one cell.
//!
//! The surprising thing: over stdio every client and every wire has a server process of its own, and over the others
//! they share one server.

use std::collections::HashMap;
use std::env;
use std::net::SocketAddr;
use std::ops::Deref;
use std::process::Stdio;

use mcp_client::{Client, ClientBuilder, EraMode, Target};
use mcp_server::{Http, Pipe, Server};
use mcp_transport::memory;
use mcp_types::Implementation;

use crate::arguments::{SERVE_ASKING, SERVE_STDIO};
use crate::failure::Failure;
use crate::fixture::Fixture;
use crate::runner::AbortOnDrop;
use crate::setting::{Setting, Transport};
use crate::wire::{HttpWire, LineWire, Wire, WireError};

/// One cell of the matrix.
pub(crate) struct Stage {
    setting: Setting,
    running: tokio::sync::Mutex<HashMap<Fixture, Running>>,
}

/// A server of this process.
struct Running {
    server: Server,
    /// Where it listens, and the task that does it.
    listener: Option<(SocketAddr, AbortOnDrop<Result<(), mcp_server::Error>>)>,
}

impl Deref for Stage {
    type Target = Setting;

    fn deref(&self) -> &Setting {
        &self.setting
    }
}

impl Stage {
    pub(crate) fn new(setting: Setting) -> Self {
        Self { setting, running: tokio::sync::Mutex::default() }
    }

    /// Returns a client of the full server.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        self.client_of(Fixture::Full).await
    }

    /// Returns a client of a server.
    pub(crate) async fn client_of(&self, fixture: Fixture) -> Result<Client, Failure> {
        self.connect(self.builder(), fixture).await
    }

    /// Begins to configure a client that speaks the revision of the cell and no other.
    pub(crate) fn builder(&self) -> ClientBuilder {
        let mode = if self.setting.is_legacy() { EraMode::Legacy } else { EraMode::Modern };
        Client::builder(Implementation::new(CLIENT, "1")).era(mode).revisions([self.setting.revision])
    }

    /// Connects a client to a server.
    pub(crate) async fn connect(&self, builder: ClientBuilder, fixture: Fixture) -> Result<Client, Failure> {
        Ok(builder.connect(self.target(fixture).await?).await?)
    }

    /// Returns what a client connects to.
    pub(crate) async fn target(&self, fixture: Fixture) -> Result<Target, Failure> {
        match self.setting.transport {
            Transport::Memory => Ok(self.server(fixture).await?.in_process().into()),
            Transport::Stdio => {
                let program = env::current_exe().map_err(WireError::from)?;
                Ok(mcp_client::Command::new(program).args([SERVE_STDIO, fixture.as_str()]).into())
            }
            Transport::Http => Ok(format!("http://{}/mcp", self.address(fixture).await?).into()),
        }
    }

    /// Returns a raw wire to the full server, after the handshake where there is one.
    pub(crate) async fn wire(&self) -> Result<Wire, Failure> {
        let mut wire = self.silent_wire(Fixture::Full).await?;
        wire.shake_hands().await?;
        Ok(wire)
    }

    /// Returns a raw wire to a server, on which nothing was said yet.
    pub(crate) async fn silent_wire(&self, fixture: Fixture) -> Result<Wire, Failure> {
        match self.setting.transport {
            Transport::Memory => {
                let (client, server) = memory::pair();
                let (reader, writer) = tokio::io::split(server);
                let way_in = Pipe::new(reader, writer).limits(fixture.limits());
                let server = self.server(fixture).await?;
                // It ends when the wire is dropped.
                tokio::spawn(async move { server.serve(way_in).await });
                let (reader, writer) = tokio::io::split(client);
                Ok(Wire::over_lines(self.setting, LineWire::new(reader, writer)))
            }
            Transport::Stdio => self.child_wire([SERVE_STDIO, fixture.as_str()]).map_err(Failure::from),
            Transport::Http => Ok(Wire::over_http(self.setting, HttpWire::new(self.address(fixture).await?))),
        }
    }

    /// Returns a raw wire to a process that serves [`Fixture::Asking`] over its standard streams, whatever the transport
    /// of the cell is, and seals with this key.
    pub(crate) fn asking_process(&self, key: &str) -> Result<Wire, Failure> {
        self.child_wire([SERVE_ASKING, key]).map_err(Failure::from)
    }

    fn child_wire(&self, arguments: [&str; 2]) -> Result<Wire, WireError> {
        let mut command = tokio::process::Command::new(env::current_exe()?);
        command.args(arguments).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let (Some(writer), Some(reader)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(WireError::Ended);
        };
        Ok(Wire::over_lines(self.setting, LineWire::new(reader, writer).with_child(child)))
    }

    async fn server(&self, fixture: Fixture) -> Result<Server, Failure> {
        let mut running = self.running.lock().await;
        if let Some(running) = running.get(&fixture) {
            return Ok(running.server.clone());
        }
        let server = fixture.build()?;
        running.insert(fixture, Running { server: server.clone(), listener: None });
        Ok(server)
    }

    async fn address(&self, fixture: Fixture) -> Result<SocketAddr, Failure> {
        let mut running = self.running.lock().await;
        if let Some(Running { listener: Some((address, _)), .. }) = running.get(&fixture) {
            return Ok(*address);
        }
        let server = fixture.build()?;
        let http = Http::bind("127.0.0.1:0").await.map_err(mcp_server::Error::from)?;
        let http = http.limits(fixture.limits());
        let address = http.local_addr();
        let serving = server.clone();
        let task = AbortOnDrop(tokio::spawn(async move { serving.serve(http).await }));
        running.insert(fixture, Running { server, listener: Some((address, task)) });
        Ok(address)
    }
}

/// How the clients introduce themselves.
pub(crate) const CLIENT: &str = "matrix";
