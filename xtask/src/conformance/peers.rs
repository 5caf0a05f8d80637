//! What the suite judges: our two fixture programs, or programs that the command line names.

use std::{
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    process::{Group, Outcome, Red, cargo, free_port, run as run_command},
    workspace::{Workspace, root},
};

/// Where the suite finds what it judges.
#[derive(Debug)]
pub(crate) enum Peer {
    /// A server that runs.
    Server { url: String },
    /// A client that the suite starts.
    Client {
        /// The suite splits it at spaces, so a path is not safe in it.
        command: String,
        /// Where it is started.
        folder: PathBuf,
    },
}

/// Builds the server fixture and starts it.
///
/// # Errors
///
/// When it does not build or takes no connection in time.
pub(crate) fn server(workspace: &Workspace) -> Outcome<(Group, Peer)> {
    let folder = build(workspace, "mcp-server", SERVER)?;
    let port = free_port()?;
    let mut command = Command::new(folder.join(SERVER));
    let mut group = Group::start(command.env("PORT", port.to_string()))?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    group
        .wait_until(PATIENCE, || TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
        .map_err(|red| Red::new(format!("the example `{SERVER}` does not listen on {address}: {red}")))?;
    Ok((group, Peer::Server { url: format!("http://{address}/mcp") }))
}

/// Builds the client fixture.
///
/// # Errors
///
/// When it does not build.
pub(crate) fn client(workspace: &Workspace) -> Outcome<Peer> {
    let folder = build(workspace, "mcp-client", CLIENT)?;
    Ok(Peer::Client { command: format!("./{CLIENT}"), folder })
}

/// Builds an example with every feature, and returns the folder that it is in.
fn build(workspace: &Workspace, package: &str, example: &str) -> Outcome<PathBuf> {
    let mut command = cargo();
    command.current_dir(root()).args(["build", "--quiet", "--all-features", "--package", package]);
    run_command(command.args(["--example", example]))?;
    Ok(workspace.target_directory.join(Path::new("debug/examples")))
}

const SERVER: &str = "everything_server";
const CLIENT: &str = "everything_client";
/// How long the server may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);
