//! The peers: installed below `target/interop`, each at the exact version that `xtask/interop` names.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use crate::{
    install,
    process::{Outcome, cargo, is_installed},
    workspace::root,
};

/// What is installed. A side whose language is not on this machine is absent.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) node: Option<Node>,
    pub(crate) python: Option<Python>,
    pub(crate) rust: Rust,
}

/// The TypeScript side.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) program: PathBuf,
    /// The folder with `node_modules` and our drivers.
    pub(crate) folder: PathBuf,
}

/// The Python side.
#[derive(Debug)]
pub(crate) struct Python {
    pub(crate) program: PathBuf,
    /// The one that sees the SDK of the legacy era, and what takes no later one.
    pub(crate) legacy: PathBuf,
    /// The one that sees LiteLLM.
    pub(crate) litellm: PathBuf,
    /// The folder of our drivers.
    pub(crate) folder: PathBuf,
    pub(crate) time_server: PathBuf,
}

/// The Rust side.
#[derive(Debug)]
pub(crate) struct Rust {
    pub(crate) client: PathBuf,
    pub(crate) server: PathBuf,
}

impl Peers {
    /// Installs what is missing below the folder `interop` of `target`.
    ///
    /// # Errors
    ///
    /// When an installation fails. A language that is not there at all is no error here.
    pub(crate) fn install(target: &Path) -> Outcome<Self> {
        let has = |program| is_installed(program, "--version");
        // Two wait for the network most of the time, and the third for the compiler.
        thread::scope(|scope| {
            let node = scope.spawn(|| has("npm").then(|| Node::install(target)).transpose());
            let python = scope.spawn(|| has("python3").then(|| Python::install(target)).transpose());
            let rust = Rust::build(target);
            let panicked = "an installation returns an error and does not panic";
            Ok(Self { node: node.join().expect(panicked)?, python: python.join().expect(panicked)?, rust: rust? })
        })
    }
}

impl Node {
    fn install(target: &Path) -> Outcome<Self> {
        let program = install::node(target)?;
        let folder = target.join("interop").join("typescript");
        let sources = root().join(SOURCES);
        install::packages(&folder, &sources)?;
        // Node looks for packages beside the script, so the scripts lie beside the packages.
        install::fresh(&folder.join("legacy"))?;
        for driver in NODE_DRIVERS {
            install::write(&folder.join(driver), &install::read(&sources.join(driver))?)?;
        }
        Ok(Self { program, folder })
    }
}

impl Python {
    fn install(target: &Path) -> Outcome<Self> {
        let sources = root().join(SOURCES);
        let [bin, legacy, litellm] = thread::scope(|scope| {
            let named = [("python", ""), ("python-legacy", "legacy"), ("python-litellm", "litellm")];
            named
                .map(|(name, below)| (target.join("interop").join(name), sources.join(below)))
                .map(|(folder, sources)| scope.spawn(move || environment(&folder, &sources)))
                .map(|started| started.join().expect("an installation returns an error and does not panic"))
        });
        let (bin, legacy, litellm) = (bin?, legacy?, litellm?);
        let (program, time_server) = (bin.join("python"), bin.join("mcp-server-time"));
        let [legacy, litellm] = [legacy, litellm].map(|bin| bin.join("python"));
        Ok(Self { program, legacy, litellm, folder: sources, time_server })
    }
}

/// Installs into a virtual environment what the `requirements.txt` of `sources` names, each file known by its hash, and
/// returns the folder of its programs.
///
/// # Errors
///
/// When one step of it fails.
pub(crate) fn environment(folder: &Path, sources: &Path) -> Outcome<PathBuf> {
    let bin = folder.join("venv").join("bin");
    let named = install::read(&sources.join("requirements.txt"))?;
    if !install::is_current(folder, &named) {
        install::fresh(folder)?;
        install::write(&folder.join("requirements.txt"), &named)?;
        install::run(Command::new("python3").current_dir(folder).args(["-m", "venv", "venv"]))?;
        let mut pip = Command::new(bin.join("pip"));
        pip.current_dir(folder).args(["--disable-pip-version-check", "install", "--quiet", "--require-hashes"]);
        // The list is all there is to install: LiteLLM asks for much that its client of MCP does not import.
        install::run(pip.args(["--no-deps", "-r", "requirements.txt"]))?;
        install::mark_current(folder, &named)?;
    }
    Ok(bin)
}

impl Rust {
    fn build(target: &Path) -> Outcome<Self> {
        let folder = target.join("interop").join("rmcp");
        let sources = root().join(SOURCES).join("rmcp");
        let mut command = cargo();
        // Cargo itself knows what is current.
        command.current_dir(&sources).args(["build", "--quiet", "--locked", "--target-dir"]);
        install::run(command.arg(&folder))?;
        let bin = folder.join("debug");
        Ok(Self { client: bin.join("client"), server: bin.join("server") })
    }
}

/// The drivers that Node runs.
const NODE_DRIVERS: [&str; 6] =
    ["checks.mjs", "client.mjs", "legacy/client.mjs", "legacy/server.mjs", "offer.mjs", "server.mjs"];
/// Where the drivers and the lists of versions are, below the top of the tree.
const SOURCES: &str = "xtask/interop";
